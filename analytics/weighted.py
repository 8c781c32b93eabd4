"""NPS weighted to the customer base: the planner counts, raking weighs.

Weights belong to answers, not to a filter: they are raked over the scope without its filters, which
then only choose whose answers are told of.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analytics import counting, plan, raking, tallies
from analytics.errors import ArgumentError
from analytics.periods import Grain
from analytics.scope import Breakdown, Scope


@dataclass(frozen=True)
class Weighted:
    """`tallies` in the order asked, as of `tally_nps(…, weight=…)`: `summarise_nps` gives the score
    with its `n_eff`. `rakings`: total → how its answers were weighed, with the design effect.
    """

    tallies: tuple[pd.DataFrame, ...]
    rakings: Mapping[Breakdown, raking.Raking]


def weighted_scores(
    frame: Any,
    scope: Scope,
    asked: Iterable[Breakdown],
    *,
    grain: Grain = "month",
    trim: float = 5.0,
) -> Weighted:
    """NPS by several breakdowns under all filters of a scope, weighted to `scope.weights`.

    `frame`: facts of any engine. One pass counts the joint cells of each breakdown with the
    dimensions of the targets, and those of each total. A bucket in which nobody answered has no
    row. `trim` as for `rake`.

    ArgumentError where the scope has no weights, a breakdown is not of NPS, the targets contradict
    each other or the answers (as `rake` says), or no weights within `trim` meet them.

    >>> from datetime import date
    >>> from analytics import Period, summarise_nps
    >>> day = date(2026, 5, 4)
    >>> frame = pd.DataFrame({"workspace": 1, "month": "2026-05", "day": day, "kind": "relational",
    ...     "metric": "nps", "anonymous": False, "person": range(60), "score": [10] * 40 + [0] * 20,
    ...     "country": ["FI"] * 40 + ["SE"] * 20})
    >>> half = {"country": {"FI": 0.5, "SE": 0.5}}
    >>> scope = Scope(workspace=1, period=Period(day, day), weights=half)
    >>> tally, = weighted_scores(frame, scope, [Breakdown("nps")]).tallies
    >>> summarise_nps(tally)[["n", "n_eff", "nps"]].round(1).values.tolist()
    [[60.0, 53.3, 0.0]]
    """
    asked = list(asked)
    if not scope.weights:
        raise ArgumentError("scope", "has no weights", hint="targets by dimension, as for rake")
    for each in asked:
        if each.metric != "nps":
            raise ArgumentError("asked", f"holds {each.metric}", hint="only NPS is weighted")
    targets = tuple(scope.weights)
    totals = list(dict.fromkeys(each.total for each in asked))
    fine = [each.over(*dict.fromkeys((*each.by, *targets))) for each in asked]
    cells = [(total.over(*targets), ()) for total in totals]
    every = [*cells, *((each, tuple(scope.filters)) for each in fine)]
    tables = [_tally(table) for table in plan.count_scores(frame, scope, every, grain=grain)]
    rakings = {
        total: raking.rake(table, scope.weights, trim=trim)
        for total, table in zip(totals, tables, strict=False)
    }
    weighed = (
        raking.weigh(table, rakings[each.total])
        for each, table in zip(asked, tables[len(totals) :], strict=True)
    )
    rolled = (
        tallies.roll_up(table, by=each.by) for each, table in zip(asked, weighed, strict=True)
    )
    return Weighted(tuple(rolled), rakings)


def _tally(counts: pd.DataFrame) -> pd.DataFrame:
    """The counts of the planner as a tally of NPS."""
    keys = {name: counts[name] for name in counts if isinstance(name, str)}
    del keys[counting.PEOPLE]
    n = counts[0] + counts[7] + counts[9]
    parts = {"n": n, "promoters": counts[9], "passives": counts[7], "detractors": counts[0]}
    return pd.DataFrame(keys | parts)
