"""What the OLTP database knows of the lake: which of its state counts, and what has to leave it."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from survey_app.db import Base, RowId, row_id

# The ids of the two generations.
COUNTS, NEXT = 1, 2


class LakeState(Base):
    """The generation that counts, and up to where; and the next one while it is being filled.

    Only what stands here is the lake: a folder and versions of its two tables. Whatever else lies
    on the disk was begun by a process that died, and is removed.
    """

    __tablename__ = "lake_state"
    __table_args__ = (sa.CheckConstraint(f"id IN ({COUNTS}, {NEXT})", name="generation"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)
    # Of this generation, within the lake's folder.
    folder: Mapped[str]
    format: Mapped[int]
    # The first batch of this generation, and the last one that is written.
    since: Mapped[int] = mapped_column(RowId)
    watermark: Mapped[int] = mapped_column(RowId)
    facts_version: Mapped[int] = mapped_column(RowId)
    mentions_version: Mapped[int] = mapped_column(RowId)
    # Of what these versions' logs say; versions of the same numbers may have been written twice,
    # if the database was restored from a backup.
    digest: Mapped[str | None]
    # Since when it counts; of the next one, when it was begun.
    created_at: Mapped[datetime]
    # When it first held everything; null while it is being filled.
    filled_at: Mapped[datetime | None]
    written_at: Mapped[datetime | None]
    tidied_at: Mapped[datetime | None]
    # Until when changed rows stay where they are, masked: rewriting the last ones took long.
    rests_until: Mapped[datetime | None]
    # Why the worker leaves it alone until it is rebuilt: "missing", "corrupt" or "newer".
    trouble: Mapped[str | None]


class LakeRemoval(Base):
    """A response whose rows in the lake are no longer true; the database's triggers write these.

    It refers to nothing, since it outlives its response and its workspace.
    """

    __tablename__ = "lake_removals"
    __table_args__ = (
        sa.Index("ix_lake_removals_workspace_id", "workspace_id", "batch"),
        sa.Index("ix_lake_removals_response_id", "response_id"),
        sa.Index("ix_lake_removals_batch", "batch"),
    )

    id: Mapped[int] = row_id()
    workspace_id: Mapped[int] = mapped_column(RowId)
    response_id: Mapped[int] = mapped_column(RowId)
    # Where in the lake its rows stand, such as 2026-03.
    month: Mapped[str]
    noted_at: Mapped[datetime]
    # By when an erased response has left the files; null where it was only changed.
    deadline: Mapped[datetime | None]
    # The batch that takes the rows out of the tables, and when that was done: from then on the
    # tables don't have them, and only old files do, which are deleted a little later.
    batch: Mapped[int | None] = mapped_column(RowId)
    removed_at: Mapped[datetime | None]
