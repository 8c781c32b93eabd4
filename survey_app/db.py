"""The OLTP database, the only source of truth: SQLite by default, PostgreSQL in production.

Two engines on one database. Requests that only read (GET, HEAD) get the `reader`, which can't
write: a page never blocks an answer, and a stray write in a page fails at once. Everything else
gets the writer, whose transactions on SQLite begin IMMEDIATE, so that two writers queue up instead
of failing with "database is locked".
"""

import logging
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask, current_app, g, has_app_context
from flask_alembic import Alembic
from flask_sqlalchemy_lite import SQLAlchemy
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, Mapper, Session, mapped_column

BUSY_SECONDS = 30
UPGRADE_LOCK = 0x50DD1765  # a number of ours among the database's advisory locks
# Away, full or busy: nobody's mistake, and it may pass.
DATABASE_AWAY = (OperationalError, InterfaceError, PoolTimeout)
PACKAGE = Path(__file__).parent
# In the wheel the migrations travel inside the package, in a checkout they lie beside it.
MIGRATIONS = next(
    (path for path in (PACKAGE / "migrations", PACKAGE.parent / "migrations") if path.is_dir()),
    PACKAGE / "migrations",
)

# SQLite numbers rows by itself only in a column of type INTEGER.
RowId = sa.BigInteger().with_variant(sa.Integer, "sqlite")


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """A moment in UTC: aware in Python, whatever the database keeps."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Refuse a naive moment; everything else becomes UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise TypeError("a moment without time zone can't be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Give the moment back as aware UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Base of every model; constraint names are stable, so that migrations can name them."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime, str: sa.Text}  # noqa: RUF012 - SQLAlchemy's attribute


def row_id() -> Any:
    """A surrogate key that the database numbers."""
    return mapped_column(RowId, primary_key=True)


def same_workspace(column: str, table: str, *, cascade: bool = True) -> sa.ForeignKeyConstraint:
    """A foreign key that also holds the two rows to one workspace: no tenant refers to another."""
    return sa.ForeignKeyConstraint(
        ["workspace_id", column],
        [f"{table}.workspace_id", f"{table}.id"],
        ondelete="CASCADE" if cascade else None,
    )


class RoutedSession(Session):
    """Takes the reader's engine while a request only reads, else the writer's."""

    def get_bind(  # type: ignore[override]  # SQLAlchemy's own signature is wider
        self, mapper: Mapper[Any] | None = None, **options: Any
    ) -> sa.Engine | sa.Connection:
        """Choose by what `http` noted about the request."""
        if has_app_context() and g.get("read_only", False):
            return db.get_engine("reader")
        return super().get_bind(mapper, **options)


db = SQLAlchemy(session_options={"class_": RoutedSession})
alembic = Alembic(run_mkdir=False, command_name="", metadatas=Base.metadata)
logging.getLogger("alembic").setLevel(logging.WARNING)  # a command says what it did itself
logging.getLogger("psycopg").setLevel(logging.ERROR)  # it warns of a lost connection and raises it


def engine_options(url: URL, *, threads: int) -> dict[str, dict[str, Any]]:
    """The two engines' options for Flask-SQLAlchemy-Lite; a connection for every thread.

    Errors don't quote values: what customers wrote must not reach a log.
    """
    common = {"pool_size": threads, "pool_timeout": BUSY_SECONDS, "hide_parameters": True}
    if url.get_backend_name() == "sqlite":
        # isolation_level None: the driver begins nothing by itself, the events below do.
        connect = {"timeout": BUSY_SECONDS, "isolation_level": None, "check_same_thread": False}
        options: dict[str, Any] = common | {"url": url, "connect_args": connect}
        # One writer's connection: writers stand in line here instead of polling for the lock.
        return {"default": options | {"pool_size": 1, "max_overflow": 0}, "reader": options}
    options = common | {"url": url, "pool_pre_ping": True}
    # One moment for a whole page, as it is on SQLite.
    moment = {"postgresql_readonly": True, "isolation_level": "REPEATABLE READ"}
    reader = options | {"execution_options": moment}
    return {"default": options, "reader": reader}


@contextmanager
def reading() -> Iterator[None]:
    """Take the reader's engine for a while; what was not committed is forgotten."""
    before = g.get("read_only", False)
    db.session.rollback()
    g.read_only = True
    try:
        yield
    finally:
        db.session.rollback()
        g.read_only = before


def insert_or_skip(
    session: Session, model: type[Base], *, index_elements: Sequence[Any]
) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that passes over rows whose key is there.

    The database decides, so that two at once are one.
    """
    insert = insert_of(session.get_bind().dialect.name)(model)
    return insert.on_conflict_do_nothing(index_elements=index_elements)


def insert_of(dialect: str) -> Callable[..., sqlite.Insert | postgresql.Insert]:
    """The INSERT of a dialect, which knows ON CONFLICT."""
    return postgresql.insert if dialect == "postgresql" else sqlite.insert


def init_app(app: Flask, url: URL, *, threads: int) -> None:
    """Bind engines and migrations to an application; opens no connection."""
    app.config["SQLALCHEMY_ENGINES"] = engine_options(url, threads=threads)
    app.config["ALEMBIC"] = {
        "script_location": str(MIGRATIONS),
        "file_template": "%%(year)d%%(month).2d%%(day).2d%%(hour).2d%%(minute).2d_%%(slug)s",
    }
    app.config["ALEMBIC_CONTEXT"] = {"render_item": _render_plainly, "transactional_ddl": True}
    db.init_app(app)
    # Its other hook closes async sessions, of which there are none here: it would start a thread
    # with an event loop at the end of every request.
    app.teardown_appcontext_funcs = [
        hook for hook in app.teardown_appcontext_funcs if not iscoroutinefunction(hook)
    ]
    alembic.init_app(app)
    if url.get_backend_name() == "sqlite":
        with app.app_context():
            _prepare_sqlite(db.get_engine("default"), writes=True)
            _prepare_sqlite(db.get_engine("reader"), writes=False)


def upgrade_schema() -> str:
    """Bring the schema up to date, whole or not at all; returns its revision.

    Of two processes, such as containers of a new release, one waits for the other.
    """
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # Flask's documented way to the real object
    with app.app_context():  # Alembic keeps its connection open until a context ends
        connection = alembic.migration_context.connection
        if connection is not None and connection.dialect.name == "postgresql":
            # Until the end of its transaction; on SQLite that transaction is IMMEDIATE.
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(UPGRADE_LOCK)))
        alembic.upgrade()
        return str(alembic.script_directory.get_current_head())


def _render_plainly(kind: str, item: object, _context: object) -> str | bool:
    """A migration stands for ever, so it names no type of ours that may change."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def _prepare_sqlite(engine: sa.Engine, *, writes: bool) -> None:
    def connect(connection: sqlite3.Connection, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA foreign_keys = ON")
        if writes:
            # FULL: an acknowledged answer has reached the disk, also when the power fails.
            cursor.execute("PRAGMA journal_mode = WAL")
            cursor.execute("PRAGMA synchronous = FULL")
            # What was erased or redacted is overwritten in the file, not only forgotten.
            cursor.execute("PRAGMA secure_delete = ON")
        else:
            cursor.execute("PRAGMA query_only = ON")
        cursor.close()

    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    event.listen(engine, "connect", connect)
    event.listen(engine, "begin", begin)
