"""Real databases for every test that touches one: SQLite and PostgreSQL, each test its own copy.

`TEST_WITHOUT=postgres,browser` leaves parts out by name, and the summary says so; a missing
program is otherwise a failure, never a silent skip.
"""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from factories import NOW, PASSWORD, Cast, settings_for
from flask import Flask
from flask.testing import FlaskClient
from private_postgres import Postgres, private_postgres
from sqlalchemy.engine import URL

from survey_app import i18n
from survey_app.accounts import operations as accounts
from survey_app.accounts.operations import create_user, create_workspace
from survey_app.app import create_app
from survey_app.config import Settings
from survey_app.db import db, upgrade_schema
from survey_app.lifecycle.operations import create_default_map
from survey_app.surveys.operations import create_from_template

WITHOUT = frozenset(filter(None, os.environ.get("TEST_WITHOUT", "").split(",")))
KNOWN_PARTS = {"postgres", "browser", "spark"}


def pytest_configure(config: pytest.Config) -> None:
    if unknown := WITHOUT - KNOWN_PARTS:
        raise pytest.UsageError(f"TEST_WITHOUT knows {sorted(KNOWN_PARTS)}, not {sorted(unknown)}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        for part in WITHOUT:
            if item.get_closest_marker(part):
                item.add_marker(pytest.mark.skip(reason=f"TEST_WITHOUT={part}"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if WITHOUT:
        terminalreporter.write_line(f"Left out by TEST_WITHOUT: {', '.join(sorted(WITHOUT))}")


@pytest.fixture(autouse=True, scope="session")
def _quick_passwords() -> Iterator[None]:
    """The real algorithm at its lowest cost: a cast of people would take a second otherwise."""
    real, accounts.hasher = accounts.hasher, PasswordHasher(1, 8, 1)
    yield
    accounts.hasher = real


# --- databases ----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def catalogues(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compiled translations, made once."""
    folder = tmp_path_factory.mktemp("catalogues") / "locales"
    i18n.compile_catalogues(folder)
    return folder


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file to copy."""
    folder = tmp_path_factory.mktemp("sqlite")
    app = create_app(settings_for(folder))
    with app.app_context():
        upgrade_schema()
        for engine in db.engines.values():
            engine.dispose()
    return folder / "soundings.db"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A private PostgreSQL server with a migrated template database."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(private_postgres())
        except LookupError as error:
            pytest.fail(f"{error}, or leave these tests out with TEST_WITHOUT=postgres")
        server.execute("CREATE DATABASE template_soundings")
        app = create_app(settings_for(server.folder, server.url("template_soundings")))
        with app.app_context():
            upgrade_schema()
            for engine in db.engines.values():
                engine.dispose()
        yield server


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> URL:
    """A fresh SQLite database with our schema."""
    path = tmp_path / "soundings.db"
    shutil.copy(sqlite_template, path)
    return URL.create("sqlite", database=str(path))


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[URL]:
    """A fresh PostgreSQL database with our schema."""
    name = f"test_{uuid.uuid4().hex}"
    postgres.execute(f"CREATE DATABASE {name} TEMPLATE template_soundings STRATEGY FILE_COPY")
    yield postgres.url(name)
    postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> URL:
    """A fresh database, of each kind in turn."""
    url: URL = request.getfixturevalue(f"{request.param}_url")
    return url


# --- the application and its cast ---------------------------------------------------------------


@pytest.fixture
def settings(tmp_path: Path, database_url: URL) -> Settings:
    """The settings that `app` is built from; override to change one."""
    return settings_for(tmp_path, database_url)


@pytest.fixture
def app(settings: Settings, catalogues: Path) -> Iterator[Flask]:
    """The application on a fresh database."""
    if not (settings.data_dir / "locales").exists():
        (settings.data_dir / "locales").symlink_to(catalogues)
    application = create_app(settings)
    application.testing = True
    yield application
    with application.app_context():
        for engine in db.engines.values():
            engine.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser that nobody is logged in with."""
    return app.test_client()


@pytest.fixture
def cast(app: Flask) -> Cast:
    """The small world, in the database."""
    names = Cast()
    with app.app_context():
        session = db.session
        acme = create_workspace(session, names.workspace, now=NOW, zone="Europe/Helsinki")
        rival = create_workspace(session, names.rival, now=NOW)
        for workspace in (acme, rival):
            create_default_map(session, workspace.id)
        for email, workspace, role in (
            (names.owner, acme, "owner"),
            (names.member, acme, "member"),
            (names.rival_owner, rival, "owner"),
        ):
            create_user(session, email, workspace=workspace, role=role, password=PASSWORD, now=NOW)
        for template in ("nps", "csat", "ces"):
            create_from_template(
                session, f"acme-{template}", workspace=acme, template=template, now=NOW
            )
        create_from_template(session, "rival-nps", workspace=rival, template="nps", now=NOW)
        session.commit()
    return names
