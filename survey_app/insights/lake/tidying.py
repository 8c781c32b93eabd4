"""Keeping the lake in order: few files, in order, and none that holds what was erased.

A month that gathered many small files is rewritten in the order of workspace, day and stage. Files
that no version needs any more are deleted an hour later, since a page may still be reading them;
then whatever was erased is gone from the disk, too, long before its deadline.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from survey_app.db import reading
from survey_app.insights.lake.models import LakeRemoval, LakeState
from survey_app.insights.lake.state import snapshot
from survey_app.insights.lake.tables import (
    ROW_GROUP,
    File,
    left_over,
    open_to_write,
    remove_other_generations,
)
from survey_app.insights.lake.writing import record

# Files that are in no version any more are kept so long for whoever is reading them.
KEPT = timedelta(hours=1)
EVERY = timedelta(minutes=1)
# A month with so many small files is rewritten, or with fewer, where they are much of it or where
# nothing was added for a while.
MANY, SOME = 32, 12
QUIET = timedelta(minutes=10)


def is_due(session: Session, now: datetime) -> bool:
    """Whether something was written or erased since the last time, or an hour has passed."""
    known = snapshot(session)
    state = session.scalars(sa.select(LakeState)).one_or_none()
    if state is None or known is None or known.trouble:
        return False
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
    """Rewrite months that need it, delete old files; for the only writer. Commits.

    Returns how many months were rewritten; with `everything`, all that have more than one small
    file. Raises LakeTrouble.
    """
    with reading():
        known = snapshot(session)
    if known is None:
        return 0
    tables = open_to_write(known, data_dir)
    rewritten = set()
    for table in tables.values():
        for month in untidy(table.files(), now, everything=everything):
            table.rewrite_month(month)
            rewritten.add(month)
    if rewritten:
        record(session, known, tables, watermark=known.watermark)
        session.commit()
    _sweep(session, data_dir, now, kept=kept)
    return len(rewritten)


def untidy(files: Sequence[File], now: datetime, *, everything: bool = False) -> list[str]:
    """The months that are worth the rewriting."""
    found = []
    for month in sorted({file.month for file in files}):
        own = [file for file in files if file.month == month]
        small = [file for file in own if file.rows < ROW_GROUP]
        newest = datetime.fromtimestamp(max(file.written for file in own), UTC)
        is_quiet = newest < now - QUIET
        is_much = sum(file.rows for file in small) * 10 >= sum(file.rows for file in own)
        if (
            len(small) >= MANY
            or (len(small) >= SOME and is_much)
            or (len(small) > 1 and (is_quiet or everything))
        ):
            found.append(month)
    return found


def _sweep(session: Session, data_dir: Path, now: datetime, *, kept: timedelta) -> None:
    """Delete what no version needs, and forget the erased that no file holds any more."""
    with reading():
        known = snapshot(session)
        created = session.scalar(sa.select(LakeState.created_at))
    if known is None:
        return
    tables = open_to_write(known, data_dir)
    for table in tables.values():
        table.vacuum(kept_hours=round(kept / timedelta(hours=1)))
    if created is not None and created <= now - kept:
        remove_other_generations(known, data_dir)
    left = left_over(data_dir, list(tables.values()))
    oldest = min((path.stat().st_mtime for path in left), default=now.timestamp())
    record(session, known, tables, watermark=known.watermark)
    # A file, however old, that was part of a version `kept` ago has nothing that had left by then,
    # and no batch takes as long as that.
    until = max(datetime.fromtimestamp(oldest, UTC), now - 2 * kept)
    is_gone = LakeRemoval.removed_at <= until
    session.execute(sa.delete(LakeRemoval).where(is_gone))
    session.execute(sa.update(LakeState).values(tidied_at=now))
    session.commit()
    for table in tables.values():
        table.checkpoint()
