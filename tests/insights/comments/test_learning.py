"""A workspace learns from its own scores, and only where that is better; nobody else's change."""

import random
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from factories import NOW, Cast, csrf_token, log_in
from faults.processes import ROOT, environment
from flask import Flask
from flask.testing import FlaskClient
from jargon import jargon, shuffled
from sqlalchemy.engine import URL

import nlp.learning
from nlp.learning import Pair
from nlp.results import Sentiment
from survey_app.accounts.models import Workspace
from survey_app.app import JOB_KINDS
from survey_app.db import db
from survey_app.insights.comments import learning
from survey_app.insights.comments.learning import MOST_OF_ONE
from survey_app.insights.comments.learnt import MIN_PAIRS, forget_learnt, learning_state
from survey_app.insights.jobs import ANALYSE_COMMENTS, LEARN_SENTIMENT
from survey_app.insights.models import (
    CommentAnalysis,
    CommentCorrection,
    LearningLook,
    LearntSentiment,
)
from survey_app.jobs import Job, run_once, work
from survey_app.responses.import_rows import Row
from survey_app.responses.imports import Report, Taking
from survey_app.responses.models import Answer, Response
from survey_app.responses.schemas import Person
from survey_app.surveys.queries import find_published

SCORES = {"negative": 2, "neutral": 7, "positive": 10}


def write(
    app: Flask,
    pairs: Sequence[Pair],
    *,
    survey: str = "acme-nps",
    prefix: str = "p",
    source: str = "import",
    customers: int = 1000,
) -> None:
    """Responses with these comments and scores, of so many customers, as an import stores them."""
    with app.app_context():
        asked = find_published(db.session, survey)
        assert asked is not None
        rows = [
            Row(number, f"{prefix}-{number:05}", f"h-{prefix}-{number}", NOW,
                {"nps": SCORES[pair.score_class], "comment": pair.text}, "en", "import",
                Person(source=source, key=f"{prefix}-{number % customers}"))
            for number, pair in enumerate(pairs)
        ]  # fmt: skip
        Taking(db.session, asked, None, NOW).take(rows, Report())
        db.session.commit()


def sentiments(app: Flask, key: str = "acme") -> list[tuple[str | None, float | None]]:
    with app.app_context():
        rows = db.session.execute(
            sa.select(CommentAnalysis.sentiment, CommentAnalysis.score)
            .join(Workspace, Workspace.id == CommentAnalysis.workspace_id)
            .where(Workspace.key == key)
            .order_by(CommentAnalysis.response_id)
        )
        return [(sentiment, score) for sentiment, score in rows]


def share_right(app: Flask, pairs: Sequence[Pair]) -> float:
    found = sentiments(app)
    right = [told == pair.score_class for (told, _), pair in zip(found, pairs, strict=True)]
    return sum(right) / len(right)


def fits(app: Flask) -> list[tuple[int, bool, bool]]:
    """Version, in use, and whether it holds weights, of each fit."""
    with app.app_context():
        rows = db.session.scalars(sa.select(LearntSentiment).order_by(LearntSentiment.version))
        return [(row.version, row.in_use, row.weights is not None) for row in rows]


def work_off(app: Flask) -> int:
    return work(app, JOB_KINDS, until_idle=True)


def test_a_jargon_is_learnt_from_its_scores_and_forgotten_again(app: Flask, cast: Cast) -> None:
    pairs = jargon(150)
    write(app, pairs)
    with app.app_context():
        run_once(ANALYSE_COMMENTS, NOW)
    before = sentiments(app)
    assert share_right(app, pairs) < 0.3
    work_off(app)
    assert share_right(app, pairs) > 0.9 and fits(app) == [(1, True, True)]
    assert work_off(app) == 0
    with app.app_context():
        acme = db.session.scalars(sa.select(Workspace).where(Workspace.key == "acme")).one()
        state = learning_state(db.session, acme)
        assert (state.pairs, state.needed) == (150, 200)
        assert state.fit is not None and state.fit.after > 90 > 30 > state.fit.before
        forget_learnt(db.session, acme)
        db.session.commit()
    assert work_off(app) == 150
    assert sentiments(app) == before and fits(app) == []
    assert work_off(app) == 0  # and does not learn the same at once


def test_an_owner_sees_what_was_learnt_and_forgets_it(
    app: Flask, client: FlaskClient, cast: Cast
) -> None:
    write(app, jargon(150))
    log_in(client, cast.owner)
    assert "Nothing has been learnt yet." in client.get("/w/acme/settings").get_data(as_text=True)
    work_off(app)
    page = client.get("/w/acme/settings").get_data(as_text=True)
    assert "What was learnt is in use." in page and "It learns again at 200." in page
    form = {"csrf_token": csrf_token(client)}
    answer = client.post("/w/acme/settings/learning/forget", data=form, follow_redirects=True)
    page = answer.get_data(as_text=True)
    assert "Forgotten." in page and "Nothing has been learnt yet." in page
    assert fits(app) == []


