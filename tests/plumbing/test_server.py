"""The server's own door, over a real socket."""

import http.client
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from faults.processes import Group, environment
from sqlalchemy.engine import URL

from survey_app.server import MAX_HEAD


@pytest.fixture(scope="module")
def running(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    """`soundings serve --with-worker`."""
    folder = tmp_path_factory.mktemp("server")
    database = folder / "soundings.db"
    database.write_bytes(sqlite_template.read_bytes())
    environ = environment(folder, URL.create("sqlite", database=str(database)))
    group = Group(environ, folder / "serve.log")
    group.start()
    yield group
    group.stop()


def ask(group: Group, head: bytes) -> tuple[int, bytes]:
    """Send the head of a request; the answer's status and body, or what of them came through."""
    with socket.create_connection(("127.0.0.1", group.port), timeout=20) as line:
        with suppress(OSError):  # it may hang up while we are still talking
            line.sendall(head + b"\r\n")
        reply = http.client.HTTPResponse(line)
        reply.begin()
        return reply.status, reply.read()


START = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
TOO_LARGE = {
    "one field": START + b"X-A: " + b"a" * MAX_HEAD + b"\r\n",
    "one cookie": START + b"Cookie: a=" + b"a" * MAX_HEAD + b"\r\n",
    "many fields": START + b"".join(b"X-%d: a\r\n" % number for number in range(5000)),
    "an address": b"GET /" + b"a" * MAX_HEAD + b" HTTP/1.1\r\nHost: x\r\n",
    "no end": START + b"a" * MAX_HEAD,
}


def test_a_head_of_ordinary_size_is_read(running: Group) -> None:
    assert ask(running, START + b"Cookie: a=" + b"a" * 16_000 + b"\r\n")[0] == 200


@pytest.mark.parametrize("head", TOO_LARGE.values(), ids=TOO_LARGE)
def test_a_head_that_is_too_large_is_431_and_nobody_else_notices(
    running: Group, head: bytes
) -> None:
    status, body = ask(running, head)
    assert status == 431
    assert b"aaaa" not in body, "nothing of it is repeated"
    assert running.ask("GET", "/healthz")[0] == 200
