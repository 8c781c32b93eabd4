"""Whatever is passed to a public function: a documented result or an AnalyticsError.

Never another error, never a warning (they are errors in tests), never nonsense in silence.
"""

import itertools
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pandas as pd
import polars as pl
import pytest

import analytics
from analytics import AnalyticsError, ArgumentError, FrameError, Period

Call = Callable[..., Any]

DAY = date(2026, 5, 1)
PERIOD = Period(DAY, date(2026, 5, 31))
ROWS = pd.DataFrame(
    {
        "score": [5, 4, 3, 5, 1, 2, 5, 5] * 2,
        "sentiment": ["positive", "negative", None, "neutral"] * 4,
        "polarity": ["positive", "negative", None, "neutral"] * 4,
        "theme": ["price", "stock"] * 8,
        "respondent": range(16),
        "response": range(16),
        "customer": [*range(8), *range(8)],
        "period": ["before"] * 8 + ["after"] * 8,
        "country": ["DE", "FR"] * 8,
        "asked": 1,
        "answered": [1, 0] * 8,
        "cells": 1,
        "w": 1.5,
        "day": pd.Timestamp("2026-05-01"),
    }
)
KEYS: dict[str, Any] = {"segment": list("abcdef")}
COUNTS = {"n": [40, 30, 20, 10, 8, 6], "promoters": [20, 10, 8, 4, 4, 1]}
TALLY = pd.DataFrame(KEYS | COUNTS | {"passives": [10, 10, 6, 2, 0, 4]}).assign(
    detractors=[10, 10, 6, 4, 4, 1]
)
SHARES = pd.DataFrame(KEYS | {"n": [40, 30, 20, 10, 8, 6], "satisfied": [20, 10, 8, 4, 4, 1]})
TREND = pd.concat([TALLY.drop(columns="segment")] * 3, ignore_index=True)
TREND.insert(0, "bucket", range(18))
TARGETS = {"segment": dict.fromkeys("abcdef", 1)}
FIT = analytics.rake(TALLY, TARGETS)
IMPACT = analytics.tally_impact(ROWS, ROWS, by="country")
PATTERNS = analytics.tally_drivers(ROWS, columns=["theme"])
WAVES = TALLY.rename(columns={"segment": "wave"})
ASKED = TALLY.assign(asked=50)
COUNTRIES = TALLY.rename(columns={"segment": "country"}).assign(period=1)
COUNTRIES = COUNTRIES[["country", "period", *TALLY.columns[1:]]]
PAIRED = analytics.tally_paired(ROWS)

