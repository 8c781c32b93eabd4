"""The HTTP face: strict JSON, one error shape, safe headers, one commit per request."""

import json
import re
import socket
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from factories import Cast, csrf_token, free_port, log_in, settings_for
from flask import Flask, jsonify
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError
from waitress.server import create_server
from werkzeug.test import TestResponse

from survey_app import http
from survey_app.accounts.models import Counter, Workspace
from survey_app.app import create_app
from survey_app.db import db
from survey_app.errors import Malformed
from survey_app.http import MAX_DEPTH, MAX_INTEGER, parse_json

PUBLIC = "/api/v1/public/surveys/acme-nps/responses"
FIELDS = {"type", "title", "status", "code", "detail", "hint", "errors"}


def body(comment: str = "fine", score: str = "9") -> bytes:
    """A good answer, with room to spoil it."""
    key = uuid.uuid4()
    return (
        f'{{"id": "{key}", "status": "complete", "locale": "en", '
        f'"answers": {{"nps": {score}, "comment": "{comment}"}}}}'
    ).encode()


def assert_problem(response: TestResponse, status: int, code: str) -> None:
    assert response.status_code == status, response.get_data(as_text=True)
    assert response.content_type == "application/problem+json"
    problem = json.loads(response.data)
    assert set(problem) == FIELDS
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["type"] == f"urn:soundings:problem:{code}"
    assert problem["title"] and problem["detail"]


UNREADABLE = {
    "NaN": body(score="NaN"),
    "Infinity": body(score="Infinity"),
    "-Infinity": body(score="-Infinity"),
    "1e400": body(score="1e400"),
    "-1e400": body(score="-1e400"),
    "2^63": body(score=str(2**63)),
    "-2^63-1": body(score=str(-(2**63) - 1)),
    "5,000 digits": body(score="9" * 5000),
    "duplicate key": b'{"id": "a", "id": "b"}',
    "duplicate key in an object": b'{"answers": {"nps": 1, "nps": 2}}',
    "duplicate key by escape": b'{"id": 1, "\\u0069d": 2}',
    "20,000 lists": b"[" * 20_000 + b"]" * 20_000,
    "20,000 objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "unclosed depth": b"[" * 20_000,
    "NUL in a text": body(comment="a\\u0000b"),
    "NUL in a key": b'{"a\\u0000": 1}',
    "raw NUL": body(comment="a\0b"),
    "lone surrogate in a text": body(comment="\\ud800"),
    "lone low surrogate": body(comment="\\udc00 x"),
    "lone surrogate in a key": b'{"\\udfff": 1}',
    "encoded surrogate": b'{"a": "\xed\xa0\x80"}',
    "invalid UTF-8": b'{"a": "\xff"}',
    "overlong UTF-8": b'{"a": "\xc0\xaf"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf{}",
    "empty": b"",
    "blank": b"  \n",
    "two values": b"{} {}",
    "trailing comma": b'{"a": 1,}',
    "single quotes": b"{'a': 1}",
    "cut": body()[:-5],
}


@pytest.mark.parametrize("payload", UNREADABLE.values(), ids=UNREADABLE)
def test_unreadable_json_is_400_and_says_why(
    client: FlaskClient, cast: Cast, payload: bytes
) -> None:
    response = client.post(PUBLIC, data=payload, content_type="application/json")
    assert_problem(response, 400, "json.malformed")


def test_what_is_readable_is_not_refused(client: FlaskClient, cast: Cast) -> None:
    for payload in (body(), body(comment="\\ud83d\\ude00 [[[{{{ \\\\ \\\""), b" " * 99 + body()):
        assert client.post(PUBLIC, data=payload, content_type="application/json").status_code == 201
    scored = client.post(PUBLIC, data=body(score=str(MAX_INTEGER)), content_type="application/json")
    assert_problem(scored, 422, "response.invalid")
    errors = json.loads(scored.data)["errors"]
    assert [(error["field"], error["code"]) for error in errors] == [("answers.nps", "answer.score")]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "text/json", ""])
