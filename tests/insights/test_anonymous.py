"""Anonymous surveys: what any two requests differ by is batches of five, whatever happens between.

The abuse: periods subtracted from each other, one answer alone, a file that arrives late, an
erasure, filters and crossings, a second worker, a clock that goes back.
"""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import combinations, permutations
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from factories import NOW, Cast
from flask import Flask
from insights.lake.lakes import add, prove, tidy, write
from insights.quiet import (
    KEY,
    MONDAY,
    SPRING,
    SUNDAYS,
    WEEK,
    answer,
    ask_quietly,
    close_week,
    released,
    run_of,
    table,
)
from perceptions import fill

from analytics import Period
from survey_app.accounts.models import Workspace
from survey_app.accounts.queries import workspace_by_key
from survey_app.app import JOB_KINDS
from survey_app.db import db
from survey_app.insights import releases
from survey_app.insights.jobs import RELEASE_ANSWERS
from survey_app.jobs import Job
from survey_app.responses.models import Answer, Response


@pytest.fixture
def quiet(app: Flask, cast: Cast) -> Flask:
    """A workspace with an anonymous survey beside those with names."""
    ask_quietly(app, cast)
    return app


def test_two_exports_subtracted_differ_by_batches_of_five(quiet: Flask) -> None:
    rng, stages = np.random.default_rng(5), ("adopt", "serve", "exit", None)
    for week in range(5):
        for _ in range(16):
            country = str(rng.choice(["FI", "SE", "MT"], p=[0.5, 0.4, 0.1]))
            stage = stages[int(rng.integers(4))]
            answer(quiet, 1, week=week, country=country, stage=stage, score=int(rng.integers(11)))
        close_week(quiet, week)
        if week == 2:
            write(quiet)  # some stand in the lake, some beside it
    assert sum(many for week, many in released(quiet).items() if week) > 40
    periods = [
        Period(first, last)
        for first, last in combinations([date(2026, 3, 1), *SUNDAYS, date(2026, 3, 25)], 2)
        if first <= last
    ]
    for by in ((), ("country",), ("stage",), ("month",), ("language",)):
        found = [table(quiet, period, *by, survey=KEY) for period in periods]
        for (within, few), (period, many) in permutations(zip(periods, found, strict=True), 2):
            if period.start <= within.start and within.end <= period.end:
                for key in few | many:
                    assert many[key] - few[key] == 0 or many[key] - few[key] >= 5, (by, key)
    write(quiet)
    tidy(quiet)
    assert not prove(quiet).differences
    assert [table(quiet, period, "language", survey=KEY) for period in periods] == found


def test_one_answer_alone_waits_for_ever_and_for_company(quiet: Flask) -> None:
    answer(quiet, 1, country="MT")
    for week in range(3):
        close_week(quiet, week)
        write(quiet)
        assert not table(quiet, SPRING)["()"] and released(quiet) == {None: 1}
    answer(quiet, 4, week=3, country="MT")
    assert table(quiet, SPRING)["()"] == 0  # the week is not over
    close_week(quiet, 3)
    assert released(quiet) == {SUNDAYS[3]: 5}
    assert table(quiet, SPRING, "country") == {"('MT',)": 5}


def test_a_week_is_closed_in_the_zone_of_the_workspace(quiet: Flask) -> None:
    at = datetime(2026, 3, 8, 22, 30, tzinfo=UTC)  # Monday in Helsinki
    with quiet.app_context():
        add(db.session, 6, KEY, received_at=at)
        db.session.commit()
    close_week(quiet, 0)
    assert released(quiet) == {None: 6}
    close_week(quiet, 1)
    assert released(quiet) == {SUNDAYS[1]: 6}
    with quiet.app_context():  # and on the Sunday on which clocks go forward, an hour earlier
        acme = workspace_by_key(db.session, "acme")
        over = datetime(2026, 3, 29, 21, tzinfo=UTC)
        for now in (over, over + timedelta(days=6)):
            assert releases.last_week(acme, now) == releases.Week(SUNDAYS[3], over)
        before = releases.last_week(acme, over - timedelta(seconds=1))
        assert before == releases.Week(SUNDAYS[2], datetime(2026, 3, 22, 22, tzinfo=UTC))


def test_an_answer_in_parts_has_a_day_to_be_completed(quiet: Flask) -> None:
    for hours in (6, 30):
        at = MONDAY + WEEK - timedelta(hours=hours + 11)
        with quiet.app_context():
            add(db.session, 5, KEY, status="partial", received_at=at)
            db.session.commit()
    close_week(quiet, 0)
    with quiet.app_context():
        found = db.session.execute(sa.select(Response.released_week, Response.status))
        assert Counter(map(tuple, found)) == {(SUNDAYS[0], "complete"): 5, (None, "partial"): 5}
    close_week(quiet, 1)
    assert released(quiet) == dict.fromkeys(SUNDAYS[:2], 5)


def test_a_late_file_stands_in_the_week_in_which_it_is_published(
    quiet: Flask, tmp_path: Path
) -> None:
    answer(quiet, 7)
    close_week(quiet, 0)
    before = table(quiet, SPRING)
    year = Period(date(2025, 1, 1), date(2025, 12, 31))
    rows = [("2025-03-04T12:00:00Z", 9, "", "FI", "adopt", f"c{n}", "en") for n in range(8)]
    fill(quiet, tmp_path, rows, survey=KEY)
    now = datetime.now(UTC)
    with quiet.app_context():
        assert not releases.read(db.session, [], now=now)
    while run_of(quiet, now):
        pass
    assert table(quiet, SPRING) == before and table(quiet, year) == {"()": 0}
    late = now + WEEK
    assert run_of(quiet, late)
    with quiet.app_context():
        acme = db.session.scalars(sa.select(Workspace).where(Workspace.key == "acme")).one()
        sunday = releases.last_week(acme, late).sunday
    assert table(quiet, SPRING) == before
    assert table(quiet, Period(sunday, sunday)) == {"()": 8}


