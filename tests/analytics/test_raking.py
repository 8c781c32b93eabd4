import math
from collections.abc import Callable
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
    nps,
    rake,
    roll_up,
    summarise_nps,
    suppress,
    tally_nps,
    weigh,
)

Rows = dict[str, list[Any]]
EVEN = {"region": {"EU": 50, "US": 50}, "plan": {"L": 50, "S": 50}}
fast = settings(deadline=None, max_examples=25)
table_2x3 = st.lists(st.integers(1, 60), min_size=6, max_size=6)
shares = st.lists(st.integers(1, 20), min_size=5, max_size=5)


def cells(counts: list[int]) -> pd.DataFrame:
    keys = {"region": ["EU"] * 3 + ["US"] * 3, "plan": ["L", "M", "S"] * 2}
    return pd.DataFrame(keys | {"n": counts})


def targets_of(parts: list[int], scale: float = 1) -> dict[str, dict[str, float]]:
    regions, plans = parts[:2], parts[2:]
    return {
        "region": {
            key: scale * part / sum(regions)
            for key, part in zip(["EU", "US"], regions, strict=True)
        },
        "plan": {key: scale * part / sum(plans) for key, part in zip("LMS", plans, strict=True)},
    }


@fast
@given(table_2x3, shares)
def test_agrees_with_another_way_to_find_the_weights(counts: list[int], parts: list[int]) -> None:
    """Raking is the nearest distribution by Kullback & Leibler: minimise the dual instead."""
    targets = targets_of(parts)
    fit = rake(cells(counts), targets, trim=math.inf, tolerance=1e-12, max_iterations=10_000)
    share = np.array(counts) / sum(counts)
    design = np.array([[r == i for r in (0, 0, 0, 1, 1, 1)] for i in (0, 1)]
        + [[p == i for p in (0, 1, 2) * 2] for i in (0, 1, 2)], dtype=float)  # fmt: skip
    goal = np.array([*targets["region"].values(), *targets["plan"].values()])

    def dual(multipliers: Any) -> Any:
        fitted = share * np.exp(design.T @ multipliers)
        return fitted.sum() - goal @ multipliers, design @ fitted - goal

    best = optimize.minimize(dual, np.zeros(5), jac=True, method="BFGS", options={"gtol": 1e-10})
    expected = np.exp(design.T @ best.x)
    assert fit.converged
    assert fit.weights["weight"].tolist() == pytest.approx(expected.tolist(), rel=1e-4)


@fast
@given(table_2x3, shares, st.floats(0.01, 1e6))
def test_what_holds_for_any_targets(counts: list[int], parts: list[int], scale: float) -> None:
    table, targets = cells(counts), targets_of(parts)
    fit = rake(table, targets, trim=math.inf)
    assert fit.converged
    assert fit.largest_miss <= 1e-6
    assert fit.margins["weighted"].tolist() == pytest.approx(fit.margins["target"], abs=1e-6)
    weight, n = (fit.weights[name].to_numpy() for name in ("weight", "n"))
    assert (weight > 0).all()
    assert (weight @ n) / n.sum() == pytest.approx(1, abs=1e-5)
    # What the cells have in common stays: the odds ratios of the answers.
    for column in (1, 2):
        ratio = weight[0] * weight[3 + column] / (weight[column] * weight[3])
        assert ratio == pytest.approx(1, rel=1e-6)
    rows = np.repeat(weight, n)
    assert fit.n_eff == pytest.approx(rows.sum() ** 2 / (rows**2).sum())
    assert fit.design_effect == pytest.approx(1 + rows.var() / rows.mean() ** 2)
    # Neither their scale, nor the order of rows, targets or categories says anything.
    other = {
        column: dict(reversed(list(wanted.items())))
        for column, wanted in targets_of(parts, scale).items()
    }
    again = rake(table.iloc[::-1], other, trim=math.inf)
    pd.testing.assert_frame_equal(again.weights, fit.weights)


