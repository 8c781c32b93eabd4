"""Engines: a workspace's rows of the lake, as a frame that `analytics` counts on.

An engine opens exactly the given Parquet files, leaves out the responses that are masked, adds the
tail (rows that come from the OLTP database), and hands over a frame of its own. It never lists a
folder, so that it reads one version of the lake whatever a writer does meanwhile. DuckDB is always
there; the others are chosen by a setting, and imported only then.
"""

import os
import shutil
import socket
import tempfile
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit
from uuid import uuid4

import duckdb
import pandas as pd
import pyarrow as pa
from narwhals.exceptions import NarwhalsError

from survey_app.config import Settings
from survey_app.errors import N_, SettingError

if TYPE_CHECKING:
    import polars as pl
    from pyspark.sql import DataFrame, SparkSession

EXTRAS = {"polars": "polars", "spark": "pyspark"}  # engine -> the module that its extra brings
MOST_THREADS = 4  # requests share them
SPARK_SECONDS = 60.0  # for the answer to a page
SPARK = {
    "spark.ui.enabled": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",  # a month is no date
    "spark.sql.shuffle.partitions": "16",
}
# Whole numbers stay whole where some are null, and days are no objects.
PANDAS = {"types_mapper": {pa.int64(): pd.Int64Dtype()}.get, "date_as_object": False}


class EngineAway(Exception):
    """The engine that the settings ask for can't be reached; says where it was looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What of the lake counts: the rows of one workspace in `files`, but for masked responses."""

    files: Sequence[str] = ()
    workspace: int
    masked: Sequence[int] = ()


class Engine(Protocol):
    """A way to open frames."""

    @property
    def name(self) -> str:
        """As the setting has it."""

    @property
    def failures(self) -> tuple[type[Exception], ...]:
        """What it raises where it can't read a file, on opening or on computing."""

    def opened(self, stored: Stored, tail: pa.Table) -> AbstractContextManager[Any]:
        """A frame of the tail's columns, good until the context ends. Raises EngineAway."""


def check_engine(settings: Settings) -> None:
    """Raise SettingError where the engine of the settings is not installed."""
    name = settings.analytics_engine
    if name in EXTRAS and find_spec(EXTRAS[name]) is None:
        raise SettingError(
            "setting.engine",
            N_("SOUNDINGS_ANALYTICS_ENGINE is %(name)s, which is not installed."),
            hint=N_("Install soundings[%(name)s], or leave the setting out."),
            name=name,
        )


def engine_of(settings: Settings) -> Engine:
    """The engine that the settings name."""
    makers: dict[str, Callable[[], Engine]] = {
        "duckdb": lambda: duckdb_of(settings),
        "pandas": Pandas,
        "polars": Polars,
        "spark": lambda: Spark(settings.spark_master),
    }
    return makers[settings.analytics_engine]()


def duckdb_of(settings: Settings) -> "DuckDb":
    """DuckDB over the lake's folder; one per process."""
    # The log names files by their real path.
    return _duckdb((settings.data_dir / "lake").resolve(), settings.analytics_memory)


@lru_cache(maxsize=2)
def _duckdb(folder: Path, memory: int) -> "DuckDb":
    return DuckDb(folder, memory=memory)


class DuckDb:
    """One database in memory; each frame has a cursor of its own, so that threads don't meet.

    It reads the lake's folder and nothing else: no other file, no network, no extension. What
    does not fit into `memory` (megabytes) goes to a temporary folder for this user only.
    """

    name = "duckdb"
    failures = (duckdb.Error,)

    def __init__(self, folder: Path, *, memory: int) -> None:
        overflow = tempfile.mkdtemp(prefix="soundings-")
        weakref.finalize(self, shutil.rmtree, overflow, ignore_errors=True)
        self._base = duckdb.connect(
            ":memory:",
            config={
                "memory_limit": f"{memory}MB",
                "threads": min(os.cpu_count() or 1, MOST_THREADS),
                "temp_directory": overflow,
                "preserve_insertion_order": "false",
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
            },
        )
        self._base.execute("SET GLOBAL parquet_metadata_cache = true")  # else no cursor has it
        self._base.execute(f"SET allowed_directories = [{_text(f'{folder}/')}]")
        self._base.execute("SET enable_external_access = false")
        self._base.execute("SET lock_configuration = true")

    @contextmanager
    def opened(self, stored: Stored, tail: pa.Table) -> Iterator[duckdb.DuckDBPyRelation]:
        """A relation; made by one statement, since DuckDB binds the files anew at every step."""
        names = ", ".join(f'"{name}"' for name in tail.column_names)
        parts = []
        with self._base.cursor() as cursor:
            if tail.num_rows or not stored.files:
                cursor.register("tail", tail)
                parts.append(f"SELECT {names} FROM tail")  # noqa: S608 - names of ours
            if stored.files:
                files = ", ".join(map(_text, stored.files))
                part = (
                    f"SELECT {names} FROM read_parquet([{files}],"  # noqa: S608 - as above
                    " hive_partitioning = true, hive_types = {'month': VARCHAR})"
                    f" WHERE workspace = {stored.workspace:d}"
                )
                if stored.masked:
                    masked = pa.table({"response": pa.array(stored.masked, pa.int64())})
                    cursor.register("masked", masked)
                    part += " AND response NOT IN (FROM masked)"
                parts.append(part)
            yield cursor.sql(" UNION ALL ".join(parts))


