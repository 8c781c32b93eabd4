"""`soundings workspace …` and `soundings user …`."""

import sys
from datetime import UTC, datetime
from typing import TextIO

import click
from flask.cli import AppGroup

from survey_app.accounts import operations
from survey_app.accounts.models import ROLES
from survey_app.accounts.queries import workspace_by_key
from survey_app.db import db
from survey_app.errors import N_, Malformed

workspace = AppGroup("workspace", help="Workspaces: one for each organisation or brand.")
user = AppGroup("user", help="People who log in.")


@workspace.command("secret")
@click.argument("key")
def show_secret(key: str) -> None:
    """Print the secret with which KEY's own site signs customer tokens for the widget."""
    click.echo(workspace_by_key(db.session, key).token_secret)


@workspace.command("privacy")
@click.argument("key")
@click.argument("file", type=click.File(encoding="utf-8"))
@click.option("--locale", required=True, help="The survey language that it is written in.")
def write_privacy(key: str, file: TextIO, locale: str) -> None:
    """Tell the respondents of KEY what is in FILE ("-": standard input) beside each survey.

    An empty FILE brings the built-in notice back.
    """
    found = workspace_by_key(db.session, key)
    try:
        text = file.read()
    except UnicodeDecodeError:
        raise Malformed("privacy.encoding", N_("The notice is not text in UTF-8.")) from None
    operations.write_privacy_notice(db.session, found, locale=locale, text=text)
    db.session.commit()
    click.echo(f"The privacy notice of {key} in {locale} is changed.")


@workspace.command("redact")
@click.argument("key")
@click.option("--on/--off", "wanted", required=True, help="Whether it is wanted.")
def set_redaction(key: str, wanted: bool) -> None:  # noqa: FBT001 - click passes the flag
    """Take personal data out of the comments of KEY before anybody sees them.

    The worker does it, also with comments that are there already; there is no way back to what was
    taken out.
    """
    operations.set_redaction(workspace_by_key(db.session, key), wanted=wanted)
    db.session.commit()
    click.echo(
        f"Personal data is taken out of the comments of {key}."
        if wanted
        else f"Comments of {key} are kept as they come from now on."
    )


@user.command("create")
@click.argument("email")
@click.option("--workspace", "workspace_key", required=True, help="Key of the workspace.")
@click.option("--role", type=click.Choice(ROLES), required=True)
@click.option(
    "--password-stdin", is_flag=True, required=True, help="Read the password from standard input."
)
def create_user(email: str, workspace_key: str, role: str, password_stdin: bool) -> None:  # noqa: ARG001, FBT001 - the flag says where the password comes from
    """Create the user EMAIL."""
    _, is_new = operations.create_user(
        db.session,
        email,
        workspace=workspace_by_key(db.session, workspace_key),
        role=role,
        password=sys.stdin.readline().rstrip("\r\n"),
        now=datetime.now(UTC),
    )
    db.session.commit()
    done = "Created" if is_new else "Added, with the password as it was,"
    click.echo(f"{done} {email} as {role} of {workspace_key}.")
