"""`soundings lake`: make it again, put it in order, prove it, look at it."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
import duckdb
import pyarrow as pa
import sqlalchemy as sa
from deltalake.exceptions import DeltaError
from flask import current_app
from flask.cli import with_appcontext

from survey_app.accounts.models import Workspace
from survey_app.accounts.queries import workspace_by_key
from survey_app.db import db, reading
from survey_app.errors import N_, Conflict, SoundingsError
from survey_app.insights.lake import rebuilding, tidying
from survey_app.insights.lake.inspecting import Look, look, readable
from survey_app.insights.lake.models import COUNTS, LakeState
from survey_app.insights.lake.state import Snapshot, snapshot
from survey_app.insights.lake.tables import LakeTrouble, only_writer, open_to_write
from survey_app.insights.lake.verifying import verify


@click.group()
def lake() -> None:
    """The lake: facts for the dashboards, made from the database."""


@lake.command()
@with_appcontext
def rebuild() -> None:
    """Make the lake again from the database, beside the one that counts; goes on if stopped."""
    data_dir = _data_dir()
    with _writing(data_dir):
        _begin_or_resume(data_dir)
    with _reading():
        found = look(db.session, data_dir, _now())
    try:
        with click.progressbar(
            length=found.to_take_over + found.waiting, label="Writing", file=sys.stderr
        ) as bar:
            is_all = False
            while not is_all:
                with _writing(data_dir):
                    written = rebuilding.write(db.session, data_dir, _now())
                is_all = written.is_all
                bar.update(written.responses)
        _tidy(data_dir)
    except KeyboardInterrupt:
        click.echo("\nStopped. The worker goes on with it, and so does this command.", err=True)
        raise click.Abort from None
    click.echo("The lake holds everything that the database says.")


def _begin_or_resume(data_dir: Path) -> None:
    """A new generation, unless one is being filled, or put in order for the first time."""
    with reading():
        known = snapshot(db.session)
    if known is None or known.trouble or not (known.is_followed or _is_begun(known, data_dir)):
        rebuilding.begin(db.session, data_dir, _now())


def _is_begun(known: Snapshot, data_dir: Path) -> bool:
    """Whether it has not yet held everything in order, and can go on."""
    done = LakeState.tidied_at.is_not(None) & LakeState.filled_at.is_not(None)
    with reading():
        is_done = db.session.scalar(sa.select(done).where(LakeState.id == COUNTS))
    try:
        return not is_done and bool(open_to_write(known, data_dir))
    except LakeTrouble:
        return False


@lake.command()
@with_appcontext
def compact() -> None:
    """Put every month in order now, and delete files that nobody needs any more."""
    click.echo(f"{_tidy(_data_dir())} months rewritten.")


def _tidy(data_dir: Path) -> int:
    total = 0
    while True:
        with _writing(data_dir):
            months = tidying.tidy(db.session, data_dir, _now(), everything=True)
        if not months:
            return total
        total += months


@lake.command("verify")
@with_appcontext
def verify_lake() -> None:
    """Prove that the lake says what the database says; status 1 where it does not."""
    with _reading():
        keys = dict(db.session.execute(sa.select(Workspace.id, Workspace.key)).all())
        with click.progressbar(length=100, label="Comparing", file=sys.stderr) as bar:
            verdict = verify(
                db.session,
                _data_dir(),
                told=lambda share: bar.update(round(100 * share) - bar.pos),
            )
    for one in verdict.differences:
        place = f"{one.table} of {keys.get(one.workspace_id, one.workspace_id)}, {one.month}"
        click.echo(f"{place}: {one.in_database} in the database, {one.in_lake} in the lake")
    if verdict.differences:
        raise Conflict(
            "lake.differs",
            N_("The lake differs from the database in %(count)s places."),
            hint=N_("Make it again from the database: soundings lake rebuild"),
            count=len(verdict.differences),
        )
    click.echo(f"Equal: {verdict.facts} facts and {verdict.mentions} mentions of themes.")


@lake.command()
@click.option("--workspace", "key", required=True, help="Key of the workspace.")
@with_appcontext
def files(key: str) -> None:
    """Print as JSON what another tool needs to read one workspace's rows, for an hour."""
    with _reading():
        workspace = workspace_by_key(db.session, key)
        told = readable(db.session, _data_dir(), workspace.id)
    click.echo(json.dumps(told, indent=1))


@lake.command()
@with_appcontext
def status() -> None:
    """Say what the lake holds, what waits, and whether erasures are in time."""
    with _reading():
        found = look(db.session, _data_dir(), _now())
    for line in _lines(found):
        click.echo(line)


def _lines(found: Look) -> list[str]:
    if found.folder is None:
        lines = ["There is no lake yet; the worker makes it."]
    else:
        lines = [f"folder     {found.folder}{'' if found.is_filled else ', being filled'}"]
    if found.next_folder is not None:
        lines.append(
            f"next       {found.next_folder}, being filled: {found.to_take_over} responses to go"
        )
    for name, held in found.tables.items():
        lines.append(
            f"{name:10} {held.rows} rows in {held.files} files, {held.bytes / 1e6:.1f} MB, "
            f"version {held.version}"
        )
    oldest = f", the oldest for {found.lag_seconds:.0f} s" if found.lag_seconds is not None else ""
    lines.append(f"waiting    {found.waiting} responses{oldest}")
    lines.append(f"erasures   {found.erasures} under way, {found.overdue} overdue")
    if found.failure:
        lines.append(f"failing    {found.failure}; it is tried again every minute")
    if found.trouble:
        lines.append(f"trouble    {LakeTrouble(found.trouble)}")
    return lines


@contextmanager
def _writing(data_dir: Path) -> Iterator[None]:
    """Hold the lake, once nobody else does; what its libraries raise becomes one sentence."""
    hint = N_("Is the disk full? Otherwise make it again: soundings lake rebuild")
    failing = _failing(N_("The lake can't be written: %(reason)s."), hint=hint)
    with failing, only_writer(data_dir, wait=True):
        yield


@contextmanager
def _reading() -> Iterator[None]:
    """Look at one moment."""
    hint = N_("Try again; if it stays so, make it again: soundings lake rebuild")
    with _failing(N_("The lake can't be read: %(reason)s."), hint=hint), reading():
        yield


@contextmanager
def _failing(message: str, *, hint: str) -> Iterator[None]:
    """What the lake's libraries and the system raise becomes one sentence."""
    try:
        yield
    except (DeltaError, duckdb.Error, pa.ArrowException, OSError) as error:
        raise SoundingsError("lake.failed", message, hint=hint, reason=str(error)) from None


def _data_dir() -> Path:
    folder: Path = current_app.config["SETTINGS"].data_dir
    return folder


def _now() -> datetime:
    return datetime.now(UTC)
