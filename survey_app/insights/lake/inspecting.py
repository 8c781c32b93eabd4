"""What there is to say of the lake: what it holds, what waits for it, what must leave it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from survey_app.insights.lake.models import LakeRemoval, LakeState
from survey_app.insights.lake.state import TABLES, Snapshot, snapshot
from survey_app.insights.lake.tables import LakeTrouble, open_table
from survey_app.insights.lake.writing import unwritten
from survey_app.jobs import Job
from survey_app.responses.models import Response


@dataclass(frozen=True, slots=True)
class Held:
    """What a table holds."""

    rows: int
    files: int
    bytes: int
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The lake at a glance.

    `lag_seconds` is how long ago the oldest response came that waits; `erasures` are erased
    responses that a file may still hold, `overdue` those past their deadline; `failure` is the
    type of error that the worker's last try ended with, `trouble` why it doesn't try.
    """

    folder: str | None
    is_filled: bool
    tables: Mapping[str, Held] = field(default_factory=dict)
    waiting: int
    lag_seconds: float | None
    erasures: int
    overdue: int
    failure: str | None
    trouble: str | None


def look(session: Session, data_dir: Path, now: datetime) -> Look:
    """Look at the lake, in one read transaction."""
    known = snapshot(session)
    waiting, oldest = session.execute(
        sa.select(sa.func.count(), sa.func.min(Response.received_at)).where(unwritten(known))
    ).one()
    erased = sa.select(sa.func.count()).where(LakeRemoval.deadline.is_not(None))
    tables: dict[str, Held] = {}
    trouble = known.trouble if known else None
    try:
        if known:
            tables = {name: _held(known, data_dir, name) for name in TABLES}
    except LakeTrouble as found:
        trouble = found.reason
    return Look(
        folder=known.folder if known else None,
        is_filled=session.scalar(sa.select(LakeState.filled_at)) is not None,
        tables=tables,
        waiting=waiting,
        lag_seconds=(now - oldest).total_seconds() if oldest else None,
        erasures=session.scalar(erased) or 0,
        overdue=session.scalar(erased.where(LakeRemoval.deadline < now)) or 0,
        failure=session.scalar(
            sa.select(Job.error).where(Job.kind.in_(("write_lake", "tidy_lake"))).limit(1)
        ),
        trouble=trouble,
    )


def _held(known: Snapshot, data_dir: Path, name: str) -> Held:
    files = open_table(known, data_dir, name).files()
    rows, size = sum(file.rows for file in files), sum(file.bytes for file in files)
    return Held(rows, len(files), size, known.version(name))
