"""The page *Perception*: what a member sees, and what nobody may."""

import csv
import io
import re
from datetime import timedelta
from pathlib import Path

import pytest
from factories import Cast, log_in
from flask import Flask
from flask.testing import FlaskClient
from perceptions import HEADER, PAGE, TODAY, answers, fill, text_of


@pytest.fixture
def reader(client: FlaskClient, cast: Cast) -> FlaskClient:
    """A member's browser."""
    log_in(client, cast.member)
    return client


def test_an_empty_workspace_says_so(reader: FlaskClient) -> None:
    page = reader.get(PAGE)
    assert page.status_code == 200
    assert "No answers in this selection" in text_of(page.get_data(as_text=True))


def test_card_table_and_export_are_one_number(
    app: Flask, reader: FlaskClient, tmp_path: Path
) -> None:
    fill(app, tmp_path, answers(60, 10) + answers(25, 3, country="DE", stage="onboard"))
    page = text_of(reader.get(PAGE).get_data(as_text=True))
    # By hand (adjusted Wald): n' 88, p' 60.75/88, d' 25.75/88, margin 1.96·√(.8248/88).
    assert "Net Promoter Score 41 95% interval: 21 to 59" in page
    assert "Onboard −100 " in page
    file = reader.get(f"{PAGE}/export?format=csv")
    assert file.headers["Content-Disposition"].endswith('.csv"')
    rows = list(csv.DictReader(io.StringIO(file.get_data().decode("utf-8-sig"))))
    assert [(row["stage"], row["n"], row["nps"]) for row in rows] == [
        ("onboard", "25", "-100.00"),
        ("adopt", "60", "100.00"),
    ]


def test_few_people_are_withheld_everywhere(
    app: Flask, reader: FlaskClient, tmp_path: Path
) -> None:
    # One customer who answered six times is one person.
    many = [
        (*row[:5], "one-person", "en")
        for day in range(6)
        for row in answers(1, 9, country="IS", days_ago=20 + day)
    ]
    fill(app, tmp_path, many)
    page = reader.get(f"{PAGE}?country=IS").get_data(as_text=True)
    assert "Withheld for privacy: by itself or with other numbers" in text_of(page)
    assert "Net Promoter Score 100" not in text_of(page)
    shown = re.search(r'<div class="picture">(.*?)</div>', page, re.S)
    assert shown is not None
    assert "100" not in text_of(shown.group(1))


def test_comments_are_withheld_under_their_own_floor(
    app: Flask, reader: FlaskClient, tmp_path: Path
) -> None:
    said = "The delivery was late and the box was broken."
    fill(app, tmp_path, answers(9, 2, comment=said))
    assert said not in reader.get(PAGE).get_data(as_text=True)
    fill(app, tmp_path, answers(9, 2, comment=said) + answers(1, 3, comment=said))
    assert said in reader.get(PAGE).get_data(as_text=True)


def test_a_comment_stays_text(app: Flask, reader: FlaskClient, tmp_path: Path) -> None:
    nasty = '<img src=x onerror="alert(1)">{{7*7}}</script>'
    fill(app, tmp_path, answers(12, 2, comment=nasty))
    page = reader.get(PAGE).get_data(as_text=True)
    assert "<img src=x" not in page
    assert "{{7*7}}" in page


@pytest.mark.parametrize(
    "address",
    [
        "?from=yesterday",
        "?from=2026-02-01&to=2026-01-01",
        "?by=shoe_size",
        "?compare=mars",
        "?" + "&".join(f"country=C{number}" for number in range(51)),
        "?from=2000-01-01&to=8999-12-31",
        "/export?format=exe",
        "/export?dimensions=password_hash",
        "/export?dimensions=country,stage,gender,channel",
    ],
)
def test_a_wrong_address_is_refused_with_a_hint(reader: FlaskClient, address: str) -> None:
    answer = reader.get(PAGE + address)
    assert answer.status_code == 422
    assert "Use" in (text := answer.get_data(as_text=True)) or "Write" in text or "Swap" in text


