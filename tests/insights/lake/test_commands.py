"""`soundings lake`, and the worker's part of it."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from factories import Cast
from flask import Flask
from insights.lake.lakes import add, data_dir, prove, write

from survey_app.app import job_kinds
from survey_app.db import db
from survey_app.insights.lake import commands, writing
from survey_app.insights.lake.jobs import kinds as kinds_of_lake
from survey_app.insights.lake.models import LakeRemoval, LakeState
from survey_app.jobs import Job, run_once, work
from survey_app.responses.models import Answer, Response


@pytest.fixture
def filled(app: Flask, cast: Cast) -> Flask:
    with app.app_context():
        add(db.session, 5)
        db.session.commit()
    return app


def run(app: Flask, *command: str) -> tuple[int, str]:
    """Status and output of `soundings lake COMMAND`."""
    result = app.test_cli_runner().invoke(commands.lake, command)
    error = str(result.exception) if result.exception else ""
    return result.exit_code, result.output + error


def lake(app: Flask) -> Path:
    (path,) = (data_dir(app) / "lake").glob("2*")
    return path


def test_the_worker_makes_it_and_verify_proves_it(filled: Flask) -> None:
    assert "no lake yet" in run(filled, "status")[1]
    assert run(filled, "verify")[0] == 1
    work(filled, job_kinds(filled.config["SETTINGS"]), until_idle=True)
    assert run(filled, "verify") == (0, "Comparing\nEqual: 10 facts and 5 mentions of themes.\n")
    said = run(filled, "status")[1]
    for word in ("10 rows in 1 files", "5 rows", "0 responses", "0 under way, 0 overdue"):
        assert word in said
    with filled.app_context():
        assert db.session.scalars(sa.select(Job)).all() == []


def test_status_tells_what_waits_and_what_is_overdue(filled: Flask) -> None:
    write(filled)
    with filled.app_context():
        add(db.session, 1)
        db.session.execute(
            sa.delete(Response).where(
                Response.id == sa.select(sa.func.min(Response.id)).scalar_subquery()
            )
        )
        db.session.execute(sa.update(LakeRemoval).values(deadline=LakeRemoval.noted_at))
        db.session.commit()
    said = run(filled, "status")[1]
    assert "1 responses, the oldest for" in said and "1 under way, 1 overdue" in said


def test_verify_names_what_differs(filled: Flask) -> None:
    write(filled)
    with filled.app_context():
        on = " ON answers" if db.engine.dialect.name == "postgresql" else ""
        db.session.execute(sa.text(f"DROP TRIGGER lake_answers_delete{on}"))
        db.session.execute(sa.delete(Answer).where(Answer.kind == "nps"))
        db.session.commit()
    status, said = run(filled, "verify")
    assert status == 1
    assert "facts of acme, 2026-03: 5 in the database, 10 in the lake" in said
    assert "soundings lake rebuild" in said


def test_rebuild_is_stopped_and_goes_on(filled: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    real, batches = writing.write_batch, iter(range(10))

    def stopped(*values: Any, limit: int) -> Any:
        if next(batches) == 2:
            raise KeyboardInterrupt
        return real(*values, limit=min(limit, 2))

    monkeypatch.setattr(writing, "write_batch", stopped)
    status, said = run(filled, "rebuild")
    assert status == 1 and "Stopped" in said
    assert "1 responses" in run(filled, "status")[1] and "being filled" in run(filled, "status")[1]
    first = lake(filled)
    monkeypatch.undo()
    assert run(filled, "rebuild")[0] == 0
    assert lake(filled) == first and prove(filled).facts == 10
    assert "being filled" not in run(filled, "status")[1]
    assert run(filled, "rebuild")[0] == 0
    assert not first.exists() or len(list((data_dir(filled) / "lake").glob("2*"))) == 2
    assert run(filled, "compact") == (0, "0 months rewritten.\n")


def test_a_rebuild_does_not_go_on_with_a_lake_in_trouble(filled: Flask) -> None:
    with filled.app_context():
        writing.begin_generation(db.session, data_dir(filled), datetime.now(UTC))
        db.session.execute(sa.update(LakeState).values(trouble="missing"))  # it was, for a while
        db.session.commit()
    assert run(filled, "rebuild")[0] == 0
    assert "trouble" not in run(filled, "status")[1]


def test_the_worker_outlives_a_folder_that_cannot_be_used(filled: Flask) -> None:
    (data_dir(filled) / "lake").write_text("no folder")
    kinds = kinds_of_lake(filled.config["SETTINGS"])
    now = datetime.now(UTC)
    with filled.app_context():
        assert [run_once(kind, now) for kind in kinds] == [1, 0]
        assert db.session.scalar(sa.select(Job.error)) == "FileExistsError"
    (data_dir(filled) / "lake").unlink()
    with filled.app_context():
        assert run_once(kinds[0], now + timedelta(seconds=10)) == 1
    assert prove(filled).facts == 10


def _newer(app: Flask) -> None:
    with app.app_context():
        db.session.execute(sa.update(LakeState).values(format=99))
        db.session.commit()


def _protocol(app: Flask) -> None:
    for log in lake(app).glob("*/_delta_log/00000000000000000000.json"):
        log.write_text(log.read_text().replace('"minReaderVersion":1', '"minReaderVersion":99'))


TROUBLE: dict[str, tuple[Callable[[Flask], object], str]] = {
    "folder": (lambda app: shutil.rmtree(lake(app)), "missing"),
    "everything": (lambda app: shutil.rmtree(data_dir(app) / "lake"), "missing"),
    "data": (lambda app: next(lake(app).rglob("*.parquet")).unlink(), "damaged"),
    "log": (lambda app: next(lake(app).rglob("*1.json")).write_text("garbage"), "damaged"),
    "log entry": (lambda app: next(lake(app).rglob("*1.json")).unlink(), "damaged"),
    "format": (_newer, "another version"),
    "protocol": (_protocol, "another version"),
}


@pytest.mark.parametrize(("harm", "word"), TROUBLE.values(), ids=TROUBLE)
def test_a_harmed_lake_is_said_left_alone_and_made_again(
    filled: Flask, harm: Callable[[Flask], object], word: str
) -> None:
    write(filled)
    harm(filled)
    with filled.app_context():
        add(db.session, 1)
        db.session.commit()
    work(filled, job_kinds(filled.config["SETTINGS"]), until_idle=True)
    work(filled, job_kinds(filled.config["SETTINGS"]), until_idle=True)
    for command in ("status", "verify"):
        said = run(filled, command)[1]
        assert word in said and "soundings lake rebuild" in said, (command, said)
    assert run(filled, "compact")[0] == 1
    assert run(filled, "rebuild")[0] == 0
    assert prove(filled).facts == 12 and prove(filled).differences == []
    assert "trouble" not in run(filled, "status")[1]


def test_a_file_that_cannot_be_read_is_damage(filled: Flask) -> None:
    write(filled)
    next(lake(filled).rglob("*.parquet")).write_bytes(b"garbage")
    status, said = run(filled, "verify")
    assert status == 1 and "damaged" in said
