"""Surveys and their published versions."""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from survey_app.db import Base, RowId, row_id, same_workspace

KINDS = ("relational", "transactional")


class Survey(Base):
    """A survey under a key that is unique in the installation."""

    __tablename__ = "surveys"
    __table_args__ = (
        sa.UniqueConstraint("workspace_id", "id"),
        sa.CheckConstraint(f"kind IN {KINDS}", name="kind"),
    )

    id: Mapped[int] = row_id()
    workspace_id: Mapped[int] = mapped_column(
        RowId, sa.ForeignKey("workspaces.id", ondelete="CASCADE")
    )
    key: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    # Sites that may embed it; an empty list means any.
    origins: Mapped[list[str]] = mapped_column(sa.JSON, default=list)
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    # It promises that nobody's answers can be told apart: they are shown as a fixed lattice only.
    # It is said when the survey is made, and never changes.
    anonymous: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    # Of an anonymous one: the Sunday up to which weeks are closed; what waits, waits for the next.
    released_until: Mapped[date | None]
    versions: Mapped[list["SurveyVersion"]] = relationship(order_by="SurveyVersion.number")


class SurveyVersion(Base):
    """What was asked, word for word; a published version is never changed, only followed."""

    __tablename__ = "survey_versions"
    __table_args__ = (
        same_workspace("survey_id", "surveys"),
        sa.UniqueConstraint("workspace_id", "id"),
        sa.UniqueConstraint("survey_id", "number"),
    )

    id: Mapped[int] = row_id()
    workspace_id: Mapped[int] = mapped_column(RowId)
    survey_id: Mapped[int] = mapped_column(RowId)
    number: Mapped[int]
    # {"questions": [{key, kind, required}], "wording": {locale: {title, thanks, key: {text, …}}}}
    definition: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
    published_at: Mapped[datetime]
