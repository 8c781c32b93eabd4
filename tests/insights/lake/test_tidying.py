"""Keeping the lake in order: sorted months, no old files, and nothing of what was erased."""

import errno
import os
import shutil
from datetime import UTC, date, datetime, timedelta
from operator import itemgetter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from factories import Cast
from flask import Flask
from insights.lake.lakes import add, data_dir, held, prove, tidy, write

from survey_app.db import db, reading
from survey_app.insights.lake import layout, tables, tidying
from survey_app.insights.lake.models import LakeRemoval
from survey_app.insights.lake.state import Snapshot, snapshot
from survey_app.insights.lake.tables import SHAPES, File, open_table
from survey_app.insights.lake.tidying import FEW, SOME, untidy
from survey_app.responses.models import Response

CANARY = "Zz"  # a country that only one response has


@pytest.fixture
def scattered(app: Flask, cast: Cast) -> Flask:
    """Two months in five files each."""
    with app.app_context():
        for survey in ("acme-nps", "rival-nps", "acme-nps", "rival-nps", "acme-nps"):
            for stage in ("serve", "adopt"):
                add(db.session, 2, survey, stage=stage, day=date(2026, 3, 31 - len(stage)))
                add(db.session, 1, survey, stage=stage, day=date(2026, 4, 1))
            db.session.commit()
            write(app)
    return app


def paths(app: Flask) -> list[Path]:
    return sorted((data_dir(app) / "lake").rglob("month=*/*.parquet"))


def test_a_month_becomes_one_file_in_order(scattered: Flask) -> None:
    before = held(scattered)
    assert len(paths(scattered)) == 20
    assert tidy(scattered) == 2 and tidy(scattered) == 0
    assert len(paths(scattered)) == 24, "old files stay for those who read them"
    assert sorted(map(repr, held(scattered))) == sorted(map(repr, before))
    assert prove(scattered).differences == []
    tidy(scattered, kept=timedelta())
    march, _april, *_ = paths(scattered)
    assert len(paths(scattered)) == 4
    rows = pq.ParquetFile(march).read().to_pylist()
    assert rows == sorted(rows, key=itemgetter(*layout.ORDER)) and len(rows) == 40


def test_row_groups_of_a_large_month_hardly_overlap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that whoever reads one workspace reads a few of them."""
    monkeypatch.setattr(layout, "ROW_GROUP", 2048)
    known = Snapshot("one", 0, 0, since=1, watermark=1)
    tables.create(known, tmp_path)
    table = tables.open_table(known, tmp_path, "mentions")
    for part in range(4):
        numbers = range(part, 40_000, 4)
        columns = {name: [None] * len(numbers) for name in SHAPES["mentions"].names}
        told = {
            "workspace": [number * 7919 % 10_000 for number in numbers],
            "response": list(numbers),
            "month": ["2026-03"] * len(numbers),
        }
        schema = table.delta.schema().to_arrow()
        table.append(pa.table(columns | told, schema=pa.schema(schema)))
    assert table.remove("2026-03", [3]) == 10_000, "the other files are left alone"
    assert sorted(file.rows for file in table.files()) == [9_999, 10_000, 10_000, 10_000]
    table.merge(table.files())
    (file,) = table.files()
    found = pq.ParquetFile(file.path).metadata
    assert found.num_rows == 39_999 and found.num_row_groups == 20
    widths = []
    for number in range(found.num_row_groups):
        column = found.row_group(number).column(0)
        assert column.path_in_schema == "workspace"
        widths.append(column.statistics.max - column.statistics.min)
    # All that a batch at the end, which is short, does not shift.
    assert sum(width <= 520 for width in widths) >= 15, widths


def test_other_work_has_its_turn_between_months(
    scattered: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tidying, "AT_ONCE", 10)
    assert [tidy(scattered) for _ in range(3)] == [1, 1, 0]
    assert prove(scattered).differences == []


def test_a_reader_finds_its_version_for_an_hour(scattered: Flask) -> None:
    with scattered.app_context(), reading():
        known = snapshot(db.session)
    assert known is not None
    tidy(scattered)
    assert sum(file.rows for file in open_table(known, data_dir(scattered), "facts").files()) == 60
    for path in paths(scattered):  # however old they are
        os.utime(path, (0, 0))
    tidy(scattered)
    open_table(known, data_dir(scattered), "facts")
    tidy(scattered, kept=timedelta())
    with pytest.raises(tables.LakeTrouble):
        open_table(known, data_dir(scattered), "facts")


def test_old_files_go_also_where_there_is_no_room_for_new_ones(
    scattered: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    tidy(scattered)
    before = len(paths(scattered))
    with scattered.app_context():
        add(db.session, 1)
        db.session.commit()
    write(scattered)

    def no_room(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tables.Table, "merge", no_room)
    with pytest.raises(OSError, match="No space"):
        tidy(scattered, kept=timedelta())
    assert before == 24 and len(paths(scattered)) == 6
    assert prove(scattered).differences == []


def test_when_a_month_is_worth_rewriting() -> None:
    now = datetime(2026, 3, 10, tzinfo=UTC)

    def month(*sizes: int, minutes_ago: int = 0) -> list[File]:
        written = (now - timedelta(minutes=minutes_ago)).timestamp()
        return [File(Path(), "2026-03", rows, rows, written) for rows in sizes]

    def chosen(files: list[File], *, everything: bool = False) -> list[int]:
        found = untidy(files, now, everything=everything)
        return [file.rows for file in found.get("2026-03", [])]

    base, run, few = 100 * FEW, 3 * FEW, [100] * SOME
    assert chosen(month(*few)) == few
    assert chosen(month(*few[1:])) == [], "not yet"
    assert chosen(month(*few[:2], minutes_ago=60)) == few[:2], "nothing else comes"
    assert chosen(month(base, run, *few)) == few, "what is in order stays"
    assert chosen(month(base, run, 100, minutes_ago=60)) == []
    assert chosen(month(base, *[run] * 4, *few)) == [base, *[run] * 4, *few], "a tenth is new"
    assert chosen(month(base, 100), everything=True) == [base, 100]
    assert chosen(month(base), everything=True) == []


def test_what_was_erased_is_in_no_file_afterwards(scattered: Flask) -> None:
    """Neither its country nor its person's number nor its id, in no byte of the folder."""
    with scattered.app_context():
        (response_id,) = add(db.session, 1, country=CANARY, id=987_654_321_012)
        add(db.session, 1)
        db.session.commit()
    write(scattered)
    (person,) = {row["person"] for row in held(scattered) if row["country"] == CANARY}
    canaries = (
        CANARY.encode(),
        *(number.to_bytes(8, "little", signed=True) for number in (person, response_id)),
        *(str(number).encode() for number in (person, response_id)),
    )

    def seen() -> set[bytes]:
        every = [
            path.read_bytes() for path in data_dir(scattered).rglob("lake/**/*") if path.is_file()
        ]
        return {canary for canary in canaries for data in every if canary in data}

    assert len(seen()) >= 3, "they would be found"
    with scattered.app_context():
        db.session.execute(sa.delete(Response).where(Response.id == response_id))
        past = datetime.now(UTC) - timedelta(minutes=3)
        db.session.execute(sa.update(LakeRemoval).values(noted_at=past))
        db.session.commit()
    tidy(scattered)
    assert len(due(scattered)) == 1, "it is masked, and still there"
    write(scattered)
    tidy(scattered)
    assert len(due(scattered)) == 1, "an old file has it"
    tidy(scattered, kept=timedelta())
    assert due(scattered) == [] and seen() == set()
    assert prove(scattered).differences == []


