"""The same customers twice: a paired t test on what changed for each of them.

Each answer is a code, of NPS -1, 0 or 1 and of CSAT and CES 0 or 1; each customer contributes the
difference after - before. Its mean is the change of the score of these customers, and its
spread takes in that people resemble themselves: much narrower than the comparison of two
independent groups (`compare`). Student (1908), "The probable error of a mean", Biometrika 6(1).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import narwhals as nw
import numpy as np
import pandas as pd

from analytics import frames, options, sums, tallies
from analytics.errors import FrameError

PairedMetric = Literal["nps", "csat", "ces"]
PERIODS = ("before", "after")
RESULT = ("before", "after", "change", "change_low", "change_high", "p_value", "significant")
_REPEATED, _BROKEN = "_repeated", "_broken"


@dataclass(frozen=True)
class Scale:
    """Whole numbers `low` to `high`; code 1 from `up` on, -1 down from `down` (None: no such)."""

    low: int
    high: int
    up: int
    down: int | None = None

    def code(self, score: nw.Expr) -> nw.Expr:
        """The code of a score; 0 where the score is null."""
        up = frames.where(score >= self.up, nw.lit(1.0))
        return up if self.down is None else up - frames.where(score <= self.down, nw.lit(1.0))


SCALES = {"nps": Scale(0, 10, 9, 6), "csat": Scale(1, 5, 4), "ces": Scale(1, 7, 5)}


def paired(
    frame: Any,
    *,
    by: str | Sequence[str] = (),
    metric: PairedMetric = "nps",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """What changed for the customers who answered both before and after, by any columns.

    Any Narwhals-compatible frame with the columns `customer` (an id; null: anonymous, left out),
    `period` ("before" or "after") and `score` → pandas, one row per group: the `by` columns; `n`
    customers with both answers, `only_before, only_after` those left out for want of the
    other, `fell, stayed, rose` of the n, by code, int64; `before, after`, the scores of the n
    customers, and `change, change_low, change_high`, in points, [-200, 200] for NPS and
    [-100, 100] for the shares CSAT and CES; `p_value`; `significant`, a nullable bool, at
    1 - confidence. Bounds and p are null for n < 2 and where every customer changed alike: no
    spread was seen to judge by. A customer whose `by` columns differ is in no pair.

    Nulls, keys, empty groups as for `nps`. FrameError, naming the column: missing; a score or
    period outside its values; a customer who answers twice in a period. ArgumentError for
    another metric.

    >>> table = paired(pd.DataFrame({
    ...     "customer": ["a", "b", "c", "d"] * 2,
    ...     "period": ["before"] * 4 + ["after"] * 4,
    ...     "score": [3, 8, 9, 7, 9, 9, 10, None],   # differences 2, 1, 0; d has no second answer
    ... }))
    >>> table[["n", "only_before", "before", "after", "change"]].round(1).values.tolist()
    [[3.0, 1.0, 0.0, 100.0, 100.0]]
    >>> table[["change_low", "change_high", "p_value"]].round(3).values.tolist()
    [[-148.414, 200.0, 0.225]]
    """
    return summarise_paired(tally_paired(frame, by=by, metric=metric), confidence=confidence)


def tally_paired(
    frame: Any, *, by: str | Sequence[str] = (), metric: PairedMetric = "nps"
) -> pd.DataFrame:
    """The additive part of `paired`: keys; `n, only_before, only_after`; `sum_before, sum_after`
    of the codes of the n customers; customers per difference, `fell_2, fell_1, stayed,
    rose_1, rose_2` (without those by 2 for CSAT and CES); int64. Same errors as `paired`.
    """
    scale = _scale(metric)
    keys = options.names("by", by)
    checked = frames.read(frame, _shape(metric, scale), by=[*keys, "customer"])
    wanted = _sums(2 if scale.down is not None else 1)
    tallies.refuse_clashes(keys, (*wanted, "fell", "rose", *RESULT))
    inner = replace(checked, lazy=_per_customer(checked, scale), keys=checked.keys[:-1], columns=())
    tallied = tallies.tally(inner, wanted)
    if tallied[_BROKEN].sum() > 0:
        tallies.tally(checked, {"n": nw.col(frames.COUNT)})  # names the culprit
    if tallied[_REPEATED].sum() > 0:
        raise FrameError(
            "customer", "answers twice in a period", hint="keep one answer of each, say the last"
        )
    tallied = tallied.drop(columns=[_BROKEN, _REPEATED])
    return tallied.astype({name: "int64" for name in wanted if name in tallied})


def summarise_paired(tallied: pd.DataFrame, *, confidence: float = 0.95) -> pd.DataFrame:
    """Scores, change and interval of each row of a tally: the table that `paired` returns.

    FrameError where it is no tally of `tally_paired`.
    """
    tallies.keys(tallied)
    reach = 2 if "fell_2" in tallied else 1
    steps = [(_step(size), size) for size in range(-reach, reach + 1)]
    n, *moved = (sums.whole(tallied, name) for name in ("n", *(name for name, _ in steps)))
    number = dict(zip((name for name, _ in steps), moved, strict=True))
    before, after = (sums.numbers(tallied, f"sum_{period}") for period in PERIODS)
    n = np.where(n > 0, n, np.nan)
    mean = (after - before) / n
    squares = sum(number[name] * (size - mean) ** 2 for name, size in steps)
    error = np.sqrt(squares / np.where(n > 1, n - 1, np.nan) / n)
    change = sums.student(mean, error, n - 1, confidence=confidence, limit=100.0 * reach)
    table = tallied.drop(columns=["sum_before", "sum_after", *number]).copy()
    for word, ups in (("fell", (-2, -1)), ("stayed", (0,)), ("rose", (1, 2))):
        table[word] = sum(tallied[name] for name, size in steps if size in ups)
    table["before"], table["after"] = 100 * before / n, 100 * after / n
    table["change"] = change.value
    table["change_low"], table["change_high"] = change.low, change.high
    table["p_value"] = change.p
    table["significant"] = sums.significant(change.p, confidence)
    return table


def _step(size: int) -> str:
    return "stayed" if size == 0 else f"{'rose' if size > 0 else 'fell'}_{abs(size)}"


def _scale(metric: str) -> Scale:
    return SCALES[options.one_of("metric", metric, SCALES)]


def _shape(metric: str, scale: Scale) -> frames.Shape:
    score = frames.Number(scale.low, scale.high)
    return frames.Shape(
        f"paired {metric}",
        (
            frames.Column("score", score, "null: not answered", nullable=True),
            frames.Column("period", frames.Code(PERIODS), "which of the two answers"),
        ),
    )


def _per_customer(checked: frames.Checked, scale: Scale) -> nw.LazyFrame[Any]:
    """One row per customer and group: answers `_n_…` and codes `_code_…` of either period."""
    # Anonymous answers, whose customer is null, stay for the sake of the check of their values.
    score, customer = nw.col("score"), nw.col(checked.key_names[-1])
    answered = ~score.is_null() & ~customer.is_null()
    columns = {_BROKEN: nw.sum_horizontal(*checked.wrong_names)}
    for period in PERIODS:
        here = answered & (nw.col("period") == period)
        columns[f"_n_{period}"] = frames.where(here, nw.lit(1.0))
        columns[f"_code_{period}"] = frames.where(here, scale.code(score))
    grouped = checked.lazy.with_columns(**columns).group_by(*checked.key_names)
    return grouped.agg(*(nw.col(name).sum() for name in columns))


def _sums(reach: int) -> dict[str, nw.Expr]:
    """What to sum over customers; `reach` is the largest difference of two codes."""
    before, after = nw.col("_n_before"), nw.col("_n_after")
    both, one = (before == 1) & (after == 1), nw.lit(1.0)
    change = nw.col("_code_after") - nw.col("_code_before")
    return {
        "n": frames.where(both, one),
        "only_before": frames.where((before > 0) & (after == 0), one),
        "only_after": frames.where((after > 0) & (before == 0), one),
        "sum_before": frames.where(both, nw.col("_code_before")),
        "sum_after": frames.where(both, nw.col("_code_after")),
        **{
            _step(size): frames.where(both & (change == size), one)
            for size in range(-reach, reach + 1)
        },
        _REPEATED: frames.where((before > 1) | (after > 1), one),
        _BROKEN: nw.col(_BROKEN),
    }