# Every public function: how it is called rightly. The first argument is its frame or table.
METRICS = ("nps", "csat", "ces", "sentiment", "themes", "response_rates", "paired")
FRAMES: dict[str, dict[str, Any]] = {
    "nps": {"by": "country", "weight": "w", "count": "cells"},
    "csat": {"by": "country", "count": "cells"},
    "ces": {"by": "country", "count": "cells"},
    "sentiment": {"by": "country", "count": "cells"},
    "themes": {"by": "country", "count": "cells"},
    "response_rates": {"by": "country"},
    "paired": {"by": "country", "metric": "csat"},
    "drivers": {"columns": ["theme"], "count": "cells", "cluster": "country", "draws": 100},
    "bucket": {"grain": "week"},
    "tally_nps": {"by": "country", "weight": "w", "count": "cells"},
    "tally_csat": {"by": "country", "count": "cells"},
    "tally_ces": {"by": "country", "count": "cells"},
    "tally_sentiment": {"by": "country", "count": "cells"},
    "tally_themes": {"by": "country", "count": "cells"},
    "tally_response": {"by": "country"},
    "tally_paired": {"by": "country", "metric": "csat"},
    "tally_drivers": {"columns": ["theme"], "count": "cells", "cluster": "country"},
    "impact": {"mentions": ROWS, "by": "country", "draws": 100, "floor": 1},
    "tally_impact": {"mentions": ROWS, "by": "country"},
}
OF_TALLIES: dict[str, tuple[pd.DataFrame, dict[str, Any]]] = {
    "summarise_nps": (TALLY, {}),
    "summarise_csat": (SHARES, {}),
    "summarise_ces": (analytics.tally_ces(ROWS, by="country"), {}),
    "summarise_sentiment": (analytics.tally_sentiment(ROWS, by="country"), {}),
    "summarise_themes": (analytics.tally_themes(ROWS), {}),
    "summarise_response": (analytics.tally_response(ROWS), {}),
    "summarise_paired": (PAIRED, {}),
    "summarise_impact": (IMPACT, {"floor": 1, "draws": 100}),
    "summarise_drivers": (PATTERNS, {"columns": ["theme"], "draws": 100}),
    "compare": (TALLY, {"previous": TALLY, "metric": "nps"}),
    "against_rest": (TALLY, {"metric": "nps"}),
    "split_change": (TALLY, {"previous": TALLY, "metric": "nps"}),
    "clustered": (TALLY, {"cluster": "segment", "metric": "nps"}),
    "clustered_change": (TALLY, {"previous": TALLY, "cluster": "segment", "metric": "nps"}),
    "shrink": (TALLY, {"metric": "nps"}),
    "outlook": (TALLY, {"metric": "nps", "difference": 5.0, "power": 0.8}),
    "rake": (TALLY, {"targets": TARGETS, "trim": 5.0, "tolerance": 1e-6, "max_iterations": 50}),
    "weigh": (TALLY, {"raking": FIT}),
    "experiment": (
        TALLY,
        {"metric": "nps", "control": "a", "effect": 5.0, "allocation": dict.fromkeys("abcdef", 1)},
    ),
    "anomalies": (TREND, {"metric": "nps", "false_alarms": 0.05, "seed": 0}),
    "change_points": (TREND, {"metric": "nps", "false_alarms": 0.05, "seed": 0}),
    "read_countries": (
        COUNTRIES,
        {"keys": ("country", "period"), "least_periods": 8, "ruler": "net"},
    ),
    "representativity": (ASKED, {}),
    "worst_case": (ASKED, {"asked": "asked"}),
    "early_late": (WAVES, {"wave": "wave"}),
    "roll_up": (TALLY, {"by": "segment"}),
}
PLAIN: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "adjusted_wald": ((5, 2, 10), {}),
    "tango": ((5, 2, 10), {}),
    "wilson": ((5, 10), {}),
    "student_mean": ((15, 55, 5), {}),
    "false_discovery": (([0.1, 0.2],), {}),
    "shrink_means": (([1.0, 2.0, 3.0, 5.0], [1.0] * 4), {}),
    "bucket_start": ((DAY, "week"), {}),
    "buckets": ((PERIOD,), {"grain": "week"}),
    "choose_grain": ((PERIOD,), {}),
    "previous": ((PERIOD,), {}),
    "to_date": ((PERIOD, DAY), {}),
    "Period": ((DAY, DAY), {}),
    "SamplePlan": ((0.5,), {"power": 0.8, "other": 50, "population": 90, "design_effect": 1.0}),
}
# Of these another file of tests asks the same.
ELSEWHERE = {
    "suppress": "privacy/test_suppress.py",
    "nested_ok": "privacy/test_suppress.py",
    "Breakdown": "test_scope.py",
    "Scope": "test_scope.py",
    "count_comments": "test_plan.py",
    "count_scores": "test_plan.py",
    "count_themes": "test_plan.py",
    "weighted_scores": "test_weighted.py",
    "exposed_atoms": "privacy/test_together.py",
    "releasable": "privacy/test_releases.py",
    "protect_comments": "privacy/test_protection.py",
    "protect_scores": "privacy/test_protection.py",
    "protect_themes": "privacy/test_protection.py",
    "suppress_together": "privacy/test_together.py",
}
# Takes flags that this package made of the very table.
TRUSTED = {"conceal"}
# What functions return: nothing to be called with.
RESULTS = {
    *("AnalyticsError", "ArgumentError", "FrameError", "Grain", "Filters"),
    *("FACTS", "MENTIONS", "VALUES", "FactShape", "Field", "Weighted", "Rows"),
    *("Drivers", "Experiment", "Levels", "Raking", "Representativity", "Shrunk", "Split"),
}


