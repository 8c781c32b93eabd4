"""Publishing anonymous surveys: at the close of each week, what can be published together.

The rule is `analytics.privacy.releases`. What was published once stays so, with its week, whatever
is erased or arrives later: an answer is in one batch, for ever. Its `day` is that week's Sunday
from then on, so that no page, list or file knows another one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from secrets import randbelow

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session

from analytics.periods import Grain
from analytics.privacy.releases import COMMENTED, METRIC, releasable
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
UNTIL_RETRIED = timedelta(hours=1)
PLACES = 10**18  # so many that hardly two answers ever get the same


@dataclass(frozen=True, slots=True)
class Week:
    """A closed week: its Sunday, and the moment at which it was over."""

    sunday: date
    end: datetime


@dataclass(frozen=True, slots=True)
class Coming:
    """What may be said of answers that wait: of how many surveys, on which day the next may be
    published, and how many have to be alike. Not how many wait: whoever looks twice at a count
    would know when somebody answered.
    """

    surveys: int
    day: date
    fewest: int


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
    """Anonymous surveys whose last closed week was not worked off yet.

    One that was set aside is tried anew after a while: what failed may have been the disk.
    """
    stands = sa.or_(Job.quarantined_at.is_(None), Job.quarantined_at > now - UNTIL_RETRIED)
    has_job = sa.exists().where(Job.kind == KIND, Job.subject == Survey.id, stands)
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
        METRIC: sa.select(sa.func.min(Answer.kind)).where(of).scalar_subquery(),
        COMMENTED: Response.has_comment,
    }
    rows = session.execute(
        sa.select(*columns.values()).where(
            *_waiting(survey.id), Response.received_at < week.end, is_settled
        )
    ).all()
    waiting = pd.DataFrame([tuple(row) for row in rows], columns=list(columns))
    chosen = waiting[releasable(waiting, k=_fewest(workspace.score_floor))]
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
        places = [{"one": int(one), "place": randbelow(PLACES)} for one in batch.answers]
        if places:
            session.connection().execute(_release(batch.sunday), places)


def _release(sunday: date) -> sa.Update:
    # It may stand in the lake already, though without a row.
    is_held = Response.fact_batch.is_not(None)
    return (
        sa.update(Response)
        .where(Response.id == sa.bindparam("one"))
        .values(
            released_week=sunday,
            released_place=sa.bindparam("place"),
            day=sunday,
            status="complete",
            fact_batch=sa.case((is_held, 0), else_=None),
        )
    )


def left_out(
    session: Session, scope: Scope, asked: Iterable[Breakdown] = (), *, grain: Grain = "month"
) -> int:
    """How many anonymous surveys of a scope what is asked leaves out; 0 on the lattice."""
    return 0 if scope.narrowed(asked, grain=grain).anonymous else _promising(session, scope)


def coming(session: Session, scope: Scope, *, today: date) -> Coming | None:
    """When more of a scope's anonymous surveys may be published; None where it has none.

    `today` is the workspace's date.
    """
    surveys = _promising(session, scope)
    if not surveys:
        return None
    monday = today + timedelta(days=7 - today.weekday())
    return Coming(surveys, monday, _fewest(scope.respondent_floor))


def _fewest(floor: int) -> int:
    return max(FEWEST, floor)


def _promising(session: Session, scope: Scope) -> int:
    """How many surveys of a scope promise anonymity."""
    surveys = sa.select(sa.func.count()).where(
        Survey.workspace_id == scope.workspace, Survey.anonymous.is_(True)
    )
    if scope.survey is not None:
        surveys = surveys.where(Survey.key == scope.survey)
    elif scope.kind is not None:
        surveys = surveys.where(Survey.kind == scope.kind)
    return session.scalar(surveys) or 0
