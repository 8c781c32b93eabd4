from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from analytics import (
    FrameError,
    clustered,
    clustered_change,
    compare,
    outlook,
    rake,
    roll_up,
    shrink,
    split_change,
    summarise_paired,
    suppress,
    tally_nps,
    weigh,
)
from analytics.sums import read, whole

GOOD = pd.DataFrame(
    {
        "segment": list("abcd"),
        "n": [40, 30, 20, 10],
        "promoters": [20, 10, 8, 4],
        "passives": [10, 10, 6, 2],
        "detractors": [10, 10, 6, 4],
    }
)
FIT = rake(GOOD, {"segment": dict.fromkeys("abcd", 25)})
READERS: dict[str, Any] = {
    "split_change": lambda table: split_change(GOOD, table, metric="nps"),
    "shrink": lambda table: shrink(table, metric="nps"),
    "outlook": lambda table: outlook(table, metric="nps"),
    "clustered": lambda table: clustered(table, cluster="segment", metric="nps"),
    "change": lambda table: clustered_change(GOOD, table, cluster="segment", metric="nps"),
    "weigh": lambda table: weigh(table, FIT),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    "column,values,message",
    [
        ("promoters", list("xyzw"), "'promoters' holds string values; pass the tally"),
        ("promoters", list("1234"), "'promoters' holds string values"),
        ("detractors", [True] * 4, "'detractors' holds boolean values"),
        ("promoters", [1, "a", 3, 4], "'promoters' holds mixed-integer values"),
        ("promoters", [1, None, 3, 4], "'promoters' is null in part of a row; .*suppressed row"),
        ("n", [None, 30, 20, 10], "is null in part of a row"),
        ("promoters", [-5, 1, 1, 1], "'promoters' holds -5; a count is at least 0"),
        ("detractors", [np.inf, 1, 1, 1], "'detractors' holds infinity"),
        ("promoters", [31, 10, 8, 4], "'promoters' exceeds n; promoters and detractors are part"),
        ("n", [19, 30, 20, 10], "'promoters' exceeds n"),
    ],
)
def test_counts_that_are_none_are_refused(
    reader: str, column: str, values: list[Any], message: str
) -> None:
    for kind in (None, object):
        table = GOOD.assign(**{column: pd.Series(values, dtype=kind)})
        with pytest.raises(FrameError, match=message):
            READERS[reader](table)


@pytest.mark.parametrize(
    "reader", [*READERS, "rake", "roll_up", "summarise_paired", "compare", "counts"]
)
def test_tables_that_are_none(reader: str) -> None:
    more: dict[str, Any] = {
        "rake": lambda table: rake(table, {"segment": {"a": 1}}),
        "roll_up": lambda table: roll_up(table, by="segment"),
        "summarise_paired": summarise_paired,
        "counts": lambda table: whole(table, "n"),
        "compare": lambda table: compare(table, table, metric="nps"),
    }
    call = (READERS | more)[reader]
    for table, kind in (
        ([1, 2], "list"),
        ({"n": [1]}, "dict"),
        (pl.from_pandas(GOOD), "DataFrame"),
    ):
        with pytest.raises(FrameError, match=f"frame is a {kind}; pass a pandas table"):
            call(table)
    with pytest.raises(FrameError, match="column 'n' is there twice; keep one"):
        call(GOOD[["segment", "n", "n", "promoters", "detractors"]])


@pytest.mark.parametrize("n", [list("1234"), [-1, 2, 3, 4], [np.inf, 1, 1, 1], [np.nan, 1, 1, 1]])
def test_raking_refuses_them_too(n: list[Any]) -> None:
    with pytest.raises(FrameError, match="column 'n'"):
        rake(GOOD.assign(n=n), {"segment": dict.fromkeys("abcd", 25)})


def test_what_counts_may_look_like() -> None:
    hidden = suppress(GOOD.assign(n=[40, 30, 20, 3], promoters=[20, 10, 8, 2], detractors=1),
                      respondents="n")  # fmt: skip
    assert np.isnan(read(hidden, "nps").up).tolist() == hidden["suppressed"].tolist()
    for kind in ("object", "Int64", "float32"):
        assert whole(GOOD.astype({"n": kind}), "n").tolist() == [40, 30, 20, 10]
    assert np.isnan(whole(GOOD.assign(n=np.nan), "n")).all()
    assert len(read(GOOD.iloc[:0].astype(object), "nps").n) == 0
    shares = pd.DataFrame({"n": [3], "satisfied": [4]})
    with pytest.raises(FrameError, match="'satisfied' exceeds n"):
        read(shares, "csat")


def test_of_weighted_sums() -> None:
    frame = pd.DataFrame({"score": [9, 9, 3, 9], "key": list("aabb"), "w": [0.1, 0.2, 0.3, 7.7]})
    table = tally_nps(frame, by="key", weight="w")
    assert read(table, "nps").size.tolist() == pytest.approx([0.3, 8])  # all of "a" are promoters
    with pytest.raises(FrameError, match="'weight_promoters' exceeds weight_sum"):
        read(table.assign(weight_sum=[0.2, 8]), "nps")
    with pytest.raises(FrameError, match="'weight_squares' is null in part"):
        read(table.assign(weight_squares=[None, 8]), "nps")