@fast
@given(table_2x3)
def test_margins_that_are_right_already_need_no_weights(counts: list[int]) -> None:
    table = cells(counts)
    targets = {key: table.groupby(key)["n"].sum().to_dict() for key in ("region", "plan")}
    fit = rake(table, targets)
    assert fit.converged
    assert fit.iterations == 0
    assert fit.weights["weight"].tolist() == [1] * 6
    assert fit.n_eff == sum(counts)


def test_no_weight_above_the_cap_and_the_margins_hold_all_the_same() -> None:
    table = cells([400, 300, 5, 60, 150, 20])
    targets = {"region": {"EU": 0.5, "US": 0.5}, "plan": {"L": 0.52, "M": 0.4, "S": 0.08}}
    free = rake(table, targets, trim=math.inf)
    cut = rake(table, targets, trim=3.1)
    assert free.weights["weight"].max() > 3.4
    assert free.trimmed == 0
    assert cut.converged
    assert cut.weights["weight"].max() == 3.1
    assert cut.trimmed == 20
    assert cut.margins["weighted"].tolist() == pytest.approx(cut.margins["target"], abs=1e-6)


def test_it_says_so_where_no_weights_can_do() -> None:
    # A cap of 2: five answers of a hundred can't stand for a half.
    table = pd.DataFrame({"plan": ["L", "S"], "n": [5, 95]})
    fit = rake(table, {"plan": {"L": 1, "S": 1}}, trim=2, max_iterations=50)
    assert not fit.converged
    assert fit.iterations == 50
    assert fit.largest_miss == pytest.approx(0.4)
    assert fit.margins[["category", "weighted"]].values.tolist()[0] == ["L", 0.1]
    # Empty cells: region and plan are one and the same here, and the targets want them apart.
    table = pd.DataFrame({"region": ["EU", "US"], "plan": ["L", "S"], "n": [50, 50]})
    fit = rake(table, EVEN | {"plan": {"L": 80, "S": 20}}, trim=math.inf)
    assert not fit.converged
    assert fit.largest_miss == pytest.approx(0.3)
    assert fit.weights["weight"].gt(0).all()
    assert np.isfinite(fit.design_effect)


def test_weights_that_miss_are_not_used_unawares() -> None:
    table = pd.DataFrame({"plan": ["L", "S"], "n": [5, 95], "promoters": 2, "detractors": 1})
    fit = rake(table, {"plan": {"L": 1, "S": 1}}, trim=2, max_iterations=50)
    with pytest.raises(ArgumentError, match=r"misses a margin by 40 points.*unconverged=True"):
        weigh(table, fit)
    weighted = weigh(table, fit, unconverged=True)
    assert weighted["weight_sum"].tolist() == pytest.approx([10, 50])  # a mean of 0.6, not of 1


def test_weighted_scores_on_every_engine(make_frame: Callable[[Rows], Any]) -> None:
    rows: Rows = {
        "region": ["EU", "EU", "EU", "US", "US", None],
        "plan": ["L", "S", "S", "L", "S", "S"],
        "score": [9, 3, 10, 9, 7, 0],
    }
    tallied = tally_nps(make_frame(rows), by=["region", "plan"])
    fit = rake(tallied, {"region": {"EU": 4, "US": 4, None: 2}, "plan": {"L": 5, "S": 5}})
    assert fit.converged
    scores = summarise_nps(roll_up(weigh(tallied, fit), by="region"))
    joined = pd.DataFrame(rows).merge(fit.weights, on=["region", "plan"])
    expected = nps(joined, by="region", weight="weight")
    pd.testing.assert_frame_equal(scores, expected, check_dtype=False)
    total = summarise_nps(roll_up(weigh(tallied, fit)))
    assert total["n_eff"].item() == pytest.approx(fit.n_eff)
    assert total["weight_sum"].item() == pytest.approx(6, abs=1e-4)


