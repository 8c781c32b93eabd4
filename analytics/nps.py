"""Net Promoter Score: 100·(promoters - detractors)/answers, with an adjusted-Wald interval.

Reichheld (2003), "The one number you need to grow", Harvard Business Review 81(12); the interval is
that of Rocks (2016), in `intervals.adjusted_wald`.
"""

from collections.abc import Sequence
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from analytics import frames, intervals, sums, tallies
from analytics.errors import FrameError

SHAPE = frames.Shape(
    "nps",
    (frames.Column("score", frames.Number(0, 10), "0-10, null: not answered", nullable=True),),
)
COUNTS = ("n", "promoters", "passives", "detractors")
SCORES = ("nps", "low", "high")


def nps(
    frame: Any,
    *,
    by: str | Sequence[str] = (),
    weight: str | None = None,
    confidence: float = 0.95,
    count: str | None = None,
) -> pd.DataFrame:
    """NPS of a frame with a column `score`, by any columns.

    Any Narwhals-compatible frame → pandas, one row per group: the `by` columns; raw counts `n,
    promoters, passives, detractors` (9-10, 7-8, 0-6), int64; `nps, low, high` in points,
    [-100, 100]. With `weight` also `weight_sum, n_eff`: then the score is weighted and the
    interval stands on Kish's effective n, (Σw)²/Σw². `count` names a column that says how many
    identical answers a row stands for (frames aggregated beforehand).

    Null and NaN scores are ignored; a group without answers has n = 0 and null scores. Null
    keys are a group, last; keys are sorted. Without `by` there is exactly one row. The
    interval is centred on the adjusted score (`intervals.adjusted_wald`): at ±100 points it
    excludes the plain score for a single answer, and for any n at confidence below about 0.85.

    Raises FrameError, naming the column: missing; a score that is no whole number 0-10 (8.5,
    11, true, text); a weight not finite or not > 0; a count that is null, negative or broken.

    >>> table = nps(pd.DataFrame({"score": [10, 9, 9, 8, 3, None]}))
    >>> table[["n", "promoters", "passives", "detractors", "nps"]].values.tolist()
    [[5.0, 3.0, 1.0, 1.0, 40.0]]
    """
    tallied = tally_nps(frame, by=by, weight=weight, count=count)
    return summarise_nps(tallied, confidence=confidence)


def tally_nps(
    frame: Any,
    *,
    by: str | Sequence[str] = (),
    weight: str | None = None,
    count: str | None = None,
) -> pd.DataFrame:
    """The additive part of `nps`: keys, `n, promoters, passives, detractors` (int64), and with
    `weight` the sums of weights `weight_promoters, weight_detractors, weight_sum` and of their
    squares, `weight_squares` (float64). Same arguments and errors as `nps`.
    """
    checked = frames.read(frame, SHAPE, by=by, weight=weight, count=count)
    score, times, each = nw.col("score"), nw.col(frames.COUNT), nw.col(frames.WEIGHT)
    answered = ~score.is_null()
    counted = {
        "n": frames.where(answered, times),
        "promoters": frames.where(score >= 9, times),
        "passives": frames.where((score >= 7) & (score <= 8), times),
        "detractors": frames.where(score <= 6, times),
    }
    if weight is not None:
        counted |= {
            "weight_promoters": frames.where(score >= 9, times * each),
            "weight_detractors": frames.where(score <= 6, times * each),
            "weight_sum": frames.where(answered, times * each),
            "weight_squares": frames.where(answered, times * each * each),
        }
    tallies.refuse_clashes(
        [key.name for key in checked.keys], (*COUNTS, *SCORES, *sums.WEIGHTS, "n_eff")
    )
    tallied = tallies.tally(checked, counted)
    if weight is not None:
        _check_squares(tallied, weight)
    return tallied.astype(dict.fromkeys(COUNTS, "int64"))


def summarise_nps(tallied: pd.DataFrame, *, confidence: float = 0.95) -> pd.DataFrame:
    """The score and interval of each row of a tally: the table that `nps` returns.

    A suppressed row stays null. FrameError where it is no tally of NPS (`sums.read`).
    """
    read = sums.read(tallied, "nps")
    low, high = intervals.adjusted_wald(*read.scaled, confidence=confidence)
    table = tallied.drop(columns=list(sums.WEIGHTS), errors="ignore").copy()
    table["nps"] = np.clip(100 * read.score, -100, 100)  # weighted counts are rounded on their way
    table["low"], table["high"] = low, high
    if "weight_sum" in tallied:
        table["weight_sum"] = tallied["weight_sum"]
        table["n_eff"] = read.effective
    return table


def _check_squares(tallied: pd.DataFrame, weight: str) -> None:
    """Weights beyond 1e154 or below 1e-154 are valid numbers, but their squares are not."""
    squares = tallied["weight_squares"]
    if not np.isfinite(squares).all() or ((squares == 0) & (tallied["n"] > 0)).any():
        raise FrameError(
            weight, "holds weights whose squares overflow", hint="scale them to a mean of 1"
        )
