"""Customer satisfaction: the share of the two best of five answers, with Wilson's interval.

Top-2-box, as customer surveys have it by convention; Wilson (1927), in `intervals.wilson`.
"""

from collections.abc import Sequence
from typing import Any

import narwhals as nw
import pandas as pd

from analytics import frames, intervals, sums, tallies

SHAPE = frames.Shape(
    "csat",
    (frames.Column("score", frames.Number(1, 5), "1-5, null: not answered", nullable=True),),
)
COUNTS = ("n", "satisfied")
SCORES = ("csat", "low", "high")


def csat(
    frame: Any,
    *,
    by: str | Sequence[str] = (),
    confidence: float = 0.95,
    count: str | None = None,
) -> pd.DataFrame:
    """CSAT (top-2-box) of a frame with a column `score` of whole numbers 1-5, by any columns.

    Any Narwhals-compatible frame → pandas, one row per group: the `by` columns; `n, satisfied`
    (4-5), int64; `csat, low, high` in percent, [0, 100], the interval Wilson's. Nulls, keys,
    `count`, empty groups and FrameError as for `nps`.

    >>> csat(pd.DataFrame({"score": [5, 4, 4, 2, None]})).round(1).values.tolist()
    [[4.0, 3.0, 75.0, 30.1, 95.4]]
    """
    return summarise_csat(tally_csat(frame, by=by, count=count), confidence=confidence)


def tally_csat(
    frame: Any, *, by: str | Sequence[str] = (), count: str | None = None
) -> pd.DataFrame:
    """The additive part of `csat`: keys, `n, satisfied` (int64)."""
    checked = frames.read(frame, SHAPE, by=by, count=count)
    tallies.refuse_clashes([key.name for key in checked.keys], (*COUNTS, *SCORES))
    score, times = nw.col("score"), nw.col(frames.COUNT)
    counted = {
        "n": frames.where(~score.is_null(), times),
        "satisfied": frames.where(score >= 4, times),
    }
    return tallies.tally(checked, counted).astype(dict.fromkeys(COUNTS, "int64"))


def summarise_csat(tallied: pd.DataFrame, *, confidence: float = 0.95) -> pd.DataFrame:
    """The share and interval of each row of a tally: the table that `csat` returns."""
    read, table = sums.read(tallied, "csat"), tallied.copy()
    low, high = intervals.wilson(read.up, read.size, confidence=confidence)
    table["csat"] = 100 * read.score
    table["low"], table["high"] = 100 * low, 100 * high
    return table
