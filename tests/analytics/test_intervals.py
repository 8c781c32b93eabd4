from typing import Any

import numpy as np
import pytest
from scipy import stats

from analytics import ArgumentError, adjusted_wald, student_mean, wilson

DRAWS = 20_000


@pytest.mark.parametrize(
    "up,down,n,cover",
    [
        (0.5, 0.2, 5, 0.945),
        (0.5, 0.2, 10, 0.964),
        (0.5, 0.2, 20, 0.947),
        (0.7, 0.05, 10, 0.950),
        (0.8, 0.0, 10, 0.875),
        (0.5, 0.5, 10, 0.894),
    ],
)
def test_the_published_cover_of_the_adjusted_wald(
    up: float, down: float, n: int, cover: float
) -> None:
    draws = np.random.default_rng(2016).multinomial(n, [up, 1 - up - down, down], DRAWS)
    low, high = adjusted_wald(draws[:, 0], draws[:, 2], n)
    truth = 100 * (up - down)
    hits = ((low <= truth + 1e-9) & (truth - 1e-9 <= high)).mean()
    # Three standard errors of a simulated share, on either side of two simulations.
    assert hits == pytest.approx(cover, abs=3 * np.sqrt(2 * cover * (1 - cover) / DRAWS))


@pytest.mark.parametrize("n", [1, 5, 40])
def test_wilson_agrees_with_another_program(n: int) -> None:
    for hits in range(n + 1):
        expected = stats.binomtest(hits, n).proportion_ci(0.9, method="wilson")
        low, high = wilson(hits, n, confidence=0.9)
        assert (float(low), float(high)) == pytest.approx((expected.low, expected.high))


def test_student_agrees_with_another_program() -> None:
    sample = np.array([2.0, 7, 7, 5, 1, 6])
    expected = stats.ttest_1samp(sample, 0).confidence_interval(0.99)
    mean, low, high = student_mean(sample.sum(), (sample**2).sum(), 6, confidence=0.99)
    assert float(mean) == pytest.approx(sample.mean())
    assert (float(low), float(high)) == pytest.approx((expected.low, expected.high))


def test_one_answer_has_a_mean_but_no_interval() -> None:
    mean, low, high = student_mean(4, 16, 1)
    assert float(mean) == 4
    assert np.isnan(low)
    assert np.isnan(high)


def test_nothing_has_nothing() -> None:
    for bound in (*adjusted_wald(0, 0, 0), *wilson(0, 0), *student_mean(0, 0, 0)):
        assert np.isnan(bound)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0, float("nan"), "0.95", None, [0.95]])
def test_confidence_outside_its_range(confidence: Any) -> None:
    with pytest.raises(ArgumentError, match="confidence: is"):
        wilson(1, 2, confidence=confidence)
