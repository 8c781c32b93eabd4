"""Result tables: the one way from a scope to numbers that may leave.

Page, chart, table twin, export and command all call these functions, so that the same question has
one answer, and nobody can forget the privacy floor, which `analytics.privacy.protection` holds.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

import analytics
from analytics import Grain
from analytics.scope import VALUES, Breakdown, Scope, ScoreMetric
from survey_app.insights import frames
from survey_app.insights.lake.reading import Source
from survey_app.lifecycle.queries import stages
from survey_app.surveys.models import KINDS

METRICS: Mapping[ScoreMetric, Callable[..., pd.DataFrame]] = {
    "nps": analytics.nps,
    "csat": analytics.csat,
    "ces": analytics.ces,
}
NAMED = ("country", "stage")  # what a comment in a list says of its writer
WRITTEN = ((), *((name,) for name in NAMED))  # the tables of comments by which lists open
Key = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Scores:
    """Tables in the order they were asked for, and which totals a filter closes.

    `closed` where a filter names a value whose row hides without it: then no row is shown.
    """

    tables: Sequence[pd.DataFrame]
    closed: Mapping[Breakdown, bool]


@dataclass(frozen=True, slots=True)
class Talk:
    """Net sentiment of comments with its coverage; themes, the most frequent first; how many
    people wrote: one, which no floor lets through, where the sentiment is withheld.
    """

    sentiment: pd.DataFrame
    themes: pd.DataFrame
    writers: int


def scores(
    source: Source, scope: Scope, *, metric: ScoreMetric, by: Sequence[str] = ()
) -> pd.DataFrame:
    """The metric's table by dimensions, suppressed; lifecycle order for stages, else key order."""
    asked = Breakdown(metric, tuple(by), scope.kind or KINDS[0])
    return breakdowns(source, scope, [asked]).tables[0]


def breakdowns(
    source: Source, scope: Scope, asked: Sequence[Breakdown], *, grain: Grain = "month"
) -> Scores:
    """Several tables at once, each suppressed, in the order of `scores`.

    `("bucket",)` is over time: every bucket of the period in order, null where nobody answered.
    """
    counted = source.scores(scope, [(each, tuple(scope.filters)) for each in asked], grain=grain)
    *protected, closed = source.protected_scores(scope, asked, grain=grain)
    tables = [
        _in_order(source, scope, _shown(table, each.by, hidden), each.by)
        for each, table, hidden in zip(asked, _results(asked, counted), protected, strict=True)
    ]
    shut = {
        Breakdown(metric, kind=kind): bool(is_closed)
        for metric, kind, is_closed in closed.itertuples(index=False, name=None)
    }
    return Scores(tables, shut)


def talk(source: Source, scope: Scope, *, floor: int, closed: bool) -> Talk:
    """What comments say, suppressed; `closed` as in `Scores`.

    `floor` is that of comments, by which lists of them open, too; themes have the scope's.
    """
    (whole,) = source.comments(scope, [tuple(scope.filters)])
    (by_theme,) = source.themes(scope, [tuple(scope.filters)])
    told, *_ = source.protected_comments(replace(scope, respondent_floor=floor), WRITTEN)
    sentiment = _shown(
        analytics.summarise_sentiment(frames.sentiment_tally(whole)), (), _shut(told, closed=closed)
    )
    themes = _shown(
        analytics.summarise_themes(frames.theme_tally(by_theme)),
        ("theme",),
        _shut(source.protected_themes(scope), closed=closed),
    )
    return Talk(
        sentiment,
        themes.sort_values("mentions", ascending=False, na_position="last", kind="stable"),
        1 if sentiment["suppressed"].any() else int(whole["people"].iloc[0]),
    )


def _shut(protected: pd.DataFrame, *, closed: bool) -> pd.DataFrame:
    return protected.assign(hidden=protected["hidden"] | closed)


def _results(asked: Sequence[Breakdown], found: Sequence[pd.DataFrame]) -> list[pd.DataFrame]:
    """Each breakdown's table before suppression; those of one metric are computed in one go."""
    counts = dict(zip(asked, found, strict=True))
    tables = {}
    for metric in dict.fromkeys(each.metric for each in asked):
        same = [each for each in asked if each.metric == metric]
        width = max(len(each.by) for each in same)
        counted = [counts[each] for each in same]
        frame = frames.scores(counted, width=width, values=VALUES[metric])
        keys = [f"key{place}" for place in range(width)]
        every = METRICS[metric](frame, by=["breakdown", *keys], count="count")
        for place, each in enumerate(same):
            table = every[every["breakdown"] == place].reset_index(drop=True)
            table = table.drop(columns=["breakdown", *keys[len(each.by) :]])
            tables[each] = table.rename(columns=dict(zip(keys, each.by, strict=False)))
    return [tables[each] for each in asked]


def _shown(table: pd.DataFrame, by: Sequence[str], protected: pd.DataFrame) -> pd.DataFrame:
    """The table without what hides.

    Of the protected rows only those of nobody are absent; any other was counted a moment before
    it was erased, and hides.
    """
    hidden = dict(zip(_keys(protected, by), protected["hidden"], strict=True))
    answered = table.iloc[:, len(by)] > 0  # `n`, `comments` or `mentions`
    flags = [hidden.get(key, some) for key, some in zip(_keys(table, by), answered, strict=True)]
    return analytics.conceal(table, np.array(flags, dtype=np.bool_))


def _keys(table: pd.DataFrame, by: Sequence[str]) -> list[Key]:
    """The key of each row, None where it is not known."""
    if not by:
        return [()] * len(table)
    plain = ([key if isinstance(key, str) else None for key in table[name].tolist()] for name in by)
    return list(zip(*plain, strict=True))


def _in_order(source: Source, scope: Scope, table: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    if "stage" not in by or table.empty:
        return table
    places = {stage.key: stage.position for stage in stages(source.session, scope.workspace)}
    ordered = table.assign(_stage=table["stage"].map(places))
    keys = ["_stage" if name == "stage" else name for name in by]
    ordered = ordered.sort_values(keys, na_position="last", kind="stable")
    return ordered.drop(columns="_stage").reset_index(drop=True)
