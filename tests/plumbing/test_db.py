"""The database: engines that keep apart who reads and who writes, and migrations."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from factories import NOW, settings_for
from faults.processes import command, environment
from flask import Flask, g
from sqlalchemy.engine import URL

from survey_app.accounts.models import Counter, Membership, Workspace
from survey_app.app import create_app
from survey_app.db import (
    MIGRATIONS,
    UPGRADE_LOCK,
    Base,
    alembic,
    db,
    insert_of,
    insert_or_skip,
    reading,
    upgrade_schema,
)
from survey_app.jobs import Job

ROOT = Path(__file__).parents[2]


@pytest.fixture
def inside(app: Flask) -> Iterator[Flask]:
    with app.app_context():
        yield app


def counter(name: str) -> Counter:
    return Counter(name=name, ends_at=NOW, count=1)


def names() -> set[str]:
    return set(db.session.scalars(sa.select(Counter.name)))


# --- who reads and who writes -------------------------------------------------------------------


def test_the_reader_cannot_write(inside: Flask) -> None:
    with db.get_engine("reader").connect() as connection:
        for statement in (
            "INSERT INTO counters (name, ends_at, count) VALUES ('x', '2026-01-01', 1)",
            "DELETE FROM users",
            "CREATE TABLE more (id INTEGER)",
            "DROP TABLE jobs",
        ):
            with pytest.raises(sa.exc.DBAPIError, match=r"read-?only"):
                connection.execute(sa.text(statement))
            connection.rollback()
    assert names() == set()


def test_a_session_reads_while_it_is_told_to(inside: Flask) -> None:
    db.session.add(counter("before"))
    db.session.commit()
    with reading():
        assert db.session.get_bind() is db.get_engine("reader")
        assert names() == {"before"}
        db.session.add(counter("stray"))
        with pytest.raises(sa.exc.DBAPIError, match=r"read-?only"):
            db.session.flush()
    assert db.session.get_bind() is db.get_engine("default")
    db.session.add(counter("after"))
    db.session.commit()
    assert names() == {"before", "after"}


def test_who_only_reads_still_only_reads_afterwards(inside: Flask) -> None:
    g.read_only = True
    with reading():
        pass
    assert db.session.get_bind() is db.get_engine("reader")


def test_what_was_not_committed_is_dropped_when_reading_starts(inside: Flask) -> None:
    db.session.add(counter("forgotten"))
    db.session.flush()
    with reading():
        assert names() == set()


def test_a_reader_does_not_hold_up_a_writer_and_sees_one_moment(inside: Flask) -> None:
    with db.get_engine("reader").connect() as reader:
        first = reader.scalar(sa.select(sa.func.count()).select_from(Counter))
        with db.get_engine("default").begin() as writer:
            writer.execute(sa.insert(Counter), {"name": "x", "ends_at": NOW, "count": 1})
        if reader.dialect.name == "sqlite":
            assert reader.scalar(sa.select(sa.func.count()).select_from(Counter)) == first == 0
    with db.get_engine("reader").connect() as reader:
        assert reader.scalar(sa.select(sa.func.count()).select_from(Counter)) == 1


def test_sqlite_keeps_what_it_acknowledged(sqlite_url: URL, tmp_path: Path) -> None:
    app = create_app(settings_for(tmp_path, sqlite_url))
    with app.app_context():
        with db.get_engine("default").connect() as connection:
            pragmas = {
                name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "synchronous", "foreign_keys", "query_only")
            }
        assert pragmas == {
            "journal_mode": "wal",
            "synchronous": 2,
            "foreign_keys": 1,
            "query_only": 0,
        }
        with db.get_engine("reader").connect() as connection:
            assert connection.exec_driver_sql("PRAGMA query_only").scalar() == 1
        for engine in db.engines.values():
            engine.dispose()


@pytest.mark.parametrize("threads", [8])
def test_writers_queue_up_instead_of_failing(app: Flask, threads: int) -> None:
    """Each reads before it writes: where a transaction begins deferred, that is what locks."""
    turns, start = 25, threading.Barrier(threads)

    def write(thread: int) -> None:
        start.wait()
        for _ in range(turns):
            with app.app_context():
                row = db.session.get(Counter, (NOW, "shared"), with_for_update=True)
                assert row is not None
                row.count += 1
                db.session.add(Job(kind=f"k{thread}", subject=row.count, due_at=NOW, attempts=0))
                db.session.commit()

    with app.app_context():
        db.session.add(Counter(name="shared", ends_at=NOW, count=0))
        db.session.commit()
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(write, thread) for thread in range(threads)]:
            done.result()
    with app.app_context():
        assert db.session.scalar(sa.select(Counter.count)) == threads * turns
        subjects = db.session.scalars(sa.select(Job.subject)).all()
        assert sorted(subjects) == list(range(1, threads * turns + 1))


def test_a_context_ends_without_a_thread_of_its_own(app: Flask) -> None:
    """The extension's hook for async sessions would start one at the end of every request."""
    started: list[str] = []
    begin = threading.Thread.start
    threading.Thread.start = lambda self: (started.append(self.name), begin(self))[1]  # type: ignore[assignment,method-assign]  # noticed, then done
    try:
        assert app.test_client().get("/healthz").status_code == 200
    finally:
        threading.Thread.start = begin  # type: ignore[method-assign]  # as it was
    assert started == []


