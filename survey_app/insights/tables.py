"""Result tables: the one way from a scope to numbers that may leave.

Page, chart, table twin, export and command all call these functions, so that the same question has
one answer, and nobody can forget the privacy floor.
"""

from collections.abc import Callable, Mapping, Sequence

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


def scores(
    session: Session, scope: Scope, *, metric: str, by: Sequence[str] = ()
) -> pd.DataFrame:
    """The metric's table by dimensions, suppressed; lifecycle order for stages, else key order."""
    cells = frames.scores(session, scope, metric=metric, by=by)
    table = METRICS[metric](cells.frame, by=list(by), count="count")
    table = _in_order(session, scope, table, by)
    return _suppressed(table, cells.respondents, by, scope.respondent_floor)


def over_time(session: Session, scope: Scope, *, metric: str, grain: Grain) -> pd.DataFrame:
    """The metric per bucket of the period, suppressed; buckets without answers have null scores."""
    cells = frames.scores_over_time(session, scope, metric=metric, grain=grain)
    table = METRICS[metric](cells.frame, by=["bucket"], count="count")
    axis = pd.DataFrame(
        {"bucket": [day.isoformat() for day in analytics.buckets(scope.period, grain=grain)]}
    ).astype("str")
    table = axis.merge(table, on="bucket", how="left")
    whole = [name for name in analytics_counts(table)]
    table[whole] = table[whole].fillna(0).astype("int64")
    return _suppressed(table, cells.respondents, ["bucket"], scope.respondent_floor)


def analytics_counts(table: pd.DataFrame) -> list[str]:
    """The columns of a result table that hold counts."""
    known = {"n", "promoters", "passives", "detractors", "satisfied", "easy"}
    return [name for name in table.columns if name in known]


def sentiment(session: Session, scope: Scope, *, by: Sequence[str] = ()) -> pd.DataFrame:
    """Net sentiment of comments with its coverage, suppressed."""
    cells = frames.comments(session, scope, by=by)
    table = analytics.sentiment(cells.frame, by=list(by), count="count")
    return _suppressed(table, cells.respondents, by, scope.respondent_floor)


def themes(session: Session, scope: Scope) -> pd.DataFrame:
    """Themes by number of mentions, the most frequent first, suppressed."""
    table = analytics.themes(frames.mentions(session, scope))
    shown = analytics.suppress(table, respondents="respondents", k=scope.respondent_floor)
    return shown.sort_values("mentions", ascending=False, na_position="last", kind="stable")


def _suppressed(
    table: pd.DataFrame, respondents: pd.DataFrame, by: Sequence[str], floor: int
) -> pd.DataFrame:
    keys = list(by)
    if keys:
        people = table[keys].merge(respondents, on=keys, how="left")["respondents"]
    else:
        people = respondents["respondents"]
    counted = people.fillna(0).astype("int64").tolist()
    return analytics.suppress(table, respondents=counted, k=floor)


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
