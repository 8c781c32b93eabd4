"""Imports that are cut off, and files that would cost too much: every row once, and said."""

import os
import resource
import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from factories import NOW
from faults.processes import command, environment, run, wait_for
from responses.answer_files import good_rows, take, write
from sqlalchemy.engine import URL

from survey_app.db import db
from survey_app.errors import Malformed
from survey_app.responses import imports
from survey_app.responses.imports import Report, check_file, import_file
from survey_app.responses.models import Answer, ImportRecord
from survey_app.surveys.queries import find_published


def test_a_chunk_lands_whole_or_not_at_all(door: Any, tmp_path: Path, monkeypatch: Any) -> None:
    path = write(tmp_path / "in.csv", good_rows(2500))
    real, chunks = imports._write_all, iter(range(3))

    def failing(session: Any, statement: Any, rows: Any) -> Any:
        if statement is imports._insert_answers and next(chunks) == 1:
            raise MemoryError
        return real(session, statement, rows)

    monkeypatch.setattr(imports, "_write_all", failing)
    with pytest.raises(MemoryError):
        take(door, path)
    assert door.how_many() == door.how_many(Answer) - sum(r["has_comment"] for r in door.rows())
    assert door.how_many() == 1000
    monkeypatch.undo()
    report = take(door, path)
    assert (report.taken, report.resumed_at, report.known) == (2500, 1001, 0)
    assert door.how_many() == 2500


