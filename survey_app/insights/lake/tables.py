"""The lake's files: the only module that touches them, so that what is durable is known here.

A table is opened at the version that counts (`state`). Whatever was written after it belongs to a
process that died before the database heard of it, and is cut off. Writing a Delta table flushes
nothing to the disk by itself: `make_durable` does, before the database is told.
"""

import errno
import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pyarrow as pa

from analytics.facts import FACTS, MENTIONS
from survey_app.errors import N_, SoundingsError
from survey_app.insights.lake import layout
from survey_app.insights.lake.state import FOLDER, TABLES, Snapshot

if TYPE_CHECKING:
    import duckdb
    from deltalake import DeltaTable

SHAPES = {"facts": FACTS, "mentions": MENTIONS}
TYPES = {"int64": pa.int64(), "str": pa.string(), "date": pa.date32(), "bool": pa.bool_()}
# A month's rows in order are one file, so that all others are what came since.
ANY_SIZE = 2**40
LONG_LOG = 100  # entries
LOG, SPILL = "_delta_log", "spill"
SORT_MEMORY = "256MB"  # for the rewriting of a month; more than that goes by way of the disk
CONFIGURATION = {
    # The log holds no values of other columns: what was erased is in the data files alone.
    "delta.dataSkippingStatsColumns": "workspace,day",
    "delta.logRetentionDuration": "interval 1 hours",
    "delta.deletedFileRetentionDuration": "interval 1 hours",
}


class LakeTrouble(SoundingsError):
    """The lake can't be used; `reason` is "missing", "corrupt" or "newer"."""

    def __init__(self, reason: str) -> None:
        message = {
            "missing": N_("The lake is missing from the data folder."),
            "corrupt": N_("The lake is damaged."),
            "newer": N_("The lake was written by another version of Soundings."),
        }[reason]
        hint = N_("Make it again from the database: soundings lake rebuild")
        super().__init__(f"lake.{reason}", message, hint=hint)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class File:
    """A file of a table: where it lies, its month and size, and when it was written."""

    path: Path
    month: str
    rows: int
    bytes: int
    written: float  # seconds since 1970
    name: str = ""  # as the log has it


