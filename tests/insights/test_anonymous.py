"""Anonymous surveys: what any two requests differ by is batches of five, whatever happens between.

The abuse: periods subtracted from each other, one answer alone, a file that arrives late, an
erasure, filters and crossings, and comments.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import combinations, permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from factories import NOW, Cast, log_in
from flask import Flask
from flask.testing import FlaskClient
from insights.lake.lakes import add, prove, tidy, write
from insights.lake.looks import moment
from perceptions import PAGE, fill, text_of

from analytics import Breakdown, Period, Scope
from survey_app.accounts.models import Workspace
from survey_app.accounts.queries import workspace_by_key
from survey_app.app import JOB_KINDS
from survey_app.db import db
from survey_app.insights import releases
from survey_app.insights.commands import export_nps
from survey_app.insights.comments.queries import EVERYTHING, list_comments
from survey_app.insights.comments.readable import Readable, what_is_readable
from survey_app.insights.comments.schemas import Selection
from survey_app.insights.jobs import RELEASE_ANSWERS
from survey_app.jobs import run_once
from survey_app.responses.models import Response
from survey_app.surveys.operations import create_from_template

KEY = "quiet-nps"
NPS = Breakdown("nps")
MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)  # 11 o'clock in Helsinki
WEEK = timedelta(weeks=1)
SUNDAYS = [date(2026, 3, 8) + number * WEEK for number in range(5)]


@pytest.fixture
def quiet(app: Flask, cast: Cast) -> Flask:
    """A workspace with an anonymous survey beside those with names."""
    with app.app_context():
        acme = workspace_by_key(db.session, cast.workspace)
        create_from_template(
            db.session, KEY, workspace=acme, template="nps", anonymous=True, now=NOW
        )
        db.session.commit()
    return app


def answer(app: Flask, count: int, *, week: int = 0, survey: str = KEY, **values: Any) -> list[int]:
    """Answers that came in a week's middle; by themselves they would be of the first of May."""
    at = MONDAY + week * WEEK + timedelta(days=2)
    told: dict[str, Any] = {"country": "FI", "stage": "adopt", "day": date(2026, 5, 1)}
    with app.app_context():
        ids = add(db.session, count, survey, received_at=at, **told | values)
        db.session.commit()
    return ids


def close_week(app: Flask, week: int) -> None:
    """What the worker does at a week's close."""
    now = MONDAY + (week + 1) * WEEK
    with app.app_context():
        found = releases.find_unreleased(db.session, 10, now=now)
        releases.store(db.session, releases.read(db.session, found, now=now), now)
        db.session.commit()


def released(app: Flask) -> dict[date | None, int]:
    with app.app_context():
        weeks = db.session.scalars(sa.select(Response.released_week))
        return dict(Counter(weeks))


def scope_of(app: Flask, period: Period, **options: Any) -> Scope:
    with app.app_context():
        workspace = workspace_by_key(db.session, "acme")
        return Scope(workspace=workspace.id, zone=workspace.zone, period=period, **options)


def table(app: Flask, period: Period, *by: str, **options: Any) -> Counter[Any]:
    """People by key, as they are counted for a page before anything hides."""
    scope = scope_of(app, period, **options)
    with moment(app) as facts:
        (found,) = facts.scores(scope, [(NPS.over(*by), tuple(scope.filters))])
    keys = list(found[list(by)].itertuples(index=False, name=None)) if by else [()]
    return Counter(dict(zip(map(str, keys), found["people"].tolist(), strict=True)))


SPRING = Period(date(2026, 3, 1), date(2026, 5, 31))


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


def run_of(app: Flask, now: datetime) -> bool:
    """The worker's round, as if it were then; whether there was anything to do."""
    kind = replace(
        RELEASE_ANSWERS,
        find=lambda session, limit: releases.find_unreleased(session, limit, now=now),
        read=lambda session, ids: releases.read(session, ids, now=now),
    )
    with app.app_context():
        return bool(run_once(kind, now))


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


