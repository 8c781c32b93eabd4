"""The page *Themes*: who may read it, who may change it, and what a preview shows."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import sqlalchemy as sa
from factories import Cast, csrf_token, log_in
from flask import Flask
from flask.testing import FlaskClient
from perceptions import TODAY, answers, fill, text_of
from werkzeug.test import TestResponse

from survey_app.db import db
from survey_app.insights.comments import analysis
from survey_app.insights.models import OwnTheme
from survey_app.jobs import Job
from survey_app.responses.models import Response

PAGE = "/w/acme/themes"
LATE = "The delivery was late and the box was broken."
AURORA = {"name": "Aurora", "words": "delivery\nbox*", "pattern": ""}


@pytest.fixture
def owner(app: Flask, client: FlaskClient, cast: Cast, tmp_path: Path) -> FlaskClient:
    """An owner's browser, and fourteen comments, of which two are on prices."""
    rows = [
        *answers(12, 2, comment=LATE),
        *answers(2, 3, comment="Far too expensive, the price is absurd."),
    ]
    fill(app, tmp_path, rows)
    log_in(client, cast.owner)
    return client


def read(client: FlaskClient, address: str = "") -> str:
    answer = client.get(PAGE + address)
    assert answer.status_code == 200
    return text_of(answer.get_data(as_text=True))


def preview(client: FlaskClient, **fields: str) -> TestResponse:
    return client.get(f"{PAGE}/own", query_string=fields)


def save(client: FlaskClient, fields: Mapping[str, str]) -> TestResponse:
    return client.post(f"{PAGE}/own", data={**fields, "csrf_token": csrf_token(client)})


def kept(app: Flask) -> list[tuple[str, str, list[str]]]:
    with app.app_context():
        return [
            (theme.code, theme.name, theme.words)
            for theme in db.session.scalars(sa.select(OwnTheme).order_by(OwnTheme.id))
        ]


def test_all_themes_are_there_with_what_may_be_told(owner: FlaskClient) -> None:
    page = read(owner)
    assert "Getting started 0 Setting up 0" in page
    taxonomy = page[page.index("All themes and their parts") :]
    assert "Price withheld" in taxonomy, "two people speak of it"
    assert "Delivery withheld" in taxonomy, "the only other one could be solved"


def test_a_theme_that_enough_speak_of_is_counted(
    app: Flask, owner: FlaskClient, tmp_path: Path
) -> None:
    fill(app, tmp_path, answers(9, 3, comment="The price is absurd.", who="more"))
    page = owner.get(PAGE).get_data(as_text=True)
    taxonomy = text_of(page[page.index('id="all"') :])
    assert "Delivery 12 Mentions" in taxonomy
    assert "theme=theme.delivery" in page


def test_a_new_theme_is_seen_before_it_is_kept(app: Flask, owner: FlaskClient) -> None:
    assert "New theme" in read(owner)
    seen = preview(owner, **AURORA)
    page = seen.get_data(as_text=True)
    assert "New theme" in text_of(page) and 'name="code" value=""' in page
    assert "12 of the newest 14 comments speak of it. The first 10:" in text_of(page)
    assert page.count(">delivery</mark>") == page.count(">box</mark>") == 10
    assert kept(app) == []
    answer = save(owner, AURORA)
    assert answer.status_code == 303 and answer.headers["Location"] == PAGE
    assert kept(app) == [("theme.own.aurora", "Aurora", ["delivery", "box*"])]
    page = read(owner)
    assert "14 of 14 answers with comments are still to be read." in page
    assert "Aurora delivery box*" in page


