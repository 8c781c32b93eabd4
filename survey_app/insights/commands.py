"""`soundings export nps`."""

import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO

import click
from flask.cli import with_appcontext

from survey_app.accounts.models import Workspace
from survey_app.accounts.operations import zone_of
from survey_app.accounts.queries import workspace_by_key
from survey_app.db import db
from survey_app.errors import N_, Invalid
from survey_app.insights.exports import WRITERS, nps_table
from survey_app.insights.scope import EARLIEST, Scope, check_dimensions, read_day, read_period
from survey_app.surveys.models import KINDS
from survey_app.surveys.queries import survey_of_workspace


@click.command("nps")
@click.option("--workspace", "workspace_key", required=True, help="Key of the workspace.")
@click.option("--by", required=True, metavar="DIM[,DIM]", help="Such as stage or country,month.")
@click.option("--survey", "survey_key", help="Only this survey.")
@click.option("--kind", type=click.Choice(KINDS), help="Default: relational.")
@click.option("--from", "start", help="First date, such as 2026-01-01.")
@click.option("--to", "end", help="Last date, inclusive.")
@click.option("--format", "form", type=click.Choice(list(WRITERS)), help="Default: by the name.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False))
@with_appcontext
def export_nps(  # noqa: PLR0913 - one parameter for each option of the contract
    *,
    workspace_key: str,
    by: str,
    survey_key: str | None,
    kind: str | None,
    start: str | None,
    end: str | None,
    form: str | None,
    output: Path | None,
) -> None:
    """Write NPS by one or more dimensions, to a file or to standard output."""
    dimensions = check_dimensions(tuple(name.strip() for name in by.split(",")))
    form = form or _form_of(output)
    if form == "xlsx" and output is None and sys.stdout.isatty():
        raise Invalid(
            "export.terminal",
            N_("A workbook can't be written to a terminal."),
            hint=N_("Add --output nps.xlsx."),
        )
    workspace = workspace_by_key(db.session, workspace_key)
    scope = _scope(workspace, survey_key=survey_key, kind=kind, start=start, end=end)
    table = nps_table(db.session, scope, by=dimensions)
    if output is None:
        WRITERS[form](table, sys.stdout.buffer)
        sys.stdout.flush()
    else:
        _write(output, partial(WRITERS[form], table))
    said = f"survey {survey_key}" if survey_key else f"{scope.kind} surveys only (see --kind)"
    click.echo(f"{len(table)} rows; counted: {said}.", err=True)


def _write(output: Path, write: Callable[[BinaryIO], None]) -> None:
    """Write a file whole or not at all: beside its place, then into it."""
    is_special = output.exists() and not output.is_file()  # a pipe or a device has no beside
    place = output if is_special else output.resolve()
    fresh = place if is_special else place.with_name(f".{place.name}.{os.getpid()}.new")
    try:
        try:
            with fresh.open("wb") as file:
                write(file)
            if not is_special:
                fresh.replace(place)
        finally:
            if not is_special:
                fresh.unlink(missing_ok=True)
    except OSError as error:
        raise Invalid(
            "export.output",
            N_("%(name)s can't be written: %(reason)s."),
            hint=N_("Name a file in a folder that this user may write."),
            name=str(output),
            reason=error.strerror or str(error),
        ) from None


def _form_of(output: Path | None) -> str:
    suffix = output.suffix.lstrip(".").lower() if output else "csv"
    if suffix not in WRITERS:
        raise Invalid(
            "export.format",
            N_("The name %(name)s does not tell a format that is written here."),
            hint=N_("Add --format %(known)s."),
            name=str(output),
            known=" or ".join(WRITERS),
        )
    return suffix


def _scope(
    workspace: Workspace,
    *,
    survey_key: str | None,
    kind: str | None,
    start: str | None,
    end: str | None,
) -> Scope:
    today = datetime.now(UTC).astimezone(zone_of(workspace)).date()
    first = read_day(start) if start else EARLIEST
    last = read_day(end) if end else max(today, first)
    survey_id = None
    if survey_key:
        asked = survey_of_workspace(db.session, workspace.id, survey_key)
        survey_id = asked.survey.id
        if kind is not None and kind != asked.survey.kind:
            raise Invalid(
                "export.kind",
                N_("The survey %(key)s is %(kind)s."),
                hint=N_("Leave --kind out."),
                key=survey_key,
                kind=asked.survey.kind,
            )
    return Scope(
        workspace_id=workspace.id,
        period=read_period(first, last),
        kind=kind or "relational",
        survey_id=survey_id,
        respondent_floor=workspace.score_floor,
    )
