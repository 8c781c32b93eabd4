"""Accepted submissions per second through the real endpoint, against a bare Flask + SQLite app.

Both run as their own process under waitress with the same settings, commit durably once per
request, and are asked in turn by the same clients over connections that stay open.
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

THREADS = 8
CLIENTS = 8
COMMENT = "The delivery was late, but the people on the phone were kind."


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Connection:
    """A connection that stays open, with as little of a client as can be."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def post(self, path: str, body: bytes) -> int:
        """Send one JSON body; returns the status once the whole reply is there."""
        head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self._socket.sendall(head.encode() + body)
        reply = b""
        while b"\r\n\r\n" not in reply:
            reply += self._receive()
        head_bytes, _, content = reply.partition(b"\r\n\r\n")
        length = int(head_bytes.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        while len(content) < length:
            content += self._receive()
        return int(head_bytes.split(b" ", 2)[1])

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _receive(self) -> bytes:
        block = self._socket.recv(65536)
        if not block:
            raise ConnectionError("the server hung up")
        return block


def rate(port: int, path: str, seconds: float) -> float:
    """Accepted submissions per second; raises RuntimeError when one is not accepted."""
    counts, refused = [0] * CLIENTS, []
    end = time.monotonic() + seconds

    def ask(place: int) -> None:
        connection = Connection(port)
        while time.monotonic() < end:
            answers = {"nps": counts[place] % 11, "comment": COMMENT}
            body = {"id": str(uuid.uuid4()), "status": "complete", "answers": answers}
            status = connection.post(path, json.dumps(body | {"locale": "en"}).encode())
            if status != 201:
                refused.append(status)
                break
            counts[place] += 1
        connection.close()

    began = time.monotonic()
    clients = [threading.Thread(target=ask, args=(place,)) for place in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    if refused:
        raise RuntimeError(f"not accepted: {refused[:3]}")
    return sum(counts) / (time.monotonic() - began)


@contextmanager
def running(command: list[str], port: int, environ: dict[str, str]) -> Iterator[None]:
    """A server process until the block ends."""
    process = subprocess.Popen(command, env=os.environ | environ, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(30)


def prepared(folder: Path) -> dict[str, str]:
    """Settings of an installation with the survey `bench`."""
    environ = {
        "SOUNDINGS_DATA_DIR": str(folder / "product"),
        "SOUNDINGS_PORT": str(free_port()),
        "SOUNDINGS_PUBLIC_LIMIT": "1000000",
        "SOUNDINGS_THREADS": str(THREADS),
    }
    for words in (
        ("db", "upgrade"),
        ("workspace", "create", "bench"),
        ("survey", "create", "bench", "--workspace", "bench", "--template", "nps"),
    ):
        subprocess.run(
            [sys.executable, "-m", "survey_app", *words],
            env=os.environ | environ,
            check=True,
            stdout=subprocess.DEVNULL,
        )
    return environ


def measure(folder: Path, *, rounds: int = 5, seconds: float = 4.0) -> str:
    """Ask both in turn; returns the line to print."""
    environ = prepared(folder)
    product_port, bare_port = int(environ["SOUNDINGS_PORT"]), free_port()
    bare = [
        sys.executable,
        str(Path(__file__).with_name("bare_app.py")),
        str(bare_port),
        str(folder / "bare.db"),
        str(THREADS),
    ]
    path = "/api/v1/public/surveys/bench/responses"
    product_rates, bare_rates = [], []
    with ExitStack() as stack:
        stack.enter_context(
            running([sys.executable, "-m", "survey_app", "serve"], product_port, environ)
        )
        stack.enter_context(running(bare, bare_port, {}))
        rate(product_port, path, 1), rate(bare_port, "/responses", 1)  # warm
        for _ in range(rounds):
            product_rates.append(rate(product_port, path, seconds))
            bare_rates.append(rate(bare_port, "/responses", seconds))
    ratio = statistics.median(p / b for p, b in zip(product_rates, bare_rates, strict=True))
    return (
        f"submissions   {statistics.median(product_rates):7.0f}/s   "
        f"bare Flask + SQLite {statistics.median(bare_rates):7.0f}/s   "
        f"ratio {ratio:.2f} (goal 0.5)"
    )
