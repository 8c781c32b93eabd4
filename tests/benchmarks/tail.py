"""The dashboard over the lake and 1,000 answers that don't stand in it yet, against the lake alone.

Through an installation, as a page asks: state and newest answers from the database, counts of both.
"""

import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from dashboard import asked_of, scope_of
from deltalake import DeltaTable
from flask import Flask
from imports import write_file
from places import Places
from sqlalchemy.engine import URL
from timing import Line, Side, compared, in_turn, same

from survey_app.accounts.operations import create_workspace
from survey_app.app import create_app
from survey_app.config import Settings
from survey_app.db import db, upgrade_schema
from survey_app.insights.lake import reading, state
from survey_app.insights.lake.models import LakeState
from survey_app.lifecycle.operations import create_default_map
from survey_app.responses.imports import check_file, import_file
from survey_app.surveys.operations import create_from_template
from survey_app.surveys.queries import survey_of_workspace

ANSWERS = 1_000
WORKSPACE = 10


def measure(places: Places, *, rounds: int) -> Iterator[Line]:
    """The line."""
    with tempfile.TemporaryDirectory() as name:
        paths = Path(name) / "lake.db", Path(name) / "both.db"
        app = _installation(paths[0], places)
        with app.app_context():
            _begin(places)
        _close(app)
        shutil.copy(*paths)
        lake, both = (_installation(path, places) for path in paths)
        with both.app_context():
            _answer(Path(name) / "answers.csv")
        people = [int(_dashboard(each)[0]["people"].iloc[0]) for each in (both, lake)]
        same(people[0], people[1] + ANSWERS)
        spent = in_turn(
            {"both": Side(lambda: _dashboard(both)), "lake": Side(lambda: _dashboard(lake))},
            rounds=rounds,
        )
        for each in (lake, both):
            _close(each)
    what = f"dashboard of 1.3 %, lake and {ANSWERS:,} newer answers / lake"
    yield compared(what, spent["both"], spent["lake"], goal=1.15)


def _installation(database: Path, places: Places) -> Flask:
    """An application on a database file; its lake is that of `places`."""
    address = URL.create("sqlite", database=str(database))
    app = create_app(Settings(data_dir=places.folder, database_url=address, secret_key="x" * 32))
    with app.app_context():
        upgrade_schema()
    return app


def _begin(places: Places) -> None:
    """Workspaces up to the one to look at, its survey, and which lake counts."""
    session, now = db.session, datetime.now(UTC)
    for number in range(1, WORKSPACE + 1):
        workspace = create_workspace(session, f"bench-{number}", now=now)
    create_default_map(session, workspace.id)
    create_from_template(session, "bench", workspace=workspace, template="nps", now=now)
    versions = [DeltaTable(places.lake / table).version() for table in ("facts", "mentions")]
    session.add(
        LakeState(
            id=1,
            folder=places.lake.name,
            format=state.FORMAT,
            since=1,
            watermark=1,
            facts_version=versions[0],
            mentions_version=versions[1],
            created_at=now,
            filled_at=now,
        )
    )
    session.commit()
    same(workspace.id, WORKSPACE)


def _answer(file: Path) -> None:
    write_file(file, ANSWERS)
    asked = survey_of_workspace(db.session, WORKSPACE, "bench")
    now = datetime.now(UTC)
    for _ in import_file(
        db.session, check_file(file), asked, now=now, renames={}, ignore_unknown=False
    ):
        db.session.commit()


def _dashboard(app: Flask) -> list[pd.DataFrame]:
    """The tables of a page, uncached."""
    scope = scope_of(WORKSPACE)
    reading.results.forget()
    with app.app_context(), reading.source(db.session, app.config["SETTINGS"]) as source:
        return [
            *source.scores(scope, asked_of(scope)),
            *source.comments(scope, scope.nested()),
            *source.themes(scope, scope.nested()),
        ]


def _close(app: Flask) -> None:
    with app.app_context():
        for engine in db.engines.values():
            engine.dispose()
