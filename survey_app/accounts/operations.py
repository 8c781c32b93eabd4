"""What can be done with accounts. Nothing here commits or reads the clock."""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from zlib import crc32
from zoneinfo import ZoneInfo, available_timezones

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlalchemy.orm import Session

from survey_app.accounts.models import (
    ROLES,
    Counter,
    LoginSession,
    Membership,
    PrivacyNotice,
    User,
    Workspace,
)
from survey_app.db import insert_of
from survey_app.errors import N_, Conflict, Invalid, TooMany, Unauthenticated
from survey_app.i18n import INTERFACE_LOCALES, SURVEY_LOCALES, match_locale

KEY_FORM = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
EMAIL_FORM = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]{1,190}")
SESSION_LASTS = timedelta(days=14)
LOGIN_WINDOW = timedelta(minutes=15)
MIN_PASSWORD = 10
MAX_NOTICE = 4000
COUNTERS = Counter.metadata.tables[Counter.__tablename__]
SWEEP_EVERY = 50  # of the counters that begin
hasher = PasswordHasher()


@cache
def _nobody() -> str:
    """Verified against when there is no such account, so that both answers take the same time."""
    return hasher.hash(secrets.token_urlsafe())


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a user in one workspace, with a role."""

    user: User
    workspace: Workspace
    role: str


def check_key(key: str) -> str:
    """A key for addresses: lower-case letters, digits and inner hyphens, at most 64."""
    if not KEY_FORM.fullmatch(key):
        raise Invalid(
            "key.form",
            N_("%(key)s is not usable as a key."),
            hint=N_("Use up to 64 lower-case letters, digits and hyphens between them."),
            key=key[:80],
        )
    return key


def create_workspace(
    session: Session, key: str, *, now: datetime, zone: str = "UTC", locale: str = "en"
) -> Workspace:
    """Create a workspace. Raises Invalid (key, zone, locale) or Conflict (key taken)."""
    check_key(key)
    if zone not in available_timezones():
        raise Invalid(
            "workspace.zone",
            N_("%(zone)s is not a time zone."),
            hint=N_("Use a name from the IANA list, such as Europe/Helsinki."),
            zone=zone,
        )
    matched = match_locale([locale], INTERFACE_LOCALES)
    if matched is None:
        raise Invalid(
            "workspace.locale",
            N_("The interface does not exist in %(locale)s."),
            hint=N_("Use one of %(known)s."),
            locale=locale,
            known=", ".join(INTERFACE_LOCALES),
        )
    if session.scalar(sa.select(Workspace.id).where(Workspace.key == key)):
        raise Conflict("workspace.exists", N_("The workspace %(key)s exists already."), key=key)
    workspace = Workspace(
        key=key,
        name=key.replace("-", " ").title(),
        zone=zone,
        locale=matched,
        token_secret=secrets.token_urlsafe(48),
        created_at=now,
    )
    session.add(workspace)
    session.flush()  # its id is needed by whatever comes next
    return workspace


def write_privacy_notice(session: Session, workspace: Workspace, *, locale: str, text: str) -> None:
    """Say in one survey language what respondents are told; an empty text: the built-in one.

    Raises Invalid for a language that no survey is shown in and for a text that is too long.
    """
    if locale not in SURVEY_LOCALES:
        raise Invalid(
            "privacy.locale",
            N_("Surveys are not shown in %(locale)s."),
            hint=N_("Use one of %(known)s."),
            locale=locale,
            known=", ".join(SURVEY_LOCALES),
        )
    text = text.strip()
    if len(text) > MAX_NOTICE or "\0" in text:
        raise Invalid(
            "privacy.text",
            N_("A privacy notice is a text of at most %(most)s characters."),
            hint=N_("Link to a longer one from your site."),
            most=MAX_NOTICE,
        )
    notice = session.get(PrivacyNotice, (workspace.id, locale))
    if text and notice is None:
        session.add(PrivacyNotice(workspace_id=workspace.id, locale=locale, text=text))
    elif text and notice is not None:
        notice.text = text
    elif notice is not None:
        session.delete(notice)


def set_redaction(workspace: Workspace, *, wanted: bool) -> None:
    """Have personal data taken out of the workspace's comments, or stop having it.

    Comments that are there already are redacted too; what was taken out stays out.
    """
    workspace.redact = wanted


def create_user(
    session: Session, email: str, *, password: str, workspace: Workspace, role: str, now: datetime
) -> tuple[User, bool]:
    """Give a person a role in a workspace; returns the user and whether the account is new.

    Somebody who has an account keeps its password. Raises Invalid for a malformed e-mail, an
    unknown role or a short password, Conflict where the person is in the workspace already.
    """
    email = email.strip().lower()
    _check_user(email, role=role, password=password)
    user = session.scalar(sa.select(User).where(User.email == email))
    is_new = user is None
    if user is None:
        user = User(email=email, password_hash=hasher.hash(password), created_at=now)
        session.add(user)
        session.flush()  # the membership needs the user's id
    elif session.get(Membership, (workspace.id, user.id)):
        raise Conflict(
            "user.exists",
            N_("%(email)s belongs to %(workspace)s already."),
            email=email,
            workspace=workspace.key,
        )
    session.add(Membership(workspace_id=workspace.id, user_id=user.id, role=role))
    return user, is_new


def _check_user(email: str, *, role: str, password: str) -> None:
    if not EMAIL_FORM.fullmatch(email):
        raise Invalid("user.email", N_("%(email)s is not an e-mail address."), email=email[:80])
    if role not in ROLES:
        raise Invalid(
            "user.role",
            N_("%(role)s is not a role."),
            hint=N_("Use one of %(known)s."),
            role=role,
            known=", ".join(ROLES),
        )
    if not MIN_PASSWORD <= len(password) <= 1024:
        raise Invalid(
            "user.password",
            N_("The password must have at least %(least)s characters."),
            least=MIN_PASSWORD,
        )


def verify_password(session: Session, email: str, password: str) -> User | None:
    """The user with this e-mail and password, or None; takes as long for an unknown e-mail."""
    user = session.scalar(sa.select(User).where(User.email == email.strip().lower()))
    try:
        hasher.verify(user.password_hash if user else _nobody(), password[:1024])
    except (Argon2Error, InvalidHashError):
        return None
    if user is None or user.disabled_at is not None:
        return None
    return user


def open_session(session: Session, user: User, *, now: datetime) -> str:
    """Log a user in; returns the cookie's token, which is stored nowhere."""
    token = secrets.token_urlsafe(32)
    session.execute(sa.delete(LoginSession).where(LoginSession.expires_at < now))
    session.add(
        LoginSession(
            token_hash=_hash(token),
            user_id=user.id,
            created_at=now,
            expires_at=now + SESSION_LASTS,
        )
    )
    return token


