"""SIGKILL and SIGTERM on real processes: what was acknowledged stays, nothing is left behind."""

import http.client
import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa
from factories import Cast
from faults.processes import Group, command, environment, is_alive, run, wait_for
from flask import Flask
from sqlalchemy.engine import URL

from survey_app.db import db
from survey_app.demo import operations
from survey_app.insights.models import CommentAnalysis
from survey_app.jobs import Job
from survey_app.responses.models import Answer, Response

PATH = "/api/v1/public/surveys/acme-nps/responses"
GOOD = {200, 201}
LATER = {429, 503}


@pytest.fixture
def group(app: Flask, cast: Cast, database_url: URL, tmp_path: Path) -> Iterator[Group]:
    """Web and worker on the test's database."""
    environ = environment(tmp_path, database_url, public_limit=1_000_000)
    running = Group(environ, tmp_path / "serve.log")
    running.start()
    yield running
    running.stop()


@dataclass
class Crowd:
    """Clients that send until each of their answers is acknowledged."""

    group: Group
    statuses: Counter[int] = field(default_factory=Counter)
    broken: int = 0
    acknowledged: dict[str, int] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, count: int, *, clients: int, kills: int) -> None:
        """Send answers from several clients; kill the group at even distances meanwhile."""
        self.waiting = [str(uuid.uuid4()) for _ in range(count)]
        threads = [threading.Thread(target=self._client) for _ in range(clients)]
        for thread in threads:
            thread.start()
        for number in range(1, kills + 1):
            wait_for(
                lambda at=count * number // (kills + 1): len(self.acknowledged) >= at, seconds=120
            )
            self.group.kill()
            self.group.start()
        for thread in threads:
            thread.join(120)
            assert not thread.is_alive()

    def _client(self) -> None:
        while True:
            with self.lock:
                if not self.waiting:
                    return
                key = self.waiting.pop()
            self._until_acknowledged(key)

    def _until_acknowledged(self, key: str) -> None:
        score = int(key[:2], 16) % 11
        answers = {"nps": score, "comment": f"The delivery was late. {key}"}
        body = {"id": key, "status": "complete", "answers": answers, "locale": "en"}
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                status, _, _ = self.group.ask("POST", PATH, body)
            except (OSError, http.client.HTTPException):
                with self.lock:
                    self.broken += 1
                time.sleep(0.05)
                continue
            with self.lock:
                self.statuses[status] += 1
                if status in GOOD:
                    self.acknowledged[key] = score
                    return
            assert status in LATER, status
            time.sleep(0.05)


def _check_nothing_lost(app: Flask, crowd: Crowd, count: int) -> None:
    assert set(crowd.statuses) <= GOOD | LATER, crowd.statuses
    assert len(crowd.acknowledged) == count
    with app.app_context():
        stored = db.session.execute(
            sa.select(Response.key, Answer.number)
            .join(Answer, Answer.response_id == Response.id)
            .where(Answer.question == "nps")
        ).all()
        db.session.rollback()
        assert len(stored) == count
        assert dict(map(tuple, stored)) == crowd.acknowledged
        wait_for(lambda: _count(CommentAnalysis) == count, seconds=180)
        wait_for(lambda: _count(Job) == 0)
        undone = sa.select(sa.func.count()).where(Response.analysed_version.is_(None))
        assert db.session.scalar(undone) == 0


def _count(model: type[Any]) -> int:
    found = db.session.scalar(sa.select(sa.func.count()).select_from(model)) or 0
    db.session.rollback()
    return found


