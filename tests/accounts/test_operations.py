"""Workspaces, people, passwords and counted limits."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from factories import NOW, PASSWORD
from flask import Flask
from sqlalchemy.orm import Session

from survey_app.accounts import operations
from survey_app.accounts.models import Counter, Membership, User, Workspace
from survey_app.accounts.operations import (
    SESSION_LASTS,
    check_key,
    close_session,
    count,
    create_user,
    create_workspace,
    find_session_user,
    forget,
    open_session,
    take_back,
    verify_password,
)
from survey_app.accounts.queries import membership_of, workspaces_of
from survey_app.db import db
from survey_app.errors import Conflict, Invalid, TooMany, Unauthenticated

WINDOW = timedelta(minutes=15)


@pytest.fixture
def session(app: Flask) -> Iterator[Session]:
    with app.app_context():
        yield db.session


@pytest.fixture
def acme(session: Session) -> Workspace:
    return create_workspace(session, "acme", now=NOW)


def owner_of(session: Session, workspace: Workspace, email: str = "o@acme.example") -> User:
    return create_user(
        session, email, password=PASSWORD, workspace=workspace, role="owner", now=NOW
    )[0]


@pytest.mark.parametrize("key", ["a", "acme", "acme-2", "0", "a" * 64])
def test_usable_keys(key: str) -> None:
    assert check_key(key) == key


@pytest.mark.parametrize(
    "key", ["", "-a", "a-", "A", "a_b", "a b", "ä", "a/b", "..", "a" * 65, "a\n", "a\0", "٣"]
)
def test_unusable_keys(key: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_key(key)
    assert caught.value.code == "key.form"


def test_a_workspace_is_created_once(session: Session, acme: Workspace) -> None:
    assert (acme.zone, acme.locale, acme.name) == ("UTC", "en", "Acme")
    assert len(acme.token_secret) >= 48
    with pytest.raises(Conflict) as caught:
        create_workspace(session, "acme", now=NOW)
    assert caught.value.code == "workspace.exists"
    assert create_workspace(session, "other", now=NOW).token_secret != acme.token_secret


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"zone": "Helsinki"}, "workspace.zone"),
        ({"zone": "../etc/passwd"}, "workspace.zone"),
        ({"zone": ""}, "workspace.zone"),
        ({"locale": "de"}, "workspace.locale"),
        ({"locale": "x" * 999}, "workspace.locale"),
    ],
)
def test_a_workspace_needs_a_real_zone_and_a_language_that_we_speak(
    session: Session, options: dict[str, str], code: str
) -> None:
    with pytest.raises(Invalid) as caught:
        create_workspace(session, "acme", now=NOW, **options)
    assert caught.value.code == code
    assert session.scalar(sa.select(sa.func.count()).select_from(Workspace)) == 0


def test_a_person_may_belong_to_several_workspaces_with_one_password(
    session: Session, acme: Workspace
) -> None:
    rival = create_workspace(session, "rival", now=NOW)
    first = owner_of(session, acme, " Mia@Example.ORG ")
    second, is_new = create_user(
        session,
        "mia@example.org",
        password="another password",
        workspace=rival,
        role="member",
        now=NOW,
    )
    assert (second.id, is_new, first.email) == (first.id, False, "mia@example.org")
    assert [item.key for item in workspaces_of(session, user_id=first.id)] == ["acme", "rival"]
    assert verify_password(session, "MIA@example.org", PASSWORD) is first
    assert verify_password(session, "mia@example.org", "another password") is None
    for workspace, role in ((acme, "owner"), (rival, "member")):
        found = membership_of(session, user_id=first.id, workspace_key=workspace.key)
        assert found is not None and found.role == role
    with pytest.raises(Conflict):
        owner_of(session, acme, "mia@example.org")


@pytest.mark.parametrize(
    ("email", "role", "password", "code"),
    [
        ("nobody", "owner", PASSWORD, "user.email"),
        ("a b@c.d", "owner", PASSWORD, "user.email"),
        ("a@b\r\nBcc: x@y.z", "owner", PASSWORD, "user.email"),
        ("a\0@b.c", "owner", PASSWORD, "user.email"),
        ("a@b.c", "admin", PASSWORD, "user.role"),
        ("a@b.c", "owner", "9 letters", "user.password"),
        ("a@b.c", "owner", "", "user.password"),
        ("a@b.c", "owner", "x" * 1025, "user.password"),
    ],
)
def test_what_makes_no_user(
    session: Session, acme: Workspace, email: str, role: str, password: str, code: str
) -> None:
    with pytest.raises(Invalid) as caught:
        create_user(session, email, password=password, workspace=acme, role=role, now=NOW)
    assert caught.value.code == code
    assert session.scalar(sa.select(sa.func.count()).select_from(User)) == 0


def test_a_database_refuses_a_role_that_does_not_exist(session: Session, acme: Workspace) -> None:
    user = owner_of(session, acme)
    rival = create_workspace(session, "rival", now=NOW)
    session.add(Membership(workspace_id=rival.id, user_id=user.id, role="admin"))
    with pytest.raises(sa.exc.IntegrityError):
        session.flush()
    session.rollback()


def test_an_unknown_user_costs_a_verification_too(
    session: Session, acme: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever measures the time learns nothing about who has an account."""
    owner_of(session, acme)
    verified: list[str] = []

    class Counting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # noqa: A002 - theirs
            verified.append(str(hash))
            return super().verify(hash, password)

    monkeypatch.setattr(operations, "hasher", Counting(1, 8, 1))
    operations._nobody.cache_clear()
    assert verify_password(session, "nobody@acme.example", PASSWORD) is None
    assert verify_password(session, "o@acme.example", "wrong wrong") is None
    assert len(verified) == 2
    assert all(text.startswith("$argon2id$") for text in verified)
    operations._nobody.cache_clear()


