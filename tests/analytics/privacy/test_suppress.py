import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics import (
    ArgumentError,
    FrameError,
    ces,
    csat,
    nested_ok,
    nps,
    sentiment,
    suppress,
    themes,
)


def cells(people: dict[Any, int], names: list[str]) -> pd.DataFrame:
    """One row per key (a tuple), with its respondents as n."""
    rows = [(*(key if isinstance(key, tuple) else (key,)), n) for key, n in people.items()]
    return pd.DataFrame(rows, columns=[*names, "n"]).assign(nps=12.5)


def hidden(people: dict[Any, int], names: list[str], k: int = 5) -> set[Any]:
    table = suppress(cells(people, names), respondents="n", k=k)
    return {key for key, dark in zip(people, table["suppressed"], strict=True) if dark}


@pytest.mark.parametrize(
    "people,expected",
    [
        ({"DE": 90, "FR": 7, "JP": 5}, set()),
        ({"DE": 90, "FR": 7, "JP": 4}, {"JP", "FR"}),  # one alone: the next smallest too
        ({"DE": 90, "FR": 7, "JP": 2, "IT": 2}, {"JP", "IT", "FR"}),  # two of four people
        ({"DE": 90, "FR": 7, "JP": 2, "IT": 3}, {"JP", "IT"}),  # five people together
        ({"DE": 90, "FR": 7, "JP": 0}, set()),  # nobody to protect
        ({"DE": 90, "FR": 0, "JP": 1}, {"JP", "DE"}),  # and nobody to hide behind
        ({"DE": 3}, {"DE"}),
    ],
)
def test_one_key(people: dict[str, int], expected: set[str]) -> None:
    assert hidden(people, ["country"]) == expected


def test_what_a_hidden_row_shows() -> None:
    table = cells({"DE": 90, "FR": 7, "JP": 4}, ["country"]).assign(
        odds=[0.5, None, 0.25], mark=True, note="x"
    )
    result = suppress(table, respondents="n")
    assert list(result.columns) == [*table.columns, "suppressed"]
    assert result["country"].tolist() == ["DE", "FR", "JP"]
    assert result.loc[1:, "n":"note"].isna().all(axis=None)
    shown = result.loc[0, ["n", "nps", "odds", "mark", "note"]].tolist()
    assert shown == [90, 12.5, 0.5, True, "x"]
    assert [str(result[name].dtype) for name in ("n", "nps", "mark", "suppressed")] == [
        "Int64",
        "Float64",
        "boolean",
        "bool",
    ]
    assert table["n"].tolist() == [90, 7, 4]


def test_tables_of_every_metric() -> None:
    scores = pd.DataFrame({"by": ["a"] * 6 + ["b"] * 5, "score": [5, 4, 3, 2, 1, 1] + [5] * 5})
    mood = pd.DataFrame({"by": scores["by"], "sentiment": "positive"})
    talk = pd.DataFrame({"theme": scores["by"], "polarity": "neutral", "respondent": range(11)})
    tables = [metric(scores, by=["by"]) for metric in (nps, csat, ces)]
    for table in [*tables, sentiment(mood, by=["by"]), themes(talk)]:
        result = suppress(table, respondents=[6, 3])
        assert result["suppressed"].tolist() == [True, True]
        assert result.iloc[:, 1:-1].isna().all(axis=None)
        assert result.iloc[:, 0].tolist() == ["a", "b"]


def test_two_keys_hide_along_rows_and_columns() -> None:
    people = {(row, column): 20 for row in "abc" for column in "xyz"}
    people["a", "x"], people["a", "y"], people["b", "x"] = 3, 10, 11
    # (a, x) is small; (a, y) and (b, x) are the smallest of its lines; (b, y) closes the ring.
    assert hidden(people, ["row", "column"]) == {("a", "x"), ("a", "y"), ("b", "x"), ("b", "y")}


def test_a_bridge_between_two_safe_blocks() -> None:
    # Every row and column holds two hidden rows or more, but rows a and b less columns w and x
    # leave (b, y) alone.
    people = {(row, column): 50 for row in "abcd" for column in "wxyz"}
    people |= dict.fromkeys(itertools.product("ab", "wx"), 4)
    people |= dict.fromkeys(itertools.product("cd", "yz"), 4)
    people["b", "y"] = 4
    dark = hidden(people, ["row", "column"])
    assert dark > {key for key, n in people.items() if n == 4}
    assert not solved(people, dark, k=5)


