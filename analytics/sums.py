"""The one door for tables of counts: which columns a metric counts in, and sums of answers.

Any result or tally of a metric becomes answers up, down and in all, row by row, weighted where the
tally is. These sums add up; the effective numbers made of them (`scaled`) don't.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics import intervals, options, tallies
from analytics.errors import FrameError
from analytics.frames import LARGEST_COUNT
from analytics.options import Numbers
from analytics.scipy import stdtr, stdtrit

Metric = Literal["nps", "csat", "ces", "sentiment", "response"]

NET: dict[str, tuple[str, ...]] = {
    "nps": ("promoters", "detractors", "n"),
    "sentiment": ("positive", "negative", "scored"),
}
SHARES: dict[str, tuple[str, ...]] = {
    "csat": ("satisfied", "n"),
    "ces": ("easy", "n"),
    "response": ("n", "asked"),
}
ROUNDING = 1e-9  # a standard error (a share) below this is that of sums that should cancel
NUMBERS = {"integer", "floating", "mixed-integer-float", "decimal"}  # as pandas calls them
WEIGHTS = ("weight_promoters", "weight_detractors", "weight_sum", "weight_squares")


@dataclass(frozen=True)
class Sums:
    """Row by row: Σw of the answers up, down and in all, Σw², and plain `n`; NaN if suppressed.

    Without weights each w is 1. `net`: a score of up less down, else the share of up.
    """

    up: Numbers
    down: Numbers
    size: Numbers
    squares: Numbers
    n: Numbers
    net: bool

    @property
    def score(self) -> Numbers:
        """The score as a share, [-1, 1] or [0, 1]; NaN without answers."""
        return (self.up - self.down) / np.where(self.size > 0, self.size, np.nan)

    @property
    def effective(self) -> Numbers:
        """Kish's effective number of answers, (Σw)²/Σw²; NaN without answers."""
        return (self.size / np.sqrt(np.where(self.squares > 0, self.squares, np.nan))) ** 2

    @property
    def scaled(self) -> tuple[Numbers, Numbers, Numbers]:
        """Answers up, down and in all as effective numbers; NaN without answers."""
        n = self.effective
        scale = n / np.where(self.size > 0, self.size, np.nan)
        return self.up * scale, self.down * scale, n

    @property
    def limit(self) -> float:
        """How far a difference of two scores can reach, in points."""
        return 200.0 if self.net else 100.0

    @property
    def floor(self) -> float:
        """The lowest score, in points; the highest is 100."""
        return -100.0 if self.net else 0.0

    def at(self, rows: NDArray[np.int64], *, absent: float) -> "Sums":
        """These rows, `absent` in all their sums where the number is -1."""
        fields = (self.up, self.down, self.size, self.squares, self.n)
        up, down, size, squares, n = (np.append(values, absent)[rows] for values in fields)
        return Sums(up, down, size, squares, n, self.net)

    def variance(self) -> Numbers:
        """Of each plain score, as a share²: V'/n, with made-up answers in V', but not in n.

        They keep V' above 0 where all agree: ¾ up, ¾ down, 1½ between for net scores (Rocks
        2016), two up, two down for shares (Agresti & Coull 1998, The American Statistician
        52(2)). Over n' = n + 3 it would be the variance of the adjusted score, which the interval
        stands around: too small for the plain one.
        """
        up, down, n = self.scaled
        if self.net:
            return intervals.adjusted_net(up, down, n)[1] * (n + 3) / n
        share = (up + 2) / (n + 4)
        return share * (1 - share) / n


@dataclass(frozen=True)
class Difference:
    """`value` in points with its interval and two-sided p; NaN where a side is empty."""

    value: Numbers
    low: Numbers
    high: Numbers
    p: Numbers


def read(table: pd.DataFrame, metric: Metric) -> Sums:
    """The sums of a result or tally of `metric`; of weighted NPS only a tally will do.

    Raises ArgumentError for another metric, FrameError where a column is missing, keys repeat,
    a result is weighted (it doesn't hold the weighted counts), or its counts are none (`counts`),
    contradict each other, or are null in part of a row.
    """
    names, keys = columns(metric), tallies.keys(table)
    for name in names:
        if name not in table:
            raise FrameError(
                name, "is missing", hint=f"pass a table of {metric}", present=table.columns
            )
    if "n_eff" in table and "weight_squares" not in table:
        raise FrameError(
            "n_eff", "says that the scores are weighted", hint="pass tally_nps(…, weight=…)"
        )
    if table.duplicated(keys).any() if keys else len(table) != 1:
        raise FrameError(
            keys[0] if keys else None, "repeats a key", hint="one row per combination of keys"
        )
    up, *down, size = (whole(table, name) for name in names)
    n = squares = size
    if metric == "nps" and "weight_sum" in table:
        names = WEIGHTS
        up, *down, size, squares = (numbers(table, name, least=0) for name in names)
    read = Sums(up, down[0] if down else 0 * up, size, squares, n, metric in NET)
    _check_parts(read, names)
    return read


