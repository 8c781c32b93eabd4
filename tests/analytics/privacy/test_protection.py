"""What hides in a scope: the same on every engine, whatever else is asked for."""

from dataclasses import replace
from datetime import date
from itertools import combinations, permutations
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest
from solving import incidence, solved

from analytics import ArgumentError, Period, suppress
from analytics.facts import FACTS
from analytics.privacy import protection, together
from analytics.privacy.protection import protect_comments, protect_scores, protect_themes
from analytics.scope import Breakdown, Scope

NPS = Breakdown("nps")
YEAR = Period(date(2026, 1, 1), date(2026, 12, 31))


def facts(people: pd.DataFrame) -> pd.DataFrame:
    """An NPS answer of each, in the shape of the lake; what isn't given is the same for all."""
    whole: dict[str, Any] = dict.fromkeys(FACTS.names, "x")
    whole |= {
        "workspace": 1,
        "response": np.arange(len(people)),
        "month": "2026-05",
        "day": pd.Timestamp("2026-05-04"),
        "received": 0,
        "version": 1,
        "kind": "relational",
        "metric": "nps",
        "score": 9,
        "person": np.arange(len(people)),
        "anonymous": False,
    }
    return pd.DataFrame(whole | {name: people[name] for name in people}, index=people.index)


def scope_of(**filters: tuple[str, ...]) -> Scope:
    return Scope(workspace=1, period=YEAR, filters=filters)


