"""Filling the shapes that `analytics` declares from the OLTP database.

The database counts, Python computes: a frame has a row per cell and answer with its `count`, so
that its size depends on the number of groups and not on the number of responses. However many
breakdowns of one scope are asked for, its answers are looked up once; each breakdown brings the
distinct respondents that the privacy floor counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session

from analytics import Grain, Period, buckets
from survey_app.insights.models import CommentAnalysis, ThemeMention
from survey_app.insights.scope import Scope
from survey_app.responses.models import Answer, Response
from survey_app.surveys.models import Survey

# The scores that a metric tells apart. All that it does not are counted as the lowest of their
# class: detractors as 0, passives as 7, promoters as 9.
VALUES: Mapping[str, Sequence[int]] = {
    "nps": (0, 7, 9),
    "csat": range(1, 6),
    "ces": range(1, 8),
}
POLARITIES = ("negative", "neutral", "positive", None)

Column = sa.ColumnElement[Any]
Attribute = sa.SQLColumnExpression[Any]
COLUMNS: Mapping[str, Attribute] = {
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
BUCKET = "bucket"


def people(customer_key: Attribute) -> Column:
    """Distinct people: a customer counts once, every anonymous response is its own respondent."""
    anonymous = sa.func.count().filter(customer_key.is_(None))
    return sa.func.count(customer_key.distinct()) + anonymous


@dataclass(frozen=True, slots=True)
class Cells:
    """Cells of a breakdown: `frame` has the key columns, `score` or `sentiment`, and `count`;
    `respondents` has the key columns and `respondents`.
    """

    frame: pd.DataFrame
    respondents: pd.DataFrame


def scores(
    session: Session,
    scope: Scope,
    breakdowns: Sequence[tuple[str, ...]],
    *,
    metric: str,
    grain: Grain = "month",
) -> list[Cells]:
    """Scores of one metric (`nps`, `csat`, `ces`), broken down in several ways at once.

    A breakdown is a tuple of dimensions, empty for the total; `("bucket",)` is over time, the key
    being the start of each bucket of the scope's period as text.
    """
    names = sorted({name for by in breakdowns for name in by})
    columns = {name: COLUMNS[name] for name in names if name != BUCKET}
    if BUCKET in names:
        columns[BUCKET] = _bucket_of(scope.period, grain)
    selected: list[Attribute] = [
        *(column.label(name) for name, column in columns.items()),
        _told_apart(metric).label("value"),
        Response.customer_key.label("customer_key"),
    ]
    answers = (
        sa.select(*selected)
        .select_from(Response)
        .join(Answer, Answer.response_id == Response.id)
        .where(Answer.kind == metric, *in_scope(scope))
    )
    if "survey" in names:
        answers = answers.join(Survey, Survey.id == Response.survey_id)
    if "comment_language" in names:
        answers = answers.outerjoin(CommentAnalysis, CommentAnalysis.response_id == Response.id)
    return _count(session, answers, breakdowns, value="score", values=VALUES[metric])


def comments(session: Session, scope: Scope) -> Cells:
    """Sentiments of comments; null where a comment is unscored or not read yet."""
    texts = _comments(scope).add_columns(
        CommentAnalysis.sentiment.label("value"), Response.customer_key.label("customer_key")
    )
    return _count(session, texts, [()], value="sentiment", values=list(POLARITIES))[0]


def mentions(session: Session, scope: Scope) -> pd.DataFrame:
    """Theme mentions: `theme`, `polarity`, `respondent`."""
    respondent = sa.func.coalesce(
        "c:" + Response.customer_key, "r:" + sa.cast(Response.id, sa.Text)
    )
    statement = (
        _comments(scope)
        .join(
            ThemeMention,
            sa.and_(
                ThemeMention.response_id == CommentAnalysis.response_id,
                ThemeMention.question == CommentAnalysis.question,
            ),
        )
        .add_columns(
            ThemeMention.code.label("theme"),
            ThemeMention.polarity.label("polarity"),
            respondent.label("respondent"),
        )
    )
    rows = session.execute(statement).all()
    return pd.DataFrame(rows, columns=["theme", "polarity", "respondent"], dtype=object)


def places_and_languages(session: Session, workspace_id: int) -> tuple[list[str], list[str]]:
    """The countries and the survey languages that a workspace's responses have, in key order."""
    found = session.execute(
        sa.select(Response.country, Response.locale)
        .where(Response.workspace_id == workspace_id)
        .distinct()
    ).all()
    countries = {country for country, _ in found if country is not None}
    languages = {language for _, language in found if language is not None}
    return sorted(countries), sorted(languages)


