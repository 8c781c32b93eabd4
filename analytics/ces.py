"""Customer effort, CES 2.0: "made it easy", 1-7 with 7 = strongly agree. Share and mean.

Dixon, Freeman & Toman (2010), "Stop trying to delight your customers", Harvard Business Review
88(7-8), with the question that its authors asked from 2013 on. CES 1.0 (1-5, reversed: 5 = very
high effort) measures another thing and is never mixed in.
"""

from collections.abc import Sequence
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from analytics import frames, intervals, sums, tallies

SHAPE = frames.Shape(
    "ces",
    (
        frames.Column(
            "score", frames.Number(1, 7), "1-7, 7 = easy, null: not answered", nullable=True
        ),
    ),
)
COUNTS = ("n", "easy")
SUMS = ("score_sum", "score_squares")
SCORES = ("ces", "low", "high", "mean", "mean_low", "mean_high")


def ces(
    frame: Any,
    *,
    by: str | Sequence[str] = (),
    confidence: float = 0.95,
    count: str | None = None,
) -> pd.DataFrame:
    """CES 2.0 of a frame with a column `score` of whole numbers 1-7, by any columns.

    Any Narwhals-compatible frame → pandas, one row per group: the `by` columns; `n, easy`
    (5-7), int64; `ces, low, high`, the share of easy in percent, [0, 100], with Wilson's
    interval; `mean, mean_low, mean_high` in [1, 7], Student's t (null bounds at n = 1, clipped
    to the scale). Nulls, keys, `count`, empty groups and FrameError as for `nps`.

    >>> table = ces(pd.DataFrame({"score": [7, 6, 5, 2, None]}))
    >>> table[["n", "easy", "ces", "mean"]].values.tolist()
    [[4.0, 3.0, 75.0, 5.0]]
    """
    return summarise_ces(tally_ces(frame, by=by, count=count), confidence=confidence)


def tally_ces(
    frame: Any, *, by: str | Sequence[str] = (), count: str | None = None
) -> pd.DataFrame:
    """The additive part of `ces`: keys, `n, easy, score_sum, score_squares` (int64)."""
    checked = frames.read(frame, SHAPE, by=by, count=count)
    tallies.refuse_clashes([key.name for key in checked.keys], (*COUNTS, *SUMS, *SCORES))
    score, times = nw.col("score"), nw.col(frames.COUNT)
    answered = ~score.is_null()
    counted = {
        "n": frames.where(answered, times),
        "easy": frames.where(score >= 5, times),
        "score_sum": frames.where(answered, times * score),
        "score_squares": frames.where(answered, times * score * score),
    }
    return tallies.tally(checked, counted).astype(dict.fromkeys((*COUNTS, *SUMS), "int64"))


def summarise_ces(tallied: pd.DataFrame, *, confidence: float = 0.95) -> pd.DataFrame:
    """Share, mean and intervals of each row of a tally: the table that `ces` returns."""
    read = sums.read(tallied, "ces")
    total, squares = (sums.numbers(tallied, name, least=0) for name in SUMS)
    table = tallied.drop(columns=list(SUMS)).copy()
    low, high = intervals.wilson(read.up, read.size, confidence=confidence)
    table["ces"] = 100 * read.score
    table["low"], table["high"] = 100 * low, 100 * high
    mean, low, high = intervals.student_mean(total, squares, read.size, confidence=confidence)
    table["mean"] = mean
    table["mean_low"], table["mean_high"] = np.clip(low, 1, 7), np.clip(high, 1, 7)
    return table
