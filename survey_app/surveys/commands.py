"""`soundings survey …`."""

from datetime import UTC, datetime

import click
from flask import current_app
from flask.cli import AppGroup

from survey_app.accounts.queries import workspace_by_key
from survey_app.db import db
from survey_app.errors import N_, Invalid
from survey_app.surveys import operations
from survey_app.surveys.models import KINDS
from survey_app.surveys.queries import survey_of_workspace
from survey_app.surveys.wording import TEMPLATES

survey = AppGroup("survey", help="Surveys: what is asked.")


@survey.command("create")
@click.argument("key")
@click.option("--workspace", "workspace_key", required=True, help="Key of the workspace.")
@click.option("--template", type=click.Choice(TEMPLATES), required=True)
@click.option("--kind", type=click.Choice(KINDS), help="Default: the template's own.")
@click.option("--anonymous", is_flag=True, help="Promise anonymity; this can't be changed later.")
def create_survey(
    key: str, workspace_key: str, template: str, kind: str | None, *, anonymous: bool
) -> None:
    """Create the survey KEY from a template, publish it and print its address."""
    operations.create_from_template(
        db.session,
        key,
        workspace=workspace_by_key(db.session, workspace_key),
        template=template,
        kind=kind,
        anonymous=anonymous,
        now=datetime.now(UTC),
    )
    db.session.commit()
    click.echo(f"{current_app.config['SETTINGS'].public_url}/s/{key}")
    if anonymous:
        click.echo(
            "It promises anonymity: its answers appear on Mondays, once at least five people share "
            "each fact, and until then nobody is told that there are any.",
            err=True,
        )


@survey.command("change")
@click.argument("key")
@click.option("--workspace", "workspace_key", required=True, help="Key of the workspace.")
@click.option(
    "--origin", "origins", multiple=True, help="A site that may show it; may be repeated."
)
@click.option("--any-origin", is_flag=True, help="Let any site show it.")
@click.option(
    "--close/--open", "is_closed", default=None, help="Take no answers, or take them again."
)
def change_survey(
    key: str,
    workspace_key: str,
    *,
    origins: tuple[str, ...],
    any_origin: bool,
    is_closed: bool | None,
) -> None:
    """Say on which sites the survey KEY may stand, close it or open it again.

    The sites that are named replace those that were listed before.
    """
    if origins and any_origin:
        raise Invalid("survey.origins", N_("Name sites or pass --any-origin, not both."))
    workspace = workspace_by_key(db.session, workspace_key)
    found = survey_of_workspace(db.session, workspace.id, key).survey
    if origins or any_origin:
        operations.list_origins(found, origins)
    if is_closed is True:
        operations.close_survey(found, now=datetime.now(UTC))
    elif is_closed is False:
        operations.reopen_survey(found)
    db.session.commit()
    state = "closed" if found.closed_at else "open"
    click.echo(f"{key} is {state}; shown on {', '.join(found.origins) or 'any site'}.")
