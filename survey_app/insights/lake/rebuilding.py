"""Making the lake again, beside the one that counts.

Its next generation takes over, batch by batch, what stands in the one that counts and is still
true; both then hold the same rows of a response. What is new, or has changed since, waits: it is in
neither, and is read from the database. Once nothing is left to take over, the next generation is
put in order, and one transaction lets it count. A change or an erasure meanwhile is a removal that
waits, and masks the response in either.
"""

import logging
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from survey_app.db import reading
from survey_app.errors import N_, SoundingsError
from survey_app.insights.lake import state, tidying, writing
from survey_app.insights.lake.facts import rows
from survey_app.insights.lake.models import COUNTS, NEXT, LakeRemoval, LakeState
from survey_app.insights.lake.state import TABLES, Snapshot
from survey_app.insights.lake.tables import (
    LakeTrouble,
    Table,
    create,
    open_table,
    open_to_write,
)
from survey_app.insights.lake.writing import OF_ANY_WORKSPACE, Written
from survey_app.responses.models import Response

# So long before an erased response has to have left the old generation, the next one counts.
BEFORE_DEADLINE = 2 * tidying.KEPT
log = logging.getLogger(__name__)


def begin(session: Session, data_dir: Path, now: datetime) -> None:
    """Begin the next generation; for the only writer. Commits.

    It counts at once where the one that counts can't be read.
    """
    with reading():
        known = state.snapshot(session)
        after = writing.empty_generation(session, now)
    if known is None or not _can_be_read(known, data_dir):
        writing.begin_generation(session, data_dir, now)
        return
    create(after, data_dir)
    # A batch that was claimed and never recorded: it is in the tail again, as what is new.
    unrecorded = Response.fact_batch > known.watermark
    session.execute(
        sa.update(Response).where(OF_ANY_WORKSPACE, unrecorded).values(fact_batch=0),
        execution_options={"synchronize_session": False},
    )
    # What has changed until now the next generation never takes over.
    session.execute(
        sa.update(LakeRemoval).where(state.removed(known)).values(batch=after.watermark)
    )
    session.add(writing.state_of(after, NEXT, now))
    session.commit()


def _can_be_read(known: Snapshot, data_dir: Path) -> bool:
    if known.trouble:
        return False
    try:
        for name in TABLES:
            open_table(known, data_dir, name)
    except LakeTrouble:
        return False
    return True


def write(
    session: Session, data_dir: Path, now: datetime, *, limit: int = writing.BATCH
) -> Written:
    """Write one batch, to the next generation while there is one; for the only writer. Commits.

    Raises LakeTrouble of the generation that counts; where the next one is in trouble it is given
    up, and SoundingsError says so. And whatever the disk says: then nothing has changed.
    """
    with reading():
        known, coming = state.snapshot(session), state.coming(session)
        is_urgent = coming is not None and _is_urgent(session, now)
    if known is None or coming is None:
        return writing.write_batch(session, data_dir, now, limit=limit)
    try:
        tables, taken = open_to_write(coming, data_dir), 0
        if not is_urgent:  # there may be no room to write
            taken = _take_over(session, known, coming, tables, limit=limit)
        if is_urgent or not (taken or _put_in_order(session, coming, tables, now)):
            _let_count(session, coming, now, is_whole=not is_urgent)
    except LakeTrouble as trouble:
        session.rollback()
        _give_up(session, coming)
        log.warning("the lake's rebuild was given up: %s", trouble)
        raise SoundingsError(
            "lake.given_up",
            N_("What was rebuilt of the lake can't be used; the old one still counts."),
            hint=N_("Begin once more: soundings lake rebuild"),
        ) from None
    return Written(taken, is_all=False)


def _take_over(
    session: Session,
    known: Snapshot,
    coming: Snapshot,
    tables: Mapping[str, Table],
    *,
    limit: int,
) -> int:
    """Write one batch of what stands in the old generation; returns how many responses."""
    batch = coming.watermark + 1
    stands = state.to_take_over(known, coming)
    waiting = sa.select(Response.id).where(OF_ANY_WORKSPACE, stands)
    taken = writing.take(session, batch, stands, waiting, limit=limit)
    if taken:
        with reading():
            found = rows(session, writing.in_batch(batch))
        for table, new in zip(tables.values(), found, strict=True):
            table.append(new)
        writing.record(session, coming, tables, watermark=batch)
        session.commit()
    return taken


def _put_in_order(
    session: Session, coming: Snapshot, tables: Mapping[str, Table], now: datetime
) -> bool:
    """Rewrite a few months; whether there were any."""
    months = tidying.put_in_order(tables, now, everything=True)
    if months:
        writing.record(session, coming, tables, watermark=coming.watermark)
        session.commit()
    return bool(months)


def _is_urgent(session: Session, now: datetime) -> bool:
    """Whether the old files have to go soon, since they hold somebody who was erased."""
    soon = LakeRemoval.deadline <= now + BEFORE_DEADLINE
    return bool(session.scalar(sa.select(sa.exists().where(soon))))


def _let_count(session: Session, coming: Snapshot, now: datetime, *, is_whole: bool) -> None:
    """From here on the next generation counts; what it has not taken over is in the tail."""
    session.execute(sa.delete(LakeState).where(LakeState.id == COUNTS))
    session.execute(
        sa.update(LakeState)
        .where(LakeState.id == NEXT)
        .values(
            id=COUNTS,
            created_at=now,
            filled_at=now if is_whole else None,
            tidied_at=now if is_whole else None,
        )
    )
    writing.forget_removed(session, coming.since - 1, now)
    session.commit()


def _give_up(session: Session, coming: Snapshot) -> None:
    """Leave the lake as it is; what the next generation had taken over stands in it anyway."""
    session.execute(sa.delete(LakeState).where(LakeState.id == NEXT))
    session.execute(sa.update(LakeState).values(watermark=coming.watermark + 1))
    pending = LakeRemoval.batch == coming.since - 1
    session.execute(sa.update(LakeRemoval).where(pending).values(batch=None))
    session.commit()
