"""What the analysis found in comments; derived, and made again by a newer engine."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from survey_app.db import Base, RowId, row_id


class CommentAnalysis(Base):
    """Language and sentiment of one comment; sentiment is null where it is honestly unscored."""

    __tablename__ = "comment_analyses"
    __table_args__ = (
        # A text that is replaced or erased takes along what was found in it.
        sa.ForeignKeyConstraint(
            ["response_id", "question"],
            ["answers.response_id", "answers.question"],
            ondelete="CASCADE",
        ),
        {"sqlite_with_rowid": False},
    )

    response_id: Mapped[int] = mapped_column(RowId, primary_key=True)
    question: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(RowId)
    engine_version: Mapped[str]
    language: Mapped[str]
    sentiment: Mapped[str | None]
    score: Mapped[float | None]
    confidence: Mapped[float | None]
    negative: Mapped[float | None]
    neutral: Mapped[float | None]
    positive: Mapped[float | None]
    analysed_at: Mapped[datetime]


class ThemeMention(Base):
    """A theme that a comment speaks of, with its own polarity and place in the text."""

    __tablename__ = "theme_mentions"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["response_id", "question"],
            ["comment_analyses.response_id", "comment_analyses.question"],
            ondelete="CASCADE",
        ),
        sa.Index("ix_theme_mentions_response_id", "response_id", "question"),
    )

    id: Mapped[int] = row_id()
    response_id: Mapped[int] = mapped_column(RowId)
    question: Mapped[str]
    workspace_id: Mapped[int] = mapped_column(RowId)
    # The theme, and what of it is meant where that is said: `theme.delivery.speed`.
    theme: Mapped[str]
    code: Mapped[str]
    polarity: Mapped[str | None]
    # Offsets in code points of the comment as stored.
    start: Mapped[int]
    end: Mapped[int]
