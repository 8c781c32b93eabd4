"""Slowing guessers down: what they can't do, and whom they can't lock out."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from factories import SECRET, Cast, csrf_token
from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import TimestampSigner

from survey_app.accounts import operations
from survey_app.accounts.models import Counter
from survey_app.accounts.throttle import AT_AN_ACCOUNT, DEVICE, FROM_A_NETWORK
from survey_app.config import Settings
from survey_app.db import db

LIMIT = 2
WRONG = "wrong wrong"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, login_limit=LIMIT)


@pytest.fixture
def strangers(app: Flask) -> Any:
    """Guesses at an account, each from a browser and, unless said, an address of its own."""

    def guess(email: str, times: int, *, network: str = "198.51.{turn}.7") -> list[int]:
        found = []
        for turn in range(times):
            client = app.test_client()
            form = {"email": email, "password": WRONG, "csrf_token": csrf_token(client)}
            peer = {"REMOTE_ADDR": network.format(turn=turn)}
            found.append(client.post("/login", data=form, environ_overrides=peer).status_code)
        return found

    return guess


# --- what guessers can't do ---------------------------------------------------------------------


def test_one_network_has_few_guesses_at_an_account(attempt: Any, cast: Cast) -> None:
    for _ in range(LIMIT):
        assert attempt(cast.member, WRONG).status_code == 422
    answer = attempt(cast.member)
    assert answer.status_code == 429, "also with the right password"
    assert 0 < int(answer.headers["Retry-After"]) <= 15 * 60
    assert attempt(cast.owner).status_code == 302, "a colleague in the same office"


def test_one_network_cannot_try_many_accounts(attempt: Any, cast: Cast) -> None:
    for turn in range(LIMIT * FROM_A_NETWORK):
        assert attempt(f"user{turn}@acme.example", WRONG).status_code == 422
    assert attempt(cast.owner).status_code == 429
    assert attempt(cast.owner, address="192.0.2.77").status_code == 302


def test_guessing_from_everywhere_is_bounded(attempt: Any, strangers: Any, cast: Cast) -> None:
    most = LIMIT * AT_AN_ACCOUNT
    assert strangers(cast.member, most + 2) == [422] * most + [429] * 2
    assert attempt(cast.member, address="192.0.2.99").status_code == 429
    assert attempt(cast.owner, address="192.0.2.98").status_code == 302


def test_an_own_account_does_not_buy_more_guesses(attempt: Any, cast: Cast) -> None:
    """Logging in with one's own account in between forgives nothing that was tried on others."""
    for turn in range(LIMIT * FROM_A_NETWORK - 1):
        assert attempt(f"victim{turn}@acme.example", WRONG).status_code == 422
    assert attempt(cast.member).status_code == 302
    assert attempt("victim-a@acme.example", WRONG).status_code == 422
    assert attempt("victim-b@acme.example", WRONG).status_code == 429


def test_success_is_not_counted(app: Flask, attempt: Any, client: FlaskClient, cast: Cast) -> None:
    for _ in range(LIMIT * FROM_A_NETWORK + 1):
        client.delete_cookie(DEVICE, path="/login")
        assert attempt(cast.member).status_code == 302
    with app.app_context():
        assert set(db.session.scalars(sa.select(Counter.count))) == {0}


def test_the_limit_ends_with_its_window(attempt: Any, app: Flask, cast: Cast) -> None:
    for _ in range(LIMIT + 1):
        last = attempt(cast.member, WRONG)
    assert last.status_code == 429
    with app.app_context():
        for row in db.session.scalars(sa.select(Counter)).all():
            row.ends_at -= operations.LOGIN_WINDOW
        db.session.commit()
    assert attempt(cast.member).status_code == 302


def test_the_account_is_counted_by_its_folded_e_mail(attempt: Any, cast: Cast) -> None:
    for email in (cast.member.upper(), f" {cast.member} "):
        assert attempt(email, WRONG).status_code == 422
    assert attempt(cast.member).status_code == 429


