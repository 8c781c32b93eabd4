"""What the page *Perception* shows, as numbers: every table has passed the privacy floor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import pandas as pd

import analytics
import nlp
from analytics import Grain, Period
from analytics.scope import Breakdown, Scope
from survey_app.accounts.models import Workspace
from survey_app.insights import tables
from survey_app.insights.comments.own_themes import own_names
from survey_app.insights.comments.queries import Page, list_comments
from survey_app.insights.comments.readable import (
    AGE,
    Numbers,
    floor_of,
    is_closed,
    naming,
    what_is_readable,
)
from survey_app.insights.lake.reading import Source
from survey_app.insights.releases import Coming, coming, left_out
from survey_app.insights.schemas import PerceptionQuery

COMMENTS = 12  # the newest
# Relational and transactional answers are never pooled: each metric has its own surveys.
NPS = Breakdown("nps", kind="relational")
TOTALS = (NPS, Breakdown("csat", kind="transactional"), Breakdown("ces", kind="transactional"))


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
    # Names of the workspace's own themes, by code.
    own_themes: Mapping[str, str]
    # None: they would tell of too few, or a filter by age is set, which no list of comments knows.
    comments: Page | None
    # Why it was counted another way than usual; see `lake.reading.Source`.
    trouble: str | None
    # Anonymous surveys that stand on no page with filters, and when more of them may be published.
    left_out: int
    coming: Coming | None


def perceive(
    source: Source,
    workspace: Workspace,
    query: PerceptionQuery,
    *,
    engine: str = nlp.ENGINE_VERSION,
) -> Perception:
    """Read a workspace's perception; `engine` is the one that should have read its comments."""
    now, then = query.compared
    scope = query.scope.over(now)
    due = coming(source.session, replace(scope, kind=None), today=query.today)
    grain = _grain(now, is_by_week=due is not None and scope.narrowed().anonymous)
    ways = [NPS.over(name) for name in ("bucket", "stage", "country", query.by)]
    named = naming(source.session, scope)
    asked = [*TOTALS, *ways, *named]
    scope = scope.narrowed(asked, grain=grain)  # the earlier period, too
    scores = tables.breakdowns(source, scope, asked, grain=grain)
    found = dict(zip(asked, scores.tables, strict=True))
    trend, stages, countries, segments = (found[way] for way in ways)
    nps, csat, ces = _readings(source, scores.tables, scope, then)
    closed = is_closed(scores, named)
    talk = tables.talk(source, scope, floor=floor_of(workspace), closed=closed)
    comments = None
    if AGE not in scope.filters:
        numbers = Numbers([found[each] for each in named], closed)
        readable = what_is_readable(source, workspace, scope, numbers=numbers)
        if readable:
            comments = list_comments(source.session, readable, limit=COMMENTS, engine=engine)
    return Perception(
        now=now,
        then=then,
        grain=grain,
        nps=nps,
        csat=csat,
        ces=ces,
        trend=trend,
        stages=stages,
        countries=countries,
        segments=_marked(segments),
        sentiment=talk.sentiment,
        themes=talk.themes,
        own_themes=own_names(source.session, workspace.id),
        comments=comments,
        trouble=source.trouble,
        left_out=left_out(source.session, replace(scope, kind=None), asked, grain=grain),
        coming=due,
    )


def _grain(period: Period, *, is_by_week: bool) -> Grain:
    """That of the trend; by day it would leave anonymous surveys out, which know weeks alone."""
    grain = analytics.choose_grain(period)
    return "week" if is_by_week and grain == "day" else grain


def _readings(
    source: Source, current: Sequence[pd.DataFrame], scope: Scope, then: Period | None
) -> list[Reading]:
    """The totals, each with its change since `then`."""
    if then is None:
        return [Reading(table, None) for table, _ in zip(current, TOTALS, strict=False)]
    earlier = tables.breakdowns(source, scope.over(then), TOTALS).tables
    return [
        Reading(table, analytics.compare(table, before, metric=total.metric))
        for table, before, total in zip(current, earlier, TOTALS, strict=False)
    ]


def _marked(segments: pd.DataFrame) -> pd.DataFrame:
    """With `significant`: which segments differ from all others together."""
    if segments.empty:
        return segments.assign(significant=False)
    rest = analytics.against_rest(segments, metric="nps")
    return segments.assign(significant=rest["significant"].fillna(value=False).to_numpy(dtype=bool))
