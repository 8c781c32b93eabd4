"""The page *Comments*: what a member reads, in which order, and what nobody may."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from factories import Cast, log_in
from flask import Flask
from flask.testing import FlaskClient
from perceptions import HEADER, TODAY, answers, fill, text_of

import nlp
from survey_app.accounts.models import Workspace
from survey_app.db import db
from survey_app.insights.comments import redaction
from survey_app.insights.comments.marks import Mention, merged, pieces
from survey_app.insights.models import CommentAnalysis, ThemeMention
from survey_app.insights.theme_names import THEMES
from survey_app.jobs import Job
from survey_app.responses.models import Response

PAGE = "/w/acme/comments"
LATE = "The delivery was late and the box was broken."
KIND = "Friendly and helpful support, thank you!"


@pytest.fixture
def reader(client: FlaskClient, cast: Cast) -> FlaskClient:
    """A member's browser."""
    log_in(client, cast.member)
    return client


@pytest.fixture
def mixed(app: Flask, reader: FlaskClient, tmp_path: Path) -> FlaskClient:
    """A member's browser, and a workspace with 14 bad and 12 good comments."""
    rows = [*answers(14, 2, comment=LATE), *answers(12, 10, comment=KIND, country="DE")]
    fill(app, tmp_path, rows)
    return reader


def read(client: FlaskClient, query: str = "") -> str:
    answer = client.get(PAGE + query)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def a_part(app: Flask) -> ThemeMention:
    """A mention of a part of the theme of delivery."""
    with app.app_context():
        found = db.session.scalar(
            sa.select(ThemeMention).where(
                ThemeMention.theme == "theme.delivery", ThemeMention.code != ThemeMention.theme
            )
        )
        assert found is not None
        return found


def said(page: str) -> list[str]:
    """The comments on a page, as they can be read."""
    return [
        text_of(text).strip() for text in re.findall(r"<blockquote.*?</blockquote>", page, re.S)
    ]


