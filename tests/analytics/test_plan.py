"""The planner against plain Python, on every engine."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import fact_rows
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics import (
    VALUES,
    ArgumentError,
    Breakdown,
    Filters,
    FrameError,
    Period,
    Scope,
    bucket_start,
    buckets,
    count_comments,
    count_scores,
    count_themes,
    engines,
)

SPRING = Period(date(2026, 2, 10), date(2026, 5, 20))
Row = dict[str, Any]


@st.composite
def some_rows(draw: st.DrawFn, *, mentions: bool = False) -> list[Row]:
    """Rows in and around the scope, with nulls, other workspaces, kinds and repeated people."""
    codes = st.sampled_from([None, "a", "b", "c"])
    every: dict[str, st.SearchStrategy[Any]] = {
        "workspace": st.sampled_from([1, 1, 1, 2]),
        "day": st.dates(SPRING.start - timedelta(20), SPRING.end + timedelta(20)),
        "received": st.integers(0, 9),
        "survey": st.sampled_from(["x", "y"]),
        "kind": st.sampled_from(["relational", "transactional"]),
        "person": st.integers(-3, 3),
        "country": codes,
        "stage": codes,
        "gender": codes,
    }
    if mentions:
        every["theme"] = st.sampled_from(["t", "u"])
        every["polarity"] = st.sampled_from([None, "negative", "neutral", "positive"])
    row = st.fixed_dictionaries(every)
    rows = draw(st.lists(row, max_size=30))
    return rows if mentions else [scored | draw(_answer()) for scored in rows]


@st.composite
def _answer(draw: st.DrawFn) -> Row:
    metric = draw(st.sampled_from(["nps", "csat", "ces", "comment"]))
    if metric == "comment":
        polarity = st.sampled_from([None, "negative", "neutral", "positive"])
        return {"metric": metric, "score": None, "sentiment": draw(polarity)}
    low, high = {"nps": (0, 10), "csat": (1, 5), "ces": (1, 7)}[metric]
    return {"metric": metric, "score": draw(st.integers(low, high)), "sentiment": None}


SCOPES = st.builds(
    Scope,
    workspace=st.just(1),
    period=st.just(SPRING),
    kind=st.sampled_from(["relational", "transactional", None]),
    survey=st.sampled_from([None, "x"]),
    as_of=st.sampled_from([None, datetime(1970, 1, 1, microsecond=5, tzinfo=UTC)]),
    filters=st.dictionaries(
        st.sampled_from(["country", "stage", "month"]),
        st.lists(st.sampled_from(["a", "b", "2026-03"]), max_size=2, unique=True),
        max_size=3,
    ),
)
WAYS = [
    Breakdown("nps"),
    Breakdown("csat", kind="transactional"),
    Breakdown("ces", by=("gender",), kind="transactional"),
    Breakdown("nps", by=("bucket",)),
    Breakdown("nps", by=("stage", "country")),
    Breakdown("nps", by=("survey", "month")),
    Breakdown("nps", by=("bucket", "stage"), kind="transactional"),
]


def _inside(row: Row, scope: Scope, kind: str | None, holding: Filters) -> bool:
    of_survey = row["survey"] == scope.survey if scope.survey else kind in (None, row["kind"])
    values = row | {"month": f"{row['day']:%Y-%m}"}
    return (
        row["workspace"] == scope.workspace
        and scope.period.start <= row["day"] <= scope.period.end
        and of_survey
        and (scope.as_of is None or row["received"] <= scope.as_of.microsecond)
        and all(values[name] in scope.filters[name] for name in holding)
    )


def _table(groups: dict[Any, list[Row]], by: Sequence[str], counts: Callable[..., Row]) -> Any:
    """Keys sorted, null last, then what `counts` says of the rows of each."""
    order = sorted(groups, key=lambda key: [(part is None, part or "") for part in key])
    rows = [dict(zip(by, key, strict=True)) | counts(groups[key]) for key in order]
    table = pd.DataFrame(rows, columns=[*by, *counts([])])
    return table.astype(dict.fromkeys(by, "str") | dict.fromkeys(counts([]), "int64"))


def _people(rows: Sequence[Row]) -> int:
    return len({row["person"] for row in rows})


def _scores(rows: Sequence[Row], scope: Scope, way: Breakdown, holding: Filters) -> pd.DataFrame:
    wanted = [row for row in rows if row["metric"] == way.metric]
    wanted = [row for row in wanted if _inside(row, scope, way.kind, holding)]
    groups: dict[Any, list[Row]] = {} if way.by else {(): []}
    if way.by == ("bucket",):
        groups = {(str(day),): [] for day in buckets(scope.period, grain="month")}
    for row in wanted:
        said = row | {
            "month": f"{row['day']:%Y-%m}",
            "bucket": str(bucket_start(row["day"], "month")),
        }
        groups.setdefault(tuple(said[name] for name in way.by), []).append(row)
    values = VALUES[way.metric]

    def counts(answers: Sequence[Row]) -> Row:
        scores = [max(value for value in values if value <= row["score"]) for row in answers]
        return {"people": _people(answers)} | {value: scores.count(value) for value in values}

    return _table(groups, way.by, counts)


def _judged(rows: Sequence[Row], column: str) -> Row:
    said = [row[column] for row in rows]
    each = {name: said.count(name) for name in ("negative", "neutral", "positive")}
    return {"people": _people(rows)} | each | {"unscored": said.count(None)}


@settings(max_examples=8, deadline=None)
@given(rows=some_rows(), scope=SCOPES)
def test_scores_and_comments_are_those_of_plain_python(rows: list[Row], scope: Scope) -> None:
    asked = [(way, holding) for way in WAYS for holding in scope.nested()]
    comments = [row for row in rows if row["metric"] == "comment"]
    for name, make in fact_rows.ENGINES.items():
        frame = make(fact_rows.table(rows))
        for (way, holding), found in zip(asked, count_scores(frame, scope, asked), strict=True):
            expected = _scores(rows, scope, way, holding)
            pd.testing.assert_frame_equal(found, expected, obj=f"{name} {way}")
        for holding, found in zip(
            scope.nested(), count_comments(frame, scope, scope.nested()), strict=True
        ):
            inside = [row for row in comments if _inside(row, scope, scope.kind, holding)]
            expected = _table({(): inside}, (), lambda said: _judged(said, "sentiment"))
            pd.testing.assert_frame_equal(found, expected, obj=name)


@settings(max_examples=8, deadline=None)
@given(rows=some_rows(mentions=True), scope=SCOPES)
def test_themes_are_those_of_plain_python(rows: list[Row], scope: Scope) -> None:
    def counts(said: Sequence[Row]) -> Row:
        scored = _people([row for row in said if row["polarity"]])
        return _judged(said, "polarity") | {"scored_people": scored}

    for name, make in fact_rows.ENGINES.items():
        tables = count_themes(make(fact_rows.mentions(rows)), scope, scope.nested())
        for holding, found in zip(scope.nested(), tables, strict=True):
            groups: dict[Any, list[Row]] = {}
            for row in rows:
                if _inside(row, scope, scope.kind, holding):
                    groups.setdefault((row["theme"],), []).append(row)
            pd.testing.assert_frame_equal(found, _table(groups, ["theme"], counts), obj=name)


@pytest.mark.parametrize("engine", fact_rows.ENGINES)
@pytest.mark.parametrize("stages", [["a"], ["a", "b"], []])
def test_a_filter_of_all_that_is_asked_counts_as_one_of_some(
    engine: str, stages: list[str]
) -> None:
    rows = [
        {
            "score": at % 11,
            "stage": [None, "a", "b"][at % 3],
            "country": "de"[: at % 3],
            "person": at % 7,
        }
        for at in range(40)
    ]
    talk = [row | {"metric": "comment", "score": None} for row in rows]
    facts = fact_rows.ENGINES[engine](fact_rows.table(rows + talk))
    themes = fact_rows.ENGINES[engine](fact_rows.mentions(rows))
    scope = Scope(workspace=1, period=SPRING, filters={"stage": stages, "country": ["d"]})
    for some in ([("stage",)], [("stage",), ("stage", "country")]):
        ways = [(way, holding) for holding in some for way in WAYS]
        for count, frame, asked, unfiltered in (
            (count_scores, facts, ways, (WAYS[0], ())),
            (count_comments, facts, some, ()),
            (count_themes, themes, some, ()),
        ):
            *expected, _ = count(frame, scope, [*asked, unfiltered])
            for found, table in zip(count(frame, scope, asked), expected, strict=True):
                pd.testing.assert_frame_equal(found, table)


def test_in_one_statement_or_over_a_table_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        {"score": at % 11, "stage": "ab"[at % 2], "person": at % 7, "country": None}
        for at in range(40)
    ]
    frame = fact_rows.ENGINES["duckdb"](fact_rows.table(rows))
    scope = Scope(workspace=1, period=SPRING, filters={"stage": ["a"]})
    asked = [(way, holding) for way in WAYS for holding in scope.nested()]
    tables = []
    for few, connection in ((0, None), (1000, None), (0, engines._connection(frame))):
        monkeypatch.setattr("analytics.engines.FEW", few)
        # Older clients don't say where a relation lives.
        monkeypatch.setattr("analytics.engines._connection", lambda _, found=connection: found)
        tables.append(count_scores(frame, scope, asked))
    for first, *others in zip(*tables, strict=True):
        for other in others:
            pd.testing.assert_frame_equal(first, other)


@pytest.mark.parametrize("engine", fact_rows.ENGINES)
@pytest.mark.parametrize(
    "period",
    [
        Period(date(2026, 2, 1), date(2026, 2, 28)),
        Period(date(2026, 2, 2), date(2026, 2, 28)),
        Period(date(2026, 2, 1), date(2026, 2, 27)),
    ],
)
def test_a_period_has_its_first_and_last_day_and_no_other(engine: str, period: Period) -> None:
    days = [date(2026, 1, 31) + timedelta(at) for at in range(30)]
    rows = [{"score": 9, "day": day, "person": at} for at, day in enumerate(days)]
    frame = fact_rows.ENGINES[engine](fact_rows.table(rows))
    (found,) = count_scores(frame, Scope(workspace=1, period=period), [(Breakdown("nps"), ())])
    assert found["people"].item() == period.days


@pytest.mark.parametrize("values", [8, 9])
def test_few_values_of_a_filter_hold_as_many_do(values: int) -> None:
    rows = [{"score": 9, "country": f"c{at % 12}", "person": at} for at in range(60)]
    countries = [f"c{at}" for at in range(values)]
    scope = Scope(workspace=1, period=SPRING, filters={"country": countries})
    asked = [(Breakdown("nps"), ("country",)), (Breakdown("nps"), ())]
    for make in fact_rows.ENGINES.values():
        held, every = count_scores(make(fact_rows.table(rows)), scope, asked)
        assert (held["people"].item(), every["people"].item()) == (5 * values, 60)


@pytest.mark.parametrize("kind", ["a code", "'; DROP TABLE soundings_held; --", 'x" OR "1"="1'])
def test_a_value_is_never_read_as_sql(kind: str) -> None:
    rows = [{"score": 9, "stage": stage, "person": at} for at, stage in enumerate([kind, "other"])]
    frame = fact_rows.ENGINES["duckdb"](fact_rows.table(rows))
    for holding in ((), ("stage",)):
        scope = Scope(workspace=1, period=SPRING, filters={"stage": [kind]})
        asked = [(Breakdown("nps", by=("stage",)), holding), (Breakdown("nps"), ("stage",))]
        assert count_scores(frame, scope, asked)[1]["people"].item() == 1


def test_frames_of_one_shape_are_told_apart_though_their_plan_is_one() -> None:
    scope, asked = Scope(workspace=1, period=SPRING), [(Breakdown("nps"), ())]
    for people in (1, 2, 3):
        rows = [{"score": 9, "person": at} for at in range(people)]
        frame = fact_rows.ENGINES["duckdb"](fact_rows.table(rows))
        assert count_scores(frame, scope, asked)[0]["people"].item() == people


@pytest.mark.parametrize("engine", fact_rows.ENGINES)
def test_a_score_out_of_range_is_refused(engine: str) -> None:
    scope = Scope(workspace=1, period=SPRING)
    for score, metric in ((11, "nps"), (-1, "nps"), (0, "csat"), (8, "ces")):
        rows = [{"score": 5, "metric": metric}, {"score": score, "metric": metric}]
        frame = fact_rows.ENGINES[engine](fact_rows.table(rows))
        with pytest.raises(FrameError, match="score"):
            count_scores(frame, scope, [(Breakdown(metric), ())])


def test_what_does_not_fit_is_named() -> None:
    scope = Scope(workspace=1, period=SPRING, filters={"stage": ["a"]})
    table, asked = fact_rows.table([{"score": 5}]), [(Breakdown("nps"), ())]
    with pytest.raises(FrameError, match=r"'person' is missing.*'persons'"):
        count_scores(table.rename_columns({"person": "persons"}), scope, asked)
    with pytest.raises(FrameError, match=r"'score' is of type String.*int64"):
        count_scores(_with(table, "score", pa.array(["5"])), scope, asked)
    with pytest.raises(FrameError, match=r"'day' is of type String.*date"):
        count_scores(_with(table, "day", pa.array(["2026-03-02"])), scope, asked)
    with pytest.raises(FrameError, match="pandas, Polars"):
        count_scores([1], scope, asked)
    with pytest.raises(ArgumentError, match=r"'country' is no filter of the scope; one of stage"):
        count_scores(table, scope, [(Breakdown("nps"), ("country",))])
    assert count_scores(table, scope, []) == count_comments(table, scope, []) == []


def _with(table: pa.Table, name: str, column: pa.Array) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, column)
