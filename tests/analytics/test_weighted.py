"""Weighted scores of the planner against the frame of answers itself, weighed by hand."""

import random
from datetime import date
from typing import Any

import fact_rows
import pandas as pd
import pytest

from analytics import (
    ArgumentError,
    Breakdown,
    Period,
    Scope,
    nps,
    rake,
    summarise_nps,
    tally_nps,
    weighted_scores,
)

TARGETS = {"region": {"Europe": 30, "Asia": 60, None: 10}, "stage": {"adopt": 0.5, "retain": 0.5}}


def _rows() -> list[dict[str, Any]]:
    chance = random.Random(2)
    return [
        {
            "score": chance.randrange(11),
            "person": at,
            "region": chance.choice(["Europe", "Europe", "Asia", None]),
            "stage": chance.choice(["adopt", "adopt", "retain"]),
            "country": chance.choice(["DE", "FR", None]),
        }
        for at in range(200)
    ]


def _scope(**options: Any) -> Scope:
    shares = {
        name: {key: share / sum(target.values()) for key, share in target.items()}
        for name, target in TARGETS.items()
    }
    period = Period(date(2026, 3, 1), date(2026, 3, 31))
    return Scope(**{"workspace": 1, "period": period, "weights": shares} | options)


@pytest.mark.parametrize("engine", fact_rows.ENGINES)
def test_scores_are_those_of_answers_weighed_one_by_one(engine: str) -> None:
    rows = _rows()
    scope = _scope(filters={"country": ["DE", "FR"]})
    asked = [Breakdown("nps"), Breakdown("nps", by=("country",)), Breakdown("nps", by=("stage",))]
    found = weighted_scores(fact_rows.ENGINES[engine](fact_rows.table(rows)), scope, asked)

    answers = pd.DataFrame(rows)
    fit = rake(tally_nps(answers, by=["region", "stage"]), scope.weights)
    weighed = answers.merge(fit.weights.drop(columns="n"), on=["region", "stage"])
    weighed = weighed[weighed["country"].notna()]
    for each, tally in zip(asked, found.tallies, strict=True):
        expected = nps(weighed, by=each.by, weight="weight")
        pd.testing.assert_frame_equal(summarise_nps(tally), expected, rtol=1e-9, check_dtype=False)
        assert (expected["n_eff"] < expected["n"]).all()
    raking = found.rakings[Breakdown("nps")]
    assert raking.converged
    assert raking.design_effect == pytest.approx(fit.design_effect)


def test_what_can_not_be_weighed_is_named() -> None:
    frame = fact_rows.table(_rows())
    with pytest.raises(ArgumentError, match="has no weights"):
        weighted_scores(frame, _scope(weights=None), [Breakdown("nps")])
    with pytest.raises(ArgumentError, match="only NPS"):
        weighted_scores(frame, _scope(), [Breakdown("csat")])
    absent = {"region": {"Europe": 0.5, "Asia": 0.2, "Africa": 0.1, None: 0.2}}
    with pytest.raises(ArgumentError, match="'Africa', where nobody answered"):
        weighted_scores(frame, _scope(weights=absent), [Breakdown("nps")])


def test_nobody_under_the_filters_is_no_score() -> None:
    scope = _scope(filters={"country": ["JP"]})
    (tally,) = weighted_scores(fact_rows.table(_rows()), scope, [Breakdown("nps")]).tallies
    assert summarise_nps(tally)["n"].tolist() == [0]
    assert summarise_nps(tally)["nps"].isna().all()