def test_kills_during_300_answers_lose_nothing(
    app: Flask, group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd = Crowd(group)
    crowd.send(300, clients=8, kills=2)
    _release_leases(app)
    _check_nothing_lost(app, crowd, 300)


@pytest.mark.long
def test_kills_during_2000_answers_lose_nothing(app: Flask, group: Group) -> None:
    crowd = Crowd(group)
    crowd.send(2000, clients=8, kills=10)
    _release_leases(app)
    _check_nothing_lost(app, crowd, 2000)


def _release_leases(app: Flask) -> None:
    """Let the killed worker's leases run out now, instead of waiting for them."""
    with app.app_context():
        db.session.execute(sa.update(Job).values(leased_until=None))
        db.session.commit()


def test_sigterm_under_load_breaks_no_reply(group: Group) -> None:
    """50 requests a second; each is answered whole or finds the door shut, never cut off."""
    stopped = threading.Event()
    outcomes: Counter[str] = Counter()
    lock = threading.Lock()

    def client(number: int) -> None:
        while not stopped.is_set():
            body = {"id": str(uuid.uuid4()), "status": "complete", "answers": {"nps": 9}}
            outcome = "shut"
            try:
                status, _, data = group.ask("POST", PATH, body)
                outcome = str(status) if data.endswith(b"}\n") else "cut"
            except ConnectionRefusedError:
                pass
            except (OSError, http.client.HTTPException) as error:
                outcome = f"broken: {error!r}"
            with lock:
                outcomes[outcome] += 1
            time.sleep(random.uniform(0.1, 0.22))

    clients = [threading.Thread(target=client, args=(number,)) for number in range(8)]
    for thread in clients:
        thread.start()
    time.sleep(1.5)
    status = group.stop()
    stopped.set()
    for thread in clients:
        thread.join()
    assert status == 0
    assert set(outcomes) <= {"201", "shut"}, outcomes
    assert outcomes["201"] >= 30 and outcomes["shut"] >= 1


def test_a_client_that_keeps_its_connection_is_told_to_leave(group: Group) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", group.port, timeout=10)
    connection.request("GET", "/healthz")
    assert connection.getresponse().read()
    assert group.process is not None
    group.process.terminate()
    assert group.process.wait(15) == 0
    connection.close()


@pytest.mark.parametrize("size", [70_000, 1024 * 1024, 1024 * 1024 + 1, 3 * 1024 * 1024])
def test_too_much_is_refused_in_our_own_shape(size: int, group: Group) -> None:
    """Also where the server's own door refuses it, before it has arrived."""
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nOrigin: https://shop.example\r\n"
        f"Content-Type: application/json\r\nContent-Length: {size}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", group.port), timeout=20) as line:
        line.sendall(head.encode() + b" " * min(size, 1024 * 1024))
        reply = http.client.HTTPResponse(line)
        reply.begin()
        problem = json.loads(reply.read())
    assert (reply.status, problem["code"]) == (413, "request.too_large")
    assert reply.getheader("Content-Type") == "application/problem+json"
    assert reply.getheader("Access-Control-Allow-Origin") == "*"
    assert group.ask("GET", "/healthz")[0] == 200


def test_a_request_under_way_is_finished(group: Group) -> None:
    """Half of it has arrived when the end is announced."""
    body = b'{"id": "%s", "status": "complete", "answers": {"nps": 9}}' % str(uuid.uuid4()).encode()
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", group.port), timeout=20) as line:
        line.sendall(head.encode() + body[:10])
        time.sleep(0.3)
        assert group.process is not None
        group.process.terminate()
        time.sleep(0.5)
        line.sendall(body[10:])
        reply = b""
        while block := line.recv(65536):
            reply += block
    assert reply.startswith(b"HTTP/1.1 201") and reply.endswith(b"}\n")
    assert group.process.wait(30) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_web_and_worker_end_together(number: signal.Signals, group: Group) -> None:
    wait_for(lambda: len(group.pids()) == 2)
    pids = group.pids()
    os.kill(pids[0], number)
    wait_for(lambda: not any(is_alive(pid) for pid in pids[1:]), seconds=30)
    assert group.process is not None
    group.process.wait(30)


