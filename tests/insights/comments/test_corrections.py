"""What people correct: applied at once, kept through every analysis, never in another workspace."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from factories import Cast, csrf_token, log_in
from flask import Flask
from flask.testing import FlaskClient
from perceptions import answers, fill, text_of
from werkzeug.test import TestResponse

from survey_app.accounts.models import Workspace
from survey_app.db import db
from survey_app.insights.comments import analysis
from survey_app.insights.jobs import ANALYSE_COMMENTS
from survey_app.insights.models import CommentAnalysis, CommentCorrection, OwnTheme, ThemeMention
from survey_app.jobs import run_once
from survey_app.responses.models import Answer, Response

PAGE = "/w/acme/comments"
LATE = "The delivery was late and the box was broken."
NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


@pytest.fixture
def reader(app: Flask, client: FlaskClient, cast: Cast, tmp_path: Path) -> FlaskClient:
    """A member's browser, and twelve bad comments."""
    fill(app, tmp_path, answers(12, 9, comment=LATE))
    log_in(client, cast.member)
    return client


def form_of(client: FlaskClient, *, place: int = 0, query: str = "") -> str:
    """The form of the first comment, or of a later one; empty where there is none."""
    name = f"{ids(client.application)[place]}_comment"
    page = client.get(f"{PAGE}?correct={name}{query}").get_data(as_text=True)
    return "".join(re.findall('<form class="mend".*?</form>', page, re.S))


def seen(client: FlaskClient, *, place: int = 0) -> str:
    """What the form remembers of the comment."""
    found = re.search('name="seen" value="([^"]*)"', form_of(client, place=place))
    return found[1] if found else ""


def send(
    client: FlaskClient, form: Mapping[str, object], *, place: int = 0, query: str = ""
) -> TestResponse:
    """Open the form of the first comment, or of a later one, and send it."""
    data = {"seen": seen(client, place=place), "csrf_token": csrf_token(client), **form}
    path = f"{PAGE}/{ids(client.application)[place]}/comment{query}"
    return client.post(path, data=data)


def ids(app: Flask) -> Sequence[int]:
    with app.app_context():
        return db.session.scalars(sa.select(Response.id).order_by(Response.id)).all()


def execute(app: Flask, *statements: sa.Executable) -> None:
    with app.app_context():
        for statement in statements:
            db.session.execute(statement)
        db.session.commit()


def analysed(app: Flask) -> CommentAnalysis | None:
    """What is known of the first comment."""
    with app.app_context():
        return db.session.get(CommentAnalysis, (ids(app)[0], "comment"))


def spoken_of(app: Flask) -> dict[str, tuple[str | None, int, int]]:
    with app.app_context():
        rows = db.session.scalars(
            sa.select(ThemeMention).where(ThemeMention.response_id == ids(app)[0])
        )
        return {row.code: (row.polarity, row.start, row.end) for row in rows}


def correction(app: Flask) -> CommentCorrection | None:
    with app.app_context():
        return db.session.scalar(sa.select(CommentCorrection))


def work(app: Flask) -> None:
    """Let the worker read what is unread."""
    with app.app_context():
        while run_once(ANALYSE_COMMENTS, datetime.now(UTC)):
            pass


def as_found(app: Flask) -> dict[str, object]:
    """The form as it is shown."""
    found = spoken_of(app)
    return {
        "sentiment": "",
        "theme": list(found),
        **{f"polarity.{code}": polarity or "" for code, (polarity, *_) in found.items()},
    }


def test_a_correction_counts_at_once_and_after_every_analysis(
    app: Flask, reader: FlaskClient
) -> None:
    before, found = analysed(app), spoken_of(app)
    assert before is not None and before.sentiment == "negative"
    model = (before.negative, before.neutral, before.positive)
    kept = next(iter(found))
    answer = send(
        reader,
        {
            "sentiment": "positive",
            "theme": kept,
            f"polarity.{kept}": "neutral",
            "added": "theme.loyalty",
            "polarity": "positive",
        },
        query=f"?country=FI&correct={ids(app)[0]}_comment",
    )
    assert answer.status_code == 303
    parts = urlsplit(answer.headers["Location"])
    assert (parts.path, parts.query) == (PAGE, "country=FI")
    assert parts.fragment == f"c-{ids(app)[0]}_comment"
    for again in (False, True):
        if again:
            execute(app, sa.update(Response).values(analysed_version=None))
            work(app)
        after = analysed(app)
        assert after is not None
        assert (after.sentiment, after.score, after.confidence) == ("positive", 1, 1)
        assert after.corrected
        assert (after.negative, after.neutral, after.positive) == pytest.approx(model)
        assert spoken_of(app) == {
            kept: ("neutral", *found[kept][1:]),
            "theme.loyalty": ("positive", 0, 0),
        }
    page = reader.get(f"{PAGE}?flag=corrected").get_data(as_text=True)
    assert "1 comment" in text_of(page) and "corrected by a person" in text_of(page)
    counted = text_of(reader.get("/w/acme/perception").get_data(as_text=True))
    assert "Sentiment of comments" in counted and "11 0 1 12 12" in counted


