"""Differences between two independent groups: period against period, segment against the rest.

Net scores (NPS, sentiment): the difference of the adjusted shares with z = (N₁' - N₂') /
√(V₁'/n₁' + V₂'/n₂') (Rocks 2016), as STATISTICS has it. Shares (CSAT, CES): Newcombe's hybrid
score interval (Newcombe 1998, Statistics in Medicine 17, method 10). The p-value of either is
that of its own interval: p < 1 - confidence exactly when the unclipped interval excludes 0, so
that a chart and its stars never contradict each other.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Literal

import numpy as np
import pandas as pd
from scipy.special import erfc  # type: ignore[import-untyped]  # scipy ships no types

from analytics import intervals, tallies
from analytics.errors import ArgumentError, FrameError
from analytics.intervals import Numbers
from analytics.nps import net_parts

Metric = Literal["nps", "csat", "ces", "sentiment"]


@dataclass(frozen=True)
class Side:
    """One side of a comparison: answers up, answers down (net scores only) and n, per row."""

    up: Numbers
    down: Numbers
    n: Numbers


@dataclass(frozen=True)
class Difference:
    """`value` in points with its interval and two-sided p; NaN where a side is empty."""

    value: Numbers
    low: Numbers
    high: Numbers
    p: Numbers


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

    FrameError where keys differ or repeat, or a column of the metric is missing.

    >>> now = pd.DataFrame({"n": [400], "promoters": [240], "detractors": [60]})
    >>> then = pd.DataFrame({"n": [400], "promoters": [200], "detractors": [80]})
    >>> compare(now, then, metric="nps").round(3).values.tolist()
    [[15.0, 4.38, 25.397, 0.005, True]]
    """
    intervals.checked_confidence(confidence)
    keys = _checked_keys(current, metric)
    if keys != _checked_keys(previous, metric):
        raise FrameError(
            None, f"has the keys {keys}, the other one not", hint="compare like with like"
        )
    table, (now, then) = _join(current, previous, keys)
    result = _difference(_side(now, metric), _side(then, metric), metric, confidence=confidence)
    table["change"], table["change_low"] = result.value, result.low
    table["change_high"], table["p_value"] = result.high, result.p
    table["significant"] = _below(result.p, 1 - confidence)
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
    keys = _checked_keys(table, metric)
    columns = [*_columns(metric), *(name for name in table if str(name).startswith("weight_"))]
    known = table[columns].astype(np.float64).fillna(0)
    rest = known.sum() - known
    result = _difference(_side(table, metric), _side(rest, metric), metric, confidence=confidence)
    compared = table[keys].reset_index(drop=True)
    compared["difference"], compared["difference_low"] = result.value, result.low
    compared["difference_high"], compared["p_value"] = result.high, result.p
    compared["q_value"] = false_discovery(result.p)
    compared["significant"] = _below(compared["q_value"].to_numpy(), 1 - confidence)
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


def _difference(first: Side, second: Side, metric: Metric, *, confidence: float) -> Difference:
    contrast = _net_difference if metric in {"nps", "sentiment"} else _share_difference
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


def _below(p_values: Numbers, level: float) -> pd.Series:
    return pd.Series(pd.arrays.BooleanArray(p_values < level, np.isnan(p_values)))


_READERS: dict[str, tuple[str, ...]] = {
    "nps": ("promoters", "detractors", "n"),
    "sentiment": ("positive", "negative", "scored"),
    "csat": ("satisfied", "n"),
    "ces": ("easy", "n"),
}


def _columns(metric: Metric) -> tuple[str, ...]:
    if metric not in _READERS:
        raise ArgumentError("metric", f"is {metric!r}", hint=f"one of {', '.join(_READERS)}")
    return _READERS[metric]


def _side(table: pd.DataFrame, metric: Metric) -> Side:
    """The counts of each row; NaN where the row is absent, suppressed or empty."""
    if metric == "nps" and "weight_sum" in table:
        counts = net_parts(table)
    else:
        read = [table[name].to_numpy(np.float64, na_value=np.nan) for name in _columns(metric)]
        counts = read[0], read[1] if len(read) == 3 else np.zeros_like(read[0]), read[-1]
    up, down, n = (np.where(counts[2] > 0, values, np.nan) for values in counts)
    return Side(up, down, n)


def _checked_keys(table: pd.DataFrame, metric: Metric) -> list[str]:
    for name in _columns(metric):
        if name not in table:
            raise FrameError(
                name, "is missing", hint=f"pass a table of {metric}", present=table.columns
            )
    if "n_eff" in table and "weight_promoters" not in table:
        raise FrameError(
            "n_eff", "says that the scores are weighted", hint="compare tally_nps(…, weight=…)"
        )
    keys = tallies.keys(table)
    repeated = table.duplicated(keys).any() if keys else len(table) != 1
    if repeated:
        raise FrameError(
            keys[0] if keys else None, "repeats a key", hint="one row per combination of keys"
        )
    return keys


def _join(
    current: pd.DataFrame, previous: pd.DataFrame, keys: list[str]
) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """The keys of either table, sorted, and each table's rows in that order (else null)."""
    tables = [current.reset_index(drop=True), previous.reset_index(drop=True)]
    if not keys:
        return tables[0][[]], tables
    # A table without rows has no say in the type of its keys.
    filled = next((table for table in tables if len(table)), tables[0])
    parts = [table[keys].astype(filled[keys].dtypes.to_dict()) for table in tables if len(table)]
    every = tallies.by_key(pd.concat([filled[keys].iloc[:0], *parts]).drop_duplicates(), keys)
    rows = []
    for table in tables:
        at = table[keys].astype(filled[keys].dtypes.to_dict()).assign(_row=range(len(table)))
        place = every.merge(at, on=keys, how="left", validate="one_to_one")["_row"]
        rows.append(table.reindex(place.fillna(-1).astype(np.int64)))
    return every, rows
