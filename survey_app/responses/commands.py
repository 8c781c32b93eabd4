"""`soundings import responses`."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click
from flask.cli import with_appcontext

from survey_app.accounts.queries import workspace_by_key
from survey_app.db import DATABASE_AWAY, db
from survey_app.errors import N_, Invalid, SoundingsError, inert
from survey_app.responses.imports import Report, Source, check_file, import_file
from survey_app.surveys.queries import survey_of_workspace

SOME_REFUSED = 3


@click.command("responses")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--workspace", "workspace_key", required=True, help="Key of the workspace.")
@click.option("--survey", "survey_key", required=True, help="Key of the survey they answer.")
@click.option("--map", "maps", multiple=True, metavar="COLUMN=FIELD", help="Rename a column.")
@click.option("--ignore-unknown", is_flag=True, help="Pass over columns that we don't know.")
@with_appcontext
def import_responses(
    file: Path,
    workspace_key: str,
    survey_key: str,
    maps: tuple[str, ...],
    ignore_unknown: bool,  # noqa: FBT001 - click passes options by name
) -> None:
    """Take the responses of a CSV FILE into a survey.

    Good rows land, refused ones are listed; a second run adds nothing, an interrupted one goes on.
    Exit status: 0 all taken, 3 some refused, 1 the file can't be read.
    """
    workspace = workspace_by_key(db.session, workspace_key)
    asked = survey_of_workspace(db.session, workspace.id, survey_key)
    source = check_file(file)
    steps = import_file(
        db.session,
        source,
        asked,
        now=datetime.now(UTC),
        renames=_renames(maps),
        ignore_unknown=ignore_unknown,
    )
    report = _carry_out(steps, source)
    _print(report)
    if report.refused:
        sys.exit(SOME_REFUSED)


def _carry_out(steps: Iterator[Report], source: Source) -> Report:
    """Commit each step, under a bar where somebody sees it; returns the last report."""
    report = Report()
    with click.progressbar(
        length=max(1, source.rows), label="Rows", file=sys.stderr, hidden=not sys.stderr.isatty()
    ) as bar:
        try:
            for report in steps:
                db.session.commit()
                bar.update(report.rows - bar.pos)
        except DATABASE_AWAY as error:
            raise SoundingsError(
                "import.stopped",
                N_("The import stopped, because the database failed: %(reason)s."),
                hint=N_(
                    "Everything before that is stored. Mend it and run the same command again: it "
                    "goes on where it stopped."
                ),
                reason=database_said(error),
            ) from None
    return report


def _renames(maps: tuple[str, ...]) -> dict[str, str]:
    renames = dict(item.partition("=")[::2] for item in maps)
    if not all(renames.values()):
        raise Invalid("import.map", N_("Write --map column=field."))
    return renames


def _print(report: Report) -> None:
    for refusal in report.refused:
        column = f", {refusal.column}" if refusal.column else ""
        click.echo(f"row {refusal.number}{column}: {inert(refusal.reason)}")
    if report.resumed_at:
        click.echo(f"Went on after row {report.resumed_at}.")
    click.echo(
        f"{report.taken} taken, {report.known} there already, {len(report.refused)} refused."
    )


def database_said(error: Exception) -> str:
    """Why the database failed, in its own words and on one line."""
    return " ".join(str(getattr(error, "orig", None) or error).split())
