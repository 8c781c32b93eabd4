from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analytics import FrameError, against_rest, compare, nps, roll_up, split_change, tally_nps
from analytics.nonresponse import (
    early_late,
    representativity,
    response_rates,
    tally_response,
    worst_case,
)

ROWS = {
    "stage": ["adopt", "adopt", "exit", None, "reach"],
    "asked": [1, 1, 200, 3, 0],
    "answered": [1, 0, 20, 0, 0],
}


def test_rates_by_segment_on_any_engine(make_frame: Any) -> None:
    table = response_rates(make_frame(ROWS), by=["stage"])
    assert table["stage"].tolist()[:3] == ["adopt", "exit", "reach"]
    assert table[["n", "asked"]].values.tolist() == [[1, 2], [20, 200], [0, 0], [0, 3]]
    assert table["rate"].isna().tolist() == [False, False, True, False]
    assert table["rate"].tolist()[:2] == [50, 10] and table["rate"].tolist()[3] == 0
    wilson = stats.binomtest(20, 200).proportion_ci(method="wilson")
    assert [table["low"][1], table["high"][1]] == pytest.approx(
        [100 * wilson.low, 100 * wilson.high]
    )
    total = tally_response(make_frame(ROWS))
    pd.testing.assert_frame_equal(roll_up(tally_response(make_frame(ROWS), by="stage")), total)


@pytest.mark.parametrize(
    "change,column",
    [
        ({"answered": [1, 0, 201, 0, 0]}, "answered"),
        ({"answered": [1, 2, 20, 0, 0]}, "answered"),  # hidden in the group, wrong in the row
        ({"answered": [1, 0, -20, 0, 0]}, "answered"),
        ({"asked": [1, 1, 200, None, 0]}, "asked"),
        ({"asked": [1.0, 1.0, 200.5, 3.0, 0.0]}, "asked"),
    ],
)
def test_counts_that_cannot_be(make_frame: Any, change: dict[str, Any], column: str) -> None:
    rows = ROWS | {"asked": [2, 2, 200, 3, 0]} | change
    if change.get("answered", [0, 0])[1] == 2:
        rows["asked"] = [5, 1, 200, 3, 0]
    with pytest.raises(FrameError) as caught:
        response_rates(make_frame(rows), by=["stage"])
    assert caught.value.column == column and caught.value.hint


def test_empty_frames_have_no_rate() -> None:
    nothing = pd.DataFrame({"asked": [], "answered": [], "stage": []})
    assert response_rates(nothing)["rate"].isna().tolist() == [True]
    assert len(response_rates(nothing, by="stage")) == 0
    found = representativity(tally_response(nothing, by="stage"))
    assert found.asked == 0 and np.isnan(found.r_indicator) and np.isnan(found.p_value)


segments = st.lists(
    st.integers(0, 50).flatmap(lambda asked: st.tuples(st.integers(0, asked), st.just(asked))),
    min_size=1,
    max_size=6,
)


def tally(cells: list[tuple[int, int]]) -> pd.DataFrame:
    n, asked = (list(part) for part in zip(*cells, strict=True))
    return pd.DataFrame({"stage": range(len(cells)), "n": n, "asked": asked})


@settings(deadline=None, max_examples=60)
@given(segments)
def test_r_is_that_of_the_single_invitations(cells: list[tuple[int, int]]) -> None:
    found = representativity(tally(cells))
    chances = np.concatenate([np.full(asked, n / asked) for n, asked in cells if asked] or [[]])
    if not chances.sum() or sum(asked > 0 for _, asked in cells) < 2:
        assert np.isnan([found.r_indicator, found.r_adjusted, found.maximal_bias]).all()
        return
    assert found.maximal_bias <= 200
    assert found.r_indicator == pytest.approx(max(1 - 2 * chances.std(ddof=1), 0), abs=1e-9)
    assert 0 <= found.r_indicator <= found.r_adjusted <= 1
    mixed = representativity(tally(cells[::-1]))
    assert mixed.dissimilarity == pytest.approx(found.dissimilarity, nan_ok=True)
    full = np.array([cell for cell in cells if cell[1]])
    if len(full) > 1 and 0 < full[:, 0].sum() < full[:, 1].sum():
        table = np.array([full[:, 0], full[:, 1] - full[:, 0]])
        p = stats.chi2_contingency(table, correction=False).pvalue
        assert found.p_value == pytest.approx(p, abs=1e-9)
        assert 0 <= found.dissimilarity <= 1
    else:
        assert np.isnan(found.p_value)


