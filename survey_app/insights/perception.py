"""What the page *Perception* shows, as numbers: every table has passed the privacy floor."""

from dataclasses import dataclass, replace
from typing import Literal

import pandas as pd
from sqlalchemy.orm import Session

import analytics
from analytics import Grain, Period
from survey_app.accounts.models import Workspace
from survey_app.insights import tables
from survey_app.insights.queries import Comment, newest_comments
from survey_app.insights.schemas import PerceptionQuery
from survey_app.insights.scope import Scope

Metric = Literal["nps", "csat", "ces"]
# Relational and transactional answers are never pooled: each metric has its own surveys.
KIND_OF: dict[Metric, str] = {"nps": "relational", "csat": "transactional", "ces": "transactional"}


@dataclass(frozen=True, slots=True)
class Reading:
    """One score of the whole scope: a table of one row, and how it changed (or None)."""

    table: pd.DataFrame
    change: pd.DataFrame | None

    @property
    def movement(self) -> Literal["better", "worse", "unclear", "unknown"] | None:
        """What may be said of the change: a finding only where its interval says so.

        None without a comparison, `unknown` where a side is empty or withheld.
        """
        if self.change is None:
            return None
        row = self.change.iloc[0]
        if pd.isna(row["change"]):
            return "unknown"
        if not row["significant"]:
            return "unclear"
        return "better" if row["change"] > 0 else "worse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Perception:
    """Everything on the page, before words and pictures."""

    now: Period
    then: Period | None
    grain: Grain
    nps: Reading
    csat: Reading
    ces: Reading
    trend: pd.DataFrame
    stages: pd.DataFrame
    countries: pd.DataFrame
    segments: pd.DataFrame
    sentiment: pd.DataFrame
    themes: pd.DataFrame
    comments: list[Comment] | None


def perceive(session: Session, workspace: Workspace, query: PerceptionQuery) -> Perception:
    """Read a workspace's perception."""
    now, then = query.compared
    scope = query.scope.over(now)
    grain = analytics.choose_grain(now)
    ways = [(), ("bucket",), ("stage",), ("country",), (query.by,)]
    total, trend, stages, countries, segments = tables.breakdowns(
        session, scope, ways, metric="nps", grain=grain
    )
    sentiment, writers = tables.sentiment(session, scope)
    comments = None
    if not 0 < writers < workspace.comment_floor:
        newest = newest_comments(session, scope)
        comments = [_discreet(comment, countries, stages) for comment in newest]
    return Perception(
        now=now,
        then=then,
        grain=grain,
        nps=_compared(session, total, scope, then, "nps"),
        csat=_reading(session, scope, then, "csat"),
        ces=_reading(session, scope, then, "ces"),
        trend=trend,
        stages=stages,
        countries=countries,
        segments=_marked(segments),
        sentiment=sentiment,
        themes=tables.themes(session, scope),
        comments=comments,
    )


def _reading(session: Session, scope: Scope, then: Period | None, metric: Metric) -> Reading:
    scope = scope.of_kind(KIND_OF[metric])
    table = tables.scores(session, scope, metric=metric)
    return _compared(session, table, scope, then, metric)


def _compared(
    session: Session, table: pd.DataFrame, scope: Scope, then: Period | None, metric: Metric
) -> Reading:
    if then is None:
        return Reading(table, None)
    earlier = tables.scores(session, scope.over(then), metric=metric)
    return Reading(table, analytics.compare(table, earlier, metric=metric))


def _discreet(comment: Comment, countries: pd.DataFrame, stages: pd.DataFrame) -> Comment:
    """A comment without the country or stage that its table withholds."""
    return replace(
        comment,
        country=_if_shown(comment.country, countries, "country"),
        stage=_if_shown(comment.stage, stages, "stage"),
    )


def _if_shown(key: str | None, table: pd.DataFrame, dimension: str) -> str | None:
    shown = table.loc[~table["suppressed"], dimension]
    return key if key in set(shown.dropna()) else None


def _marked(segments: pd.DataFrame) -> pd.DataFrame:
    """With `significant`: which segments differ from all others together."""
    if segments.empty:
        return segments.assign(significant=False)
    rest = analytics.against_rest(segments, metric="nps")
    return segments.assign(significant=rest["significant"].fillna(value=False).to_numpy(dtype=bool))
