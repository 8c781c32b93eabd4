"""SIGKILL wherever it hurts, full disks, and a storm of both: nothing lost, torn or doubled."""

import multiprocessing
import os
import random
import resource
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from factories import Cast, settings_for
from flask import Flask
from insights.lake.lakes import add, data_dir, held, is_whole, prove, rebuild, tidy, write
from insights.lake.test_commands import run
from sqlalchemy.engine import URL

from survey_app.app import create_app
from survey_app.db import db
from survey_app.insights.lake import jobs, tables, writing
from survey_app.jobs import Job, run_once
from survey_app.responses.models import Answer, Response

# Children of a process that has no threads yet: a lake's library starts some.
APART = multiprocessing.get_context("forkserver")
APART.set_forkserver_preload(["insights.lake.lakes", "survey_app.app"])
LOOKS = 3  # of who reads, at least
LATER = timedelta(minutes=3)  # what has changed waits for two

# After which call of what the process dies.
POINTS: dict[str, tuple[Any, str, int]] = {
    "claimed": (writing, "claim", 1),
    "a month rewritten": (tables.Table, "remove", 1),
    "rows there twice": (tables.Table, "_write", 1),
    "facts written, mentions not": (tables.Table, "append", 1),
    "both written, not flushed": (tables.Table, "append", 2),
    "facts flushed, mentions not": (tables.Table, "make_durable", 1),
    "all flushed, not recorded": (tables.Table, "make_durable", 2),
    "recorded, not committed": (writing, "forget_removed", 1),
}


def die(url: URL, folder: Path, point: str) -> None:
    """Write the lake in a process of its own, until the point."""
    of, name, times = POINTS[point]
    real, calls = getattr(of, name), iter(range(1, 100))

    def and_die(*values: Any, **options: Any) -> Any:
        found = real(*values, **options)
        if next(calls) == times:
            os.kill(os.getpid(), signal.SIGKILL)
        return found

    setattr(of, name, and_die)
    write(create_app(settings_for(folder, url)), later=LATER)


@pytest.mark.parametrize("point", POINTS)
def test_a_worker_killed_anywhere_loses_and_doubles_nothing(
    app: Flask, cast: Cast, database_url: URL, point: str
) -> None:
    with app.app_context():
        ids = add(db.session, 5)
        db.session.commit()
        write(app)
        add(db.session, 4)
        db.session.execute(sa.update(Response).where(Response.id == ids[0]).values(country="NO"))
        db.session.execute(sa.delete(Response).where(Response.id == ids[1]))
        db.session.commit()
    process = APART.Process(target=die, args=(database_url, data_dir(app), point))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert prove(app).differences == [], "what counts is whole"
    write(app, later=LATER)
    verdict = prove(app)
    assert (verdict.facts, verdict.mentions, verdict.differences) == (16, 8, [])
    assert (len(held(app)), len(held(app, "mentions"))) == (16, 8)


@contextmanager
def no_room() -> Iterator[None]:
    """No file may grow."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_stops_the_lake_and_nothing_else(
    app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, _ = jobs.kinds(app.config["SETTINGS"])
    real = tables.Table.append

    def without_room(*values: Any) -> None:
        with no_room():
            real(*values)

    monkeypatch.setattr(tables.Table, "append", without_room)
    now = datetime.now(UTC)
    with app.app_context():
        add(db.session, 3)
        db.session.commit()
        assert run_once(kind, now) == 1
        assert db.session.scalar(sa.select(Job.error)) == "DeltaError"
        add(db.session, 1)
        db.session.commit()
    status, said = run(app, "rebuild")
    assert status == 1 and "can't be written" in said and "disk full?" in said
    monkeypatch.undo()
    assert prove(app).facts == 0 and prove(app).differences == []
    with app.app_context():
        assert run_once(kind, now) == 0, "not at once"
        assert run_once(kind, now + timedelta(seconds=10)) == 1
    assert prove(app).facts == 8 and prove(app).differences == []


# --- a storm ------------------------------------------------------------------------------------


def answering(url: URL, folder: Path, stopped: Event, _torn: Any) -> None:
    """Adds answers, changes some and erases a few."""
    app, chance = create_app(settings_for(folder, url)), random.Random(os.getpid())
    while not stopped.is_set():
        with app.app_context():
            ids = add(db.session, 3, score=chance.randrange(11), country="FI")
            db.session.commit()
            one = Response.id == chance.choice(ids)
            if chance.random() < 0.3:
                db.session.execute(sa.update(Response).where(one).values(country="SE"))
            elif chance.random() < 0.3:
                db.session.execute(sa.delete(Response).where(one))
            db.session.commit()


def keeping(url: URL, folder: Path, stopped: Event, _torn: Any) -> None:
    """Writes the lake."""
    app = create_app(settings_for(folder, url))
    while not stopped.is_set():
        write(app, limit=40, later=LATER)


def compacting(url: URL, folder: Path, stopped: Event, _torn: Any) -> None:
    """Puts it in order."""
    app = create_app(settings_for(folder, url))
    while not stopped.is_set():
        tidy(app)


def making_again(url: URL, folder: Path, stopped: Event, _torn: Any) -> None:
    """Begins the next generation, as soon as there is none; who writes fills it."""
    app = create_app(settings_for(folder, url))
    while not stopped.is_set():
        rebuild(app, steps=1)
        time.sleep(0.1)


def looking(url: URL, folder: Path, stopped: Event, torn: Any) -> None:
    """Reads lake and tail as one, and counts looks and what did not fit together."""
    app = create_app(settings_for(folder, url))
    while not stopped.is_set():
        fits = is_whole(app)
        with torn.get_lock():
            torn[0] += 1
            torn[1] += not fits


def storm(app: Flask, url: URL, *, writers: int, kills: int, pause: float) -> tuple[int, int]:
    """Let it blow; returns how often the reader looked, and how often it saw something torn."""
    stopped, torn = APART.Event(), APART.Array("q", 2)

    def start(what: Callable[..., None]) -> BaseProcess:
        process = APART.Process(target=what, args=(url, data_dir(app), stopped, torn))
        process.start()
        return process

    calm = [start(what) for what in (looking, *[answering] * writers)]
    mortal = {what: start(what) for what in (keeping, compacting, making_again)}
    chance = random.Random(1)
    for number in range(kills):
        time.sleep(pause * (0.5 + chance.random()))
        what = list(mortal)[number % 3]
        mortal[what].kill()
        mortal[what].join()
        mortal[what] = start(what)
    while torn[0] < LOOKS and calm[0].is_alive():
        time.sleep(0.1)
    stopped.set()
    for process in (*calm, *mortal.values()):
        process.join(180)  # what waits is written first
        assert process.exitcode == 0
    return torn[0], torn[1]


def _check_storm(app: Flask, url: URL, **options: Any) -> None:
    looks, torn = storm(app, url, **options)
    assert looks >= LOOKS and torn == 0
    write(app, later=LATER)
    verdict = prove(app)
    with app.app_context():
        answers = db.session.scalar(sa.select(sa.func.count()).select_from(Answer)) or 0
    assert verdict.differences == []
    assert verdict.facts == len(held(app)) == answers > 0, "none lost, none doubled"


def test_kills_in_a_small_storm_lose_nothing(app: Flask, cast: Cast, database_url: URL) -> None:
    _check_storm(app, database_url, writers=1, kills=3, pause=0.7)


@pytest.mark.long
def test_kills_in_a_storm_lose_nothing(app: Flask, cast: Cast, database_url: URL) -> None:
    _check_storm(app, database_url, writers=3, kills=8, pause=2.5)
