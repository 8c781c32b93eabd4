from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analytics import ArgumentError, FrameError, suppress, tally_nps
from analytics.experiments import MISMATCH, always_valid, experiment, sample_ratio
from analytics.sums import Sums


def asked(*counts: tuple[int, int], **columns: list[Any]) -> pd.DataFrame:
    sent, answered = zip(*counts, strict=True)
    names = list("abcd")[: len(sent)]
    return pd.DataFrame({"variant": names, "n": answered, "asked": sent} | columns)


def response(*counts: tuple[int, int], **options: Any) -> pd.DataFrame:
    return experiment(asked(*counts), metric="response", control="a", **options).table


def test_the_mixture_is_an_integral() -> None:
    # Its evidence against 0, by brute force: the mean likelihood ratio over N(0, effect²).
    estimate, variance, effect = 0.07, 0.0004, 0.05
    true = np.linspace(-1, 1, 400_001)
    ratio = np.exp((estimate * true - true**2 / 2) / variance)
    mixed = np.trapezoid(ratio * stats.norm.pdf(true, 0, effect), true)
    estimates, variances = np.array([estimate]), np.array([variance])
    reach, p = always_valid(estimates, variances, effect=effect, error_rate=0.05)
    assert p.item() == pytest.approx(1 / mixed, rel=1e-6)
    # At the very bound of the interval p is the error rate.
    assert always_valid(reach, variances, effect=effect, error_rate=0.05)[1].item() == (
        pytest.approx(0.05)
    )


def false_alarms(shares: tuple[float, float], effect: float) -> tuple[float, float]:
    """Of 400 experiments without a difference, each looked at after every answer from the 30th
    to the 2,000th of a side: alarms of the guarded p and of one made for a single look.
    """
    rng, sides = np.random.default_rng(5), []
    sizes = np.arange(1, 2001)
    for _ in range(2):
        luck = rng.random((400, 2000))
        up, down = (luck < shares[0]).cumsum(axis=1), (luck > 1 - shares[1]).cumsum(axis=1)
        sides.append(Sums(up, down, sizes, sizes, sizes, net=shares[1] > 0))
    difference = sides[0].score - sides[1].score
    variance = sides[0].variance() + sides[1].variance()
    guarded = always_valid(difference, variance, effect=effect, error_rate=0.05)[1][:, 29:]
    naive = 2 * stats.norm.sf(np.abs(difference) / np.sqrt(variance))[:, 29:]
    return tuple(float((p.min(axis=1) <= 0.05).mean()) for p in (guarded, naive))


@pytest.mark.parametrize("effect", [0.05, 0.2])
@pytest.mark.parametrize("shares", [(0.5, 0.2), (0.85, 0.02), (0.02, 0), (0.1, 0), (0.3, 0)])
def test_peeking_at_every_answer_raises_no_false_alarms(
    shares: tuple[float, float], effect: float
) -> None:
    guarded, naive = false_alarms(shares, effect)
    assert guarded <= 0.05 + 0.022  # two standard errors
    assert naive > 0.2


def test_what_is_there_is_found_and_the_truth_is_held() -> None:
    found = response((4000, 800), (4000, 1000))
    assert found["significant"].tolist() == [True]
    assert found["difference_low"].item() < 5 < found["difference_high"].item()


counts = st.integers(30, 5000).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))


@given(counts, counts, st.floats(0.5, 40), st.sampled_from([0.8, 0.95]))
def test_what_always_holds(
    one: tuple[int, int], two: tuple[int, int], effect: float, confidence: float
) -> None:
    forth = response(one, two, effect=effect, confidence=confidence).iloc[0]
    back = response(two, one, effect=effect, confidence=confidence).iloc[0]
    assert forth["difference"] == pytest.approx(-back["difference"])
    assert forth["difference_low"] == pytest.approx(-back["difference_high"])
    assert forth["p_value"] == pytest.approx(back["p_value"])
    low, high = forth["difference_low"], forth["difference_high"]
    assert -100 <= low <= forth["difference"] <= high <= 100
    if min(abs(low), abs(high)) > 1e-6:
        assert forth["significant"] == (low > 0 or high < 0)
    # Never surer than a test for one look: the mixture's best is the likelihood ratio itself.
    (n, hits), (m, other) = one, two
    noise = (hits + 2) * (n - hits + 2) / (n + 4) ** 2 / n
    noise += (other + 2) * (m - other + 2) / (m + 4) ** 2 / m
    assert forth["p_value"] >= min(1, np.exp(-((forth["difference"] / 100) ** 2) / (2 * noise)))


