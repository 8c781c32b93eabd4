"""Personal data leaves the database before anything or anybody reads the comment."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from factories import NOW, Cast, log_in
from flask import Flask
from flask.testing import FlaskClient
from plumbing.test_jobs import write_comments

import nlp
from survey_app.accounts.models import Workspace
from survey_app.accounts.operations import set_redaction
from survey_app.app import JOB_KINDS
from survey_app.db import db
from survey_app.insights.comments import redaction
from survey_app.insights.comments.redaction import Unredacted
from survey_app.insights.jobs import ANALYSE_COMMENTS, FIND_TOPICS, REDACT_COMMENTS
from survey_app.insights.models import CommentAnalysis, ThemeMention, TopicSearch
from survey_app.jobs import TRIES, Job, run_once, work
from survey_app.responses.models import Answer, Response

PERSONAL = "Call me on +46 70 174 06 35, the delivery was late."
WITHOUT = "Call me on [phone], the delivery was late."


def ask_for_redaction(app: Flask, *, wanted: bool = True, key: str = "acme") -> None:
    with app.app_context():
        workspace = db.session.scalars(sa.select(Workspace).where(Workspace.key == key)).one()
        set_redaction(workspace, wanted=wanted)
        db.session.commit()


def texts(app: Flask) -> list[str | None]:
    with app.app_context():
        rows = db.session.scalars(
            sa.select(Answer.text).where(Answer.text.is_not(None)).order_by(Answer.response_id)
        )
        return list(rows)


def answer(app: Flask, comment: str, *, status: str = "complete") -> int:
    body = {
        "id": "6f1c3f0e-52c5-4c39-9d6f-0d6a1e3b8d11",
        "status": status,
        "answers": {"nps": 3, "comment": comment},
        "locale": "en",
    }
    client = app.test_client()
    return client.post("/api/v1/public/surveys/acme-nps/responses", json=body).status_code


def count(app: Flask, model: type[Any]) -> int:
    with app.app_context():
        return db.session.scalar(sa.select(sa.func.count()).select_from(model)) or 0


def test_the_worker_redacts_first_and_the_original_is_gone(app: Flask, cast: Cast) -> None:
    ask_for_redaction(app)
    write_comments(app, [PERSONAL, "Nothing to hide."])
    with app.app_context():
        assert run_once(ANALYSE_COMMENTS, datetime.now(UTC)) == 0  # nothing may be read yet
    assert work(app, JOB_KINDS, until_idle=True) == 4
    assert texts(app) == [WITHOUT, "Nothing to hide."]
    with app.app_context():
        mention = db.session.scalars(sa.select(ThemeMention)).first()
        assert mention is not None and "deliver" in WITHOUT[mention.start : mention.end]
        assert db.session.scalar(sa.select(sa.func.count(Response.redacted_at))) == 2
    assert work(app, JOB_KINDS, until_idle=True) == 0
    assert count(app, CommentAnalysis) == 2 and count(app, Job) == 0


def test_nobody_sees_it_before(app: Flask, client: FlaskClient, cast: Cast) -> None:
    log_in(client, cast.member)
    write_comments(app, [f"{PERSONAL} {number}" for number in range(12)])
    page = "/w/acme/perception?from=2026-03-01&to=2026-03-31"
    assert "174 06 35" in client.get(page).get_data(as_text=True)
    ask_for_redaction(app)
    assert "the delivery" not in client.get(page).get_data(as_text=True)
    work(app, JOB_KINDS, until_idle=True)
    shown = client.get(page).get_data(as_text=True)
    assert "[phone], the delivery" in shown and "174 06 35" not in shown


def test_what_was_there_before_is_redacted_and_read_again(app: Flask, cast: Cast) -> None:
    write_comments(app, [PERSONAL])
    work(app, JOB_KINDS, until_idle=True)
    assert texts(app) == [PERSONAL]
    ask_for_redaction(app)
    with app.app_context():
        workspace = db.session.scalars(sa.select(Workspace).where(Workspace.key == "acme")).one()
        assert redaction.count_unredacted(db.session, workspace) == Unredacted(1, 0)
    work(app, JOB_KINDS, until_idle=True)
    assert texts(app) == [WITHOUT] and count(app, CommentAnalysis) == 1
    ask_for_redaction(app, wanted=False)
    write_comments(app, [PERSONAL], prefix="later")
    work(app, JOB_KINDS, until_idle=True)
    assert texts(app) == [WITHOUT, PERSONAL]


def test_topics_that_tell_of_the_original_go_with_it(app: Flask, cast: Cast) -> None:
    def searched() -> int:
        with app.app_context():
            workspace_id = db.session.scalars(
                sa.select(Workspace.id).where(Workspace.key == "acme")
            ).one()
            search = TopicSearch(
                workspace_id=workspace_id, searched_at=NOW, unexplained=1, unexplained_before=0
            )
            db.session.add(search)
            db.session.commit()
        work(app, JOB_KINDS, until_idle=True)
        return count(app, TopicSearch)

    write_comments(app, [PERSONAL])
    work(app, JOB_KINDS, until_idle=True)
    ask_for_redaction(app)
    assert searched() == 0
    write_comments(app, [PERSONAL], prefix="later")
    assert searched() == 1, "nobody had read this one"


def test_only_the_workspace_that_asks(app: Flask, cast: Cast) -> None:
    ask_for_redaction(app, key="rival")
    write_comments(app, [PERSONAL])
    work(app, JOB_KINDS, until_idle=True)
    assert texts(app) == [PERSONAL]


def test_an_analysis_of_the_original_is_not_stored(app: Flask, cast: Cast) -> None:
    """A worker has read the comment, another one redacts it meanwhile."""
    write_comments(app, [PERSONAL])
    now = datetime.now(UTC)
    with app.app_context():
        ids = ANALYSE_COMMENTS.find(db.session, 10)
        read = ANALYSE_COMMENTS.read(db.session, ids)
        db.session.rollback()
        ask_for_redaction(app)
        run_once(REDACT_COMMENTS, now)
        ANALYSE_COMMENTS.perform(db.session, read, now)
        db.session.commit()
    assert count(app, CommentAnalysis) == 0
    work(app, JOB_KINDS, until_idle=True)
    assert count(app, CommentAnalysis) == 1 and texts(app) == [WITHOUT]


def test_a_search_for_topics_in_the_originals_is_not_stored(app: Flask, cast: Cast) -> None:
    write_comments(app, [PERSONAL])
    work(app, JOB_KINDS, until_idle=True)
    now = datetime.now(UTC)
    with app.app_context():
        acme = db.session.scalar(sa.select(Workspace.id).where(Workspace.key == "acme"))
        searched = FIND_TOPICS.read(db.session, [acme])
        db.session.rollback()
        ask_for_redaction(app)
        FIND_TOPICS.perform(db.session, searched, now)
        db.session.commit()
        assert count(app, TopicSearch) == 0
        FIND_TOPICS.perform(db.session, FIND_TOPICS.read(db.session, [acme]), now)
        db.session.commit()
    assert count(app, TopicSearch) == 1


def test_what_breaks_the_rules_stays_hidden(
    app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(text: str) -> str:
        raise RuntimeError(text)

    monkeypatch.setattr(redaction, "redact", broken)
    ask_for_redaction(app)
    write_comments(app, [PERSONAL])
    with app.app_context():
        for day in range(1, 2 * TRIES):
            run_once(REDACT_COMMENTS, datetime(2026, 3, 10 + day, tzinfo=UTC))
        job = db.session.scalars(sa.select(Job)).one()
        assert job.quarantined_at and job.error == "RuntimeError"
        assert run_once(ANALYSE_COMMENTS, datetime(2026, 4, 1, tzinfo=UTC)) == 0
        workspace = db.session.scalars(sa.select(Workspace).where(Workspace.key == "acme")).one()
        assert redaction.count_unredacted(db.session, workspace) == Unredacted(0, 1)


def test_a_response_replaced_by_another_is_redacted_again(app: Flask, cast: Cast) -> None:
    ask_for_redaction(app)
    assert answer(app, PERSONAL, status="partial") == 201
    work(app, JOB_KINDS, until_idle=True)
    assert texts(app) == [WITHOUT]
    assert answer(app, PERSONAL, status="partial") == 200  # the same again is still known
    assert answer(app, f"Sorry. {PERSONAL}") in (200, 201)
    work(app, JOB_KINDS, until_idle=True)
    assert texts(app) == [f"Sorry. {WITHOUT}"]


def test_the_file_forgets_too(app: Flask, cast: Cast) -> None:
    """On SQLite what was replaced is overwritten, once the write-ahead log is folded in.

    By our own setting: some systems' SQLite would do so anyway, and is told not to first.
    """
    url = app.config["SETTINGS"].database
    if url.get_backend_name() != "sqlite":
        return  # PostgreSQL forgets with its next vacuum
    with app.app_context():
        writer = db.get_engine("default")
        sa.event.listen(writer, "connect", forgets_not, insert=True)
        writer.dispose()
    ask_for_redaction(app)
    # So long that what is left of it needs fewer pages of the file.
    secret = "somebody.with.a.rather.long.name@customers.example.org"
    assert answer(app, f"{secret}, " * 30) == 201
    work(app, JOB_KINDS, until_idle=True)
    (left,) = texts(app)
    assert left and "[email]" in left and secret not in left
    with app.app_context():
        for engine in db.engines.values():
            engine.dispose()
    with sqlite3.connect(url.database) as file:
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert secret.encode() not in Path(url.database).read_bytes()


def forgets_not(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA secure_delete = OFF")


def test_the_command_says_what_it_did(app: Flask, cast: Cast) -> None:
    run = app.test_cli_runner()
    from survey_app.accounts.commands import workspace

    told = run.invoke(workspace, ["redact", "acme", "--on"])
    assert told.exit_code == 0 and "taken out" in told.output, told.output
    with app.app_context():
        assert db.session.scalar(sa.select(Workspace.redact).where(Workspace.key == "acme"))
    assert "as they come" in run.invoke(workspace, ["redact", "acme", "--off"]).output
    assert nlp.ENGINE_VERSION in redaction.KIND
