"""The public door: one way in, idempotent for ever, one error shape."""

import io
import json
import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from survey_app.http import parse_json
from survey_app.insights.jobs import ANALYSE_COMMENTS
from survey_app.insights.models import CommentAnalysis, ThemeMention
from survey_app.jobs import run_once
from survey_app.responses.models import Answer
from survey_app.surveys.questions import MAX_COMMENT

URL = "/api/v1/public/surveys/acme-nps/responses"


def body(**changes: Any) -> dict[str, Any]:
    right = {"id": str(uuid.uuid4()), "status": "complete", "answers": {"nps": 9}, "locale": "de"}
    return right | changes


# --- once, for ever -----------------------------------------------------------------------------


def test_an_answer_is_taken_once(door: Any) -> None:
    sent = body()
    first, again = door.post(sent), door.post(sent)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json == again.json == {"id": sent["id"], "received_at": first.json["received_at"]}
    received = datetime.fromisoformat(first.json["received_at"])
    assert abs((datetime.now(UTC) - received).total_seconds()) < 60
    other = door.post(sent | {"answers": {"nps": 1}})
    assert other.status_code == 409
    assert other.json["code"] == "response.conflict" and other.json["hint"]
    assert door.row()["answers"] == {"nps": 9}


def test_sameness_is_answers_locale_and_customer(door: Any) -> None:
    sent = body(answers={"nps": 9, "comment": "é"}, customer={"id": "c", "country": "FI"})
    assert door.post(sent).status_code == 201
    shuffled = {key: sent[key] for key in reversed(sent)}
    shuffled["answers"] = {"comment": "é", "nps": 9}
    shuffled["customer"] = {"country": "FI", "id": "c"}
    shuffled["id"] = sent["id"].upper()
    spaced = json.dumps(shuffled, indent=3, ensure_ascii=True)
    same = door.app.test_client().post(URL, data=spaced, content_type="application/json")
    assert same.status_code == 200
    for change in ({"locale": "fr"}, {"customer": {"id": "c"}}, {"answers": {"nps": 9}}):
        assert door.post(sent | change).status_code == 409, change
    assert door.how_many() == 1


def test_a_partial_answer_is_replaced_until_it_is_complete(door: Any) -> None:
    sent = body(status="partial", answers={"nps": 3})
    first = door.post(sent)
    assert first.status_code == 201
    assert door.post(sent).status_code == 200
    later = door.post(sent | {"answers": {"nps": 4, "comment": "Slow."}})
    assert later.status_code == 200 and later.json == first.json
    assert door.row()["status"] == "partial" and door.row()["has_comment"] is True
    final = sent | {"answers": {"nps": 5}, "status": "complete"}
    assert door.post(final).json == first.json
    row = door.row()
    assert (row["status"], row["answers"], row["has_comment"]) == ("complete", {"nps": 5}, False)
    assert door.post(final | {"status": "partial"}).status_code == 200  # a late retry says no more
    assert door.post(sent).status_code == 409  # an older partial contradicts what is complete
    assert door.row()["status"] == "complete" and door.row()["answers"] == {"nps": 5}
    assert door.how_many(Answer) == 1


def test_what_was_found_in_a_text_goes_with_it(door: Any) -> None:
    sent = body(status="partial", answers={"nps": 3, "comment": "The delivery was late."})
    door.post(sent)
    with door.app.app_context():
        while run_once(ANALYSE_COMMENTS, datetime.now(UTC)):
            pass
    assert door.how_many(CommentAnalysis) == 1 and door.how_many(ThemeMention) >= 1
    door.post(sent | {"answers": {"nps": 3, "comment": "Other words."}})
    assert door.how_many(CommentAnalysis) == door.how_many(ThemeMention) == 0
    with door.app.app_context():
        while run_once(ANALYSE_COMMENTS, datetime.now(UTC)):
            pass
    assert door.how_many(CommentAnalysis) == 1
    door.post(sent | {"answers": {"nps": 3}, "status": "complete"})
    assert door.how_many(CommentAnalysis) == 0


def test_the_same_partial_can_be_declared_complete(door: Any) -> None:
    sent = body(status="partial")
    door.post(sent)
    assert door.post(sent | {"status": "complete"}).status_code == 200
    assert door.row()["status"] == "complete"


def test_the_same_id_at_another_survey_is_another_response(door: Any) -> None:
    sent = body()
    assert door.post(sent).status_code == 201
    assert door.post(sent, survey="rival-nps").status_code == 201
    assert door.how_many() == 2


