"""What holds for every metric, on any frame."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics import FrameError, ces, csat, nps, sentiment, themes

Rows = dict[str, list[Any]]


@dataclass(frozen=True)
class Case:
    """A metric, the values its column may hold, and the range of its score."""

    metric: Callable[..., pd.DataFrame]
    column: str
    values: tuple[Any, ...]
    score: str
    floor: float
    first: str
    ceiling: float = 100
    parts: tuple[str, ...] = ()


CASES = [
    Case(
        nps,
        "score",
        tuple(range(11)),
        "nps",
        -100,
        "n",
        parts=("promoters", "passives", "detractors"),
    ),
    Case(csat, "score", (1, 2, 3, 4, 5), "csat", 0, "n"),
    Case(ces, "score", (1, 2, 3, 4, 5, 6, 7), "ces", 0, "n"),
    Case(
        sentiment,
        "sentiment",
        ("negative", "neutral", "positive"),
        "net",
        -100,
        "scored",
        parts=("negative", "neutral", "positive"),
    ),
    Case(themes, "polarity", ("negative", "neutral", "positive"), "net", -100, "mentions"),
]
every_metric = pytest.mark.parametrize("case", CASES, ids=lambda case: case.metric.__name__)
fast = settings(deadline=None, max_examples=12)


def rows_of(case: Case, data: st.DataObject, *, least: int = 0) -> Rows:
    size = data.draw(st.integers(least, 14))

    def column(values: st.SearchStrategy[Any]) -> list[Any]:
        return data.draw(st.lists(values, min_size=size, max_size=size))

    rows = {
        case.column: column(st.sampled_from((*case.values, None))),
        "country": column(st.sampled_from(["DE", "FR", "JP", None])),
        "cells": column(st.integers(0, 4)),
    }
    if case.metric is themes:
        rows |= {
            "theme": column(st.sampled_from(["price", "delivery"])),
            "respondent": column(st.sampled_from(["a", "b", "c", "d"])),
        }
    return rows


def typed(rows: Rows) -> pd.DataFrame:
    return pd.DataFrame(rows, dtype=object).astype({"cells": "int64"})


def repeated(rows: Rows) -> pd.DataFrame:
    frame = typed(rows)
    return frame.loc[frame.index.repeat(frame["cells"])].reset_index(drop=True)


def answered(table: pd.DataFrame, case: Case) -> pd.DataFrame:
    """Without the groups that nobody answered, which repeated rows can't show."""
    return table[table[case.first] > 0].reset_index(drop=True)


@every_metric
@fast
@given(st.data())
def test_bounds(case: Case, data: st.DataObject) -> None:
    table = case.metric(typed(rows_of(case, data)), by=["country"])
    known = table.dropna(subset=[case.score])
    for name in (case.score, "low", "high"):
        assert known[name].between(case.floor, case.ceiling).all()
    # The adjusted interval isn't centred on the plain score: one answer at ±100 lies outside.
    inner = known[(known[case.score].abs() < 100) | (case.floor == 0)]
    assert (inner["low"] <= inner[case.score] + 1e-9).all()
    assert (inner[case.score] <= inner["high"] + 1e-9).all()
    counts = table[[*case.parts]].sum(axis=1)
    assert not case.parts or (counts == table[case.first]).all()


@every_metric
@fast
@given(st.data())
def test_the_order_of_rows_is_nothing(case: Case, data: st.DataObject) -> None:
    frame = typed(rows_of(case, data))
    order = data.draw(st.permutations(range(len(frame))))
    table = case.metric(frame.iloc[list(order)], by=["country"])
    pd.testing.assert_frame_equal(table, case.metric(frame, by=["country"]))


@every_metric
@fast
@given(st.data())
def test_a_count_is_that_many_rows(case: Case, data: st.DataObject) -> None:
    rows = rows_of(case, data)
    counted = case.metric(typed(rows), by=["country"], count="cells")
    plain = case.metric(repeated(rows), by=["country"])
    pd.testing.assert_frame_equal(
        answered(counted, case), answered(plain, case), check_dtype=len(plain) > 0
    )


@every_metric
@fast
@given(st.data())
def test_twice_the_answers_keep_the_point_and_narrow_the_bar(
    case: Case, data: st.DataObject
) -> None:
    frame = typed(rows_of(case, data))
    twin = frame.copy()
    if case.metric is themes:  # twice the people, too: the bar stands on them
        twin["respondent"] = twin["respondent"] + "2"
    once = case.metric(frame, by=["country"])
    twice = case.metric(pd.concat([frame, twin]), by=["country"])
    pd.testing.assert_series_equal(once[case.score], twice[case.score])
    assert twice[case.first].tolist() == (2 * once[case.first]).tolist()
    width = once["high"] - once["low"]
    narrower = (twice["high"] - twice["low"] <= width + 1e-9) | width.isna()
    assert narrower.all()


@every_metric
@fast
@given(st.data())
def test_groups_recombine_to_the_total(case: Case, data: st.DataObject) -> None:
    frame = typed(rows_of(case, data, least=1))
    keys = ["theme"] if case.metric is themes else []
    parts, total = case.metric(frame, by=["country"]), case.metric(frame)
    counts = [name for name in total.select_dtypes("int64") if name not in {*keys, "respondents"}]
    summed = parts[[*keys, *counts]]
    summed = summed.groupby(keys, as_index=False).sum() if keys else summed.sum().to_frame().T
    pd.testing.assert_frame_equal(summed[counts], total[counts])
    size = (
        parts[case.first]
        if case.metric is not themes
        else (parts["negative"] + parts["neutral"] + parts["positive"])
    )
    if case.metric is not themes and size.sum() > 0:
        mean = (parts[case.score].fillna(0) * size).sum() / size.sum()
        assert mean == pytest.approx(total[case.score].item(), abs=1e-9)


@every_metric
@settings(deadline=None, max_examples=4)
@given(data=st.data())
def test_the_same_numbers_on_every_engine(
    case: Case, make_frame: Callable[[Rows], Any], data: st.DataObject
) -> None:
    rows = rows_of(case, data, least=1)
    expected = case.metric(typed(rows), by=["country"], count="cells")
    table = case.metric(make_frame(rows), by=["country"], count="cells")
    pd.testing.assert_frame_equal(table, expected, check_dtype=False)
    numbers = expected.select_dtypes("number").columns
    assert table[numbers].dtypes.tolist() == expected[numbers].dtypes.tolist()


@every_metric
def test_a_wrong_value_names_its_column(case: Case) -> None:
    rows = {case.column: ["?"], "theme": ["price"], "respondent": ["a"]}
    with pytest.raises(FrameError, match=f"column '{case.column}' holds '[?]'; it must hold"):
        case.metric(pd.DataFrame(rows))


@every_metric
def test_a_missing_column_names_its_neighbour(case: Case) -> None:
    rows = {f"{case.column}s": ["?"], "theme": ["price"], "respondent": ["a"]}
    with pytest.raises(FrameError, match=f"did you mean '{case.column}s'"):
        case.metric(pd.DataFrame(rows))
