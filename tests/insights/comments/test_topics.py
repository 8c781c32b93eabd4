"""Topics that no theme explains: found by the worker, shown to those who may, not kept."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from factories import Cast, log_in
from flask import Flask
from flask.testing import FlaskClient

from nlp import corpus
from survey_app.accounts.models import Workspace
from survey_app.app import JOB_KINDS
from survey_app.db import db
from survey_app.insights.comments import topics
from survey_app.insights.comments.topic_queries import Topics, shown_topics
from survey_app.insights.models import EmergingTopic, TopicExample, TopicSearch
from survey_app.jobs import work
from survey_app.responses.import_rows import Row
from survey_app.responses.imports import Report, Taking
from survey_app.responses.models import Response
from survey_app.responses.schemas import Person
from survey_app.surveys.queries import find_published

TODAY = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0)
OTHERS = [one.text for one in corpus.read("en")]
NEW = [f"{text} The gloves smelt of chemicals and rubber." for text in OTHERS[:24]]


def write(
    app: Flask,
    texts: Sequence[str],
    days_ago: int,
    *,
    survey: str = "acme-nps",
    customer: str | None = None,
) -> None:
    """Responses of that day with these comments, of one customer or all of different people."""
    at = TODAY - timedelta(days=days_ago)
    with app.app_context():
        asked = find_published(db.session, survey)
        assert asked is not None
        person = Person(key=customer) if customer else Person()
        rows = [
            Row(number, f"{days_ago}-{number}", f"h-{days_ago}-{number}", at,
                {"nps": 3, "comment": text}, "en", "import", person)
            for number, text in enumerate(texts)
        ]  # fmt: skip
        Taking(db.session, asked, None, at).take(rows, Report())
        db.session.commit()


def shown(app: Flask, key: str = "acme") -> Topics:
    with app.app_context():
        workspace = db.session.scalars(sa.select(Workspace).where(Workspace.key == key)).one()
        return shown_topics(db.session, workspace)


def test_a_new_subject_is_found_shown_and_adopted(
    app: Flask, client: FlaskClient, cast: Cast
) -> None:
    assert shown(app) == Topics(None, 0, ())
    write(app, OTHERS[100:200] + NEW, 3)
    write(app, OTHERS[200:440], 60)
    write(app, OTHERS[:100], 200)  # long ago: not searched
    work(app, JOB_KINDS, until_idle=True)
    found = shown(app)
    (topic,) = found.topics
    assert set(topic.words["en"]) >= {"gloves", "chemicals", "rubber"}
    assert topic.grew
    assert topic.comments >= 22  # of 24: in one or two the classifier of themes may see a theme
    assert topic.now == 100 * topic.comments / 124
    assert topic.before == 0
    assert len(topic.examples) == topics.EXAMPLES
    assert all("chemicals and rubber" in text for text in topic.examples)
    assert found.unexplained > 0
    assert shown(app, "rival") == Topics(None, 0, ())
    log_in(client, cast.owner)
    page = client.get("/w/acme/themes").get_data(as_text=True)
    assert f"Grew from 0.0 to {topic.now:.1f} in 100 comments, beyond chance." in page
    assert "The gloves smelt of chemicals and rubber." in page
    address = page.split("/w/acme/themes/own?name=")[1].split('"')[0].replace("&amp;", "&")
    form = client.get("/w/acme/themes/own?name=" + address).get_data(as_text=True)
    assert "chemic*" in form
    assert "<mark" in form
    log_in(client, cast.member)
    assert "/themes/own?name=" not in client.get("/w/acme/themes").get_data(as_text=True)
    log_in(client, cast.rival_owner)
    assert "chemical" not in client.get("/w/rival/themes").get_data(as_text=True)


def test_a_search_waits_for_100_comments_and_a_day(app: Flask, cast: Cast) -> None:
    write(app, OTHERS[:99], 3)
    work(app, JOB_KINDS, until_idle=True)
    assert shown(app).searched_at is None
    write(app, ["One more."], 4)
    work(app, JOB_KINDS, until_idle=True)
    first = shown(app).searched_at
    assert first is not None
    write(app, NEW * 5, 5)
    work(app, JOB_KINDS, until_idle=True)
    assert (shown(app).searched_at, shown(app).topics) == (first, [])
    with app.app_context():
        later = datetime.now(UTC) + topics.REST + timedelta(seconds=1)
        (workspace_id,) = topics.find_undone(db.session, 10, now=later)
        found = topics.read(db.session, [workspace_id], now=later)
        topics.store(db.session, found, later)
        topics.store(db.session, found, later)
        db.session.commit()
        assert topics.find_undone(db.session, 10, now=later + topics.REST * 2) == []
        assert db.session.scalar(sa.select(sa.func.count()).select_from(TopicSearch)) == 1
    assert len(shown(app).topics) == 1


@pytest.mark.usefixtures("cast")
def test_examples_go_with_their_text(app: Flask) -> None:
    write(app, OTHERS[100:200] + NEW, 3)
    work(app, JOB_KINDS, until_idle=True)
    with app.app_context():
        erased = db.session.scalars(sa.select(TopicExample.response_id)).first()
        found = topics.read(
            db.session, db.session.scalars(sa.select(Workspace.id)).all(), now=datetime.now(UTC)
        )
        db.session.execute(sa.delete(Response).where(Response.id == erased))
        db.session.commit()
    assert len(shown(app).topics[0].examples) == topics.EXAMPLES - 1
    with app.app_context():  # what was read before the erasure brings nothing back
        topics.store(db.session, found, datetime.now(UTC))
        db.session.commit()
        kept = db.session.scalars(sa.select(TopicExample.response_id)).all()
    assert erased not in kept
    with app.app_context():
        db.session.execute(sa.update(Workspace).values(redact=True))
        db.session.commit()
    assert shown(app).topics[0].examples == ()  # nobody has looked through them yet
    with app.app_context():
        db.session.execute(sa.delete(TopicSearch))
        db.session.commit()
        left = sa.select(sa.func.count()).select_from(EmergingTopic)
        assert db.session.scalar(left) == 0


@pytest.mark.usefixtures("cast")
def test_what_few_people_say_often_is_not_shown(app: Flask) -> None:
    write(app, OTHERS[100:200], 3)
    write(app, NEW, 4, customer="c-1")
    work(app, JOB_KINDS, until_idle=True)
    with app.app_context():
        (topic,) = db.session.scalars(sa.select(EmergingTopic)).all()
        assert topic.respondents == 1
    assert shown(app).topics == []