def test_a_theme_is_changed_and_deleted(app: Flask, owner: FlaskClient) -> None:
    save(owner, AURORA)
    form = preview(owner, code="theme.own.aurora").get_data(as_text=True)
    assert "Change a theme" in text_of(form) and 'name="code" value="theme.own.aurora"' in form
    assert 'value="Aurora"' in form and "delivery\nbox*</textarea>" in form
    changed = {"code": "theme.own.aurora", "name": "Boxes", "words": "box*", "pattern": ""}
    assert preview(owner, **changed).status_code == 200
    assert save(owner, changed).status_code == 303
    assert kept(app) == [("theme.own.aurora", "Boxes", ["box*"])]
    token = {"csrf_token": csrf_token(owner)}
    deleted = owner.post(f"{PAGE}/own/theme.own.aurora/delete", data=token)
    assert deleted.status_code == 303 and kept(app) == []
    assert "“Boxes” is deleted." in read(owner)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": "x" * 100_000}, "name"),
        ({"pattern": "("}, "words"),
        ({"words": "", "pattern": "("}, "pattern"),
        ({"words": "", "pattern": "a*"}, "pattern"),
        ({"words": "", "pattern": "a" * 100_000}, "pattern"),
    ],
)
def test_a_wrong_field_says_so_and_keeps_what_was_typed(
    app: Flask, owner: FlaskClient, fields: dict[str, str], field: str
) -> None:
    said = AURORA | fields
    for answer in (preview(owner, **said), save(owner, said)):
        page = answer.get_data(as_text=True)
        assert answer.status_code == 422
        assert f'aria-describedby="{field}-error"' in page and f'id="{field}-error"' in page
        assert '<h2 id="found">' not in page
    assert kept(app) == []


def test_nul_is_refused(app: Flask, owner: FlaskClient) -> None:
    assert preview(owner, **AURORA | {"name": "a\0b"}).status_code == 404
    for field in ("name", "words", "pattern"):
        assert save(owner, AURORA | {field: "a\0b"}).status_code == 422
    assert kept(app) == []


def test_a_name_stays_text(app: Flask, owner: FlaskClient) -> None:
    nasty = "<script>alert(1)</script>{{7*7}}"
    assert save(owner, AURORA | {"name": nasty}).status_code == 303
    for path in (
        PAGE,
        "/w/acme/comments",
        f"{PAGE}/own?code={kept(app)[0][0]}",
    ):
        page = owner.get(path).get_data(as_text=True)
        assert "<script" not in page, path
        assert path == "/w/acme/comments" or "{{7*7}}" in page
    taken = save(owner, AURORA | {"name": nasty.upper()})
    assert taken.status_code == 409
    assert "There is a theme of this name already." in taken.get_data(as_text=True)


def test_a_member_reads_and_changes_nothing(app: Flask, owner: FlaskClient, cast: Cast) -> None:
    save(owner, AURORA)
    member = app.test_client()
    log_in(member, cast.member)
    page = read(member)
    assert "Aurora" in page and "New theme" not in page and "Delete" not in page
    assert preview(member, **AURORA).status_code == 403
    assert save(member, AURORA | {"name": "Mine"}).status_code == 403


def test_anothers_theme_is_not_there(app: Flask, owner: FlaskClient, cast: Cast) -> None:
    save(owner, AURORA)
    rival = app.test_client()
    log_in(rival, cast.rival_owner)
    token = csrf_token(rival)
    theirs = "/w/rival/themes/own"
    assert rival.get(f"{theirs}?code=theme.own.aurora").status_code == 404
    stolen = {**AURORA, "code": "theme.own.aurora", "csrf_token": token}
    assert rival.post(theirs, data=stolen).status_code == 404
    gone = rival.post(f"{theirs}/theme.own.aurora/delete", data={"csrf_token": token})
    assert gone.status_code == 404
    assert "Aurora" not in rival.get("/w/rival/themes").get_data(as_text=True)
    assert len(kept(app)) == 1


def test_few_peoples_comments_are_not_previewed(
    app: Flask, client: FlaskClient, cast: Cast, tmp_path: Path
) -> None:
    fill(app, tmp_path, answers(9, 2, comment=LATE))
    log_in(client, cast.owner)
    page = preview(client, **AURORA).get_data(as_text=True)
    assert "once at least 10 people have written" in page and "<mark" not in page


def test_what_was_set_aside_is_not_waited_for(app: Flask, owner: FlaskClient) -> None:
    with app.app_context():
        db.session.execute(sa.update(Response).values(analysed_version="old"))
        db.session.commit()
    assert "14 of 14 answers with comments are still to be read." in read(owner)
    with app.app_context():
        poison = sa.select(sa.func.min(Response.id)).scalar_subquery()
        broken = {"due_at": TODAY, "attempts": 3, "quarantined_at": TODAY}
        db.session.execute(sa.insert(Job).values(kind=analysis.KIND, subject=poison, **broken))
        db.session.commit()
    assert "13 of 14 answers with comments are still to be read." in read(owner)
    page = owner.get("/w/acme/comments").get_data(as_text=True)
    assert "13 comments wait to be read by it." in page