def in_scope(scope: Scope) -> list[Column]:
    """The conditions of a scope on responses."""
    surveys = sa.select(Survey.id).where(Survey.workspace_id == scope.workspace_id)
    if scope.survey_id is not None:
        surveys = surveys.where(Survey.id == scope.survey_id)
    else:
        surveys = surveys.where(Survey.kind == scope.kind)
    conditions: list[Column] = [
        Response.workspace_id == scope.workspace_id,
        Response.day.between(scope.period.start, scope.period.end),
        Response.counted.is_(True),
        Response.survey_id.in_(surveys),
    ]
    conditions += [COLUMNS[name].in_(values) for name, values in scope.filters.items()]
    return conditions


def _comments(scope: Scope) -> sa.Select[Any]:
    analysed = sa.and_(
        CommentAnalysis.response_id == Answer.response_id,
        CommentAnalysis.question == Answer.question,
    )
    return (
        sa.select()
        .select_from(Response)
        .join(Answer, Answer.response_id == Response.id)
        .outerjoin(CommentAnalysis, analysed)
        .where(Answer.text.is_not(None), Response.has_comment.is_(True), *in_scope(scope))
    )


def _told_apart(metric: str) -> Attribute:
    if metric != "nps":
        return Answer.number
    return sa.case((Answer.number <= 6, 0), (Answer.number <= 8, 7), else_=9)


def _count(
    session: Session,
    answers: sa.Select[Any],
    breakdowns: Sequence[tuple[str, ...]],
    *,
    value: str,
    values: Sequence[Any],
) -> list[Cells]:
    """Per breakdown and group: how often each value was given, and by how many people.

    `answers` selects the keys, `value` and `customer_key` of each answer; both databases look it
    up once when several breakdowns refer to it.
    """
    looked_up = answers.cte("looked_up")
    width = max(map(len, breakdowns))
    given = looked_up.c.value
    matches = [given.is_(None) if one is None else given == one for one in values]
    counts = [sa.func.count().filter(match) for match in matches]
    parts = []
    for place, by in enumerate(breakdowns):
        keys = [looked_up.c[name] for name in by]
        padding = [sa.cast(sa.null(), sa.Text)] * (width - len(by))
        respondents = people(looked_up.c.customer_key)
        part = sa.select(sa.literal(place), *keys, *padding, respondents, *counts)
        parts.append(part.select_from(looked_up).group_by(*keys))
    rows = session.execute(sa.union_all(*parts)).all()
    return [
        _cells([row[1:] for row in rows if row[0] == place], by, width, value, values)
        for place, by in enumerate(breakdowns)
    ]


def _cells(
    rows: Sequence[Sequence[Any]],
    by: tuple[str, ...],
    width: int,
    value: str,
    values: Sequence[Any],
) -> Cells:
    groups = [(row[: len(by)], row[width], row[width + 1 :]) for row in rows]
    frame = pd.DataFrame(
        [
            (*keys, one, times)
            for keys, _, counts in groups
            for one, times in zip(values, counts, strict=True)
        ],
        columns=[*by, value, "count"],
    )
    respondents = pd.DataFrame(
        [(*keys, number) for keys, number, _ in groups], columns=[*by, "respondents"]
    )
    if value == "sentiment":
        frame[value] = frame[value].astype(object)
    # Keys are text, also where every one of them is null.
    texts = dict.fromkeys(by, "str")
    return Cells(frame.astype(texts), respondents.astype(texts | {"respondents": "int64"}))


def _bucket_of(period: Period, grain: Grain) -> Column:
    """The start of each response's bucket, as text; boundaries are few, so a CASE carries them."""
    starts = list(buckets(period, grain=grain))
    later = [(Response.day < following, start.isoformat()) for start, following in pairwise(starts)]
    last = starts[-1].isoformat()
    return sa.case(*later, else_=last) if later else sa.literal(last)