def test_an_ipv6_network_is_one_address(attempt: Any, cast: Cast) -> None:
    for turn in range(LIMIT * FROM_A_NETWORK):
        email, address = f"user{turn}@acme.example", f"2001:db8:0:1::{turn:x}"
        assert attempt(email, WRONG, address=address).status_code == 422
    assert attempt(cast.owner, address="2001:db8:0:1:ffff::1").status_code == 429
    assert attempt(cast.owner, address="2001:db8:0:2::1").status_code == 302


def test_an_address_as_e_mail_does_not_count_for_that_address(strangers: Any) -> None:
    assert strangers("203.0.113.9", LIMIT * AT_AN_ACCOUNT) == [422] * LIMIT * AT_AN_ACCOUNT
    assert strangers("user@acme.example", 1, network="203.0.113.9") == [422]


# --- whom they can't lock out -------------------------------------------------------------------


def test_a_stranger_locks_nobody_out(attempt: Any, strangers: Any, cast: Cast) -> None:
    guesses = strangers(cast.member, 4 * LIMIT, network="198.51.100.7")
    assert guesses == [422] * LIMIT + [429] * 3 * LIMIT
    assert attempt(cast.member).status_code == 302


def test_a_browser_that_was_inside_before_is_not_locked_out_by_the_whole_world(
    attempt: Any, strangers: Any, cast: Cast
) -> None:
    assert attempt(cast.member).status_code == 302
    assert strangers(cast.member, LIMIT * AT_AN_ACCOUNT + 1)[-1] == 429
    assert strangers("other@acme.example", 1, network="192.0.2.1") == [422]
    for address in ("192.0.2.1", "203.0.113.5"):
        assert attempt(cast.member, address=address).status_code == 302, "at home and on the way"


def test_such_a_browser_has_few_guesses_too(attempt: Any, cast: Cast) -> None:
    assert attempt(cast.member).status_code == 302
    for turn in range(LIMIT):
        answer = attempt(cast.member, WRONG, address=f"198.51.{turn}.7")
        assert answer.status_code == 422
    assert attempt(cast.member, address="198.51.100.99").status_code == 429


def test_its_cookie_is_worth_nothing_for_another_account(
    attempt: Any, strangers: Any, cast: Cast
) -> None:
    assert attempt(cast.member).status_code == 302
    strangers(cast.owner, LIMIT * AT_AN_ACCOUNT)
    assert attempt(cast.owner).status_code == 429


def test_its_cookie_says_nothing_about_anybody(attempt: Any, cast: Cast) -> None:
    cookies = attempt(cast.member).headers.getlist("Set-Cookie")
    (ours,) = [cookie for cookie in cookies if cookie.startswith(DEVICE)]
    assert "acme" not in ours and "HttpOnly" in ours and "Path=/login" in ours
    refused = attempt(cast.member, WRONG).headers.getlist("Set-Cookie")
    assert not [cookie for cookie in refused if cookie.startswith(DEVICE)]


def signed(secret: str, *, days: int) -> str:
    """A cookie for the member that is so many days old."""
    salt = f"soundings.device:{Cast().member}"
    signer = TimestampSigner(secret, salt=salt, key_derivation="hmac")
    then = signer.get_timestamp() - days * 86400
    signer.get_timestamp = lambda: then  # type: ignore[method-assign]  # the clock of that day
    return signer.sign("device").decode()


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ("", 429),
        ("x", 429),
        ("a.b.c", 429),
        ("\xff.\xff.\xff", 429),
        ("a" * 3000, 429),
        pytest.param(signed("another" * 9, days=1), 429, id="foreign"),
        pytest.param(signed(SECRET, days=91), 429, id="old"),
        pytest.param(signed(SECRET, days=89), 302, id="good"),
    ],
)
def test_a_made_up_or_old_cookie_is_none(
    attempt: Any, client: FlaskClient, strangers: Any, cast: Cast, value: str, status: int
) -> None:
    strangers(cast.member, LIMIT * AT_AN_ACCOUNT)
    client.set_cookie(DEVICE, value, path="/login")
    assert attempt(cast.member).status_code == status


