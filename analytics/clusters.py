"""Scores of answers that come in clusters, as those from one account do.

Answers of one account resemble each other, so that n of them tell less than n independent ones.
A score is a ratio R = Σy_g/Σm_g of sums per cluster g (of codes and of weights), its variance the
linearised one,

    var(R) = G/(G - 1) · Σ (y_g - R·m_g)² / (Σm_g)²,

with Student's t of G - 1 degrees of freedom: Binder (1983), "On the variances of asymptotically
normal estimators from complex surveys", International Statistical Review 51. The *design
effect* is that variance over the one of as many independent answers (Kish 1965, Survey Sampling).

A change is the difference of two such ratios. What a cluster moves on either side is taken together
with the factor G/(G - 1) of that side, and t has the degrees of the side of fewer clusters: neither
side lends the other its certainty, and one with a single cluster leaves the change without bounds.

The tally is the metric's own, with the cluster among its keys; it adds up (`roll_up`).
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from analytics import sums, tallies
from analytics.errors import FrameError
from analytics.intervals import Numbers
from analytics.sums import Metric

FIELDS = ("y", "m", "q", "n")
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
    [[2.24, 4.46]]
    """
    rows = _Clusters({"now": tallied}, cluster=cluster, metric=metric)
    spread = rows.variance(rows.influence("now"))
    estimate = sums.student(
        rows.ratio("now"),
        np.sqrt(spread),
        rows.count("now") - 1,
        confidence=confidence,
        limit=100.0,
    )
    tallies.refuse_clashes(rows.keys, SCORE)
    table, n = rows.groups, rows.total("n_now")
    table["n"], table["clusters"] = n.astype(np.int64), rows.count("now").astype(np.int64)
    table["score"] = estimate.value
    table["low"], table["high"] = np.maximum(estimate.low, rows.floor), estimate.high
    known = np.where(np.isnan(estimate.low), np.nan, spread)
    table["design_effect"] = known / rows.independent("now")
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
    rows = _Clusters({"now": current, "then": previous}, cluster=cluster, metric=metric)
    change = sums.student(
        rows.ratio("now") - rows.ratio("then"),
        np.sqrt(rows.variance(rows.influence("now") - rows.influence("then"))),
        np.minimum(rows.count("now"), rows.count("then")) - 1,
        confidence=confidence,
        limit=100.0 - rows.floor,
    )
    tallies.refuse_clashes(rows.keys, CHANGE)
    table = rows.groups
    table["change"] = change.value
    table["change_low"], table["change_high"] = change.low, change.high
    table["p_value"] = change.p
    table["significant"] = sums.significant(change.p, confidence)
    table["clusters"] = rows.count("now", "then").astype(np.int64)
    return table


class _Clusters:
    """The clusters of every group and side: Σ codes `y`, Σ weights `m`, Σ |codes| `q` and `n`."""

    def __init__(self, tables: Mapping[str, pd.DataFrame], *, cluster: str, metric: Metric) -> None:
        keys = tallies.keys(next(iter(tables.values())))
        parts = [_part(tables[side], keys, cluster, side=side, metric=metric) for side in tables]
        # A table without rows has no say in the type of the keys.
        every = pd.concat([part for part in parts if len(part)] or parts)
        names = [f"{field}_{side}" for side in tables for field in FIELDS]
        every = every.reindex(columns=[*keys, *names], fill_value=0.0)
        every = every.groupby(keys, dropna=False, observed=True, as_index=False).sum()
        self.keys = own = [key for key in keys if key != cluster]
        heads = every[own].drop_duplicates() if own else pd.DataFrame(index=[0])
        self.groups = tallies.by_key(heads, own)
        placed = self.groups.assign(_at=range(len(self.groups)))
        at = every[own].merge(placed, on=own, how="left")["_at"] if own else np.zeros(len(every))
        self._at = np.asarray(at, dtype=np.int64)
        self._values = {name: every[name].to_numpy(np.float64) for name in names}
        self.floor = -100.0 if metric in sums.NET else 0.0

    def count(self, *sides: str) -> Numbers:
        """The clusters of each group with an answer on any of the sides."""
        answers = np.sum([self._values[f"n_{side}"] for side in sides], axis=0)
        return self._total((answers > 0).astype(np.float64))

    def total(self, name: str) -> Numbers:
        """The sum of a column over the clusters of each group."""
        return self._total(self._values[name])

    def ratio(self, side: str) -> Numbers:
        """The score of each group, as a share; NaN without answers."""
        return self.total(f"y_{side}") / self._whole(side)

    def influence(self, side: str) -> Numbers:
        """How far each cluster moves the score of its group: (y - R·m)/Σm, times √(G/(G - 1)).

        NaN where the side has a single cluster: nothing shows how far another would be.
        """
        count = self.count(side)
        scale = np.sqrt(count / np.where(count > 1, count - 1, np.nan)) / self._whole(side)
        off = self._values[f"y_{side}"] - self.ratio(side)[self._at] * self._values[f"m_{side}"]
        return np.asarray(off * scale[self._at], dtype=np.float64)

    def variance(self, influence: Numbers) -> Numbers:
        """Of what the clusters move, per group."""
        return self._total(influence**2)

    def independent(self, side: str) -> Numbers:
        """The variance of the score of as many independent answers, per group."""
        n, ratio = self.total(f"n_{side}"), self.ratio(side)
        squares = self.total(f"q_{side}") / self._whole(side)
        return (squares - ratio**2) / np.where(n > 1, n - 1, np.nan)

    def _whole(self, side: str) -> Numbers:
        weights = self.total(f"m_{side}")
        return np.where(weights > 0, weights, np.nan)

    def _total(self, values: Numbers) -> Numbers:
        sums_by_group = np.bincount(self._at, weights=values, minlength=len(self.groups))
        return np.asarray(sums_by_group, dtype=np.float64)


def _part(
    table: pd.DataFrame, keys: list[str], cluster: str, *, side: str, metric: Metric
) -> pd.DataFrame:
    """A side's rows with an answer: its keys and the FIELDS of `_Clusters`."""
    if tallies.keys(table) != keys:
        raise FrameError(None, f"has not the keys {keys}", hint="compare like with like")
    if cluster not in keys:
        raise FrameError(cluster, "is no key", hint="tally by the cluster, too", present=keys)
    read = sums.read(table, metric)
    if np.isnan(read.n).any():
        raise FrameError("n", "is null in a suppressed row", hint="suppress the result instead")
    answered = read.n > 0
    if table.loc[answered, cluster].isna().any():
        hint = "give an answer without one an id of its own, say the respondent's"
        raise FrameError(cluster, "holds null", hint=hint)
    fields = (read.up - read.down, read.size, read.up + read.down, read.n)
    numbers = {f"{name}_{side}": values for name, values in zip(FIELDS, fields, strict=True)}
    return table[keys].reset_index(drop=True).assign(**numbers)[answered]
