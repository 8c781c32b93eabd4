"""What is stamped on a response, from which source, and what is written nowhere."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from factories import NOW
from hypothesis import given
from hypothesis import strategies as st

from survey_app.accounts.queries import workspace_by_key
from survey_app.customers.models import Customer
from survey_app.customers.operations import AGE_BANDS, age_band, write_profiles
from survey_app.db import db
from survey_app.lifecycle.models import StageTransition
from survey_app.lifecycle.operations import Move, record_transitions
from survey_app.lifecycle.queries import default_map
from survey_app.responses.operations import accept, check_submission
from survey_app.responses.schemas import Person, Submission, read_submission
from survey_app.responses.stamps import Arrival, weigh
from survey_app.surveys.queries import find_published

PROXY = {"X-Forwarded-For": "203.0.113.9", "X-Country": "JP"}


@pytest.fixture
def known(door: Any) -> Any:
    """A customer `c-1` with a profile (Sweden, 1990) who has been in `adopt` for long."""
    with door.app.app_context():
        workspace = workspace_by_key(db.session, "acme")
        facts = {"country": "SE", "birth_year": 1990, "gender": "male"}
        customer = write_profiles(db.session, workspace.id, {"c-1": facts}, now=NOW)["c-1"]
        move = Move(customer_id=customer.id, stage="adopt", valid_from=NOW)
        chart = default_map(db.session, workspace.id)
        record_transitions(db.session, workspace.id, chart.id, [move], now=NOW)
        db.session.commit()
    return door


@pytest.fixture
def behind_a_proxy(door: Any) -> Iterator[Any]:
    """The door with a trusted proxy in front that names the country."""
    settings = door.app.config["SETTINGS"]
    door.app.config["SETTINGS"] = replace(settings, proxy_hops=1, country_header="X-Country")
    yield door
    door.app.config["SETTINGS"] = settings


def test_an_anonymous_answer_knows_no_person(door: Any) -> None:
    assert door.answer().status_code == 201
    row = door.row()
    person = ("customer_key", "customer_id", "country", "region", "stage", "age_band", "gender")
    assert {row[name] for name in (*person, "country_source", "stage_source")} == {None}
    assert (row["locale"], row["channel"], row["orientation"]) == ("de", "widget", "ascending")
    assert row["counted"] is True and row["has_comment"] is True


def test_a_claim_is_stamped_and_written_nowhere_else(door: Any) -> None:
    claim = {"id": "c-7", "country": "fin", "birth_year": 1984, "gender": "other", "stage": "serve"}
    assert door.answer(customer=claim).status_code == 201
    row = door.row()
    assert (row["country"], row["region"], row["stage"], row["gender"]) == (
        "FI", "154", "serve", "other",
    )  # fmt: skip
    assert (row["country_source"], row["stage_source"], row["customer_source"]) == ("claim",) * 3
    assert row["customer_key"] == "c-7" and row["customer_id"] is None
    assert row["age_band"] == age_band(1984, row["day"])
    assert door.how_many(Customer) == door.how_many(StageTransition) == 0


def test_a_profile_is_believed_before_a_claim(known: Any) -> None:
    claim = {"id": "c-1", "country": "FI", "birth_year": 2009, "gender": "female", "stage": "exit"}
    known.answer(customer=claim)
    row = known.row()
    assert (row["country"], row["country_source"]) == ("SE", "profile")
    assert (row["stage"], row["stage_source"]) == ("adopt", "transition")
    assert (row["gender"], row["age_band"]) == ("male", age_band(1990, row["day"]))
    assert row["customer_source"] == "claim" and row["customer_id"] is not None
    with known.app.app_context():
        customer = db.session.scalars(sa.select(Customer)).one()
        assert (customer.country, customer.gender, customer.birth_year) == ("SE", "male", 1990)
    assert known.how_many(StageTransition) == 1


def test_a_token_is_believed_before_the_profile_and_updates_it(known: Any) -> None:
    known.answer(token=known.token({"id": "c-1", "country": "NO", "stage": "retain"}))
    row = known.row()
    assert (row["country"], row["country_source"], row["stage"]) == ("NO", "token", "retain")
    assert row["gender"] == "male"  # what the token leaves open, the profile knows
    with known.app.app_context():
        assert db.session.scalars(sa.select(Customer.country)).one() == "NO"
    assert known.how_many(StageTransition) == 2


def test_the_same_key_in_another_workspace_is_another_person(known: Any) -> None:
    body = {
        "id": "00000000-0000-4000-8000-000000000000",
        "status": "complete",
        "answers": {"nps": 9},
        "customer": {"id": "c-1"},
    }
    assert known.post(body, survey="rival-nps").status_code == 201
    assert (known.row()["country"], known.row()["customer_id"]) == (None, None)


def test_the_proxy_s_country_comes_last(behind_a_proxy: Any) -> None:
    door = behind_a_proxy
    body = {"status": "complete", "answers": {"nps": 9}}

    def country(number: int, headers: dict[str, str], **more: Any) -> tuple[str | None, str | None]:
        key = f"00000000-0000-4000-8000-{number:012}"
        assert door.post({**body, "id": key, **more}, headers=headers).status_code == 201
        row = door.rows()[-1]
        return row["country"], row["country_source"]

    assert country(1, PROXY) == ("JP", "header")
    assert country(2, PROXY, customer={"country": "FI"}) == ("FI", "claim")
    assert country(3, PROXY, token=door.token({"id": "a", "country": "NO"})) == ("NO", "token")
    assert country(4, PROXY, customer={"id": "a", "country": "FI"}) == ("NO", "profile")
    for unknown in ("XX", "T1", "", "Japan", "' OR 1=1", "jp\u00a0x"):
        headers = {"X-Country": unknown.encode("utf-8").decode("latin-1")}
        assert country(10 + len(door.rows()), headers) == (None, None), unknown


def test_the_header_counts_only_behind_a_named_proxy(door: Any) -> None:
    settings = door.app.config["SETTINGS"]
    for number, change in enumerate(({"proxy_hops": 1}, {"country_header": "X-Country"}, {})):
        door.app.config["SETTINGS"] = replace(settings, **change)
        key = f"00000000-0000-4000-8000-{number:012}"
        body = {"id": key, "status": "complete", "answers": {"nps": 9}}
        assert door.post(body, headers=PROXY).status_code == 201
    assert {row["country"] for row in door.rows()} == {None}


def _accept_at(door: Any, moment: datetime) -> date:
    """Accept an answer at a moment; its stamped day."""
    with door.app.app_context():
        asked = find_published(db.session, "acme-nps")
        assert asked is not None
        payload = {
            "id": f"00000000-0000-4000-8000-{int(moment.timestamp()):012}",
            "status": "complete",
            "answers": {"nps": 9},
            "customer": {"birth_year": 2008},
        }
        submission: Submission = read_submission(payload, asked.workspace, now=moment)
        arrival = Arrival(now=moment, channel="widget")
        accept(db.session, check_submission(db.session, asked, submission, arrival))
        db.session.commit()
    row = door.rows()[-1]
    assert row["received_at"] == row["submitted_at"] == moment
    day: date = row["day"]
    assert row["age_band"] == age_band(2008, day)
    return day


def test_a_day_is_the_workspace_s_own(door: Any) -> None:
    """Helsinki: 23 hours on 29 March 2026, 25 hours on 25 October 2026, midnight at New Year."""
    days = {
        (2026, 3, 28, 21, 59): date(2026, 3, 28),
        (2026, 3, 28, 22, 0): date(2026, 3, 29),
        (2026, 3, 29, 20, 59): date(2026, 3, 29),
        (2026, 3, 29, 21, 0): date(2026, 3, 30),
        (2026, 10, 24, 21, 0): date(2026, 10, 25),
        (2026, 10, 25, 21, 59): date(2026, 10, 25),
        (2026, 10, 25, 22, 0): date(2026, 10, 26),
        (2025, 12, 31, 21, 59): date(2025, 12, 31),
        (2025, 12, 31, 22, 0): date(2026, 1, 1),
    }
    got = {moment: _accept_at(door, datetime(*moment, tzinfo=UTC)) for moment in days}
    assert got == days
    assert {row["age_band"] for row in door.rows()} == {"<18", "18-24"}


SOURCES = st.sampled_from(["token", "import", "claim"])
COUNTRIES = st.none() | st.sampled_from(["FI", "SE", "JP"])


@given(SOURCES, COUNTRIES, COUNTRIES, COUNTRIES, st.booleans())
def test_a_country_comes_from_the_most_trusted_that_knows_it(
    source: str, told: str | None, profile: str | None, header: str | None, has_key: bool
) -> None:
    customer = Customer(key="c", country=profile) if has_key else None
    stamps = weigh(
        Person(source=source, key="c" if has_key else None, country=told),
        customer=customer,
        known_stage=None,
        day=date(2026, 1, 1),
        header_country=header,
    )
    known = profile if has_key else None
    ranked = [(told, source)] if source != "claim" else []
    ranked += [(known, "profile"), (told, source), (header, "header"), (None, None)]
    expected = next(pair for pair in ranked if pair[0] is not None or pair[1] is None)
    assert (stamps["country"], stamps["country_source"]) == expected
    assert (stamps["region"] is None) == (stamps["country"] is None)


def test_bands_of_ages() -> None:
    on = date(2026, 6, 1)
    ages = {17: "<18", 18: "18-24", 24: "18-24", 25: "25-34", 34: "25-34", 35: "35-44",
            45: "45-54", 55: "55-64", 64: "55-64", 65: "65+", 120: "65+", 0: "<18"}  # fmt: skip
    assert {age: age_band(2026 - age, on) for age in ages} == ages
    assert set(ages.values()) == set(AGE_BANDS)
    assert age_band(None, on) is None
