"""A workspace's own themes: found in every comment, kept to the workspace, hard to misuse."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from factories import Cast, log_in
from flask import Flask
from flask.testing import FlaskClient
from perceptions import TODAY, answers, fill, text_of
from werkzeug.datastructures import MultiDict

import nlp
from nlp.own_themes import MAX_HITS
from survey_app.accounts.models import User, Workspace
from survey_app.accounts.operations import Actor
from survey_app.db import db
from survey_app.errors import Conflict, Invalid, NotFound
from survey_app.insights.comments import analysis, corrections, own_themes
from survey_app.insights.comments.corrections import Judgement, Sight
from survey_app.insights.comments.queries import list_comments
from survey_app.insights.comments.readable import what_is_readable
from survey_app.insights.comments.schemas import Place
from survey_app.insights.jobs import ANALYSE_COMMENTS
from survey_app.insights.lake.reading import source
from survey_app.insights.models import CommentCorrection, OwnTheme, ThemeMention
from survey_app.insights.schemas import read_query
from survey_app.jobs import run_once
from survey_app.responses.models import Response

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
SAID = "The Aurora kettle leaks, and auroras leak."


@pytest.fixture
def acme(app: Flask, cast: Cast, tmp_path: Path) -> Flask:
    """The application, with twelve comments on a product."""
    fill(app, tmp_path, answers(12, 2, comment=SAID))
    return app


def workspace(key: str = "acme") -> Workspace:
    return db.session.scalars(sa.select(Workspace).where(Workspace.key == key)).one()


def draft(name: str = "Aurora", words: str = "aurora*", pattern: str = "") -> own_themes.Draft:
    return own_themes.read_draft(name=name, words=words, pattern=pattern)


def create(app: Flask, key: str = "acme", **said: str) -> str:
    """Keep a theme; returns its code."""
    with app.app_context():
        made = own_themes.create_own_theme(db.session, workspace(key), draft(**said), now=NOW)
        db.session.commit()
        return made.code


def work(app: Flask) -> int:
    with app.app_context():
        done = 0
        while taken := run_once(ANALYSE_COMMENTS, datetime.now(UTC)):
            done += taken
        return done


def mentions(app: Flask, code: str) -> Sequence[ThemeMention]:
    with app.app_context():
        return db.session.scalars(sa.select(ThemeMention).where(ThemeMention.code == code)).all()


def test_it_is_found_in_the_comments_that_are_there(
    acme: Flask, client: FlaskClient, cast: Cast
) -> None:
    code = create(acme)
    assert code == "theme.own.aurora"
    assert mentions(acme, code) == [] and work(acme) == 12
    found = mentions(acme, code)
    assert {(row.theme, SAID[row.start : row.end]) for row in found} == {
        (code, "Aurora"),
        (code, "auroras"),
    }
    log_in(client, cast.member)
    page = client.get("/w/acme/perception").get_data(as_text=True)
    assert page.count(">Aurora</bdi>") == 13, "in the table, and beside each comment"
    assert ">Aurora<" in page[page.index("<svg") :]
    chosen = text_of(client.get(f"/w/acme/comments?theme={code}").get_data(as_text=True))
    assert "12 comments" in chosen


def test_only_what_it_finds_has_comments_read_again(acme: Flask) -> None:
    code = create(acme)
    work(acme)
    with acme.app_context():
        own_themes.change_own_theme(db.session, workspace(), code, draft(name="Kettles"))
        db.session.commit()
    assert work(acme) == 0 and len(mentions(acme, code)) == 24
    with acme.app_context():
        own_themes.change_own_theme(db.session, workspace(), code, draft("Kettles", "", "KETTLE"))
        db.session.commit()
    assert work(acme) == 12
    assert {SAID[row.start : row.end] for row in mentions(acme, code)} == {"kettle"}


def test_a_theme_that_is_deleted_is_nowhere(acme: Flask) -> None:
    code = create(acme)
    work(acme)
    with acme.app_context():
        assert own_themes.delete_own_theme(db.session, workspace(), code) == "Aurora"
        db.session.commit()
    assert mentions(acme, code) == [] and work(acme) == 12 and mentions(acme, code) == []


def test_a_theme_made_again_inherits_nothing_that_was_said_of_the_old_one(acme: Flask) -> None:
    code = create(acme)
    with acme.app_context():
        user = db.session.scalars(sa.select(User)).first()
        response_id = db.session.scalars(sa.select(Response.id)).first()
        assert user and response_id
        actor = Actor(user, workspace(), "owner")
        said = Judgement(None, {code: "negative", "theme.price": None})
        place = Place(response_id, "comment")
        scope = read_query(MultiDict(), actor.workspace, today=TODAY.date()).scope
        with source(db.session, acme.config["SETTINGS"]) as facts:
            readable = what_is_readable(facts, actor.workspace, scope)
            assert readable
            page = list_comments(db.session, readable)
            (seen,) = (one.state for one in page.comments if one.place == place)
            sight = Sight(scope, facts, seen)
            assert corrections.correct(db.session, actor, place, said, sight=sight, now=NOW)
        own_themes.delete_own_theme(db.session, workspace(), code)
        db.session.commit()
        kept = db.session.scalars(sa.select(CommentCorrection)).one()
        assert kept.themes == {"theme.price": None}
    assert create(acme, words="zebra*") == code
    work(acme)
    assert mentions(acme, code) == []


def test_what_was_read_by_older_themes_is_not_stored(acme: Flask) -> None:
    with acme.app_context():
        ids = db.session.scalars(sa.select(Response.id)).all()
        stale = analysis.read(db.session, ids)
    code = create(acme)
    with acme.app_context():
        analysis.store(db.session, stale, NOW)
        db.session.commit()
    assert work(acme) == 12 and len(mentions(acme, code)) == 24


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": " \u200d "}, "name"),
        ({"name": "x" * 61}, "name"),
        ({"name": "evil\u202etxt"}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"words": "", "pattern": ""}, "words"),
        ({"words": "aurora", "pattern": "aurora"}, "words"),
        ({"words": "nul\0"}, "words"),
        ({"words": "\n".join(f"word{number}" for number in range(101))}, "words"),
        ({"words": "", "pattern": "("}, "pattern"),
        ({"words": "", "pattern": "a*"}, "pattern"),
        ({"words": "", "pattern": "a" * 100_000}, "pattern"),
        ({"words": "", "pattern": "a\0"}, "pattern"),
        ({"words": "", "pattern": "(?=a)"}, "pattern"),
        ({"words": "", "pattern": r"(a)\1"}, "pattern"),
        ({"words": "", "pattern": "((a{1,100}){1,100}){1,100}"}, "pattern"),
    ],
)
def test_what_can_not_be_searched_for_names_its_field(said: dict[str, str], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        draft(**said)
    assert {error.field for error in refused.value.errors} == {field}
    assert all(error.message % (error.values or {}) for error in refused.value.errors)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"words": "***"}, "phrase.form"),
        ({"words": "½"}, "phrase.form"),
        ({"words": "ab*"}, "phrase.stem"),
        ({"words": "п*"}, "phrase.stem"),
        ({"words": "re*fund"}, "phrase.star"),
        ({"words": "\n".join(f"word{number}" for number in range(101))}, "words.many"),
        ({"words": "", "pattern": "a" * 501}, "pattern.length"),
        ({"words": "", "pattern": "a*"}, "pattern.nothing"),
        ({"words": "", "pattern": "((a{1,100}){1,100}){1,100}"}, "pattern.size"),
        ({"words": "", "pattern": "(?=a)"}, "pattern.reference"),
        ({"words": "", "pattern": "("}, "pattern.form"),
    ],
)
def test_why_it_can_not_be_searched_for_is_said_in_the_readers_words(
    said: dict[str, str], reason: str
) -> None:
    with pytest.raises(Invalid) as refused:
        draft(**said)
    (error,) = refused.value.errors
    assert (error.code, error.message) == (reason, own_themes.REASONS[reason])


def test_of_one_theme_a_comment_keeps_the_first_places(
    app: Flask, cast: Cast, tmp_path: Path
) -> None:
    code = create(app, words="", pattern="a")
    fill(app, tmp_path, answers(1, 2, comment="a ban banana " * 100))
    found = mentions(app, code)
    assert len(found) == MAX_HITS and max(row.end for row in found) < 120


def test_a_greedy_pattern_is_linear(acme: Flask) -> None:
    code = create(acme, words="", pattern="(a+)+$")
    greedy = own_themes.compiled(((code, (), "(a+)+$"),))
    assert greedy.mentions("a" * 10_000 + "!") == []
    assert work(acme) == 12


def test_a_theme_of_another_version_holds_nothing_up(acme: Flask) -> None:
    broken, code = create(acme, name="Boats"), create(acme)
    with acme.app_context():
        theme = own_themes.find_own_theme(db.session, workspace().id, broken)
        theme.words, theme.pattern = [], "("
        db.session.commit()
    assert work(acme) == 12
    assert len(mentions(acme, code)) == 24 and mentions(acme, broken) == []


def test_codes_come_from_names_once(acme: Flask) -> None:
    assert create(acme, name="24h Service & more") == "theme.own.t_24h_service_more"
    first = create(acme, name="製品")
    assert first.startswith("theme.own.t_") and first.isascii() and len(first) == 20
    code = create(acme, name="Aurora")
    with acme.app_context():
        own_themes.change_own_theme(db.session, workspace(), code, draft(name="Borealis"))
        db.session.commit()
    assert create(acme, name="Aurora") == "theme.own.aurora2"
    for taken in ("aurora", "DELIVERY"):
        with pytest.raises(Conflict):
            create(acme, name=taken)


def test_a_workspace_has_at_most_fifty(acme: Flask) -> None:
    with acme.app_context():
        own = workspace().id
        db.session.add_all(
            OwnTheme(
                workspace_id=own, code=f"theme.own.t{n}", name=f"T{n}", words=["w"], created_at=NOW
            )
            for n in range(nlp.MAX_OWN_THEMES)
        )
        db.session.commit()
    with pytest.raises(Conflict):
        create(acme)
    assert create(acme, key="rival") == "theme.own.aurora"


def test_another_workspaces_theme_is_not_there(acme: Flask) -> None:
    code = create(acme, key="rival")
    assert work(acme) == 0, "only the rival's comments are read again"
    with acme.app_context():
        for touch in (
            lambda: own_themes.find_own_theme(db.session, workspace().id, code),
            lambda: own_themes.change_own_theme(db.session, workspace(), code, draft()),
            lambda: own_themes.delete_own_theme(db.session, workspace(), code),
        ):
            with pytest.raises(NotFound):
                touch()
        assert own_themes.own_names(db.session, workspace("rival").id) == {code: "Aurora"}


def test_a_preview_reads_only_what_may_be_read(acme: Flask) -> None:
    with acme.app_context():
        shown = own_themes.preview(db.session, workspace(), draft())
        assert (shown.searched, shown.found) == (12, 12)
        assert shown.hits is not None and len(shown.hits) == own_themes.HITS
        assert [piece.text for piece in shown.hits[0] if piece.mention] == ["Aurora", "auroras"]
        workspace().comment_floor = 13
        db.session.flush()
        assert own_themes.preview(db.session, workspace(), draft()).hits is None
        workspace().comment_floor, workspace().redact = 10, True
        db.session.flush()
        assert own_themes.preview(db.session, workspace(), draft()).searched == 0
