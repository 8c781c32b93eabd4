"""What there is to say of the lake: what it holds, what waits for it, what must leave it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from survey_app.insights.lake.models import COUNTS, LakeRemoval, LakeState
from survey_app.insights.lake.state import TABLES, Snapshot, coming, masked, snapshot, to_take_over
from survey_app.insights.lake.tables import LakeTrouble, open_table
from survey_app.insights.lake.writing import OF_ANY_WORKSPACE, unwritten
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

    `folder` is where the one that counts lies, `next_folder` where the one that is being filled,
    which has `to_take_over` responses of the other to go. `lag_seconds` is how long ago the oldest
    response came that waits; `erasures` are erased responses that a file may still hold, `overdue`
    those past their deadline; `failure` is the type of error that the worker's last try ended with,
    `trouble` why it doesn't try.
    """

    folder: Path | None
    is_filled: bool
    next_folder: Path | None
    to_take_over: int
    tables: Mapping[str, Held] = field(default_factory=dict)
    waiting: int
    lag_seconds: float | None
    erasures: int
    overdue: int
    failure: str | None
    trouble: str | None


def look(session: Session, data_dir: Path, now: datetime) -> Look:
    """Look at the lake, in one read transaction."""
    known, after = snapshot(session), coming(session)
    waiting, oldest = session.execute(
        sa.select(sa.func.count(), sa.func.min(Response.received_at)).where(unwritten(known))
    ).one()
    erased = sa.select(sa.func.count()).where(LakeRemoval.deadline.is_not(None))
    of_counting = sa.select(LakeState.filled_at).where(LakeState.id == COUNTS)
    tables: dict[str, Held] = {}
    trouble = known.trouble if known else None
    try:
        if known:
            tables = {name: _held(known, data_dir, name) for name in TABLES}
    except LakeTrouble as found:
        trouble = found.reason
    return Look(
        folder=known.path(data_dir, "") if known else None,
        is_filled=session.scalar(of_counting) is not None,
        next_folder=after.path(data_dir, "") if after else None,
        to_take_over=_number(session, to_take_over(known, after)) if known and after else 0,
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


def readable(session: Session, data_dir: Path, workspace_id: int) -> dict[str, Any]:
    """What another tool needs to read a workspace's rows at this moment, to be written as JSON.

    The tables' folders, versions and files, which have all workspaces' rows, and the responses of
    this one whose rows there no longer count. Raises LakeTrouble.
    """
    known = snapshot(session)
    if known is None or known.trouble:
        raise LakeTrouble(known.trouble if known and known.trouble else "missing")
    tables = {
        name: {
            "folder": str(known.path(data_dir, name)),
            "version": known.version(name),
            "files": [str(file.path) for file in open_table(known, data_dir, name).files()],
        }
        for name in TABLES
    }
    hidden = list(masked(session, known, workspace_id))
    return {"workspace": workspace_id, **tables, "masked": hidden}


def _number(session: Session, some: sa.ColumnElement[bool]) -> int:
    return session.scalar(sa.select(sa.func.count()).where(OF_ANY_WORKSPACE, some)) or 0


def _held(known: Snapshot, data_dir: Path, name: str) -> Held:
    files = open_table(known, data_dir, name).files()
    rows, size = sum(file.rows for file in files), sum(file.bytes for file in files)
    return Held(rows, len(files), size, known.version(name))
