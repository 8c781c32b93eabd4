"""The lake's files: whose they are, what is wrong with them, and what only seems to be."""

import errno
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from factories import Cast
from flask import Flask
from insights.lake.lakes import add, data_dir, is_whole, prove, rebuild, tidy, write
from insights.lake.looks import NPS, change, count, moment, scope_of, told
from insights.lake.test_commands import run
from insights.lake.test_faults import no_room
from sqlalchemy.engine import URL

from survey_app.db import db
from survey_app.insights.lake import jobs, reading
from survey_app.insights.lake.models import LakeRemoval, LakeState
from survey_app.insights.lake.tables import LakeTrouble
from survey_app.jobs import Job, run_once
from survey_app.responses.models import Response


@pytest.fixture
def database_url(sqlite_url: URL) -> URL:
    """One database: what is tested here is the other side."""
    return sqlite_url


@pytest.fixture
def filled(app: Flask, cast: Cast) -> Flask:
    """Two files of one month."""
    for _ in range(2):
        with app.app_context():
            add(db.session, 3)
            db.session.commit()
        write(app)
    return app


def files(app: Flask) -> list[Path]:
    return sorted((data_dir(app) / "lake").rglob("facts/month=*/*.parquet"))


def state(app: Flask) -> LakeState:
    with app.app_context():
        return db.session.scalars(sa.select(LakeState)).one()


def work_once(app: Flask) -> list[str | None]:
    """Let the worker write and tidy once, whatever is due; the errors of what failed."""
    with app.app_context():
        for kind in jobs.kinds(app.config["SETTINGS"]):
            run_once(kind, datetime.now(UTC))
        return list(db.session.scalars(sa.select(Job.error)))


def test_all_files_are_the_users_alone(filled: Flask) -> None:
    """Also those that libraries write."""
    tidy(filled)
    rebuild(filled)
    tidy(filled)
    found = list((data_dir(filled) / "lake").rglob("*"))
    assert len(found) > 20
    assert {path.stat().st_mode & 0o777 for path in found if path.is_dir()} == {0o700}
    assert {path.stat().st_mode & 0o777 for path in found if path.is_file()} == {0o600}


# --- what is wrong --------------------------------------------------------------------------------


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-50])


def spoil(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:100] + b"\xff" * 400 + data[500:])


HARM: dict[str, Callable[[Path], object]] = {
    "garbage": lambda path: path.write_bytes(b"garbage" * 99),
    "empty": lambda path: path.write_bytes(b""),
    "cut short": cut,
    "spoilt in the middle": spoil,
}


@pytest.mark.parametrize("harm", HARM.values(), ids=HARM)
def test_a_file_of_wrong_content_is_damage_when_the_worker_meets_it(
    filled: Flask, caplog: pytest.LogCaptureFixture, harm: Callable[[Path], object]
) -> None:
    harm(files(filled)[0])
    change(
        filled,
        sa.update(Response).values(country="NO"),
        sa.text("UPDATE lake_removals SET noted_at = '2026-01-01 00:00:00.000000'"),
    )
    assert work_once(filled) == [], "nothing to try again"
    assert state(filled).trouble == "corrupt"
    assert [one for one in caplog.messages if "damaged" in one] == [str(LakeTrouble("corrupt"))]
    assert "soundings lake rebuild" in run(filled, "status")[1]
    assert run(filled, "rebuild")[0] == 0 and prove(filled).facts == 12


def test_damage_is_found_by_tidying_and_proving_too(filled: Flask) -> None:
    files(filled)[0].write_bytes(b"garbage")
    for find in (tidy, prove):
        with pytest.raises(LakeTrouble, match="damaged"):
            find(filled)


# --- what only seems to be ------------------------------------------------------------------------


@contextmanager
def few_files() -> Iterator[None]:
    """No more files can be opened."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def not_allowed(*_: object, **__: object) -> Any:
    raise PermissionError(errno.EACCES, "Permission denied")


def broken(*_: object, **__: object) -> Any:
    raise OSError(errno.EIO, "Input/output error")


@pytest.mark.parametrize("fails", [not_allowed, broken])
@pytest.mark.parametrize("where", ["_entries", "DeltaTable", "stat"])
def test_what_may_pass_is_tried_again_and_marks_nothing(
    filled: Flask, monkeypatch: pytest.MonkeyPatch, where: str, fails: Callable[..., Any]
) -> None:
    with filled.app_context():
        add(db.session, 1)
        db.session.execute(sa.update(LakeState).values(written_at=None))
        db.session.commit()
    of = {"_entries": "pathlib.Path.iterdir", "DeltaTable": "deltalake.DeltaTable"}
    monkeypatch.setattr(of.get(where, "pathlib.Path.stat"), fails)
    with filled.app_context():
        kind, _ = jobs.kinds(filled.config["SETTINGS"])
        assert run_once(kind, datetime.now(UTC)) == 1
        assert db.session.scalar(sa.select(Job.error)) in {"PermissionError", "OSError"}
    monkeypatch.undo()
    assert state(filled).trouble is None and is_whole(filled)


def test_pages_count_from_the_database_while_no_file_can_be_opened(filled: Flask) -> None:
    with moment(filled) as facts:
        scope = scope_of(facts)
        facts.scores(scope, [(NPS, ())])  # all modules are loaded
        reading.results.forget()
        reading._log.cache_clear()
        with few_files():
            (found,) = facts.scores(scope, [(NPS, ())])
        assert (found["people"].item(), facts.trouble) == (6, "away")
    assert state(filled).trouble is None
    assert count(filled) == told(6)


def test_commands_say_what_the_system_says(filled: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pathlib.Path.iterdir", not_allowed)
    for command in ("status", "verify", "compact", "rebuild"):
        status, said = run(filled, command)
        assert status == 1 and "Permission denied" in said, (command, said)
    monkeypatch.undo()
    assert state(filled).trouble is None and prove(filled).facts == 12


def test_a_disk_that_is_full_at_first_leaves_nothing_behind(app: Flask, cast: Cast) -> None:
    with app.app_context():
        add(db.session, 1)
        db.session.commit()
    for _ in range(2):
        with pytest.raises(Exception, match="File too large"), no_room():
            write(app)
    assert list((data_dir(app) / "lake").glob("2*")) == []
    write(app)
    assert prove(app).facts == 2


def test_versions_of_the_same_numbers_that_were_written_twice_are_told_apart(
    filled: Flask,
) -> None:
    """As by a database that was restored from a backup, twice."""
    backups = []
    for _ in range(2):
        backups.append(kept(filled))
        with filled.app_context():
            add(db.session, 1)
            db.session.commit()
        write(filled)
    restore(filled, backups[0])
    write(filled)
    assert prove(filled).differences == []
    restore(filled, backups[1])
    with pytest.raises(LakeTrouble, match="damaged"):
        write(filled)


def kept(app: Flask) -> dict[str, Any]:
    of_state = state(app)
    return {column.key: getattr(of_state, column.key) for column in LakeState.__table__.columns}


def restore(app: Flask, values: dict[str, Any]) -> None:
    """What a backup says of the lake, and that more was answered since."""
    change(
        app,
        sa.update(LakeState).values(values),
        sa.delete(Response).where(Response.fact_batch > values["watermark"]),
        sa.delete(LakeRemoval),
    )
    with app.app_context():
        add(db.session, 1)
        db.session.commit()
