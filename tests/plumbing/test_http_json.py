"""Strict JSON at the door: unreadable is 400, on every database alike, and never 500."""

import json
import socket
import threading
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from factories import Cast, free_port
from flask import Flask
from flask.testing import FlaskClient
from waitress.server import create_server

from survey_app import http
from survey_app.strict_json import MAX_INTEGER

PUBLIC = "/api/v1/public/surveys/acme-nps/responses"


def body(comment: str = "fine", score: str = "9") -> bytes:
    """A good answer, with room to spoil it."""
    key = uuid.uuid4()
    return (
        f'{{"id": "{key}", "status": "complete", "locale": "en", '
        f'"answers": {{"nps": {score}, "comment": "{comment}"}}}}'
    ).encode()


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
    is_problem: Any, client: FlaskClient, cast: Cast, payload: bytes
) -> None:
    response = client.post(PUBLIC, data=payload, content_type="application/json")
    is_problem(response, 400, "json.malformed")


def test_what_is_readable_is_not_refused(is_problem: Any, client: FlaskClient, cast: Cast) -> None:
    for payload in (body(), body(comment='\\ud83d\\ude00 [[[{{{ \\\\ \\"'), b" " * 99 + body()):
        assert client.post(PUBLIC, data=payload, content_type="application/json").status_code == 201
    scored = client.post(PUBLIC, data=body(score=str(MAX_INTEGER)), content_type="application/json")
    is_problem(scored, 422, "response.invalid")
    errors = json.loads(scored.data)["errors"]
    assert [(error["field"], error["code"]) for error in errors] == [
        ("answers.nps", "answer.score")
    ]


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "text/json", ""]
)
def test_another_content_type_is_415(
    is_problem: Any, client: FlaskClient, cast: Cast, kind: str
) -> None:
    is_problem(client.post(PUBLIC, data=body(), content_type=kind), 415, "request.content_type")


def test_64_kib_are_read_and_one_byte_more_is_413_before_parsing(
    is_problem: Any, client: FlaskClient, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = body().ljust(64 * 1024)
    assert client.post(PUBLIC, data=full, content_type="application/json").status_code == 201
    monkeypatch.setattr(http, "parse_json", lambda _: pytest.fail("it was parsed"))
    more = client.post(PUBLIC, data=b"[" * (64 * 1024 + 1), content_type="application/json")
    is_problem(more, 413, "request.too_large")


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
