"""Anonymous surveys: whatever two requests differ by is batches, and nobody in them is told.

`solving` is the independent judge: it tries every group of fewer than k against all rows.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fact_rows import mentions, table
from hypothesis import given, settings
from hypothesis import strategies as st
from solving import incidence, solved

from analytics import (
    ArgumentError,
    Breakdown,
    FrameError,
    Period,
    Scope,
    count_comments,
    count_scores,
    count_themes,
    protect_scores,
)
from analytics.privacy.releases import COMMENTED, METRIC, TABLES, releasable
from analytics.scope import SIDES

NPS = Breakdown("nps")
YEAR = Period(date(2026, 1, 1), date(2026, 12, 31))


def answers_of(seed: int, many: int) -> pd.DataFrame:
    """Answers whose languages and regions say nearly the same as their countries."""
    rng = np.random.default_rng(seed)
    country = rng.choice(["FI", "SE", "DE"], many, p=[0.5, 0.35, 0.15])
    near = pd.Series(country).replace({"FI": "fi", "SE": "sv", "DE": "de"})
    waiting = pd.DataFrame({name: [None] * many for name in SIDES}, dtype=object)
    waiting["country"] = country
    waiting["language"] = np.where(rng.random(many) < 0.9, near, "en")
    waiting["stage"] = np.where(rng.random(many) < 0.2, None, rng.choice(["adopt", "exit"], many))
    asked = np.where(rng.random(many) < 0.8, "nps", "ces")
    waiting["metric"] = np.where(rng.random(many) < 0.9, asked, None)
    return waiting.assign(scored=waiting["metric"].notna(), commented=rng.random(many) < 0.4)


def rows_of(batch: pd.DataFrame) -> Iterator[dict[str, Any]]:
    for within, keys in TABLES:
        counted = batch[batch[within]]
        values = counted[list(keys)].drop_duplicates().to_dict("records")
        yield from ({within: True} | value for value in values)


def sizes(batch: pd.DataFrame) -> list[int]:
    return incidence(batch, rows_of(batch)).sum(axis=1).astype(int).tolist() if len(batch) else []


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.integers(0, 60))
def test_every_row_of_a_batch_holds_nobody_or_enough(seed: int, many: int) -> None:
    waiting = answers_of(seed, many)
    assert all(size == 0 or size >= 5 for size in sizes(waiting[releasable(waiting)]))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(3, 14))
def test_nobody_in_a_batch_is_solved_for(seed: int, many: int) -> None:
    waiting = answers_of(seed, many)
    batch = waiting[releasable(waiting, k=3)]
    if len(batch):
        assert not solved(incidence(batch, rows_of(batch)), range(len(batch)), k=3)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(0, 60))
def test_the_order_of_answers_is_nothing(seed: int, many: int) -> None:
    waiting = answers_of(seed, many)
    order = np.random.default_rng(seed).permutation(many)
    shuffled = releasable(waiting.iloc[order])
    assert (shuffled == releasable(waiting)[order]).all()


def test_what_is_released_leaves_nothing_that_could_follow_alone() -> None:
    released = 0
    for seed in range(20):
        waiting = answers_of(seed, 80)
        flags = releasable(waiting)
        released += int(flags.sum())
        assert not releasable(waiting[~flags]).any()
    assert released > 20 * 80 / 2  # and most need not wait


def test_batches_of_several_weeks_give_nobody_away_however_they_are_combined() -> None:
    waiting, batches = answers_of(1, 0), []
    for week in range(4):
        waiting = pd.concat([waiting, answers_of(week, 9)], ignore_index=True)
        flags = releasable(waiting, k=3)
        batches.append(waiting[flags].assign(week=week))
        waiting = waiting[~flags].reset_index(drop=True)
    told = pd.concat(batches, ignore_index=True)
    assert len(told) > 20
    # Any period is a sum of weeks: those of single weeks say all that there is to say.
    rows = [row | {"week": week} for week, batch in enumerate(batches) for row in rows_of(batch)]
    groups = ((at,) for at in range(len(told)))
    assert not solved(incidence(told, rows), range(len(told)), k=3, groups=groups)


def test_rows_of_five_alone_would_give_people_away() -> None:
    # The counter-check: 6 in Finland, 5 in Finnish; the one in Swedish is among enough Swedes.
    waiting = pd.DataFrame({name: [None] * 12 for name in SIDES})
    waiting["country"] = ["FI"] * 6 + ["SE"] * 6
    waiting["language"] = ["fi"] * 5 + ["sv"] * 7
    waiting = waiting.assign(metric="nps", scored=True, commented=False)
    assert min(filter(None, sizes(waiting))) == 5
    assert solved(incidence(waiting, rows_of(waiting)), range(12), k=5) == [(5,)]
    flags = releasable(waiting)
    assert flags.tolist() == [True] * 5 + [False] + [True] * 6


def test_few_comments_wait_for_others() -> None:
    waiting = pd.DataFrame({name: [None] * 20 for name in SIDES})
    waiting = waiting.assign(metric="nps", commented=[True] * 4 + [False] * 16)
    assert releasable(waiting).tolist() == [False] * 4 + [True] * 16
    assert releasable(waiting.assign(commented=[True] * 5 + [False] * 15)).all()


def test_scores_of_two_metrics_are_no_company_for_each_other() -> None:
    waiting = pd.DataFrame({name: [None] * 20 for name in SIDES})
    waiting = waiting.assign(metric=["nps"] * 16 + ["ces"] * 4, commented=False)
    assert releasable(waiting).tolist() == [True] * 16 + [False] * 4


def test_what_breaks_the_shape_is_refused() -> None:
    waiting = answers_of(0, 3)
    with pytest.raises(FrameError, match="commented"):
        releasable(waiting.drop(columns=COMMENTED))
    for k in (1, True, 5.0):
        with pytest.raises(ArgumentError, match="k: is"):
            releasable(waiting, k=k)  # type: ignore[arg-type]  # what is tested
    assert not releasable(waiting.assign(**{METRIC: None, COMMENTED: False}), k=2).any()


# --- off the lattice ------------------------------------------------------------------------------

PLAIN = {"metric": "nps", "score": 9, "country": "FI", "stage": "adopt"}
ROWS = [
    *({**PLAIN, "response": at, "person": at, "anonymous": at >= 20} for at in range(30)),
    *(
        {**PLAIN, "response": at, "person": at, "anonymous": at >= 20, "metric": "comment"}
        | {"score": None, "question": "comment"}
        for at in range(30)
    ),
]


def counted(scope: Scope, *by: str, grain: Any = "month") -> int:
    way = NPS.over(*by)
    (found,) = count_scores(table(ROWS), scope, [(way, tuple(scope.filters))], grain=grain)
    told, _ = protect_scores(table(ROWS), scope, [way], grain=grain)
    people = int(found["people"].sum())
    assert int(told["people"].sum()) == people  # what is protected is what is counted
    return people


@pytest.mark.parametrize("by", [(), ("stage",), ("country",), ("month",), ("survey",), ("bucket",)])
def test_on_the_lattice_everybody_counts(by: tuple[str, ...]) -> None:
    assert counted(Scope(workspace=1, period=YEAR), *by) == 30


@pytest.mark.parametrize(
    ("by", "options", "grain"),
    [
        (("country", "stage"), {}, "month"),
        (("comment_language",), {}, "month"),
        (("bucket", "stage"), {}, "month"),
        (("bucket",), {}, "day"),
        ((), {"filters": {"country": ["FI"]}}, "month"),
        ((), {"filters": {"country": ["FI", "SE"]}}, "month"),
        ((), {"weights": {"country": {"FI": 1}}}, "month"),
        ((), {"anonymous": False}, "month"),
    ],
)
def test_off_the_lattice_anonymous_surveys_are_left_out(
    by: tuple[str, ...], options: dict[str, Any], grain: str
) -> None:
    assert counted(Scope(workspace=1, period=YEAR, **options), *by, grain=grain) == 20


def test_one_table_off_the_lattice_leaves_them_out_of_all_that_stands_beside_it() -> None:
    scope = Scope(workspace=1, period=YEAR)
    asked = [NPS, NPS.over("country", "stage")]
    for found in count_scores(table(ROWS), scope, [(each, ()) for each in asked]):
        assert found["people"].sum() == 20
    assert not scope.narrowed(asked).anonymous


def test_comments_count_on_the_lattice_and_themes_never() -> None:
    whole, some = Scope(workspace=1, period=YEAR), {"stage": ["adopt"]}
    filtered = Scope(workspace=1, period=YEAR, filters=some)
    assert count_comments(table(ROWS), whole, [()])[0]["people"].tolist() == [30]
    assert count_comments(table(ROWS), filtered, [("stage",)])[0]["people"].tolist() == [20]
    said = mentions([{**row, "score": None} for row in ROWS if row["metric"] == "comment"])
    assert count_themes(said, whole, [()])[0]["people"].tolist() == [20]
