"""Log-in and log-out, and what attackers try there."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa
from factories import NOW, PASSWORD, Cast, csrf_token, log_in
from flask import Flask
from flask.testing import FlaskClient

from survey_app.accounts.access import COOKIE
from survey_app.accounts.models import LoginSession, User
from survey_app.config import Settings
from survey_app.db import db

OTHER_SITES = [
    "https://evil.example",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil",
    "http:evil.example",
    "javascript:alert(1)",
    "/\t/evil.example",
    "/\n/evil.example",
    " //evil",
    "/\x00/evil",
    "evil.example",
    "/\u2028/evil",
    "",
]


def is_inside(client: FlaskClient, workspace: str = "acme") -> bool:
    """Whether the browser's session opens the workspace; its pages are tested elsewhere."""
    return f"/w/{workspace}/" in client.get("/").headers["Location"]


# --- in and out ---------------------------------------------------------------------------------


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(
    attempt: Any, client: FlaskClient, cast: Cast
) -> None:
    cookies = attempt(cast.member).headers.getlist("Set-Cookie")
    (ours,) = [cookie for cookie in cookies if cookie.startswith(COOKIE)]
    assert "HttpOnly" in ours and "SameSite=Lax" in ours and "Path=/" in ours
    assert "Secure" not in ours, "the address is http"


def test_behind_https_every_cookie_is_secure(
    settings: Settings, catalogues: Any, cast: Cast
) -> None:
    from survey_app.app import create_app

    app = create_app(replace(settings, base_url="https://feedback.example.org"))
    client = app.test_client()
    token = csrf_token(client)
    base = {"base_url": "https://feedback.example.org"}
    page = client.get("/login", **base)
    token = (
        page.get_data(as_text=True).split('name="csrf_token"')[1].split('value="')[1].split('"')[0]
    )
    form = {"email": cast.member, "password": PASSWORD, "csrf_token": token}
    answer = client.post(
        "/login", data=form, headers={"Referer": "https://feedback.example.org/login"}, **base
    )
    assert answer.status_code == 302
    for cookie in page.headers.getlist("Set-Cookie") + answer.headers.getlist("Set-Cookie"):
        assert "Secure" in cookie and "HttpOnly" in cookie and "SameSite=Lax" in cookie
    with app.app_context():
        for engine in db.engines.values():
            engine.dispose()


def test_the_database_holds_no_token_and_no_password(
    app: Flask, client: FlaskClient, cast: Cast
) -> None:
    log_in(client, cast.member)
    cookie = client.get_cookie(COOKIE)
    assert cookie is not None and len(cookie.value) >= 43
    with app.app_context():
        hashes = db.session.scalars(sa.select(LoginSession.token_hash)).all()
        passwords = db.session.scalars(sa.select(User.password_hash)).all()
    assert len(hashes) == 1 and hashes[0] != cookie.value
    assert all(text.startswith("$argon2id$") and PASSWORD not in text for text in passwords)
    assert len(set(passwords)) == 3, "each is salted"


def test_logging_out_ends_the_session_on_the_server(client: FlaskClient, cast: Cast) -> None:
    log_in(client, cast.member)
    kept = client.get_cookie(COOKIE)
    assert kept is not None and is_inside(client)
    client.post("/logout", data={"csrf_token": csrf_token(client)})
    assert client.get_cookie(COOKIE) is None
    client.set_cookie(COOKIE, kept.value)  # a thief took a copy before
    assert not is_inside(client)
    page = client.get("/w/acme/perception", headers={"Accept": "application/json"})
    assert page.status_code == 401


def test_a_session_dies_of_age_and_with_the_account(
    app: Flask, client: FlaskClient, cast: Cast
) -> None:
    for statement in (
        sa.update(LoginSession).values(expires_at=NOW - timedelta(days=400)),
        sa.update(User).where(User.email == cast.member).values(disabled_at=NOW),
    ):
        log_in(client, cast.member)
        assert is_inside(client)
        with app.app_context():
            db.session.execute(statement)
            db.session.commit()
        assert not is_inside(client)


def test_a_disabled_user_gets_the_answer_of_a_wrong_password(
    app: Flask, attempt: Any, cast: Cast
) -> None:
    with app.app_context():
        db.session.execute(sa.update(User).where(User.email == cast.member).values(disabled_at=NOW))
        db.session.commit()
    answer = attempt(cast.member)
    assert answer.status_code == 422
    assert COOKIE not in str(answer.headers)


def test_log_in_makes_a_new_session_and_ends_the_old_form_token(
    client: FlaskClient, cast: Cast
) -> None:
    """A session or token that an attacker planted before is worth nothing afterwards."""
    client.set_cookie(COOKIE, "planted")
    old = csrf_token(client)
    log_in(client, cast.member)
    cookie = client.get_cookie(COOKIE)
    assert cookie is not None and cookie.value != "planted"
    first = cookie.value
    assert client.post("/logout", data={"csrf_token": old}).status_code == 400
    log_in(client, cast.member)
    cookie = client.get_cookie(COOKIE)
    assert cookie is not None and cookie.value != first


@pytest.mark.parametrize("token", ["", "x", "\xff", "' OR 1=1 --", "a" * 3000])
def test_a_made_up_session_is_none(client: FlaskClient, cast: Cast, token: str) -> None:
    client.set_cookie(COOKIE, token)
    assert client.get("/").headers["Location"] == "/login"
    assert client.get("/w/acme/perception").headers["Location"].startswith("/login?next=")


def test_a_write_needs_the_form_token(client: FlaskClient, cast: Cast) -> None:
    form = {"email": cast.member, "password": PASSWORD}
    assert client.post("/login", data=form).status_code == 400
    assert client.post("/login", data=form | {"csrf_token": "made-up"}).status_code == 400
    log_in(client, cast.member)
    assert client.post("/logout").status_code == 400
    assert is_inside(client)


# --- where to afterwards ------------------------------------------------------------------------


@pytest.mark.parametrize("target", OTHER_SITES)
def test_next_never_leads_to_another_site(attempt: Any, cast: Cast, target: str) -> None:
    assert attempt(cast.member, target=target).headers["Location"] == "/w/acme/perception"


def test_next_leads_back_to_the_page_that_was_asked_for(
    client: FlaskClient, attempt: Any, cast: Cast
) -> None:
    there = client.get("/w/acme/perception?country=FI&country=SE").headers["Location"]
    asked = parse_qs(urlsplit(there).query)
    assert asked == {"next": ["/w/acme/perception?country=FI&country=SE"]}
    page = client.get(there).get_data(as_text=True)
    assert 'value="/w/acme/perception?country=FI&amp;country=SE"' in page
    target = "/w/acme/perception?country=FI&country=SE"
    assert attempt(cast.member, target=target).headers["Location"] == target


def test_next_is_escaped_in_the_page(client: FlaskClient) -> None:
    page = client.get("/login", query_string={"next": '"><script>alert(1)</script>'})
    assert b"<script>" not in page.data