def test_filters_are_values_never_sql(app: Flask, reader: FlaskClient, tmp_path: Path) -> None:
    fill(app, tmp_path, answers(30, 10))
    page = reader.get(f"{PAGE}?country=FI' OR '1'='1").get_data(as_text=True)
    assert "No answers in this selection" in text_of(page)


def test_kinds_are_never_pooled(app: Flask, reader: FlaskClient, tmp_path: Path) -> None:
    fill(app, tmp_path, answers(40, 10))
    fill(app, tmp_path, answers(40, 2), survey="acme-csat")
    page = text_of(reader.get(PAGE).get_data(as_text=True))
    assert "Net Promoter Score 100" in page
    assert "Satisfied (CSAT) 0%" in page


@pytest.mark.parametrize("blank", ["\u200b\u200d", "\u2060", "\u3164", " \u00a0\u3000 "])
def test_a_comment_in_which_nothing_can_be_seen_is_none(
    app: Flask, reader: FlaskClient, tmp_path: Path, blank: str
) -> None:
    fill(app, tmp_path, answers(20, 2, comment=blank) + answers(12, 9, comment="Good.", who="x"))
    page = reader.get(PAGE).get_data(as_text=True)
    assert page.count("<blockquote") == page.count(">Good.</blockquote>") == 12


def test_a_clear_change_is_named_and_an_unclear_one_not(
    app: Flask, reader: FlaskClient, tmp_path: Path
) -> None:
    now = answers(80, 10, days_ago=3)
    fill(app, tmp_path, now + answers(80, 2, days_ago=40))
    address = f"{PAGE}?from={(TODAY - timedelta(days=29)).date()}&to={TODAY.date()}"
    assert "better than before" in text_of(reader.get(address).get_data(as_text=True))
    unchanged = text_of(reader.get(f"{address}&compare=none").get_data(as_text=True))
    assert "better than before" not in unchanged


def test_arabic_readers_get_a_mirrored_page(reader: FlaskClient) -> None:
    page = reader.get(f"{PAGE}?lang=ar").get_data(as_text=True)
    assert '<html lang="ar" dir="rtl">' in page


def test_a_phone_gets_narrow_charts(reader: FlaskClient, app: Flask, tmp_path: Path) -> None:
    fill(app, tmp_path, answers(40, 10))
    pages = {
        name: reader.get(PAGE, headers={"Sec-CH-UA-Mobile": mobile}).get_data(as_text=True)
        for name, mobile in (("desk", "?0"), ("phone", "?1"))
    }
    drawn = {name: set(re.findall(r'viewBox="0 0 (\d+)', page)) for name, page in pages.items()}
    assert drawn == {"desk": {"1000", "680", "480", "420", "300"}, "phone": {"344", "300"}}


def test_no_style_and_no_script_of_its_own(app: Flask, reader: FlaskClient, tmp_path: Path) -> None:
    fill(app, tmp_path, answers(40, 10, comment="Good delivery."))
    page = reader.get(PAGE).get_data(as_text=True)
    assert not re.search(r"\sstyle=|<style|<script|\son\w+=", page)


def test_ages_run_as_people_age(app: Flask, reader: FlaskClient, tmp_path: Path) -> None:
    year = TODAY.year
    rows = [
        (*row[:5], f"{age}-{place}", "en", year - age)
        for age in (15, 30, 70)
        for place, row in enumerate(answers(8, 9))
    ]
    fill(app, tmp_path, rows, header=(*HEADER, "birth_year"))
    page = text_of(reader.get(f"{PAGE}?by=age_band").get_data(as_text=True))
    table = page[page.rindex("By: Age band") :]
    assert table.index("&lt;18 100") < table.index("25-34 100") < table.index("65+ 100")


def test_a_period_is_not_compared_with_its_own_days(reader: FlaskClient) -> None:
    two_years = f"?from={TODAY.year - 2}-01-01&to={TODAY.date()}&compare=year"
    assert "share days with itself" in text_of(reader.get(PAGE + two_years).get_data(as_text=True))