# --- rows ---------------------------------------------------------------------------------------


def test_a_moment_comes_back_in_utc_and_a_naive_one_is_refused(inside: Flask) -> None:
    helsinki = timezone(timedelta(hours=2))
    db.session.add(Counter(name="x", ends_at=datetime(2026, 1, 1, 1, 30, tzinfo=helsinki), count=1))
    db.session.commit()
    db.session.expire_all()
    found = db.session.scalars(sa.select(Counter)).one().ends_at
    assert found == datetime(2025, 12, 31, 23, 30, tzinfo=UTC)
    assert found.tzinfo is UTC
    db.session.add(Counter(name="y", ends_at=datetime(2026, 1, 1), count=1))  # noqa: DTZ001
    with pytest.raises(sa.exc.StatementError, match="without time zone"):
        db.session.flush()
    db.session.rollback()


def test_foreign_keys_are_enforced(inside: Flask) -> None:
    db.session.add(Membership(workspace_id=999, user_id=999, role="owner"))
    with pytest.raises(sa.exc.IntegrityError):
        db.session.flush()
    db.session.rollback()


def test_the_database_decides_which_of_two_was_first(inside: Flask) -> None:
    insert = insert_or_skip(db.session, Counter, index_elements=[Counter.name, Counter.ends_at])
    values = {"name": "x", "ends_at": NOW, "count": 1}
    insert = insert.values(**values).returning(Counter.name)
    assert [db.session.scalars(insert).all() for _ in range(2)] == [["x"], []]
    change = (
        insert_of(db.engine.dialect.name)(Counter)
        .values(**values)
        .on_conflict_do_update(
            index_elements=[Counter.name, Counter.ends_at], set_={"count": Counter.count + 41}
        )
    )
    db.session.execute(change)
    assert db.session.scalar(sa.select(Counter.count)) == 42


# --- migrations ---------------------------------------------------------------------------------


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty_app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """The application on a database without any table."""
    if request.param == "sqlite":
        url: URL | str = f"sqlite:///{tmp_path}/empty.db"
    else:
        url = request.getfixturevalue("postgres_url")
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            connection.execute(sa.text("DROP SCHEMA public CASCADE"))
            connection.execute(sa.text("CREATE SCHEMA public"))
        engine.dispose()
    app = create_app(settings_for(tmp_path, url))
    with app.app_context():
        yield app
        for engine in db.engines.values():
            engine.dispose()


def tables() -> set[str]:
    found = set(sa.inspect(db.engine).get_table_names())
    return found - {"alembic_version"}


def differences() -> list[object]:
    """What a migration would still have to do."""
    with db.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        return list(compare_metadata(context, Base.metadata))


def test_migrations_from_nothing_equal_the_models(empty_app: Flask) -> None:
    assert tables() == set()
    upgrade_schema()
    assert tables() == set(Base.metadata.tables)
    assert differences() == []


def test_constraints_are_named_as_the_models_name_them(empty_app: Flask) -> None:
    upgrade_schema()
    inspector = sa.inspect(db.engine)
    for table in Base.metadata.tables.values():
        wanted = {
            str(item.name) for item in table.constraints if isinstance(item, sa.CheckConstraint)
        }
        found = {str(item["name"]) for item in inspector.get_check_constraints(table.name)}
        assert found == wanted, table.name
        assert inspector.get_pk_constraint(table.name)["name"] == f"pk_{table.name}"


