"""Work to do is a row: leased, retried, quarantined, done once, never lost."""

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from factories import NOW, Cast
from faults.processes import ROOT, environment
from flask import Flask
from sqlalchemy.engine import URL
from sqlalchemy.orm import Session

import nlp
from survey_app import jobs
from survey_app.db import db
from survey_app.insights.comments import analysis
from survey_app.insights.jobs import ANALYSE_COMMENTS
from survey_app.insights.models import CommentAnalysis, ThemeMention
from survey_app.jobs import BATCH, LEASE, TRIES, Job, Kind, claim, run_once, work
from survey_app.responses.import_rows import Row
from survey_app.responses.imports import Report, Taking
from survey_app.responses.models import Answer, ImportRecord, Response
from survey_app.responses.schemas import Person
from survey_app.surveys.queries import find_published

POISON = "POISON"


def write_comments(app: Flask, texts: Sequence[str], *, prefix: str = "k") -> None:
    """Responses with these comments, as an import would store them."""
    with app.app_context():
        asked = find_published(db.session, "acme-nps")
        assert asked is not None
        rows = [
            Row(number, f"{prefix}-{number:05}", f"h-{text}", NOW, {"nps": 3, "comment": text},
                "en", "import", Person())
            for number, text in enumerate(texts)
        ]  # fmt: skip
        Taking(db.session, asked, None, NOW).take(rows, Report())
        db.session.commit()


def run_until_idle(app: Flask, now: datetime = NOW) -> int:
    """Run batches at one moment until nothing is due; how many jobs were taken up."""
    done = 0
    with app.app_context():
        while taken := run_once(ANALYSE_COMMENTS, now):
            done += taken
    return done


def analyses(app: Flask) -> dict[str, str]:
    """The engine version by comment text."""
    with app.app_context():
        rows = db.session.execute(
            sa.select(Answer.text, CommentAnalysis.engine_version).join(
                CommentAnalysis,
                sa.and_(
                    CommentAnalysis.response_id == Answer.response_id,
                    CommentAnalysis.question == Answer.question,
                ),
            )
        ).all()
        return dict(map(tuple, rows))


def stored_jobs(app: Flask) -> list[tuple[int, bool, str | None]]:
    """Attempts, quarantined or not, and the error of each job row."""
    with app.app_context():
        found = db.session.scalars(sa.select(Job).order_by(Job.id)).all()
        return [(job.attempts, job.quarantined_at is not None, job.error) for job in found]


def count(app: Flask, model: type[Any]) -> int:
    with app.app_context():
        return db.session.scalar(sa.select(sa.func.count()).select_from(model)) or 0


def poisoned(texts: Sequence[str], *args: Any, **options: Any) -> Any:
    """An analysis that one text breaks."""
    if any(POISON in text for text in texts):
        raise RuntimeError("a customer wrote something secret")
    return REAL(texts, *args, **options)


REAL = nlp.analyse_many


def test_every_comment_is_analysed_once(app: Flask, cast: Cast) -> None:
    texts = [f"Slow delivery number {n}, but kind staff." for n in range(450)]
    write_comments(app, texts)
    assert run_until_idle(app) == 450
    assert analyses(app) == dict.fromkeys(texts, nlp.ENGINE_VERSION)
    assert stored_jobs(app) == []
    assert run_until_idle(app) == 0
    assert count(app, CommentAnalysis) == 450


