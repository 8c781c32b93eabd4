from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from analytics import FrameError, nps, roll_up, summarise_nps, tally_nps

COLUMNS = ["n", "promoters", "passives", "detractors", "nps", "low", "high"]
ROWS = {
    "country": ["DE", "DE", "DE", "FR", None, "FR", None],
    "score": [10, 9, 0, 7, 8, None, 6],
    "weight": [1.0, 2.0, 1.0, 0.5, 1.0, 3.0, 1.0],
}


def test_an_example_by_hand() -> None:
    # 5 promoters, 3 passives, 2 detractors: 30 points. n' = 13, p' = 5.75/13, d' = 2.75/13,
    # centre 3/13, V' = 8.5/13 - (3/13)^2 = 0.60059, margin 1.95996 * sqrt(V'/13) = 0.42127.
    table = nps(pd.DataFrame({"score": [9, 9, 10, 10, 9, 7, 8, 7, 6, 0]}))
    assert list(table.columns) == COLUMNS
    assert table.iloc[0, :5].tolist() == [10, 5, 3, 2, 30.0]
    assert table["low"].item() == pytest.approx(-19.050, abs=0.002)
    assert table["high"].item() == pytest.approx(65.204, abs=0.002)
    assert [str(table[name].dtype) for name in COLUMNS] == ["int64"] * 4 + ["float64"] * 3


@pytest.mark.parametrize("score,column", [(0, 4), (6, 4), (7, 3), (8, 3), (9, 2), (10, 2)])
def test_each_end_of_each_class(score: int, column: int) -> None:
    counts = nps(pd.DataFrame({"score": [score]}))[["n", *COLUMNS[:4]]].iloc[0].tolist()
    assert counts == [1, 1, *(int(place == column) for place in (2, 3, 4))]


@pytest.mark.parametrize("n,margin", [(30, 27), (50, 21), (100, 15), (400, 7.6), (1000, 4.8)])
def test_the_margins_of_the_definition(n: int, margin: float) -> None:
    cells = pd.DataFrame({"score": [10, 8, 0], "cells": [n * 0.5, n * 0.3, n * 0.2]})
    table = nps(cells, count="cells")
    assert (table["high"] - table["low"]).item() / 2 == pytest.approx(margin, rel=0.03)


def test_groups_are_sorted_and_the_null_key_is_last(make_frame: Any) -> None:
    table = nps(make_frame(ROWS), by=["country"])
    assert list(table.columns) == ["country", *COLUMNS]
    assert table["country"].fillna("-").tolist() == ["DE", "FR", "-"]
    assert table["n"].tolist() == [3, 1, 2]
    assert table["promoters"].tolist() == [2, 0, 0]
    assert table["detractors"].tolist() == [1, 0, 1]
    assert table["nps"].tolist() == pytest.approx([100 / 3, 0, -50])


def test_weights(make_frame: Any) -> None:
    table = nps(make_frame(ROWS), by="country", weight="weight")
    assert list(table.columns) == ["country", *COLUMNS, "weight_sum", "n_eff"]
    # DE: weights 1, 2 up and 1 down: 100 * 2/4; Kish 4^2/6. FR's null score has no weight.
    assert table["nps"].tolist() == pytest.approx([50, 0, -50])
    assert table["weight_sum"].tolist() == pytest.approx([4, 0.5, 2])
    assert table["n_eff"].tolist() == pytest.approx([16 / 6, 1, 2])
    assert table["n"].tolist() == [3, 1, 2]


def test_equal_weights_change_nothing() -> None:
    frame = pd.DataFrame({"score": [10, 9, 3, 7], "weight": [0.3] * 4})
    weighted, plain = nps(frame, weight="weight"), nps(frame)
    pd.testing.assert_frame_equal(weighted[COLUMNS], plain)
    assert weighted["n_eff"].item() == pytest.approx(4)


def test_nothing_answered_is_null_never_zero(make_frame: Any) -> None:
    table = nps(make_frame({"score": [None, None]}))
    assert table["n"].tolist() == [0]
    assert table[["nps", "low", "high"]].isna().all(axis=None)


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"score": []}),
        pl.DataFrame({"score": []}),
        pa.table({"score": pa.nulls(0)}),
        None,
    ],
    ids=["pandas", "polars", "pyarrow", "duckdb"],
)
def test_an_empty_frame_has_one_row(frame: Any) -> None:
    if frame is None:
        frame = duckdb.connect().sql("select 9 as score where false")
    table = nps(frame)
    assert table["n"].tolist() == [0]
    assert table["n"].dtype == np.int64
    assert table["nps"].isna().all()


def test_no_rows_no_groups_but_their_columns() -> None:
    table = nps(pd.DataFrame({"score": [], "country": []}), by=["country"], weight=None)
    assert len(table) == 0
    assert list(table.columns) == ["country", *COLUMNS]
    assert table["n"].dtype == np.int64