def test_an_erasure_ends_though_other_months_are_rewritten_all_the_time(
    scattered: Flask,
) -> None:
    """Files just left behind are old, but were still in use after the erasure."""
    now = datetime.now(UTC)
    tidy(scattered, kept=timedelta())
    for path in paths(scattered):
        os.utime(path, (0, 0))
    orphan = paths(scattered)[0].with_name("orphan.parquet")
    shutil.copy(paths(scattered)[0], orphan)
    os.utime(orphan, (0, 0))
    with scattered.app_context():
        for hours in (3, 1):
            erased = {"workspace_id": 1, "response_id": hours, "month": "2026-04", "batch": 1}
            moment = now - timedelta(hours=hours)
            noted = {"noted_at": moment, "deadline": now, "removed_at": moment}
            db.session.add(LakeRemoval(**erased, **noted))
        db.session.execute(sa.update(Response).values(gender="woman"))
        db.session.commit()
    write(scattered, later=timedelta(minutes=3))
    tidy(scattered)
    with scattered.app_context():
        assert db.session.scalars(sa.select(LakeRemoval.response_id)).all() == [1]
    assert not orphan.exists() and len(paths(scattered)) > 4, "old files of readers are there"


def due(app: Flask) -> list[datetime]:
    """The deadlines of the erasures that are not done."""
    with app.app_context():
        return [one for one in db.session.scalars(sa.select(LakeRemoval.deadline)) if one]


def test_the_log_is_cut_short_and_stays_readable(
    scattered: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "LONG_LOG", 3)
    flushed: list[Path] = []
    real = tables._flush

    def flush(*files: Path) -> None:
        real(*files)
        flushed.extend(files)

    monkeypatch.setattr(tables, "_flush", flush)
    tidy(scattered)
    write(scattered)
    found = set((data_dir(scattered) / "lake").rglob("*.checkpoint.parquet"))
    assert found and found <= set(flushed), "before the entries that it replaces are deleted"
    assert prove(scattered).facts == 60 and prove(scattered).differences == []


def test_it_is_due_after_news_and_every_hour(scattered: Flask) -> None:
    with scattered.app_context():
        now = datetime.now(UTC)
        assert not tidying.is_due(db.session, now)
        assert tidying.is_due(db.session, now + timedelta(minutes=2))
    assert tidy(scattered) == 2
    with scattered.app_context():
        assert tidying.is_due(db.session, now + timedelta(minutes=2)), "more months may need it"
    assert tidy(scattered) == 0
    with scattered.app_context():
        assert not tidying.is_due(db.session, now + timedelta(minutes=2))
        assert tidying.is_due(db.session, now + timedelta(minutes=70))
