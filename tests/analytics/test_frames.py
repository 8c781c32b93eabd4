import datetime as dt
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pytest

from analytics import FrameError, nps


@pytest.mark.parametrize("frame", [None, [9, 10], "score", {"score": [9]}, 7], ids=repr)
def test_what_is_no_frame(frame: Any) -> None:
    with pytest.raises(FrameError, match="frame can't be read") as error:
        nps(frame)
    assert error.value.column is None


def test_a_column_that_is_there_twice() -> None:
    frame = pd.DataFrame([[9, 10]], columns=["score", "score"])
    with pytest.raises(FrameError, match="unique columns"):
        nps(frame)


def test_a_key_named_twice_or_missing() -> None:
    frame = pd.DataFrame({"score": [9], "country": ["DE"]})
    with pytest.raises(FrameError, match="'country' is named twice"):
        nps(frame, by=["country", "country"])
    with pytest.raises(FrameError, match=r"'county' is missing.*did you mean 'country'"):
        nps(frame, by=["county"])


def test_a_key_of_lists_or_of_mixed_types() -> None:
    with pytest.raises(FrameError, match="column 'tags' is of type List"):
        nps(pl.DataFrame({"score": [9], "tags": [["a"]]}), by=["tags"])
    mixed = pd.DataFrame({"score": [9, 9], "key": pd.Series([1, "a"], dtype=object)})
    with pytest.raises(FrameError, match="column 'key' can't be sorted"):
        nps(mixed, by=["key"])


def test_dates_stay_dates_whatever_the_engine() -> None:
    days = [dt.date(2026, 2, 1), None, dt.date(2026, 1, 31)]
    rows = {"day": days, "score": [9, 9, 3]}
    relation = duckdb.connect().from_arrow(pl.DataFrame(rows).to_arrow())
    for frame in (pd.DataFrame(rows), pl.DataFrame(rows), relation):
        found = nps(frame, by=["day"])["day"].tolist()
        assert found[:2] == [days[2], days[0]]
        assert pd.isna(found[2])


def test_whole_keys_stay_whole_beside_null() -> None:
    table = nps(pl.DataFrame({"year": [2026, None, 2025], "score": [9, 9, 9]}), by=["year"])
    assert str(table["year"].dtype) == "Int64"
    assert table["year"].tolist()[:2] == [2025, 2026]


def test_nan_and_null_are_one_key() -> None:
    table = nps(pl.DataFrame({"key": [1.5, float("nan"), None], "score": [9, 9, 9]}), by=["key"])
    assert table["n"].tolist() == [1, 2]


def test_an_ordered_category_keeps_its_order() -> None:
    stages = ["onboard", "adopt", "exit"]
    rows = {"stage": ["exit", "onboard", None, "adopt"], "score": [9, 9, 9, 9]}
    frames = (
        pd.DataFrame(rows).astype({"stage": pd.CategoricalDtype(stages, ordered=True)}),
        pl.DataFrame(rows, schema_overrides={"stage": pl.Enum(stages)}),
    )
    for frame in frames:
        assert nps(frame, by=["stage"])["stage"].tolist()[:3] == stages


def test_a_frame_is_left_as_it_was() -> None:
    frame = pd.DataFrame({"score": pd.Series([9, None], dtype=object), "other": [1, 2]})
    before = frame.copy(deep=True)
    nps(frame)
    pd.testing.assert_frame_equal(frame, before)


def test_columns_named_like_inner_ones_do_no_harm() -> None:
    frame = pd.DataFrame({"score": [9, 3], "_count": [5, 5], "_key0": ["a", "a"], "_raw0": "x"})
    assert nps(frame, by=["_key0"])["n"].tolist() == [2]


def test_decimals_and_small_integers_are_numbers() -> None:
    frame = duckdb.connect().sql("select 9.0::decimal(4, 1) as score, 2::utinyint as cells")
    assert nps(frame, count="cells")["promoters"].tolist() == [2]
