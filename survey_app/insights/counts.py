"""Counting in the OLTP database.

The database counts, Python computes: what leaves it is a `Group` per key, so that Python's work
depends on the number of groups and not on the number of responses. However many tables are asked
for, and under whichever of a scope's filters, the answers of its period are looked up once. The
people whom the privacy floor asks for are exact: they can't be summed from smaller groups.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from analytics import Grain, buckets
from survey_app.insights.models import CommentAnalysis, ThemeMention
from survey_app.insights.scope import Breakdown, Filters, Scope
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
# A customer counts once, every anonymous response is its own respondent.
PERSON = sa.func.coalesce("c:" + Response.customer_key, "r:" + sa.cast(Response.id, sa.Text))
# Joins a comment with what was found in it.
ANALYSED = sa.and_(
    CommentAnalysis.response_id == Answer.response_id,
    CommentAnalysis.question == Answer.question,
)

Key = tuple[str | None, ...]
Asked = tuple[Breakdown, Filters]


@dataclass(frozen=True, slots=True)
class Group:
    """Those of one key: how many distinct people, and how often each value was given."""

    key: Key
    people: int
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """Comments, and the mentions of each theme in them, counted by `POLARITIES`.

    A comment that is unscored or not read yet has none. The last count of a theme is the people
    of whom a mention was scored.
    """

    comments: Group
    themes: Sequence[Group]


@dataclass(frozen=True, slots=True)
class _Part:
    """Groups to count: of which rows, by what, and what else than people."""

    rows: sa.FromClause
    keys: Sequence[Attribute]
    counts: Sequence[Column]
    where: Sequence[Column]


def scores(
    session: Session, scope: Scope, asked: Iterable[Asked], *, grain: Grain = "month"
) -> dict[Asked, list[Group]]:
    """The groups of several breakdowns, each under some of the scope's filters.

    Their counts are those of the metric's `VALUES`. The breakdown by `bucket` is over time: a
    group for every bucket of the scope's period, in order, its key the bucket's start as text.
    """
    asked = list(dict.fromkeys(asked))
    totals = list(dict.fromkeys(breakdown.total for breakdown, _ in asked))
    names = {name for breakdown, _ in asked for name in breakdown.by}
    starts = [day.isoformat() for day in buckets(scope.period, grain=grain)]
    columns = {name: COLUMNS[name] for name in sorted(names - {BUCKET})}
    if BUCKET in names:
        columns[BUCKET] = _bucket_of(starts)
    looked_up = _answers(scope, totals, columns).cte("looked_up")
    parts = [
        _Part(
            rows=looked_up,
            keys=[looked_up.c[name] for name in breakdown.by],
            counts=_times(looked_up.c.value, VALUES[breakdown.metric]),
            where=[
                looked_up.c.total == totals.index(breakdown.total),
                *_kept(looked_up, filters),
            ],
        )
        for breakdown, filters in asked
    ]
    found = dict(zip(asked, _count(session, looked_up, parts), strict=True))
    for (breakdown, _), groups in found.items():
        if breakdown.by == (BUCKET,):
            _fill(groups, starts, VALUES[breakdown.metric])
    return found


def comments(session: Session, scope: Scope, asked: Sequence[Filters]) -> list[Said]:
    """The comments of a scope under each of several of its filters."""
    looked_up = _comments(scope).cte("looked_up")
    mentions = looked_up.join(
        ThemeMention,
        sa.and_(
            ThemeMention.response_id == looked_up.c.response_id,
            ThemeMention.question == looked_up.c.question,
        ),
    )
    wholes = _wholes(looked_up, asked)
    judged = _people(looked_up).filter(ThemeMention.polarity.is_not(None))
    counts = [*_times(ThemeMention.polarity, POLARITIES), judged]
    themes = [
        _Part(mentions, [ThemeMention.theme], counts, _kept(looked_up, filters))
        for filters in asked
    ]
    found = _count(session, looked_up, [*wholes, *themes])
    pairs = zip(found[: len(asked)], found[len(asked) :], strict=True)
    return [Said(whole[0], by_theme) for whole, by_theme in pairs]


def sentiments(session: Session, scope: Scope, asked: Sequence[Filters]) -> list[Group]:
    """`comments` without their themes, which cost most of it."""
    looked_up = _comments(scope).cte("looked_up")
    return [whole for (whole,) in _count(session, looked_up, _wholes(looked_up, asked))]


def _wholes(looked_up: sa.CTE, asked: Sequence[Filters]) -> list[_Part]:
    polarities = _times(looked_up.c.value, POLARITIES)
    return [_Part(looked_up, [], polarities, _kept(looked_up, filters)) for filters in asked]


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
    return [*_in_period(scope), _of_surveys(scope), *_filters(scope).values()]


def _in_period(scope: Scope) -> list[Column]:
    return [
        Response.workspace_id == scope.workspace_id,
        Response.day.between(scope.period.start, scope.period.end),
        Response.counted.is_(True),
    ]


def _of_surveys(scope: Scope) -> Column:
    surveys = sa.select(Survey.id).where(Survey.workspace_id == scope.workspace_id)
    if scope.survey_id is not None:
        surveys = surveys.where(Survey.id == scope.survey_id)
    else:
        surveys = surveys.where(Survey.kind == scope.kind)
    return Response.survey_id.in_(surveys)


def _filters(scope: Scope) -> dict[str, Column]:
    return {f"in_{name}": COLUMNS[name].in_(values) for name, values in scope.filters.items()}


def _kept(looked_up: sa.CTE, filters: Filters) -> list[Column]:
    return [looked_up.c[f"in_{name}"] for name in filters]


def _answers(
    scope: Scope, totals: Sequence[Breakdown], columns: Mapping[str, Attribute]
) -> sa.Select[Any]:
    """A row per answer to what is asked for: keys, `total` (its place), `value`, `person`."""
    of_total = [
        sa.and_(Answer.kind == total.metric, _of_surveys(scope.of_kind(total.kind)))
        for total in totals
    ]
    score = Answer.number
    by_class = sa.case((score <= 6, 0), (score <= 8, 7), else_=9)
    answers = (
        sa.select(*(column.label(name) for name, column in {**columns, **_filters(scope)}.items()))
        .add_columns(
            sa.case(*[(match, place) for place, match in enumerate(of_total)]).label("total"),
            sa.case((Answer.kind == "nps", by_class), else_=score).label("value"),
            PERSON.label("person"),
        )
        .select_from(Response)
        .join(Answer, Answer.response_id == Response.id)
        .where(sa.or_(*of_total), *_in_period(scope))
        # SQLite counts distinct people faster when it meets them in their order.
        .order_by("person")
    )
    if "survey" in columns:
        answers = answers.join(Survey, Survey.id == Response.survey_id)
    if "comment_language" in columns:
        answers = answers.outerjoin(CommentAnalysis, CommentAnalysis.response_id == Response.id)
    return answers


def _comments(scope: Scope) -> sa.Select[Any]:
    """A row per comment: which one, `value` (its sentiment), `person`."""
    return (
        sa.select(
            *(column.label(name) for name, column in _filters(scope).items()),
            Answer.response_id,
            Answer.question,
            CommentAnalysis.sentiment.label("value"),
            PERSON.label("person"),
        )
        .select_from(Response)
        .join(Answer, Answer.response_id == Response.id)
        .outerjoin(CommentAnalysis, ANALYSED)
        .where(
            Answer.text.is_not(None),
            Response.has_comment.is_(True),
            *_in_period(scope),
            _of_surveys(scope),
        )
    )


def _times(value: Attribute, values: Sequence[Any]) -> list[Column]:
    """How often each value was given."""
    matches = [value.is_(None) if one is None else value == one for one in values]
    return [sa.func.count().filter(match) for match in matches]


def _people(looked_up: sa.CTE) -> sa.Function[int]:
    return sa.func.count(looked_up.c.person.distinct())


def _count(session: Session, looked_up: sa.CTE, parts: Sequence[_Part]) -> list[list[Group]]:
    """The groups of each part; the rows are looked up once for all of them."""
    width = max(len(part.keys) for part in parts)
    most = max(len(part.counts) for part in parts)
    selects = [
        sa.select(
            sa.literal(place),
            _people(looked_up),
            *part.counts,
            *[sa.literal(0)] * (most - len(part.counts)),
            *part.keys,
            *[sa.cast(sa.null(), sa.Text)] * (width - len(part.keys)),
        )
        .select_from(part.rows)
        .where(*part.where)
        .group_by(*part.keys)
        for place, part in enumerate(parts)
    ]
    found: list[list[Group]] = [[] for _ in parts]
    for place, people, *cells in session.execute(sa.union_all(*selects)).all():
        counts = cells[: len(parts[place].counts)]
        key = cells[most : most + len(parts[place].keys)]
        found[place].append(Group(tuple(key), people, tuple(counts)))
    return found


def _bucket_of(starts: Sequence[str]) -> Column:
    """The start of each response's bucket, halving the choice until it is one."""
    if len(starts) == 1:
        return sa.literal(starts[0])
    middle = len(starts) // 2
    earlier = Response.day < date.fromisoformat(starts[middle])
    return sa.case((earlier, _bucket_of(starts[:middle])), else_=_bucket_of(starts[middle:]))


def _fill(groups: list[Group], starts: Sequence[str], values: Sequence[int]) -> None:
    """Every bucket in order, also those in which nobody answered."""
    found = {group.key: group for group in groups}
    nothing = (0,) * len(values)
    groups[:] = [found.get((start,), Group((start,), 0, nothing)) for start in starts]
