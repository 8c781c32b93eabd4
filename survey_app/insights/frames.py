"""Filling the shapes that `analytics` declares with what the database counted."""

from collections.abc import Sequence

import pandas as pd

from survey_app.insights.counts import POLARITIES, Group


def scores(
    breakdowns: Sequence[Sequence[Group]], *, width: int, values: Sequence[int]
) -> pd.DataFrame:
    """Groups of several breakdowns: `breakdown` (its place), `key0` …, `score`, `count`.

    There are `width` keys, null in a breakdown that has fewer.
    """
    keys = [f"key{place}" for place in range(width)]
    rows = [
        (place, *group.key, *[None] * (width - len(group.key)), value, times)
        for place, groups in enumerate(breakdowns)
        for group in groups
        for value, times in zip(values, group.counts, strict=True)
    ]
    table = pd.DataFrame(rows, columns=["breakdown", *keys, "score", "count"])
    # Keys are text, also where every one of them is null.
    return table.astype(dict.fromkeys(keys, "str"))


def sentiment_tally(comments: Group) -> pd.DataFrame:
    """What `analytics.summarise_sentiment` reads."""
    *polarities, unscored = comments.counts
    scored = sum(polarities)
    columns = ["comments", "scored", *POLARITIES[:-1]]
    return pd.DataFrame([(scored + unscored, scored, *polarities)], columns=columns)


def theme_tally(themes: Sequence[Group]) -> pd.DataFrame:
    """What `analytics.summarise_themes` reads."""
    columns = ["theme", "mentions", "respondents", *POLARITIES[:-1], "scored_respondents"]
    rows = [
        (*theme.key, sum(polarities) + unscored, theme.people, *polarities, scored)
        for theme in sorted(themes, key=lambda theme: str(theme.key))
        for *polarities, unscored, scored in [theme.counts]
    ]
    table = pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(columns[1:], "int64"))
    return table.astype({"theme": "str"})
