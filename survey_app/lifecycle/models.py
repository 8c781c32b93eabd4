"""Maps, stages and transitions; the stage is never a column of the customer."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from survey_app.db import Base, RowId, row_id, same_workspace

DEFAULT_MAP = "default"


class LifecycleMap(Base):
    """A workspace's way of cutting the customer's life into stages."""

    __tablename__ = "lifecycle_maps"
    __table_args__ = (
        sa.UniqueConstraint("workspace_id", "key"),
        sa.UniqueConstraint("workspace_id", "id"),
    )

    id: Mapped[int] = row_id()
    workspace_id: Mapped[int] = mapped_column(
        RowId, sa.ForeignKey("workspaces.id", ondelete="CASCADE")
    )
    key: Mapped[str]


class Stage(Base):
    """One stage of a map, in lifecycle order."""

    __tablename__ = "stages"
    __table_args__ = (
        same_workspace("map_id", "lifecycle_maps"),
        sa.UniqueConstraint("map_id", "key"),
        sa.UniqueConstraint("workspace_id", "map_id", "key"),
    )

    id: Mapped[int] = row_id()
    workspace_id: Mapped[int] = mapped_column(RowId)
    map_id: Mapped[int] = mapped_column(RowId)
    key: Mapped[str]
    label: Mapped[str]
    position: Mapped[int]


class StageTransition(Base):
    """A customer entered a stage at `valid_from`; we learnt of it at `known_from`."""

    __tablename__ = "stage_transitions"
    __table_args__ = (
        same_workspace("customer_id", "customers"),
        sa.ForeignKeyConstraint(
            ["workspace_id", "map_id", "stage"],
            ["stages.workspace_id", "stages.map_id", "stages.key"],
            ondelete="CASCADE",
        ),
        sa.UniqueConstraint("customer_id", "map_id", "valid_from"),
    )

    id: Mapped[int] = row_id()
    workspace_id: Mapped[int] = mapped_column(RowId)
    customer_id: Mapped[int] = mapped_column(RowId)
    map_id: Mapped[int] = mapped_column(RowId)
    stage: Mapped[str]
    valid_from: Mapped[datetime]
    known_from: Mapped[datetime]
