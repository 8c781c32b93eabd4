"""Themes of comments: how often, by how many people, and how they speak of each."""

from collections.abc import Sequence
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from analytics import frames, intervals, tallies
from analytics.sentiment import polarity_sums

SHAPE = frames.Shape(
    "themes",
    (
        frames.Column("theme", frames.Code(), "code of the theme"),
        frames.Column("polarity", frames.POLARITIES, "null: not scored", nullable=True),
        frames.Column("respondent", frames.Code(), "who: a customer's or response's id"),
    ),
)
COUNTS = ("mentions", "respondents", "negative", "neutral", "positive")
SCORES = ("net", "low", "high")


def themes(
    frame: Any,
    *,
    by: str | Sequence[str] = (),
    confidence: float = 0.95,
    count: str | None = None,
) -> pd.DataFrame:
    """Themes of a frame with one row per mention: `theme, polarity, respondent`.

    Any Narwhals-compatible frame → pandas, one row per group and theme: the `by` columns,
    `theme`; `mentions, respondents, negative, neutral, positive`, int64, respondents distinct;
    `net, low, high`, 100·(positive - negative)/scored mentions in points, [-100, 100]. One person's
    mentions are not independent, so the adjusted-Wald interval stands on the number of
    respondents with a scored mention where that is smaller than the number of mentions.
    `theme` and `respondent` are never null (an anonymous response is its own respondent);
    `polarity` is negative, neutral, positive or null. `by`, `count` and FrameError as for
    `nps`. An empty frame gives no row.

    >>> table = themes(pd.DataFrame({
    ...     "theme": ["price", "price", "price"],
    ...     "polarity": ["negative", "negative", None],
    ...     "respondent": ["a", "a", "b"],
    ... }))
    >>> table[["theme", "mentions", "respondents", "negative", "net"]].values.tolist()
    [['price', 3, 2, 2, -100.0]]
    """
    keys = (by,) if isinstance(by, str) else tuple(by)
    checked = frames.read(frame, SHAPE, by=(*keys, "theme"), count=count)
    tallies.refuse_clashes(keys, (*COUNTS, *SCORES))
    sums = {"mentions": nw.col(frames.COUNT)} | polarity_sums("polarity")
    tallied = tallies.tally(checked, sums, distinct="respondent")
    scored, people = tallied["scored"].to_numpy(), tallied["distinct_scored"].to_numpy()
    safe = np.where(scored > 0, scored, np.nan)
    size = np.minimum(safe, people)
    up, down = (tallied[name].to_numpy() / safe for name in ("positive", "negative"))
    table = tallied.rename(columns={"distinct": "respondents"})[[*keys, "theme", *COUNTS]]
    table = table.astype(dict.fromkeys(COUNTS, "int64"))
    low, high = intervals.adjusted_wald(up * size, down * size, size, confidence=confidence)
    table["net"] = 100 * (up - down)
    table["low"], table["high"] = low, high
    return table
