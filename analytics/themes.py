"""Themes of comments: how often, by how many people, and how they speak of each."""

from collections.abc import Sequence
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from analytics import frames, intervals, options, sums, tallies
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
SCORED = "scored_respondents"


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
    return summarise_themes(tally_themes(frame, by=by, count=count), confidence=confidence)


def tally_themes(
    frame: Any, *, by: str | Sequence[str] = (), count: str | None = None
) -> pd.DataFrame:
    """What `themes` stands on: keys, `theme, mentions, respondents, negative, neutral, positive,
    scored_respondents` (int64), the last those with a scored mention. People don't add up.
    """
    keys = options.names("by", by)
    checked = frames.read(frame, SHAPE, by=(*keys, "theme"), count=count)
    tallies.refuse_clashes(keys, (*COUNTS, *SCORES, SCORED))
    counted = {"mentions": nw.col(frames.COUNT)} | polarity_sums("polarity")
    tallied = tallies.tally(checked, counted, distinct="respondent")
    tallied = tallied.rename(columns={"distinct": "respondents", "distinct_scored": SCORED})
    return tallied[[*keys, "theme", *COUNTS, SCORED]].astype(
        dict.fromkeys((*COUNTS, SCORED), "int64")
    )


def summarise_themes(tallied: pd.DataFrame, *, confidence: float = 0.95) -> pd.DataFrame:
    """Net and interval of each row of a tally: the table that `themes` returns."""
    tallies.keys(tallied)
    negative, neutral, positive, people = (
        sums.whole(tallied, name) for name in (*COUNTS[2:], SCORED)
    )
    scored = negative + neutral + positive
    scored = np.where(scored > 0, scored, np.nan)
    size = np.minimum(scored, people)
    up, down = positive / scored, negative / scored
    low, high = intervals.adjusted_wald(up * size, down * size, size, confidence=confidence)
    table = tallied.drop(columns=SCORED)
    table["net"] = 100 * (up - down)
    table["low"], table["high"] = low, high
    return table
