"""The page *Why it moved*: what it says in words, and whom it gives away: nobody."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from factories import Cast, log_in
from flask import Flask
from flask.testing import FlaskClient
from insights.test_rank import answers_of, groups_of, told_by
from perceptions import HEADER, TODAY, answers, fill, text_of
from solving import incidence, solved

from analytics import Period, to_date
from survey_app.insights import words
from survey_app.insights.change import pictures

PAGE = "/w/acme/change"
MONTH = f"?from={(TODAY - timedelta(days=29)).date()}&to={TODAY.date()}"
NOW, BEFORE = 10, 45  # days ago
SLOW = "The delivery was late."
OTHERS = "others (withheld)"
BY = ("stage", "country", "language")
Told = dict[str, tuple[int, int]]


@pytest.fixture
def reader(client: FlaskClient, cast: Cast) -> FlaskClient:
    """A member's browser."""
    log_in(client, cast.member)
    return client


def page_of(reader: FlaskClient, query: str = "") -> str:
    answer = reader.get(PAGE + MONTH + query)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def test_a_clear_change_is_named_with_its_parts(
    app: Flask, reader: FlaskClient, tmp_path: Path
) -> None:
    rows = answers(80, 10, days_ago=BEFORE, comment=SLOW)
    rows += answers(20, 2, stage="exit", days_ago=BEFORE)
    rows += answers(50, 10, days_ago=NOW, comment=SLOW)
    rows += answers(50, 2, stage="exit", days_ago=NOW, comment=SLOW)
    fill(app, tmp_path, rows)
    page = page_of(reader)
    text = text_of(page)
    assert "NPS fell from 60 to 0" in text
    assert "Change in points: −60 (" in text and "more than chance would explain" in text
    # Nobody changed his mind: there are more at exit now.
    assert "A different mix of people answered In points: what they answered 0.0 (" in text
    assert "who answered −60.0 (" in text
    assert "60.0 before, −60.0 in all, 0.0 now" in text
    assert "No group by itself moved clearly" in text
    assert "What people complain of" in text
    assert not re.search(r"\sstyle=|<style|<script|\son\w+=", page)


def test_a_change_that_may_be_chance_says_what_would_show_one(
    app: Flask, reader: FlaskClient, tmp_path: Path
) -> None:
    rows = [*answers(30, 10, days_ago=BEFORE), *answers(30, 2, days_ago=BEFORE)]
    rows += [*answers(33, 10, days_ago=NOW), *answers(27, 2, days_ago=NOW)]
    fill(app, tmp_path, rows)
    text = text_of(page_of(reader))
    assert "No clear change: NPS was 0 and is 10" in text
    assert "It may be chance" in text
    assert re.search(r"takes about 6,\d00 answers in each period", text)
    assert "more than chance would explain" not in text


def test_what_more_people_complain_of_is_named(
    app: Flask, reader: FlaskClient, tmp_path: Path
) -> None:
    rows = answers(40, 10, days_ago=BEFORE, comment="Great support.")
    rows += answers(40, 2, days_ago=NOW, comment=SLOW)
    fill(app, tmp_path, rows)
    page = page_of(reader)
    assert "Complained of more often: Delivery" in text_of(page)
    assert 'href="/w/acme/comments?' in page and "sentiment=negative" in page


def test_an_empty_chart_says_why(app: Flask, reader: FlaskClient, tmp_path: Path) -> None:
    rows = answers(40, 10, days_ago=BEFORE, comment="Great support.")
    rows += answers(40, 10, stage="serve", days_ago=NOW, comment="Great support.")
    fill(app, tmp_path, rows)
    text = text_of(page_of(reader))
    assert "NPS was 100 and is 100 Change in points: 0 (" in text
    assert "No group can be compared" in text and "No complaints to show" in text
    assert "No answers in this selection" not in text