def known(table: pd.DataFrame, metric: Metric, *, hint: str) -> Sums:
    """As `read`, with a FrameError where a row is suppressed: `hint` says what to do first."""
    found = read(table, metric)
    if np.isnan(found.n).any():
        raise FrameError(columns(metric)[-1], "is null in a suppressed row", hint=hint)
    return found


def whole(table: pd.DataFrame, name: str) -> Numbers:
    """A column of counts: whole numbers from 0 to 2^53, NaN where it is null."""
    values = numbers(table, name, least=0)
    wrong = values[(values % 1 > 0) | (values > LARGEST_COUNT)]
    if len(wrong):
        raise FrameError(name, f"holds {wrong[0]:g}", hint="a count is a whole number")
    return values


def numbers(table: pd.DataFrame, name: str, *, least: float = -options.LARGEST) -> Numbers:
    """A column of finite numbers ≥ `least`, NaN where it is null.

    FrameError where it is missing or holds anything else.
    """
    present = tallies.names(table)
    if name not in present:
        raise FrameError(name, "is missing", hint="pass the tally as it was made", present=present)
    column = table[name]
    found = pd.api.types.infer_dtype(column, skipna=True)
    if found not in NUMBERS and column.notna().any():
        raise FrameError(name, f"holds {found} values", hint="pass the tally, with its numbers")
    values = np.asarray(column.to_numpy(np.float64, na_value=np.nan))
    if (np.abs(values) > options.LARGEST).any():
        raise FrameError(name, "holds infinity", hint="pass the tally, with finite numbers")
    wrong = values[values < least]
    if len(wrong):
        raise FrameError(name, f"holds {wrong[0]:g}", hint="a count is at least 0")
    return values


def _check_parts(read: Sums, names: tuple[str, ...]) -> None:
    """FrameError, naming one of the columns, where the parts of a row exceed it or are null."""
    fields = (read.up, read.down, read.size) if read.net else (read.up, read.size)
    for name, values in zip(names, (*fields, read.squares), strict=False):
        if (np.isnan(values) != np.isnan(read.n)).any():
            hint = "pass the tally as it was: only a suppressed row is null, in all of them"
            raise FrameError(name, "is null in part of a row", hint=hint)
    if (read.up + read.down > read.size * (1 + ROUNDING)).any():
        parts, whole = " and ".join(names[: len(fields) - 1]), names[len(fields) - 1]
        raise FrameError(names[0], f"exceeds {whole}", hint=f"{parts} are part of {whole}")


def columns(metric: str) -> tuple[str, ...]:
    """The columns a table of `metric` counts in: up, down (net scores only), in all."""
    metrics = NET | SHARES
    return metrics[options.one_of("metric", metric, metrics)]


def student(
    value: Numbers, error: Numbers, freedom: Numbers, *, confidence: float, limit: float
) -> Difference:
    """Bounds and p of an estimate (a share) by Student's t: a Difference in points.

    Bounds are clipped to ± `limit` points; p < 1 - confidence exactly where the unclipped bounds
    exclude 0. NaN bounds and p where `error` is 0 (to rounding) or NaN, or `freedom` < 1: no
    spread was seen, which is no proof that there is none.
    """
    spread = np.where((error > ROUNDING) & (freedom >= 1), error, np.nan)
    known = np.where(freedom >= 1, freedom, np.nan)
    margin = stdtrit(known, 0.5 + intervals.checked_confidence(confidence) / 2) * spread
    low, high = (np.clip(100 * bound, -limit, limit) for bound in (value - margin, value + margin))
    return Difference(100 * value, low, high, 2 * stdtr(known, -np.abs(value / spread)))


def significant(p_values: Numbers, confidence: float) -> pd.Series:
    """Which p-values lie below 1 - confidence: a nullable bool, null where p is."""
    return pd.Series(pd.arrays.BooleanArray(p_values < 1 - confidence, np.isnan(p_values)))