def drawn(seed: int, many: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    country = rng.choice(["FI", "SE", "MT"], many, p=[0.6, 0.35, 0.05])
    own = pd.Series(country).map({"FI": "fi", "SE": "sv", "MT": "en"})
    stage = rng.choice(["adopt", "serve", "retain", ""], many, p=[0.45, 0.3, 0.2, 0.05])
    months = rng.choice(["2026-05", "2026-06", "2026-07"], many)
    return pd.DataFrame(
        {
            "country": country,
            "language": own.where(rng.random(many) > 0.05, "en"),
            "stage": pd.Series(stage).replace("", None),
            "month": months,
            "day": pd.to_datetime([f"{month}-04" for month in months]),
            "person": rng.integers(0, int(many * 2), many),
        }
    )


def hidden(table: pd.DataFrame, name: str) -> set[Any]:
    return {None if pd.isna(key) else key for key in table.loc[table["hidden"], name]}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("filters", [{}, {"stage": ("adopt",)}])
def test_nobody_is_exposed_by_all_single_dimensions(seed: int, filters: Any) -> None:
    people = drawn(seed)
    frame, scope = facts(people), scope_of(**filters)
    names = ("country", "language", "stage", "month", "region")
    *tables, closed = protect_scores(frame, scope, [NPS, *map(NPS.over, names)])
    inside = people["stage"].isin(["adopt"]) if filters else people["stage"].ne("-")
    answers = people.assign(region="x").where(inside, "outside")
    rows: list[dict[str, Any]] = [{}] if not tables[0]["hidden"].iloc[0] else []
    for name, table in zip(names, tables[1:], strict=True):
        rows += [{name: key} for key in table.loc[~table["hidden"], name]]
    assert len(rows) > 3 and not closed["closed"].any()
    who = people["person"][inside]
    groups = [(one,) for one in who.unique()] + list(combinations(who.unique().tolist(), 2))
    assert solved(incidence(answers[inside], rows), who, k=5, groups=groups) == []


@pytest.mark.parametrize(
    ("seed", "name", "value"),
    [(38, "stage", "adopt"), (40, "country", "FI"), (40, "language", "fi")],
)
def test_nobody_is_exposed_by_a_page_beside_the_page_without_its_filter(
    seed: int, name: str, value: str
) -> None:
    people = drawn(seed, 40)
    names = ("country", "language", "stage", "month")
    rows: list[dict[str, Any]] = []
    for filters in ({}, {name: (value,)}):
        told = protect_scores(facts(people), scope_of(**filters), [NPS, *map(NPS.over, names)])
        inside = dict.fromkeys(filters, value)
        rows += [inside] if not told[0]["hidden"].any() else []
        for by, table in zip(names, told[1:-1], strict=True):
            shown = table.loc[~table["hidden"], by]
            rows += [{by: key} | inside for key in shown if by not in inside]
    matrix, who = incidence(people, rows), people["person"]
    assert len(rows) > 8 and {name: value} in rows
    sides = [frozenset(who[line > 0]) for line in matrix]
    apart = [few for a, b in permutations(sides, 2) for few in (a - b, a ^ b) if 0 < len(few) < 5]
    groups = {(one,) for one in who} | {tuple(sorted(few)) for few in apart}
    assert solved(matrix, who, k=5, groups=sorted(groups)) == []


@pytest.mark.parametrize("filters", [{}, {"country": ("FI", "SE")}])
def test_the_same_on_every_engine_and_in_any_company(filters: Any) -> None:
    frame, scope = facts(drawn(7)), scope_of(**filters)
    asked = [NPS.over("stage"), NPS.over("country"), NPS.over("bucket")]
    told = protect_scores(frame, scope, asked)
    for other in (duckdb.from_df(frame), pl.from_pandas(frame)):
        for one, same in zip(told, protect_scores(other, scope, asked), strict=True):
            assert one.fillna("").to_dict("list") == same.fillna("").to_dict("list")
    for each, table in zip(asked, told, strict=False):
        alone = protect_scores(frame, scope, [each])[0]
        assert hidden(alone, each.by[0]) == hidden(table, each.by[0])


@pytest.mark.parametrize("seed", range(3))
def test_of_many_answers_pages_decide_the_same_whatever_they_show(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame, names = facts(drawn(seed)), ("country", "stage", "language")
    monkeypatch.setattr(protection, "MANY", 10)
    # As two pages ask, and an export.
    every = protect_scores(frame, scope_of(), [NPS, *map(NPS.over, names)])
    assert any(table["hidden"].any() for table in every[1:-1])
    for asked in ([NPS], [NPS.over("language")], [NPS.over("region"), NPS.over("country")]):
        for each, table in zip(asked, protect_scores(frame, scope_of(), asked), strict=False):
            if each.by in [(), *((name,) for name in names)]:
                same = every[names.index(each.by[0]) + 1 if each.by else 0]
                assert table["hidden"].tolist() == same["hidden"].tolist()


def test_people_whom_a_filter_leaves_out() -> None:
    people = pd.DataFrame({"country": ["FI"] * 30 + ["SE"] * 20, "gender": ["f"] * 27 + ["m"] * 23})
    total, country, _ = protect_scores(
        facts(people), scope_of(gender=("f",)), [NPS, NPS.over("country")]
    )
    # 27 women; 30 and 27 in Finland: three men. In all 50 and 27: that many men are no secret.
    assert hidden(country, "country") == {"FI"}
    # But the total is the row of Finland, which would be known by it: also where only it is asked.
    alone = protect_scores(facts(people), scope_of(gender=("f",)), [NPS])[0]
    assert total["hidden"].tolist() == alone["hidden"].tolist() == [True]


def test_a_filter_by_a_hidden_value_closes() -> None:
    people = pd.DataFrame({"country": ["FI"] * 30 + ["SE"] * 8 + ["MT"] * 2})
    frame = facts(people)
    for value, shut in (("MT", True), ("SE", True), ("FI", False)):
        total, closed = protect_scores(frame, scope_of(country=(value,)), [NPS])
        assert closed["closed"].tolist() == [shut]
        assert total["hidden"].tolist() == [shut]
    comments = frame.assign(metric="comment", score=None, sentiment="positive")
    for value, shut in (("MT", True), ("SE", True), ("FI", False)):
        (total,) = protect_comments(comments, scope_of(country=(value,)), [()])
        assert total["hidden"].tolist() == [shut]


def test_comments_close_by_themselves() -> None:
    # Nobody was asked for a score. Sweden's twelve hide for Malta's eight: else all less Finland
    # less Sweden were they.
    people = pd.DataFrame({"country": ["FI"] * 30 + ["SE"] * 12 + ["MT"] * 8})
    frame = facts(people).assign(metric="comment", score=None, sentiment="positive")
    for values, shut in (
        (("FI",), False), (("SE",), True), (("MT",), True), (("FI", "SE"), True)
    ):  # fmt: skip
        scope = replace(scope_of(country=values), respondent_floor=10)
        (told,) = protect_comments(frame, scope, [()])
        assert told["hidden"].tolist() == [shut]
    whole, country = protect_comments(
        frame, replace(scope_of(), respondent_floor=10), [(), ("country",)]
    )
    assert not whole["hidden"].any() and hidden(country, "country") == {"SE", "MT"}
    # With the floor of scores nothing hides.
    assert not protect_comments(frame, scope_of(), [("country",)])[0]["hidden"].any()


def test_a_theme_closes_on_countries_that_few_mention_it_from() -> None:
    said = {"FI": (30, 12), "SE": (8, 12), "MT": (2, 12)}  # of delivery, of price
    rows = [
        (country, theme)
        for country, counts in said.items()
        for theme, count in zip(("theme.delivery", "theme.price"), counts, strict=True)
        for _ in range(count)
    ]
    people = pd.DataFrame(rows, columns=["country", "theme"])
    frame = facts(people).assign(code="x", polarity="positive")
    told = protect_themes(frame, scope_of(country=("SE",)))
    # All, less Finland's, less Sweden's, would be Malta's two; price hides for company.
    assert hidden(told, "theme") == {"theme.delivery", "theme.price"}
    assert hidden(protect_themes(frame, scope_of(country=("FI",))), "theme") == set()
    assert protect_themes(frame, scope_of(country=("JP",))).columns.tolist() == [
        "theme", "people", "hidden"
    ]  # fmt: skip


def test_a_hidden_theme_gets_company() -> None:
    people = pd.DataFrame({"theme": ["theme.delivery"] * 12 + ["theme.price"] * 2})
    frame = facts(people).assign(code="x", polarity="positive")
    told = protect_themes(frame, scope_of())
    assert hidden(told, "theme") == {"theme.delivery", "theme.price"}


def test_bounds_are_safe(monkeypatch: pytest.MonkeyPatch) -> None:
    people = drawn(3)
    names = ("country", "stage")
    asked = [NPS.over("country"), NPS.over("stage"), NPS.over(*names)]
    *whole, _ = protect_scores(facts(people), scope_of(), asked)
    monkeypatch.setattr(protection, "MANY", 10)
    *few, _ = protect_scores(facts(people), scope_of(), asked)
    for tables in (whole, few):
        rows = [
            dict(zip(each.by, key, strict=True))
            for each, table in zip(asked, tables, strict=True)
            for key in table.loc[~table["hidden"], list(each.by)].itertuples(index=False, name=None)
        ]
        assert 5 < len(rows) < sum(map(len, tables))
        assert solved(incidence(people, rows), people["person"], k=5, groups=_alone(people)) == []
    monkeypatch.setattr(together, "MOST_ROWS", 2)
    *alone, _ = protect_scores(facts(people), scope_of(), asked)
    for each, table in zip(asked, alone, strict=True):
        by_itself = suppress(table[list(each.by)].assign(n=table["people"]), respondents="n")
        assert table["hidden"].tolist() == by_itself["suppressed"].tolist()
        assert table["hidden"].any() and not table["hidden"].all()


def _alone(people: pd.DataFrame) -> list[tuple[Any, ...]]:
    return [(one,) for one in people["person"].unique()]


def test_a_table_has_few_keys() -> None:
    asked = [NPS.over("country", "stage", "gender", "channel")]
    with pytest.raises(ArgumentError, match="at most 3 keys"):
        protect_scores(facts(drawn(1)), scope_of(), asked)


def test_what_a_filter_hides_in_a_large_table_gets_company(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(together, "MOST_ROWS", 2)
    women = {"FI": 27, "SE": 15, "NO": 18}
    rows = [(name, "f") for name, many in women.items() for _ in range(many)]
    rows += [(name, "m") for name, many in {"FI": 3, "SE": 5, "NO": 5}.items() for _ in range(many)]
    people = pd.DataFrame(rows, columns=["country", "gender"])
    asked = [NPS, NPS.over("country")]
    total, country, _ = protect_scores(facts(people), scope_of(gender=("f",)), asked)
    # Three men in Finland, thirteen in all: Finland's row would be the total less the others.
    assert not total["hidden"].any()
    assert hidden(country, "country") == {"FI", "SE"}


def test_nothing_asked_nobody_answered() -> None:
    assert [len(table) for table in protect_scores(facts(drawn(1)), scope_of(), [])] == [0]
    frame = facts(pd.DataFrame({"country": ["FI"] * 9}))
    empty = scope_of(country=("JP",))
    total, country, closed = protect_scores(frame, empty, [NPS, NPS.over("country")])
    assert len(total) == len(country) == 0
    assert not closed["closed"].any()
