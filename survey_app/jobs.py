"""Work to do is a row: found by what is undone, leased, retried, quarantined, never lost.

A kind of work has three steps. `find` names subjects that are undone and `read` gathers what is
needed, both without the write lock, however long it takes; `perform` writes the effect, and effect
and acknowledgement commit together. A worker that dies leaves a lease that runs out. A batch that
fails is tried again one by one, so that a poison subject stands alone; after three tries it is set
aside.
"""

import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Mapped, Session, mapped_column

from survey_app.db import Base, RowId, db, insert_of, reading, row_id

LEASE = timedelta(seconds=120)
TRIES = 3
BATCH = 200
FIND = 1000
IDLE_SECONDS = 0.5
log = logging.getLogger(__name__)


class Job(Base):
    """One piece of work: a kind and the id of its subject."""

    __tablename__ = "jobs"
    __table_args__ = (
        sa.UniqueConstraint("kind", "subject"),
        sa.Index("ix_jobs_kind_due_at", "kind", "quarantined_at", "due_at"),
    )

    id: Mapped[int] = row_id()
    kind: Mapped[str]
    subject: Mapped[int] = mapped_column(RowId)
    due_at: Mapped[datetime]
    leased_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    quarantined_at: Mapped[datetime | None]
    error: Mapped[str | None]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of work; its functions get a session and commit nothing.

    `find(session, limit)` gives ids of undone subjects that have no job yet, or one that was set
    aside and is worth new tries; `read(session, subjects)` what there is to know about them;
    `perform(session, material, now)` stores the effect.
    """

    name: str
    find: Callable[[Session, int], Sequence[int]]
    read: Callable[[Session, Sequence[int]], Any]
    perform: Callable[[Session, Any, datetime], None]


def claim(session: Session, kind: str, now: datetime, *, limit: int = BATCH) -> list[Job]:
    """Lease up to `limit` due jobs, counting the attempt; the caller commits before working.

    A job that has failed before is claimed alone.
    """
    chosen = session.scalars(
        sa.select(Job)
        .where(_due(kind, now))
        .order_by(Job.due_at, Job.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    fresh = [job for job in chosen if job.attempts == 0]
    taken = fresh or list(chosen[:1])
    kept = []
    for job in taken:
        if job.attempts >= TRIES:  # the process died each time, so nobody could say why
            job.quarantined_at, job.error = now, job.error or "the worker stopped three times"
            continue
        job.attempts += 1
        job.leased_until = now + LEASE
        kept.append(job)
    return kept


def _due(kind: str, now: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(
        Job.kind == kind,
        Job.quarantined_at.is_(None),
        Job.due_at <= now,
        sa.or_(Job.leased_until.is_(None), Job.leased_until < now),
    )


def run_once(kind: Kind, now: datetime) -> int:
    """Find, claim and perform one batch of a kind; returns how many jobs were taken up."""
    session = db.session
    with reading():
        undone = kind.find(session, FIND)
        if not undone and not session.scalar(sa.select(sa.exists().where(_due(kind.name, now)))):
            return 0
    _add(session, kind, undone, now=now)
    ids = [job.id for job in claim(session, kind.name, now)]
    session.commit()
    if ids and not _perform(kind, ids, now) and len(ids) > 1:
        for one in ids:
            _perform(kind, [one], now)
    return len(ids)


def _add(session: Session, kind: Kind, subjects: Sequence[int], *, now: datetime) -> None:
    """Note what was found; what had been set aside is tried anew."""
    if subjects:
        fresh = {"due_at": now, "attempts": 0, "quarantined_at": None, "error": None}
        rows = [{"kind": kind.name, "subject": subject, **fresh} for subject in subjects]
        insert = insert_of(session.get_bind().dialect.name)(Job).on_conflict_do_update(
            index_elements=[Job.kind, Job.subject],
            set_={**fresh, "leased_until": None},
            where=Job.quarantined_at.is_not(None),
        )
        session.execute(insert, rows)


def _perform(kind: Kind, ids: list[int], now: datetime) -> bool:
    session = db.session
    try:
        with reading():
            subjects = session.scalars(
                sa.select(Job.subject).where(Job.id.in_(ids)).order_by(Job.id)
            ).all()
            material = kind.read(session, subjects)
        kind.perform(session, material, now)
        session.execute(sa.delete(Job).where(Job.id.in_(ids)))
        session.commit()
    except Exception as error:  # noqa: BLE001 - whatever a subject does must not stop the others
        session.rollback()
        if len(ids) == 1:
            _note_failure(ids[0], error, now)
        log.warning("%s failed for %d job(s): %s", kind.name, len(ids), type(error).__name__)
        return False
    return True


def _note_failure(job_id: int, error: Exception, now: datetime) -> None:
    job = db.session.get(Job, job_id)
    if job is not None:
        # The type alone: messages may quote what a customer wrote.
        job.error = type(error).__name__
        job.leased_until = None
        job.due_at = now + timedelta(seconds=2**job.attempts)
        if job.attempts >= TRIES:
            job.quarantined_at = now
        db.session.commit()


def work(
    app: Flask,
    kinds: Sequence[Kind],
    *,
    until_idle: bool = False,
    parent: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Work until stopped, or until nothing is left to do; returns how many jobs were taken up.

    `parent`: stop when this process is no longer our parent, so that a group ends together.
    """
    with app.app_context():
        _forget_other_kinds(kinds)
    done = 0
    while parent is None or os.getppid() == parent:
        with app.app_context():
            taken = sum(run_once(kind, datetime.now(UTC)) for kind in kinds)
            waiting = taken or (until_idle and _anything_left(kinds))
        done += taken
        if taken and progress:
            progress(taken)
        if until_idle and not waiting:
            break
        if not taken:
            time.sleep(IDLE_SECONDS)
    return done


def _forget_other_kinds(kinds: Sequence[Kind]) -> None:
    """Drop the jobs of kinds that nobody does any more, such as those of an older engine."""
    names = [kind.name for kind in kinds]
    db.session.execute(sa.delete(Job).where(Job.kind.not_in(names)))
    db.session.commit()


def _anything_left(kinds: Sequence[Kind]) -> bool:
    """Whether a job waits for its retry or for another worker's lease to end."""
    names = [kind.name for kind in kinds]
    return bool(
        db.session.scalar(
            sa.select(sa.exists().where(Job.kind.in_(names), Job.quarantined_at.is_(None)))
        )
    )