def test_real_passwords_are_hashed_at_full_cost() -> None:
    """The tests lower it; what people get is the library's recommendation."""
    hasher = PasswordHasher()
    assert (hasher.time_cost, hasher.memory_cost) >= (3, 65536)


def test_a_session_lasts_two_weeks_and_not_longer(session: Session, acme: Workspace) -> None:
    user = owner_of(session, acme)
    token = open_session(session, user, now=NOW)
    last = NOW + SESSION_LASTS
    assert find_session_user(session, token, now=last - timedelta(seconds=1)) is user
    with pytest.raises(Unauthenticated):
        find_session_user(session, token, now=last)
    other = open_session(session, user, now=NOW)
    close_session(session, token)
    with pytest.raises(Unauthenticated):
        find_session_user(session, token, now=NOW)
    assert find_session_user(session, other, now=NOW) is user


def test_one_more_than_the_limit_is_too_many(session: Session) -> None:
    for _ in range(3):
        count(session, "x", now=NOW, window=WINDOW, limit=3)
    with pytest.raises(TooMany) as caught:
        count(session, "x", now=NOW + timedelta(minutes=5), window=WINDOW, limit=3)
    assert caught.value.retry_after == 10 * 60
    count(session, "y", now=NOW, window=WINDOW, limit=3)
    count(session, "x", now=NOW + WINDOW, window=WINDOW, limit=3)


def test_old_windows_are_swept_and_success_forgives(session: Session) -> None:
    count(session, "x", now=NOW, window=WINDOW, limit=3)
    count(session, "x", now=NOW + WINDOW, window=WINDOW, limit=3)
    assert session.scalar(sa.select(sa.func.count()).select_from(Counter)) == 1
    count(session, "x", now=NOW + WINDOW, window=WINDOW, limit=3)
    take_back(session, "x", now=NOW + WINDOW, window=WINDOW)
    assert session.scalar(sa.select(Counter.count)) == 1
    forget(session, "x")
    assert session.scalar(sa.select(sa.func.count()).select_from(Counter)) == 0
