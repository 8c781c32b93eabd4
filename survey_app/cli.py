"""The command line: every slice's commands under `soundings`, one way to fail.

Status: 0 done, 1 an error that says what to do, 2 wrong usage, 3 an import that refused rows.
"""

import sys
from datetime import UTC, datetime
from io import TextIOWrapper
from typing import Any

import click
from flask import current_app
from flask.cli import AppGroup, ScriptInfo
from sqlalchemy.exc import ProgrammingError

from survey_app import i18n, server
from survey_app.accounts import commands as accounts
from survey_app.accounts import operations as account_operations
from survey_app.app import create_app, job_kinds
from survey_app.config import prepare_data_folder, read_settings
from survey_app.db import DATABASE_AWAY, alembic, db, upgrade_schema
from survey_app.demo.commands import demo
from survey_app.errors import SoundingsError, inert
from survey_app.insights import commands as insights
from survey_app.insights.comments.accurate import check_encoder
from survey_app.insights.lake.commands import lake
from survey_app.jobs import work
from survey_app.lifecycle.operations import create_default_map
from survey_app.responses.commands import database_said, import_responses
from survey_app.surveys.commands import survey


def _app() -> Any:
    settings = prepare_data_folder(read_settings())
    i18n.compile_catalogues(settings.data_dir.absolute() / "locales")
    return create_app(settings)


class Soundings(AppGroup):
    """Prints our errors as one sentence with its hint, without a traceback."""

    def main(self, *args: Any, **options: Any) -> Any:
        """Run a command; a SoundingsError becomes status 1."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")  # whatever the terminal can't show
        try:
            # The application is built when a command first needs it: --help needs none.
            return super().main(*args, **options, obj=ScriptInfo(create_app=_app))
        except SoundingsError as error:
            _complain(str(error))
            for item in error.errors:
                _complain(f"{item.field}: {item.message % (item.values or {})}", start="  ")
        except (*DATABASE_AWAY, ProgrammingError) as error:
            _complain(f"the database refused: {database_said(error)}")
            _complain("If its schema is missing or old: soundings db upgrade", start="  ")
        except OSError as error:  # what it prints can't be written, say
            _complain(str(error))
        sys.exit(1)


def _complain(sentence: str, *, start: str = "soundings: ") -> None:
    click.echo(f"{start}{inert(sentence)}", err=True)


@click.group(cls=Soundings)
@click.version_option(package_name="soundings")
def main() -> None:
    """Soundings: customer feedback, understood on your own machine."""


@main.command()
@click.option("--with-worker", is_flag=True, help="Run a worker beside it; both end together.")
def serve(with_worker: bool) -> None:  # noqa: FBT001 - click passes options by name
    """Serve the application."""
    if with_worker:
        check_encoder(current_app.config["SETTINGS"])
    server.serve(current_app._get_current_object(), with_worker=with_worker)  # type: ignore[attr-defined]  # Flask's documented way to the real object


@main.command()
@click.option("--until-idle", is_flag=True, help="Stop when nothing is left to do.")
@click.option("--parent", type=int, hidden=True, help="Stop when this process is gone.")
def worker(until_idle: bool, parent: int | None) -> None:  # noqa: FBT001 - click passes options by name
    """Do the work that waits: analyse comments."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # as above
    server.stop_on_signals()
    kinds = job_kinds(app.config["SETTINGS"])
    done = work(app, kinds, until_idle=until_idle, parent=parent)
    if until_idle:
        click.echo(f"{done} pieces of work done; nothing is left.")


@main.group("db")
def database() -> None:
    """The database's schema."""


@database.command()
def upgrade() -> None:
    """Bring the schema up to date; on an empty database, create it."""
    click.echo(f"The schema is at {upgrade_schema()}.")


@database.command()
@click.argument("message")
def revise(message: str) -> None:
    """Write a migration from the difference between the models and this database."""
    alembic.revision(message)


@accounts.workspace.command("create")
@click.argument("key")
@click.option("--zone", default="UTC", show_default=True, help="IANA time zone of its days.")
@click.option("--locale", default="en", show_default=True, help="Language of its pages.")
def create_workspace(key: str, zone: str, locale: str) -> None:
    """Create the workspace KEY with the default lifecycle map."""
    workspace = account_operations.create_workspace(
        db.session, key, now=datetime.now(UTC), zone=zone, locale=locale
    )
    create_default_map(db.session, workspace.id)
    db.session.commit()
    click.echo(f"Created the workspace {key}.")


@main.group("import")
def import_group() -> None:
    """Take files in."""


@main.group("export")
def export_group() -> None:
    """Give numbers out."""


@main.group("nlp")
def nlp_group() -> None:
    """Look at how comments are understood."""


import_group.add_command(import_responses)
export_group.add_command(insights.export_nps)
nlp_group.add_command(insights.evaluate_nlp)
nlp_group.add_command(insights.convert_encoder)
for command in (accounts.workspace, accounts.user, survey, demo, lake):
    main.add_command(command)