def test_a_group_without_answers_stays_with_null_scores() -> None:
    table = nps(pd.DataFrame({"score": [9, None], "country": ["DE", "FR"]}), by=["country"])
    assert table["n"].tolist() == [1, 0]
    assert table["nps"].isna().tolist() == [False, True]


def test_nan_is_no_answer_on_any_engine() -> None:
    nan = float("nan")
    for frame in (
        pl.DataFrame({"score": [9.0, nan, None]}),
        pa.table({"score": pa.array([9.0, nan, None])}),
        duckdb.connect().sql("select unnest([9.0::double, 'nan'::double, null]) as score"),
        pd.DataFrame({"score": [9.0, nan, None]}),
    ):
        assert nps(frame)["n"].tolist() == [1]
        assert nps(frame)["nps"].tolist() == [100]


BAD_SCORES: list[list[Any]] = [
    [9, 8.5],
    [11, 9],
    [-1],
    [True, False],
    ["9", "10"],
    [9, True],
    [9, "9"],
    [float("inf")],
    [9, b"9"],
    [9, [1]],
]


@pytest.mark.parametrize("scores", BAD_SCORES, ids=repr)
def test_any_other_score_is_refused(scores: list[Any]) -> None:
    with pytest.raises(FrameError, match=r"column 'score' holds .*whole numbers 0 to 10") as error:
        nps(pd.DataFrame({"score": scores}))
    assert error.value.column == "score"


@pytest.mark.parametrize("scores", [[8.5], [11], [True], ["9"], [float("inf")]], ids=repr)
def test_any_other_score_is_refused_by_every_engine(make_frame: Any, scores: list[Any]) -> None:
    with pytest.raises(FrameError, match="column 'score' holds"):
        nps(make_frame({"score": scores}))


@pytest.mark.parametrize("weight", [0, -1, float("nan"), None, float("inf"), "1", True], ids=repr)
def test_weights_are_finite_and_positive(weight: Any) -> None:
    frame = pd.DataFrame({"score": [9, 10], "w": pd.Series([1.0, weight], dtype=object)})
    with pytest.raises(FrameError, match=r"column 'w' holds .*finite numbers > 0"):
        nps(frame, weight="w")


@pytest.mark.parametrize("weight", [1e-200, 1e200])
def test_weights_whose_squares_are_no_numbers_are_refused(weight: float) -> None:
    with pytest.raises(FrameError, match=r"column 'w' .*scale"):
        nps(pd.DataFrame({"score": [9, 10], "w": weight}), weight="w")


@pytest.mark.parametrize("cells", [None, -1, 1.5, float("nan"), True, "2"], ids=repr)
def test_counts_are_whole_and_not_negative(cells: Any) -> None:
    frame = pd.DataFrame({"score": [9, 10], "cells": pd.Series([1, cells], dtype=object)})
    with pytest.raises(FrameError, match="column 'cells' holds"):
        nps(frame, count="cells")


def test_a_missing_column_names_its_neighbour() -> None:
    with pytest.raises(FrameError, match=r"'score' is missing.*did you mean 'scores'") as error:
        nps(pd.DataFrame({"scores": [9]}))
    assert (error.value.column, error.value.nearest) == ("score", "scores")


def test_a_key_that_would_hide_a_measure_is_refused() -> None:
    with pytest.raises(FrameError, match="'low' is also a column of the result"):
        nps(pd.DataFrame({"score": [9], "low": ["x"]}), by=["low"])


def test_the_score_may_itself_be_the_key_and_the_weight() -> None:
    frame = pd.DataFrame({"score": [9, 9, 3]})
    assert nps(frame, by=["score"])["n"].tolist() == [1, 2]
    assert nps(frame, weight="score")["weight_sum"].tolist() == [21]


@pytest.mark.parametrize("confidence", [0, 1, -0.1, 95, float("nan")])
def test_confidence_is_a_share(confidence: float) -> None:
    with pytest.raises(ValueError, match="confidence"):
        nps(pd.DataFrame({"score": [9]}), confidence=confidence)


def test_the_corner_where_the_bar_leaves_the_point() -> None:
    # n' = 4: centre 25, margin 1.96 * sqrt((1.75 + .75)/4 - 1/16)/2 = 73.5.
    one = nps(pd.DataFrame({"score": [10]}))
    found = one[["nps", "low", "high"]].iloc[0].tolist()
    assert found == pytest.approx([100, -48.5, 98.5], abs=0.01)
    two = nps(pd.DataFrame({"score": [10, 10]}))
    assert two["high"].item() == 100


def test_tallies_of_two_sources_add_up() -> None:
    one = tally_nps(pd.DataFrame({"score": [9, 3], "w": [1.0, 3.0]}), weight="w")
    two = tally_nps(pl.DataFrame({"score": [10, 7], "w": [2.0, 1.0]}), weight="w")
    both = summarise_nps(roll_up(pd.concat([one, two])))
    frame = pd.DataFrame({"score": [9, 3, 10, 7], "w": [1.0, 3.0, 2.0, 1.0]})
    pd.testing.assert_frame_equal(both, nps(frame, weight="w"))
