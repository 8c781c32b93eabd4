"""A survey that promises anonymity: whatever says who answered is dropped before it is written."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from factories import NOW
from responses.conftest import new_body

from survey_app.accounts.operations import write_privacy_notice
from survey_app.accounts.queries import workspace_by_key
from survey_app.customers.models import Customer
from survey_app.db import db
from survey_app.lifecycle.models import StageTransition
from survey_app.responses.imports import check_file, import_file
from survey_app.responses.models import ImportRecord, Response
from survey_app.surveys.commands import create_survey
from survey_app.surveys.models import Survey
from survey_app.surveys.queries import find_published

PERSON = {"id": "marker-7", "country": "FI", "birth_year": 1987, "gender": "female"}
COLUMNS = "response_id,customer_id,submitted_at,score,country,stage,birth_year"


@pytest.fixture
def quiet(door: Any) -> Any:
    """The door with an anonymous survey in the place of its own."""
    door.change_survey(anonymous=True)
    return door


def stored(door: Any) -> str:
    """Every value of every table, as text."""
    with door.app.app_context():
        tables = sa.inspect(db.engine).get_table_names()
        rows = [
            [str(value) for value in row]
            for name in tables
            for row in db.session.execute(sa.text(f'SELECT * FROM "{name}"'))
        ]
    return json.dumps(rows)


def take(door: Any, folder: Path, *rows: str) -> tuple[int, int]:
    """Import rows of `COLUMNS`; how many were taken, and how many were there already."""
    path = folder / "people.csv"
    path.write_text("\n".join([COLUMNS, *rows]))
    with door.app.app_context():
        asked = find_published(db.session, "acme-nps")
        assert asked is not None
        source = check_file(path)
        for report in import_file(
            db.session, source, asked, now=NOW, renames={}, ignore_unknown=False
        ):
            assert not report.refused
            db.session.commit()
    return report.taken, report.known


@pytest.mark.parametrize("is_signed", [False, True])
def test_a_claim_or_a_token_leaves_facts_and_nobody(quiet: Any, *, is_signed: bool) -> None:
    person = PERSON | {"stage": "adopt"}
    told = {"token": quiet.token(person)} if is_signed else {"customer": person}
    assert quiet.answer(**told).status_code == 201
    row = quiet.row()
    assert {row[name] for name in ("customer_key", "customer_source", "customer_id")} == {None}
    assert (row["country"], row["stage"], row["gender"]) == ("FI", "adopt", "female")
    assert row["age_band"] is not None
    assert quiet.how_many(Customer) == quiet.how_many(StageTransition) == 0
    assert "marker-7" not in stored(quiet)


def test_a_profile_adds_nothing_to_an_answer(quiet: Any) -> None:
    named = new_body(token=quiet.token(PERSON), answers={"csat": 4})
    assert quiet.post(named, survey="acme-csat").status_code == 201
    assert quiet.answer(customer={"id": "marker-7"}).status_code == 201
    last = quiet.rows()[-1]
    assert {last[name] for name in ("customer_key", "customer_id", "country", "gender")} == {None}


def test_what_is_stored_can_not_check_a_guess(quiet: Any) -> None:
    for year in (1987, 1988):
        quiet.answer(customer={"id": f"c-{year}", "birth_year": year})
    one, other = quiet.rows()
    assert one["body_hash"] == other["body_hash"]


def test_a_retry_is_the_same_answer(quiet: Any) -> None:
    body = {"id": "0b5e3c1e-7a44-4c1e-9d5f-4a5f1a2b3c4d", "customer": PERSON}
    assert quiet.answer(**body).status_code == 201
    assert quiet.answer(**body).status_code == 200
    assert quiet.answer(**body, answers={"nps": 1}).status_code == 409


def test_what_is_published_is_complete(quiet: Any) -> None:
    body = {"id": "0b5e3c1e-7a44-4c1e-9d5f-4a5f1a2b3c4d"}
    assert quiet.answer(**body, status="partial").status_code == 201
    assert quiet.answer(**body, status="partial", answers={"nps": 3}).status_code == 200
    with quiet.app.app_context():
        published = {"released_week": date(2026, 3, 8), "status": "complete"}
        db.session.execute(sa.update(Response).values(published))
        db.session.commit()
    assert quiet.answer(**body, answers={"nps": 10}).status_code == 409
    assert quiet.row()["answers"] == {"nps": 3}


def test_a_file_leaves_facts_and_nobody(quiet: Any, tmp_path: Path) -> None:
    rows = [
        "marker-1,marker-7,2026-03-01T10:00:00Z,9,FI,adopt,1987",
        "marker-2,marker-8,2026-03-01T10:00:00Z,9,FI,adopt,1987",
        "marker-3,marker-7,2026-03-02T10:00:00Z,4,SE,,1931",
    ]
    assert take(quiet, tmp_path, *rows) == (3, 0)
    assert take(quiet, tmp_path, *rows) == (0, 3)  # what is the same is known without an id
    assert quiet.how_many(Customer) == quiet.how_many(StageTransition) == 0
    assert "marker" not in stored(quiet)
    with quiet.app.app_context():  # nor anything that a guess at the file could be checked by
        assert set(db.session.scalars(sa.select(ImportRecord.file_hash))) == {""}
    first, *_ = quiet.rows()
    assert (first["country"], first["stage"], first["customer_key"]) == ("FI", "adopt", None)


def test_the_privacy_line_promises_it_in_every_language(quiet: Any) -> None:
    def line(locale: str) -> str:
        client = quiet.app.test_client()
        definition = client.get(f"/api/v1/public/surveys/acme-nps?locale={locale}").json
        assert definition is not None
        text: str = definition["privacy"]["text"]
        page = client.get(f"/s/acme-nps?locale={locale}").get_data(as_text=True)
        assert text.split(".", maxsplit=1)[0] in page
        return text

    assert line("en").startswith("Your answers are anonymous:")
    assert line("de").startswith("Ihre Antworten sind anonym:")
    with quiet.app.app_context():
        acme = workspace_by_key(db.session, "acme")
        write_privacy_notice(db.session, acme, locale="en", text="Our own words.")
        db.session.commit()
    assert line("en").startswith("Your answers are anonymous:")
    assert line("en").endswith("erased later.\nOur own words.")


def test_it_is_promised_when_the_survey_is_made(door: Any) -> None:
    options = ["--workspace", "acme", "--template", "nps"]
    for key, promise in (("quiet", ["--anonymous"]), ("named", [])):
        result = door.app.test_cli_runner().invoke(create_survey, [key, *options, *promise])
        assert result.exit_code == 0, result.output
        assert ("on Mondays" in result.stderr) == bool(promise)
    with door.app.app_context():
        found = dict(db.session.execute(sa.select(Survey.key, Survey.anonymous)).all())
    assert found["quiet"] and not found["named"]
