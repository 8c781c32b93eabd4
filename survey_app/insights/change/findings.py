"""What *Why it moved* says, as numbers, all of them reckoned from tables that may be shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, floor, log10
from typing import Literal

import numpy as np
import pandas as pd

import analytics
from analytics import Period, SamplePlan
from analytics.complaints import compare_complaints
from analytics.privacy.pooling import OTHERS, Pair, pooled
from analytics.scope import Breakdown, Scope
from survey_app.accounts.models import Workspace
from survey_app.insights import tables
from survey_app.insights.change.parts import Parts, parts_of
from survey_app.insights.change.schemas import ChangeQuery
from survey_app.insights.comments.own_themes import own_names
from survey_app.insights.comments.readable import floor_of, is_closed, naming
from survey_app.insights.lake.reading import Source
from survey_app.insights.perception import Reading
from survey_app.insights.releases import Coming, coming, left_out
from survey_app.lifecycle.queries import stages

WORTH_SEEING = 5.0  # points
FALSE_ALARMS = 0.05  # the share of groups that moved by chance among those called moved
RELIABLE = 30  # answers
# Why a change isn't split: all groups are withheld, nobody has a value, all have the same.
Obstacle = Literal["withheld", "unknown", "alone"]


@dataclass(frozen=True, slots=True)
class Outlook:
    """Answers that it takes in each period to see a change of `WORTH_SEEING` points in 4 of 5
    cases, to two digits, and the least change in points that the present ones show so.
    """

    needed: int
    seen: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What stands beside the score once there is an earlier one; None where it can't be said.

    `outlook` is for changes that may be chance. `complaints` as `analytics.complaints` has them,
    None where too few wrote in one of the periods.
    """

    before: pd.DataFrame
    outlook: Outlook | None = None
    parts: Parts | None = None
    obstacle: Obstacle | None = None
    complaints: pd.DataFrame | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Everything on the page, before words and pictures."""

    now: Period
    then: Period | None
    score: Reading
    compared: Comparison | None
    # Names of the workspace's own themes, by code.
    own_themes: Mapping[str, str]
    trouble: str | None
    # Anonymous surveys that stand on no page with filters, and when more of them may be published.
    left_out: int
    coming: Coming | None


@dataclass(frozen=True, slots=True)
class _Side:
    """One period: the score of all and of each group, and what people wrote."""

    total: pd.DataFrame
    groups: pd.DataFrame
    themes: pd.DataFrame
    writers: int

    @property
    def is_known(self) -> bool:
        row = self.total.iloc[0]
        return not row["suppressed"] and row["n"] > 0


def find(source: Source, workspace: Workspace, query: ChangeQuery) -> Findings:
    """Read what changed, and where that comes from as far as answers tell."""
    now, then = query.compared
    scope = query.scope.over(now).narrowed([query.total.over(query.by)])
    surveys = replace(scope, kind=None)
    fewest = floor_of(workspace)
    current = _side(source, scope, query, fewest=fewest)
    score, compared = Reading(current.total, None), None
    if then is not None:
        earlier = _side(source, scope.over(then), query, fewest=fewest)
        change = analytics.compare(current.total, earlier.total, metric=query.metric)
        score = Reading(current.total, change)
        compared = _compared(source, (current, earlier), score, query)
    return Findings(
        now=now,
        then=then,
        score=score,
        compared=compared,
        own_themes=own_names(source.session, workspace.id),
        trouble=source.trouble,
        left_out=left_out(source.session, surveys),
        coming=coming(source.session, surveys, today=query.today),
    )


def _side(source: Source, scope: Scope, query: ChangeQuery, *, fewest: int) -> _Side:
    talked = scope.of_kind(query.total.kind)
    named = naming(source.session, talked)
    scores = tables.breakdowns(source, scope, [query.total, query.total.over(query.by), *named])
    closed = is_closed(scores, named)
    # Themes leave anonymous surveys out always; so must those who wrote, beside them.
    talked = replace(talked, anonymous=False)
    talk = tables.talk(source, talked, floor=fewest, closed=closed)
    total, groups, *_ = scores.tables
    return _Side(total, groups, talk.themes, talk.writers)


def _compared(
    source: Source, sides: tuple[_Side, _Side], score: Reading, query: ChangeQuery
) -> Comparison:
    now, before = sides
    if not (now.is_known and before.is_known):
        return Comparison(before=before.total)
    tallies = pooled((now.groups, before.groups), (now.total, before.total), metric=query.metric)
    obstacle = _obstacle(tallies, query.by)
    parts = None
    if obstacle is None:
        split = analytics.split_change(*tallies, metric=query.metric)
        ends = {"before": before.total, "now": now.total}
        parts = parts_of(split, **{name: _value(end, query) for name, end in ends.items()})
        groups = _moved(parts.groups, tallies, query)
        parts = replace(parts, groups=_in_order(source, groups, query))
    return Comparison(
        before=before.total,
        outlook=_outlook(sides, query.total) if score.movement == "unclear" else None,
        parts=parts,
        obstacle=obstacle,
        complaints=_complaints(sides),
    )


def _value(total: pd.DataFrame, query: ChangeQuery) -> float:
    return float(total[query.metric].iloc[0])


def _obstacle(tallies: Pair, by: str) -> Obstacle | None:
    keys = pd.concat([table[[by, OTHERS]] for table in tallies]).drop_duplicates()
    if len(keys) > 1:
        return None
    if keys[OTHERS].all():
        return "withheld"
    return "unknown" if keys[by].isna().all() else "alone"


def _moved(groups: pd.DataFrame, tallies: Pair, query: ChangeQuery) -> pd.DataFrame:
    """With what each group moved by; the others, put together for their privacy, are no group."""
    found = analytics.compare(*tallies, metric=query.metric)  # in the order of the groups
    others = groups[OTHERS].to_numpy(dtype=np.bool_)
    q = analytics.false_discovery(found["p_value"].mask(others).to_numpy(np.float64))
    fewest = groups[["n", "n_before"]].min(axis=1)
    return groups.assign(
        moved=found["change"].mask(others),
        moved_low=found["change_low"].mask(others),
        moved_high=found["change_high"].mask(others),
        significant=np.nan_to_num(q, nan=1.0) < FALSE_ALARMS,
        weak=fewest < RELIABLE,
    )


def _in_order(source: Source, groups: pd.DataFrame, query: ChangeQuery) -> pd.DataFrame:
    if query.by != "stage":
        return groups
    places = {stage.key: stage.position for stage in stages(source.session, query.scope.workspace)}
    order = groups["stage"].map(places).fillna(len(places))
    return groups.iloc[order.argsort(kind="stable")].reset_index(drop=True)


def _outlook(sides: Sequence[_Side], total: Breakdown) -> Outlook:
    now, before = (side.total for side in sides)
    row = analytics.outlook(now, metric=total.metric, difference=WORTH_SEEING).iloc[0]
    plan = SamplePlan(float(row["variance"]), other=int(before["n"].iloc[0]))
    return Outlook(_about(int(row["needed"])), float(plan.detectable(int(now["n"].iloc[0]))))


def _about(count: int) -> int:
    """Rounded up to two digits: more would promise a precision that plans don't have."""
    digit = int(10 ** max(0, floor(log10(count)) - 1))
    return ceil(count / digit) * digit


def _complaints(sides: Sequence[_Side]) -> pd.DataFrame | None:
    now, before = sides
    writers = (now.writers, before.writers)
    if min(writers) <= 1:  # as if one had written, where it is withheld
        return None
    found = compare_complaints(now.themes, before.themes, writers=writers)
    order = ["complaining", "speaking"]
    return found.sort_values(order, ascending=False, na_position="last", kind="stable")