def test_the_page_and_the_export_say_what_they_leave_out(
    quiet: Flask, client: FlaskClient, cast: Cast
) -> None:
    now = datetime.now(UTC)
    with quiet.app_context():
        add(db.session, 12, KEY, received_at=now - 2 * WEEK, country="FI", stage="adopt")
        db.session.commit()
    assert run_of(quiet, now)
    log_in(client, cast.member)
    said = "1 survey that promises anonymity is left out"
    page = text_of(client.get(PAGE).get_data(as_text=True))
    assert "Answers 12" in page and "week to" in page and said not in page
    for query in ("?country=FI", f"?from={now - WEEK:%Y-%m-%d}"):  # the latter by days
        page = text_of(client.get(PAGE + query).get_data(as_text=True))
        assert "Answers 12" not in page and "week to" not in page and said in page
    one, two = (
        quiet.test_cli_runner().invoke(export_nps, ["--workspace", "acme", "--by", by])
        for by in ("country", "country,stage")
    )
    assert "FI,12,12" in one.output and "Left out" not in one.output
    assert "FI" not in two.output and "Left out: 1 anonymous survey, which is" in two.stderr


# --- comments -------------------------------------------------------------------------------------


def readable_of(app: Flask, **filters: Sequence[str]) -> Readable | None:
    scope = scope_of(app, SPRING, filters=filters)
    with moment(app) as facts:
        workspace = workspace_by_key(db.session, "acme")
        return what_is_readable(facts, workspace, scope)


def listed(app: Flask, selection: Selection = EVERYTHING, **filters: Sequence[str]) -> list[Any]:
    found = readable_of(app, **filters)
    assert found is not None
    with app.app_context():
        page = list_comments(db.session, found, selection, limit=100)
    assert page.counted.comments == len(page.comments)
    return list(page.comments)


def test_ten_comments_are_listed_by_their_week_and_nothing_else(
    quiet: Flask, client: FlaskClient, cast: Cast
) -> None:
    log_in(client, cast.member)
    answer(quiet, 30, survey="acme-nps", day=date(2026, 3, 4))
    answer(quiet, 9)
    close_week(quiet, 0)
    assert not any(one.is_anonymous for one in listed(quiet))
    answer(quiet, 6, week=1)
    assert not any(one.is_anonymous for one in listed(quiet))  # they wait
    close_week(quiet, 1)
    quiet_ones = [one for one in listed(quiet) if one.is_anonymous]
    assert Counter(one.day for one in quiet_ones) == {SUNDAYS[0]: 9, SUNDAYS[1]: 6}
    for one in quiet_ones:
        assert (one.country, one.stage, one.score, one.contradicts) == (None, None, None, False)
    assert not any(one.is_anonymous for one in listed(quiet, country=("FI",)))
    period = f"from={SPRING.start}&to={SPRING.end}"
    page = text_of(client.get(f"/w/acme/comments?{period}").get_data(as_text=True))
    assert "45 comments" in page and "week to Mar 15, 2026" in page
    for query in ("comments?sentiment=negative", "comments?country=FI", "themes?"):
        page = text_of(client.get(f"/w/acme/{query}&{period}").get_data(as_text=True))
        assert "1 survey that promises anonymity is left out" in page
    chosen = listed(quiet, Selection(sentiment="negative"))
    assert len(chosen) == 30 and not any(one.is_anonymous for one in chosen)


def test_few_comments_with_names_do_not_hide_among_the_others(quiet: Flask) -> None:
    answer(quiet, 20)
    close_week(quiet, 0)
    assert len(listed(quiet)) == 20
    answer(quiet, 3, survey="acme-nps", day=date(2026, 3, 4))
    assert readable_of(quiet) is None


def test_a_country_of_an_anonymous_survey_is_not_among_the_filters(
    quiet: Flask, client: FlaskClient, cast: Cast
) -> None:
    answer(quiet, 1, country="MT")
    answer(quiet, 1, survey="acme-nps", country="SE")
    log_in(client, cast.member)
    page = client.get(PAGE).get_data(as_text=True)
    assert 'value="SE"' in page and 'value="MT"' not in page