def test_every_public_name_is_here() -> None:
    listed = [*FRAMES, *OF_TALLIES, *PLAIN, *ELSEWHERE, *TRUSTED, *RESULTS]
    assert sorted(listed) == sorted(set(analytics.__all__))
    for name, file in ELSEWHERE.items():
        assert name in (Path(__file__).parent / file).read_text(encoding="utf-8"), name


def ask(name: str, *arguments: Any, **options: Any) -> Any:
    """Its result, generators run to their end."""
    found = getattr(analytics, name)(*arguments, **options)
    return list(found) if isinstance(found, Iterator) else found


def rightly(name: str) -> tuple[list[Any], dict[str, Any]]:
    if name in FRAMES:
        return [ROWS], FRAMES[name]
    if name in OF_TALLIES:
        table, options = OF_TALLIES[name]
        return [table], options
    arguments, options = PLAIN[name]
    return list(arguments), options


CALLS = [*FRAMES, *OF_TALLIES, *PLAIN]
every_call = pytest.mark.parametrize("name", CALLS)
every_frame = pytest.mark.parametrize("name", FRAMES)
every_table = pytest.mark.parametrize("name", OF_TALLIES)


@every_call
def test_rightly_used_it_answers(name: str) -> None:
    arguments, options = rightly(name)
    assert ask(name, *arguments, **options) is not None


NONSENSE: list[Any] = [
    *(None, "x", "", True, [], {}, [None], [[1], [1, 2]], -1, 0, 95, 0.5, -1e300, 10**400),
    *(np.nan, np.inf, -np.inf, np.array([np.inf]), np.array(["a"]), pd.NA, pd.Series([None])),
    *((each for each in "ab"), DAY, len, pd.DataFrame(), pl.DataFrame({"a": [1]})),
]


def is_sound(found: Any) -> bool:
    """Neither an infinite number nor an interval that lies the wrong way round."""
    tables = [found, *getattr(found, "__dict__", {}).values()]
    for table in tables:
        if isinstance(table, pd.DataFrame):
            measures = {"n", "comments", "mentions"} & set(table)
            keys = analytics.tallies.keys(table) if measures else []
            numbers = table.drop(columns=keys).select_dtypes("number")
            if np.isinf(numbers.to_numpy(np.float64, na_value=np.nan)).any():
                return False
            if {"low", "high"} <= set(table) and (table["low"] > table["high"]).any():
                return False
    return True


def survives(name: str, *arguments: Any, **options: Any) -> None:
    """A sound answer, or an AnalyticsError that says what would do."""
    try:
        found = ask(name, *arguments, **options)
    except AnalyticsError as error:
        assert "; " in str(error)
    else:
        assert is_sound(found)


@every_call
def test_nonsense_in_any_place(name: str) -> None:
    arguments, options = rightly(name)
    for place, wrong in itertools.product([*range(len(arguments)), *options], NONSENSE):
        several, named = dict(enumerate(arguments)), dict(options)
        (several if isinstance(place, int) else named)[place] = wrong
        try:
            survives(name, *several.values(), **named)
        except Exception as error:
            raise AssertionError(f"{place}={wrong!r:.80}: {error!r}") from error


@every_call
def test_confidence(name: str) -> None:
    arguments, options = rightly(name)
    if "confidence" not in get_type_hints(getattr(analytics, name)):
        return
    for wrong in (0, 1, 95, "0.95", None, float("nan"), [0.95], True):
        with pytest.raises(ArgumentError, match="confidence: is"):
            ask(name, *arguments, **options | {"confidence": wrong})