def test_the_adjusted_indicator_takes_chance_off() -> None:
    """Ten segments that answer alike: plain R falls short of 1 on 500 invitations."""
    rng = np.random.default_rng(6)
    found = [
        representativity(tally([(int(rng.binomial(50, 0.3)), 50) for _ in range(10)]))
        for _ in range(400)
    ]
    plain, adjusted = (
        np.mean([getattr(one, name) for one in found]) for name in ("r_indicator", "r_adjusted")
    )
    assert plain < 0.89 and adjusted > 0.94
    variance = np.mean([((1 - one.r_indicator) / 2) ** 2 for one in found])
    assert variance == pytest.approx(0.3 * 0.7 / 50 * 0.9, rel=0.1)  # what is taken off
    assert np.mean([one.p_value < 0.05 for one in found]) == pytest.approx(0.05, abs=0.033)


def test_what_is_taken_off_is_what_chance_adds() -> None:
    """Two segments that answer at 20 and 60 %: the adjusted variance is that of the rates."""
    rng = np.random.default_rng(8)
    drawn = rng.binomial(30, [0.2, 0.6], (2000, 2))
    found = [representativity(tally([(int(a), 30), (int(b), 30)])).r_adjusted for a, b in drawn]
    truth = 60 * 0.2**2 / 59
    assert np.mean([((1 - one) / 2) ** 2 for one in found]) == pytest.approx(truth, rel=0.04)


@settings(deadline=None, max_examples=25)
@given(st.tuples(*[st.integers(0, 30)] * 3), st.lists(st.integers(0, 10), max_size=20))
def test_no_answer_of_the_silent_leaves_the_bounds(
    cells: tuple[int, int, int], silent: list[int]
) -> None:
    known = [9] * cells[0] + [7] * cells[1] + [0] * cells[2]
    tallied = tally_nps(pd.DataFrame({"score": pd.array(known, dtype="Int64")}))
    table = worst_case(tallied.assign(asked=len(known) + len(silent))).iloc[0]
    filled = [known + said for said in (silent, [0] * len(silent), [10] * len(silent))]
    full = pd.concat(
        [nps(pd.DataFrame({"score": pd.array(each, dtype="Int64")})) for each in filled]
    )
    every = full["nps"].iloc[0]
    if not known and not silent:
        assert table[["worst", "best"]].isna().all()
        return
    assert table["worst"] - 1e-9 <= every <= table["best"] + 1e-9
    assert table["best"] - table["worst"] == pytest.approx(
        200 * len(silent) / (len(known) + len(silent))
    )
    bars = [full["low"].iloc[1], full["high"].iloc[2]]
    assert table[["worst_low", "best_high"]].tolist() == pytest.approx(bars)


def test_nothing_to_compare_is_null_and_no_bias_exceeds_the_range() -> None:
    for one in (tally([(40, 100)]), tally([(0, 100), (0, 50)]), tally([(40, 100), (0, 0)])):
        found = representativity(one)
        assert np.isnan([found.r_indicator, found.r_adjusted, found.dissimilarity]).all()
        assert np.isnan([found.maximal_bias, found.p_value]).all()
        assert found.rate == pytest.approx(100 * found.n / found.asked)
    assert representativity(tally([(10, 10), (0, 990)])).maximal_bias == 200
    assert representativity(tally([(9, 9), (7, 7)])).r_indicator == 1  # all answered


