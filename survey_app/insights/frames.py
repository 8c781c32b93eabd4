"""Filling the shapes that `analytics` declares from the OLTP database.

The database counts, Python computes: a frame has a row per cell and answer with its `count`, so
that its size depends on the number of groups and not on the number of responses. Each table comes
in one scan, together with the distinct respondents that the privacy floor counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session

from analytics import Grain, Period, buckets
from survey_app.insights.models import CommentAnalysis, ThemeMention
from survey_app.insights.scope import Scope
from survey_app.responses.models import Answer, Response
from survey_app.surveys.models import Survey

RANGES: Mapping[str, range] = {"nps": range(11), "csat": range(1, 6), "ces": range(1, 8)}
POLARITIES = ("negative", "neutral", "positive", None)

Column = sa.ColumnElement[Any]
COLUMNS: Mapping[str, Column] = {
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
# Distinct people: a customer counts once, every anonymous response is its own respondent.
PEOPLE: Column = sa.func.count(Response.customer_key.distinct()) + sa.func.sum(
    sa.case((Response.customer_key.is_(None), 1), else_=0)
)


@dataclass(frozen=True, slots=True)
class Cells:
    """Cells of a breakdown: `frame` has `by` columns, `value` and `count`; `respondents` has the
    `by` columns and `respondents`."""

    frame: pd.DataFrame
    respondents: pd.DataFrame


def scores(
    session: Session, scope: Scope, *, metric: str, by: Sequence[str] = ()
) -> Cells:
    """Scores of one metric (`nps`, `csat`, `ces`) by dimensions; the value column is `score`."""
    keys = [COLUMNS[name].label(name) for name in by]
    return _cells(session, _answers(scope, metric, by), keys, "score", RANGES[metric])


def scores_over_time(
    session: Session, scope: Scope, *, metric: str, grain: Grain
) -> Cells:
    """Scores by bucket of the scope's period; the key column is `bucket`, its start as text."""
    start = _bucket_of(scope.period, grain).label("bucket")
    return _cells(session, _answers(scope, metric, ()), [start], "score", RANGES[metric])


def comments(session: Session, scope: Scope, *, by: Sequence[str] = ()) -> Cells:
    """Sentiments of comments by dimensions; null where a comment is unscored or not read yet."""
    keys = [COLUMNS[name].label(name) for name in by]
    return _cells(session, _comments(scope), keys, "sentiment", POLARITIES)


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


def first_day(session: Session, workspace_id: int) -> date | None:
    """The date of the workspace's first response."""
    return session.scalar(
        sa.select(sa.func.min(Response.day)).where(Response.workspace_id == workspace_id)
    )


def values_of(session: Session, workspace_id: int, dimension: str) -> list[str]:
    """The values that a dimension takes in a workspace, in key order."""
    column = COLUMNS[dimension]
    found = session.scalars(
        sa.select(column).where(Response.workspace_id == workspace_id).distinct()
    )
    return sorted(value for value in found if value is not None)


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


def _answers(scope: Scope, metric: str, by: Sequence[str]) -> sa.Select[Any]:
    statement = (
        sa.select()
        .select_from(Response)
        .join(Answer, Answer.response_id == Response.id)
        .where(Answer.kind == metric, *in_scope(scope))
    )
    if "survey" in by:
        statement = statement.join(Survey, Survey.id == Response.survey_id)
    if "comment_language" in by:
        statement = statement.outerjoin(
            CommentAnalysis, CommentAnalysis.response_id == Response.id
        )
    return statement


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


def _cells(
    session: Session,
    statement: sa.Select[Any],
    keys: Sequence[sa.Label[Any]],
    value: str,
    values: Sequence[Any],
) -> Cells:
    """One scan: per group a count for each value, and the distinct respondents."""
    column: Column = Answer.number if value == "score" else CommentAnalysis.sentiment
    sums = [
        sa.func.sum(
            sa.case((column.is_(None) if one is None else column == one, 1), else_=0)
        ).label(f"v{place}")
        for place, one in enumerate(values)
    ]
    grouped = statement.add_columns(*keys, PEOPLE.label("respondents"), *sums)
    if keys:
        # By position: the same expression with other bound values is another one to PostgreSQL.
        grouped = grouped.group_by(*(sa.literal_column(str(i + 1)) for i in range(len(keys))))
    names = [key.name for key in keys]
    rows = session.execute(grouped).all()
    table = pd.DataFrame(
        rows, columns=[*names, "respondents", *(f"v{i}" for i in range(len(values)))]
    )
    cells = [
        {**dict(zip(names, row, strict=False)), value: one, "count": int(row[len(names) + 1 + i] or 0)}
        for row in rows
        for i, one in enumerate(values)
    ]
    frame = pd.DataFrame(cells, columns=[*names, value, "count"])
    if value == "sentiment":
        frame[value] = frame[value].astype(object)
    people = table[[*names, "respondents"]].copy()
    people["respondents"] = people["respondents"].fillna(0).astype("int64")
    return Cells(_text_keys(frame, names), _text_keys(people, names))


def _text_keys(frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Keys as text, also where every one of them is null."""
    return frame.astype(dict.fromkeys(names, "str")) if names else frame


def _bucket_of(period: Period, grain: Grain) -> Column:
    """The start of each response's bucket, as text; boundaries are few, so a CASE carries them."""
    starts = list(buckets(period, grain=grain))
    later = [
        (Response.day < following, start.isoformat())
        for start, following in zip(starts, starts[1:], strict=False)
    ]
    last = starts[-1].isoformat()
    return sa.case(*later, else_=last) if later else sa.literal(last)

