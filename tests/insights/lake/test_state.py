"""What the database knows of the lake: triggers, the tail, what is masked."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from factories import Cast
from flask import Flask
from insights.lake.lakes import add
from sqlalchemy.orm import Session
from sqlalchemy.sql import visitors

from survey_app.accounts.models import Workspace
from survey_app.db import db
from survey_app.insights.lake import facts
from survey_app.insights.lake.models import LakeRemoval
from survey_app.insights.lake.state import Snapshot, masked, tail
from survey_app.insights.models import CommentAnalysis, ThemeMention
from survey_app.responses.models import Answer, Response
from survey_app.surveys.models import Survey

SNAPSHOT = Snapshot("here", 1, 1, since=2, watermark=5)


@pytest.fixture
def session(app: Flask, cast: Cast) -> Iterator[Session]:
    """One answer with a comment, in batch 5."""
    with app.app_context():
        add(db.session, 1, country="FI")
        db.session.execute(sa.update(Response).values(fact_batch=5))
        other = Survey.key == "acme-csat"
        db.session.execute(sa.update(Survey).where(other).values(anonymous=True))
        yield db.session


NPS, COMMENT = "kind = 'nps'", "kind = 'comment'"
OTHER_SURVEY = "(SELECT id FROM surveys WHERE key = 'acme-csat')"
OTHER_VERSION = f"(SELECT id FROM survey_versions WHERE survey_id = {OTHER_SURVEY})"
# What of which table facts are made of, and how it changes.
CHANGES = {
    "responses.survey_id": OTHER_SURVEY,
    "responses.version_id": OTHER_VERSION,
    "responses.received_at": "'2026-01-01 00:00:00.000000'",
    "responses.day": "'2026-01-01'",
    "responses.released_week": "'2026-01-04'",
    "responses.counted": "false",
    "responses.customer_key": "'another'",
    "responses.channel": "'email'",
    "responses.locale": "'fi'",
    "responses.orientation": "'descending'",
    "responses.country": "'SE'",
    "responses.region": "'Nordics'",
    "responses.stage": "'adopt'",
    "responses.age_band": "'25-34'",
    "responses.gender": "'female'",
    "responses.has_comment": "false",
    "answers.question": f"'another' WHERE {NPS}",
    "answers.kind": f"'ces' WHERE {NPS}",
    "answers.number": f"0 WHERE {NPS}",
    "answers.text": f"NULL WHERE {COMMENT}",
    "comment_analyses.language": "'fi'",
    "comment_analyses.sentiment": "'positive'",
    "theme_mentions.theme": "'theme.price'",
    "theme_mentions.code": "'theme.delivery.cost'",
    "theme_mentions.polarity": "'negative'",
}
# What the database refuses: it would be another answer, or another survey's.
REFUSED = {
    "responses.workspace_id": "(SELECT id FROM workspaces WHERE key = 'rival')",
    "responses.id": "responses.id + 1",
    "answers.response_id": f"response_id + 1 WHERE {COMMENT}",
    "comment_analyses.response_id": "response_id + 1",
    "comment_analyses.question": "'another'",
    "theme_mentions.response_id": "response_id + 1",
    "theme_mentions.question": "'another'",
    "surveys.id": "surveys.id + 1000",
    "surveys.key": "'renamed' WHERE key = 'acme-nps'",
    "surveys.kind": "'transactional' WHERE key = 'acme-nps'",
    "surveys.anonymous": "true WHERE key = 'acme-nps'",
    "survey_versions.id": "survey_versions.id + 1000",
    "survey_versions.survey_id": OTHER_SURVEY,
    "survey_versions.number": "number + 1",
}


def update(session: Session, column: str, how: str) -> None:
    table, name = column.split(".")
    session.execute(sa.text(f"UPDATE {table} SET {name} = {how}"))


def test_no_other_column_makes_a_fact(session: Session) -> None:
    asked: set[str] = set()

    def look(_connection: object, statement: Any, *_: object) -> None:
        found = [one for one in visitors.iterate(statement) if isinstance(one, sa.Column)]
        asked.update(f"{one.table.name}.{one.name}" for one in found)

    sa.event.listen(db.engine, "before_execute", look)
    facts.rows(session, sa.true())
    sa.event.remove(db.engine, "before_execute", look)
    assert asked == CHANGES.keys() | REFUSED.keys()


def test_what_would_be_another_answer_is_refused(session: Session) -> None:
    for column, how in REFUSED.items():
        try:
            with session.begin_nested():
                update(session, column, how)
        except sa.exc.IntegrityError:
            continue
        raise AssertionError(column)


def test_a_survey_that_nobody_answered_may_still_change(session: Session) -> None:
    session.execute(sa.delete(Response))
    for column in ("surveys.key", "surveys.kind", "surveys.anonymous", "survey_versions.number"):
        update(session, column, REFUSED[column])


def test_whatever_changes_a_fact_takes_the_response_out_once(session: Session) -> None:
    for change in CHANGES.items():
        with session.begin_nested() as trial:
            _check_change(session, partial(update, session, *change))
            trial.rollback()


# What comes to a response later, and goes again.
PARTS = {
    "answers (response_id, workspace_id, question, kind, number)": "'ces', 'ces', 3",
    "comment_analyses (response_id, workspace_id, question, engine_version, language, sentiment, "
    "analysed_at)": "'nps', 'any', 'en', 'positive', received_at",
    'theme_mentions (response_id, workspace_id, question, theme, code, start, "end")': "'comment', "
    "'theme.price', 'theme.price', 1, 2",
}


def test_a_part_that_comes_or_goes_takes_the_response_out(session: Session) -> None:
    for part, values in PARTS.items():
        come = f"INSERT INTO {part} SELECT id, workspace_id, {values} FROM responses WHERE true"
        go = f"DELETE FROM {part.split()[0]}"
        for change in (f"{come} ON CONFLICT DO NOTHING", go):
            with session.begin_nested() as trial:
                _check_change(session, partial(session.execute, sa.text(change)))
                trial.rollback()


def _check_change(session: Session, change: Callable[[], object]) -> None:
    workspace_id = session.scalar(sa.select(Workspace.id).where(Workspace.key == "acme")) or 0
    of_tail = sa.select(Response.id).where(tail(SNAPSHOT, workspace_id))
    month = session.scalar(sa.select(sa.func.substr(sa.cast(Response.day, sa.Text), 1, 7)))
    before = facts.rows(session, sa.true())
    assert session.scalars(of_tail).all() == []
    for _ in range(2):
        change()
    assert facts.rows(session, sa.true()) != before, "it is a fact"
    found = session.scalars(of_tail).all()
    assert len(found) == 1 and session.scalar(sa.select(Response.fact_batch)) == 0
    assert masked(session, SNAPSHOT, workspace_id) == found
    assert masked(session, SNAPSHOT, workspace_id + 1) == []
    removal = session.scalars(sa.select(LakeRemoval)).one()
    assert (removal.month, removal.deadline, removal.batch) == (month, None, None)


def test_what_changes_no_fact_changes_nothing(session: Session) -> None:
    session.execute(sa.update(Response).values(analysed_version=None, country=Response.country))
    session.execute(sa.update(Answer).values(number=Answer.number))
    session.execute(sa.update(Answer).where(Answer.text.is_not(None)).values(text="Another"))
    session.execute(sa.update(CommentAnalysis).values(corrected=True, score=0))
    assert session.scalar(sa.select(Response.fact_batch)) == 5
    session.execute(sa.update(Response).values(fact_batch=None))
    session.execute(sa.update(Response).values(country="SE"))
    session.execute(sa.delete(ThemeMention))
    assert session.scalar(sa.select(Response.fact_batch)) is None, "it was never written"
    assert session.scalars(sa.select(LakeRemoval)).all() == []


@pytest.mark.parametrize("of", [Response, Workspace])
def test_what_was_erased_is_masked_and_has_a_deadline(
    session: Session, of: type[Workspace]
) -> None:
    response_id, workspace_id = session.execute(sa.select(Response.id, Response.workspace_id)).one()
    session.execute(sa.delete(of))
    removal = session.scalars(sa.select(LakeRemoval)).one()
    assert removal.deadline is not None
    assert 23.9 < (removal.deadline - removal.noted_at).total_seconds() / 3600 < 24.1
    assert masked(session, SNAPSHOT, workspace_id) == [response_id]
    removal.batch = 5
    session.flush()
    assert masked(session, SNAPSHOT, workspace_id) == [], "this version has it no more"


def test_the_tail_is_what_no_batch_of_this_lake_holds(session: Session) -> None:
    workspace_id = session.scalar(sa.select(Workspace.id).where(Workspace.key == "acme")) or 0
    for batch, is_in_it in ((None, 1), (0, 1), (1, 1), (2, 0), (5, 0), (6, 1)):
        session.execute(sa.update(Response).values(fact_batch=batch))
        found = session.scalars(sa.select(Response.id).where(tail(SNAPSHOT, workspace_id))).all()
        assert len(found) == is_in_it, batch
    assert session.scalars(sa.select(Response.id).where(tail(None, workspace_id))).all()
