"""Filling the shapes that `analytics` declares with what was counted."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from analytics.facts import POLARITIES


def scores(counted: Sequence[pd.DataFrame], *, width: int, values: Sequence[int]) -> pd.DataFrame:
    """Counts of several breakdowns: `breakdown` (its place), `key0` …, `score`, `count`.

    There are `width` keys, null in a breakdown that has fewer.
    """
    rows: list[tuple[Any, ...]] = []
    for place, table in enumerate(counted):
        keys = len(table.columns) - 1 - len(values)  # people stand between
        missing = [None] * (width - keys)
        rows += [
            (place, *row[:keys], *missing, value, times)
            for row in table.itertuples(index=False, name=None)
            for value, times in zip(values, row[keys + 1 :], strict=True)
        ]
    names = [f"key{place}" for place in range(width)]
    frame = pd.DataFrame(rows, columns=["breakdown", *names, "score", "count"])
    # Keys are text, also where every one of them is null.
    return frame.astype(dict.fromkeys(names, "str"))


def sentiment_tally(comments: pd.DataFrame) -> pd.DataFrame:
    """What `analytics.summarise_sentiment` reads."""
    scored = comments[list(POLARITIES)].sum(axis=1)
    counts = {"comments": scored + comments["unscored"], "scored": scored}
    return comments[list(POLARITIES)].assign(**counts)[["comments", "scored", *POLARITIES]]


def theme_tally(themes: pd.DataFrame) -> pd.DataFrame:
    """What `analytics.summarise_themes` reads."""
    mentions = themes[[*POLARITIES, "unscored"]].sum(axis=1)
    named = themes.rename(columns={"people": "respondents", "scored_people": "scored_respondents"})
    columns = ["theme", "mentions", "respondents", *POLARITIES, "scored_respondents"]
    return named.assign(mentions=mentions)[columns]