def test_scores_and_their_change_add_up(app: Flask, reader: FlaskClient, tmp_path: Path) -> None:
    # 38.46 and −10.26: 38 less 10 would be 48, and it is 48.72.
    rows = [*answers(26, 10, days_ago=BEFORE), *answers(11, 2, days_ago=BEFORE)]
    rows += [*answers(2, 8, days_ago=BEFORE), *answers(17, 10, days_ago=NOW)]
    rows += [*answers(21, 2, days_ago=NOW), *answers(1, 8, days_ago=NOW)]
    fill(app, tmp_path, rows)
    text = text_of(page_of(reader))
    assert "NPS fell from 38.5 to −10.3" in text
    assert "Change in points: −48.8 (" in text


@pytest.mark.parametrize(
    ("rows", "query", "says"),
    [
        ([], "", "No answers in this selection."),
        (answers(3, 9, days_ago=NOW), "", "Withheld for privacy: by itself or with other numbers"),
        (answers(30, 9, days_ago=NOW), "&compare=none", "There is nothing to compare with."),
        (answers(30, 9, days_ago=NOW), "", "nobody answered in the earlier period"),
        (
            answers(30, 9, days_ago=NOW) + answers(3, 9, days_ago=BEFORE),
            "",
            "No comparison: the earlier score is withheld.",
        ),
        (
            answers(30, 9, days_ago=NOW) + answers(30, 9, days_ago=BEFORE),
            "&by=gender",
            "Gender: not known of anybody who answered.",
        ),
        (
            answers(30, 9, days_ago=NOW) + answers(30, 9, days_ago=BEFORE),
            "&by=country",
            "Country: everybody who answered has the same.",
        ),
        (
            answers(30, 9, days_ago=NOW) + answers(30, 9, days_ago=BEFORE),
            "",
            "in one of the periods too few people wrote",
        ),
    ],
)
def test_what_can_not_be_said_is_said(
    app: Flask, reader: FlaskClient, tmp_path: Path, rows: Any, query: str, says: str
) -> None:
    if rows:
        fill(app, tmp_path, rows)
    assert says in text_of(page_of(reader, query))


def test_two_years_share_days_with_themselves(
    reader: FlaskClient, app: Flask, tmp_path: Path
) -> None:
    fill(app, tmp_path, answers(30, 9, days_ago=NOW))
    query = f"?from={TODAY.year - 2}-01-01&to={TODAY.date()}&compare=year"
    page = text_of(reader.get(PAGE + query).get_data(as_text=True))
    assert "A year earlier the period would share days with itself." in page


@pytest.mark.parametrize("query", ["&by=shoe_size", "&by=survey", "&metric=iq", "&compare=mars"])
def test_a_wrong_address_is_refused(reader: FlaskClient, query: str) -> None:
    assert reader.get(PAGE + MONTH + query).status_code == 422


def test_ages_run_as_people_age(app: Flask, reader: FlaskClient, tmp_path: Path) -> None:
    rows = [
        (*row[:5], f"{age}-{place}-{day}", "en", TODAY.year - age)
        for age, score in ((70, 9), (30, 8), (15, 7))
        for day in (NOW, BEFORE)
        for place, row in enumerate(answers(8, score - 7 * (day == NOW), days_ago=day))
    ]
    fill(app, tmp_path, rows, header=(*HEADER, "birth_year"))
    page = page_of(reader, "&by=age_band")
    for name in ("waterfall", "moves"):
        figure = page[page.index(f'id="{name}-title"') :]
        for text in (figure[: figure.index("<table")], figure[figure.index("<table") :]):
            assert text.index("&lt;18") < text.index("25-34") < text.index("65+"), name


def test_readers_of_arabic_and_on_phones_have_it_too(
    app: Flask, reader: FlaskClient, tmp_path: Path
) -> None:
    rows = [*answers(30, 10, days_ago=BEFORE), *answers(9, 2, stage="exit", days_ago=BEFORE)]
    rows += [*answers(30, 9, days_ago=NOW), *answers(9, 9, stage="exit", days_ago=NOW)]
    fill(app, tmp_path, rows)
    page = page_of(reader, "&lang=ar")
    assert '<html lang="ar" dir="rtl">' in page
    wide = set(re.findall(r'viewBox="0 0 (\d+)', page))
    phone = reader.get(PAGE + MONTH, headers={"Sec-CH-UA-Mobile": "?1"}).get_data(as_text=True)
    assert (wide, set(re.findall(r'viewBox="0 0 (\d+)', phone))) == ({"420"}, {"344"})