def test_as_analysed_takes_it_back(app: Flask, reader: FlaskClient) -> None:
    before = spoken_of(app)
    send(reader, {"sentiment": "positive"})
    assert spoken_of(app) == {}
    send(reader, {"withdraw": "1", "sentiment": "positive"})
    assert correction(app) is None and analysed(app) is None
    assert "not read yet" in reader.get(PAGE).get_data(as_text=True)
    work(app)
    after = analysed(app)
    assert after is not None and after.sentiment == "negative" and not after.corrected
    assert spoken_of(app) == before


def test_a_sentiment_alone_leaves_the_themes_to_the_analysis(
    app: Flask, reader: FlaskClient
) -> None:
    before = spoken_of(app)
    send(reader, as_found(app) | {"sentiment": "neutral"})
    kept = correction(app)
    assert kept is not None and (kept.sentiment, kept.themes) == ("neutral", None)
    assert spoken_of(app) == before
    send(reader, as_found(app))
    assert correction(app) is None, "back to the analysis"


def test_a_form_that_says_nothing_new_changes_nothing(app: Flask, reader: FlaskClient) -> None:
    send(reader, as_found(app))
    assert correction(app) is None
    send(reader, {"withdraw": "1"})
    after = analysed(app)
    assert after is not None and not after.corrected
    assert "Nothing was changed." in reader.get(PAGE).get_data(as_text=True)


def test_the_later_word_counts(app: Flask, reader: FlaskClient, cast: Cast) -> None:
    send(reader, {"sentiment": "positive"})
    other = reader.application.test_client()
    log_in(other, cast.owner)
    send(other, {"sentiment": "neutral", "added": "theme.price"})
    kept, after = correction(app), analysed(app)
    assert kept is not None and after is not None
    assert (kept.sentiment, kept.themes, after.sentiment) == (
        "neutral",
        {"theme.price": None},
        "neutral",
    )


def test_an_earlier_word_that_was_not_seen_is_not_overruled(
    app: Flask, reader: FlaskClient, cast: Cast
) -> None:
    before = seen(reader)
    other = reader.application.test_client()
    log_in(other, cast.owner)
    send(other, {"sentiment": "neutral", "theme": "theme.price"})
    refused = send(reader, {"seen": before, "sentiment": "positive"})
    assert refused.status_code == 303
    for form in ({"seen": before, "withdraw": "1"}, {"seen": ""}):
        assert send(reader, form).status_code == 303
    kept = correction(app)
    assert kept is not None
    assert (kept.sentiment, kept.themes) == ("neutral", {"theme.price": None})


def test_a_form_from_before_another_reading_keeps_nothing(app: Flask, reader: FlaskClient) -> None:
    """The themes that it holds are not those that the comment speaks of now."""
    form = as_found(app) | {"seen": seen(reader), "sentiment": "neutral"}
    execute(app, sa.update(Response).values(analysed_version=None))
    work(app)
    answer = send(reader, form)
    assert correction(app) is not None, "read again, with the same result"
    send(reader, {"withdraw": "1"})
    work(app)

    form["seen"] = seen(reader)
    now = {"theme": "theme.price", "code": "theme.price", "start": 0, "end": 3}
    execute(app, sa.update(ThemeMention).values(now))
    answer = send(reader, form, query="?country=FI")
    parts = urlsplit(answer.headers["Location"])
    name = f"{ids(app)[0]}_comment"
    assert (answer.status_code, parts.query) == (303, f"country=FI&correct={name}")
    assert parts.fragment == f"c-{name}"
    page = reader.get(answer.headers["Location"]).get_data(as_text=True)
    assert "was read again or corrected meanwhile. Nothing was saved." in page
    assert 'value="theme.price" checked' in page
    assert correction(app) is None


