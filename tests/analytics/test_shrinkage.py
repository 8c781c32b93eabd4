from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from analytics import (
    ArgumentError,
    FrameError,
    csat,
    nps,
    sentiment,
    shrink,
    shrink_means,
    suppress,
    tally_nps,
)
from analytics.shrinkage import paule_mandel

COLUMNS = ["n", "raw", "mean", "shrunk", "low", "high", "shrinkage"]
cells = st.tuples(*[st.integers(0, 60)] * 3)
fast = settings(deadline=None, max_examples=40)


def table_of(counts: list[tuple[int, int, int]]) -> pd.DataFrame:
    up, middle, down = np.array(counts, dtype=int).reshape(-1, 3).T
    keys = [f"s{at:02}" for at in range(len(up))]
    return pd.DataFrame(
        {"segment": keys, "n": up + middle + down, "promoters": up, "detractors": down}
    )


@fast
@given(st.lists(cells, max_size=12))
def test_between_raw_and_the_mean_and_the_less_sure_the_further(counts: Any) -> None:
    found = shrink(table_of(counts), metric="nps")
    assert list(found.columns) == ["segment", *COLUMNS]
    assert found["raw"].isna().tolist() == (found["n"] == 0).tolist()
    known = found.dropna()
    assert len(known) == (found["n"] > 0).sum()
    edges = known[["raw", "mean"]]
    assert (known["shrunk"] >= edges.min(axis=1) - 1e-9).all()
    assert (known["shrunk"] <= edges.max(axis=1) + 1e-9).all()
    assert known["shrinkage"].between(0, 1).all()
    assert (known["low"] <= known["shrunk"] + 1e-9).all()
    assert (known["shrunk"] <= known["high"] + 1e-9).all()
    assert known[["low", "high"]].stack().between(-100, 100).all()
    if len(known) < 4:
        assert known["shrunk"].tolist() == known["raw"].tolist()
    backwards = shrink(table_of(counts[::-1]), metric="nps")
    numbers = backwards[COLUMNS].iloc[::-1].reset_index(drop=True)
    pd.testing.assert_frame_equal(numbers, found[COLUMNS])


@fast
@given(
    st.lists(st.tuples(st.floats(-100, 100), st.floats(0.01, 900)), min_size=1, max_size=15),
    st.floats(0.1, 50),
    st.floats(-500, 500),
)
def test_units_and_the_order_of_precision(pairs: Any, scale: float, shift: float) -> None:
    values, variances = np.array(pairs).T
    fit = shrink_means(values, variances)
    order = np.argsort(variances)
    assert (np.diff(fit.shrinkage[order]) >= -1e-12).all()
    other = shrink_means(scale * values + shift, scale**2 * variances)
    assert other.value == pytest.approx(scale * fit.value + shift, rel=1e-4, abs=1e-4 * scale)
    assert other.high - other.low == pytest.approx(scale * (fit.high - fit.low), rel=1e-4)


def test_between_variance_agrees_with_other_ways_to_find_it() -> None:
    rng = np.random.default_rng(1982)
    for _ in range(20):
        variances = rng.uniform(1, 30, 12)
        values = rng.normal(0, np.sqrt(variances + 40))

        def excess(between: float, y: Any = values, v: Any = variances) -> float:
            mean = np.average(y, weights=1 / (v + between))
            return float(((y - mean) ** 2 / (v + between)).sum()) - 11

        found = paule_mandel(values, variances)
        root = optimize.brentq(excess, 0, 1e5) if excess(0) > 0 else 0
        assert found == pytest.approx(root, abs=1e-6)
    fit = shrink_means([20, 30, 12, -5, 50, -20], [15, 20, 30, 40, 900, 1000])
    # statsmodels 0.15: combine_effects(…, method_re="iterated")
    assert [fit.between, fit.mean] == pytest.approx([198.527044, 14.884554788])
    # With equal variances every method of moments agrees: DerSimonian & Laird's, too.
    same = np.full(12, 7.0)
    spread = ((values - values.mean()) ** 2).sum() / 7
    laird = max(0, (spread - 11) / (12 / 7 - 12 / 7**2 / (12 / 7)))
    assert paule_mandel(values, same) == pytest.approx(laird)


def test_the_intervals_of_morris_written_out() -> None:
    values, variance, k = np.array([3.0, 9, 4, 14, 6, 1, 12]), 4.0, 7
    fit = shrink_means(values, np.full(k, variance))
    factor = (k - 3) * variance / ((values - values.mean()) ** 2).sum()  # of James & Stein
    assert fit.shrinkage.tolist() == pytest.approx([factor] * k)
    error = np.sqrt(
        variance * (1 - (k - 1) / k * factor)
        + 2 / (k - 3) * factor**2 * (values - values.mean()) ** 2
    )
    assert (fit.high - fit.value).tolist() == pytest.approx((1.959964 * error).tolist())