def test_known_and_unknown_accounts_get_the_same_answers(app: Flask, cast: Cast) -> None:
    """From the first guess to the last: neither the limit nor a page says who has an account."""

    def answers(email: str, network: str) -> list[tuple[int, bytes, list[str]]]:
        found = []
        for _ in range(LIMIT + 2):
            client = app.test_client()
            form = {"email": email, "password": WRONG, "csrf_token": csrf_token(client)}
            peer = {"REMOTE_ADDR": network}
            got = client.post("/login", data=form, environ_overrides=peer)
            page = got.data.replace(email.encode(), b"")
            found.append((got.status_code, _without_token(page), sorted(got.headers.keys())))
        return found

    known = answers(cast.member, "192.0.2.1")
    assert [status for status, _, _ in known] == [422] * LIMIT + [429] * 2
    assert answers("nobody@acme.example", "192.0.2.2") == known


def _without_token(page: bytes) -> bytes:
    before, found, after = page.partition(b'name="csrf_token"')
    return before + after.partition(b">")[2] if found else page


# --- what is stored -----------------------------------------------------------------------------


def test_the_database_does_not_know_who_was_counted(
    app: Flask, attempt: Any, client: FlaskClient, cast: Cast
) -> None:
    attempt(cast.member, WRONG, address="192.0.2.44")
    attempt("secret-love@else.example", WRONG, address="2001:db8::1")
    attempt(cast.owner, address="192.0.2.45")
    answer = {"id": "7b0f3a52-6e0f-4a0f-9a51-3a8a1f1b1c11", "status": "complete"}
    answer |= {"answers": {"nps": 9}}
    path = "/api/v1/public/surveys/acme-nps/responses"
    peer = {"REMOTE_ADDR": "192.0.2.46"}
    assert client.post(path, json=answer, environ_overrides=peer).status_code == 201
    with app.app_context():
        names = list(db.session.scalars(sa.select(Counter.name)))
    assert len(names) == 3 + 3 + 3 + 1
    for name in names:
        kind, _, who = name.rpartition(":")
        assert kind in ("login:pair", "login:network", "login:account", "answers")
        assert len(who) == 32 and set(who) <= set("0123456789abcdef")


# --- behind proxies -----------------------------------------------------------------------------


@pytest.fixture
def hops(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def proxied(settings: Settings, catalogues: Any, hops: int, cast: Cast) -> Iterator[FlaskClient]:
    """A browser behind a number of trusted proxies."""
    from survey_app.app import create_app

    app = create_app(replace(settings, proxy_hops=hops, secret_key=SECRET))
    yield app.test_client()
    with app.app_context():
        for engine in db.engines.values():
            engine.dispose()


def try_from(client: FlaskClient, forwarded: str, turn: int) -> int:
    form = {
        "email": f"user{turn}@acme.example",
        "password": WRONG,
        "csrf_token": csrf_token(client),
    }
    headers = {"X-Forwarded-For": forwarded}
    return client.post("/login", data=form, headers=headers).status_code


@pytest.mark.parametrize(
    ("hops", "chain"),
    [
        (0, "203.0.113.{turn}"),
        (1, "203.0.113.{turn}, 198.51.100.7"),
        (1, "203.0.113.{turn}, 198.51.100.7:41{turn:03}"),
        (1, "203.0.113.{turn}, [2001:db8::{turn}]:41000"),
        (2, "203.0.113.{turn}, 198.51.100.7, 10.0.0.1"),
    ],
    indirect=["hops"],
)
def test_what_a_guesser_adds_to_the_chain_of_addresses_changes_nothing(
    proxied: FlaskClient, chain: str
) -> None:
    most = LIMIT * FROM_A_NETWORK
    statuses = [try_from(proxied, chain.format(turn=turn), turn) for turn in range(most + 1)]
    assert statuses == [422] * most + [429]


@pytest.mark.parametrize(
    ("hops", "chain"),
    [
        (1, "203.0.113.{turn}"),
        (1, "203.0.113.{turn}:41000"),
        (2, "203.0.113.{turn}, 10.0.0.1"),
    ],
    indirect=["hops"],
)
def test_behind_proxies_each_visitor_counts_alone(proxied: FlaskClient, chain: str) -> None:
    most = LIMIT * FROM_A_NETWORK
    statuses = [try_from(proxied, chain.format(turn=turn), turn) for turn in range(most + 1)]
    assert statuses == [422] * (most + 1)
