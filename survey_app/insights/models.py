"""What was found in comments, and what people said about that.

Analyses, mentions, topics and learnt models are derived and can be made again; corrections and own
themes can't.
"""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from survey_app.db import Base, RowId, row_id, same_workspace


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
        sa.Index("ix_comment_analyses_workspace_id", "workspace_id", "analysed_at"),
        {"sqlite_with_rowid": False},
    )

    response_id: Mapped[int] = mapped_column(RowId, primary_key=True)
    question: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(RowId)
    engine_version: Mapped[str]
    language: Mapped[str]
    # A second language that a part of the comment is written in.
    also: Mapped[str | None]
    # A person's label where one was given; the probabilities stay the model's.
    sentiment: Mapped[str | None]
    score: Mapped[float | None]
    confidence: Mapped[float | None]
    negative: Mapped[float | None]
    neutral: Mapped[float | None]
    positive: Mapped[float | None]
    # The text says the clear opposite of the score that came with it; nothing is overridden.
    contradicts: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    corrected: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
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


class CommentCorrection(Base):
    """What a person says of a comment; outlives every analysis, and goes with the text."""

    __tablename__ = "comment_corrections"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["response_id", "question"],
            ["answers.response_id", "answers.question"],
            ondelete="CASCADE",
        ),
        sa.Index("ix_comment_corrections_workspace_id", "workspace_id"),
        {"sqlite_with_rowid": False},
    )

    response_id: Mapped[int] = mapped_column(RowId, primary_key=True)
    question: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(RowId)
    # None: the analysis stands.
    sentiment: Mapped[str | None]
    # Theme's code -> polarity or null, instead of all that were found. None: the analysis stands.
    themes: Mapped[dict[str, str | None] | None] = mapped_column(sa.JSON(none_as_null=True))
    user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id", ondelete="SET NULL"))
    corrected_at: Mapped[datetime]


class OwnTheme(Base):
    """A theme that a workspace defined: words and phrases, or one RE2 pattern."""

    __tablename__ = "own_themes"
    __table_args__ = (sa.UniqueConstraint("workspace_id", "code"),)

    id: Mapped[int] = row_id()
    workspace_id: Mapped[int] = mapped_column(sa.ForeignKey("workspaces.id", ondelete="CASCADE"))
    # `theme.own.` and what is made of the first name; it stays when the name changes.
    code: Mapped[str]
    name: Mapped[str]
    words: Mapped[list[str]] = mapped_column(sa.JSON)
    pattern: Mapped[str | None]
    created_at: Mapped[datetime]


class LearntSentiment(Base):
    """What a workspace's own scores taught: one fit, kept where it won on pairs held back."""

    __tablename__ = "learnt_sentiments"
    __table_args__ = (sa.UniqueConstraint("workspace_id", "version"),)

    id: Mapped[int] = row_id()
    workspace_id: Mapped[int] = mapped_column(sa.ForeignKey("workspaces.id", ondelete="CASCADE"))
    # 1, 2, … within the workspace.
    version: Mapped[int]
    # None: it did not win, or there were too few pairs (then none was held back); remembered so
    # that the same pairs are not tried again.
    weights: Mapped[bytes | None]
    pairs: Mapped[int]
    held_back: Mapped[int]
    # Whether known customers alone taught; else anybody may have, within bounds.
    known: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    # Why it was not kept: "few", "no_win" or "unlike", as `nlp.learning` has them.
    refusal: Mapped[str | None]
    # Macro-F1 on the pairs held back, in percent: as packaged, and as learnt.
    before: Mapped[float]
    after: Mapped[float]
    # Of the packaged engine that it was fitted on.
    engine_version: Mapped[str]
    fitted_at: Mapped[datetime]
    in_use: Mapped[bool] = mapped_column(default=False)


class LearningLook(Base):
    """When a workspace's pairs of comment and score were last counted, and how many there were."""

    __tablename__ = "learning_looks"

    workspace_id: Mapped[int] = mapped_column(
        sa.ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    pairs: Mapped[int]
    # The newest response, in the installation, whose comment had been read by then.
    up_to: Mapped[int] = mapped_column(RowId)
    # So many pairs the next fit waits for.
    due_pairs: Mapped[int]
    # Sentiments that people had corrected at the last fit.
    corrections: Mapped[int]


class TopicSearch(Base):
    """When a workspace's comments were last searched for topics that no theme explains."""

    __tablename__ = "topic_searches"

    workspace_id: Mapped[int] = mapped_column(
        sa.ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    searched_at: Mapped[datetime]
    # Comments that no theme explained, in the period and in the one before it.
    unexplained: Mapped[int]
    unexplained_before: Mapped[int]


class EmergingTopic(Base):
    """Comments that no theme explains and that speak of the same; replaced by the next search."""

    __tablename__ = "emerging_topics"
    __table_args__ = (sa.UniqueConstraint("workspace_id", "id"),)

    id: Mapped[int] = row_id()
    workspace_id: Mapped[int] = mapped_column(
        sa.ForeignKey("topic_searches.workspace_id", ondelete="CASCADE")
    )
    # 0 for the one to show first.
    place: Mapped[int]
    # By language, the one with most comments first: its most telling words, most telling first.
    words: Mapped[dict[str, list[str]]] = mapped_column(sa.JSON)
    comments: Mapped[int]
    comments_before: Mapped[int]
    # All comments of its languages, in the period and in the one before it.
    of: Mapped[int]
    of_before: Mapped[int]
    # Of a growth like this by chance; `grew` is adjusted for all that was tested.
    p_value: Mapped[float]
    grew: Mapped[bool]
    respondents: Mapped[int]


class TopicExample(Base):
    """A comment of a topic."""

    __tablename__ = "topic_examples"
    __table_args__ = (
        same_workspace("topic_id", "emerging_topics"),
        sa.ForeignKeyConstraint(
            ["response_id", "question"],
            ["answers.response_id", "answers.question"],
            ondelete="CASCADE",
        ),
        sa.Index("ix_topic_examples_response_id", "response_id", "question"),
        {"sqlite_with_rowid": False},
    )

    topic_id: Mapped[int] = mapped_column(RowId, primary_key=True)
    response_id: Mapped[int] = mapped_column(RowId, primary_key=True)
    question: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(RowId)
    # 0 for the most typical.
    place: Mapped[int]
