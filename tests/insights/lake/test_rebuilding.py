"""Making the lake again while it counts: no moment without one, and nobody lost or doubled."""

import errno
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from factories import Cast, settings_for
from flask import Flask
from insights.lake.lakes import add, data_dir, held, is_whole, prove, rebuild, tidy, write
from insights.lake.looks import count
from insights.lake.test_commands import run
from insights.lake.test_faults import APART
from sqlalchemy.engine import URL

from survey_app.app import create_app
from survey_app.db import alembic, db, reading, upgrade_schema
from survey_app.errors import SoundingsError
from survey_app.insights.lake import rebuilding, tables, tidying, writing
from survey_app.insights.lake.jobs import kinds
from survey_app.insights.lake.models import NEXT, LakeRemoval, LakeState
from survey_app.insights.lake.state import Snapshot, coming, snapshot
from survey_app.jobs import work
from survey_app.responses.models import Answer, Response

LATER = timedelta(minutes=3)  # what has changed waits for two


@pytest.fixture
def filled(app: Flask, cast: Cast) -> Flask:
    """A lake in two months, one response that waits, one that has changed, and one erased."""
    with app.app_context():
        ids = add(db.session, 6)
        add(db.session, 3, day=date(2026, 4, 1))
        add(db.session, 2, "rival-nps")
        db.session.commit()
        write(app)
        tidy(app)
        add(db.session, 1)
        change(ids[0])
        erase(ids[1])
        db.session.commit()
    return app


def change(response_id: int) -> None:
    one = Answer.response_id == response_id, Answer.kind == "nps"
    db.session.execute(sa.update(Answer).where(*one).values(number=Answer.number - 1))


def erase(response_id: int) -> None:
    db.session.execute(sa.delete(Response).where(Response.id == response_id))


def no_room_left(*_: object, **__: object) -> Any:
    raise OSError(errno.ENOSPC, "No space left on device")


def generations(app: Flask) -> tuple[Snapshot | None, Snapshot | None]:
    with app.app_context(), reading():
        return snapshot(db.session), coming(db.session)


def folders(app: Flask) -> set[str]:
    return {path.name for path in (data_dir(app) / "lake").glob("2*")}


def test_the_old_one_counts_until_the_new_one_holds_the_same(filled: Flask) -> None:
    """Whatever is answered, changed and erased at every step."""
    old, _ = generations(filled)
    rebuild(filled, steps=0)
    known, after = generations(filled)
    assert known and old and after and known.folder == old.folder != after.folder
    for step in range(20):
        assert is_whole(filled) and prove(filled).differences == []
        if generations(filled)[1] is None:
            break
        with filled.app_context():
            ids = db.session.scalars(sa.select(Response.id).order_by(Response.id)).all()
            change(ids[step % len(ids)])
            erase(ids[-1 - step % len(ids)])
            add(db.session, 2)
            db.session.commit()
            assert is_whole(filled) and prove(filled).differences == []
        rebuild(filled, steps=1, limit=3)
    known, _ = generations(filled)
    assert known and known.folder == after.folder and step >= 3
    assert folders(filled) == {old.folder, after.folder}, "a page may still be reading it"
    write(filled, later=LATER)
    with filled.app_context():
        facts = db.session.scalar(sa.select(sa.func.count()).select_from(Answer))
    assert prove(filled).facts == len(held(filled)) == facts and prove(filled).differences == []


def test_a_batch_that_was_claimed_and_never_recorded_is_what_is_new(filled: Flask) -> None:
    """With what it was to take out of the old one."""
    known, _ = generations(filled)
    assert known
    with filled.app_context():
        writing.claim(db.session, known, datetime.now(UTC) + LATER, limit=10)
        claimed = sa.select(sa.func.count()).where(Response.fact_batch == known.watermark + 1)
        removals = sa.select(sa.func.count()).where(LakeRemoval.batch == known.watermark + 1)
        assert (db.session.scalar(claimed), db.session.scalar(removals)) == (2, 2)
    for steps in (0, 1, 9):
        rebuild(filled, steps=steps, limit=3)
        assert is_whole(filled) and prove(filled).differences == []
    write(filled, later=LATER)
    assert is_whole(filled) and prove(filled).facts == len(held(filled)) == 22


