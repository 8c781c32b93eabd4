"""Writing to the lake what it does not have yet, in batches.

A batch is claimed, written, flushed to the disk, and then recorded; only then it counts. Who dies
before that leaves a claimed batch: the next one finds the lake as it was before and writes the same
batch again. So nothing is lost and nothing stands there twice, wherever the end came.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from secrets import token_hex

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.orm import Session

from survey_app.accounts.models import Workspace
from survey_app.db import reading
from survey_app.insights.lake.facts import rows
from survey_app.insights.lake.models import COUNTS, LakeRemoval, LakeState
from survey_app.insights.lake.state import FORMAT, TABLES, Snapshot, beyond, snapshot
from survey_app.insights.lake.tables import LakeTrouble, Table, create, digest, open_to_write
from survey_app.responses.models import Response

BATCH = 20_000  # responses
# So many are written at once; fewer wait until the last batch is a while ago.
ENOUGH = 1000
PATIENCE = timedelta(seconds=10)
# A comment is read within seconds; so most responses are written once.
UNTIL_READ = timedelta(minutes=1)
# What has changed is taken out by rewriting files of its month, so it waits for company; after
# many rows it rests, unless much has changed: a core does this for 5 % of the time at most.
ENOUGH_CHANGES = 20_000
UNTIL_REWRITTEN = timedelta(minutes=2)
FEW = 1_000_000  # rows
REST = timedelta(minutes=1)  # for a million rows, which take 3 s
# Lets the index on workspace and batch serve for all workspaces.
OF_ANY_WORKSPACE = Response.workspace_id.in_(sa.select(Workspace.id))


@dataclass(frozen=True, slots=True)
class Written:
    """What a batch did: responses claimed, and whether more of them wait."""

    responses: int
    is_all: bool


def is_due(session: Session, now: datetime) -> bool:
    """Whether there is enough to write, or something has waited long enough."""
    known = snapshot(session)
    if known and known.trouble:
        return False
    if known and (
        known.is_followed or _any_claimed(session, known) or _removals_are_due(session, now)
    ):
        return True
    last = session.scalar(sa.select(LakeState.written_at))
    enough = 1 if last is None or last <= now - PATIENCE else ENOUGH
    return len(session.scalars(_waiting(known, now).limit(enough)).all()) == enough


def _any_claimed(session: Session, known: Snapshot) -> bool:
    """Whether a batch was claimed and not recorded."""
    responses = sa.exists().where(OF_ANY_WORKSPACE, Response.fact_batch > known.watermark)
    removals = sa.exists().where(LakeRemoval.batch > known.watermark)
    return bool(session.scalar(sa.select(sa.or_(responses, removals))))


def _removals_are_due(session: Session, now: datetime) -> bool:
    noted = sa.select(LakeRemoval.noted_at).where(LakeRemoval.batch.is_(None))
    noted = noted.order_by(LakeRemoval.id).limit(1)
    oldest = session.scalar(noted)
    if oldest is None:
        return False
    rests = session.scalar(sa.select(LakeState.rests_until)) or now
    is_old = oldest <= now - UNTIL_REWRITTEN and rests <= now
    return is_old or session.scalar(noted.offset(ENOUGH_CHANGES - 1)) is not None


def write_batch(session: Session, data_dir: Path, now: datetime, *, limit: int = BATCH) -> Written:
    """Write one batch to the generation that counts, which nobody follows; for the only writer.

    Commits. Raises LakeTrouble, and whatever the disk says: then nothing has changed.
    """
    known = _open_state(session, data_dir, now)
    tables = open_to_write(known, data_dir)
    batch = known.watermark + 1
    claimed = claim(session, known, now, limit=limit)
    with reading():
        gone = _gone(session, batch)
        found = dict(zip(TABLES, rows(session, in_batch(batch)), strict=True))
    if claimed or gone:
        rewritten = sum(_change(table, gone, found[name]) for name, table in tables.items())
        record(session, known, tables, watermark=batch)
        forget_removed(session, batch, now)
        rests_until = now + REST * (rewritten / 1_000_000)
        values = {"rests_until": rests_until} if rewritten > FEW else {}
        session.execute(sa.update(LakeState).values(written_at=now, **values))
    is_all = claimed < limit and not _removals_are_due(session, now)
    if is_all:
        is_new = LakeState.filled_at.is_(None)
        session.execute(sa.update(LakeState).where(is_new).values(filled_at=now))
    session.commit()
    return Written(claimed, is_all=is_all)


def begin_generation(session: Session, data_dir: Path, now: datetime) -> Snapshot:
    """Make an empty lake the one that counts; for the only writer. Commits.

    Whatever stood in another one is work to do again, and is read from the database until then.
    """
    with reading():
        known = empty_generation(session, now)
    create(known, data_dir)
    session.execute(sa.delete(LakeState))
    session.add(state_of(known, COUNTS, now))
    session.execute(sa.update(LakeRemoval).values(batch=known.watermark))
    forget_removed(session, known.watermark, now)
    session.commit()
    return known


def empty_generation(session: Session, now: datetime) -> Snapshot:
    """A new one, whose batches come after all that there were, also those not recorded."""
    last = session.scalar(sa.select(sa.func.max(LakeState.watermark) + 1))
    if last is None:
        last = session.scalar(sa.select(sa.func.max(Response.fact_batch))) or 0
    folder = f"{now:%Y%m%d-%H%M%S}-{token_hex(4)}"
    return Snapshot(folder, 0, 0, since=last + 1, watermark=last)


def state_of(known: Snapshot, number: int, now: datetime) -> LakeState:
    """The row of an empty generation: the one that counts or the next."""
    return LakeState(
        id=number,
        folder=known.folder,
        format=FORMAT,
        since=known.since,
        watermark=known.watermark,
        facts_version=0,
        mentions_version=0,
        created_at=now,
    )


def note_trouble(session: Session, trouble: LakeTrouble) -> None:
    """Leave the lake alone until it is made again."""
    counts = LakeState.id == COUNTS
    session.execute(sa.update(LakeState).where(counts).values(trouble=trouble.reason))


def record(
    session: Session, known: Snapshot, tables: Mapping[str, Table], *, watermark: int
) -> None:
    """Make durable what the tables hold now, and let it count."""
    versions = {
        f"{name}_version": table.make_durable(since=known.version(name))
        for name, table in tables.items()
    }
    as_known = (LakeState.folder == known.folder, LakeState.watermark == known.watermark)
    changed = session.execute(
        sa.update(LakeState)
        .where(*as_known)
        .values(watermark=watermark, digest=digest(tables), **versions)
    )
    if changed.rowcount != 1:  # type: ignore[attr-defined]  # an UPDATE's result has it
        raise RuntimeError("two processes write the lake at once")


def _open_state(session: Session, data_dir: Path, now: datetime) -> Snapshot:
    with reading():
        known = snapshot(session)
    if known and known.is_followed:
        raise RuntimeError("only the next generation may be written")
    return known or begin_generation(session, data_dir, now)


def claim(session: Session, known: Snapshot, now: datetime, *, limit: int) -> int:
    """Take responses for the next batch, with what it removes; how many it has. Commits.

    A batch that was claimed before and not recorded is filled up.
    """
    batch = known.watermark + 1
    if _removals_are_due(session, now):
        waits = LakeRemoval.batch.is_(None)
        month = sa.select(LakeRemoval.month).where(waits).order_by(LakeRemoval.id).limit(1)
        of_month = LakeRemoval.month == month.scalar_subquery()
        session.execute(sa.update(LakeRemoval).where(waits, of_month).values(batch=batch))
    # Nobody who leaves the lake in this batch may be thought to stand there still.
    gone = sa.select(LakeRemoval.response_id).where(LakeRemoval.batch == batch)
    stale = (Response.id.in_(gone), Response.fact_batch > 0, Response.fact_batch != batch)
    session.execute(
        sa.update(Response).where(*stale).values(fact_batch=0),
        execution_options={"synchronize_session": False},
    )
    is_free = sa.or_(Response.fact_batch.is_(None), Response.fact_batch < known.since)
    return take(session, batch, is_free, _waiting(known, now), limit=limit)


def take(
    session: Session,
    batch: int,
    is_free: sa.ColumnElement[bool],
    waiting: sa.Select[int] | sa.CompoundSelect[tuple[int]],
    *,
    limit: int,
) -> int:
    """Fill a batch up with responses that wait and are free; how many it has. Commits."""
    has = session.scalar(sa.select(sa.func.count()).where(in_batch(batch))) or 0
    if has < limit:
        # Who is just being changed is passed over: the change would not be seen, nor noticed.
        free = sa.select(Response.id).where(Response.id.in_(waiting.limit(limit - has)), is_free)
        taken = session.execute(
            sa.update(Response)
            .where(Response.id.in_(free.with_for_update(skip_locked=True)))
            .values(fact_batch=batch),
            execution_options={"synchronize_session": False},
        )
        has += taken.rowcount  # type: ignore[attr-defined]  # an UPDATE's result has it
    session.commit()
    return has


def unwritten(known: Snapshot | None) -> sa.ColumnElement[bool]:
    """The responses of all workspaces that stand in no recorded batch of this lake."""
    if known is None:
        return sa.true()
    some = (sa.select(Response.id).where(OF_ANY_WORKSPACE, one) for one in beyond(known))
    return Response.id.in_(sa.union_all(*some))


def _waiting(known: Snapshot | None, now: datetime) -> sa.CompoundSelect[tuple[int]]:
    """Responses that a batch may take: not those whose comment is about to be read."""
    is_read = sa.or_(
        Response.has_comment.is_(False),
        Response.analysed_version.is_not(None),
        Response.received_at < now - UNTIL_READ,
    )
    # Its old rows have to leave in the same batch.
    stands_there = sa.exists().where(
        LakeRemoval.response_id == Response.id, LakeRemoval.batch.is_(None)
    )
    found = sa.select(Response.id).where(OF_ANY_WORKSPACE, is_read, ~stands_there)
    since = known.since if known else 1
    return sa.union_all(
        found.where(Response.fact_batch.is_(None)), found.where(Response.fact_batch < since)
    )


def in_batch(batch: int) -> sa.ColumnElement[bool]:
    """The responses of a batch."""
    return sa.and_(OF_ANY_WORKSPACE, Response.fact_batch == batch)


def _gone(session: Session, batch: int) -> dict[str, list[int]]:
    """The responses whose rows leave the lake in a batch, by the month that they stand in."""
    found: dict[str, list[int]] = {}
    for month, response_id in session.execute(
        sa.select(LakeRemoval.month, LakeRemoval.response_id).where(LakeRemoval.batch == batch)
    ):
        found.setdefault(month, []).append(response_id)
    return found


def _change(table: Table, gone: Mapping[str, Sequence[int]], new: pa.Table) -> int:
    """Take out, then add; returns how many rows were rewritten."""
    rewritten = sum(table.remove(month, responses) for month, responses in sorted(gone.items()))
    table.append(new)
    return rewritten


def forget_removed(session: Session, batch: int, now: datetime) -> None:
    """What was only changed is over; what was erased is kept until no file has it."""
    of_batch = LakeRemoval.batch == batch
    session.execute(sa.delete(LakeRemoval).where(of_batch, LakeRemoval.deadline.is_(None)))
    session.execute(sa.update(LakeRemoval).where(of_batch).values(removed_at=now))