@contextmanager
def only_writer(data_dir: Path, *, wait: bool = False) -> Iterator[bool]:
    """Hold the lake against other processes of this machine; False where one holds it already.

    What is written meanwhile, by whatever library, is for this user only.
    """
    before = os.umask(0o077)
    try:
        folder = data_dir.absolute() / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
    finally:
        os.umask(before)


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the lake, opened; writing moves it on."""

    path: Path
    delta: "DeltaTable"

    def files(self) -> list[File]:
        """The files that it is made of."""
        added = pa.table(self.delta.get_add_actions(flatten=True)).to_pylist()
        return [
            File(
                self.path / unquote(one["path"]),
                one["partition.month"],
                one["num_records"],
                one["size_bytes"],
                one["modification_time"] / 1000,
                one["path"],
            )
            for one in added
        ]

    def append(self, rows: pa.Table) -> None:
        """Add rows to their months."""
        if rows.num_rows:
            order = layout.order_of(rows.column_names)
            self._write(rows.sort_by([(name, "ascending") for name in order]))

    def remove(self, month: str, response_ids: Sequence[int]) -> int:
        """Take responses out of the files of a month that have them; returns the rows rewritten."""
        files = {str(file.path): file for file in self.files() if file.month == month}
        if not files:
            return 0
        with _sorter(self.path, files, response_ids) as connection:
            found = connection.execute(
                "SELECT DISTINCT filename FROM read_parquet($paths, filename = true) "
                "SEMI JOIN gone USING (response)",
                {"paths": list(files)},
            ).fetchall()
        chosen = [files[path] for (path,) in found]
        self.merge(chosen, without=response_ids)
        return sum(file.rows for file in chosen)

    def merge(self, files: Sequence[File], *, without: Sequence[int] = ()) -> None:
        """Put the rows of files of one month in order, in one file, but for those of responses.

        Raises LakeTrouble where the files hold something else.
        """
        from deltalake.transaction import RemoveAction  # noqa: PLC0415 - as in `_write`

        if not files:
            return
        paths, month = [str(file.path) for file in files], files[0].month
        names = [field.name for field in self.delta.schema().fields if field.name != "month"]
        row_group = layout.row_group_of(sum(file.rows for file in files))
        with _sorter(self.path, paths, without) as connection:
            found = connection.sql(
                f"SELECT {', '.join(names)}, $month AS month FROM read_parquet($paths) "  # noqa: S608 - our own names
                f"ANTI JOIN gone USING (response) ORDER BY {', '.join(layout.order_of(names))}",
                params={"month": month, "paths": paths},
            )
            self._write(found.to_arrow_reader(row_group), row_group=row_group)
        # Until here the rows stand there twice, in a version that the database never hears of.
        now = int(time.time() * 1000)
        of: dict[str, str | None] = {"month": month}
        self.delta.create_write_transaction(
            [RemoveAction(file.name, True, now, file.bytes, of) for file in files],  # noqa: FBT003 - its signature
            "append",
            self.delta.schema(),
            partition_by=["month"],
            post_commithook_properties=_no_checkpoint(),
        )
        self.delta.update_incremental()

    def _write(self, rows: Any, *, row_group: int = layout.ROW_GROUP) -> None:
        from deltalake import write_deltalake  # noqa: PLC0415 - half a second

        write_deltalake(
            self.delta,
            rows,
            mode="append",
            target_file_size=ANY_SIZE,
            writer_properties=layout.properties(row_group),
            post_commithook_properties=_no_checkpoint(),
        )

    def vacuum(self, *, kept_hours: int) -> None:
        """Delete files that no version of the last hours needs, also of writers that died."""
        options: Any = {
            "retention_hours": kept_hours,
            "enforce_retention_duration": False,
            "full": True,
            "post_commithook_properties": _no_checkpoint(),
        }
        if self.delta.vacuum(dry_run=True, **options):
            self.delta.vacuum(dry_run=False, **options)

    def make_durable(self, *, since: int) -> int:
        """Flush all that was written after a version; returns the version that it is at now."""
        log, version = self.path / LOG, self.delta.version()
        for number in range(since + 1, version + 1):
            entry = _entry(self.path, number)
            actions = [json.loads(line) for line in entry.read_text("utf-8").splitlines()]
            added = [self.path / unquote(one["add"]["path"]) for one in actions if "add" in one]
            _flush(*added, *{file.parent for file in added}, entry)
        if version > since:
            _flush(log, self.path)
        return version

    def checkpoint(self) -> None:
        """Make opening quick again where the log has grown, and forget its old entries.

        Only for a version that the database knows.
        """
        if sum(1 for _ in (self.path / LOG).glob("*.json")) > LONG_LOG:
            self.delta.create_checkpoint()
            log = self.path / LOG
            _flush(*log.glob("*.checkpoint*.parquet"), log / "_last_checkpoint", log)
            self.delta.cleanup_metadata()


def create(snapshot: Snapshot, data_dir: Path) -> None:
    """Make the two empty tables of a new generation, or nothing."""
    from deltalake import DeltaTable  # noqa: PLC0415 - half a second, for who writes

    folder = data_dir.absolute() / FOLDER / snapshot.folder
    try:
        for name in TABLES:
            path = snapshot.path(data_dir, name)
            path.mkdir(parents=True)
            schema = pa.schema([(field.name, TYPES[field.type]) for field in SHAPES[name].fields])
            DeltaTable.create(path, schema, partition_by=["month"], configuration=CONFIGURATION)
            _flush(path / LOG / f"{0:020}.json", path / LOG, path, folder)
        _flush(folder.parent, data_dir.absolute())
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def open_table(snapshot: Snapshot, data_dir: Path, name: str) -> Table:
    """A table at the version that counts, all of whose files are there.

    Raises LakeTrouble where they are missing or say something else, and OSError where the system
    doesn't let us look, which may pass.
    """
    from deltalake import DeltaTable  # noqa: PLC0415 - half a second, for who writes
    from deltalake.exceptions import DeltaError  # noqa: PLC0415 - as above

    _check_format(snapshot)
    path = snapshot.path(data_dir, name)
    entries = _entries(path / LOG)
    try:
        table = Table(path, DeltaTable(path, version=snapshot.version(name)))
    except (DeltaError, ValueError) as error:
        for entry in entries:
            entry.read_bytes()
        raise LakeTrouble("newer" if "Unsupported" in str(error) else "corrupt") from None
    try:
        for file in table.files():
            file.path.stat()
    except FileNotFoundError:
        raise LakeTrouble("corrupt") from None
    return table


def open_to_write(snapshot: Snapshot, data_dir: Path) -> dict[str, Table]:
    """Both tables, after cutting off what the database never heard of. Raises as `open_table`."""
    _check_format(snapshot)
    for name in TABLES:
        log, counts = snapshot.path(data_dir, name) / LOG, snapshot.version(name)
        later = [path for path in _entries(log) if _version_of(path) > counts]
        if later:
            (log / "_last_checkpoint").unlink(missing_ok=True)  # it may name what goes
        for path in (*sorted(later, reverse=True), *log.glob("_commit_*.tmp")):
            path.unlink()
        if later:
            _flush(log)
    tables = {name: open_table(snapshot, data_dir, name) for name in TABLES}
    if snapshot.digest and (digest(tables) or snapshot.digest) != snapshot.digest:
        raise LakeTrouble("corrupt")
    return tables


def digest(tables: Mapping[str, Table]) -> str | None:
    """What the logs say of the tables' versions, in short; None where they say it no more."""
    seen = hashlib.blake2b(digest_size=16)
    try:
        for name in TABLES:
            seen.update(_entry(tables[name].path, tables[name].delta.version()).read_bytes())
    except FileNotFoundError:
        return None
    return seen.hexdigest()