def test_another_workspace_is_read_as_before(app: Flask, cast: Cast) -> None:
    pairs = jargon(150)
    write(app, pairs[:40], survey="rival-nps", prefix="r")
    with app.app_context():
        run_once(ANALYSE_COMMENTS, NOW)
    before = sentiments(app, "rival")
    write(app, pairs)
    work_off(app)
    assert fits(app) == [(1, True, True)]
    with app.app_context():
        db.session.execute(sa.update(Response).values(analysed_version=None))
        db.session.commit()
    work_off(app)
    assert sentiments(app, "rival") == before and len(before) == 40


def test_shuffled_scores_change_nothing_and_are_tried_once(app: Flask, cast: Cast) -> None:
    write(app, shuffled(jargon(150), 4))
    work_off(app)
    assert fits(app) == [(1, False, False)]
    assert work_off(app) == 0


def test_a_third_more_pairs_or_twenty_corrections_are_learnt_anew(app: Flask, cast: Cast) -> None:
    pairs = jargon(240)
    write(app, pairs[:90])
    work_off(app)
    assert fits(app) == []
    write(app, pairs[90:150], prefix="q")
    work_off(app)
    write(app, pairs[150:199], prefix="r")
    work_off(app)
    assert fits(app) == [(1, True, True)]
    write(app, pairs[199:200], prefix="s")
    work_off(app)
    assert fits(app) == [(1, False, True), (2, True, True)]
    _correct(app, 19)
    assert work_off(app) == 0
    _correct(app, 20)
    work_off(app)
    assert [version for version, *_ in fits(app)] == [1, 2, 3]


def _correct(app: Flask, count: int) -> None:
    with app.app_context():
        db.session.execute(sa.delete(CommentCorrection))
        said = {
            "question": "comment",
            "workspace_id": 1,
            "sentiment": "neutral",
            "corrected_at": NOW,
        }
        db.session.add_all(
            CommentCorrection(response_id=number, **said) for number in range(1, count + 1)
        )
        db.session.commit()


def test_only_what_counts_and_may_be_read_teaches(app: Flask, cast: Cast) -> None:
    assert MIN_PAIRS == nlp.learning.MIN_PAIRS
    write(app, jargon(120))
    with app.app_context():
        run_once(ANALYSE_COMMENTS, NOW)
        db.session.execute(sa.update(Response).where(Response.id <= 5).values(counted=False))
        partial = sa.update(Response).where(Response.id.between(6, 10)).values(status="partial")
        db.session.execute(partial)
        scores = sa.delete(Answer).where(Answer.response_id.between(11, 15), Answer.kind == "nps")
        db.session.execute(scores)
        foreign = sa.update(CommentAnalysis).where(CommentAnalysis.response_id.between(16, 25))
        db.session.execute(foreign.values(language="fi"))
        db.session.commit()
    work_off(app)
    with app.app_context():
        assert db.session.get_one(LearningLook, 1).pairs == 95
        workspace = db.session.get_one(Workspace, 1)
        workspace.redact = True
        assert learning_state(db.session, workspace).pairs == 0  # until they are redacted
    assert fits(app) == []


