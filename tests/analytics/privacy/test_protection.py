"""What hides in a scope: the same on every engine, whatever else is asked for."""

from datetime import date
from itertools import combinations
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest
from solving import incidence, solved

from analytics import Period
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
    for shut in (True, False):
        assert protect_comments(comments, scope_of(), [shut])[0]["hidden"].tolist() == [shut]


def test_a_hidden_theme_gets_company() -> None:
    people = pd.DataFrame({"theme": ["theme.delivery"] * 12 + ["theme.price"] * 2})
    frame = facts(people).assign(code="x", polarity="positive")
    (told,) = protect_themes(frame, scope_of(), [False])
    assert hidden(told, "theme") == {"theme.delivery", "theme.price"}


def test_bounds_are_safe(monkeypatch: pytest.MonkeyPatch) -> None:
    people = drawn(3)
    asked = [NPS.over("country"), NPS.over("country", "stage")]
    *whole, _ = protect_scores(facts(people), scope_of(), asked)
    monkeypatch.setattr(protection, "MANY", 10)
    *few, _ = protect_scores(facts(people), scope_of(), asked)
    monkeypatch.setattr(together, "MOST_ROWS", 2)
    *alone, _ = protect_scores(facts(people), scope_of(), asked)
    for tables in (whole, few, alone):
        assert tables[0].loc[tables[0]["people"] < 5, "hidden"].all()
        assert tables[1].loc[tables[1]["people"] < 5, "hidden"].all()
    assert sum(table["hidden"].sum() for table in few) <= sum(
        table["hidden"].sum() for table in whole
    )


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
