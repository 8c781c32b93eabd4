"""Other sites and other addresses: CORS, and the limit per address."""

import uuid
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from survey_app.accounts.models import Counter
from survey_app.db import db

SITE = "https://shop.example"
OTHER = "https://elsewhere.example"
DEFINITION = "/api/v1/public/surveys/acme-nps"


def _body(number: int = 0) -> dict[str, Any]:
    key = f"00000000-0000-4000-8000-{number:012}"
    return {"id": key, "status": "complete", "answers": {"nps": 9}}


def _origin(site: str) -> dict[str, dict[str, str]]:
    return {"headers": {"Origin": site}}


def test_without_a_list_any_site_may_ask_but_never_with_cookies(door: Any) -> None:
    client = door.app.test_client()
    for reply in (
        client.get(DEFINITION, **_origin(SITE)),
        door.post(_body(), **_origin("null")),
        door.post({"id": 1}, **_origin(SITE)),
        client.get("/api/v1/public/surveys/nobody", **_origin(SITE)),
    ):
        assert reply.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in reply.headers
        assert "Origin" in reply.headers["Vary"]


def test_a_listed_site_is_named_and_another_refused(door: Any) -> None:
    door.change_survey(origins=[SITE])
    client = door.app.test_client()
    reply = client.get(DEFINITION, **_origin(SITE))
    assert reply.status_code == 200
    assert reply.headers["Access-Control-Allow-Origin"] == SITE
    for site in (OTHER, "null", SITE + ".evil.example", "https://shop.example:444"):
        for refused in (
            client.get(DEFINITION, **_origin(site)),
            door.post(_body(), **_origin(site)),
        ):
            assert refused.status_code == 403 and refused.json["code"] == "origin.unlisted"
            assert "Access-Control-Allow-Origin" not in refused.headers
    assert door.how_many() == 0
    assert door.post(_body(), **_origin(SITE)).status_code == 201
    assert door.post(_body(1), **_origin("http://localhost")).status_code == 201  # the hosted page
    assert door.post(_body(2)).status_code == 201  # no browser, no origin


def test_a_form_on_an_unlisted_site_is_refused(door: Any) -> None:
    door.change_survey(origins=[SITE])
    client = door.app.test_client()
    form = {"id": _body()["id"], "answers.nps": "9"}
    for site in (OTHER, "null"):
        assert client.post("/s/acme-nps", data=form, **_origin(site)).status_code == 403
    assert door.how_many() == 0
    sent = client.post("/s/acme-nps", data=form, **_origin("http://localhost"))
    assert sent.status_code == 200 and door.how_many() == 1


