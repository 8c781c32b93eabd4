"""Result tables: the one way from a scope to numbers that may leave.

Page, chart, table twin, export and command all call these functions, so that the same question has
one answer, and nobody can forget the privacy floor.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from sqlalchemy.orm import Session

import analytics
from analytics import Grain
from survey_app.insights import counts, frames
from survey_app.insights.counts import Asked, Group, Key
from survey_app.insights.scope import Breakdown, Filters, Metric, Scope
from survey_app.lifecycle.queries import stages

METRICS: Mapping[Metric, Callable[..., pd.DataFrame]] = {
    "nps": analytics.nps,
    "csat": analytics.csat,
    "ces": analytics.ces,
}


@dataclass(frozen=True, slots=True)
class Floor:
    """How many respondents a row must tell of to be shown, and not to be.

    `closed` where a filter names a value whose row hides without it: pages of single values are
    sums of shown rows, and one with a hidden value would give that away. Then no row is shown.
    """

    respondents: int
    closed: bool


@dataclass(frozen=True, slots=True)
class Scores:
    """Tables in the order they were asked for, and the floor that those of a total passed."""

    tables: Sequence[pd.DataFrame]
    floors: Mapping[Breakdown, Floor]


@dataclass(frozen=True, slots=True)
class Talk:
    """Net sentiment of comments with its coverage; themes, the most frequent first; how many
    people wrote: one, which no floor lets through, where the sentiment is withheld.
    """

    sentiment: pd.DataFrame
    themes: pd.DataFrame
    writers: int


def scores(
    session: Session, scope: Scope, *, metric: Metric, by: Sequence[str] = ()
) -> pd.DataFrame:
    """The metric's table by dimensions, suppressed; lifecycle order for stages, else key order."""
    asked = Breakdown(metric, tuple(by), scope.kind)
    return breakdowns(session, scope, [asked]).tables[0]


def breakdowns(
    session: Session, scope: Scope, asked: Sequence[Breakdown], *, grain: Grain = "month"
) -> Scores:
    """Several tables at once, each suppressed, in the order of `scores`.

    `("bucket",)` is over time: every bucket of the period in order, null where nobody answered.
    """
    nested = scope.nested()
    totals = dict.fromkeys(each.total for each in asked)
    every = [(each, filters) for each in asked for filters in nested]
    guards = [(total.over(name), ()) for total in totals for name in scope.filters]
    found = counts.scores(session, scope, [*every, *guards], grain=grain)
    floors = {total: _floor(scope, total, found) for total in totals}
    tables = []
    for each, table in zip(asked, _results(asked, found, nested[0]), strict=True):
        around = [found[each, filters] for filters in nested]
        shown = _suppressed(table, each.by, around, floors[each.total])
        tables.append(_in_order(session, scope, shown, each.by))
    return Scores(tables, floors)


def talk(session: Session, scope: Scope, floor: Floor) -> Talk:
    """What comments say, suppressed."""
    nested = counts.comments(session, scope, scope.nested())
    wholes = [each.comments for each in nested]
    sentiment = _sentiment(wholes, floor)
    themes = _suppressed(
        analytics.summarise_themes(frames.theme_tally(nested[0].themes)),
        ("theme",),
        [each.themes for each in nested],
        floor,
    )
    return Talk(
        sentiment,
        themes.sort_values("mentions", ascending=False, na_position="last", kind="stable"),
        _writers(wholes, sentiment),
    )


def writers(session: Session, scope: Scope, floor: Floor) -> int:
    """How many people wrote, as `Talk` says it."""
    wholes = counts.sentiments(session, scope, scope.nested())
    return _writers(wholes, _sentiment(wholes, floor))


def _sentiment(wholes: Sequence[Group], floor: Floor) -> pd.DataFrame:
    table = analytics.summarise_sentiment(frames.sentiment_tally(wholes[0]))
    return _suppressed(table, (), [[whole] for whole in wholes], floor)


def _writers(wholes: Sequence[Group], sentiment: pd.DataFrame) -> int:
    return 1 if sentiment["suppressed"].iloc[0] else wholes[0].people


def _floor(scope: Scope, total: Breakdown, found: Mapping[Asked, Sequence[Group]]) -> Floor:
    k = scope.respondent_floor
    for name, values in scope.filters.items():
        groups = found[total.over(name), ()]
        rows = pd.DataFrame({name: [group.key[0] for group in groups], "n": 0})
        hidden = analytics.suppress(rows, respondents=[group.people for group in groups], k=k)
        if set(values) & set(hidden.loc[hidden["suppressed"], name].dropna()):
            return Floor(k, closed=True)
    return Floor(k, closed=False)


def _results(
    asked: Sequence[Breakdown], found: Mapping[Asked, Sequence[Group]], filters: Filters
) -> list[pd.DataFrame]:
    """Each breakdown's table before suppression; those of one metric are computed in one go."""
    tables = {}
    for metric in dict.fromkeys(each.metric for each in asked):
        same = [each for each in asked if each.metric == metric]
        width = max(len(each.by) for each in same)
        groups = [found[each, filters] for each in same]
        frame = frames.scores(groups, width=width, values=counts.VALUES[metric])
        keys = [f"key{place}" for place in range(width)]
        every = METRICS[metric](frame, by=["breakdown", *keys], count="count")
        for place, each in enumerate(same):
            table = every[every["breakdown"] == place].reset_index(drop=True)
            table = table.drop(columns=["breakdown", *keys[len(each.by) :]])
            tables[each] = table.rename(columns=dict(zip(keys, each.by, strict=False)))
    return [tables[each] for each in asked]


def _suppressed(
    table: pd.DataFrame, by: Sequence[str], nested: Sequence[Sequence[Group]], floor: Floor
) -> pd.DataFrame:
    """The table without what tells of fewer people than the floor.

    `nested` holds the groups of its rows: first the table's own, then those of the scopes that
    it lies in. A row that leaves 1 … floor - 1 people over of a wider one hides as if it were
    small itself: who opens both pages could subtract one from the other.
    """
    people = [{group.key: group.people for group in groups} for groups in nested]
    own = []
    for key in _keys(table, by):
        inner, *around = (known.get(key, 0) for known in people)
        safe = not floor.closed and all(
            analytics.nested_ok(max(inner, outer), inner, floor.respondents) for outer in around
        )
        own.append(inner if safe else min(inner, 1))
    return analytics.suppress(table, respondents=own, k=floor.respondents)


def _keys(table: pd.DataFrame, by: Sequence[str]) -> list[Key]:
    """The key of each row, None where it is not known."""
    if not by:
        return [()]
    plain = (table[name].astype(object).where(table[name].notna(), None) for name in by)
    return list(zip(*plain, strict=True))


def _in_order(
    session: Session, scope: Scope, table: pd.DataFrame, by: Sequence[str]
) -> pd.DataFrame:
    if "stage" not in by or table.empty:
        return table
    places = {stage.key: stage.position for stage in stages(session, scope.workspace_id)}
    ordered = table.assign(_stage=table["stage"].map(places))
    keys = ["_stage" if name == "stage" else name for name in by]
    ordered = ordered.sort_values(keys, na_position="last", kind="stable")
    return ordered.drop(columns="_stage").reset_index(drop=True)
