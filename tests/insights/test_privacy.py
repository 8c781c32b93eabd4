"""What may not be solved: small groups, also by opening two pages and subtracting."""

import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from factories import Cast, log_in
from flask import Flask
from flask.testing import FlaskClient
from perceptions import PAGE, answers, fill, text_of

from survey_app.db import db
from survey_app.responses.models import Response

HIDDEN = "Withheld for privacy: by itself or with other numbers"


@pytest.fixture
def malta(app: Flask, client: FlaskClient, cast: Cast, tmp_path: Path) -> FlaskClient:
    """A member's browser, and a workspace in which two people in Malta answered."""
    rows = [
        *answers(30, 10, comment="Good service."),
        *answers(8, 8, country="SE"),
        *answers(
            2, 2, country="MT", stage="exit", comment="My boss must not know this.", days_ago=1
        ),
    ]
    fill(app, tmp_path, rows)
    log_in(client, cast.member)
    return client


def page_of(client: FlaskClient, query: str = "") -> str:
    return text_of(client.get(PAGE + query).get_data(as_text=True))


def test_a_filter_that_leaves_out_two_people_is_withheld(malta: FlaskClient) -> None:
    assert "Answers 40" in page_of(malta)
    rest = page_of(malta, "?country=FI&country=SE")
    assert HIDDEN in rest
    assert "38" not in rest.split("Score over time")[0].split("Net Promoter Score")[1]


def test_an_owner_sees_no_more(malta: FlaskClient, cast: Cast) -> None:
    address = "?country=FI&country=SE"
    file = f"{PAGE}/export{address}&dimensions=gender"
    told = page_of(malta, address), malta.get(file).get_data(as_text=True)
    log_in(malta, cast.owner)
    assert HIDDEN in page_of(malta, address) and HIDDEN in told[0]
    assert malta.get(file).get_data(as_text=True) == told[1]


def test_withheld_is_explained_beside_the_rows(malta: FlaskClient) -> None:
    page = malta.get(PAGE).get_data(as_text=True)
    found = re.findall(r"<table>(.*?)</table>(.*?)</div>", page, re.S)
    told = [
        ("withheld" in table, "A large group can be withheld" in after)
        for table, after in found
        if "NPS</th>" in table
    ]
    # Sweden's eight are withheld for the two of Malta; of gender nothing is.
    assert set(told) == {(True, True), (False, False)}


def test_so_is_its_export(malta: FlaskClient) -> None:
    csv = malta.get(f"{PAGE}/export?country=FI&country=SE&dimensions=gender").get_data(as_text=True)
    assert csv.splitlines()[1].endswith(",true")
    assert "38" not in csv


def test_a_filter_that_leaves_out_enough_people_is_shown(malta: FlaskClient) -> None:
    assert "Net Promoter Score 100" in page_of(malta, "?country=FI")


def test_a_second_filter_is_held_against_each_wider_page(malta: FlaskClient) -> None:
    # Stage adopt holds everybody but the two; country alone would be fine.
    assert HIDDEN in page_of(malta, "?stage=adopt&country=FI&country=SE")


def test_a_page_is_held_against_the_page_with_one_filter_less(
    app: Flask, client: FlaskClient, cast: Cast, tmp_path: Path
) -> None:
    # Every named value is shown by itself, and the whole page is far from each selection; only
    # stage `adopt` alone holds two people more than stage and country together.
    rows = [
        *answers(30, 9, stage="adopt"),
        *answers(2, 1, stage="adopt", country="SE"),
        *answers(30, 9, stage="serve"),
        *answers(30, 1, stage="serve", country="SE"),
    ]
    fill(app, tmp_path, rows)
    log_in(client, cast.member)
    for shown in ("", "?stage=adopt", "?country=FI"):
        assert HIDDEN not in page_of(client, shown).split("Along the lifecycle")[0]
    assert HIDDEN in page_of(client, "?stage=adopt&country=FI").split("Along the lifecycle")[0]
    # All 92, less 60 at `serve`, less 60 in Finland, and the 30 that are both, are those two again.
    assert HIDDEN in page_of(client, "?stage=serve&country=FI").split("Along the lifecycle")[0]


def test_an_answer_that_does_not_count_is_on_no_page(
    app: Flask, client: FlaskClient, cast: Cast, tmp_path: Path
) -> None:
    fill(app, tmp_path, answers(40, 9))
    log_in(client, cast.member)
    assert "Answers 40" in page_of(client)
    with app.app_context():
        stuffed = sa.select(sa.func.max(Response.id)).scalar_subquery()
        db.session.execute(
            sa.update(Response).where(Response.id > stuffed - 10).values(counted=False)
        )
        db.session.commit()
    assert "Answers 30" in page_of(client)


def test_a_comment_does_not_say_where_its_table_is_silent(malta: FlaskClient) -> None:
    page = page_of(malta)
    said = page[page.index("My boss must not know this.") :][:120]
    assert "Malta" not in said and "Exit" not in said
    # Nor does any other say where it is from: what is left would be Malta.
    assert "Finland" not in page[page.index("Good service.") :][:120]


def test_rows_of_a_filtered_table_are_held_against_the_whole_one(
    app: Flask, client: FlaskClient, cast: Cast, tmp_path: Path
) -> None:
    # 20 at `serve` in Finland, one of them also the only one of Åland; plenty of others there.
    rows = [
        *answers(19, 9, stage="serve"),
        *answers(1, 1, stage="serve", country="AX"),
        *answers(30, 9, stage="adopt", country="AX"),
        *answers(30, 9, stage="adopt"),
    ]
    fill(app, tmp_path, rows)
    log_in(client, cast.member)
    table = client.get(f"{PAGE}/export?country=FI").get_data(as_text=True)
    assert re.search(r"^serve,,,,,,,,true\r?$", table, re.M)


def test_lists_of_countries_can_not_be_subtracted_from_each_other(malta: FlaskClient) -> None:
    # Sweden is hidden as Malta's complement: no filter may show it, alone or in company.
    for filters in ("?country=SE", "?country=FI&country=SE", "?country=SE&country=MT"):
        assert HIDDEN in page_of(malta, filters)