def test_preflight(door: Any) -> None:
    headers = {
        "Origin": SITE,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    reply = door.app.test_client().options(f"{DEFINITION}/responses", headers=headers)
    assert reply.status_code == 200
    assert reply.headers["Access-Control-Allow-Origin"] == "*"
    assert "POST" in reply.headers["Access-Control-Allow-Methods"]
    assert reply.headers["Access-Control-Allow-Headers"] == "Content-Type"
    assert "Access-Control-Allow-Credentials" not in reply.headers
    assert "Retry-After" in reply.headers["Access-Control-Expose-Headers"]


def test_preflight_of_a_listed_site(door: Any) -> None:
    door.change_survey(origins=[SITE])
    headers = {"Access-Control-Request-Method": "POST"}
    path = f"{DEFINITION}/responses"
    client = door.app.test_client()
    allowed = client.options(path, headers=headers | {"Origin": SITE})
    assert allowed.status_code == 200
    assert allowed.headers["Access-Control-Allow-Origin"] == SITE
    assert "Access-Control-Allow-Credentials" not in allowed.headers
    other = client.options(path, headers=headers | {"Origin": OTHER})
    assert "Access-Control-Allow-Origin" not in other.headers


def test_whatever_is_wrong_only_a_listed_site_reads_it(door: Any) -> None:
    door.change_survey(origins=[SITE])
    client = door.app.test_client()
    wrong: dict[int, dict[str, Any]] = {
        400: {"data": "{", "content_type": "application/json"},
        413: {"data": " " * 70_000, "content_type": "application/json"},
        415: {"data": "{}", "content_type": "text/plain"},
        422: {"json": {"id": 1}},
    }
    for status, body in wrong.items():
        told = client.post(f"{DEFINITION}/responses", **body, **_origin(SITE))
        assert (told.status_code, told.headers["Access-Control-Allow-Origin"]) == (status, SITE)
        untold = client.post(f"{DEFINITION}/responses", **body, **_origin(OTHER))
        assert untold.status_code in (status, 403)
        assert "Access-Control-Allow-Origin" not in untold.headers


def test_the_frame_follows_the_list(door: Any) -> None:
    """Whatever the page says: the form, the thanks, what is wrong, that it is closed."""
    door.app.config["SETTINGS"] = replace(door.app.config["SETTINGS"], public_limit=1)
    client = door.app.test_client()

    def policies() -> set[str]:
        door.close(reopen=True)
        form = {"id": str(uuid.uuid4()), "answers.nps": "9"}
        long = form | {"answers.comment": "x" * 70_000}
        with door.app.app_context():
            db.session.execute(sa.delete(Counter))
            db.session.commit()
        replies = [client.get("/s/acme-nps")]
        replies += [client.post("/s/acme-nps", data=sent) for sent in (form, {}, long, form)]
        door.close()
        replies += [
            client.get("/s/acme-nps"),
            client.post("/s/acme-nps", data={"answers.nps": "1"}),
        ]
        assert [reply.status_code for reply in replies] == [200, 200, 422, 413, 429, 410, 429]
        assert all("X-Frame-Options" not in reply.headers for reply in replies)
        return {
            reply.headers["Content-Security-Policy"].partition("frame-ancestors ")[2]
            for reply in replies
        }

    assert policies() == {"*"}
    unknown = client.get("/s/nobody")
    assert unknown.status_code == 404 and "X-Frame-Options" not in unknown.headers
    door.change_survey(origins=[SITE])
    assert policies() == {f"'self' {SITE}"}


def test_the_widget_can_be_loaded_from_anywhere(door: Any) -> None:
    reply = door.app.test_client().get("/embed/v1.js", **_origin(OTHER))
    assert reply.status_code == 200 and reply.mimetype == "text/javascript"
    assert reply.headers["Access-Control-Allow-Origin"] == "*"
    assert reply.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    reply.close()


# --- the limit ----------------------------------------------------------------------------------


def test_one_more_than_the_limit_is_429(door: Any, monkeypatch: Any) -> None:
    from survey_app.responses import intake

    door.app.config["SETTINGS"] = replace(door.app.config["SETTINGS"], public_limit=5)
    monkeypatch.setattr(intake, "MINUTE", intake.MINUTE * 60 * 24)  # no window ends meanwhile
    statuses = [door.post(_body(number)).status_code for number in range(5)]
    assert statuses == [201] * 5
    refused = door.post(_body(6))
    assert (refused.status_code, refused.json["code"]) == (429, "limit.exceeded")
    assert int(refused.headers["Retry-After"]) >= 1
    forged = door.post(_body(7), headers={"X-Forwarded-For": "203.0.113.77"})
    assert forged.status_code == 429
    other = door.post(_body(8), environ_overrides={"REMOTE_ADDR": "203.0.113.5"})
    assert other.status_code == 201
    form = {"id": _body(9)["id"], "answers.nps": "9"}
    page = door.app.test_client().post("/s/acme-nps", data=form)
    assert page.status_code == 429 and int(page.headers["Retry-After"]) >= 1
    assert door.how_many() == 6


def test_what_is_wrong_waits_for_no_lock_and_what_contradicts_counts(
    door: Any, monkeypatch: Any
) -> None:
    from survey_app.responses import intake

    door.app.config["SETTINGS"] = replace(door.app.config["SETTINGS"], public_limit=4)
    monkeypatch.setattr(intake, "MINUTE", intake.MINUTE * 60 * 24)
    with door.app.app_context():
        writer = db.get_engine("default")
    begun: list[object] = []
    sa.event.listen(writer, "begin", begun.append)
    for wrong in (
        {"answers": {"nps": 11}},
        {"customer": {"stage": "nowhere"}},
        {"locale": "sv"},
        {"id": 1},
    ):
        assert door.post(_body() | wrong).status_code == 422
    assert door.post(_body(), survey="nobody").status_code == 404
    form = {"id": _body()["id"], "answers.nps": "11"}
    assert door.app.test_client().post("/s/acme-nps", data=form).status_code == 422
    assert begun == []
    assert door.post(_body()).status_code == 201
    contradictions = [_body() | {"answers": {"nps": score}} for score in (1, 2, 3, 4)]
    assert [door.post(one).status_code for one in contradictions] == [409, 409, 409, 429]
    assert door.post(_body(1)).status_code == 429
    assert door.how_many() == 1


def test_neighbours_in_one_ipv6_network_share_a_limit(door: Any, monkeypatch: Any) -> None:
    from survey_app.responses import intake

    door.app.config["SETTINGS"] = replace(door.app.config["SETTINGS"], public_limit=2)
    monkeypatch.setattr(intake, "MINUTE", intake.MINUTE * 60 * 24)
    addresses = ["2001:db8::1", "2001:db8::ffff:1", "2001:db8:0:0:5::1", "2001:db8:0:1::1"]
    statuses = [
        door.post(_body(number), environ_overrides={"REMOTE_ADDR": address}).status_code
        for number, address in enumerate(addresses)
    ]
    assert statuses == [201, 201, 429, 201]
