from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analytics import (
    ArgumentError,
    FrameError,
    nps,
    paired,
    roll_up,
    summarise_paired,
    tally_paired,
)

Rows = dict[str, list[Any]]
COLUMNS = [
    "n", "only_before", "only_after", "fell", "stayed", "rose",
    "before", "after", "change", "change_low", "change_high", "p_value", "significant",
]  # fmt: skip
CUTS = {"nps": (9, 6), "csat": (4, None), "ces": (5, None)}
score = st.one_of(st.none(), st.integers(1, 5))
fast = settings(deadline=None, max_examples=15)


def frame_of(before: list[Any], after: list[Any], **columns: Any) -> pd.DataFrame:
    size = len(before)
    rows = {"customer": list(range(size)) * 2, "period": ["before"] * size + ["after"] * size}
    return pd.DataFrame(rows | {"score": pd.Series([*before, *after], dtype="Float64")} | columns)


def codes(scores: Any, metric: str = "nps") -> Any:
    up, down = CUTS[metric]
    values = np.asarray(scores, dtype=float)
    return 1.0 * (values >= up) - (0 if down is None else 1.0 * (values <= down))


@pytest.mark.parametrize("metric", CUTS)
def test_agrees_with_another_program(metric: Any) -> None:
    rng = np.random.default_rng(1908)
    before, after = rng.integers(1, 6, 40), rng.integers(2, 6, 40)
    if metric == "nps":
        before, after = 2 * before, 2 * after
    table = paired(frame_of(list(before), list(after)), metric=metric, confidence=0.9)
    assert list(table.columns) == COLUMNS
    expected = stats.ttest_rel(codes(after, metric), codes(before, metric))
    bounds = expected.confidence_interval(0.9)
    found = table[["change_low", "change_high", "p_value"]].iloc[0].tolist()
    assert found == pytest.approx([100 * bounds.low, 100 * bounds.high, expected.pvalue])
    assert table["before"].item() == pytest.approx(100 * codes(before, metric).mean())
    assert table["after"].item() == pytest.approx(100 * codes(after, metric).mean())
    change = codes(after, metric) - codes(before, metric)
    expected_counts = [(change < 0).sum(), (change == 0).sum(), (change > 0).sum()]
    assert table[["fell", "stayed", "rose"]].iloc[0].tolist() == expected_counts


@pytest.mark.parametrize("ids", [["a", "b", "c", None], [1, 2, 3, None]], ids=["text", "number"])
def test_the_same_numbers_on_every_engine(make_frame: Callable[[Rows], Any], ids: Any) -> None:
    rows: Rows = {
        "customer": [*ids, *ids, ids[0]],
        "period": ["before"] * 4 + ["after"] * 4 + ["after"],
        "score": [3, 9, 9, 0, 9, None, 8, 10, None],
        "country": ["DE", "DE", None, None, "DE", "DE", None, None, "DE"],
    }
    table = paired(make_frame(rows), by="country")
    assert list(table.columns) == ["country", *COLUMNS]
    assert table["country"].fillna("-").tolist() == ["DE", "-"]
    counts = table[["n", "only_before", "only_after", "rose", "fell"]]
    assert counts.values.tolist() == [[1, 1, 0, 1, 0], [1, 0, 0, 0, 1]]
    assert table["change"].tolist() == [200, -100]
    assert table[["n", "rose"]].dtypes.tolist() == [np.dtype("int64")] * 2
    for broken, column in (({"score": [11] * 9}, "score"), ({"period": ["now"] * 9}, "period")):
        with pytest.raises(FrameError, match=f"column '{column}' holds"):
            paired(make_frame(rows | broken))


@fast
@given(st.lists(st.tuples(score, score), max_size=15), st.randoms(use_true_random=False))
def test_what_holds_for_any_customers(pairs: list[tuple[Any, Any]], random: Any) -> None:
    before, after = ([pair[side] for pair in pairs] for side in (0, 1))
    frame = frame_of(before, after)
    table = paired(frame, metric="csat")
    both = frame_of(*([p[side] for p in pairs if None not in p] for side in (0, 1)))
    assert table["n"].item() == len(both) / 2
    assert table[["fell", "stayed", "rose"]].sum(axis=1).item() == table["n"].item()
    order = random.sample(range(len(frame)), len(frame))
    relabelled = frame.assign(customer=[f"c{-row}" for row in frame["customer"]])
    pd.testing.assert_frame_equal(paired(relabelled.iloc[order], metric="csat"), table)
    swapped = frame.assign(period=frame["period"].map({"before": "after", "after": "before"}))
    back = paired(swapped, metric="csat")
    assert back["change"].fillna(7).item() == -table["change"].fillna(-7).item()
    assert back["change_low"].fillna(7).item() == pytest.approx(-table["change_high"].fillna(-7))
    low, high, p = (table[name].item() for name in ("change_low", "change_high", "p_value"))
    if not np.isnan(p) and min(abs(low), abs(high)) > 1e-6:
        assert table["significant"].item() == (low > 0 or high < 0) == (p < 0.05)
    if len(both):
        scored = both.assign(score=both["score"].map({5: 9, 4: 10, 3: 8, 2: 7, 1: 7}))
        by_period = nps(scored, by="period").set_index("period")["nps"]
        assert table["after"].item() == pytest.approx(by_period["after"])