@contextmanager
def told_apart(paths: Iterable[str]) -> Iterator[None]:
    """After any failure of who reads files: LakeTrouble where their content is wrong.

    Else what was raised, or OSError where the files can't be read just now.
    """
    try:
        yield
    except Exception:  # whatever a library makes of it
        _check_files(paths)
        raise


def _check_files(paths: Iterable[str]) -> None:
    from pyarrow import parquet  # noqa: PLC0415 - for whom something failed

    for path in paths:
        try:
            with parquet.ParquetFile(path) as file:
                for _ in file.iter_batches():
                    pass
        except MemoryError:
            raise
        except (pa.ArrowException, OSError) as error:
            if getattr(error, "errno", None) in (None, errno.ENOENT):
                raise LakeTrouble("corrupt") from None
            raise


@contextmanager
def _sorter(
    table: Path, paths: Iterable[str], gone: Sequence[int]
) -> Iterator["duckdb.DuckDBPyConnection"]:
    """DuckDB for a table's files, with the table `gone`; says what is wrong where they are."""
    import duckdb  # noqa: PLC0415 - for who writes

    limits: Any = {
        "memory_limit": SORT_MEMORY,
        "temp_directory": str(table.parents[1] / SPILL),
    }
    with duckdb.connect(config=limits) as connection, told_apart(paths):
        connection.register("gone", pa.table({"response": pa.array(gone, pa.int64())}))
        yield connection


def _check_format(snapshot: Snapshot) -> None:
    if snapshot.trouble == "newer":
        raise LakeTrouble("newer")


def _entries(log: Path) -> list[Path]:
    try:
        return list(log.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        raise LakeTrouble("missing") from None


def _entry(table: Path, version: int) -> Path:
    return table / LOG / f"{version:020}.json"


def _version_of(path: Path) -> int:
    """The version that a file of the log tells of; -1 for other files."""
    digits = path.name.split(".", 1)[0]
    return int(digits) if digits.isdecimal() else -1


def _no_checkpoint() -> Any:
    """No version is to be built upon before the database knows it."""
    from deltalake import PostCommitHookProperties  # noqa: PLC0415 - half a second, for who writes

    return PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)


def _flush(*paths: Path) -> None:
    for path in paths:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def left_over(data_dir: Path, tables: Sequence[Table]) -> list[Path]:
    """The data files on the disk that none of the tables is made of, of any generation."""
    living = {file.path for table in tables for file in table.files()}
    found = (data_dir.absolute() / FOLDER).rglob("month=*/*.parquet")
    return [path for path in found if path not in living]


def remove_other_generations(snapshot: Snapshot, data_dir: Path) -> None:
    """Delete the folders of lakes that were made again, and what a sorting left behind."""
    for path in (data_dir.absolute() / FOLDER).iterdir():
        if path.is_dir() and path.name != snapshot.folder:
            shutil.rmtree(path)
