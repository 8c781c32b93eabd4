"""Differences between two independent groups: period against period, segment against the rest.

Net scores (NPS, sentiment): the difference of the adjusted shares with z = (N₁' - N₂') /
√(V₁'/n₁' + V₂'/n₂') (Rocks 2016, The American Statistician 70). Shares (CSAT, CES): Newcombe's
hybrid score interval (Newcombe 1998, Statistics in Medicine 17, method 10). The p-value of either
is that of its own interval: p < 1 - confidence exactly when the unclipped interval excludes 0, so
that a chart and its stars never contradict each other.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analytics import intervals, options, sums, tallies
from analytics.errors import ArgumentError
from analytics.options import Numbers
from analytics.scipy import erfc
from analytics.sums import Difference, Metric, Sums

__all__ = [
    "Metric",
    "Side",
    "against_rest",
    "compare",
    "false_discovery",
    "newcombe",
    "share_difference",
]


@dataclass(frozen=True)
class Side:
    """One side of a comparison: answers up, answers down (net scores only) and n, per row.

    Effective numbers where the answers are weighted (`sums.Sums.scaled`).
    """

    up: Numbers
    down: Numbers
    n: Numbers


def compare(
    current: pd.DataFrame,
    previous: pd.DataFrame,
    *,
    metric: Metric,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """What changed from `previous` to `current`, row by row, joined on their keys.

    Two results (or tallies) of one metric with the same keys, suppressed or not → keys;
    `change, change_low, change_high`, current - previous in points of the metric (CSAT, CES:
    of their share in percent), [-200, 200] for net scores and [-100, 100] for shares;
    `p_value` in [0, 1]; `significant`, a nullable bool, at 1 - confidence. One row per key of
    either table, null where a side is absent, empty or suppressed. For weighted NPS pass
    tallies: a result doesn't hold the weighted counts.

    FrameError where keys differ or repeat, or the counts of the metric are none (`sums.read`).

    >>> now = pd.DataFrame({"n": [400], "promoters": [240], "detractors": [60]})
    >>> then = pd.DataFrame({"n": [400], "promoters": [200], "detractors": [80]})
    >>> compare(now, then, metric="nps").round(3).values.tolist()
    [[15.0, 4.38, 25.397, 0.005, True]]
    """
    reads = [sums.read(table, metric) for table in (current, previous)]
    table, places = tallies.line_up(current, previous)
    now, then = (read.at(rows, absent=np.nan) for read, rows in zip(reads, places, strict=True))
    result = _difference(now, then, confidence=confidence)
    table["change"], table["change_low"] = result.value, result.low
    table["change_high"], table["p_value"] = result.high, result.p
    table["significant"] = sums.significant(result.p, confidence)
    return table


def against_rest(table: pd.DataFrame, *, metric: Metric, confidence: float = 0.95) -> pd.DataFrame:
    """Each row of a result (or tally) against all its other rows together.

    Never against a total that contains the row itself. → keys; `difference, difference_low,
    difference_high` (row - rest), `p_value`, and `q_value`, its Benjamini-Hochberg adjustment
    over the table's rows; `significant`, a nullable bool: q < 1 - confidence. Units, weighted
    NPS and errors as for `compare`. A suppressed row is null and part of no rest: nothing that
    is not published enters.

    >>> counts = {"country": ["FI", "SE"], "n": [60, 60], "promoters": [50, 20],
    ...           "detractors": [5, 30]}
    >>> rest = against_rest(pd.DataFrame(counts), metric="nps")
    >>> rest[["country", "difference", "significant"]].round(1).values.tolist()
    [['FI', 91.7, True], ['SE', -91.7, True]]
    """
    read = sums.read(table, metric)
    counted = (read.up, read.down, read.size, read.squares, read.n)
    up, down, size, squares, n = (_rest(values) for values in counted)
    rest = sums.Sums(up, down, size, squares, n, read.net)
    result = _difference(read, rest, confidence=confidence)
    compared = table[tallies.keys(table)].reset_index(drop=True)
    compared["difference"], compared["difference_low"] = result.value, result.low
    compared["difference_high"], compared["p_value"] = result.high, result.p
    compared["q_value"] = false_discovery(result.p)
    compared["significant"] = sums.significant(compared["q_value"].to_numpy(), confidence)
    return compared


def false_discovery(p_values: ArrayLike) -> Numbers:
    """Benjamini & Hochberg (1995), JRSS B 57: q-values of p-values; NaN stays out of it.

    ArgumentError where they are no list of numbers from 0 to 1.

    >>> false_discovery(np.array([0.01, 0.04, 0.03, np.nan])).round(3).tolist()
    [0.03, 0.04, 0.04, nan]
    """
    p = options.array("p_values", p_values)
    if p.ndim != 1 or ((p < 0) | (p > 1)).any():
        raise ArgumentError("p_values", f"are {p_values!r}", hint="a list of numbers from 0 to 1")
    known = np.flatnonzero(~np.isnan(p))
    falling = known[np.argsort(-p[known], kind="stable")]
    ranks = np.arange(len(falling), 0, -1)
    adjusted = np.full(len(p), np.nan)
    adjusted[falling] = np.minimum.accumulate(p[falling] * len(falling) / ranks)
    return adjusted


def newcombe(first: Side, second: Side, *, z: Numbers | np.float64) -> tuple[Numbers, Numbers]:
    """Newcombe's hybrid score interval of the difference of two shares, for the quantile z.

    >>> one, two = (Side(np.array([x]), np.zeros(1), np.array([n]))
    ...             for x, n in ((56, 70), (48, 80)))
    >>> low, high = newcombe(one, two, z=np.float64(1.959964))   # Newcombe's example (a)
    >>> round(float(low[0]), 4), round(float(high[0]), 4)
    (0.0524, 0.3339)
    """
    low_1, high_1 = intervals.wilson_at(first.up, first.n, z=z)
    low_2, high_2 = intervals.wilson_at(second.up, second.n, z=z)
    share_1, share_2 = _share(first.up, first.n), _share(second.up, second.n)
    difference = share_1 - share_2
    below = np.sqrt((share_1 - low_1) ** 2 + (high_2 - share_2) ** 2)
    above = np.sqrt((high_1 - share_1) ** 2 + (share_2 - low_2) ** 2)
    return difference - below, difference + above


def _difference(first: Sums, second: Sums, *, confidence: float) -> Difference:
    contrast = _net_difference if first.net else share_difference
    return contrast(Side(*first.scaled), Side(*second.scaled), confidence)


def _net_difference(first: Side, second: Side, confidence: float) -> Difference:
    centre_1, variance_1 = intervals.adjusted_net(first.up, first.down, first.n)
    centre_2, variance_2 = intervals.adjusted_net(second.up, second.down, second.n)
    centre, error = centre_1 - centre_2, np.sqrt(variance_1 + variance_2)
    margin = intervals.normal_quantile(confidence) * error
    plain = _share(first.up - first.down, first.n) - _share(second.up - second.down, second.n)
    low, high = (np.clip(100 * bound, -200, 200) for bound in (centre - margin, centre + margin))
    return Difference(100 * plain, low, high, _two_sided(centre / error))


def share_difference(first: Side, second: Side, confidence: float) -> Difference:
    """The first less the second in points, with Newcombe's interval and its p; NaN where one is."""
    z = np.float64(intervals.normal_quantile(confidence))
    low, high = newcombe(first, second, z=z)
    plain = _share(first.up, first.n) - _share(second.up, second.n)
    return Difference(100 * plain, 100 * low, 100 * high, _newcombe_p(first, second, plain))


def _newcombe_p(first: Side, second: Side, plain: Numbers) -> Numbers:
    """The p at which Newcombe's interval just touches 0: its z, found by bisection."""
    inside, outside = np.zeros_like(plain), np.full_like(plain, 40.0)
    for _ in range(60):
        middle = (inside + outside) / 2
        low, high = newcombe(first, second, z=middle)
        excludes = (low > 0) | (high < 0)
        inside, outside = np.where(excludes, middle, inside), np.where(excludes, outside, middle)
    p = np.where(plain == 0, 1.0, _two_sided(inside))
    return np.where(np.isnan(plain), np.nan, p)


def _two_sided(z: Numbers) -> Numbers:
    return np.asarray(erfc(np.abs(z) / sqrt(2)), dtype=np.float64)


def _share(up: Numbers, n: Numbers) -> Numbers:
    return up / np.where(n > 0, n, np.nan)


def _rest(counted: Numbers) -> Numbers:
    """What the other rows hold together; a suppressed row holds nothing."""
    known = np.nan_to_num(counted)
    return np.asarray(known.sum() - known, dtype=np.float64)
