from typing import Any

import pandas as pd
import polars as pl
import pytest

from analytics import FrameError, nps, sentiment


def test_an_example_by_hand() -> None:
    codes = ["positive"] * 5 + ["neutral"] * 3 + ["negative"] * 2 + [None] * 10
    table = sentiment(pd.DataFrame({"sentiment": codes}))
    assert list(table.columns) == [
        "comments",
        "scored",
        "negative",
        "neutral",
        "positive",
        "coverage",
        "net",
        "low",
        "high",
    ]
    assert table.iloc[0, :7].tolist() == pytest.approx([20, 10, 2, 3, 5, 0.5, 30])
    same = nps(pd.DataFrame({"score": [9] * 5 + [7] * 3 + [0] * 2}))
    assert table[["low", "high"]].values.tolist() == same[["low", "high"]].values.tolist()


def test_unscored_comments_have_coverage_but_no_score() -> None:
    table = sentiment(pd.DataFrame({"sentiment": [None, None]}))
    assert table["coverage"].item() == 0
    assert table[["net", "low", "high"]].isna().all(axis=None)


def test_no_comments_have_no_coverage() -> None:
    assert sentiment(pd.DataFrame({"sentiment": []}))["coverage"].isna().all()


@pytest.mark.parametrize(
    "frame",
    [
        pl.DataFrame({"sentiment": ["positive", "negative"]}, schema={"sentiment": pl.Categorical}),
        pd.DataFrame({"sentiment": pd.Categorical(["positive", "negative"])}),
    ],
    ids=["polars", "pandas"],
)
def test_categories_are_read_as_text(frame: Any) -> None:
    assert sentiment(frame)["net"].item() == 0


@pytest.mark.parametrize("code", ["Positive", "", 1, True], ids=repr)
def test_another_code_is_refused(code: Any) -> None:
    with pytest.raises(FrameError, match=r"'sentiment' holds .*neutral, positive or null"):
        sentiment(pd.DataFrame({"sentiment": ["positive", code]}))
