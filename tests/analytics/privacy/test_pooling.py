"""What hides in one of two periods is one row in both, and nothing is lost or told."""

from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics import FrameError, compare, conceal, nps, split_change
from analytics.privacy.pooling import OTHERS, pooled

COUNTS = ["n", "promoters", "detractors"]
sides = st.dictionaries(
    st.sampled_from(["adopt", "exit", "serve", None]),
    st.tuples(st.lists(st.sampled_from([0, 7, 9]), min_size=1, max_size=9), st.booleans()),
    max_size=4,
)


def tables_of(side: dict[Any, Any]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A protected table by stage, and its total."""
    rows = [(stage, score) for stage, (scores, _) in side.items() for score in scores]
    frame = pd.DataFrame(rows, columns=["stage", "score"]).astype({"stage": "str"})
    table = nps(frame.astype({"score": "float64"}), by="stage")
    hidden = [side[None if pd.isna(key) else key][1] for key in table["stage"]]
    total = nps(frame.astype({"score": "float64"}))
    return conceal(table, pd.Series(hidden, dtype=bool).to_numpy()), conceal(total, [False])


@settings(deadline=None, max_examples=12)
@given(sides, sides)
def test_what_hides_is_one_row_and_all_adds_up(now: Any, before: Any) -> None:
    (table, total), (table_before, total_before) = tables_of(now), tables_of(before)
    hidden = {key for side in (now, before) for key, (_, hides) in side.items() if hides}
    tallies = pooled((table, table_before), (total, total_before), metric="nps")
    for side, found, whole in zip((now, before), tallies, (total, total_before), strict=True):
        assert found[COUNTS].sum().tolist() == whole[COUNTS].iloc[0].tolist()
        told = {None if pd.isna(key) else key for key in found.loc[~found[OTHERS], "stage"]}
        assert told == set(side) - hidden
        assert found[OTHERS].sum() == bool(hidden)
        assert found.loc[found[OTHERS], "stage"].isna().all()
    if len(total) and total["n"].item() and total_before["n"].item():
        split = split_change(*tallies, metric="nps")
        change = compare(total, total_before, metric="nps")["change"].item()
        assert split.change == pytest.approx(change, abs=1e-9)


def test_a_hidden_total_has_no_parts() -> None:
    table, total = tables_of({"adopt": ([9, 0], False)})
    hidden = conceal(total.drop(columns="suppressed"), [True])
    with pytest.raises(FrameError, match="hides a total"):
        pooled((table, table), (total, hidden), metric="nps")


def test_a_total_of_another_scope_is_refused() -> None:
    table, total = tables_of({"adopt": ([9, 0], False), "exit": ([0], True)})
    with pytest.raises(FrameError, match="exceeds the total"):
        pooled((table, table), (total, total.assign(n=1)), metric="nps")
