"""Result tables: the one way from a scope to numbers that may leave.

Page, chart, table twin, export and command all call these functions, so that the same question has
one answer, and nobody can forget the privacy floor.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pandas as pd
from sqlalchemy.orm import Session

import analytics
from analytics import Grain
from survey_app.insights import frames
from survey_app.insights.scope import Scope
from survey_app.lifecycle.queries import stages

METRICS: Mapping[str, Callable[..., pd.DataFrame]] = {
    "nps": analytics.nps,
    "csat": analytics.csat,
    "ces": analytics.ces,
}


def scores(session: Session, scope: Scope, *, metric: str, by: Sequence[str] = ()) -> pd.DataFrame:
    """The metric's table by dimensions, suppressed; lifecycle order for stages, else key order."""
    return breakdowns(session, scope, [tuple(by)], metric=metric)[0]


def breakdowns(
    session: Session,
    scope: Scope,
    ways: Sequence[tuple[str, ...]],
    *,
    metric: str,
    grain: Grain = "month",
) -> list[pd.DataFrame]:
    """The metric's tables by several breakdowns at once, each suppressed.

    `("bucket",)` is over time: every bucket of the period in order, null where nobody answered.
    """
    found = frames.scores(session, scope, ways, metric=metric, grain=grain)
    floor = _floor(session, scope, metric)
    around = [
        frames.scores(session, wider, ways, metric=metric, grain=grain) for wider in scope.wider()
    ]
    tables = []
    for place, by in enumerate(ways):
        table = METRICS[metric](found[place].frame, by=list(by), count="count")
        if frames.BUCKET in by:
            table = _on_axis(table, scope, grain)
        table = _in_order(session, scope, table, by)
        nested = [found[place].respondents, *(cells[place].respondents for cells in around)]
        tables.append(_suppressed(table, nested, by, floor))
    return tables


def sentiment(session: Session, scope: Scope) -> tuple[pd.DataFrame, int]:
    """Net sentiment of comments with its coverage, suppressed; and how many people wrote them.

    One, which no floor lets through, where the table is withheld, for whatever reason.
    """
    cells = frames.comments(session, scope)
    table = analytics.sentiment(cells.frame, count="count")
    around = [frames.comments(session, wider).respondents for wider in scope.wider()]
    floor = _floor(session, scope, "nps")
    shown = _suppressed(table, [cells.respondents, *around], (), floor)
    writers = int(cells.respondents["respondents"].iloc[0])
    return shown, 1 if shown["suppressed"].iloc[0] else writers


def themes(session: Session, scope: Scope) -> pd.DataFrame:
    """Themes by number of mentions, the most frequent first, suppressed."""
    nested = [analytics.themes(frames.mentions(session, each)) for each in (scope, *scope.wider())]
    people = [table[["theme", "respondents"]] for table in nested]
    shown = _suppressed(nested[0], people, ("theme",), _floor(session, scope, "nps"))
    return shown.sort_values("mentions", ascending=False, na_position="last", kind="stable")


def _floor(session: Session, scope: Scope, metric: str) -> int:
    """The privacy floor for a scope: nobody passes it when a filter names a hidden row.

    Pages of single values are sums of shown rows; one with a hidden value would give that away.
    """
    whole = replace(scope, filters={})
    for name, values in scope.filters.items():
        rows = frames.scores(session, whole, [(name,)], metric=metric)[0].respondents
        hidden = analytics.suppress(
            rows[[name]].assign(n=0),
            respondents=rows["respondents"].tolist(),
            k=scope.respondent_floor,
        )
        if set(values) & set(hidden.loc[hidden["suppressed"], name].dropna()):
            return sys.maxsize
    return scope.respondent_floor


def _on_axis(table: pd.DataFrame, scope: Scope, grain: Grain) -> pd.DataFrame:
    """A row for every bucket of the period; counts are 0 where nobody answered."""
    starts = [day.isoformat() for day in analytics.buckets(scope.period, grain=grain)]
    axis = pd.DataFrame({frames.BUCKET: starts}).astype("str")
    counts = [name for name, kind in table.dtypes.items() if kind == "int64"]
    filled = axis.merge(table, on=frames.BUCKET, how="left")
    return filled.astype(dict.fromkeys(counts, "Int64")).fillna(dict.fromkeys(counts, 0))


def _suppressed(
    table: pd.DataFrame, nested: Sequence[pd.DataFrame], by: Sequence[str], floor: int
) -> pd.DataFrame:
    """The table without what tells of fewer people than the floor.

    `nested` holds the respondents per row: first the table's own, then those of the scopes that
    it lies in. A row that leaves 1 … floor - 1 people over of a wider one hides as if it were
    small itself: who opens both pages could subtract one from the other.
    """
    own, *around = (_people(table, respondents, by) for respondents in nested)
    for wider in around:
        own = [
            inner if analytics.nested_ok(max(inner, outer), inner, floor) else min(inner, 1)
            for inner, outer in zip(own, wider, strict=True)
        ]
    return analytics.suppress(table, respondents=own, k=floor)


def _people(table: pd.DataFrame, respondents: pd.DataFrame, by: Sequence[str]) -> list[int]:
    """The respondents of each row of the table."""
    if not by:
        return [int(respondents["respondents"].iloc[0])]
    keys = list(by)
    found = table[keys].merge(respondents, on=keys, how="left")["respondents"]
    return [int(number) for number in found.fillna(0)]


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
