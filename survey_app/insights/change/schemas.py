"""The address of *Why it moved* as one immutable value."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from werkzeug.datastructures import MultiDict

from analytics.scope import Breakdown, ScoreMetric
from survey_app.accounts.models import Workspace
from survey_app.insights.perception import TOTALS
from survey_app.insights.schemas import PerceptionQuery, choice, read_query

DIMENSIONS = ("stage", "country", "region", "language", "age_band", "gender", "channel")
SCORES: Mapping[str, Breakdown] = {total.metric: total for total in TOTALS}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeQuery(PerceptionQuery):
    """A scope, what to compare with, whose change, and `by`, what to split it by."""

    total: Breakdown

    @property
    def metric(self) -> ScoreMetric:
        """Which score."""
        return self.total.metric


def read_change_query(
    args: MultiDict[str, str], workspace: Workspace, *, today: date
) -> ChangeQuery:
    """The page's query from its address; what is missing has a default.

    Raises Invalid for a date, dimension, comparison or score that does not exist.
    """
    found = read_query(args, workspace, today=today, panels=DIMENSIONS)
    return ChangeQuery(
        scope=found.scope,
        by=found.by,
        compare=found.compare,
        today=found.today,
        total=SCORES[choice(args.get("metric"), tuple(SCORES))],
    )