def test_a_worker_that_dies_comes_back(group: Group) -> None:
    wait_for(lambda: len(group.pids()) == 2)
    web, worker = group.pids()
    os.kill(worker, signal.SIGKILL)
    wait_for(lambda: len(group.pids()) == 2 and worker not in group.pids(), seconds=30)
    assert group.pids()[0] == web


def test_a_taken_address_is_one_sentence(group: Group, tmp_path: Path) -> None:
    status, printed = run(group.environ | {"SOUNDINGS_PORT": str(group.port)}, "serve")
    assert status == 1
    assert "SOUNDINGS_PORT" in printed and "Traceback" not in printed


def test_sqlite_waits_for_the_disk(app: Flask, cast: Cast) -> None:
    """An acknowledged answer must outlive a power failure."""
    with app.app_context():
        if db.engine.dialect.name != "sqlite":
            assert db.session.scalar(sa.text("SHOW synchronous_commit")) == "on"
            return
        connection: sqlite3.Connection = db.session.connection().connection.dbapi_connection  # type: ignore[assignment]
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)


@dataclass
class Member:
    """A browser of somebody who logs in through the form and looks at a page again and again."""

    group: Group
    cookies: dict[str, str] = field(default_factory=dict)
    statuses: list[int] = field(default_factory=list)

    @property
    def pages(self) -> int:
        """How many pages were shown."""
        return len(self.statuses)

    def log_in(self, email: str, password: str) -> None:
        """Fill in the log-in form."""
        _, html = self._ask("GET", "/login")
        token = html.split('name="csrf_token"', 1)[1].split('value="', 1)[1].split('"', 1)[0]
        form = {"email": email, "password": password, "csrf_token": token, "next": ""}
        status, html = self._ask("POST", "/login", urlencode(form))
        assert status == 302, html

    def read(self, path: str, meanwhile: subprocess.Popen[bytes]) -> None:
        """Look at a page while another process runs, twice at least."""
        while meanwhile.poll() is None or self.pages < 2:
            self.statuses.append(self._ask("GET", path)[0])

    def _ask(self, method: str, path: str, form: str | None = None) -> tuple[int, str]:
        line = http.client.HTTPConnection("127.0.0.1", self.group.port, timeout=60)
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        line.request(method, path, form, headers)
        reply = line.getresponse()
        for name, value in reply.getheaders():
            if name.lower() == "set-cookie":
                cookie, _, content = value.partition(";")[0].partition("=")
                self.cookies[cookie] = content
        html = reply.read().decode()
        line.close()
        return reply.status, html


def test_people_answer_while_a_page_renders_and_an_import_runs(
    group: Group, database_url: URL, tmp_path: Path
) -> None:
    """Neither a reader nor a long writer keeps an answer waiting for long."""
    assert run(group.environ, "demo", "--responses", "600")[0] == 0
    member = Member(group)
    member.log_in(operations.EMAIL, (tmp_path / "demo_password").read_text()[:16])
    path = tmp_path / "large.csv"
    lines = (f"2026-01-{n % 28 + 1:02},{n % 11},r-{n},FI" for n in range(3000))
    path.write_text("submitted_at,score,response_id,country\n" + "\n".join(lines), encoding="utf-8")
    words = ("import", "responses", path, "--workspace", "acme", "--survey", "acme-nps")
    importing = command(group.environ, *words, stdout=subprocess.DEVNULL)
    reading = threading.Thread(target=member.read, args=("/w/demo/perception", importing))
    reading.start()
    waits = []
    while importing.poll() is None or reading.is_alive():
        body = {"id": str(uuid.uuid4()), "status": "complete", "answers": {"nps": 9}}
        began = time.monotonic()
        assert group.ask("POST", PATH, body)[0] == 201
        waits.append(time.monotonic() - began)
        time.sleep(0.02)
    reading.join()
    assert importing.returncode == 0
    assert member.pages >= 2 and set(member.statuses) == {200}
    assert len(waits) >= 10
    assert sorted(waits)[len(waits) // 2] < 0.5 and max(waits) < 5, sorted(waits)[-5:]