def test_bounds_refuse_what_cannot_be() -> None:
    tallied = tally_nps(pd.DataFrame({"score": [9, 9, 3]}))
    for wrong, column in (
        (tallied, "asked"),
        (tallied.assign(asked=2), "n"),
        (tallied.assign(asked=None), "asked"),
        (tallied.assign(asked=9).drop(columns="promoters"), "promoters"),
        (tallied.assign(asked=9, promoters="x"), "promoters"),
        (tallied.assign(asked=9, detractors=-1), "detractors"),
        (tallied.assign(asked=9, promoters=np.inf), "promoters"),
        (tallied.assign(asked=9, promoters=3), "promoters"),
        (tallied.assign(asked=np.inf), "asked"),
    ):
        with pytest.raises(FrameError) as caught:
            worst_case(wrong)
        assert caught.value.column == column
    assert worst_case(tallied.assign(sent=9, asked=5), asked="sent")["asked"].tolist() == [9]
    with pytest.raises(FrameError, match="sent") as caught:
        worst_case(tallied.assign(sent=-1), asked="sent")
    assert caught.value.column == "sent"


@pytest.mark.parametrize("read", [tally_nps, nps])
def test_bounds_of_weighted_scores_are_refused(read: Any) -> None:
    frame = pd.DataFrame({"score": [9, 9, 3], "weight": [1.0, 2.0, 3.0]})
    with pytest.raises(FrameError, match="weighted") as caught:
        worst_case(read(frame, weight="weight").assign(asked=9))
    assert caught.value.column == "weight_sum"


def test_early_and_late_answers(make_frame: Any) -> None:
    frame = make_frame(
        {
            "score": [10] * 40 + [0] * 10 + [10] * 10 + [0] * 40 + [9],
            "wave": [1] * 50 + [2] * 30 + [3] * 20 + [1],
            "stage": ["adopt"] * 100 + ["exit"],
        }
    )
    change = early_late(tally_nps(frame, by=["stage", "wave"]))
    assert change["stage"].tolist() == ["adopt", "exit"]
    assert change["change"].tolist()[0] == pytest.approx(-60 - 60)
    assert change["significant"].tolist()[0] and change["change"].isna().tolist()[1]
    total = early_late(tally_nps(frame, by="wave"))
    assert len(total) == 1 and total["change"].item() < 0


def test_waves_that_are_not_known_are_refused() -> None:
    frame = pd.DataFrame({"score": [9, 9], "wave": [1, None]})
    with pytest.raises(FrameError, match="null"):
        early_late(tally_nps(frame, by="wave"))
    with pytest.raises(FrameError, match="is no key"):
        early_late(tally_nps(frame))
    counts = {"n": 2, "promoters": 1, "detractors": 1}
    for waves in (pd.Categorical(["early", "late"]), pd.Series([1, "late"], dtype=object)):
        with pytest.raises(FrameError, match="no order"):
            early_late(pd.DataFrame({"wave": waves, **counts}))
    nobody = tally_nps(frame, by="wave").iloc[:0]
    assert early_late(nobody)["change"].isna().tolist() == [True]


def test_response_rates_are_compared_as_any_share() -> None:
    keys = {"stage": ["adopt", "exit"], "asked": [400, 300]}
    now, then = (
        response_rates(pd.DataFrame(keys | {"answered": each}), by="stage")
        for each in ([80, 30], [40, 30])
    )
    change = compare(now, then, metric="response")
    assert change["change"].tolist() == pytest.approx([10, 0])
    assert change["significant"].tolist() == [True, False]
    split = split_change(now, then, metric="response")
    assert split.within == pytest.approx(100 * 40 / 700) and split.mix == pytest.approx(0)
    assert against_rest(now, metric="response")["difference"].tolist() == pytest.approx([10, -10])