def test_another_content_type_is_415(client: FlaskClient, cast: Cast, kind: str) -> None:
    assert_problem(client.post(PUBLIC, data=body(), content_type=kind), 415, "request.content_type")


def test_64_kib_are_read_and_one_byte_more_is_413_before_parsing(
    client: FlaskClient, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = body().ljust(64 * 1024)
    assert client.post(PUBLIC, data=full, content_type="application/json").status_code == 201
    monkeypatch.setattr(http, "parse_json", lambda _: pytest.fail("it was parsed"))
    more = client.post(PUBLIC, data=b"[" * (64 * 1024 + 1), content_type="application/json")
    assert_problem(more, 413, "request.too_large")


# --- over a real socket -------------------------------------------------------------------------


@pytest.fixture
def address(app: Flask, cast: Cast) -> Iterator[tuple[str, int]]:
    """The application under the real server."""
    server = create_server(app, host="127.0.0.1", port=free_port(), threads=2)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield ("127.0.0.1", server.effective_port)
    server.task_dispatcher.shutdown(timeout=2)
    server.close()
    # Its loop looks at the listening socket once more.
    server.trigger.close()
    thread.join(5)


def send(address: tuple[str, int], head: str, payload: bytes) -> tuple[int, bytes]:
    with socket.create_connection(address, timeout=10) as connection:
        lines = f"POST {PUBLIC} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{head}\r\n\r\n"
        connection.sendall(lines.encode() + payload)
        answer = b""
        while part := connection.recv(65536):
            answer += part
    headers, _, text = answer.partition(b"\r\n\r\n")
    return int(headers.split()[1]), text


def chunked(payload: bytes) -> bytes:
    pieces = [payload[at : at + 1000] for at in range(0, len(payload), 1000)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_body_without_length_is_read_and_limited(address: tuple[str, int]) -> None:
    head = "Content-Type: application/json\r\nTransfer-Encoding: chunked"
    status, text = send(address, head, chunked(body()))
    assert status == 201, text
    status, text = send(address, head, chunked(b"[" * (64 * 1024 + 1)))
    assert (status, json.loads(text)["code"]) == (413, "request.too_large")
    status, text = send(address, "Content-Type: application/json", b"")
    assert (status, json.loads(text)["code"]) == (400, "json.malformed")


# --- parse_json ---------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
values = st.recursive(
    st.none() | st.booleans() | texts | st.integers(-MAX_INTEGER - 1, MAX_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


@given(values, st.booleans())
def test_whatever_json_can_say_comes_back_as_it_was(value: object, ascii_only: bool) -> None:
    assert parse_json(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.binary(max_size=200))
def test_bytes_are_parsed_or_refused_and_never_crash(payload: bytes) -> None:
    try:
        value = parse_json(payload)
    except Malformed:
        return
    assert value == json.loads(payload)


@given(st.integers(1, 200), st.sampled_from(['[%s]', '{"a": %s}', '[1, %s]']), texts)
def test_depth_is_counted_outside_of_texts(depth: int, form: str, text: str) -> None:
    inner = json.dumps(text + "[" * 100 + '\\"')
    payload = inner
    for _ in range(depth):
        payload = form % payload if "%" not in payload else form.replace("%s", payload)
    if depth <= MAX_DEPTH:
        parse_json(payload.encode())
    else:
        with pytest.raises(Malformed):
            parse_json(payload.encode())


# --- NUL in addresses and forms -----------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    ["/s/a%00b", "/api/v1/public/surveys/%00", "/w/ac%00me/perception", "/?lang=%00",
     "/s/acme-nps?locale=d%00e", "/%00"],
)
def test_no_address_may_hold_nul(client: FlaskClient, cast: Cast, path: str) -> None:
    log_in(client, cast.member)
    assert client.get(path).status_code == 404


def test_nul_and_strange_letters_in_the_log_in_form_are_a_wrong_e_mail(
    client: FlaskClient, cast: Cast
) -> None:
    for email in ("a\0b@acme.example", cast.owner + "\0", "\ud7ff\ufffe@x", "x" * 250 + "@a.b"):
        form = {"email": email, "password": "correct horse battery\0",
                "csrf_token": csrf_token(client)}
        assert client.post("/login", data=form).status_code == 422


@pytest.mark.parametrize("path", ["/s/" + "a" * 9000, "/s/%ff%fe", "/w/%F0%9F%98%80/x", "/s/a/../b"])
def test_mad_addresses_are_not_found(client: FlaskClient, cast: Cast, path: str) -> None:
    assert client.get(path).status_code == 404


# --- headers ------------------------------------------------------------------------------------


def policy(response: TestResponse) -> dict[str, str]:
    parts = (part.strip().partition(" ") for part in
             response.headers["Content-Security-Policy"].split(";"))
    return {name: value.strip() for name, _, value in parts}


@pytest.mark.parametrize(
    ("path", "status"),
    [("/login", 200), ("/", 302), ("/nowhere", 404), ("/w/acme/perception", 302),
     ("/s/acme-nps", 200), ("/s/nothing", 404), ("/healthz", 200), ("/readyz", 200),
     ("/api/v1/public/surveys/acme-nps", 200), ("/api/v1/public/surveys/none", 404),
     ("/embed/v1.js", 200)],
)
def test_every_answer_carries_the_safe_headers(
    client: FlaskClient, cast: Cast, path: str, status: int
) -> None:
    response = client.get(path)
    response.close()  # the widget is streamed from its file
    assert response.status_code == status
    rules = policy(response)
    assert rules["default-src"] == rules["base-uri"] == "'none'"
    assert rules["form-action"] == rules["script-src"] == rules["style-src"] == "'self'"
    assert "unsafe" not in response.headers["Content-Security-Policy"]
    assert rules["require-trusted-types-for"] == "'script'"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    may_be_framed = path == "/s/acme-nps"
    assert rules["frame-ancestors"] == ("*" if may_be_framed else "'none'")
    assert ("X-Frame-Options" in response.headers) is not may_be_framed
    if path != "/embed/v1.js":
        assert response.headers["Cache-Control"] == "no-store"


def test_members_pages_carry_them_too(client: FlaskClient, cast: Cast) -> None:
    log_in(client, cast.member)
    response = client.get("/w/acme/perception")
    assert response.status_code == 200
    assert policy(response)["frame-ancestors"] == "'none'"
    assert response.headers["X-Frame-Options"] == "DENY"
    text = response.get_data(as_text=True)
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=\"|javascript:", text)


def test_no_page_runs_inline_code(client: FlaskClient, cast: Cast) -> None:
    for path in ("/login", "/s/acme-nps", "/nowhere"):
        text = client.get(path).get_data(as_text=True)
        assert not re.search(r"<script(?![^>]*\bsrc=)|\son[a-z]+=|javascript:|\sstyle=", text), path


# --- errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [("GET", "/api/v1/none", 404, "http.404"), ("DELETE", PUBLIC, 405, "http.405"),
     ("GET", "/api/v1/public/surveys/none", 404, "survey.unknown"),
     ("GET", "/w/acme/perception", 401, "session.none"), ("POST", "/login", 400, "csrf")],
)
def test_programs_get_one_error_shape(
    client: FlaskClient, cast: Cast, method: str, path: str, status: int, code: str
) -> None:
    response = client.open(path, method=method, headers={"Accept": "application/json"})
    assert_problem(response, status, code)


