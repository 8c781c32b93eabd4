"""Scores of answers that come in clusters, as those from one account do.

Answers of one account resemble each other, so that n of them tell less than n independent ones.
A score is a ratio R = Σy_g/Σm_g of sums per cluster g (of codes and of weights). With the part
h_g = m_g/Σm that a cluster has of the answers, its variance is the bias-reduced linearised one
(CR2) and Student's t has the degrees of freedom f of Bell & McCaffrey,

    var(R) = Σ (y_g - R·m_g)²/(1 - h_g) / (Σm_g)²,        q_g = h_g²/(1 - h_g),
    1/f = Σ h_g² + (Σ q_g)² - Σ q_g²,

which is their formula for a mean under independent answers, written out: Bell & McCaffrey (2002),
"Bias reduction in standard errors for linear regression with multi-stage samples", Survey
Methodology 28(2); Pustejovsky & Tipton (2018), JBES 36(4). G clusters of one size give the usual
factor G/(G - 1) and f = G - 1; where a few clusters hold most of the answers f says how few. The
*design effect* is that variance over the one of as many independent answers (Kish 1965, Survey
Sampling).

A change is the difference of two such ratios. What a cluster moves on either side is taken
together, each side's with its own h_g, and t has the fewer degrees of the two: neither side lends
the other its certainty, and one with a single cluster leaves the change without bounds.

The tally is the metric's own, with the cluster among its keys; it adds up (`roll_up`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics import options, sums, tallies
from analytics.errors import FrameError
from analytics.options import Numbers
from analytics.sums import Metric, Sums

Rows = NDArray[np.int64]

SCORE = ("n", "clusters", "score", "low", "high", "design_effect", "n_eff")
CHANGE = ("change", "change_low", "change_high", "p_value", "significant", "clusters")


def clustered(
    tallied: pd.DataFrame, *, cluster: str, metric: Metric, confidence: float = 0.95
) -> pd.DataFrame:
    """The score of each group with an interval that knows of clusters.

    `tallied`: a tally of `metric`, weighted or not, by `cluster` and any other keys, such as
    `tally_nps(frame, by=["country", "account"])` → the other keys; `n` answers and `clusters`
    with an answer, int64; `score, low, high` in points of the metric (CSAT, CES: percent),
    clipped to its scale; `design_effect` > 0 and `n_eff`, n/design_effect. The last four are null
    for a single cluster and where all clusters score alike: no spread was seen.

    FrameError where `cluster` is no key or null (give an answer without an account an id of its
    own), a row is suppressed, or the table is none of `metric`.

    >>> tallied = pd.DataFrame({"account": ["a", "b", "c", "d"], "n": [4, 2, 2, 2],
    ...                         "promoters": [4, 1, 1, 0], "detractors": [0, 1, 0, 2]})
    >>> table = clustered(tallied, cluster="account", metric="nps")
    >>> table[["n", "clusters", "score", "low", "high"]].round(1).values.tolist()
    [[10.0, 4.0, 30.0, -100.0, 100.0]]
    >>> table[["design_effect", "n_eff"]].round(2).values.tolist()   # 10 that count as 4
    [[2.46, 4.06]]
    """
    table, (side,) = _sides([tallied], cluster=cluster, metric=metric)
    tallies.refuse_clashes([*table.columns], SCORE)
    spread = side.total(side.influence**2)
    estimate = sums.student(
        side.ratio, np.sqrt(spread), side.freedom, confidence=confidence, limit=100.0
    )
    n = side.total(side.sums.n)
    table["n"], table["clusters"] = n.astype(np.int64), side.count.astype(np.int64)
    table["score"] = estimate.value
    table["low"], table["high"] = np.maximum(estimate.low, side.sums.floor), estimate.high
    known = np.where(np.isnan(estimate.low), np.nan, spread)
    table["design_effect"] = known / side.independent
    table["n_eff"] = n / table["design_effect"]
    return table


def clustered_change(
    current: pd.DataFrame,
    previous: pd.DataFrame,
    *,
    cluster: str,
    metric: Metric,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """What changed from `previous` to `current` where both consist of clusters.

    Two tallies as for `clustered`, with the same keys → the other keys; `change, change_low,
    change_high` in points, `p_value`, `significant`, as of `compare`; `clusters` of either side,
    int64, each counted once. An account that answers on both sides is one cluster, so that what
    it has in common with itself drops out; so does a comparison of two segments that share
    accounts, if the tallies don't hold the segment. `change` is null where a side has no
    answers; its bounds and p also where a side has a single cluster or no spread was seen.

    >>> now = pd.DataFrame({"account": ["a", "b", "c"], "n": [2, 2, 2],
    ...                     "promoters": [2, 1, 1], "detractors": [0, 0, 1]})
    >>> then = pd.DataFrame({"account": ["a", "b", "c"], "n": [2, 2, 2],
    ...                      "promoters": [1, 1, 1], "detractors": [0, 1, 0]})
    >>> clustered_change(now, then, cluster="account", metric="nps").round(1).values.tolist()
    [[16.7, -126.8, 160.1, 0.7, False, 3]]
    """
    table, (now, then) = _sides([current, previous], cluster=cluster, metric=metric)
    tallies.refuse_clashes([*table.columns], CHANGE)
    change = sums.student(
        now.ratio - then.ratio,
        np.sqrt(now.total((now.influence - then.influence) ** 2)),
        np.minimum(now.freedom, then.freedom),
        confidence=confidence,
        limit=now.sums.limit,
    )
    table["change"] = change.value
    table["change_low"], table["change_high"] = change.low, change.high
    table["p_value"] = change.p
    table["significant"] = sums.significant(change.p, confidence)
    either = (now.sums.n + then.sums.n > 0).astype(np.float64)
    table["clusters"] = now.total(either).astype(np.int64)
    return table


@dataclass(frozen=True)
class _Side:
    """The sums of each cluster, 0 where it has no answers on this side, and its group's number.

    Whole-group numbers below are arrays with a value for each of the `groups`.
    """

    sums: Sums
    at: Rows
    groups: int

    def total(self, values: Numbers) -> Numbers:
        """The sum over the clusters of each group."""
        return np.bincount(self.at, weights=values, minlength=self.groups).astype(np.float64)

    @cached_property
    def whole(self) -> Numbers:
        """Σm; NaN without answers."""
        weights = self.total(self.sums.size)
        return np.where(weights > 0, weights, np.nan)

    @cached_property
    def ratio(self) -> Numbers:
        """The score, as a share; NaN without answers."""
        return self.total(self.sums.up - self.sums.down) / self.whole

    @property
    def count(self) -> Numbers:
        """The clusters with an answer."""
        return self.total((self.sums.n > 0).astype(np.float64))

    @cached_property
    def part(self) -> Numbers:
        """The h of each cluster; NaN where it is alone: nothing shows how far another would be."""
        known = np.where(self.count > 1, self.whole, np.nan)
        return np.asarray(self.sums.size / known[self.at], dtype=np.float64)

    @property
    def influence(self) -> Numbers:
        """How far each cluster moves the score of its group: (y - R·m)/Σm/√(1 - h)."""
        read = self.sums
        off = read.up - read.down - self.ratio[self.at] * read.size
        return np.asarray(off / self.whole[self.at] / np.sqrt(1 - self.part), dtype=np.float64)

    @property
    def freedom(self) -> Numbers:
        """Degrees of freedom f, at least 1; NaN for a single cluster."""
        q = self.part**2 / (1 - self.part)
        inverse = self.total(self.part**2) + self.total(q) ** 2 - self.total(q**2)
        return np.maximum(1 / np.where(inverse > 0, inverse, np.nan), 1)

    @property
    def independent(self) -> Numbers:
        """The variance of the score of as many independent answers."""
        n, squares = self.total(self.sums.n), self.total(self.sums.up + self.sums.down)
        return (squares / self.whole - self.ratio**2) / np.where(n > 1, n - 1, np.nan)


def _sides(
    tables: Sequence[pd.DataFrame], *, cluster: str, metric: Metric
) -> tuple[pd.DataFrame, list[_Side]]:
    """The groups (the other keys), and the clusters of all with an answer, side by side."""
    reads = [sums.known(each, metric, hint="suppress the result instead") for each in tables]
    keys = tallies.keys(tables[0])
    if options.name("cluster", cluster) not in keys:
        raise FrameError(cluster, "is no key", hint="tally by the cluster, too", present=keys)
    every, places = tallies.line_up(*tables)
    sides = [read.at(rows, absent=0) for read, rows in zip(reads, places, strict=True)]
    answered = np.any([side.n > 0 for side in sides], axis=0)
    if every.loc[answered, cluster].isna().any():
        hint = "give an answer without one an id of its own, say the respondent's"
        raise FrameError(cluster, "holds null", hint=hint)
    own = every.loc[answered, [key for key in keys if key != cluster]]
    groups, at = tallies.group(own)
    some = np.flatnonzero(answered)
    return groups, [_Side(side.at(some, absent=0), at, len(groups)) for side in sides]