def test_a_stopped_import_goes_on_only_where_columns_mean_the_same(
    door: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    """With another map the rows of before are read again, and what differs is said."""
    rows: list[dict[str, object]] = [
        {"response_id": f"r-{n}", "at": "2026-03-01", "first": 1, "second": 2} for n in range(1500)
    ]
    path = write(tmp_path / "in.csv", rows)

    def run_with(column: str) -> Iterator[Report]:
        asked = find_published(db.session, "acme-nps")
        assert asked is not None
        renames = {"at": "submitted_at", column: "score"}
        return import_file(
            db.session, check_file(path), asked, now=NOW, renames=renames, ignore_unknown=True
        )

    with door.app.app_context():
        next(run_with("first"))
        db.session.commit()
    assert {row["answers"]["nps"] for row in door.rows()} == {1} and door.how_many() == 1000
    with door.app.app_context():
        last = Report()
        for report in run_with("second"):
            db.session.commit()
            last = report
    assert (last.resumed_at, last.taken, len(last.refused)) == (0, 500, 1000)
    assert Counter(row["answers"]["nps"] for row in door.rows()) == {1: 1000, 2: 500}


def test_a_resumed_import_reports_as_one_that_was_not_interrupted(
    door: Any, tmp_path: Path
) -> None:
    rows = good_rows(3500)
    for place in (7, 1200, 3200):
        rows[place]["score"] = 11
        rows[place + 50]["response_id"] = f"r-{place - 3}"  # says something else there
    path = write(tmp_path / "in.csv", rows)
    whole = take(door, path, survey="rival-nps")
    assert (whole.taken, whole.known, whole.resumed_at) == (3494, 0, 0)
    assert [refusal.number for refusal in whole.refused] == [9, 59, 1202, 1252, 3202, 3252]
    with door.app.app_context():
        asked = find_published(db.session, "acme-nps")
        assert asked is not None
        source, options = check_file(path), {"now": NOW, "renames": {}, "ignore_unknown": False}
        steps = import_file(db.session, source, asked, **options)  # type: ignore[arg-type]  # a plain dict of options
        for _ in range(2):
            next(steps)
            db.session.commit()
        steps.close()
    resumed = take(door, path)
    assert (resumed.taken, resumed.known, resumed.resumed_at) == (3494, 0, 2001)
    assert resumed.refused == whole.refused
    with door.app.app_context():
        records = db.session.scalars(sa.select(ImportRecord)).all()
        assert {(record.refused, record.taken) for record in records} == {(6, 3494)}


def test_what_was_refused_and_is_right_by_now_lands_when_the_import_goes_on(
    door: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(imports, "CHUNK", 10)
    later = (NOW + timedelta(days=30)).isoformat()
    rows = [{"response_id": f"r-{n}", "submitted_at": later, "score": 9} for n in range(5)]
    rows += [row | {"response_id": f"s-{n}"} for n, row in enumerate(good_rows(25))]
    path = write(tmp_path / "answers.csv", [{**good_rows(1)[0], **row} for row in rows])
    with door.app.app_context():
        asked = find_published(db.session, "acme-nps")
        assert asked is not None
        source = check_file(path)
        for now, chunks in ((NOW, 1), (NOW + timedelta(days=60), 9)):
            steps = import_file(
                db.session, source, asked, now=now, renames={}, ignore_unknown=False
            )
            for report in islice(steps, chunks):
                db.session.commit()
                told = (report.taken, len(report.refused))
            assert told == ((5, 5) if chunks == 1 else (30, 0))
    assert door.how_many() == 30


def test_an_import_that_is_killed_goes_on(door: Any, tmp_path: Path, database_url: URL) -> None:
    """SIGKILL of the real process in the middle of a large file."""
    rows = good_rows(12_000)
    rows[500]["score"] = 11
    rows[900]["response_id"] = "r-3"
    path = write(tmp_path / "large.csv", rows)
    environ = environment(tmp_path, database_url)
    words = ("import", "responses", path, "--workspace", "acme", "--survey", "acme-nps")
    process = command(environ, *words, stdout=subprocess.DEVNULL)
    wait_for(lambda: door.how_many() >= 2000)
    process.kill()
    process.wait()
    there = door.how_many()
    assert 0 < there < 12_000 and (there + 2) % 1000 == 0
    status, printed = run(environ, *words)
    reason = "Is there already and says something else."
    assert status == 3, printed
    assert printed.splitlines() == [
        "row 502, score: Choose a whole number from 0 to 10.",
        f"row 902, response_id: {reason}",
        f"Went on after row {there + 3}.",
        "11998 taken, 0 there already, 2 refused.",
    ]
    good = [row for place, row in enumerate(rows) if place not in (500, 900)]
    assert {row["key"] for row in door.rows()} == {f"import:{row['response_id']}" for row in good}
    assert door.how_many(Answer) == 11_998 + sum(bool(row["comment"]) for row in good)
    status, printed = run(environ, *words)
    assert status == 3 and "0 taken, 11998 there already, 2 refused." in printed


def test_a_database_that_fails_midway_is_one_sentence_and_the_import_goes_on(
    door: Any, tmp_path: Path, database_url: URL
) -> None:
    """SQLite's disk is full, PostgreSQL's connection cut."""
    path = write(tmp_path / "large.csv", good_rows(12_000))
    environ = environment(tmp_path, database_url)
    words = ("import", "responses", path, "--workspace", "acme", "--survey", "acme-nps")
    process = command(environ, *words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_for(lambda: door.how_many() >= 2000)
    if database_url.get_backend_name() == "sqlite":
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (1, 1))
    else:
        with door.app.app_context():
            while process.poll() is None:  # between two chunks it would just connect anew
                db.session.rollback()  # a transaction sees the connections of its beginning
                db.session.execute(
                    sa.text(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    )
                )
    said, complaint = process.communicate(timeout=60)
    assert (process.returncode, said) == (1, b"")
    assert complaint.startswith(b"soundings: The import stopped, because the database failed: ")
    assert b"Mend it and run the same command again" in complaint
    assert complaint.count(b"\n") == 1
    assert 2000 <= door.how_many() < 12_000
    status, printed = run(environ, *words)
    assert status == 0 and "12000 taken, 0 there already, 0 refused." in printed
    assert door.how_many() == 12_000


# --- files that cost ----------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("length", [9, 10, 11, 19, 20, 21, 22, 23, 100])
def test_of_a_line_without_end_only_the_beginning_is_read(
    length: int, end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "MAX_RECORD", 10)
    path = tmp_path / "in.csv"
    path.write_text(end.join(["before", "x" * length, "after", ""]), encoding="utf-8", newline="")
    lines = [line for line in check_file(path).lines() if line.strip()]
    assert [line.strip() for line in lines] == ["before", "x" * min(length, 11), "after"]


def test_a_line_without_end_costs_no_memory(
    door_on_sqlite: Any, tmp_path: Path, sqlite_url: URL
) -> None:
    """150 MB more of a line take at most some MB more; the rows around it land."""

    def peak(size: int) -> float:
        path = tmp_path / "in.csv"
        good = b"2026-03-01,9,fine\n"
        with path.open("wb") as file:
            file.write(b"submitted_at,score,comment\n" + good + b"2026-03-01,8,")
            for _ in range(size):
                file.write(b"x" * 1_000_000)
            file.write(b"\n" + good)
        words = ("import", "responses", path, "--workspace", "acme", "--survey", "acme-nps")
        process = command(environment(tmp_path, sqlite_url), *words, stdout=subprocess.PIPE)
        with process:
            assert process.stdout is not None
            assert b"2 there already" in process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 3
        return usage.ru_maxrss / 1024

    good = write(
        tmp_path / "good.csv", [{"submitted_at": "2026-03-01", "score": 9, "comment": "fine"}] * 2
    )
    assert take(door_on_sqlite, good).taken == 2
    assert peak(150) - peak(2) < 30


def test_what_can_not_be_read_twice_is_refused_at_once(tmp_path: Path) -> None:
    pipe = tmp_path / "in.csv"
    os.mkfifo(pipe)
    with pytest.raises(Malformed, match="not a regular file"):
        check_file(pipe)


def test_a_file_that_changes_under_way_stops_the_import(
    door_on_sqlite: Any, tmp_path: Path
) -> None:
    path = write(tmp_path / "in.csv", good_rows(3000))
    with door_on_sqlite.app.app_context():
        asked = find_published(db.session, "acme-nps")
        assert asked is not None
        source = check_file(path)
        with path.open("r+b") as file:
            file.seek(100_000)
            file.write(b"\xff")
        steps = import_file(db.session, source, asked, now=NOW, renames={}, ignore_unknown=False)
        with pytest.raises(Malformed):
            for _ in steps:
                db.session.commit()


def test_a_header_without_end_is_refused(door_on_sqlite: Any, tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes(b"x" * 3_000_000)
    with pytest.raises(Malformed, match="no end"):
        take(door_on_sqlite, path)
