"""Anonymous surveys on pages: what is said of them, and that no page tells when somebody answers.

The abuse: a page before and after an answer, comments in the order of their arrival, addresses.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from factories import Cast, log_in
from flask import Flask
from flask.testing import FlaskClient
from insights.lake.lakes import add
from insights.lake.looks import moment
from insights.quiet import (
    KEY,
    SPRING,
    SUNDAYS,
    WEEK,
    answer,
    ask_quietly,
    close_week,
    run_of,
    scope_of,
)
from perceptions import PAGE, text_of

from survey_app.accounts.models import Workspace
from survey_app.accounts.queries import workspace_by_key
from survey_app.db import db
from survey_app.insights.commands import export_nps
from survey_app.insights.comments.queries import EVERYTHING, list_comments
from survey_app.insights.comments.readable import Readable, what_is_readable
from survey_app.insights.comments.schemas import Selection, read_before
from survey_app.insights.models import CommentAnalysis

PAGES = (
    *("perception", "perception?country=FI", "comments", "comments?kind=transactional"),
    *("themes", "change"),
)


@pytest.fixture
def quiet(app: Flask, cast: Cast) -> Flask:
    """A workspace with an anonymous survey beside those with names."""
    ask_quietly(app, cast)
    return app


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
    page = text_of(client.get(f"{PAGE}?from={now - WEEK:%Y-%m-%d}").get_data(as_text=True))
    assert "Answers 12" in page and said not in page  # by weeks, however short
    page = text_of(client.get(f"{PAGE}?country=FI").get_data(as_text=True))
    assert "Answers 12" not in page and "week to" not in page and said in page
    one, two = (
        quiet.test_cli_runner().invoke(export_nps, ["--workspace", "acme", "--by", by])
        for by in ("country", "country,stage")
    )
    assert "FI,12,12" in one.output and "Left out" not in one.output
    assert "FI" not in two.output and "Left out: 1 anonymous survey, which is" in two.stderr


def test_nobody_sees_that_an_answer_came(quiet: Flask, client: FlaskClient, cast: Cast) -> None:
    log_in(client, cast.owner)
    with quiet.app_context():
        db.session.execute(sa.update(Workspace).values(redact=True))
        db.session.commit()

    def look() -> list[str]:
        pages = (client.get(f"/w/acme/{page}") for page in (*PAGES, "settings"))
        options = ["--workspace", "acme", "--by", "month"]
        export = quiet.test_cli_runner().invoke(export_nps, options)
        return [*(text_of(page.get_data(as_text=True)) for page in pages), export.output]

    before = look()
    assert "1 survey here promises anonymity." in before[0] and "soundings survey" not in before[0]
    assert "No comments to show" in before[2]
    with quiet.app_context():
        add(db.session, 12, KEY, day=datetime.now(UTC).date(), country="FI", stage="adopt")
        add(db.session, 1, KEY, day=datetime.now(UTC).date(), analysed_version=None)
        db.session.commit()
    assert look() == before


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


def test_the_order_of_comments_and_where_a_page_begins_tell_nothing(quiet: Flask) -> None:
    ids = answer(quiet, 12)
    close_week(quiet, 0)
    answer(quiet, 10, survey="acme-nps", day=SUNDAYS[0])
    found = readable_of(quiet)
    assert found is not None
    with quiet.app_context():
        whole = list_comments(db.session, found, limit=100).comments
        shown, before = [], None
        while page := list_comments(db.session, found, before=before, limit=5):
            shown += page.comments
            before = page.following
            if before is None:
                break
            assert before.number not in ids
            assert read_before(str(before)) == before
    assert shown == whole and len(whole) == 22
    order = [one.place.response_id for one in whole if one.is_anonymous]
    assert sorted(order) == ids and order not in (ids, ids[::-1])


def test_a_comment_that_was_not_read_does_not_say_the_language_of_the_survey(quiet: Flask) -> None:
    ids = answer(quiet, 10, locale="ja")
    close_week(quiet, 0)
    with quiet.app_context():
        db.session.execute(sa.delete(CommentAnalysis).where(CommentAnalysis.response_id.in_(ids)))
        db.session.commit()
    assert {one.language for one in listed(quiet)} == {None}


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
