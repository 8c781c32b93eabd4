"""Publishing anonymous surveys: at the close of each week, what can be published together.

The rule is `analytics.privacy.releases`. What was published once stays so, with its week, whatever
is erased or arrives later: an answer is in one batch, for ever. Its `day` is that week's Sunday
from then on, so that no page, list or file knows another one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session

from analytics.periods import Grain
from analytics.privacy.releases import COMMENTED, SCORED, releasable
from analytics.scope import SIDES, Breakdown, Scope
from survey_app.accounts.models import Workspace
from survey_app.accounts.operations import zone_of
from survey_app.insights.queries import COLUMNS
from survey_app.jobs import Job
from survey_app.responses.models import Answer, Response
from survey_app.surveys.models import Survey

KIND = "release_answers"
FEWEST = 5  # a workspace's floor may be higher
# One that is sent in parts may yet be completed; once it is published, it is complete.
UNTIL_COMPLETE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Week:
    """A closed week: its Sunday, and the moment at which it was over."""

    sunday: date
    end: datetime


@dataclass(frozen=True, slots=True)
class Batch:
    """What is published of a survey at a week's close: each answer's id, body and status."""

    survey_id: int
    sunday: date
    answers: dict[int, tuple[str, str]]


def last_week(workspace: Workspace, now: datetime) -> Week:
    """The last ISO week that is over, in the workspace's zone."""
    zone = zone_of(workspace)
    today = now.astimezone(zone).date()
    monday = today - timedelta(days=today.weekday())
    return Week(monday - timedelta(days=1), datetime.combine(monday, time.min, tzinfo=zone))


def find_unreleased(session: Session, limit: int, *, now: datetime) -> Sequence[int]:
    """Anonymous surveys whose last closed week was not worked off yet."""
    has_job = sa.exists().where(Job.kind == KIND, Job.subject == Survey.id)
    rows = session.execute(
        sa.select(Survey, Workspace)
        .join(Workspace, Workspace.id == Survey.workspace_id)
        .where(Survey.anonymous.is_(True), ~has_job)
        .order_by(Survey.id)
    )
    undone = (
        survey.id
        for survey, workspace in rows
        if (survey.released_until or date.min) < last_week(workspace, now).sunday
    )
    return [survey_id for survey_id, _ in zip(undone, range(limit), strict=False)]


def read(session: Session, survey_ids: Sequence[int], *, now: datetime) -> list[Batch]:
    """What of these surveys can be published at the close of the last week; stores nothing."""
    rows = session.execute(
        sa.select(Survey, Workspace)
        .join(Workspace, Workspace.id == Survey.workspace_id)
        .where(Survey.id.in_(survey_ids), Survey.anonymous.is_(True))
        .order_by(Survey.id)
    ).all()
    return [_batch(session, survey, workspace, now=now) for survey, workspace in rows]


def _batch(session: Session, survey: Survey, workspace: Workspace, *, now: datetime) -> Batch:
    week = last_week(workspace, now)
    of = sa.and_(Answer.response_id == Response.id, Answer.number.is_not(None))
    is_settled = sa.or_(
        Response.status == "complete", Response.received_at < week.end - UNTIL_COMPLETE
    )
    columns = {
        "id": Response.id,
        "body": Response.body_hash,
        "status": Response.status,
        **{name: COLUMNS[name] for name in SIDES},
        SCORED: sa.exists().where(of),
        COMMENTED: Response.has_comment,
    }
    rows = session.execute(
        sa.select(*columns.values()).where(
            *_waiting(survey.id), Response.received_at < week.end, is_settled
        )
    ).all()
    waiting = pd.DataFrame([tuple(row) for row in rows], columns=list(columns))
    chosen = waiting[releasable(waiting, k=max(FEWEST, workspace.score_floor))]
    bodies = zip(chosen["body"], chosen["status"], strict=True)
    return Batch(survey.id, week.sunday, dict(zip(chosen["id"], bodies, strict=True)))


def _waiting(survey_id: int) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        Response.survey_id == survey_id,
        Response.released_week.is_(None),
        Response.counted.is_(True),
    )


def store(session: Session, batches: Sequence[Batch], _now: datetime) -> None:
    """Publish each batch whole; one of whose answers has changed meanwhile is looked at anew."""
    for batch in batches:
        survey = session.get_one(Survey, batch.survey_id, with_for_update={"key_share": True})
        if (survey.released_until or date.min) >= batch.sunday:
            continue
        rows = session.execute(
            sa.select(Response.id, Response.body_hash, Response.status)
            .where(*_waiting(survey.id))
            .with_for_update()
        )
        current = {response_id: (body, status) for response_id, body, status in rows}
        if any(current.get(one) != body for one, body in batch.answers.items()):
            continue
        survey.released_until = batch.sunday
        rows_of = [{"one": int(response_id)} for response_id in batch.answers]
        if rows_of:
            session.connection().execute(_release(batch.sunday), rows_of)


def _release(sunday: date) -> sa.Update:
    # It may stand in the lake already, though without a row.
    is_held = Response.fact_batch.is_not(None)
    return (
        sa.update(Response)
        .where(Response.id == sa.bindparam("one"))
        .values(
            released_week=sunday,
            day=sunday,
            status="complete",
            fact_batch=sa.case((is_held, 0), else_=None),
        )
    )


def left_out(
    session: Session, scope: Scope, asked: Iterable[Breakdown] = (), *, grain: Grain = "month"
) -> int:
    """How many anonymous surveys of a scope what is asked leaves out; 0 on the lattice."""
    if scope.narrowed(asked, grain=grain).anonymous:
        return 0
    surveys = sa.select(sa.func.count()).where(
        Survey.workspace_id == scope.workspace, Survey.anonymous.is_(True)
    )
    if scope.survey is not None:
        surveys = surveys.where(Survey.key == scope.survey)
    elif scope.kind is not None:
        surveys = surveys.where(Survey.kind == scope.kind)
    return session.scalar(surveys) or 0
