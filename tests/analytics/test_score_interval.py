from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tools.cover import SIZES, cover, outcomes, rows

from analytics import ArgumentError, adjusted_wald
from analytics.intervals import normal_quantile
from analytics.score_interval import tango

DOCS = Path(__file__).parents[2] / "docs" / "statistics.md"
counts = st.tuples(*[st.integers(0, 300)] * 3).filter(lambda cells: sum(cells) > 0)


def interval(cells: tuple[float, float, float], *, confidence: float = 0.95) -> tuple[float, float]:
    low, high = tango(cells[0], cells[2], sum(cells), confidence=confidence)
    return float(low), float(high)


@pytest.mark.parametrize("n", [1, 2, 9, 40])
def test_it_solves_the_published_quartic(n: int) -> None:
    # Yang, Sun & Hardin (2013), "A non-iterative implementation of Tango's score confidence
    # interval for a paired difference of proportions": the bounds are roots of this polynomial.
    g = normal_quantile(0.95) ** 2
    for up, down in zip(*outcomes(n), strict=True):
        net, sum_ = up - down, up + down
        quartic = [
            n**2 * (n / g + 1) ** 2,
            -n * net * (n / g + 1) * (4 * n / g + 1),
            2 * n * net**2 * (3 * n / g + 2) / g - n**2 * (sum_ / g + 1),
            n * net * (2 * sum_ / g + 1) - net**3 * (4 * n / g + 1) / g,
            net**2 * (net**2 / g - sum_) / g,
        ]
        low, high = (float(bound) / 100 for bound in tango(up, down, n))
        scale = sum(abs(c) for c in quartic)
        assert abs(np.polyval(quartic, low)) < 1e-9 * scale
        assert abs(np.polyval(quartic, high)) < 1e-9 * scale


@pytest.mark.parametrize("n", [1, 7, 1000])
def test_the_corners_in_closed_form(n: int) -> None:
    z2 = normal_quantile(0.95) ** 2
    assert interval((n, 0, 0)) == pytest.approx((100 * (n - z2) / (n + z2), 100))
    assert interval((0, n, 0)) == pytest.approx((-100 * z2 / (n + z2), 100 * z2 / (n + z2)))


@given(counts, st.sampled_from([0.5, 0.8, 0.95]))
def test_what_always_holds(cells: tuple[int, int, int], confidence: float) -> None:
    up, middle, down = cells
    low, high = interval(cells, confidence=confidence)
    plain = 100 * (up - down) / sum(cells)
    assert -100 <= low <= plain + 1e-9
    assert plain - 1e-9 <= high <= 100
    wider = interval(cells, confidence=0.99)
    assert wider[0] < low < high < wider[1] or {low, high} & {-100.0, 100.0}
    assert interval((down, middle, up), confidence=confidence) == pytest.approx((-high, -low))
    more = interval((up * 4.0, middle * 4.0, down * 4.0), confidence=confidence)
    assert more[1] - more[0] <= high - low
    near = interval((up + 1e-7, middle, down), confidence=confidence)  # effective numbers
    assert near == pytest.approx((low, high), abs=0.1)


def test_nothing_has_no_interval_and_shapes_are_kept() -> None:
    low, high = tango([[0, 5]], [[0, 1]], [[0, 9]])
    assert low.shape == high.shape == (1, 2)
    assert np.isnan([low[0, 0], high[0, 0]]).all()
    assert np.isfinite([low[0, 1], high[0, 1]]).all()


def test_confidence_outside_its_range() -> None:
    with pytest.raises(ArgumentError, match="confidence: is 95"):
        tango(1, 0, 2, confidence=95)


def test_the_cover_of_one_answer_by_hand() -> None:
    # n = 1: a promoter gives (-58.7, 100), a passive (-79.3, 79.3), a detractor (-100, 58.7).
    # The truth 60 is held by the first two: P70/D10 covers 0.9; the truth 90 by the first alone.
    assert cover(tango, 1, (0.7, 0.1)) == pytest.approx(0.9)
    assert cover(tango, 1, (0.9, 0.0)) == pytest.approx(0.9)


def test_known_weakness_of_the_adjusted_wald_exactly() -> None:
    assert cover(adjusted_wald, 10, (0.8, 0.0)) == pytest.approx(0.8791, abs=1e-4)
    assert cover(tango, 10, (0.8, 0.0)) > 0.92


def test_the_published_grid_is_what_the_tool_finds() -> None:
    published = DOCS.read_text(encoding="utf-8").splitlines()
    found = [row for n in (5, 10, 20, 50) for row in rows(n, 5)]
    found = [row for row in found if row.split(" | ")[1].startswith(("adjusted", "Tango"))]
    assert len(found) == 8
    assert set(found) <= set(published)
    for n in SIZES:
        floor = 87 if n == 10 else 90
        for name in ("adjusted Wald (3, T)", "Tango"):
            line = next(row for row in published if row.startswith(f"| {n} | {name} |"))
            mean, least = (float(cell) for cell in line.split("|")[3:5])
            assert 94 <= mean <= 97.05
            assert least >= floor or n < 10