@pytest.mark.parametrize("name", [name for name in FRAMES if not name.startswith("tally")])
def test_frames_of_every_wrong_kind(name: str) -> None:
    options, needed = FRAMES[name], []
    for column in ROWS:
        try:
            ask(name, ROWS.rename(columns={column: f"{column}s"}), **options)
        except FrameError as error:
            assert (error.column, error.nearest) == (column, f"{column}s")
            needed.append(column)
    assert needed
    for column in needed:
        for value in ("x", -1, 8.5, True, None, np.inf, [1]):
            wrong = ROWS.assign(**{column: pd.Series([value] * len(ROWS), dtype=object)})
            survives(name, wrong, **options)


@every_frame
@pytest.mark.parametrize("rows", [ROWS.head(0), ROWS.head(1), ROWS.assign(score=None)])
def test_no_row_one_row_and_none_known(name: str, rows: pd.DataFrame) -> None:
    for frame in (rows, pl.from_pandas(rows).lazy()):
        options = FRAMES[name]
        if name in {"impact", "tally_impact"}:
            options = options | {"mentions": frame}
        assert is_sound(ask(name, frame, **options))


@pytest.mark.parametrize("weight", [-1, 0, float("nan"), float("inf"), None, "1", True])
@pytest.mark.parametrize("name", ["nps", "tally_nps"])
def test_weights(name: str, weight: Any) -> None:
    frame = ROWS.assign(w=pd.Series([1.0] * 15 + [weight], dtype=object))
    with pytest.raises(FrameError, match=r"column 'w' holds .*finite numbers > 0"):
        ask(name, frame, weight="w")


@every_table
def test_tables_of_every_wrong_kind(name: str) -> None:
    table, options = OF_TALLIES[name]
    for column in table:
        for value in ("x", -1, 0.5, True, None, np.inf, 1e300, [1], DAY):
            wrong = table.assign(**{str(column): pd.Series([value] * len(table), dtype=object)})
            try:
                survives(name, wrong, **options)
            except Exception as error:
                raise AssertionError(f"{column}={value!r}: {error!r}") from error
    reverse = table[table.columns[::-1]]
    for other in (table.head(0), table.head(1), pd.concat([table, table]), reverse):
        survives(name, other, **options)
    with pytest.raises(FrameError, match="; "):
        ask(name, table[analytics.tallies.keys(table)], **options)


@every_table
def test_a_suppressed_table_is_read_as_such_or_refused(name: str) -> None:
    table, options = OF_TALLIES[name]
    hidden = analytics.suppress(table, respondents=[3, *[40] * (len(table) - 1)])
    try:
        assert is_sound(ask(name, hidden, **options))
    except AnalyticsError as error:
        assert "suppressed" in str(error) or "null" in str(error) or "one row" in str(error)


@pytest.mark.parametrize("metric", ["nps", "csat", "ces", "sentiment", "response"])
@pytest.mark.parametrize(
    "name", [name for name, (_, options) in OF_TALLIES.items() if "metric" in options]
)
def test_a_table_of_another_metric(name: str, metric: str) -> None:
    table, options = OF_TALLIES[name]
    if metric != "nps":
        with pytest.raises(FrameError, match="is missing; pass a table of"):
            ask(name, table, **options | {"metric": metric})


def test_a_weighted_result_is_not_read_as_a_tally() -> None:
    weighted = analytics.nps(ROWS, by="country", weight="w")
    with pytest.raises(FrameError, match=r"'n_eff' says that the scores are weighted; pass tally"):
        analytics.summarise_nps(weighted)
    with pytest.raises(FrameError, match="'low' does not add up"):
        analytics.roll_up(analytics.nps(ROWS, by="country"))


def test_a_period_that_ends_before_it_starts_or_is_no_dates() -> None:
    with pytest.raises(ArgumentError, match=r"end: .* is before .*; swap them"):
        Period(DAY, date(2026, 1, 1))
    for wrong in (None, "2026-05-01", 20260501, pd.Timestamp("2026-05-01")):
        with pytest.raises(ArgumentError, match="; a date"):
            Period(wrong, DAY)
        with pytest.raises(ArgumentError, match="; a date"):
            Period(DAY, wrong)
