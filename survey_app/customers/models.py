"""Known persons. An anonymous respondent is none."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from survey_app.db import Base, RowId, row_id

GENDERS = ("female", "male", "other")


class Customer(Base):
    """A profile under the workspace's own key for the person."""

    __tablename__ = "customers"
    __table_args__ = (
        sa.UniqueConstraint("workspace_id", "key"),
        sa.UniqueConstraint("workspace_id", "id"),
    )

    id: Mapped[int] = row_id()
    workspace_id: Mapped[int] = mapped_column(
        RowId, sa.ForeignKey("workspaces.id", ondelete="CASCADE")
    )
    key: Mapped[str]
    country: Mapped[str | None]
    birth_year: Mapped[int | None]
    gender: Mapped[str | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