def test_one_key_at_once_is_one_response(door: Any) -> None:
    """100 keys, each sent by ten clients at the same moment."""
    door.app.config["SETTINGS"] = _without_limit(door.app)
    bodies = [body() for _ in range(100)]
    work = [sent for sent in bodies for _ in range(10)]
    with ThreadPoolExecutor(10) as pool:
        statuses = list(pool.map(lambda sent: door.post(sent).status_code, work))
    assert statuses.count(201) == 100 and statuses.count(200) == 900
    assert sorted(row["key"] for row in door.rows()) == sorted(sent["id"] for sent in bodies)
    assert door.how_many(Answer) == 100


def test_different_bodies_at_once_under_one_key_keep_one(door: Any) -> None:
    key = str(uuid.uuid4())
    with ThreadPoolExecutor(8) as pool:
        statuses = list(
            pool.map(lambda n: door.post(body(id=key, answers={"nps": n})).status_code, range(8))
        )
    assert sorted(statuses) == [201] + [409] * 7
    assert door.how_many() == door.how_many(Answer) == 1


def test_a_signed_newcomer_at_once_is_one_customer(door: Any) -> None:
    from survey_app.customers.models import Customer

    token = door.token({"id": "c-9", "country": "FI", "stage": "onboard"})
    sent = [{**body(), "token": token} for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda one: door.post(one).status_code, sent))
    assert statuses == [201] * 8
    assert door.how_many(Customer) == 1


def _without_limit(app: Flask) -> Any:
    from dataclasses import replace

    return replace(app.config["SETTINGS"], public_limit=1_000_000)


# --- what is not there --------------------------------------------------------------------------


def test_an_unknown_survey_is_404_and_a_closed_one_410(door: Any) -> None:
    acknowledged, partial = body(), body(status="partial", answers={"nps": 2})
    door.post(acknowledged)
    door.post(partial)
    door.close()
    assert door.post(body(), survey="nobody").status_code == 404
    refused = door.post(body())
    assert (refused.status_code, refused.json["code"]) == (410, "survey.closed")
    assert door.post(acknowledged).status_code == 200
    assert door.post(acknowledged | {"answers": {"nps": 0}}).status_code == 409
    assert door.post(partial).status_code == 200
    assert door.post(partial | {"answers": {"nps": 8}}).status_code == 410
    assert door.app.test_client().get(URL.removesuffix("/responses")).status_code == 410
    assert {row["answers"]["nps"] for row in door.rows()} == {9, 2}


# --- refused at the door ------------------------------------------------------------------------


def test_what_can_not_be_read(door: Any) -> None:
    client = door.app.test_client()

    def send(data: bytes | str, content_type: str = "application/json") -> int:
        return client.post(URL, data=data, content_type=content_type).status_code

    right = json.dumps(body())
    assert send(right, "text/plain") == send(right, "application/x-www-form-urlencoded") == 415
    assert send(right.replace("9", "9" + " " * 70_000)) == 413
    unreadable = {
        "cut": right[:-1],
        "empty": "",
        "nan": right.replace(": 9", ": NaN"),
        "infinite": right.replace(": 9", ": 1e400"),
        "twice": right.replace('"nps": 9', '"nps": 9, "nps": 9'),
        "deep": "[" * 20_000 + "]" * 20_000,
        "nul": right.replace('"de"', '"d\\u0000e"'),
        "surrogate": right.replace('"de"', '"\\ud800"'),
        "2**63": right.replace(": 9", f": {2**63}"),
        "latin-1": right.replace("de", "d\xe9").encode("latin-1"),
    }
    assert {name: send(data) for name, data in unreadable.items()} == dict.fromkeys(unreadable, 400)
    assert send(right.replace(": 9", f": {2**63 - 1}")) == 422
    assert door.how_many() == 0


