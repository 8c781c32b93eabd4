"""Differences between two independent groups: period against period, segment against the rest.

Net scores (NPS, sentiment): the difference of the adjusted shares with z = (N₁' - N₂') /
√(V₁'/n₁' + V₂'/n₂') (Rocks 2016), as STATISTICS has it. Shares (CSAT, CES): Newcombe's hybrid
score interval (Newcombe 1998, Statistics in Medicine 17, method 10). The p-value of either is
that of its own interval: p < 1 - confidence exactly when the unclipped interval excludes 0, so
that a chart and its stars never contradict each other.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import erfc  # type: ignore[import-untyped]  # scipy ships no types

from analytics import intervals, sums, tallies
from analytics.errors import FrameError
from analytics.intervals import Numbers
from analytics.sums import Difference, Metric

__all__ = ["Metric", "Side", "against_rest", "compare", "false_discovery", "newcombe"]


@dataclass(frozen=True)
class Side:
    """One side of a comparison: answers up, answers down (net scores only) and n, per row.

    Effective numbers where the answers are weighted (`sums.Sums.effective`).
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
    intervals.checked_confidence(confidence)
    reads = [sums.read(table, metric) for table in (current, previous)]
    keys = tallies.keys(current)
    if keys != tallies.keys(previous):
        raise FrameError(
            None, f"has the keys {keys}, the other one not", hint="compare like with like"
        )
    table, places = _join(current, previous, keys)
    now, then = (_side(read, at) for read, at in zip(reads, places, strict=True))
    result = _difference(now, then, net=reads[0].net, confidence=confidence)
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
    """
    intervals.checked_confidence(confidence)
    read = sums.read(table, metric)
    every = np.arange(len(table))
    counted = (read.up, read.down, read.size, read.squares, read.n)
    up, down, size, squares, n = (_rest(values) for values in counted)
    rest = sums.Sums(up, down, size, squares, n, read.net)
    result = _difference(
        _side(read, every), _side(rest, every), net=read.net, confidence=confidence
    )
    compared = table[tallies.keys(table)].reset_index(drop=True)
    compared["difference"], compared["difference_low"] = result.value, result.low
    compared["difference_high"], compared["p_value"] = result.high, result.p
    compared["q_value"] = false_discovery(result.p)
    compared["significant"] = sums.significant(compared["q_value"].to_numpy(), confidence)
    return compared


def false_discovery(p_values: Numbers) -> Numbers:
    """Benjamini & Hochberg (1995), JRSS B 57: q-values of p-values; NaN stays out of it.

    >>> false_discovery(np.array([0.01, 0.04, 0.03, np.nan])).round(3).tolist()
    [0.03, 0.04, 0.04, nan]
    """
    known = np.flatnonzero(~np.isnan(p_values))
    falling = known[np.argsort(-p_values[known], kind="stable")]
    ranks = np.arange(len(falling), 0, -1)
    adjusted = np.full(len(p_values), np.nan)
    adjusted[falling] = np.minimum.accumulate(p_values[falling] * len(falling) / ranks)
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


def _difference(first: Side, second: Side, *, net: bool, confidence: float) -> Difference:
    contrast = _net_difference if net else _share_difference
    return contrast(first, second, confidence)


def _net_difference(first: Side, second: Side, confidence: float) -> Difference:
    centre_1, variance_1 = intervals.adjusted_net(first.up, first.down, first.n)
    centre_2, variance_2 = intervals.adjusted_net(second.up, second.down, second.n)
    centre, error = centre_1 - centre_2, np.sqrt(variance_1 + variance_2)
    margin = intervals.normal_quantile(confidence) * error
    plain = _share(first.up - first.down, first.n) - _share(second.up - second.down, second.n)
    low, high = (np.clip(100 * bound, -200, 200) for bound in (centre - margin, centre + margin))
    return Difference(100 * plain, low, high, _two_sided(centre / error))


def _share_difference(first: Side, second: Side, confidence: float) -> Difference:
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


def _side(read: sums.Sums, at: NDArray[np.int64]) -> Side:
    """The counts of the rows `at`; NaN where that is -1, or the row is suppressed or empty."""
    n = read.effective
    scale = n / np.where(read.size > 0, read.size, np.nan)
    counts = (read.up * scale, read.down * scale, n)
    return Side(*(np.append(values, np.nan)[at] for values in counts))


def _join(
    current: pd.DataFrame, previous: pd.DataFrame, keys: list[str]
) -> tuple[pd.DataFrame, list[NDArray[np.int64]]]:
    """The keys of either table, sorted, and where each table has them: a row, or -1."""
    tables = [current, previous]
    if not keys:
        return pd.DataFrame(index=[0]), [np.zeros(1, dtype=np.int64)] * 2
    # A table without rows has no say in the type of its keys.
    filled = next((table for table in tables if len(table)), tables[0])
    parts = [table[keys].astype(filled[keys].dtypes.to_dict()) for table in tables if len(table)]
    every = tallies.by_key(pd.concat([filled[keys].iloc[:0], *parts]).drop_duplicates(), keys)
    rows = []
    for table in tables:
        at = table[keys].astype(filled[keys].dtypes.to_dict()).assign(_row=range(len(table)))
        place = every.merge(at, on=keys, how="left", validate="one_to_one")["_row"]
        rows.append(place.fillna(-1).to_numpy(np.int64))
    return every, rows
