"""Keeping the lake in order: few files, in order, and none that holds what was erased.

A month in order is one file, in the order of `layout`; beside it gathers what comes. Small files of
those are made one, and all of the month when they have grown to a tenth of it: so a row is
rewritten about eleven times, however long and busy its month. Files that no version needs any more
are deleted an hour later, since a page may still be reading them; then whatever was erased is gone
from the disk, too, long before its deadline.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from survey_app.db import reading
from survey_app.insights.lake.models import LakeRemoval, LakeState
from survey_app.insights.lake.state import Snapshot, snapshot
from survey_app.insights.lake.tables import (
    File,
    Table,
    left_over,
    open_to_write,
    remove_other_generations,
)
from survey_app.insights.lake.writing import record

# Files that are in no version any more are kept so long for whoever is reading them.
KEPT = timedelta(hours=1)
EVERY = timedelta(minutes=1)
# So many files of few rows are made one, or fewer, where nothing was added for a while.
SOME, FEW = 12, 100_000
QUIET = timedelta(minutes=10)
TENTH = 10
AT_ONCE = 2_000_000  # rows: seconds, after which other work has its turn


def is_due(session: Session, now: datetime) -> bool:
    """Whether something was written or erased since the last time, or an hour has passed."""
    known = snapshot(session)
    if known is None or known.trouble or known.is_followed:
        return False
    state = session.scalars(sa.select(LakeState)).one()
    last = state.tidied_at or state.created_at
    is_written = state.written_at is not None and state.written_at > last
    erased = sa.exists().where(LakeRemoval.removed_at < now - KEPT)
    is_news = is_written or session.scalar(sa.select(erased))
    return last <= now - (EVERY if is_news else KEPT)


def tidy(
    session: Session,
    data_dir: Path,
    now: datetime,
    *,
    everything: bool = False,
    kept: timedelta = KEPT,
) -> int:
    """Delete old files, rewrite a few months that need it; for the only writer. Commits.

    Returns how many months were rewritten: none where all are in order, or the next generation is
    being filled. With `everything`, all that have more than one file need it. Raises LakeTrouble.
    """
    # First: it may make the room that rewriting needs.
    known = _sweep(session, data_dir, now, kept=kept)
    if known is None:
        return 0
    tables = open_to_write(known, data_dir)
    months = put_in_order(tables, now, everything=everything)
    if months:
        record(session, known, tables, watermark=known.watermark)
    else:
        session.execute(sa.update(LakeState).values(tidied_at=now))
    session.commit()
    return months


def put_in_order(tables: Mapping[str, Table], now: datetime, *, everything: bool) -> int:
    """Rewrite months until `AT_ONCE` rows are exceeded; returns how many."""
    chosen = {
        name: untidy(table.files(), now, everything=everything) for name, table in tables.items()
    }
    done = rewritten = 0
    for month in sorted(set().union(*chosen.values())):
        if rewritten > AT_ONCE:
            break
        for name, table in tables.items():
            files = chosen[name].get(month, [])
            table.merge(files)
            rewritten += sum(file.rows for file in files)
        done += 1
    return done


def untidy(
    files: Sequence[File], now: datetime, *, everything: bool = False
) -> dict[str, list[File]]:
    """The months that are worth some rewriting, with the files to be made one."""
    found = {}
    for month in {file.month for file in files}:
        own = [file for file in files if file.month == month]
        small = [file for file in own if file.rows < FEW]
        rows = sum(file.rows for file in own)
        loose = rows - max(file.rows for file in own)
        newest = datetime.fromtimestamp(max(file.written for file in own), UTC)
        chosen = own if everything or loose * TENTH >= rows else small
        is_quiet = everything or newest < now - QUIET
        if len(chosen) >= (2 if is_quiet else SOME):
            found[month] = chosen
    return found


def _sweep(session: Session, data_dir: Path, now: datetime, *, kept: timedelta) -> Snapshot | None:
    """Delete what no version needs, and forget the erased that no file holds any more.

    Returns the lake as it is then; None where it is to be left alone.
    """
    with reading():
        known = snapshot(session)
        created = session.scalar(sa.select(LakeState.created_at))
    if known is None or known.is_followed:
        return None
    tables = open_to_write(known, data_dir)
    if created is not None and created <= now - kept:
        remove_other_generations(known, data_dir)
    for table in tables.values():
        table.vacuum(kept_hours=round(kept / timedelta(hours=1)))
    left = left_over(data_dir, list(tables.values()))
    oldest = min((path.stat().st_mtime for path in left), default=now.timestamp())
    record(session, known, tables, watermark=known.watermark)
    # A file, however old, that was part of a version `kept` ago has nothing that had left by then,
    # and no batch takes as long as that.
    until = max(datetime.fromtimestamp(oldest, UTC), now - 2 * kept)
    is_gone = LakeRemoval.removed_at <= until
    session.execute(sa.delete(LakeRemoval).where(is_gone))
    session.commit()
    for table in tables.values():
        table.checkpoint()
    with reading():
        return snapshot(session)
