"""Imported rows per second, against bare `csv` + `executemany` into the same tables.

Both write one file of scored rows with a comment each fifth into a fresh SQLite database, in
chunks of 1,000 with a durable commit after each.
"""

import csv
import sqlite3
import statistics
import time
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from survey_app.accounts.operations import create_workspace
from survey_app.app import create_app
from survey_app.config import Settings
from survey_app.db import db, upgrade_schema
from survey_app.lifecycle.operations import create_default_map
from survey_app.responses.imports import CHUNK, check_file, import_file
from survey_app.surveys.operations import create_from_template
from survey_app.surveys.queries import survey_of_workspace

COLUMNS = ("response_id", "submitted_at", "score", "comment", "language", "country", "stage")
START = datetime(2025, 1, 1, tzinfo=UTC)
RESPONSE = (
    "INSERT INTO responses (id, workspace_id, survey_id, version_id, key, body_hash, status,"
    " received_at, submitted_at, day, counted, channel, locale, orientation, country, stage,"
    " has_comment) VALUES (?, 1, 1, 1, ?, '', 'complete', ?, ?, ?, 1, 'import', ?, 'ascending',"
    " ?, ?, ?)"
)
ANSWER = (
    "INSERT INTO answers (response_id, question, workspace_id, kind, number, text)"
    " VALUES (?, ?, 1, ?, ?, ?)"
)


def write_file(path: Path, rows: int) -> None:
    """A file of rows that are right."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for n in range(rows):
            comment = "The parcel was late, but the people were kind." if n % 5 == 0 else ""
            moment = (START + timedelta(minutes=7 * n)).isoformat()
            country, stage = ("FI", "DE", "JP")[n % 3], ("onboard", "adopt", "serve")[n % 3]
            writer.writerow([f"r-{n}", moment, n % 11, comment, "en", country, stage])


def product(folder: Path, file: Path) -> float:
    """Seconds that the product takes for the file."""
    folder.mkdir()
    app = create_app(Settings(data_dir=folder, secret_key="x" * 32))
    with app.app_context():
        upgrade_schema()
        now = datetime.now(UTC)
        workspace = create_workspace(db.session, "bench", now=now)
        create_default_map(db.session, workspace.id)
        create_from_template(db.session, "bench", workspace=workspace, template="nps", now=now)
        db.session.commit()
        began = time.perf_counter()
        asked = survey_of_workspace(db.session, workspace.id, "bench")
        steps = import_file(
            db.session, check_file(file), asked, now=now, renames={}, ignore_unknown=False
        )
        for _ in steps:
            db.session.commit()
        seconds = time.perf_counter() - began
        for engine in db.engines.values():
            engine.dispose()
    return seconds


def bare(database: Path, file: Path) -> float:
    """Seconds that the least takes, on a copy of the product's schema without its rows."""
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("DELETE FROM responses")
    connection.execute("DELETE FROM import_records")
    began, last = time.perf_counter(), 0
    with file.open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines)
        while chunk := list(islice(rows, CHUNK)):
            responses, answers = [], []
            for number, row in enumerate(chunk, start=last + 1):
                at = row["submitted_at"]
                responses.append(
                    (
                        number,
                        row["response_id"],
                        at,
                        at,
                        at[:10],
                        row["language"],
                        row["country"],
                        row["stage"],
                        bool(row["comment"]),
                    )
                )
                answers.append((number, "nps", "nps", int(row["score"]), None))
                if row["comment"]:
                    answers.append((number, "comment", "comment", None, row["comment"]))
            last += len(chunk)
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(RESPONSE, responses)
            connection.executemany(ANSWER, answers)
            connection.execute("COMMIT")
    seconds = time.perf_counter() - began
    connection.close()
    return seconds


def measure(folder: Path, *, rows: int = 20_000, rounds: int = 3) -> str:
    """Both in turn; returns the line to print."""
    file = folder / "answers.csv"
    write_file(file, rows)
    ours, theirs = [], []
    for turn in range(rounds):
        place = folder / f"import-{turn}"
        ours.append(product(place, file))
        theirs.append(bare(place / "soundings.db", file))
    ratio = statistics.median(t / o for t, o in zip(theirs, ours, strict=True))
    return (
        f"import        {rows / statistics.median(ours):7.0f} rows/s   "
        f"bare csv + executemany {rows / statistics.median(theirs):7.0f} rows/s   "
        f"ratio {ratio:.2f} (goal 0.2)"
    )