def close_session(session: Session, token: str) -> None:
    """Log out: the token is worthless from now on."""
    session.execute(sa.delete(LoginSession).where(LoginSession.token_hash == _hash(token)))


def find_session_user(session: Session, token: str, *, now: datetime) -> User:
    """The logged-in user of a token. Raises Unauthenticated when it is unknown or over."""
    row = session.scalar(sa.select(LoginSession).where(LoginSession.token_hash == _hash(token)))
    if row is None or row.expires_at <= now or row.user.disabled_at is not None:
        raise Unauthenticated("session.none", N_("Please log in."))
    return row.user


def _hash(token: str) -> str:
    # The token is random and long: a plain hash is enough, and an index finds it.
    return hashlib.sha256(token.encode()).hexdigest()


def count(session: Session, name: str, *, now: datetime, window: timedelta, limit: int) -> None:
    """Count one event of this name; raises TooMany once `limit` is passed in this window.

    The name is stored as it is. One statement; now and then, where a counter begins, another one
    that deletes some that are over.
    """
    ends_at, wait = _window(now, window)
    connection = session.connection()
    dialect = connection.dialect.name
    event = {"ends_at": ends_at, "name": name, "count": 1}
    happened = connection.execute(_count_one(dialect), event).scalar_one()
    if happened == 1 and crc32(f"{name} {ends_at}".encode()) % SWEEP_EVERY == 0:
        connection.execute(_sweep(), {"now": now})
    if happened > limit:
        raise _too_many(wait)


@cache
def _count_one(dialect: str) -> sa.Executable:
    """Built once: every answer and every log-in runs it."""
    counting = insert_of(dialect)(COUNTERS).on_conflict_do_update(
        index_elements=[COUNTERS.c.ends_at, COUNTERS.c.name],
        set_={"count": COUNTERS.c.count + 1},
    )
    return counting.returning(COUNTERS.c.count)


@cache
def _sweep() -> sa.Executable:
    """Deletes more than can have begun since the last time, and never so many that others wait."""
    old = COUNTERS.alias()
    over = (
        sa.select(old.c.ends_at, old.c.name)
        .where(old.c.ends_at <= sa.bindparam("now"))
        .order_by(old.c.ends_at)
        .limit(4 * SWEEP_EVERY)
        .with_for_update(skip_locked=True)
    )
    return sa.delete(COUNTERS).where(sa.tuple_(COUNTERS.c.ends_at, COUNTERS.c.name).in_(over))


def take_back(session: Session, name: str, *, now: datetime, window: timedelta) -> None:
    """Count one event of this window less: it was none of those that are counted."""
    session.execute(
        sa.update(Counter)
        .where(Counter.ends_at == _window(now, window)[0], Counter.name == name)
        .values(count=Counter.count - 1)
    )


def _window(now: datetime, window: timedelta) -> tuple[datetime, int]:
    """The window's end and the seconds until then."""
    size, moment = int(window.total_seconds()), int(now.timestamp())
    end = moment // size * size + size
    return datetime.fromtimestamp(end, UTC), end - moment


def _too_many(seconds: int) -> TooMany:
    return TooMany(
        "limit.exceeded",
        N_("Too many attempts."),
        retry_after=seconds,
        hint=N_("Please wait a little and try again."),
    )


def zone_of(workspace: Workspace) -> ZoneInfo:
    """The workspace's time zone, in which its days begin."""
    return ZoneInfo(workspace.zone)
