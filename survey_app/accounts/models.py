"""Workspaces, users, memberships, log-in sessions, privacy notices and counters."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from survey_app.db import Base, row_id

ROLES = ("owner", "member")


class Workspace(Base):
    """A tenant; every row of a customer's data carries its id."""

    __tablename__ = "workspaces"

    id: Mapped[int] = row_id()
    key: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    zone: Mapped[str] = mapped_column(default="UTC")
    locale: Mapped[str] = mapped_column(default="en")
    # Signs the customer tokens that the workspace's own site hands to the widget.
    token_secret: Mapped[str]
    score_floor: Mapped[int] = mapped_column(default=5)
    comment_floor: Mapped[int] = mapped_column(default=10)
    # Whether personal data is taken out of comments before anybody sees them.
    redact: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    created_at: Mapped[datetime]


class PrivacyNotice(Base):
    """What the respondent is told, in one locale; the built-in text where there is none."""

    __tablename__ = "privacy_notices"

    workspace_id: Mapped[int] = mapped_column(
        sa.ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    locale: Mapped[str] = mapped_column(primary_key=True)
    text: Mapped[str]


class User(Base):
    """A person who logs in; the e-mail is kept in lower case."""

    __tablename__ = "users"

    id: Mapped[int] = row_id()
    email: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]
    locale: Mapped[str | None]
    disabled_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class Membership(Base):
    """A user's role in one workspace; a user may belong to several."""

    __tablename__ = "memberships"
    __table_args__ = (sa.CheckConstraint(f"role IN {ROLES}", name="role"),)

    workspace_id: Mapped[int] = mapped_column(
        sa.ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[int] = mapped_column(
        sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    role: Mapped[str]
    workspace: Mapped[Workspace] = relationship()
    user: Mapped[User] = relationship()


class LoginSession(Base):
    """A log-in; the cookie holds the token, the row only its hash."""

    __tablename__ = "login_sessions"

    id: Mapped[int] = row_id()
    token_hash: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    user: Mapped[User] = relationship()


class Counter(Base):
    """How often something happened in a window of time (log-in failures, public answers).

    The key begins with the window's end, so that what is over is found without another index.
    A name says nothing about anybody: persons and addresses are counted by `http.pseudonym`.
    """

    __tablename__ = "counters"

    ends_at: Mapped[datetime] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(default=0)
