"""What a scope means in the OLTP database, for rows that people read: counting is the lake's."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from analytics.scope import Scope
from survey_app.insights.lake.facts import IS_NAMED, IS_PUBLISHED
from survey_app.insights.models import CommentAnalysis
from survey_app.responses.models import Answer, Response
from survey_app.surveys.models import Survey

Column = sa.ColumnElement[Any]
COLUMNS: Mapping[str, sa.SQLColumnExpression[Any]] = {
    "country": Response.country,
    "region": Response.region,
    "language": Response.locale,
    "comment_language": CommentAnalysis.language,
    "stage": Response.stage,
    "age_band": Response.age_band,
    "gender": Response.gender,
    "channel": Response.channel,
    "survey": Survey.key,
    "month": sa.func.substr(sa.cast(Response.day, sa.Text), 1, 7),
}
# Joins a comment with what was found in it.
ANALYSED = sa.and_(
    CommentAnalysis.response_id == Answer.response_id,
    CommentAnalysis.question == Answer.question,
)


def in_scope(scope: Scope, *, anonymous: bool = False) -> list[Column]:
    """The conditions of a scope on responses that count.

    `anonymous` ones among them, too, as far as they are published: only of a scope on the lattice.
    """
    surveys = sa.select(Survey.id).where(Survey.workspace_id == scope.workspace)
    if not anonymous:
        surveys = surveys.where(Survey.anonymous.is_(False))
    if scope.survey is not None:
        surveys = surveys.where(Survey.key == scope.survey)
    elif scope.kind is not None:
        surveys = surveys.where(Survey.kind == scope.kind)
    return [
        Response.workspace_id == scope.workspace,
        Response.day.between(scope.period.start, scope.period.end),
        Response.counted.is_(True),
        IS_PUBLISHED,
        Response.survey_id.in_(surveys),
        *(COLUMNS[name].in_(values) for name, values in scope.filters.items()),
    ]


def places_and_languages(session: Session, workspace_id: int) -> tuple[list[str], list[str]]:
    """The countries and the survey languages that a workspace's responses have, in key order.

    Those to choose from: of anonymous surveys nothing is chosen.
    """
    found = session.execute(
        sa.select(Response.country, Response.locale)
        .where(Response.workspace_id == workspace_id, IS_NAMED)
        .distinct()
    ).all()
    countries = {country for country, _ in found if country is not None}
    languages = {language for _, language in found if language is not None}
    return sorted(countries), sorted(languages)
