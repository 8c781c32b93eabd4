"""`soundings survey …`."""

from datetime import UTC, datetime

import click
from flask import current_app
from flask.cli import AppGroup

from survey_app.accounts.queries import workspace_by_key
from survey_app.db import db
from survey_app.surveys import operations
from survey_app.surveys.models import KINDS
from survey_app.surveys.wording import TEMPLATES

survey = AppGroup("survey", help="Surveys: what is asked.")


@survey.command("create")
@click.argument("key")
@click.option("--workspace", "workspace_key", required=True, help="Key of the workspace.")
@click.option("--template", type=click.Choice(TEMPLATES), required=True)
@click.option("--kind", type=click.Choice(KINDS), help="Default: the template's own.")
def create_survey(key: str, workspace_key: str, template: str, kind: str | None) -> None:
    """Create the survey KEY from a template, publish it and print its address."""
    operations.create_from_template(
        db.session,
        key,
        workspace=workspace_by_key(db.session, workspace_key),
        template=template,
        kind=kind,
        now=datetime.now(UTC),
    )
    db.session.commit()
    click.echo(f"{current_app.config['SETTINGS'].public_url}/s/{key}")