@pytest.mark.parametrize("path", ["/nowhere", "/w/acme/nowhere"])
def test_people_get_a_page_in_their_language(client: FlaskClient, path: str) -> None:
    english = client.get(path, headers={"Accept": "text/html"})
    assert english.status_code == 404
    assert english.mimetype == "text/html"
    assert '<html lang="en" dir="ltr">' in english.get_data(as_text=True)
    assert "<h1>Not found</h1>" in english.get_data(as_text=True)
    arabic = client.get(path, headers={"Accept-Language": "ar"}).get_data(as_text=True)
    assert '<html lang="ar" dir="rtl">' in arabic


def test_405_says_what_is_possible_and_head_and_options_work(client: FlaskClient, cast: Cast) -> None:
    wrong = client.put("/login")
    assert wrong.status_code == 405
    assert {"GET", "POST"} <= set(wrong.headers["Allow"].split(", "))
    for path in ("/login", "/s/acme-nps", "/healthz", "/api/v1/public/surveys/acme-nps"):
        head = client.head(path)
        assert (head.status_code, head.data) == (200, b"")
    options = client.options(PUBLIC, headers={"Origin": "https://shop.example"})
    assert options.status_code == 200
    assert options.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in options.headers


# --- the boundary -------------------------------------------------------------------------------


