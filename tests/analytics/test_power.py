from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics import ArgumentError, FrameError, compare, csat, suppress, tally_nps
from analytics.power import SamplePlan, outlook


def segments(**columns: list[Any]) -> pd.DataFrame:
    return pd.DataFrame({"stage": list("abcde")[: len(columns["n"])]} | columns)


def test_two_shares_by_hand() -> None:
    # 50 % against 60 %: (1.95996 + 0.84162)²·2·0.25/0.1² = 392.4.
    assert SamplePlan(variance=0.25).answers_needed(10) == 393


def test_detectable_and_power_undo_what_is_needed() -> None:
    for plan in (
        SamplePlan(variance=0.61),
        SamplePlan(variance=0.3, power=0.9, confidence=0.99, design_effect=1.7),
        SamplePlan(variance=0.61, other=4000, population=30_000),
    ):
        n = float(plan.answers_needed(5))
        assert plan.detectable(n) <= 5 < plan.detectable(n - 1)
        assert plan.power_to_see(5, n) == pytest.approx(plan.power, abs=1e-3)


plans = st.builds(
    SamplePlan,
    variance=st.floats(0.01, 1),
    power=st.floats(0.5, 0.99),
    confidence=st.floats(0.5, 0.999),
    design_effect=st.floats(1, 9),
)


@given(plans, st.floats(0.5, 100), st.integers(1, 10**6))
def test_what_always_holds(plan: SamplePlan, difference: float, n: int) -> None:
    needed, power = plan.answers_needed(difference), plan.power_to_see(difference, n)
    assert needed >= 1
    assert plan.answers_needed(difference / 2) == pytest.approx(4 * needed, abs=4)
    assert 1 - plan.confidence - 1e-9 <= power <= 1
    assert plan.power_to_see(difference, 2 * n) >= power - 1e-12
    assert plan.detectable(4 * n) == pytest.approx(plan.detectable(n) / 2)


def test_power_is_what_simulated_comparisons_find() -> None:
    rng, draws, n = np.random.default_rng(11), 3000, 400
    sides = [rng.multinomial(n, shares, draws) for shares in ([0.5, 0.3, 0.2], [0.55, 0.3, 0.15])]
    tables = [
        pd.DataFrame({"draw": range(draws), "n": n, "promoters": s[:, 0], "detractors": s[:, 2]})
        for s in sides
    ]
    found = compare(*tables, metric="nps")["significant"].mean()
    expected = SamplePlan(variance=(0.61 + 0.54) / 2).power_to_see(10, n)  # P50/D20, P55/D15
    assert found == pytest.approx(float(expected), abs=0.03)  # over three standard errors


def test_a_finite_population_needs_fewer() -> None:
    everyone = SamplePlan(variance=0.61, population=500)
    assert everyone.answers_needed([1, 5, 20]).tolist() == [498, 443, 162]
    assert everyone.power_to_see(0.1, 500) == 1
    assert everyone.detectable(500) == 0


def test_where_the_other_side_is_too_small() -> None:
    assert np.isinf(SamplePlan(variance=0.61, other=100).answers_needed(5))
    assert SamplePlan(variance=0.61, other=10**9).answers_needed(5) == 1916  # half of 3,831


def test_the_outlook_of_segments() -> None:
    table = segments(n=[400, 2, 0], promoters=[200, 1, 0], detractors=[80, 1, 0])
    found = outlook(table, metric="nps", difference=10)
    assert found["n"].tolist() == [400, 2, 0]
    assert found["needed"].isna().tolist() == [False, False, True]
    assert found["detectable"].isna().tolist() == [False, True, True]  # two: over 200
    assert found["power"].between(0, 1).tolist() == [True, True, False]
    hidden = outlook(suppress(table, respondents="n"), metric="nps")
    assert hidden["needed"].isna().tolist() == [True, True, True]


def test_weights_cost_answers() -> None:
    frame = pd.DataFrame({"score": [10, 8, 3] * 40, "w": [1.0, 3.0] * 60})
    plain = outlook(tally_nps(frame), metric="nps")
    same = outlook(tally_nps(frame.assign(w=7.0), weight="w"), metric="nps")
    uneven = outlook(tally_nps(frame, weight="w"), metric="nps")
    assert same.to_numpy(float) == pytest.approx(plain.to_numpy(float))
    assert uneven["design_effect"].item() == pytest.approx(1.25)
    assert uneven["needed"].item() > 1.2 * plain["needed"].item()


def test_shares_are_smaller_than_net_scores() -> None:
    found = outlook(csat(pd.DataFrame({"score": [5, 1] * 50})), metric="csat")
    assert found["variance"].item() == pytest.approx(0.25)
    assert found["needed"].item() == 1570  # 1,569.8


@pytest.mark.parametrize(
    "options",
    [
        {"variance": 0},
        {"variance": 1.2},
        {"variance": 0.5, "power": 0.2},
        {"variance": 0.5, "power": 1},
        {"variance": 0.5, "power": "0.8"},
        {"variance": 0.5, "power": None},
        {"variance": None},
        {"variance": "large"},
        {"variance": 0.5, "other": "many"},
        {"variance": 0.5, "population": None},
        {"variance": 0.5, "confidence": 95},
        {"variance": 0.5, "population": -1},
        {"variance": 0.5, "design_effect": 0.5},
        {"variance": 0.5, "other": 20, "population": 10},
    ],
)
def test_plans_that_are_none(options: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match="; "):
        SamplePlan(**options)


def test_wrong_questions() -> None:
    plan = SamplePlan(variance=0.5, population=100)
    for difference in (0, -5, 201, "5", None):
        with pytest.raises(ArgumentError, match="difference: is"):
            plan.answers_needed(difference)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(ArgumentError, match="n: exceeds the population"):
        plan.detectable(101)
    with pytest.raises(ArgumentError, match="n: is"):
        plan.power_to_see(5, -1)
    with pytest.raises(FrameError, match="'promoters' is missing"):
        outlook(segments(n=[3], promotors=[1], detractors=[1]), metric="nps")
    with pytest.raises(FrameError, match="'needed' is also a column"):
        outlook(pd.DataFrame({"needed": ["a"], "n": 3, "satisfied": 1}), metric="csat")
