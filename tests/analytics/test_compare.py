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
    against_rest,
    ces,
    compare,
    csat,
    false_discovery,
    nps,
    sentiment,
    suppress,
    tally_nps,
)


def scores(up: int, middle: int, down: int, **keys: Any) -> pd.DataFrame:
    cells = {"score": [9, 7, 0], "cells": [up, middle, down]}
    return pd.DataFrame(cells | {name: [value] * 3 for name, value in keys.items()})


def table(up: int, middle: int, down: int) -> pd.DataFrame:
    return nps(scores(up, middle, down), count="cells")


def test_a_change_of_nps_by_hand() -> None:
    # (180 - 120)/403 = .14888; V' = .54864 and .60985; SE = .05362; z = 2.7768.
    change = compare(table(240, 100, 60), table(200, 120, 80), metric="nps")
    assert list(change.columns) == ["change", "change_low", "change_high", "p_value", "significant"]
    assert change.iloc[0, :3].tolist() == pytest.approx([15, 4.38, 25.40], abs=0.01)
    assert change["p_value"].item() == pytest.approx(2 * stats.norm.sf(2.7768), rel=1e-3)
    assert change["significant"].tolist() == [True]


@pytest.mark.parametrize(
    "one,two,low,high",
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_the_published_examples_of_newcombe(
    one: tuple[int, int], two: tuple[int, int], low: float, high: float
) -> None:
    tables = [pd.DataFrame({"n": [n], "satisfied": [hits]}) for hits, n in (one, two)]
    change = compare(*tables, metric="csat")
    assert change["change_low"].item() == pytest.approx(100 * low, abs=0.006)
    assert change["change_high"].item() == pytest.approx(100 * high, abs=0.006)


cells = st.tuples(*[st.integers(0, 60)] * 3).filter(lambda counts: sum(counts) > 0)


@settings(deadline=None, max_examples=50)
@given(cells, cells, st.sampled_from(["nps", "csat"]), st.sampled_from([0.8, 0.95, 0.99]))
def test_p_value_and_interval_never_contradict(
    one: tuple[int, int, int], two: tuple[int, int, int], metric: Any, confidence: float
) -> None:
    frames = [scores(*counts) for counts in (one, two)]
    if metric == "csat":
        frames = [frame.replace({"score": {9: 5, 7: 4, 0: 1}}) for frame in frames]
    measure = {"nps": nps, "csat": csat}[metric]
    now, then = (measure(frame, count="cells") for frame in frames)
    forth = compare(now, then, metric=metric, confidence=confidence)
    back = compare(then, now, metric=metric, confidence=confidence)
    low, high = forth["change_low"].item(), forth["change_high"].item()
    if min(abs(low), abs(high)) > 1e-6:
        assert forth["significant"].item() == (low > 0 or high < 0)
    assert 0 <= forth["p_value"].item() <= 1
    assert -200 <= low <= high <= 200
    mirrored = [-back["change"].item(), -back["change_high"].item(), back["p_value"].item()]
    assert [forth["change"].item(), low, forth["p_value"].item()] == pytest.approx(mirrored)


def test_false_alarms_are_as_rare_as_promised() -> None:
    rng = np.random.default_rng(7)
    draws = rng.multinomial(60, [0.5, 0.3, 0.2], (2, 4000))
    tables = [
        pd.DataFrame({"draw": range(4000), "n": 60, "promoters": d[:, 0], "detractors": d[:, 2]})
        for d in draws
    ]
    alarms = compare(*tables, metric="nps")["significant"].mean()
    assert alarms == pytest.approx(0.05, abs=0.012)  # 3.5 standard errors


def test_null_where_a_side_is_absent_empty_or_suppressed() -> None:
    def by_stage(**sizes: int) -> pd.DataFrame:
        parts = [scores(size, 0, size, stage=stage) for stage, size in sizes.items()]
        return nps(pd.concat(parts), by=["stage"], count="cells")

    now = by_stage(adopt=20, exit=30, reach=1, retain=2, serve=0)
    then = by_stage(adopt=25, reach=30, retain=30, serve=9, winback=4)
    now = suppress(now, respondents="n")
    change = compare(now, then, metric="nps")
    assert change["stage"].tolist() == ["adopt", "exit", "reach", "retain", "serve", "winback"]
    assert change["change"].isna().tolist() == [False, True, True, True, True, True]
    assert change["significant"].isna().tolist() == [False, True, True, True, True, True]


def test_null_keys_meet_and_an_empty_table_is_no_obstacle() -> None:
    frame = pd.DataFrame({"country": ["DE", None], "score": [9, 9]})
    full = nps(frame, by=["country"])
    assert compare(full, full, metric="nps")["change"].tolist() == [0, 0]
    for nothing in (frame.iloc[:0], pd.DataFrame({"score": [], "country": []})):
        then = nps(nothing, by=["country"])
        change = compare(full, then, metric="nps")
        assert change["change"].isna().tolist() == [True, True]
        assert len(compare(then, then, metric="nps")) == 0


def test_each_metric_reads_its_own_columns() -> None:
    frame = pd.DataFrame({"score": [5, 5, 1]})
    for measured, metric in ((csat(frame), "csat"), (ces(frame), "ces")):
        assert compare(measured, measured, metric=metric)["p_value"].tolist() == [1]
    mood = sentiment(pd.DataFrame({"sentiment": ["positive"]}))
    assert compare(mood, mood, metric="sentiment")["change"].tolist() == [0]


def test_weighted_scores_are_compared_by_their_tallies() -> None:
    frame = scores(30, 20, 10).loc[lambda rows: rows.index.repeat(rows["cells"])]
    frame["w"] = 2.0
    with pytest.raises(FrameError, match=r"n_eff.*tally_nps"):
        compare(nps(frame, weight="w"), nps(frame), metric="nps")
    weighted = compare(tally_nps(frame, weight="w"), table(20, 20, 20), metric="nps")
    plain = compare(table(30, 20, 10), table(20, 20, 20), metric="nps")
    pd.testing.assert_frame_equal(weighted, plain)


@pytest.mark.parametrize("size", range(1, 40))
def test_where_all_agree_nothing_has_changed(size: int) -> None:
    one, all_of_them = (csat(pd.DataFrame({"score": [5] * n})) for n in (1, size))
    for change in (
        compare(one, all_of_them, metric="csat"),
        compare(all_of_them, one, metric="csat"),
    ):
        assert change["change"].item() == pytest.approx(0)
        assert change["p_value"].item() == pytest.approx(1)


def test_wrong_use() -> None:
    good = table(3, 2, 1)
    with pytest.raises(FrameError, match="'satisfied' is missing"):
        compare(good, good, metric="csat")
    with pytest.raises(FrameError, match="compare like with like"):
        compare(good, good.assign(country="DE")[["country", *good.columns]], metric="nps")
    with pytest.raises(FrameError, match="repeats a key"):
        compare(pd.concat([good, good]), good, metric="nps")
    with pytest.raises(ArgumentError, match="metric"):
        compare(good, good, metric="ltv")  # type: ignore[arg-type]  # the point of the test
    with pytest.raises(ArgumentError, match="confidence"):
        compare(good, good, metric="nps", confidence=95)


def test_a_segment_is_compared_with_the_others_not_with_itself() -> None:
    parts = {"DE": (40, 10, 10), "FR": (20, 20, 20), "JP": (5, 10, 45)}
    rows = [scores(*counts, country=key) for key, counts in parts.items()]
    by_country = nps(pd.concat(rows), by=["country"], count="cells")
    rest = against_rest(by_country, metric="nps")
    assert list(rest.columns) == [
        "country",
        "difference",
        "difference_low",
        "difference_high",
        "p_value",
        "q_value",
        "significant",
    ]
    alone = compare(table(40, 10, 10), table(25, 30, 65), metric="nps")
    assert rest.iloc[0, 1:5].tolist() == pytest.approx(alone.iloc[0, :4].tolist())
    assert (rest["q_value"] >= rest["p_value"]).all()
    assert rest["significant"].tolist() == [True, False, True]


def test_a_suppressed_row_is_part_of_no_rest() -> None:
    parts = {"DE": (40, 10, 10), "FR": (20, 20, 20), "IT": (1, 0, 1), "JP": (2, 3, 2)}
    rows = [scores(*counts, country=key) for key, counts in parts.items()]
    by_country = nps(pd.concat(rows), by=["country"], count="cells")
    rest = against_rest(suppress(by_country, respondents="n"), metric="nps")
    assert rest["difference"].isna().tolist() == [False, False, True, True]
    alone = compare(table(40, 10, 10), table(20, 20, 20), metric="nps")
    assert rest["difference"].iloc[0] == pytest.approx(alone["change"].item())


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_false_discovery_agrees_with_another_program(p_values: list[float]) -> None:
    ours = false_discovery(np.array(p_values))
    assert ours.tolist() == pytest.approx(stats.false_discovery_control(p_values).tolist())