def test_another_engine_learns_anew_and_does_not_use_the_old(
    app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = jargon(150)
    write(app, pairs)
    work_off(app)
    monkeypatch.setattr(nlp, "ENGINE_VERSION", f"{nlp.ENGINE_VERSION}-next")
    with app.app_context():
        run_once(ANALYSE_COMMENTS, NOW)
    assert share_right(app, pairs) < 0.3
    work_off(app)
    assert share_right(app, pairs) > 0.9 and fits(app) == [(1, False, True), (2, True, True)]


def turned(pairs: Sequence[Pair]) -> list[Pair]:
    opposite: dict[Sentiment, Sentiment] = {"negative": "positive", "positive": "negative"}
    return [Pair(pair.text, "en", opposite[pair.score_class]) for pair in pairs]


def test_beside_a_hundred_pairs_of_known_customers_nobody_elses_teach(
    app: Flask, cast: Cast
) -> None:
    pairs = jargon(400)
    write(app, pairs[:100])
    work_off(app)
    write(app, turned(pairs[100:]), prefix="s", source="claim")
    work_off(app)
    with app.app_context():
        first, second = db.session.scalars(sa.select(LearntSentiment)).all()
        assert (second.version, second.pairs, second.known) == (2, 100, True)
        assert second.weights == first.weights


def test_invented_scores_are_not_learnt_and_the_owner_is_told(
    app: Flask, client: FlaskClient, cast: Cast
) -> None:
    texts = {"positive": "Terrible, awful, it broke at once", "negative": "Great, I love it"}
    invented = [Pair(f"{texts[one.score_class]} {one.text}", "en", one.score_class)
                for one in jargon(150)]  # fmt: skip
    write(app, invented, source="claim")
    with app.app_context():
        run_once(ANALYSE_COMMENTS, NOW)
    before = sentiments(app)
    work_off(app)
    assert fits(app) == [(1, False, False)] and sentiments(app) == before
    log_in(client, cast.owner)
    page = client.get("/w/acme/settings").get_data(as_text=True)
    assert "the scores do not fit what the comments say" in page and "everybody" in page


def test_one_customer_teaches_four_comments(app: Flask, cast: Cast) -> None:
    assert MOST_OF_ONE == nlp.learning.MIN_TEXTS - 1
    write(app, jargon(200), customers=30)
    work_off(app)
    with app.app_context():
        learnt = db.session.scalars(sa.select(LearntSentiment)).one()
        assert (learnt.pairs, learnt.known) == (4 * 30, True)


def test_five_versions_are_kept(app: Flask, cast: Cast) -> None:
    write(app, jargon(120))
    work_off(app)
    for _ in range(6):
        with app.app_context():
            db.session.execute(sa.update(LearningLook).values(due_pairs=100))
            db.session.commit()
        work_off(app)
    assert [version for version, *_ in fits(app)] == [3, 4, 5, 6, 7]


def test_a_clear_opposite_of_the_score_is_flagged_and_stays(app: Flask, cast: Cast) -> None:
    texts = {"I love it, it is wonderful, thank you so much!": "negative", "Terrible.": "negative"}
    write(app, [Pair(text, "en", score) for text, score in texts.items()])
    work_off(app)
    with app.app_context():
        rows = db.session.execute(
            sa.select(CommentAnalysis.sentiment, CommentAnalysis.contradicts).order_by(
                CommentAnalysis.response_id
            )
        )
        assert list(map(tuple, rows)) == [("positive", True), ("negative", False)]


def test_a_reading_under_way_while_it_learns_is_done_again(
    app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = jargon(150)
    write(app, pairs)
    with app.app_context():
        run_once(ANALYSE_COMMENTS, NOW)
        late = ANALYSE_COMMENTS.read(db.session, range(1, 151))
        run_once(LEARN_SENTIMENT, NOW)
        ANALYSE_COMMENTS.perform(db.session, late, NOW)  # as another worker would, with the old
        db.session.commit()
    work_off(app)
    assert share_right(app, pairs) > 0.9


def test_what_two_workers_learnt_at_once_is_kept_once(app: Flask, cast: Cast) -> None:
    write(app, jargon(150))
    with app.app_context():
        run_once(ANALYSE_COMMENTS, NOW)
        both = [LEARN_SENTIMENT.read(db.session, [1]) for _ in range(2)]
        for one in both:
            LEARN_SENTIMENT.perform(db.session, one, NOW)
        db.session.commit()
    assert fits(app) == [(1, True, True)]


DYING = """
import os
from datetime import datetime, UTC
from survey_app.app import create_app
from survey_app.db import db
from survey_app.insights.comments import learning
from survey_app.insights.jobs import LEARN_SENTIMENT
from survey_app.jobs import run_once
real = learning.make_unread
def deadly(session, workspace_id):
    real(session, workspace_id)
    session.flush()
    os._exit(9)
learning.make_unread = deadly
with create_app().app_context():
    run_once(LEARN_SENTIMENT, datetime.now(UTC))
"""


def test_a_worker_that_dies_while_it_stores_leaves_nothing_by_halves(
    app: Flask, cast: Cast, database_url: URL, tmp_path: Path
) -> None:
    write(app, jargon(150))
    with app.app_context():
        run_once(ANALYSE_COMMENTS, NOW)
    environ = environment(tmp_path, database_url)
    child = subprocess.run([sys.executable, "-c", DYING], env=environ, cwd=ROOT, check=False)
    assert child.returncode == 9
    with app.app_context():
        assert db.session.scalar(sa.select(sa.func.count(Response.analysed_version))) == 150
        assert db.session.scalars(sa.select(Job.attempts)).all() == [1]
    assert fits(app) == []
    with app.app_context():
        while run_once(LEARN_SENTIMENT, datetime.now(UTC) + timedelta(hours=1)):
            pass
    work_off(app)
    assert fits(app) == [(1, True, True)]


def test_a_fit_that_cannot_be_read_is_passed_over(
    app: Flask, cast: Cast, caplog: pytest.LogCaptureFixture
) -> None:
    write(app, jargon(150))
    work_off(app)
    with app.app_context():
        db.session.execute(sa.update(LearntSentiment).values(weights=b"cut"))
        db.session.execute(sa.update(Response).values(analysed_version=None))
        db.session.commit()
    work_off(app)
    assert len(sentiments(app)) == 150 and "passed over" in caplog.text


def test_what_is_read_is_bounded(app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(1)
    pairs = [Pair(f"{one.text} {dice.random()}" * 9, "en", one.score_class) for one in jargon(120)]
    write(app, pairs)
    monkeypatch.setattr(learning, "MOST_READ", sum(len(pair.text) for pair in pairs) // 2)
    work_off(app)
    with app.app_context():
        learnt = db.session.scalars(sa.select(LearntSentiment)).one()
        assert 50 < learnt.pairs < 70