class Pandas:
    """Rows in this process's memory, read by pyarrow."""

    name = "pandas"
    failures = (pa.ArrowException, OSError)

    @contextmanager
    def opened(self, stored: Stored, tail: pa.Table) -> Iterator[pd.DataFrame]:
        """A data frame."""
        from pyarrow import compute, dataset  # noqa: PLC0415 - 11 MB, for who chooses this engine

        rows = tail
        if stored.files:
            masked = pa.array(stored.masked, pa.int64())
            kept = (compute.field("workspace") == stored.workspace) & ~compute.field(
                "response"
            ).isin(masked)
            months = dataset.partitioning(pa.schema([("month", pa.string())]), flavor="hive")
            files = dataset.dataset(list(stored.files), format="parquet", partitioning=months)
            table = files.to_table(columns=tail.column_names, filter=kept)
            rows = pa.concat_tables([table.cast(tail.schema), tail])
        yield rows.to_pandas(**PANDAS)


class Polars:
    """Polars, lazily."""

    name = "polars"

    @property
    def failures(self) -> tuple[type[Exception], ...]:
        """Its own errors, as Narwhals names them too, and the system's."""
        from polars.exceptions import PolarsError  # noqa: PLC0415 - an extra

        return (PolarsError, NarwhalsError, OSError)

    @contextmanager
    def opened(self, stored: Stored, tail: pa.Table) -> Iterator["pl.LazyFrame"]:
        """A lazy frame."""
        import polars as pl  # noqa: PLC0415 - an extra

        frame = pl.DataFrame(tail).lazy()
        if stored.files:
            files = pl.scan_parquet(
                list(stored.files), hive_partitioning=True, hive_schema={"month": pl.String}
            )
            kept = files.filter(
                pl.col("workspace") == stored.workspace,
                ~pl.col("response").is_in(list(stored.masked)),
            )
            frame = pl.concat([kept.select(tail.column_names), frame])
        yield frame


class Spark:
    """A session on Spark's master, in this process or of a cluster that sees the same files.

    Its failures say nothing of the lake, since a cluster has more ways to fail: they are all
    EngineAway.
    """

    name = "spark"
    failures: tuple[type[Exception], ...] = ()

    def __init__(self, master: str) -> None:
        self._master = master

    @contextmanager
    def opened(self, stored: Stored, tail: pa.Table) -> Iterator["DataFrame"]:
        """A Spark frame."""
        from py4j.protocol import Py4JError  # noqa: PLC0415 - an extra
        from pyspark.errors import PySparkException  # noqa: PLC0415 - an extra

        try:
            session = self._session()
            with _no_longer_than(SPARK_SECONDS, session):
                yield self._frame(session, stored, tail)
        except (PySparkException, Py4JError, NarwhalsError, OSError) as error:
            told = f"Spark at {self._master} can't be used: {type(error).__name__}"
            raise EngineAway(told) from error

    def _session(self) -> "SparkSession":
        from pyspark.sql import SparkSession  # noqa: PLC0415 - an extra

        if self._master.startswith("spark://"):  # else Spark would look for it a minute
            place = urlsplit(self._master)
            socket.create_connection((place.hostname, place.port), timeout=3).close()
        builder = SparkSession.builder.master(self._master).appName("soundings")
        for name, value in SPARK.items():
            builder = builder.config(name, value)
        session = builder.getOrCreate()
        if session.sparkContext._jsc.sc().isStopped():
            session.stop()
            session = builder.getOrCreate()
        return session

    def _frame(self, session: "SparkSession", stored: Stored, tail: pa.Table) -> "DataFrame":
        names, frame = tail.column_names, session.createDataFrame(tail)
        if not stored.files:
            return frame
        folder = Path(stored.files[0]).parents[1]  # of the table; the month's is between
        masked = pa.table({"response": pa.array(stored.masked, pa.int64())})
        files = session.read.option("basePath", str(folder)).parquet(*stored.files)
        own = files.filter(files["workspace"] == stored.workspace)
        kept = own.join(session.createDataFrame(masked), "response", "left_anti")
        return kept.select(*names).union(frame.select(*names))


@contextmanager
def _no_longer_than(seconds: float, session: "SparkSession") -> Iterator[None]:
    """Cancel what this thread has begun on a cluster that has no room for it, or no workers."""
    group, context = uuid4().hex, session.sparkContext
    context.setJobGroup(group, "counting", interruptOnCancel=True)
    timer = Timer(seconds, context.cancelJobGroup, [group])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _text(value: str) -> str:
    """A text as SQL writes it."""
    return "'" + value.replace("'", "''") + "'"