def test_every_comment_is_on_one_page_the_newest_first(
    app: Flask, reader: FlaskClient, tmp_path: Path
) -> None:
    rows = [
        row
        for number in range(60)
        for row in answers(
            1, 5, comment=f"Number {number}.", days_ago=60 - number // 3, who=f"{number}"
        )
    ]
    fill(app, tmp_path, rows)
    seen: list[str] = []
    query: str | None = ""
    sizes = []
    while query is not None:
        page = read(reader, query)
        sizes.append(len(said(page)))
        seen += said(page)
        more = re.search(r'href="[^"?]*(\?[^"]*)" rel="next"', page)
        query = more[1].replace("&amp;", "&") if more else None
    assert sizes == [25, 25, 10]
    assert len(set(seen)) == 60
    days = [int(text.removeprefix("Number ").removesuffix(".")) // 3 for text in seen]
    assert days == sorted(days, reverse=True)


def test_what_the_address_chooses_is_shown_and_counted(app: Flask, mixed: FlaskClient) -> None:
    everything = read(mixed)
    assert "26 comments" in text_of(everything)
    for query, comment, count in (
        ("?sentiment=negative", LATE, 14),
        ("?sentiment=positive", KIND, 12),
        ("?theme=theme.delivery", LATE, 14),
        (f"?theme={a_part(app).code}", LATE, 14),
        ("?theme=theme.support", KIND, 12),
        ("?country=DE", KIND, 12),
    ):
        page = read(mixed, query)
        assert set(said(page)) == {comment}, query
        assert f"{count} comments" in text_of(page), query
    for nothing in ("?flag=corrected", "?sentiment=neutral", "?theme=theme.booking"):
        assert "Nobody wrote a comment in this selection." in read(mixed, nothing)


def test_a_comment_says_what_was_found_where(app: Flask, mixed: FlaskClient) -> None:
    page = read(mixed, "?theme=theme.delivery")
    found = a_part(app)
    assert found.polarity == "negative"
    place = LATE[found.start : found.end]
    assert re.search(rf'<mark class="negative" title="[^"]*: negative">{place}</mark>', page)
    entry = text_of(page[page.index('<ol class="said">') :])
    assert re.match(r"The delivery was late .* Score 2 .* Finland · Adopt · English", entry)
    assert re.search(r"negative \d+% sure", entry)
    assert f"{THEMES[found.code]} : negative" in entry


def test_the_page_says_how_much_is_scored_and_by_what(app: Flask, mixed: FlaskClient) -> None:
    page = text_of(read(mixed))
    assert "26 of them have a sentiment (100%)" in page
    assert f"Engine {nlp.ENGINE_VERSION}." in page
    assert "to be read" not in page
    with app.app_context():
        first, second = db.session.scalars(sa.select(Response.id).order_by(Response.id).limit(2))
        db.session.execute(sa.update(Response).values(analysed_version=None))
        db.session.execute(sa.delete(CommentAnalysis).where(CommentAnalysis.response_id == first))
        db.session.execute(
            sa.update(CommentAnalysis)
            .where(CommentAnalysis.response_id == second)
            .values(sentiment=None, score=None, confidence=None)
        )
        db.session.commit()
    page = text_of(read(mixed))
    assert "24 of them have a sentiment (92%)" in page
    assert "26 comments wait to be read by it." in page and "waits to be read again" in page
    unscored = read(mixed, "?sentiment=unscored")
    assert len(said(unscored)) == 2
    assert "not read yet" in text_of(unscored) and "not scored" in text_of(unscored)


def test_the_floor_is_asked_of_the_scope(app: Flask, reader: FlaskClient, tmp_path: Path) -> None:
    fill(app, tmp_path, answers(9, 2, comment=LATE))
    for query in ("", "?sentiment=negative", "?theme=theme.delivery"):
        page = read(reader, query)
        assert "could tell of fewer than 10 people" in page and said(page) == []
    fill(app, tmp_path, answers(30, 9, comment=KIND, country="DE"), survey="acme-nps")
    assert len(said(read(reader, "?sentiment=negative"))) == 9, "a choice among shown comments"
    assert said(read(reader, "?country=FI")) == [], "a scope of nine people"


def test_few_writers_are_not_what_two_lists_differ_by(
    app: Flask, reader: FlaskClient, tmp_path: Path
) -> None:
    # Seven of Malta: enough for a score, not for a list. All 37 less Finland's 30 would be theirs.
    fill(app, tmp_path, answers(30, 10, comment=KIND) + answers(7, 2, country="MT", comment=LATE))
    assert "37 comments" in text_of(read(reader)) and len(said(read(reader))) == 25
    assert said(read(reader, "?country=MT")) == []
    assert said(read(reader, "?country=FI")) == []
    page = reader.get("/w/acme/perception?country=FI").get_data(as_text=True)
    assert said(page) == [] and "Net Promoter Score 100" in text_of(page)
    assert "30 comments" not in text_of(page)
    assert "Finland" not in text_of(read(reader)).partition("37 comments")[2]


def test_a_list_by_a_hidden_value_is_closed(
    app: Flask, reader: FlaskClient, tmp_path: Path
) -> None:
    # No two lists differ by Malta's eight, but three do: all, Finland's, and Sweden's.
    rows = [
        *answers(30, 10, comment=KIND),
        *answers(12, 10, country="SE", comment=KIND),
        *answers(8, 2, country="MT", comment=LATE),
    ]
    fill(app, tmp_path, rows)
    assert "50 comments" in text_of(read(reader))
    assert "30 comments" in text_of(read(reader, "?country=FI"))
    for query in ("?country=SE", "?country=FI&country=SE"):
        assert said(read(reader, query)) == [], query
    assert said(reader.get("/w/acme/perception?country=SE").get_data(as_text=True)) == []


def test_a_comment_does_not_say_where_its_table_is_silent(
    app: Flask, reader: FlaskClient, tmp_path: Path
) -> None:
    rows = [
        *answers(30, 10, comment=KIND),
        *answers(8, 8, country="SE", comment=KIND),
        *answers(2, 2, country="MT", stage="exit", comment="My boss must not know.", days_ago=1),
    ]
    fill(app, tmp_path, rows)
    page = text_of(read(reader))
    hers = page[page.index("My boss") :][:160]
    assert "Malta" not in hers and "Exit" not in hers
    assert "Finland" in text_of(read(reader, "?sentiment=positive"))
    assert said(read(reader, "?country=FI&country=SE")) == [], "all but the two in Malta"


def test_a_comment_does_not_name_a_country_that_few_people_wrote_from(
    app: Flask, reader: FlaskClient, tmp_path: Path
) -> None:
    rows = [
        *answers(30, 10, comment=KIND),
        *answers(20, 8, country="DE", comment=KIND),
        *answers(4, 2, country="FR", comment="Le colis est perdu.", days_ago=1),
        *answers(8, 5, country="FR"),
        *answers(12, 8, country="SE"),
    ]
    fill(app, tmp_path, rows)
    assert said(read(reader, "?country=FR")) == []
    page = text_of(read(reader))
    hers = page[page.index("Le colis") :][:160]
    assert "France" not in hers
    assert "Germany" not in page[page.index("Le colis") :], "or France were what is left"
    assert "Finland" in page[page.index("Le colis") :]


def test_age_chooses_no_comments(app: Flask, reader: FlaskClient, tmp_path: Path) -> None:
    """Else who is in a country's list and in an age's is known to be of both."""
    young, old = (
        [(*row, band) for row in answers(15, 9, comment=text, who=band)]
        for band, text in (("25-34", "Young and happy."), ("55-64", "Old and happy."))
    )
    fill(app, tmp_path, [*young, *old], header=(*HEADER, "age_band"))
    assert len(said(read(reader))) == 25 and set(said(read(reader, "?band=25-34"))) == {
        "Young and happy.",
        "Old and happy.",
    }
    perception = reader.get("/w/acme/perception?band=25-34&country=FI").get_data(as_text=True)
    assert "Net Promoter Score 100" in text_of(perception) and said(perception) == []
    assert "Comments are not chosen by age" in text_of(perception)
    assert 'href="/w/acme/comments?country=FI"' in perception
    assert len(said(reader.get("/w/acme/perception").get_data(as_text=True))) == 12


def test_comments_on_both_kinds_of_surveys_are_read_apart(
    app: Flask, reader: FlaskClient, tmp_path: Path
) -> None:
    fill(app, tmp_path, answers(12, 9, comment="Would recommend."))
    fill(app, tmp_path, answers(9, 4, comment="Solved at once."), survey="acme-csat")
    page = read(reader)
    assert set(said(page)) == {"Would recommend."} and "Score 9 of 10 (NPS)" in text_of(page)
    assert said(read(reader, "?kind=transactional")) == [], "nine people, twelve others or not"
    fill(app, tmp_path, answers(11, 6, comment="Fine by me, really."), survey="acme-ces")
    page = read(reader, "?kind=transactional")
    assert set(said(page)) == {"Solved at once.", "Fine by me, really."}
    assert "Score 4 of 5 (CSAT)" in text_of(page) and "Score 6 of 7 (CES)" in text_of(page)
    assert "20 comments" in text_of(page) and "12 comments" in text_of(read(reader))
    perception = reader.get("/w/acme/perception").get_data(as_text=True)
    assert "Solved" not in perception and "/w/acme/comments?kind=transactional" in perception


def test_a_country_is_named_only_where_no_score_of_it_is_withheld(
    app: Flask, reader: FlaskClient, tmp_path: Path
) -> None:
    for survey, score in (("acme-csat", 4), ("acme-ces", 6)):
        fill(app, tmp_path, answers(30, score, comment=KIND), survey=survey)
    fill(app, tmp_path, answers(11, 4, country="SE", comment=LATE), survey="acme-csat")
    named = "?kind=transactional&theme=theme.delivery"
    assert "Sweden" in text_of(read(reader, named)).partition("11 comments")[2]
    fill(app, tmp_path, answers(3, 2, country="SE", comment=KIND, days_ago=30), survey="acme-ces")
    assert "Sweden" not in text_of(read(reader, named)).partition("11 comments")[2]
    assert said(read(reader, "?kind=transactional&country=SE")) == []


def test_one_form_is_on_the_page_and_it_keeps_the_address(mixed: FlaskClient) -> None:
    page = read(mixed, "?theme=theme.support&lang=ar")
    assert '<form class="mend"' not in page
    links = re.findall(r'<a class="correct" href="([^"]*)"', page)
    assert len(links) == 12
    address, _, anchor = links[3].replace("&amp;", "&").partition("#")
    assert address.startswith(f"{PAGE}?theme=theme.support&lang=ar&correct=")
    form = mixed.get(address).get_data(as_text=True)
    assert form.count('<form class="mend"') == 1
    assert f'<li id="{anchor}" tabindex="-1">' in form
    assert len(re.findall(r'<a class="correct"', form)) == 11
    assert f'href="{PAGE}?theme=theme.support&amp;lang=ar#{anchor}"' in form, "the way back"
    themes = 'value="theme.loyalty"'
    assert (page.count(themes), form.count(themes)) == (1, 2)


def test_who_wrote_it_and_when_is_not_told(app: Flask, reader: FlaskClient, tmp_path: Path) -> None:
    fill(app, tmp_path, answers(12, 2, comment=LATE, who="customer-key"))
    page = read(reader)
    assert len(said(page)) == 12
    assert "customer-key" not in page
    assert not re.search(r"\b09:00\b|T09|customer", page)


def test_what_is_not_redacted_yet_is_not_there(app: Flask, mixed: FlaskClient, cast: Cast) -> None:
    with app.app_context():
        db.session.execute(sa.update(Workspace).values(redact=True))
        ready = db.session.scalars(sa.select(Response.id).order_by(Response.id).limit(11)).all()
        db.session.execute(
            sa.update(Response).where(Response.id.in_(ready)).values(redacted_at=TODAY)
        )
        db.session.commit()
    page = read(mixed)
    assert "15 answers with comments are being prepared" in page
    assert len(said(page)) == 11
    with app.app_context():
        broken = {"kind": redaction.KIND, "due_at": TODAY, "quarantined_at": TODAY, "attempts": 3}
        waiting = sa.select(sa.func.max(Response.id)).scalar_subquery()
        db.session.execute(sa.insert(Job).values(subject=waiting, **broken))
        db.session.commit()
    page = text_of(read(mixed))
    assert "14 answers with comments are being prepared" in page
    assert "The comments of 1 answer could not be looked through" in page
    log_in(mixed, cast.owner)
    settings = text_of(mixed.get("/w/acme/settings").get_data(as_text=True))
    assert "14 answers with comments are still" in settings
    assert "The comments of 1 answer could not" in settings


def test_a_comment_stays_text(app: Flask, reader: FlaskClient, tmp_path: Path) -> None:
    nasty = '<img src=x onerror="alert(1)">{{7*7}} late delivery</script>\u202etxet'
    fill(app, tmp_path, answers(12, 2, comment=nasty))
    page = read(reader)
    assert "<img src=x" not in page and "{{7*7}}" in page
    assert '<blockquote dir="auto"' in page
    plain = page.replace(" onerror=&#34;", "")
    assert not re.search(r"\sstyle=|<style|<script|\son\w+=", plain)


@pytest.mark.parametrize(
    "query",
    [
        "?sentiment=angry",
        "?theme=theme.nothing",
        "?theme=theme.own.of_others",
        "?flag=password",
        "?kind=secret",
        "?correct=1",
        "?before=2026-01-01",
        "?before=2026-13-01_1_comment",
        "?before=2026-01-01_99999999999999999999_comment",
        "?from=tomorrow",
    ],
)
def test_a_wrong_address_is_refused(reader: FlaskClient, query: str) -> None:
    assert reader.get(PAGE + query).status_code == 422


def test_the_scope_travels_between_the_pages(mixed: FlaskClient) -> None:
    start = (TODAY - timedelta(days=89)).date()
    there = mixed.get(f"/w/acme/perception?from={start}&country=FI&by=gender").get_data(
        as_text=True
    )
    links = re.findall(r'href="(/w/acme/comments\?[^"]*)"', there)
    assert f"/w/acme/comments?from={start}&amp;country=FI&amp;theme=theme.delivery" in links
    back = read(mixed, f"?from={start}&country=FI&sentiment=negative")
    assert f'href="/w/acme/perception?from={start}&amp;country=FI"' in back


def test_arabic_readers_get_a_mirrored_page(mixed: FlaskClient) -> None:
    assert '<html lang="ar" dir="rtl">' in read(mixed, "?lang=ar")


# --- marks --------------------------------------------------------------------------------------


def test_of_mentions_that_overlap_the_shortest_is_named() -> None:
    long, short, beside = (
        Mention("a", None, 0, 9),
        Mention("b", "negative", 4, 9),
        Mention("c", None, 8, 12),
    )
    found = pieces("one two three", [short, long, beside])
    assert [(piece.text, piece.mention) for piece in found] == [
        ("one ", long),
        ("two ", short),
        ("thre", beside),
        ("e", None),
    ]


def test_places_outside_the_text_mark_nothing() -> None:
    odd = [Mention("a", None, *place) for place in ((0, 0), (5, 3), (2, 99), (-1, 2))]
    assert [piece.text for piece in pieces("short", odd)] == ["short"]
    assert pieces("", odd) == []


def test_mentions_that_disagree_leave_their_theme_unjudged() -> None:
    told = [Mention("a", "negative", 0, 1), Mention("a", "positive", 2, 3)]
    assert merged([*told, Mention("b", "neutral", 4, 5)]) == {"a": None, "b": "neutral"}
