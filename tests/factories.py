"""The small cast and the values that tests share."""

import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.engine import URL

from survey_app.config import Settings

SECRET = "only-for-tests-" + "x" * 32
PASSWORD = "correct horse battery"
NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Cast:
    """Keys and e-mails of a small world: `acme` has an owner, a member and three surveys (named
    after their templates, `acme-nps` …); `rival` has an owner of its own and `rival-nps`."""

    workspace: str = "acme"
    rival: str = "rival"
    owner: str = "owner@acme.example"
    member: str = "member@acme.example"
    rival_owner: str = "owner@rival.example"


def settings_for(folder: Path, url: URL | str | None = None, **options: object) -> Settings:
    """Settings of a test installation in a folder."""
    address = sa.make_url(url) if url else None
    return Settings(data_dir=folder, database_url=address, secret_key=SECRET, **options)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def log_in(client: FlaskClient, email: str, password: str = PASSWORD) -> None:
    """Log in through the real form, with its CSRF token."""
    response = client.post(
        "/login", data={"email": email, "password": password, "csrf_token": csrf_token(client)}
    )
    assert response.status_code == 302, response.get_data(as_text=True)


def csrf_token(client: FlaskClient) -> str:
    """A valid CSRF token for this browser's session, read from the log-in page."""
    page = client.get("/login").get_data(as_text=True)
    return page.split('name="csrf_token"', 1)[1].split('value="', 1)[1].split('"', 1)[0]
