"""Signed customers: one answer for whatever is wrong with a token."""

import base64
import json
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from survey_app.customers.models import Customer
from survey_app.db import db
from survey_app.lifecycle.models import StageTransition
from survey_app.responses.schemas import TOKEN_LEEWAY_SECONDS

LEEWAY = timedelta(seconds=TOKEN_LEEWAY_SECONDS)


def _unsigned(payload: dict[str, Any]) -> str:
    parts = [{"alg": "none", "typ": "JWT"}, payload]
    coded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts]
    return b".".join([*coded, b""]).decode()


def test_a_token_s_customer_is_believed(door: Any) -> None:
    person = {"id": "c-1", "country": "FIN", "birth_year": 1984, "gender": "female",
              "stage": "onboard"}  # fmt: skip
    assert door.answer(token=door.token(person)).status_code == 201
    row = door.row()
    assert row["customer_key"] == "c-1" and row["customer_id"] is not None
    assert (row["customer_source"], row["country_source"], row["stage_source"]) == ("token",) * 3
    assert (row["country"], row["gender"], row["stage"]) == ("FI", "female", "onboard")
    with door.app.app_context():
        customer = db.session.scalars(sa.select(Customer)).one()
        assert (customer.key, customer.country, customer.birth_year) == ("c-1", "FI", 1984)
        move = db.session.scalars(sa.select(StageTransition)).one()
        assert (move.stage, move.customer_id) == ("onboard", customer.id)
        assert move.valid_from == row["submitted_at"]


def test_every_bad_token_gets_the_same_answer(door: Any) -> None:
    now = datetime.now(UTC)
    audience = {"aud": "soundings:acme", "exp": int(now.timestamp()) + 60, "customer": {"id": "c"}}
    good = door.token()
    head, payload, signature = good.split(".")
    bad = {
        "expired": door.token(exp=now - LEEWAY - timedelta(minutes=1)),
        "another workspace's": door.token(workspace="rival"),
        "another workspace's secret": door.token(secret="y" * 48),
        "no secret": door.token(secret="x" * 32 + "\0"),
        "alg none": _unsigned(audience),
        "alg HS512": door.token(algorithm="HS512"),
        "wrong audience": door.token(aud="soundings:rival"),
        "no audience": door.token(aud=None),
        "no expiry": door.token(exp=None),
        "expiry that is no number": door.token(exp="tomorrow"),
        "expiry true": door.token(exp=True),
        "changed": f"{head}.{payload[:-2]}AA.{signature}",
        "cut": good[:-4],
        "no token": "x",
        "empty": "",
        "not a text": 5,
        "not text": {"a": 1},
        "NUL in a signed text": door.token({"id": "a\0b"}),
        "half a surrogate in a signed text": door.token({"id": "a\ud800"}),
        "a signed number beyond 64 bits": door.token({"id": "c", "birth_year": 2**70}),
        "signed depth": door.token(json.loads("[" * 40 + "]" * 40)),
        "expiry without end": door.token(exp=math.inf),
        "expiry that is NaN": door.token(exp=math.nan),
    }
    replies = {name: door.answer(token=token) for name, token in bad.items()}
    assert {name: reply.status_code for name, reply in replies.items()} == dict.fromkeys(bad, 422)
    assert len({reply.get_data() for reply in replies.values()}) == 1
    assert next(iter(replies.values())).json["errors"][0]["code"] == "token.invalid"
    assert door.how_many() == door.how_many(Customer) == 0


def test_a_token_outlives_its_time_by_the_leeway(door: Any) -> None:
    late = door.token(exp=datetime.now(UTC) - LEEWAY + timedelta(minutes=1))
    assert door.answer(token=late).status_code == 201


def test_a_token_s_customer_is_checked_like_any_other(door: Any) -> None:
    assert door.codes(token=door.token({"id": "c", "role": "owner"})) == {
        ("customer.role", "field.unknown")
    }
    assert door.codes(token=door.token("c-1")) == {("customer", "customer.object")}
    assert door.how_many(Customer) == 0


def test_a_retry_with_a_fresh_token_changes_nothing(door: Any) -> None:
    """The page signs anew when it loads again; meanwhile the person may have moved on."""
    person = {"id": "c-1", "stage": "onboard", "country": "FI"}
    key = "5a3c9f8e-54ac-4b5a-9d6e-0d2f5a6b7c8d"
    assert door.answer(id=key, token=door.token(person)).status_code == 201
    moved = {"id": "c-1", "stage": "retain", "country": "SE"}
    assert door.answer(token=door.token(moved)).status_code == 201
    again = door.token(person, exp=datetime.now(UTC) + timedelta(hours=2))
    assert door.answer(id=key, token=again).status_code == 200
    with door.app.app_context():
        assert db.session.scalars(sa.select(Customer.country)).one() == "SE"
        moves = db.session.scalars(
            sa.select(StageTransition.stage).order_by(StageTransition.valid_from)
        ).all()
    assert moves == ["onboard", "retain"]
