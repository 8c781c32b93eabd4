"""Net sentiment of comments: 100·(positive - negative)/scored, with its coverage.

A net share like NPS, and so with its interval: Rocks (2016), in `intervals.adjusted_wald`.
"""

from collections.abc import Sequence
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from analytics import frames, intervals, sums, tallies

SHAPE = frames.Shape(
    "sentiment",
    (frames.Column("sentiment", frames.POLARITIES, "null: not scored", nullable=True),),
)
COUNTS = ("comments", "scored", "negative", "neutral", "positive")
SCORES = ("coverage", "net", "low", "high")


def sentiment(
    frame: Any,
    *,
    by: str | Sequence[str] = (),
    confidence: float = 0.95,
    count: str | None = None,
) -> pd.DataFrame:
    """Net sentiment of a frame with one row per comment and a column `sentiment`.

    Any Narwhals-compatible frame → pandas, one row per group: the `by` columns; `comments`
    (rows), `scored, negative, neutral, positive`, int64; `coverage`, scored/comments in
    [0, 1]; `net, low, high` in points, [-100, 100], the interval that of `nps` (adjusted
    Wald). `sentiment` is negative, neutral, positive or null (unscored: no engine for the
    language). Keys, `count`, empty groups and FrameError as for `nps`.

    >>> frame = pd.DataFrame({"sentiment": ["positive", "positive", "negative", None]})
    >>> sentiment(frame)[["comments", "scored", "coverage", "net"]].round(2).values.tolist()
    [[4.0, 3.0, 0.75, 33.33]]
    """
    tallied = tally_sentiment(frame, by=by, count=count)
    return summarise_sentiment(tallied, confidence=confidence)


def tally_sentiment(
    frame: Any, *, by: str | Sequence[str] = (), count: str | None = None
) -> pd.DataFrame:
    """The additive part: keys, `comments, scored, negative, neutral, positive` (int64)."""
    checked = frames.read(frame, SHAPE, by=by, count=count)
    tallies.refuse_clashes([key.name for key in checked.keys], (*COUNTS, *SCORES))
    times = nw.col(frames.COUNT)
    counted = {"comments": times} | polarity_sums("sentiment")
    return tallies.tally(checked, counted).astype(dict.fromkeys(COUNTS, "int64"))


def polarity_sums(column: str) -> dict[str, nw.Expr]:
    """What to sum of a column of polarities: scored, negative, neutral, positive."""
    polarity, times = nw.col(column), nw.col(frames.COUNT)
    return {"scored": frames.where(~polarity.is_null(), times)} | {
        value: frames.where(polarity == value, times) for value in frames.POLARITIES.values
    }


def summarise_sentiment(tallied: pd.DataFrame, *, confidence: float = 0.95) -> pd.DataFrame:
    """Coverage, net and interval of each row of a tally: the table `sentiment` returns."""
    read, table = sums.read(tallied, "sentiment"), tallied.copy()
    comments = sums.whole(tallied, "comments")
    low, high = intervals.adjusted_wald(*read.scaled, confidence=confidence)
    table["coverage"] = read.n / np.where(comments > 0, comments, np.nan)
    table["net"] = 100 * read.score
    table["low"], table["high"] = low, high
    return table
