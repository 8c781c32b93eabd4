"""Surveys: made from templates, published word for word, never changed afterwards."""

import copy
from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from factories import NOW, Cast
from flask import Flask
from sqlalchemy.orm import Session

from survey_app.accounts.queries import workspace_by_key
from survey_app.db import db
from survey_app.errors import Conflict, Gone, Invalid, NotFound
from survey_app.i18n import SURVEY_LOCALES
from survey_app.surveys.models import Survey, SurveyVersion
from survey_app.surveys.operations import (
    close_survey,
    create_from_template,
    list_origins,
    publish_version,
    reopen_survey,
)
from survey_app.surveys.queries import OpenSurvey, find_published, still_open, survey_of_workspace
from survey_app.surveys.wording import TEMPLATES


def published(session: Session, key: str) -> OpenSurvey:
    """The survey as a respondent finds it."""
    return still_open(find_published(session, key))


@pytest.fixture
def session(app: Flask, cast: Cast) -> Iterator[Session]:
    with app.app_context():
        yield db.session


@pytest.mark.parametrize(
    ("template", "kind"),
    [("nps", "relational"), ("csat", "transactional"), ("ces", "transactional")],
)
def test_a_template_becomes_a_published_survey(session: Session, template: str, kind: str) -> None:
    acme = workspace_by_key(session, "acme")
    survey = create_from_template(
        session, f"new-{template}", workspace=acme, template=template, now=NOW
    )
    found = published(session, survey.key)
    assert (found.survey.kind, found.version.number, found.workspace) == (kind, 1, acme)
    assert set(found.locales) == set(SURVEY_LOCALES)
    assert [question.kind for question in found.questions] == [template, "comment"]
    assert found.score_question is not None and found.score_question.key == template
    assert survey.origins == []


def test_the_kind_can_be_chosen_and_the_database_knows_the_kinds(session: Session) -> None:
    acme = workspace_by_key(session, "acme")
    chosen = create_from_template(
        session, "other", workspace=acme, template="nps", kind="transactional", now=NOW
    )
    assert chosen.kind == "transactional"
    with pytest.raises(sa.exc.IntegrityError):
        create_from_template(session, "x", workspace=acme, template="nps", kind="poem", now=NOW)
    session.rollback()


def test_a_key_is_unique_in_the_installation(session: Session) -> None:
    rival = workspace_by_key(session, "rival")
    with pytest.raises(Conflict) as caught:
        create_from_template(session, "acme-nps", workspace=rival, template="nps", now=NOW)
    assert caught.value.code == "survey.exists"
    with pytest.raises(Invalid):
        create_from_template(session, "Not A Key", workspace=rival, template="nps", now=NOW)


def test_publishing_the_same_again_changes_nothing(session: Session) -> None:
    found = published(session, "acme-nps")
    same = copy.deepcopy(found.version.definition)
    same["wording"] = dict(reversed(same["wording"].items()))
    assert publish_version(session, found.survey, same, now=NOW) is found.version


def test_a_change_is_a_new_version_and_the_old_one_stays(session: Session) -> None:
    found = published(session, "acme-nps")
    before = copy.deepcopy(found.version.definition)
    changed = copy.deepcopy(before)
    changed["wording"]["en"]["title"] = "Another title"
    second = publish_version(session, found.survey, changed, now=NOW + timedelta(days=1))
    session.commit()
    session.expire_all()
    assert published(session, "acme-nps").version.number == second.number == 2
    first = session.scalars(
        sa.select(SurveyVersion).where(SurveyVersion.id == found.version.id)
    ).one()
    assert (first.number, first.definition) == (1, before)
    assert [version.number for version in found.survey.versions] == [1, 2]


def test_a_template_is_copied_not_shared(session: Session) -> None:
    found = published(session, "acme-nps")
    found.version.definition["wording"]["en"]["title"] = "scribbled"
    acme = workspace_by_key(session, "acme")
    fresh = create_from_template(session, "fresh", workspace=acme, template="nps", now=NOW)
    title = published(session, fresh.key).version.definition["wording"]["en"]["title"]
    session.expire_all()
    assert title != "scribbled"


def test_a_closed_survey_is_gone_and_closing_twice_keeps_the_first_moment(session: Session) -> None:
    survey = published(session, "acme-csat").survey
    close_survey(survey, now=NOW)
    close_survey(survey, now=NOW + timedelta(days=1))
    session.flush()
    assert survey.closed_at == NOW
    with pytest.raises(Gone):
        published(session, "acme-csat")
    found = find_published(session, "acme-csat")
    assert found is not None and found.survey is survey, "its answers can still be looked at"
    reopen_survey(survey)
    session.flush()
    assert published(session, "acme-csat").survey is survey


@pytest.mark.parametrize(
    "more", [{"key": "again", "kind": "comment"}, {"key": "x", "kind": "csat"}]
)
def test_a_second_score_or_comment_would_count_twice(
    session: Session, more: dict[str, object]
) -> None:
    found = published(session, "acme-nps")
    changed = copy.deepcopy(found.version.definition)
    changed["questions"].append(more | {"required": False})
    with pytest.raises(Invalid) as caught:
        publish_version(session, found.survey, changed, now=NOW)
    assert caught.value.code == "survey.questions" and caught.value.hint
    assert published(session, "acme-nps").version.number == 1


def test_sites_are_listed_as_browsers_name_them(session: Session) -> None:
    survey = published(session, "acme-nps").survey
    list_origins(
        survey,
        [
            "https://Shop.example/",
            "https://shop.example:443",
            "http://127.0.0.1:8001",
            "http://a:80",
        ],
    )
    assert survey.origins == ["https://shop.example", "http://127.0.0.1:8001", "http://a"]
    list_origins(survey, [])
    assert survey.origins == []


@pytest.mark.parametrize(
    "text",
    ["", "shop.example", "https://shop.example/path", "https://a b", "*", "null", "ftp://a.example",
     "https://a.example; script-src *", "https://a.example\r\nX: y", "https://-a", "https://a:x"],
)  # fmt: skip
def test_what_is_no_site_is_refused(session: Session, text: str) -> None:
    survey = published(session, "acme-nps").survey
    with pytest.raises(Invalid) as caught:
        list_origins(survey, ["https://good.example", text])
    assert caught.value.code == "survey.origin" and survey.origins == []


def test_another_workspaces_survey_is_like_a_made_up_one(session: Session) -> None:
    acme = workspace_by_key(session, "acme")
    errors = []
    for key in ("rival-nps", "no-such-survey"):
        with pytest.raises(NotFound) as caught:
            survey_of_workspace(session, acme.id, key)
        errors.append((caught.value.code, caught.value.message, caught.value.hint))
    assert errors[0] == errors[1]
    assert survey_of_workspace(session, acme.id, "acme-nps").survey.key == "acme-nps"


def test_a_survey_without_a_version_is_not_published(session: Session) -> None:
    acme = workspace_by_key(session, "acme")
    session.add(
        Survey(workspace_id=acme.id, key="draft", kind="relational", origins=[], created_at=NOW)
    )
    session.flush()
    assert find_published(session, "draft") is None
    with pytest.raises(NotFound):
        published(session, "draft")


def test_every_template_can_be_made(session: Session) -> None:
    assert set(TEMPLATES) == {"nps", "csat", "ces"}
