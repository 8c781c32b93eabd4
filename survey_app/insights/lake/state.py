"""Which lake counts: what a reader needs to see one moment of the lake and the database together.

All of it comes from the OLTP database, so a reader takes it in the transaction in which it reads
the tail. On PostgreSQL that takes one snapshot for all statements, which `db`'s reader has.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from survey_app.insights.lake.models import COUNTS, NEXT, LakeRemoval, LakeState
from survey_app.responses.models import Response

# Of the two tables and their columns. Another number is another lake: it has to be made again.
FORMAT = 1
FOLDER = "lake"  # within the data folder
TABLES = ("facts", "mentions")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A generation at one moment: batches `since` to `watermark`, in these versions of its tables.

    `folder` is its name within the lake's folder; `trouble` is why nobody should read it:
    "missing", "corrupt" or "newer", as the worker or this process found. While the next generation
    takes its responses over it `is_followed`: nothing new comes in, and all later batches, which
    are the other's, stand in it as well. `digest` is of the versions (`tables.open_to_write`).
    """

    folder: str
    facts_version: int
    mentions_version: int
    since: int
    watermark: int
    trouble: str | None = None
    digest: str | None = None
    is_followed: bool = False

    def path(self, data_dir: Path, table: str) -> Path:
        """Where a table lies, "facts" or "mentions"."""
        return data_dir.absolute() / FOLDER / self.folder / table

    def version(self, table: str) -> int:
        """Of a table, "facts" or "mentions"."""
        return self.facts_version if table == "facts" else self.mentions_version


def snapshot(session: Session) -> Snapshot | None:
    """The lake as of this transaction; None before there is one."""
    return _generation(session, COUNTS)


def coming(session: Session) -> Snapshot | None:
    """The next generation, which is being filled; None where nobody makes the lake again."""
    return _generation(session, NEXT)


def _generation(session: Session, number: int) -> Snapshot | None:
    following = LakeState.__table__.alias()
    row = session.execute(
        sa.select(
            LakeState.folder,
            LakeState.facts_version,
            LakeState.mentions_version,
            LakeState.since,
            LakeState.watermark,
            sa.case((LakeState.format != FORMAT, "newer"), else_=LakeState.trouble),
            LakeState.digest,
            sa.exists().where(following.c.id == number + 1),
        ).where(LakeState.id == number)
    ).one_or_none()
    return Snapshot(*row) if row else None


def tail(snapshot: Snapshot | None, workspace_id: int) -> sa.ColumnElement[bool]:
    """The workspace's responses that do not stand in the lake, or stand there differently.

    All of them, without a lake. No other condition on the workspace should stand beside it.
    """
    if snapshot is None:
        return Response.workspace_id == workspace_id
    # Short ranges of one index; SQLite takes another one when they are in one condition.
    of_workspace = sa.select(Response.id).where(Response.workspace_id == workspace_id)
    return Response.id.in_(sa.union_all(*map(of_workspace.where, beyond(snapshot))))


def beyond(snapshot: Snapshot) -> list[sa.ColumnElement[bool]]:
    """The ranges of batches that don't stand in the lake; whoever is in none of them does."""
    batch = Response.fact_batch
    later = [] if snapshot.is_followed else [batch > snapshot.watermark]
    return [batch.is_(None), batch < snapshot.since, *later]


def to_take_over(known: Snapshot, after: Snapshot) -> sa.ColumnElement[bool]:
    """The responses of the generation that counts which the next one does not have yet."""
    return Response.fact_batch.between(known.since, after.since - 1)


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
