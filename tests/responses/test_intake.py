"""Group commit: what waits together is written together, and nobody harms a neighbour."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from responses.conftest import Door, new_body
from werkzeug.test import TestResponse

from survey_app.app import create_app
from survey_app.db import db
from survey_app.responses import intake, operations, public


@contextmanager
def _held_up(door: Any, how_many: int) -> Iterator[None]:
    """Nobody writes inside; at its end all of them wait, and the first writes for all."""
    room = door.app.extensions[public.__name__]
    room._somebody_writes = True
    yield
    for _ in range(2000):
        if len(room._waiting) == how_many:
            break
        threading.Event().wait(0.005)
    else:
        raise AssertionError(f"{len(room._waiting)} wait")
    room._waiting[0].wait.release()


def _together(door: Any, bodies: list[dict[str, Any]]) -> list[TestResponse]:
    """Send these at once; all of them meet in one group."""
    with ThreadPoolExecutor(len(bodies)) as pool:
        with _held_up(door, len(bodies)):
            sent = [pool.submit(door.post, body) for body in bodies]
        return [reply.result() for reply in sent]


@pytest.fixture
def commits(door: Any) -> list[object]:
    """Grows by one with each transaction of the writer."""
    with door.app.app_context():
        writer = db.get_engine("default")
    found: list[object] = []
    sa.event.listen(writer, "commit", found.append)
    return found


def test_who_waits_together_shares_one_commit(door: Any, commits: list[object]) -> None:
    bodies = [new_body() for _ in range(8)]
    replies = _together(door, bodies)
    assert [reply.status_code for reply in replies] == [201] * 8
    assert [reply.json["id"] for reply in replies] == [body["id"] for body in bodies]
    assert len(commits) == 1 and door.how_many() == 8
    assert {row["answers"]["nps"] for row in door.rows()} == {9}


def test_each_of_a_group_gets_its_own_answer(door: Any) -> None:
    known, open_one, twice = new_body(), new_body(status="partial"), new_body()
    assert door.post(known).status_code == door.post(open_one).status_code == 201
    replies = _together(
        door,
        [
            known,
            known | {"answers": {"nps": 1}},
            open_one | {"status": "complete"},
            twice,
            twice,
            new_body(customer={"id": "c-1", "stage": "onboard"}),
            new_body(token=door.token({"id": "c-2", "country": "FI"})),
        ],
    )
    statuses = [reply.status_code for reply in replies]
    assert statuses[:3] == [200, 409, 200] and statuses[5:] == [201, 201]
    assert sorted(statuses[3:5]) == [200, 201]
    assert replies[1].json["code"] == "response.conflict"
    rows = {row["key"]: row for row in door.rows()}
    assert len(rows) == 5
    assert rows[known["id"]]["answers"]["nps"] == 9
    assert rows[open_one["id"]]["status"] == "complete"


def test_the_limit_holds_inside_a_group(door: Any, monkeypatch: Any) -> None:
    door.app.config["SETTINGS"] = replace(door.app.config["SETTINGS"], public_limit=5)
    monkeypatch.setattr(intake, "MINUTE", intake.MINUTE * 60 * 24)  # no window ends meanwhile
    replies = _together(door, [new_body() for _ in range(8)])
    assert sorted(reply.status_code for reply in replies) == [201] * 5 + [429] * 3
    assert door.how_many() == 5
    assert door.post(new_body()).status_code == 429


def test_a_poison_answer_harms_no_neighbour(door: Any, monkeypatch: Any) -> None:
    bodies = [new_body() for _ in range(6)]
    poison = bodies[3]["id"]

    def poisoned(session: Any, batch: Any) -> Any:
        receipts = operations.accept_new(session, batch)
        if poison in {checked.submission.key for checked in batch}:
            raise ValueError("poison")
        return receipts

    monkeypatch.setattr(intake, "accept_new", poisoned)
    door.app.testing = False  # as users have it: a bug is a 500
    replies = _together(door, bodies)
    assert [reply.status_code for reply in replies] == [201, 201, 201, 500, 201, 201]
    assert {row["key"] for row in door.rows()} == {body["id"] for body in bodies} - {poison}


@pytest.mark.parametrize("how_many", [1, 3])
@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (sa.exc.OperationalError("COMMIT", {}, Exception("disk full")), 503),
        (sa.exc.IntegrityError("COMMIT", {}, Exception("poison")), 500),
    ],
)
def test_nothing_is_acknowledged_before_its_commit(
    door: Any, monkeypatch: Any, how_many: int, failure: Exception, status: int
) -> None:
    def fail(_session: object) -> None:
        raise failure

    door.app.testing = False
    bodies = [new_body() for _ in range(how_many)]
    with monkeypatch.context() as patch:
        patch.setattr(intake.Session, "commit", fail)
        replies = _together(door, bodies)
    assert [reply.status_code for reply in replies] == [status] * how_many
    assert all("Retry-After" in reply.headers for reply in replies if status == 503)
    assert door.how_many() == 0
    assert [door.post(body).status_code for body in bodies] == [201] * how_many


def test_who_comes_while_others_are_written_is_written_next(door: Any, monkeypatch: Any) -> None:
    writing, go_on = threading.Event(), threading.Event()
    outcomes = intake._outcomes

    def slowly(engine: Any, letters: Any) -> Any:
        writing.set()
        assert go_on.wait(10)
        return outcomes(engine, letters)

    monkeypatch.setattr(intake, "_outcomes", slowly)
    with ThreadPoolExecutor(4) as pool:
        sent = [pool.submit(door.post, new_body())]
        assert writing.wait(10)
        sent += [pool.submit(door.post, new_body()) for _ in range(3)]
        room = door.app.extensions[public.__name__]
        for _ in range(2000):
            if len(room._waiting) == 3:
                break
            threading.Event().wait(0.005)
        go_on.set()
        assert [reply.result().status_code for reply in sent] == [201] * 4
    assert room._waiting == [] and not room._somebody_writes


def test_after_an_error_that_nobody_expected_the_next_one_is_written(
    door: Any, monkeypatch: Any
) -> None:
    def broken(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(intake, "_outcomes", broken)
        with pytest.raises(KeyboardInterrupt):
            door.post(new_body())
    assert door.post(new_body()).status_code == 201


def test_two_processes_that_wait_for_each_other_lose_nothing(door: Any) -> None:
    """Two intakes on one database, each with letters of the same two customers, crosswise."""
    other = Door(create_app(door.app.config["SETTINGS"]), door.cast)
    people = [door.token({"id": f"c-{number}", "country": "FI"}) for number in range(4)]
    for _ in range(5):
        one = [new_body(token=token) for token in people]
        two = [new_body(token=token) for token in reversed(people)]
        with ThreadPoolExecutor(2) as pool:
            groups = [pool.submit(_together, *group) for group in ((door, one), (other, two))]
            statuses = [reply.status_code for group in groups for reply in group.result()]
        assert statuses == [201] * 8
    with other.app.app_context():
        for engine in db.engines.values():
            engine.dispose()
