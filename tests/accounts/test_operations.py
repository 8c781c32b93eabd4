"""Workspaces, people, passwords and counted limits."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
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
    SWEEP_EVERY,
    check_key,
    close_session,
    count,
    create_user,
    create_workspace,
    find_session_user,
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


def test_what_is_taken_back_was_not_counted(session: Session) -> None:
    for _ in range(5):
        count(session, "x", now=NOW, window=WINDOW, limit=1)
        take_back(session, "x", now=NOW + timedelta(minutes=1), window=WINDOW)
    count(session, "x", now=NOW, window=WINDOW, limit=1)
    take_back(session, "x", now=NOW + WINDOW, window=WINDOW)
    with pytest.raises(TooMany):
        count(session, "x", now=NOW, window=WINDOW, limit=1)


def test_counting_is_one_statement_and_what_is_over_is_swept(session: Session) -> None:
    """Every name is new, the dearest case; a window that is not over stays, whatever its length."""
    statements: list[str] = []
    connection = session.connection()
    sa.event.listen(connection, "before_cursor_execute", lambda *args: statements.append(args[2]))
    count(session, "long", now=NOW, window=timedelta(days=1), limit=1)
    names, windows = 2000, 20
    for number in range(names):
        now = NOW + WINDOW * (number * windows // names)
        count(session, f"name {number}", now=now, window=WINDOW, limit=1)
    assert len(statements) < 1.05 * names
    left = session.scalars(sa.select(Counter).order_by(Counter.name)).all()
    assert left[0].name == "long"
    assert len(left) < 2 * names / windows + 2 * SWEEP_EVERY
    last = NOW + WINDOW * windows
    assert sum(row.ends_at == last for row in left) == names / windows, "no current one is lost"


def test_one_who_counts_never_deletes_much(session: Session) -> None:
    old = [{"ends_at": NOW, "name": f"old {number}", "count": 1} for number in range(5000)]
    session.execute(sa.insert(Counter), old)
    before, biggest = len(old), 0
    for number in range(20 * SWEEP_EVERY):
        count(session, f"new {number}", now=NOW, window=WINDOW, limit=1)
        left = sa.select(sa.func.count()).where(Counter.ends_at <= NOW).select_from(Counter)
        after = session.scalar(left) or 0
        before, biggest = after, max(biggest, before - after)
    assert 0 < biggest <= 4 * SWEEP_EVERY
    assert before < 5000 - 20 * SWEEP_EVERY, "it keeps up"


def test_who_sweeps_waits_for_nobody(app: Flask) -> None:
    """Two at once on PostgreSQL: the rows that one deletes are passed over by the other."""
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            return  # writers stand in line anyway
        rows = [{"ends_at": NOW, "name": f"old {number}", "count": 1} for number in range(10)]
        db.session.execute(sa.insert(Counter), rows)
        db.session.commit()
        with db.engine.connect() as one, db.engine.connect() as other:
            other.execute(sa.text("SET lock_timeout = '500ms'"))
            assert one.execute(operations._sweep(), {"now": NOW}).rowcount == 10
            assert other.execute(operations._sweep(), {"now": NOW}).rowcount == 0


def test_many_at_once_are_all_counted(app: Flask) -> None:
    def one(_: int) -> None:
        with app.app_context():
            count(db.session, "x", now=NOW, window=WINDOW, limit=1000)
            db.session.commit()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(200)))
    with app.app_context():
        assert db.session.scalar(sa.select(Counter.count)) == 200