def test_what_may_not_be_read_is_not_corrected(
    app: Flask, reader: FlaskClient, tmp_path: Path
) -> None:
    form = {"seen": seen(reader), "sentiment": "positive"}
    for outside in ("?country=DE", "?to=2020-01-31&from=2020-01-01", "?kind=transactional"):
        assert send(reader, form, query=outside).status_code == 404, outside
    assert send(reader, form, query="?country=FI&sentiment=neutral").status_code == 303
    assert send(reader, {"withdraw": "1"}).status_code == 303
    # Two others in Malta: a list of all but them would give them away.
    fill(app, tmp_path, answers(2, 2, country="MT", comment=LATE))
    assert send(reader, form, query="?country=FI").status_code == 404
    with app.app_context():
        db.session.execute(sa.update(Workspace).values(comment_floor=15))
        db.session.commit()
    refused = send(reader, form)
    assert refused.status_code == 404 and "too few people" in refused.get_data(as_text=True)
    assert send(reader, {"withdraw": "1", **form}).status_code == 404
    assert correction(app) is None


def test_a_new_text_is_not_what_was_corrected(app: Flask, reader: FlaskClient) -> None:
    send(reader, {"sentiment": "positive"})
    execute(app, sa.delete(Answer).where(Answer.response_id == ids(app)[0]))
    assert correction(app) is None


@pytest.mark.parametrize("said", [("negative", True), ("neutral", False)])
def test_a_contradiction_stays_one_where_a_person_confirms_it(
    app: Flask, reader: FlaskClient, said: tuple[str, bool]
) -> None:
    later = CommentAnalysis.response_id > ids(app)[0]
    execute(
        app,
        sa.update(CommentAnalysis).values(contradicts=True),
        sa.update(CommentAnalysis).where(later).values(sentiment=None),
    )
    send(reader, {"sentiment": said[0]})
    after = analysed(app)
    assert after is not None and after.contradicts is said[1]
    assert send(reader, {"sentiment": said[0]}, place=1).status_code == 303
    assert "contradicts its score" in reader.get(f"{PAGE}?flag=contradicts").get_data(as_text=True)


@pytest.mark.parametrize(
    "form",
    [
        {"sentiment": "angry"},
        {"theme": "theme.nothing"},
        {"theme": "theme.price", "polarity.theme.price": "bad"},
        {"added": "theme.own.secret"},
        {"theme": [f"theme.{number}" for number in range(60)]},
    ],
)
def test_what_does_not_exist_is_no_correction(
    app: Flask, reader: FlaskClient, form: Mapping[str, object]
) -> None:
    # The rival has an own theme of that code.
    secret = {"code": "theme.own.secret", "name": "x", "words": ["x"], "created_at": NOW}
    execute(app, sa.insert(OwnTheme).values(workspace_id=2, **secret))
    assert send(reader, form).status_code == 422
    assert correction(app) is None


def test_anothers_comment_is_not_there(app: Flask, reader: FlaskClient, cast: Cast) -> None:
    mine = ids(app)[0]
    rival = reader.application.test_client()
    log_in(rival, cast.rival_owner)
    data = {"sentiment": "positive", "csrf_token": csrf_token(rival)}
    assert rival.post(f"{PAGE}/{mine}/comment", data=data).status_code == 404
    for foreign in (mine, 10**6, 2**63, 10**30):
        own_page = rival.post(f"/w/rival/comments/{foreign}/comment", data=data)
        assert own_page.status_code == 404
    assert rival.post(f"/w/rival/comments/{mine}/nps", data=data).status_code == 404
    score = reader.post(
        f"{PAGE}/{mine}/nps", data={"sentiment": "neutral", "csrf_token": csrf_token(reader)}
    )
    assert score.status_code == 404, "a score is no comment"
    assert correction(app) is None


def test_nobody_stores_over_a_word_that_came_meanwhile(app: Flask, reader: FlaskClient) -> None:
    with app.app_context():
        stale = analysis.read(db.session, ids(app)[:1])
    send(reader, {"sentiment": "positive"})
    with app.app_context():
        analysis.store(db.session, stale, NOW)
        db.session.commit()
    after = analysed(app)
    assert after is not None and (after.sentiment, after.corrected) == ("positive", True)