def test_a_body_without_length_is_limited_too(door: Any) -> None:
    data = json.dumps(body(locale=" " * 70_000)).encode()
    reply = door.app.test_client().post(
        URL,
        input_stream=io.BytesIO(data),
        content_type="application/json",
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert reply.status_code == 413


@pytest.mark.parametrize("score", [True, 9.0, "9", 11, -1, 8.5, [9], {"value": 9}, ""])
def test_a_score_is_a_whole_number_of_the_scale(score: object, door_on_sqlite: Any) -> None:
    assert door_on_sqlite.codes(answers={"nps": score}) == {("answers.nps", "answer.score")}
    assert door_on_sqlite.how_many() == 0


def test_every_wrong_field_is_named(door: Any) -> None:
    codes = door.codes
    assert codes(extra=1, workspace_id=2) == {
        ("extra", "field.unknown"), ("workspace_id", "field.unknown"),
    }  # fmt: skip
    assert codes(id="7") == codes(id=7) == {("id", "id.uuid")}
    assert codes(id="{" + "a" * 36 + "}") == {("id", "id.uuid")}
    key = "0b4f7c1e-93d5-4a2b-8c6d-5e7f8a9b0c1d"
    for odd in (
        key.replace("0b", "0\u0bec"),
        key.replace("-", "--", 1)[:36],
        "{" + key[1:-1] + "}",
    ):
        assert codes(id=odd) == {("id", "id.uuid")}
    assert codes(status="done") == {("status", "status.unknown")}
    assert codes(answers=[9]) == {("answers", "answers.object")}
    assert codes(answers={"nps": 9, "csat": 3}) == {("answers.csat", "question.unknown")}
    assert codes(answers={"comment": "Hm."}) == {("answers.nps", "answer.required")}
    assert codes(answers={"nps": None, "comment": "Hm."}) == {("answers.nps", "answer.required")}
    assert codes(answers={}, status="partial") == {("answers", "answers.none")}
    assert codes(answers={"comment": " \n"}, status="partial") == {("answers", "answers.none")}
    assert codes(answers={"nps": 9, "comment": 5}) == {("answers.comment", "answer.text")}
    assert codes(answers={"nps": 9, "comment": "x" * (MAX_COMMENT + 1)}) == {
        ("answers.comment", "answer.too_long")
    }
    assert codes(locale=7) == {("locale", "locale.text")}
    assert codes(locale="sv") == codes(locale="../etc") == {("locale", "locale.unknown")}
    assert door.how_many() == 0
    assert door.answer(answers={"nps": 9, "comment": "😀" * MAX_COMMENT}).status_code == 201


def test_every_wrong_fact_about_the_customer_is_named(door: Any) -> None:
    def codes(**customer: Any) -> set[tuple[str, str]]:
        return door.codes(customer=customer)

    assert codes(email="a@b") == {("customer.email", "field.unknown")}
    assert codes(country="Finland") == codes(country=5) == {("customer.country", "country.unknown")}
    assert codes(gender="robot") == codes(gender=1) == {("customer.gender", "gender.unknown")}
    for year in (1899, datetime.now(UTC).year + 1, 2099, "1984", 1984.0, True):
        assert codes(birth_year=year) == {("customer.birth_year", "birth_year.range")}
    assert codes(stage="nowhere") == {("customer.stage", "stage.unknown")}
    assert codes(stage=4) == codes(stage="") == {("customer.stage", "customer.text")}
    assert codes(id="") == codes(id=4) == codes(id="x" * 201) == {("customer.id", "customer.text")}
    assert door.codes(customer=[]) == {("customer", "customer.object")}
    assert door.codes(customer={"id": "a"}, token=door.token()) == {("customer", "customer.twice")}
    assert door.how_many() == 0


def test_a_json_list_is_no_submission(door: Any) -> None:
    assert door.post([1, 2]).status_code == 422
    assert door.post("text").status_code == 422
    null = door.app.test_client().post(URL, data="null", content_type="application/json")
    assert null.status_code == 422


def test_the_channel_is_one_that_a_page_can_be(door: Any) -> None:
    for channel in ("widget", "link", "kiosk"):
        assert door.post(body(), query=f"?channel={channel}").status_code == 201
    assert door.post(body()).status_code == 201
    assert door.post(body(), query="?channel=import").status_code == 422
    assert [row["channel"] for row in door.rows()] == ["widget", "link", "kiosk", "widget"]


def test_no_cookie_is_read_or_set(door: Any) -> None:
    client = door.app.test_client()
    client.set_cookie("soundings_session", "made-up")
    reply = door.post(body(), client=client)
    assert reply.status_code == 201 and "Set-Cookie" not in reply.headers
    assert reply.headers["Cache-Control"] == "no-store"


def test_strict_json_takes_what_json_is() -> None:
    assert parse_json(b'{"a": [1, -2.5, null, true, "\\ud83d\\ude00"]}') == {
        "a": [1, -2.5, None, True, "😀"]
    }


def test_the_example_of_the_documentation_is_taken(door: Any) -> None:
    page = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
    example = json.loads(page.split("```json", 1)[1].split("```", 1)[0])
    assert door.post(example).status_code == 201
    stated = {int(code) for code in re.findall(r"^\| (\d{3})\b", page, flags=re.MULTILINE)}
    assert stated == {400, 403, 404, 409, 410, 413, 415, 422, 429}