def test_perception_leads_here_in_the_same_scope(
    app: Flask, reader: FlaskClient, tmp_path: Path
) -> None:
    fill(app, tmp_path, answers(30, 10, days_ago=NOW) + answers(30, 2, days_ago=BEFORE))
    page = reader.get(f"/w/acme/perception{MONTH}&stage=adopt").get_data(as_text=True)
    [link] = re.findall(r'<a href="(/w/acme/change\?[^"]+)">Why it moved', page)
    assert "stage=adopt" in link and "compare=previous" in link and "from=" in link


def test_a_small_group_that_moved_is_drawn_among_many(app: Flask) -> None:
    groups = pd.DataFrame({"n": range(99, 79, -1), "moved": 1.0, "moved_low": 0.0, "moved_high": 2})
    with app.test_request_context(PAGE):
        drawn = pictures._moves(groups.assign(significant=groups["n"] == 80))["n"].tolist()
    assert drawn == [*range(99, 85, -1), 80]


def told_on(app: Flask, page: str, by: str, answers: pd.DataFrame) -> Told:
    """Answers before and now of each group, by the table under the parts."""
    with app.test_request_context(PAGE):
        keys = [*answers[by].dropna().unique(), None]
        names = {words.value_name(by, key): key for key in keys} | {OTHERS: OTHERS}
    figure = page[page.index('id="waterfall-title"') :]
    table = figure[: figure.index("</table>")]
    found: Told = {}
    for label, cells in re.findall(r'<tr><th scope="row">(.*?)</th>(.*?)</tr>', table, re.S):
        name = re.sub(r"<[^>]+>", "", label).strip()
        before, now = re.findall(r"<td>(\d+)</td>", cells)[:2]
        if name != "all":
            found[names[name]] = (int(before), int(now))
    return found


@pytest.mark.parametrize("seed", [1, 3])
def test_nobody_is_given_away(app: Flask, reader: FlaskClient, tmp_path: Path, seed: int) -> None:
    """By the splits of both periods by all dimensions, taken together, with their rows in one."""
    rows = told_by(seed)
    fill(app, tmp_path, rows)
    every = answers_of(rows)
    start = TODAY.date() - timedelta(days=50)
    now, then = to_date(Period(start, TODAY.date()), TODAY.date())
    sides = [every[every["day"].between(period.start, period.end)] for period in (then, now)]
    published: list[list[dict[str, Any]]] = [[{}], [{}]]
    pooled = 0
    for by in BY:
        query = f"?from={start}&to={TODAY.date()}&by={by}"
        page = reader.get(PAGE + query).get_data(as_text=True)
        if 'id="waterfall-title"' not in page:
            continue
        told = told_on(app, page, by, every)
        shown = set(told) - {OTHERS}
        for at, side in enumerate(sides):
            counted = {key: count[at] for key, count in told.items()}
            assert sum(counted.values()) == len(side)
            for key in shown:
                assert counted[key] == (side[by] == key).sum()
                published[at] += [{by: key}] * bool(counted[key])
            left = tuple(set(side[by]) - shown)
            if left:
                assert counted[OTHERS] == side[by].isin(left).sum()
                published[at].append({by: left})
                pooled += 1
    assert pooled
    for side, told in zip(sides, published, strict=True):
        groups = groups_of(side, told)
        assert solved(incidence(side, told), side["who"], k=5, groups=groups) == []
        # The judge does find people: here with the groups that hide.
        bare = [{}, *({by: key} for by in BY for key in set(side[by]))]
        assert solved(incidence(side, bare), side["who"], k=5, groups=groups_of(side, bare))
