"""Responses, their answers, and the records of imports."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from survey_app.db import Base, RowId, row_id, same_workspace

STATUSES = ("partial", "complete")
CHANNELS = ("widget", "link", "email", "api", "import", "kiosk")
# Where a stamped fact came from, most trusted first.
SOURCES = ("token", "profile", "import", "api", "claim", "header", "transition")


class ImportRecord(Base):
    """One file taken in for one survey; `next_row` is where an interrupted import goes on."""

    __tablename__ = "import_records"
    __table_args__ = (
        same_workspace("survey_id", "surveys"),
        sa.UniqueConstraint("workspace_id", "id"),
    )

    id: Mapped[int] = row_id()
    workspace_id: Mapped[int] = mapped_column(RowId)
    survey_id: Mapped[int] = mapped_column(RowId)
    file_name: Mapped[str]
    # Of its content and of what each column was taken for.
    file_hash: Mapped[str]
    next_row: Mapped[int] = mapped_column(default=0)
    taken: Mapped[int] = mapped_column(default=0)
    known: Mapped[int] = mapped_column(default=0)
    refused: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class Response(Base):
    """One person's answers to one version of a survey, stamped with everything known then."""

    __tablename__ = "responses"
    __table_args__ = (
        same_workspace("survey_id", "surveys"),
        same_workspace("version_id", "survey_versions", cascade=False),
        same_workspace("customer_id", "customers"),
        same_workspace("import_id", "import_records", cascade=False),
        sa.UniqueConstraint("workspace_id", "id"),
        sa.UniqueConstraint("survey_id", "key"),
        sa.CheckConstraint(f"status IN {STATUSES}", name="status"),
        sa.CheckConstraint(f"channel IN {CHANNELS}", name="channel"),
        sa.Index("ix_responses_workspace_id_day", "workspace_id", "day"),
        sa.Index("ix_responses_workspace_id_fact_batch", "workspace_id", "fact_batch"),
        sa.Index(
            "ix_responses_analysed_version",
            "analysed_version",
            sqlite_where=sa.text("has_comment"),
            postgresql_where=sa.text("has_comment"),
        ),
        sa.Index(
            "ix_responses_unredacted",
            "workspace_id",
            "id",
            sqlite_where=sa.text("has_comment AND redacted_at IS NULL"),
            postgresql_where=sa.text("has_comment AND redacted_at IS NULL"),
        ),
    )

    id: Mapped[int] = row_id()
    workspace_id: Mapped[int] = mapped_column(RowId)
    survey_id: Mapped[int] = mapped_column(RowId)
    version_id: Mapped[int] = mapped_column(RowId)
    # Made by the client when the survey opened; the same key is the same response, for ever.
    key: Mapped[str]
    body_hash: Mapped[str]
    status: Mapped[str]
    received_at: Mapped[datetime]
    submitted_at: Mapped[datetime]
    # The workspace-local date of submitted_at: converting zones differs between databases.
    day: Mapped[date]
    # Of an anonymous survey: the Sunday of the week at whose close it was published, which is its
    # `day` since then; null while it waits for others. Within the week published answers stand by a
    # random number, since their ids tell who came before whom.
    released_week: Mapped[date | None]
    released_place: Mapped[int | None] = mapped_column(RowId)
    counted: Mapped[bool] = mapped_column(default=True)
    flag: Mapped[str | None]
    # Who answered: the customer's key as told, and the profile where there is one.
    customer_key: Mapped[str | None]
    customer_source: Mapped[str | None]
    customer_id: Mapped[int | None] = mapped_column(RowId, index=True)
    channel: Mapped[str]
    # The language the survey was shown in; an imported answer may not say.
    locale: Mapped[str | None]
    orientation: Mapped[str] = mapped_column(default="ascending")
    country: Mapped[str | None]
    country_source: Mapped[str | None]
    region: Mapped[str | None]
    stage: Mapped[str | None]
    stage_source: Mapped[str | None]
    age_band: Mapped[str | None]
    gender: Mapped[str | None]
    import_id: Mapped[int | None] = mapped_column(RowId)
    has_comment: Mapped[bool] = mapped_column(default=False)
    # Which analysis has read the comments; null or old is work to do for whoever analyses.
    analysed_version: Mapped[str | None]
    # When personal data was taken out of the comments; null is work to do where the workspace asks.
    redacted_at: Mapped[datetime | None]
    # Which batch of derived facts holds it; null is work to do for whoever derives facts, and so is
    # 0: held, and changed since. Triggers set it to 0.
    fact_batch: Mapped[int | None] = mapped_column(RowId)
    answers: Mapped[list["Answer"]] = relationship(
        cascade="all, delete-orphan", passive_deletes=True, order_by="Answer.question"
    )


class Answer(Base):
    """One answered question: a number, a text or a choice. Not answered means no row."""

    __tablename__ = "answers"
    __table_args__ = (
        same_workspace("response_id", "responses"),
        # Rows lie in the order of their response, which is how they are read.
        {"sqlite_with_rowid": False},
    )

    response_id: Mapped[int] = mapped_column(RowId, primary_key=True)
    question: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(RowId)
    kind: Mapped[str]
    number: Mapped[int | None] = mapped_column(sa.SmallInteger)
    text: Mapped[str | None]
    choice: Mapped[str | None]