@pytest.fixture
def shaky(app: Flask) -> Flask:
    """The application with routes that write and then go wrong."""

    def write(name: str) -> None:
        db.session.add(Counter(name=name, window_start=http_now(), count=1))

    @http.public
    @http.without_csrf
    def write_and_fail() -> str:
        write("fail")
        db.session.flush()
        raise Malformed("test.bad", "Bad.")

    @http.public
    @http.without_csrf
    def write_and_break() -> str:
        write("bug")
        db.session.flush()
        raise ZeroDivisionError

    @http.public
    @http.without_csrf
    def write_and_lose_the_database() -> object:
        write("lost")
        sa.event.listen(db.session, "before_commit", lose, once=True)
        return jsonify(done=True)

    def lose(_session: object) -> None:
        raise OperationalError("COMMIT", {}, Exception("the server closed the connection"))

    @http.public
    def write_in_a_page() -> str:
        write("page")
        db.session.commit()
        return "written"

    for view in (write_and_fail, write_and_break, write_and_lose_the_database):
        app.add_url_rule(f"/{view.__name__}", view_func=view, methods=["POST"])
    app.add_url_rule("/write_in_a_page", view_func=write_in_a_page)
    app.testing = False
    return app


def http_now() -> object:
    from factories import NOW

    return NOW


def counted(app: Flask) -> int:
    with app.app_context():
        return db.session.scalar(sa.select(sa.func.count()).select_from(Counter)) or 0


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [("/write_and_fail", 400, "test.bad"), ("/write_and_break", 500, "http.500"),
     ("/write_and_lose_the_database", 503, "database.unavailable")],
)
def test_a_failed_request_leaves_nothing_behind(
    shaky: Flask, path: str, status: int, code: str
) -> None:
    response = shaky.test_client().post(path, headers={"Accept": "application/json"})
    assert_problem(response, status, code)
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert ("Retry-After" in response.headers) is (status == 503)
    assert b"closed the connection" not in response.data
    assert counted(shaky) == 0


def test_a_page_cannot_write(shaky: Flask) -> None:
    assert shaky.test_client().get("/write_in_a_page").status_code >= 500
    assert counted(shaky) == 0


def test_without_its_database_the_application_says_when_to_come_back(
    tmp_path: Path, catalogues: Path
) -> None:
    address = f"sqlite:///{tmp_path}/missing/soundings.db"
    client = create_app(settings_for(tmp_path, address)).test_client()
    answer = client.post(PUBLIC, data=body(), content_type="application/json")
    assert_problem(answer, 503, "database.unavailable")
    assert answer.headers["Retry-After"] == "5"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert client.get("/healthz").status_code == 200


def test_a_session_reads_and_writes_the_same_database(app: Flask, cast: Cast, database_url: URL) -> None:
    with app.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(Workspace)) == 2