def test_tallies_add_up() -> None:
    rng = np.random.default_rng(3)
    before, after = (list(rng.integers(0, 11, 60)) for _ in range(2))
    frame = frame_of(before, after, stage=list("abc") * 40)
    rolled = roll_up(tally_paired(frame, by="stage"))
    pd.testing.assert_frame_equal(summarise_paired(rolled), paired(frame))


def test_no_spread_is_no_proof() -> None:
    for before, after, change in (([3, 3], [9, 9], 200), ([9] * 50, [9] * 50, 0), ([8], [9], 100)):
        table = paired(frame_of(before, after))
        assert table["change"].item() == change
        assert table[["change_low", "change_high", "p_value", "significant"]].isna().all(axis=None)


@pytest.mark.parametrize("rows", [0, 3])
def test_nothing_in_pairs_is_null_never_zero(rows: int) -> None:
    table = paired(frame_of([9] * rows, [None] * rows))
    assert table[["n", "only_before", "only_after"]].iloc[0].tolist() == [0, rows, 0]
    assert table[["before", "after", "change", "p_value"]].isna().all(axis=None)
    assert len(paired(frame_of([], [], country=[]), by=["country"])) == 0


def test_the_same_customers_are_told_apart_where_two_groups_would_not_be() -> None:
    # A third of 60 customers rises by one: small beside how customers differ from each other.
    before, after = [0] * 20 + [8] * 20 + [9] * 20, [0] * 20 + [8] * 8 + [9] * 32
    change = paired(frame_of(before, after))
    assert change["significant"].item()
    assert (change["change_high"] - change["change_low"]).item() < 22  # two groups: about 60


def test_false_alarms_are_as_rare_as_promised() -> None:
    # Cells of a symmetric table: nothing changes, a third of the customers move.
    cells = np.array([[0.2, 0.05, 0.03], [0.05, 0.2, 0.09], [0.03, 0.09, 0.26]]).ravel()
    difference = np.subtract.outer([0, 1, 2], [0, 1, 2]).T.ravel()
    draws = np.random.default_rng(8).multinomial(60, cells, 4000)
    steps = {name: draws[:, difference == size].sum(axis=1) for size, name in enumerate(
        ("fell_2", "fell_1", "stayed", "rose_1", "rose_2"), -2)}  # fmt: skip
    sums = {"n": 60, "only_before": 0, "only_after": 0, "sum_before": 0}
    moved = sum(size * steps[name] for size, name in enumerate(steps, -2))
    tallied = pd.DataFrame(sums | {"sum_after": moved} | steps)
    alarms = summarise_paired(tallied)["significant"].mean()
    assert alarms == pytest.approx(0.05, abs=0.012)


def test_wrong_use() -> None:
    good = frame_of([9], [3])
    for twice in (good, good.iloc[:1], good.iloc[1:]):
        with pytest.raises(FrameError, match=r"'customer' answers twice .* keep one"):
            paired(pd.concat([good, twice]))
    with pytest.raises(FrameError, match=r"'customer' is missing.*'customers'"):
        paired(good.rename(columns={"customer": "customers"}))
    with pytest.raises(FrameError, match=r"'score' holds 6.*whole numbers 1 to 5"):
        paired(good.assign(score=6), metric="csat")
    with pytest.raises(FrameError, match="'period' holds null"):
        paired(good.assign(period=None))
    with pytest.raises(FrameError, match="'rose' is also a column"):
        paired(good.assign(rose=1), by=["rose"])
    with pytest.raises(FrameError, match="'customer' is named twice"):
        paired(good, by=["customer"])
    tallied = tally_paired(good)
    for table, message in (
        (paired(good), "'fell_1' is missing"),
        (tallied.drop(columns="sum_after"), "'sum_after' is missing"),
        (tallied.assign(stayed="1"), "'stayed' holds string values"),
        (tallied.assign(rose_1=-1), "'rose_1' holds -1"),
    ):
        with pytest.raises(FrameError, match=message):
            summarise_paired(table)
    with pytest.raises(ArgumentError, match="metric: is 'sentiment'"):
        paired(good, metric="sentiment")  # type: ignore[arg-type]  # the point of the test
    with pytest.raises(ArgumentError, match="confidence"):
        paired(good, confidence=95)
