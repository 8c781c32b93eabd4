"""Which lake counts: what a reader needs to see one moment of the lake and the database together.

All of it comes from the OLTP database, so a reader takes it in the transaction in which it reads
the tail. On PostgreSQL that takes one snapshot for all statements, which `db`'s reader has.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from survey_app.insights.lake.models import LakeRemoval, LakeState
from survey_app.responses.models import Response

# Of the two tables and their columns. Another number is another lake: it has to be made again.
FORMAT = 1
FOLDER = "lake"  # within the data folder
TABLES = ("facts", "mentions")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The lake at one moment: batches `since` to `watermark`, in these versions of its tables.

    `folder` is its name within the lake's folder; `trouble` is why nobody should read it:
    "missing", "corrupt" or "newer", as the worker or this process found.
    """

    folder: str
    facts_version: int
    mentions_version: int
    since: int
    watermark: int
    trouble: str | None = None

    def path(self, data_dir: Path, table: str) -> Path:
        """Where a table lies, "facts" or "mentions"."""
        return data_dir.absolute() / FOLDER / self.folder / table

    def version(self, table: str) -> int:
        """Of a table, "facts" or "mentions"."""
        return self.facts_version if table == "facts" else self.mentions_version


def snapshot(session: Session) -> Snapshot | None:
    """The lake as of this transaction; None before there is one."""
    row = session.execute(
        sa.select(
            LakeState.folder,
            LakeState.facts_version,
            LakeState.mentions_version,
            LakeState.since,
            LakeState.watermark,
            sa.case((LakeState.format != FORMAT, "newer"), else_=LakeState.trouble),
        )
    ).one_or_none()
    return Snapshot(*row) if row else None


def tail(snapshot: Snapshot | None, workspace_id: int) -> sa.ColumnElement[bool]:
    """The workspace's responses that do not stand in the lake, or stand there differently.

    All of them, without a lake. No other condition on the workspace should stand beside it.
    """
    if snapshot is None:
        return Response.workspace_id == workspace_id
    # Three short ranges of one index; SQLite takes another one when they are in one condition.
    of_workspace = sa.select(Response.id).where(Response.workspace_id == workspace_id)
    batch = Response.fact_batch
    ranges = (batch.is_(None), batch < snapshot.since, batch > snapshot.watermark)
    return Response.id.in_(sa.union_all(*(of_workspace.where(one) for one in ranges)))


def masked(session: Session, snapshot: Snapshot, workspace_id: int) -> Sequence[int]:
    """Responses whose rows in the lake must not be read: changed since, or erased. In order."""
    return session.scalars(
        sa.select(LakeRemoval.response_id)
        .where(LakeRemoval.workspace_id == workspace_id, removed(snapshot))
        .distinct()
        .order_by(LakeRemoval.response_id)
    ).all()


def removed(snapshot: Snapshot) -> sa.ColumnElement[bool]:
    """The removals whose rows these versions of the tables still have."""
    return sa.or_(LakeRemoval.batch.is_(None), LakeRemoval.batch > snapshot.watermark)