def test_poison_is_set_aside_after_three_tries_and_the_rest_goes_on(
    app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(nlp, "analyse_many", poisoned)
    texts = [f"Fine {n}." for n in range(30)]
    write_comments(app, [*texts[:11], f"{POISON} secret", *texts[11:]])
    run_until_idle(app)
    assert set(analyses(app)) == set(texts)
    assert stored_jobs(app) == [(1, False, "RuntimeError")]
    run_until_idle(app)  # not due yet
    assert stored_jobs(app) == [(1, False, "RuntimeError")]
    run_until_idle(app, NOW + timedelta(seconds=3))
    assert stored_jobs(app) == [(2, False, "RuntimeError")]
    run_until_idle(app, NOW + timedelta(seconds=6))  # the wait grows
    assert stored_jobs(app) == [(2, False, "RuntimeError")]
    run_until_idle(app, NOW + timedelta(seconds=60))
    assert stored_jobs(app) == [(TRIES, True, "RuntimeError")]
    write_comments(app, ["A later one."], prefix="later")
    assert run_until_idle(app, NOW + timedelta(days=1)) == 1
    assert stored_jobs(app) == [(TRIES, True, "RuntimeError")]
    assert "secret" not in caplog.text


def test_a_new_engine_tries_what_the_old_one_set_aside(
    app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nlp, "analyse_many", poisoned)
    write_comments(app, [f"{POISON}."])
    _set_aside(app)
    monkeypatch.setattr(nlp, "analyse_many", REAL)
    assert run_until_idle(app, NOW + timedelta(days=1)) == 0
    monkeypatch.setattr(nlp, "ENGINE_VERSION", "next")
    monkeypatch.setattr(analysis, "KIND", "analyse_comments next")
    kind = replace(ANALYSE_COMMENTS, name=analysis.KIND)
    assert work(app, (kind,), until_idle=True) == 1
    assert analyses(app) == {f"{POISON}.": "next"}
    assert stored_jobs(app) == []


def _set_aside(app: Flask) -> None:
    for minutes in range(TRIES):
        run_until_idle(app, NOW + timedelta(minutes=minutes))
    assert stored_jobs(app) == [(TRIES, True, "RuntimeError")]


def test_a_replaced_answer_is_tried_anew(
    app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nlp, "analyse_many", poisoned)
    write_comments(app, [f"{POISON}."])
    _set_aside(app)
    with app.app_context():
        stored = db.session.scalars(sa.select(Response)).one()
        stored.body_hash, stored.submitted_at = "new", NOW + timedelta(hours=1)
        stored.answers[0].text = f"{POISON} again."
        db.session.commit()
    assert run_until_idle(app, NOW + timedelta(hours=2)) == 1
    assert stored_jobs(app) == [(1, False, "RuntimeError")]
    monkeypatch.setattr(nlp, "analyse_many", REAL)
    assert run_until_idle(app, NOW + timedelta(hours=3)) == 1
    assert set(analyses(app)) == {f"{POISON} again."} and stored_jobs(app) == []


def test_an_imported_answer_whose_time_lies_ahead_stays_set_aside(
    app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nlp, "analyse_many", poisoned)
    write_comments(app, [f"{POISON}."])
    with app.app_context():
        record = ImportRecord(
            workspace_id=1, survey_id=1, file_name="x", file_hash="x", started_at=NOW
        )
        db.session.add(record)
        db.session.flush()
        values = {"import_id": record.id, "submitted_at": NOW + timedelta(days=1)}
        db.session.execute(sa.update(Response).values(**values))
        db.session.commit()
    _set_aside(app)
    assert run_until_idle(app, NOW + timedelta(hours=1)) == 0


DYING = """
import os, sys, nlp
from datetime import datetime
from survey_app.app import create_app
from survey_app.jobs import run_once
from survey_app.insights.jobs import ANALYSE_COMMENTS
real = nlp.analyse_many
def deadly(texts, *args, **options):
    if any("POISON" in text for text in texts):
        os._exit(9)
    return real(texts, *args, **options)
nlp.analyse_many = deadly
with create_app().app_context():
    while run_once(ANALYSE_COMMENTS, datetime.fromisoformat(sys.argv[1])):
        pass
"""


def test_a_comment_that_kills_the_worker_is_set_aside_too(
    app: Flask, cast: Cast, database_url: URL, tmp_path: Path
) -> None:
    """The process ends as by a crash of native code: nobody can say why, but it is counted."""
    texts = [f"Fine {n}." for n in range(12)]
    write_comments(app, [*texts[:5], POISON, *texts[5:]])
    environ = environment(tmp_path, database_url)
    moment, deaths = NOW, 0
    while len(analyses(app)) < len(texts) or not stored_jobs(app)[0][1]:
        child = subprocess.run(
            [sys.executable, "-c", DYING, moment.isoformat()], env=environ, cwd=ROOT, check=False
        )
        assert child.returncode in (0, 9)
        deaths += child.returncode == 9
        assert deaths <= TRIES, stored_jobs(app)
        moment += LEASE + timedelta(seconds=1)
    assert deaths == TRIES
    assert set(analyses(app)) == set(texts)
    assert stored_jobs(app) == [(TRIES, True, "the worker stopped three times")]


def test_a_lease_keeps_others_away_until_it_ends(app: Flask, cast: Cast) -> None:
    write_comments(app, ["One.", "Two."])
    with app.app_context():
        db.session.execute(
            sa.insert(Job),
            [
                {"kind": ANALYSE_COMMENTS.name, "subject": n, "due_at": NOW, "attempts": 0}
                for n in (1, 2)
            ],
        )
        first = [job.id for job in claim(db.session, ANALYSE_COMMENTS.name, NOW)]
        db.session.commit()
        assert len(first) == 2
        assert claim(db.session, ANALYSE_COMMENTS.name, NOW + LEASE) == []
        db.session.commit()
        again = claim(db.session, ANALYSE_COMMENTS.name, NOW + LEASE + timedelta(seconds=1))
        assert [job.attempts for job in again] == [2]  # alone, since it may be the cause


def test_two_workers_do_each_job_once(
    app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [f"Comment {n} about a slow parcel." for n in range(3 * BATCH)]
    write_comments(app, texts)
    seen: list[str] = []
    lock = threading.Lock()

    def noting(batch: Sequence[str], *args: Any, **options: Any) -> Any:
        with lock:
            seen.extend(batch)
        return REAL(batch, *args, **options)

    monkeypatch.setattr(nlp, "analyse_many", noting)
    failures: list[BaseException] = []

    def one_worker() -> None:
        try:
            run_until_idle(app)
        except BaseException as error:  # noqa: BLE001 - a thread must report whatever it was
            failures.append(error)

    workers = [threading.Thread(target=one_worker) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not failures
    assert sorted(seen) == sorted(texts)
    assert count(app, CommentAnalysis) == len(texts) and stored_jobs(app) == []


def test_a_new_engine_reads_everything_again_without_counting_twice(
    app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [f"The delivery was late, parcel {n}." for n in range(20)]
    write_comments(app, texts)
    run_until_idle(app)
    mentions = count(app, ThemeMention)
    assert mentions >= 20
    monkeypatch.setattr(nlp, "ENGINE_VERSION", f"{nlp.ENGINE_VERSION}-next")
    assert run_until_idle(app) == 20
    assert analyses(app) == dict.fromkeys(texts, nlp.ENGINE_VERSION)
    assert (count(app, CommentAnalysis), count(app, ThemeMention)) == (20, mentions)


def test_a_response_replaced_meanwhile_is_analysed_again(
    app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_comments(app, ["Old words.", "Others stay."])

    def slow(texts: Sequence[str], *args: Any, **options: Any) -> Any:
        found = REAL(texts, *args, **options)
        if "Old words." in texts:
            with app.app_context():  # the person completes the answer while we read the old one
                stored = db.session.scalars(sa.select(Response).order_by(Response.id)).first()
                assert stored is not None
                stored.body_hash = "new"
                stored.answers[0].text = "New words."
                stored.analysed_version = None
                db.session.commit()
        return found

    monkeypatch.setattr(nlp, "analyse_many", slow)
    assert run_until_idle(app) == 3
    assert set(analyses(app)) == {"New words.", "Others stay."}
    assert count(app, CommentAnalysis) == 2 and stored_jobs(app) == []


def test_until_idle_ends(app: Flask, cast: Cast) -> None:
    write_comments(app, ["One.", "Two."])
    noted: list[int] = []
    assert work(app, (ANALYSE_COMMENTS,), until_idle=True, progress=noted.append) == 2
    assert noted == [2]
    assert work(app, (ANALYSE_COMMENTS,), until_idle=True) == 0


def test_until_idle_waits_for_a_retry(
    app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_comments(app, ["One."])
    failed: list[bool] = []

    def once(texts: Sequence[str], *args: Any, **options: Any) -> Any:
        if not failed:
            failed.append(True)
            raise RuntimeError
        return REAL(texts, *args, **options)

    monkeypatch.setattr(nlp, "analyse_many", once)
    work(app, (ANALYSE_COMMENTS,), until_idle=True)
    assert set(analyses(app)) == {"One."} and stored_jobs(app) == []


def test_a_worker_ends_with_its_parent(app: Flask, cast: Cast) -> None:
    assert work(app, (ANALYSE_COMMENTS,), parent=os.getpid()) == 0


def test_effect_and_acknowledgement_are_one(app: Flask, cast: Cast) -> None:
    """A failure between them leaves neither."""

    def find(session: Session, limit: int) -> list[int]:
        return [] if session.scalar(sa.select(Job.id)) else [1]

    def perform(session: Session, material: Any, now: datetime) -> None:
        session.execute(sa.update(Response).values(flag="seen"))
        raise RuntimeError

    write_comments(app, ["One."])
    kind = Kind("failing", find, lambda _session, subjects: subjects, perform)
    with app.app_context():
        assert run_once(kind, datetime.now(UTC)) == 1
        assert db.session.scalars(sa.select(Response.flag)).all() == [None]
        assert db.session.scalars(sa.select(Job.attempts)).all() == [1]
    assert jobs.IDLE_SECONDS < 1