def test_a_finer_tally_is_weighed_by_the_cells_it_lies_in() -> None:
    frame = pd.DataFrame(
        {"stage": list("abab"), "plan": list("LLSS"), "score": [9, 0, 9, 9], "other": [1, 2, 1, 2]}
    )
    fine = tally_nps(frame, by=["stage", "plan", "other"])
    fit = rake(fine, {"plan": {"L": 3, "S": 1}})
    weighted = weigh(fine, fit)
    assert weighted["weight_sum"].tolist() == pytest.approx([1.5, 0.5, 1.5, 0.5])
    with pytest.raises(FrameError, match=r"has answers in \{'plan': 'S'\}, not raked"):
        weigh(fine, rake(fine[fine["plan"] == "L"], {"plan": {"L": 1}}))


@pytest.mark.parametrize(
    "targets,message",
    [
        ({}, "are empty"),
        ({"region": ["EU", "US"]}, "for 'region'; map each category"),
        ({"region": {}}, "all 0 or none by 'region'"),
        (EVEN | {"plan": {"L": 0.5, "S": 0.5}}, "add up to 100 by 'region', but to 1 by 'plan'"),
        (EVEN | {"plan": {"L": 50, "S": 40, "XL": 10}}, "by 'plan' 'XL', where nobody answered"),
        (EVEN | {"plan": {"L": 100}}, "are 0 or absent by 'plan' for 'S', where there are answers"),
        (EVEN | {"plan": {"L": 100, "S": 0}}, "are 0 or absent by 'plan' for 'S'"),
        (EVEN | {"plan": {"L": 150, "S": -50}}, "'plan' has -50 for 'S'"),
        (EVEN | {"plan": {"L": math.nan, "S": 50}}, "'plan' has nan for 'L'"),
        (EVEN | {"plan": {"L": "50", "S": 50}}, "'plan' has '50' for 'L'"),
        (EVEN | {"plan": {"L": True, "S": 50}}, "'plan' has True for 'L'"),
        (EVEN | {"plan": {"L": math.inf, "S": 50}}, "'plan' has inf for 'L'"),
        (EVEN | {"plan": {"L": None, "S": 50}}, "'plan' has None for 'L'"),
    ],
)
def test_targets_that_contradict(targets: Any, message: str) -> None:
    table = cells([9, 0, 9, 9, 0, 9])
    with pytest.raises(ArgumentError, match=message) as error:
        rake(table, targets)
    assert error.value.argument == "targets"


def test_a_target_of_nothing_for_nobody_is_no_contradiction() -> None:
    fit = rake(cells([9, 0, 9, 9, 0, 9]), EVEN | {"plan": {"L": 50, "M": 0, "S": 50}})
    assert fit.converged
    assert len(fit.margins) == 4


def test_wrong_use() -> None:
    table = cells([9, 1, 9, 9, 9, 9])
    with pytest.raises(FrameError, match=r"'regions' is no key.*'region'"):
        rake(table, {"regions": {"EU": 1}})
    with pytest.raises(FrameError, match="suppressed row"):
        rake(suppress(table, respondents="n"), EVEN)
    with pytest.raises(FrameError, match="0 in every row; there is nothing to weigh"):
        rake(cells([0] * 6), EVEN)
    options: list[dict[str, Any]] = [
        {"trim": 1},
        {"trim": math.nan},
        {"tolerance": 0},
        {"max_iterations": 0},
    ]
    for option in options:
        with pytest.raises(ArgumentError, match=next(iter(option))):
            rake(table, EVEN, **option)
    tallied = tally_nps(pd.DataFrame({"score": [9, 3], "plan": ["L", "S"]}), by=["plan"])
    fit = rake(tallied, {"plan": {"L": 1, "S": 1}})
    with pytest.raises(FrameError, match="'weight_sum' is there already"):
        weigh(weigh(tallied, fit), fit)
    with pytest.raises(FrameError, match="'promoters' is missing"):
        weigh(tallied.drop(columns="promoters"), fit)
    with pytest.raises(FrameError, match="'plan' is no key"):
        weigh(roll_up(tallied), fit)
