"""The HTTP face: one error shape, safe headers, one commit per request."""

import gzip
import re
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from factories import NOW, Cast, csrf_token, log_in, settings_for
from flask import Flask, jsonify
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from survey_app import http
from survey_app.accounts.models import Counter
from survey_app.app import create_app
from survey_app.db import db
from survey_app.errors import Malformed

PUBLIC = "/api/v1/public/surveys/acme-nps/responses"

# --- NUL in addresses and forms -----------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/s/a%00b",
        "/api/v1/public/surveys/%00",
        "/w/ac%00me/perception",
        "/?lang=%00",
        "/s/acme-nps?locale=d%00e",
        "/%00",
    ],
)
def test_no_address_may_hold_nul(client: FlaskClient, cast: Cast, path: str) -> None:
    log_in(client, cast.member)
    assert client.get(path).status_code == 404


def test_nul_and_strange_letters_in_the_log_in_form_are_a_wrong_e_mail(
    client: FlaskClient, cast: Cast
) -> None:
    for email in ("a\0b@acme.example", cast.owner + "\0", "\ud7ff\ufffe@x", "x" * 250 + "@a.b"):
        form = {
            "email": email,
            "password": "correct horse battery\0",
            "csrf_token": csrf_token(client),
        }
        assert client.post("/login", data=form).status_code == 422


@pytest.mark.parametrize(
    "path", ["/s/" + "a" * 9000, "/s/%ff%fe", "/w/%F0%9F%98%80/x", "/s/a/../b"]
)
def test_mad_addresses_are_not_found(client: FlaskClient, cast: Cast, path: str) -> None:
    assert client.get(path).status_code == 404


# --- headers ------------------------------------------------------------------------------------


def policy(response: TestResponse) -> dict[str, str]:
    parts = (
        part.strip().partition(" ")
        for part in response.headers["Content-Security-Policy"].split(";")
    )
    return {name: value.strip() for name, _, value in parts}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/login", 200),
        ("/", 302),
        ("/nowhere", 404),
        ("/w/acme/perception", 302),
        ("/s/acme-nps", 200),
        ("/s/nothing", 404),
        ("/healthz", 200),
        ("/readyz", 200),
        ("/api/v1/public/surveys/acme-nps", 200),
        ("/api/v1/public/surveys/none", 404),
        ("/embed/v1.js", 200),
    ],
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
    may_be_framed = path.startswith("/s/")
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
    [
        ("GET", "/api/v1/none", 404, "http.404"),
        ("DELETE", PUBLIC, 405, "http.405"),
        ("GET", "/api/v1/public/surveys/none", 404, "survey.unknown"),
        ("GET", "/w/acme/perception", 401, "session.none"),
        ("POST", "/login", 400, "csrf"),
    ],
)
def test_programs_get_one_error_shape(
    is_problem: Any, client: FlaskClient, cast: Cast, method: str, path: str, status: int, code: str
) -> None:
    response = client.open(path, method=method, headers={"Accept": "application/json"})
    is_problem(response, status, code)


@pytest.mark.parametrize("path", ["/nowhere", "/w/acme/nowhere"])
def test_people_get_a_page_in_their_language(client: FlaskClient, path: str) -> None:
    english = client.get(path, headers={"Accept": "text/html"})
    assert english.status_code == 404
    assert english.mimetype == "text/html"
    assert '<html lang="en" dir="ltr">' in english.get_data(as_text=True)
    assert "<h1>Not found</h1>" in english.get_data(as_text=True)
    arabic = client.get(path, headers={"Accept-Language": "ar"}).get_data(as_text=True)
    assert '<html lang="ar" dir="rtl">' in arabic


def test_405_says_what_is_possible_and_head_and_options_work(
    client: FlaskClient, cast: Cast
) -> None:
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
        db.session.add(Counter(name=name, ends_at=NOW, count=1))

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


def counted(app: Flask) -> int:
    with app.app_context():
        return db.session.scalar(sa.select(sa.func.count()).select_from(Counter)) or 0


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/write_and_fail", 400, "test.bad"),
        ("/write_and_break", 500, "http.500"),
        ("/write_and_lose_the_database", 503, "database.unavailable"),
    ],
)
def test_a_failed_request_leaves_nothing_behind(
    is_problem: Any, shaky: Flask, path: str, status: int, code: str
) -> None:
    response = shaky.test_client().post(path, headers={"Accept": "application/json"})
    is_problem(response, status, code)
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert ("Retry-After" in response.headers) is (status == 503)
    assert b"closed the connection" not in response.data
    assert counted(shaky) == 0


def test_a_page_cannot_write(shaky: Flask) -> None:
    assert shaky.test_client().get("/write_in_a_page").status_code >= 500
    assert counted(shaky) == 0


def test_without_its_database_the_application_says_when_to_come_back(
    is_problem: Any, tmp_path: Path, catalogues: Path
) -> None:
    address = f"sqlite:///{tmp_path}/missing/soundings.db"
    client = create_app(settings_for(tmp_path, address)).test_client()
    answer = client.post(PUBLIC, data=b"{}", content_type="application/json")
    is_problem(answer, 503, "database.unavailable")
    assert answer.headers["Retry-After"] == "5"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize("path", ["/embed/v1.js", "/static/css/survey.css"])
def test_files_travel_compressed_and_are_asked_for_once(client: FlaskClient, path: str) -> None:
    with client.get(path) as plain, client.get(path, headers=_taking("gzip, br")) as packed:
        assert "Content-Encoding" not in plain.headers
        assert packed.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(packed.data) == plain.data
        assert len(packed.data) < 0.45 * len(plain.data)
        assert "Accept-Encoding" in packed.headers["Vary"]
        known = _taking("gzip") | {"If-None-Match": packed.headers["ETag"]}
    with client.get(path, headers=known) as again:
        assert again.status_code == 304


def _taking(encodings: str) -> dict[str, str]:
    return {"Accept-Encoding": encodings}


def test_pages_are_not_compressed(client: FlaskClient) -> None:
    page = client.get("/login", headers={"Accept-Encoding": "gzip"})
    assert page.status_code == 200 and "Content-Encoding" not in page.headers