def test_an_erasure_moves_nobody_to_another_batch(quiet: Flask) -> None:
    first, *others = answer(quiet, 6)
    close_week(quiet, 0)
    write(quiet)
    with quiet.app_context():
        db.session.execute(sa.delete(Response).where(Response.id == first))
        db.session.commit()
    answer(quiet, 2, week=1)
    close_week(quiet, 1)
    assert released(quiet) == {SUNDAYS[0]: len(others), None: 2}
    assert table(quiet, SPRING) == {"()": len(others)}
    write(quiet, later=timedelta(minutes=3))
    assert table(quiet, SPRING) == {"()": len(others)}


def test_a_week_is_worked_off_once(quiet: Flask) -> None:
    assert RELEASE_ANSWERS in JOB_KINDS
    answer(quiet, 9)
    then = MONDAY + WEEK
    assert run_of(quiet, then) and not run_of(quiet, then)
    answer(quiet, 9)  # too late for it
    assert not run_of(quiet, then + timedelta(days=3))
    assert released(quiet) == {SUNDAYS[0]: 9, None: 9}


def test_no_week_is_published_twice_by_a_second_worker_or_a_clock_that_goes_back(
    quiet: Flask,
) -> None:
    answer(quiet, 9)
    close_week(quiet, 1)
    answer(quiet, 9)
    with quiet.app_context():
        (survey,) = db.session.scalars(sa.select(Response.survey_id).distinct())
        late = sa.select(Response.id).where(Response.released_week.is_(None))
        said = dict.fromkeys(db.session.scalars(late), ("", "complete"))
        for sunday in SUNDAYS[:2]:
            releases.store(db.session, [releases.Batch(survey, sunday, said)], NOW)
        db.session.commit()
    close_week(quiet, 0)
    assert released(quiet) == {SUNDAYS[1]: 9, None: 9}


def test_a_survey_that_failed_is_tried_anew(quiet: Flask) -> None:
    answer(quiet, 9)
    now = MONDAY + WEEK
    with quiet.app_context():
        (survey,) = releases.find_unreleased(db.session, 10, now=now)
        db.session.add(Job(kind=releases.KIND, subject=survey, due_at=now, quarantined_at=now))
        db.session.commit()
    assert not run_of(quiet, now + timedelta(minutes=5))
    assert run_of(quiet, now + timedelta(hours=2)) and released(quiet) == {SUNDAYS[0]: 9}


def test_scores_of_another_metric_and_a_higher_floor_make_answers_wait(quiet: Flask) -> None:
    others = answer(quiet, 11)[:4]
    with quiet.app_context():
        changed = sa.update(Answer).where(Answer.response_id.in_(others), Answer.kind == "nps")
        db.session.execute(changed.values(kind="ces"))
        floor = sa.update(Workspace).where(Workspace.key == "acme")
        db.session.execute(floor.values(score_floor=8))
        db.session.commit()
    close_week(quiet, 0)
    assert released(quiet) == {None: 11}
    answer(quiet, 1, week=1)
    close_week(quiet, 1)
    assert released(quiet) == {SUNDAYS[1]: 8, None: 4}


def test_an_answer_that_changed_meanwhile_holds_up_its_batch(quiet: Flask) -> None:
    changed, *_ = answer(quiet, 5)
    now = MONDAY + WEEK
    with quiet.app_context():
        ids = releases.find_unreleased(db.session, 10, now=now)
        found = releases.read(db.session, ids, now=now)
        db.session.execute(sa.update(Response).where(Response.id == changed).values(counted=False))
        releases.store(db.session, found, now)
        db.session.commit()
    assert released(quiet) == {None: 5}
    close_week(quiet, 0)
    assert released(quiet) == {None: 5}  # four are too few


def test_answers_of_the_very_sunday_leave_the_lake_as_waiting_and_come_back(quiet: Flask) -> None:
    answer(quiet, 6, day=SUNDAYS[0])
    write(quiet)  # nothing of them, yet they are done with
    close_week(quiet, 0)
    assert table(quiet, SPRING) == {"()": 6}
    write(quiet)
    assert table(quiet, SPRING) == {"()": 6} and not prove(quiet).differences


def test_named_surveys_are_counted_as_ever_and_filters_leave_the_others_out(quiet: Flask) -> None:
    answer(quiet, 12, survey="acme-nps", day=date(2026, 3, 4))
    answer(quiet, 8)
    close_week(quiet, 0)
    filters = {"country": ("FI",)}
    for _ in range(2):
        assert table(quiet, SPRING) == {"()": 20}
        assert table(quiet, SPRING, "survey") == {"('acme-nps',)": 12, "('quiet-nps',)": 8}
        assert table(quiet, SPRING, filters=filters) == {"()": 12}
        assert table(quiet, SPRING, survey=KEY, filters=filters) == {"()": 0}
        assert sum(table(quiet, SPRING, "country", "stage").values()) == 12
        write(quiet)


def test_early_moments_know_whole_batches_only(quiet: Flask) -> None:
    answer(quiet, 6)
    close_week(quiet, 0)
    received = MONDAY + timedelta(days=3)
    assert table(quiet, SPRING, as_of=received) == {"()": 0}
    assert table(quiet, SPRING, as_of=MONDAY + WEEK) == {"()": 6}