def test_several_variants_share_the_promise() -> None:
    both = response((2000, 400), (2000, 480), (2000, 480))
    alone = response((2000, 400), (2000, 480))
    assert both["variant"].tolist() == ["b", "c"]
    assert both["p_value"].tolist() == pytest.approx([2 * alone["p_value"].item()] * 2)
    assert both["difference_low"].lt(alone["difference_low"].item()).all()
    shuffled = experiment(
        asked((2000, 400), (2000, 480), (2000, 400)).iloc[[2, 1, 0]], metric="response", control="a"
    )
    assert shuffled.table["variant"].tolist() == ["c", "b"]
    assert shuffled.table["difference"].tolist() == pytest.approx([0, 4])


def test_scores_of_variants_weighted_and_suppressed() -> None:
    rows = {"variant": ["a"] * 3 + ["b"] * 3, "score": [10, 8, 2] * 2}
    frame = pd.DataFrame(rows | {"cells": [90, 60, 50, 130, 50, 20], "w": [2.0] * 6})
    table = tally_nps(frame, by="variant", count="cells")
    found = experiment(table, metric="nps", control="a")
    assert found.table["difference"].item() == pytest.approx(35)
    assert found.table["significant"].item()
    assert found.sample_ratio_ok is None
    weighted = tally_nps(frame, by="variant", count="cells", weight="w")
    again = experiment(weighted, metric="nps", control="a").table
    assert again.iloc[:, 1:7].to_numpy(float) == pytest.approx(
        found.table.iloc[:, 1:7].to_numpy(float)
    )
    hidden = suppress(table, respondents=[200, 3])
    assert experiment(hidden, metric="nps", control="a").table["reason"].tolist() == ["no_answers"]


def test_too_few_and_none_say_so() -> None:
    found = response((500, 40), (29, 20), (0, 0))
    assert found["reason"].tolist() == ["too_few", "no_answers"]
    assert found["p_value"].isna().all()
    assert found["significant"].isna().all()
    assert found["score"].isna().tolist() == [False, True]


def test_a_broken_assignment_is_noticed() -> None:
    table = asked((10_000, 900), (10_600, 1300))
    broken = experiment(table, metric="response", control="a")
    assert broken.sample_ratio_p == pytest.approx(stats.chisquare([10_000, 10_600]).pvalue)
    assert broken.sample_ratio_ok is False
    meant = experiment(table, metric="response", control="a", allocation={"a": 100, "b": 106})
    assert meant.sample_ratio_ok is True
    by_column = asked((10, 9), (10, 3), assigned=[5000, 5000])
    assert experiment(by_column, metric="response", control="a").sample_ratio_p == 1
    assert experiment(asked((0, 0), (0, 0)), metric="response", control="a").sample_ratio_ok is None


def test_daily_looks_rarely_call_a_sound_assignment_broken() -> None:
    days = np.random.default_rng(1).binomial(200, 0.5, (1000, 30)).cumsum(axis=1)
    total = 200 * np.arange(1, 31)
    alarms = [
        any(
            sample_ratio(np.array([a, n - a], float), np.ones(2)) < MISMATCH
            for a, n in zip(row, total, strict=True)
        )
        for row in days
    ]
    assert np.mean(alarms) <= 0.015


@pytest.mark.parametrize(
    "options",
    [
        {"control": "z"},
        {"effect": 0},
        {"effect": float("nan")},
        {"effect": "5"},
        {"effect": None},
        {"confidence": None},
        {"allocation": {"a": "half", "b": 1}},
        {"confidence": 95},
        {"allocation": {"a": 1}},
        {"allocation": {"a": 1, "b": 0}},
        {"metric": "revenue"},
    ],
)
def test_options_outside_their_range(options: dict[str, Any]) -> None:
    table = asked((100, 10), (100, 20))
    with pytest.raises(ArgumentError, match="; "):
        experiment(table, **({"metric": "response", "control": "a"} | options))


@pytest.mark.parametrize(
    "table",
    [
        asked((100, 10)),
        asked((100, 10), (100, 20)).assign(variant="a"),
        asked((100, 10), (100, 20)).assign(variant=["a", None]),
        asked((100, 10), (100, 20)).drop(columns="asked"),
        asked((100, 10), (100, 120)),
        asked((100, 10), (100, 20)).assign(n=[1.5, 2]),
        asked((100, 10), (100, 20)).assign(n=["1", "two"]),
        asked((100, 10), (100, 20)).assign(assigned=[-1, 2]),
        asked((100, 10), (100, 20)).assign(day=1)[["variant", "day", "n", "asked"]],
    ],
)
def test_tables_that_are_no_experiment(table: pd.DataFrame) -> None:
    with pytest.raises(FrameError, match="; "):
        experiment(table, metric="response", control="a")