def test_the_last_step_goes_down_and_up_again(empty_app: Flask) -> None:
    head = upgrade_schema()
    db.session.add(counter("kept or gone, but no error"))
    db.session.commit()
    with empty_app.app_context():
        alembic.downgrade(-1)
    with db.engine.connect() as connection:
        assert MigrationContext.configure(connection).get_current_revision() != head
    assert upgrade_schema() == head
    assert tables() == set(Base.metadata.tables)
    assert differences() == []


def test_there_is_one_line_of_migrations() -> None:
    directory = ScriptDirectory(str(MIGRATIONS), version_locations=[str(MIGRATIONS)])
    assert len(directory.get_heads()) == 1
    for script in directory.walk_revisions():
        name = Path(script.path).name
        assert name[:12].isdigit() and name[12] == "_", name
        text = Path(script.path).read_text(encoding="utf-8")
        assert "survey_app" not in text, f"{name} must not change when the code does"


DIES = """
import os, signal, sys
import sqlalchemy as sa
from sqlalchemy import event
from survey_app.app import create_app
from survey_app.db import db, upgrade_schema

left = int(sys.argv[1])

def die(_connection, _cursor, statement, *_):
    global left
    if statement.lstrip().upper().startswith(("CREATE", "INSERT")):
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

app = create_app()
with app.app_context():
    event.listen(sa.Engine, "before_cursor_execute", die)
    upgrade_schema()
"""


@pytest.mark.parametrize("statements", [1, 8, 20])
def test_a_migration_killed_midway_leaves_nothing_half(
    empty_app: Flask, tmp_path: Path, statements: int
) -> None:
    for engine in db.engines.values():
        engine.dispose()
    url = empty_app.config["SETTINGS"].database.render_as_string(hide_password=False)
    environment = os.environ | {
        "SOUNDINGS_DATA_DIR": str(tmp_path),
        "SOUNDINGS_DATABASE_URL": url,
        "PYTHONPATH": str(ROOT),
    }
    result = subprocess.run(
        [sys.executable, "-c", DIES, str(statements)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == -signal.SIGKILL, result.stderr
    assert tables() == set()
    upgrade_schema()
    assert differences() == []


def test_of_several_upgrades_at_once_each_waits_for_the_one_before(
    empty_app: Flask, tmp_path: Path
) -> None:
    """Containers of a new release start together: processes, as Alembic needs them to be."""
    environ = environment(tmp_path, empty_app.config["SETTINGS"].database)
    with db.engine.begin() as first:
        if first.dialect.name == "postgresql":
            first.execute(sa.select(sa.func.pg_advisory_xact_lock(UPGRADE_LOCK)))
        upgrades = [command(environ, "db", "upgrade", stdout=subprocess.PIPE) for _ in range(3)]
        time.sleep(5)
        assert [upgrade.poll() for upgrade in upgrades] == [None] * 3, "they wait"
    printed = {upgrade.communicate(timeout=60)[0] for upgrade in upgrades}
    assert [upgrade.returncode for upgrade in upgrades] == [0, 0, 0]
    assert len(printed) == 1 and b"The schema is at" in printed.pop()
    assert differences() == []


def test_building_the_application_opens_no_database(tmp_path: Path) -> None:
    app = create_app(settings_for(tmp_path / "nowhere"))
    assert not (tmp_path / "nowhere").exists()
    with app.app_context():
        assert not g.get("read_only", False)
        assert db.session.get_bind() is db.get_engine("default")


def test_the_workspace_goes_with_all_that_is_its(inside: Flask, cast: object) -> None:
    acme = db.session.scalars(sa.select(Workspace).where(Workspace.key == "acme")).one()
    tenant_tables = [table for table in Base.metadata.sorted_tables if "workspace_id" in table.c]
    assert len(tenant_tables) >= 8
    db.session.execute(sa.delete(Workspace).where(Workspace.id == acme.id))
    for table in tenant_tables:
        left = db.session.scalar(
            sa.select(sa.func.count()).select_from(table).where(table.c.workspace_id == acme.id)
        )
        assert left == 0, table.name
    assert db.session.scalar(sa.select(Workspace.key)) == "rival"
