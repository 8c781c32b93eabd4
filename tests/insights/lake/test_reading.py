"""Reading: every answer once and at once, whatever the worker does meanwhile."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from factories import Cast
from flask import Flask
from insights.lake.lakes import tidy, write
from insights.lake.looks import NPS, answer, change, count, counted, moment, scope_of, told

from survey_app.accounts.models import Workspace
from survey_app.insights.lake import reading, writing
from survey_app.insights.lake.reading import results
from survey_app.responses.models import Answer, Response

LATER = timedelta(minutes=3)  # what has changed waits for two


@pytest.fixture(autouse=True)
def _nothing_held() -> None:
    results.forget()


# --- once and at once -----------------------------------------------------------------------------


def test_an_answer_counts_at_once_and_once(app: Flask, cast: Cast) -> None:
    for people in (3, 6, 9):
        answer(app, 3)
        assert count(app) == told(people)
        write(app)
        assert count(app) == told(people)
    tidy(app)
    assert count(app) == told(9)


def test_what_changed_counts_as_it_is_now(app: Flask, cast: Cast) -> None:
    first, second, third, *_ = answer(app, 8)
    write(app)
    change(
        app,
        sa.update(Answer).where(Answer.response_id == first, Answer.kind == "nps").values(number=0),
        sa.update(Response).where(Response.id == second).values(counted=False),
        sa.delete(Response).where(Response.id == third),
    )
    for _ in range(2):
        assert count(app) == told(6, detractors=1)
        write(app, later=LATER)
    tidy(app)
    assert count(app) == told(6, detractors=1)


def test_an_answer_that_moves_to_another_month_stands_in_it_alone(app: Flask, cast: Cast) -> None:
    answer(app, 2)
    (moved,) = answer(app, 1)
    write(app)
    change(app, sa.update(Response).where(Response.id == moved).values(day=date(2026, 7, 1)))
    assert count(app) == told(2)
    write(app, later=LATER)
    assert count(app) == told(2)


def test_another_workspaces_rows_are_never_read(app: Flask, cast: Cast) -> None:
    for _ in range(2):  # in the tail, then in the lake too
        answer(app, 2)
        answer(app, 5, "rival-nps", score=0)
        write(app)
        answer(app, 1)
        answer(app, 1, "rival-nps", score=0)
    assert count(app) == told(6)
    assert count(app, "rival") == told(12, detractors=12)
    change(app, sa.delete(Workspace).where(Workspace.key == "rival"))
    assert count(app) == told(6)


def test_filters_hold_in_the_tail_as_in_the_lake(app: Flask, cast: Cast) -> None:
    answer(app, 3, country="FI")
    write(app)
    answer(app, 2, country="FI")
    answer(app, 4, country=None)
    assert count(app, country=("FI", "SE")) == told(5)
    assert count(app, country=("SE",)) == told(0)


def test_an_early_moment_leaves_out_what_came_later(app: Flask, cast: Cast) -> None:
    then = datetime(2026, 3, 11, tzinfo=UTC)
    for _ in range(2):  # in the lake, and in the tail
        answer(app, 3, received_at=then)
        answer(app, 2, received_at=then + timedelta(seconds=1))
        write(app)
    answer(app, 1, received_at=then)
    with moment(app) as facts:
        scope = scope_of(facts)
        early = replace(scope, as_of=then)
        found = [facts.scores(one, [(NPS, ())])[0]["people"].item() for one in (early, scope)]
    assert found == [7, 11]


# --- one moment -----------------------------------------------------------------------------------


def test_a_moment_stays_what_it_was_while_the_worker_works(app: Flask, cast: Cast) -> None:
    first, *_ = answer(app, 4)
    write(app)
    answer(app, 2)
    with moment(app) as facts:
        scope = scope_of(facts)
        assert facts.scores(scope, [(NPS, ())])[0]["people"].item() == 6
        answer(app, 5)
        change(app, sa.delete(Response).where(Response.id == first))
        write(app, later=LATER)
        tidy(app)
        assert counted(facts) == told(6)
        assert facts.trouble is None
    assert count(app) == told(10)


def test_a_batch_that_is_being_written_is_neither_doubled_nor_missed(
    app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *_ = answer(app, 4)
    write(app)
    answer(app, 2)
    change(app, sa.update(Answer).where(Answer.response_id == first).values(number=0))
    seen = []

    class Died(Exception):
        pass

    def look_then_die(*_: Any, **__: Any) -> None:
        seen.append(count(app))
        raise Died

    # The files are written, the database has not heard of it.
    monkeypatch.setattr(writing, "record", look_then_die)
    with pytest.raises(Died):
        write(app, later=LATER)
    monkeypatch.undo()
    assert seen == [told(6, detractors=1)]
    assert count(app) == told(6, detractors=1)
    write(app, later=LATER)
    assert count(app) == told(6, detractors=1)


def test_files_that_went_meanwhile_are_looked_for_once_more(app: Flask, cast: Cast) -> None:
    answer(app, 3)
    write(app)
    answer(app, 3)
    write(app)
    with moment(app) as facts:
        assert counted(facts) == told(6)
        tidy(app, kept=timedelta())
        results.forget()
        reading._log.cache_clear()
        assert counted(facts) == told(6)
        assert facts.trouble is None


def test_many_read_while_one_writes(app: Flask, cast: Cast) -> None:
    answer(app, 20)
    write(app)

    def look(_: int) -> dict[str, int]:
        found = count(app)
        results.forget()
        return found

    with ThreadPoolExecutor(4) as readers:
        looks = readers.map(look, range(16))
        answer(app, 2)
        write(app)
        seen = list(looks)
    assert all(one in (told(20), told(22)) for one in seen) and count(app) == told(22)
