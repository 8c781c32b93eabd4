"""A scope refuses what can't be looked at, and is a key of caches."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from analytics import ArgumentError, Breakdown, Period, Scope

MAY = Period(date(2026, 5, 1), date(2026, 5, 31))


def _scope(**options: Any) -> Scope:
    return Scope(**{"workspace": 1, "period": MAY} | options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"zone": "Europe/Berlinn"}, "zone: 'Europe/Berlinn' is no time zone"),
        ({"zone": "../etc/passwd"}, "zone"),
        ({"zone": ""}, "zone"),
        ({"kind": "relation"}, "kind: knows no 'relation'.*perhaps relational"),
        ({"filters": {"countries": ["DE"]}}, "filters: knows no 'countries'.*perhaps country"),
        ({"filters": {"country": "DE"}}, "filters: 'country' is 'DE'; a list of texts"),
        ({"filters": {"country": [None]}}, "filters"),
        ({"weights": {"planet": {}}}, "weights: knows no 'planet'"),
        ({"weights": {"region": [1]}}, "weights: 'region'"),
        ({"as_of": datetime(2026, 5, 1)}, "as_of: .* has no zone"),  # noqa: DTZ001 - the point
        ({"respondent_floor": 0}, "respondent_floor: is 0"),
    ],
)
def test_bad_values_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        _scope(**options)


def test_a_period_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(ArgumentError, match="end: 2026-05-01 is before 2026-05-31"):
        Period(MAY.end, MAY.start)


def test_breakdowns_refuse_what_they_do_not_know() -> None:
    for options in (
        {"metric": "npss"},
        {"metric": "nps", "by": ("stages",)},
        {"metric": "nps", "by": ("stage", "stage")},
        {"metric": "nps", "kind": "x"},
    ):
        with pytest.raises(ArgumentError):
            Breakdown(**options)


def test_equal_scopes_are_the_same_key_and_nobody_changes_one() -> None:
    filters = {"country": ["DE", "FR"], "stage": ["adopt"]}
    options = {"filters": filters, "weights": {"region": {"Europe": 0.5, None: 0.5}}}
    one, other = _scope(**options), _scope(**options)
    filters["country"].append("US")
    assert (
        one
        == other
        == _scope(
            filters={k: one.filters[k] for k in reversed([*one.filters])}, weights=one.weights
        )
    )
    assert len({one, other}) == 1
    assert one != _scope(as_of=datetime(2026, 5, 1, tzinfo=UTC))
    with pytest.raises(TypeError):
        one.filters["country"] = ()  # type: ignore[index] # the point


def test_wider_scopes() -> None:
    scope = _scope(filters={"country": ["DE"], "stage": ["adopt"]}, compare=MAY)
    assert scope.nested() == [("country", "stage"), ("stage",), ("country",), ()]
    assert scope.without("country").nested() == [("stage",), ()]
    assert scope.over(MAY).compare is None
    assert scope.earlier() == scope.over(MAY)
    assert scope.over(MAY).earlier() is None
    assert scope.of_kind("transactional").kind == "transactional"
    assert _scope(survey="x").of_kind("transactional").kind == "relational"