def test_segments_that_do_not_differ_go_to_their_mean_as_far_as_it_is_known() -> None:
    found = shrink_means([5.0] * 6, np.arange(1, 7))
    assert found.between == 0
    assert found.value.tolist() == pytest.approx([5] * 6)
    assert found.shrinkage.tolist() == pytest.approx([3 / 5] * 6)
    sure = shrink_means(np.arange(6.0), np.full(6, 1e-12))
    assert sure.value.tolist() == pytest.approx(list(range(6)))


def test_one_segment_and_none() -> None:
    one = shrink(nps(pd.DataFrame({"score": [9, 9, 3]})), metric="nps")
    assert one["shrunk"].item() == one["raw"].item() == pytest.approx(100 / 3)
    assert one["shrinkage"].item() == 0
    for nothing in (table_of([]), table_of([(0, 0, 0)])):
        assert shrink(nothing, metric="nps")["shrunk"].isna().all()


def test_other_metrics_and_weights() -> None:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"score": rng.integers(1, 6, 90), "key": list("abcdef") * 15, "w": 2.5})
    table = shrink(csat(frame, by="key"), metric="csat")
    assert table["raw"].tolist() == pytest.approx(csat(frame, by="key")["csat"].tolist())
    assert table[["low", "high"]].stack().between(0, 100).all()
    mood = frame.assign(sentiment="positive")
    assert shrink(sentiment(mood, by="key"), metric="sentiment")["n"].tolist() == [15] * 6
    plain, weighted = (
        shrink(tally_nps(frame, by="key", weight=w), metric="nps") for w in (None, "w")
    )
    pd.testing.assert_frame_equal(plain, weighted)


def test_a_suppressed_row_has_no_say() -> None:
    counts = [(30, 20, 10), (20, 20, 20), (9, 9, 9), (5, 20, 30), (2, 0, 0), (1, 0, 2)]
    hidden = shrink(suppress(table_of(counts), respondents="n"), metric="nps")
    assert hidden["shrunk"].isna().tolist() == [False] * 4 + [True] * 2
    apart = shrink(table_of(counts[:4]), metric="nps")
    assert hidden["shrunk"].iloc[:4].tolist() == pytest.approx(apart["shrunk"].tolist())


@pytest.mark.parametrize("spread", [0.0, 0.1, 0.25])
def test_nearer_to_the_truth_and_as_sure_as_promised(spread: float) -> None:
    rng = np.random.default_rng(1983)
    raw = shrunk = hits = 0.0
    for _ in range(150):
        truth = np.clip(rng.normal(0.25, spread, 12), -0.7, 0.7)
        n = rng.choice([5, 10, 20, 50, 200], 12)
        shares = np.column_stack([(0.75 + truth) / 2, np.full(12, 0.25), (0.75 - truth) / 2])
        counts = rng.multinomial(n, shares)
        found = shrink(table_of(counts.tolist()), metric="nps")
        raw += ((found["raw"] - 100 * truth) ** 2).sum()
        shrunk += ((found["shrunk"] - 100 * truth) ** 2).sum()
        hits += ((found["low"] <= 100 * truth) & (100 * truth <= found["high"])).sum()
    assert shrunk < (0.75 if spread else 0.35) * raw
    assert hits / 1800 > 0.93


def test_wrong_use() -> None:
    with pytest.raises(FrameError, match="'satisfied' is missing"):
        shrink(table_of([(1, 1, 1)]), metric="csat")
    with pytest.raises(FrameError, match=r"n_eff.*tally_nps"):
        shrink(nps(pd.DataFrame({"score": [9], "w": [1.0]}), weight="w"), metric="nps")
    with pytest.raises(ArgumentError, match="metric"):
        shrink(table_of([(1, 1, 1)]), metric="ltv")  # type: ignore[arg-type]  # the point of it
    with pytest.raises(ArgumentError, match="confidence"):
        shrink(table_of([(1, 1, 1)]), metric="nps", confidence=95)
    for variances in ([1.0], [1.0, 0.0], [1.0, np.nan], [[1.0, 2.0]]):
        with pytest.raises(ArgumentError, match="variances"):
            shrink_means([1.0, 2.0], variances)
    with pytest.raises(ArgumentError, match="a finite number"):
        shrink_means([1.0, np.inf], [1.0, 1.0])