def solved(people: dict[Any, int], dark: set[Any], *, k: int) -> list[Any]:
    """Small rows, and pairs of fewer than k, that linear algebra finds from all the margins.

    Independent of the code under test: dense, by rank. A margin of fewer than k is not
    published; where the lines tied to a row are all hidden nothing in this table can help.
    """
    shown = [key for key in people if people[key] > 0]
    lines = [
        [key for key in shown if all(key[at] == value for at, value in fixed)]
        for fixed in {
            tuple((at, key[at]) for at in range(len(key)) if at != free)
            for key in shown
            for free in range(len(key))
        }
    ]
    lines = [line for line in lines if sum(people[key] for key in line) >= k]
    unknown = sorted(dark)
    matrix = np.array([[float(key in line) for key in unknown] for line in lines])
    if not lines or not unknown:
        return []
    rank = np.linalg.matrix_rank(matrix)
    small = [key for key in unknown if people[key] < k]
    groups = [(key,) for key in small] + [
        pair for pair in itertools.combinations(small, 2) if sum(people[key] for key in pair) < k
    ]
    found = []
    for group in groups:
        target = np.array([[float(key in group) for key in unknown]])
        if np.linalg.matrix_rank(np.vstack([matrix, target])) == rank:
            found += [key for key in group if can_help(key, lines, dark)]
    return found


def can_help(key: Any, lines: list[list[Any]], dark: set[Any]) -> bool:
    """Whether a visible row is left in the lines that are tied to `key`."""
    reached = {key}
    while True:
        wider = reached.union(*(line for line in lines if reached & set(line)))
        if wider - dark:
            return True
        if wider == reached:
            return False
        reached = wider


sizes = st.sampled_from([0, 0, 1, 1, 2, 3, 4, 5, 6, 9, 30])


@settings(deadline=None, max_examples=120)
@given(
    st.integers(1, 6),
    st.integers(1, 6),
    st.integers(1, 2),
    st.lists(sizes, min_size=72, max_size=72),
    st.integers(2, 6),
)
def test_no_small_row_can_be_solved(
    rows: int, columns: int, layers: int, drawn: list[int], k: int
) -> None:
    keys = list(itertools.product(range(rows), range(columns), range(layers)))
    people = dict(zip(keys, drawn, strict=False))
    dark = hidden(people, ["a", "b", "c"], k)
    assert {key for key, n in people.items() if 0 < n < k} <= dark
    assert not {key for key in dark if people[key] == 0}
    assert solved(people, dark, k=k) == []


@settings(deadline=None, max_examples=100)
@given(st.lists(sizes, min_size=1, max_size=12), st.integers(1, 8))
def test_a_total_never_gives_fewer_than_k_away(drawn: list[int], k: int) -> None:
    people = dict(enumerate(drawn))
    dark = hidden(people, ["key"], k)
    if dark and any(n > 0 for key, n in people.items() if key not in dark):
        assert len(dark) > 1
        assert sum(people[key] for key in dark) >= k


@settings(deadline=None, max_examples=50)
@given(st.permutations(list(itertools.product("abc", "xyz"))), st.data())
def test_the_order_of_rows_is_nothing(keys: list[Any], data: st.DataObject) -> None:
    drawn = data.draw(st.lists(sizes, min_size=9, max_size=9))
    sizes_of = dict(zip(sorted(keys), drawn, strict=True))
    shuffled = {key: sizes_of[key] for key in keys}
    assert hidden(sizes_of, ["a", "b"]) == hidden(shuffled, ["a", "b"])


def test_a_large_table_is_done_in_time() -> None:
    rng = np.random.default_rng(3)
    keys = list(itertools.product(range(12), range(10), range(24)))
    people = dict(zip(keys, rng.poisson(4, len(keys)).tolist(), strict=True))
    assert {key for key, n in people.items() if 0 < n < 5} <= hidden(people, ["a", "b", "c"])


@pytest.mark.parametrize(
    "respondents,message",
    [
        ("m", "column 'm' is missing"),
        ([1], "has 1 values for 2 rows"),
        ([1, None], "holds None"),
        ([1, -1], "holds -1"),
        ([1, 2.5], "holds 2.5"),
        ([1, True], "holds True"),
        ("country", "holds 'DE'"),
    ],
)
def test_wrong_respondents(respondents: Any, message: str) -> None:
    with pytest.raises(FrameError, match=message):
        suppress(cells({"DE": 9, "FR": 9}, ["country"]), respondents=respondents)


def test_wrong_use() -> None:
    table = cells({"DE": 9, "FR": 9}, ["country"])
    for k in (0, -1, 2.5, True, None):
        with pytest.raises(ArgumentError, match="k: is"):
            suppress(table, respondents="n", k=k)  # type: ignore[arg-type]  # the point
    with pytest.raises(FrameError, match="suppress a table once"):
        suppress(suppress(table, respondents="n"), respondents="n")
    with pytest.raises(FrameError, match="no table of this package"):
        suppress(pd.DataFrame({"country": ["DE"], "people": [9]}), respondents="people")
    with pytest.raises(FrameError, match="'people' stands among the keys"):
        suppress(table.assign(people=9)[["country", "people", "n"]], respondents="people")


@pytest.mark.parametrize(
    "outer,inner,ok", [(100, 97, False), (100, 96, False), (100, 95, True), (9, 9, True)]
)
def test_a_part_beside_its_whole(outer: int, inner: int, *, ok: bool) -> None:
    assert nested_ok(outer, inner) is ok


def test_a_part_is_no_larger_than_its_whole() -> None:
    with pytest.raises(ArgumentError, match="inner"):
        nested_ok(5, 6)