def test_the_worker_goes_on_with_it_and_pages_see_nothing(
    filled: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = count(filled)
    rebuild(filled, steps=1, limit=3)
    _, after = generations(filled)
    seen = []
    real = rebuilding._let_count

    def let_count(*values: Any, **options: Any) -> None:
        seen.append(count(filled))
        real(*values, **options)

    monkeypatch.setattr(rebuilding, "_let_count", let_count)
    work(filled, kinds(filled.config["SETTINGS"]), until_idle=True)
    known, following = generations(filled)
    assert known and after and known.folder == after.folder and following is None
    assert seen == [before] == [count(filled)] and prove(filled).differences == []


def test_nobody_waits_while_files_are_written(
    filled: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On SQLite a transaction of the writer's would hold up all answers."""
    real, times = tables.Table._write, []

    def written(*values: Any, **options: Any) -> None:
        times.append(db.session.in_transaction())
        real(*values, **options)

    monkeypatch.setattr(tables.Table, "_write", written)
    rebuild(filled, limit=3)
    write(filled, later=LATER)
    tidy(filled)
    assert len(times) > 8 and not any(times)


def test_what_was_erased_leaves_with_the_old_folder(filled: Flask) -> None:
    rebuild(filled)
    with filled.app_context():
        assert db.session.scalars(sa.select(LakeRemoval)).one().removed_at, (
            "the new one never had it"
        )
    tidy(filled)
    assert len(folders(filled)) == 2
    tidy(filled, kept=timedelta())
    assert len(folders(filled)) == 1
    with filled.app_context():
        assert db.session.scalars(sa.select(LakeRemoval)).all() == []


def test_a_deadline_does_not_wait_for_the_rebuild(
    filled: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor for room on the disk."""
    rebuild(filled, steps=1, limit=3)
    monkeypatch.setattr(tables.Table, "append", no_room_left)
    with pytest.raises(OSError, match="No space"):
        rebuild(filled, steps=1, limit=3)
    assert is_whole(filled), "a batch is claimed and not recorded"
    soon = datetime.now(UTC) + timedelta(hours=1)
    with filled.app_context():
        erased = LakeRemoval.deadline.is_not(None)
        db.session.execute(sa.update(LakeRemoval).where(erased).values(deadline=soon))
        db.session.commit()
    _, after = generations(filled)
    rebuild(filled, steps=1, limit=3)
    monkeypatch.undo()
    known, following = generations(filled)
    assert known and after and known.folder == after.folder and following is None
    assert is_whole(filled), "what it does not hold comes from the database"
    assert "being filled" in run(filled, "status")[1]
    tidy(filled, kept=timedelta())
    assert len(folders(filled)) == 1
    write(filled, later=LATER)
    assert is_whole(filled) and prove(filled).facts == 22
    assert "being filled" not in run(filled, "status")[1]


def spoil(table: Path) -> None:
    for log in table.glob("_delta_log/*1.json"):
        log.write_text("garbage")


def remove(table: Path) -> None:
    shutil.rmtree(table.parent)


@pytest.mark.parametrize("harm", [spoil, remove])
def test_a_new_one_in_trouble_is_given_up_and_the_old_one_goes_on(
    filled: Flask, harm: Callable[[Path], None]
) -> None:
    rebuild(filled, steps=1, limit=3)
    old, after = generations(filled)
    assert old and after
    harm(after.path(data_dir(filled), "facts"))
    with filled.app_context():
        (erased,) = db.session.scalars(sa.select(Response.id).limit(1))
        erase(erased)
        db.session.commit()
    with pytest.raises(SoundingsError, match="the old one still counts"):
        rebuild(filled, steps=1, limit=3)
    known, following = generations(filled)
    assert known and known.folder == old.folder and following is None and known.trouble is None
    assert is_whole(filled)
    write(filled, later=LATER)
    assert is_whole(filled) and prove(filled).differences == []
    assert len(held(filled)) == prove(filled).facts == 20
    assert run(filled, "rebuild")[0] == 0
    assert prove(filled).facts == 20 and is_whole(filled)


def test_an_older_release_finds_a_lake_that_nobody_follows(filled: Flask) -> None:
    rebuild(filled, steps=2, limit=3)
    with filled.app_context():
        alembic.downgrade(-1)
    with filled.app_context():
        upgrade_schema()
    known, following = generations(filled)
    assert known and following is None and is_whole(filled)
    write(filled, later=LATER)
    assert is_whole(filled) and prove(filled).facts == len(held(filled)) == 22


@contextmanager
def stopped_at(name: str) -> Iterator[None]:
    """As by the keyboard, when something is done for the second time."""
    real, calls = getattr(tables.Table, name), iter(range(100))

    def stop(*values: Any, **options: Any) -> Any:
        if next(calls) == 1:
            raise KeyboardInterrupt
        return real(*values, **options)

    setattr(tables.Table, name, stop)
    try:
        yield
    finally:
        setattr(tables.Table, name, real)


@pytest.mark.parametrize(
    ("name", "has_lake"), [("append", True), ("merge", True), ("merge", False)]
)
def test_a_stopped_rebuild_goes_on_also_in_its_last_tidying(
    filled: Flask, monkeypatch: pytest.MonkeyPatch, name: str, *, has_lake: bool
) -> None:
    if not has_lake:
        with filled.app_context():
            db.session.execute(sa.delete(LakeState))
            db.session.commit()
    before = folders(filled)
    monkeypatch.setattr(tidying, "AT_ONCE", 1)
    for module in (rebuilding, writing):
        real = getattr(module, "_take_over" if module is rebuilding else "write_batch")
        monkeypatch.setattr(
            module,
            real.__name__,
            lambda *values, real=real, **_: real(*values, limit=3),
        )
    with stopped_at(name):
        status, said = run(filled, "rebuild")
    assert status == 1 and "Stopped" in said
    begun = folders(filled) - before
    assert len(begun) == 1 and is_whole(filled)
    assert ("responses to go" in run(filled, "status")[1]) is has_lake
    assert run(filled, "rebuild")[0] == 0
    assert folders(filled) - before == begun and is_whole(filled)
    known, following = generations(filled)
    assert known and {known.folder} == begun and following is None


# --- killed ---------------------------------------------------------------------------------------

# After which call of what the process dies.
POINTS: dict[str, tuple[Any, str, int]] = {
    "folder made": (rebuilding, "create", 1),
    "claimed": (writing, "take", 2),
    "facts written, mentions not": (tables.Table, "append", 3),
    "flushed, not recorded": (tables.Table, "make_durable", 4),
    "recorded": (rebuilding, "_take_over", 2),
    "rows there twice": (tables.Table, "_write", 7),
    "in order": (rebuilding, "_put_in_order", 1),
    "before it counts": (writing, "forget_removed", 1),
    "it counts": (rebuilding, "_let_count", 1),
}


def die(url: URL, folder: Path, point: str) -> None:
    """Make the lake again in a process of its own, until the point."""
    of, name, times = POINTS[point]
    real, calls = getattr(of, name), iter(range(1, 100))

    def and_die(*values: Any, **options: Any) -> Any:
        found = real(*values, **options)
        if next(calls) == times:
            os.kill(os.getpid(), signal.SIGKILL)
        return found

    setattr(of, name, and_die)
    rebuild(create_app(settings_for(folder, url)), limit=4)


FEW = ("flushed, not recorded", "rows there twice", "before it counts")


@pytest.mark.parametrize(
    "point", [one if one in FEW else pytest.param(one, marks=pytest.mark.long) for one in POINTS]
)
def test_a_rebuild_killed_anywhere_loses_and_doubles_nothing(
    filled: Flask, database_url: URL, point: str
) -> None:
    process = APART.Process(target=die, args=(database_url, data_dir(filled), point))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert is_whole(filled) and prove(filled).differences == [], "what counts is whole"
    rebuild(filled)
    assert is_whole(filled)
    write(filled, later=LATER)
    verdict = prove(filled)
    assert (verdict.facts, verdict.mentions, verdict.differences) == (22, 11, [])
    assert (len(held(filled)), len(held(filled, "mentions"))) == (22, 11)
    tidy(filled, kept=timedelta())
    assert len(folders(filled)) == 1


def test_nobody_writes_to_a_lake_that_is_followed(filled: Flask) -> None:
    rebuild(filled, steps=0)
    with filled.app_context():
        with pytest.raises(RuntimeError):
            writing.write_batch(db.session, data_dir(filled), datetime.now(UTC))
        assert not tidying.is_due(db.session, datetime.now(UTC) + timedelta(hours=2))
        assert writing.is_due(db.session, datetime.now(UTC))
        assert db.session.get(LakeState, NEXT) is not None
