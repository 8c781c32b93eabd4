from typing import Any

import pandas as pd
import pytest

from analytics import FrameError, adjusted_wald, summarise_themes, tally_themes, themes

ROWS = {
    "theme": ["price", "price", "price", "delivery", "price"],
    "polarity": ["negative", "negative", "positive", None, "neutral"],
    "respondent": ["a", "a", "b", "a", "c"],
    "country": ["DE", "DE", "DE", "DE", "FR"],
    "cells": [1, 1, 1, 0, 2],
}


def test_mentions_and_distinct_respondents(make_frame: Any) -> None:
    table = themes(make_frame(ROWS))
    assert table["theme"].tolist() == ["delivery", "price"]
    counts = table[["mentions", "respondents", "negative", "neutral", "positive"]]
    assert counts.values.tolist() == [[1, 1, 0, 0, 0], [4, 3, 2, 1, 1]]
    assert table["net"].isna().tolist() == [True, False]
    assert table["net"].iloc[1] == pytest.approx(-25)
    # Four scored mentions of three people: the interval stands on three.
    low, high = adjusted_wald(0.75, 1.5, 3)
    assert table[["low", "high"]].iloc[1].tolist() == pytest.approx([float(low), float(high)])


def test_by_another_column_and_with_counts(make_frame: Any) -> None:
    table = themes(make_frame(ROWS), by=["country"], count="cells")
    assert table[["country", "theme", "mentions", "respondents"]].values.tolist() == [
        ["DE", "delivery", 0, 0],
        ["DE", "price", 3, 2],
        ["FR", "price", 2, 1],
    ]


@pytest.mark.parametrize("column", ["theme", "respondent"])
def test_theme_and_respondent_are_never_null(column: str) -> None:
    rows = ROWS | {column: ["x", None, "x", "x", "x"]}
    with pytest.raises(FrameError, match=f"column '{column}' holds null"):
        themes(pd.DataFrame(rows))


def test_no_mention_no_theme() -> None:
    table = themes(pd.DataFrame({"theme": [], "polarity": [], "respondent": []}))
    assert len(table) == 0
    assert table["mentions"].dtype == "int64"


def test_a_tally_tells_how_many_people_the_interval_stands_on(make_frame: Any) -> None:
    tallied = tally_themes(make_frame(ROWS))
    assert tallied[["theme", "scored_respondents"]].values.tolist() == [
        ["delivery", 0],
        ["price", 3],
    ]
    pd.testing.assert_frame_equal(summarise_themes(tallied), themes(make_frame(ROWS)))


def test_a_key_bears_no_name_of_the_result() -> None:
    with pytest.raises(FrameError, match="'scored_respondents' is also a column"):
        themes(
            pd.DataFrame(ROWS).rename(columns={"country": "scored_respondents"}),
            by="scored_respondents",
        )
