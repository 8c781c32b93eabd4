"""NPS of everybody by region and month: the lake against PostgreSQL with a covering index.

The server is private and gone afterwards. One process answers, so that CPU compares; its table is
vacuumed, so that an index alone is read. The covering index is one for all that a dashboard asks,
as the lake's order is; beside it an index made for this very query, which serves no other.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import duckdb
import psycopg
import pyarrow.parquet as pq
from places import Places
from timing import Line, Side, compared, in_turn, same

sys.path.append(str(Path(__file__).parents[1]))  # the tests' own server
from private_postgres import private_postgres

import analytics

OPTIONS = (
    "-c shared_buffers=1GB",
    "-c work_mem=64MB",
    "-c maintenance_work_mem=512MB",
    "-c max_parallel_workers_per_gather=0",
    "-c max_wal_size=8GB",
    "-c autovacuum=off",
    "-c jit=off",
)
TYPES = {"int64": "bigint", "string": "text", "date32[day]": "date", "bool": "boolean"}
INDEXES = {
    "covering index": "(workspace, day) INCLUDE (metric, kind, region, month, country, stage,"
    " age_band, score, person)",
    "an index for this query alone": "(metric, region, month) INCLUDE (score)",
}
QUERY = """
    SELECT region, month, count(*), count(*) FILTER (WHERE score >= 9),
        count(*) FILTER (WHERE score <= 6)
    FROM facts WHERE metric = 'nps' GROUP BY region, month ORDER BY region, month
"""


def measure(places: Places, *, rounds: int) -> Iterator[Line]:
    """The global query's lines; one that says so where PostgreSQL is missing."""
    try:
        with private_postgres(*OPTIONS) as server, psycopg.connect(_address(server)) as connection:
            _fill(connection, places)
            for name, columns in INDEXES.items():
                connection.execute(f"CREATE INDEX covering ON facts {columns}")
                yield _compare(connection, places, index=name, rounds=rounds)
                connection.execute("DROP INDEX covering")
    except LookupError as error:
        yield Line("everybody's NPS by region and month / PostgreSQL", f"left out: {error}")


def _address(server: Any) -> str:
    return str(server.url("postgres").set(drivername="postgresql").render_as_string())


def _fill(connection: psycopg.Connection[Any], places: Places) -> None:
    schema = pq.read_schema(places.arrived()[0])
    columns = ", ".join(f"{field.name} {TYPES[str(field.type)]}" for field in schema)
    connection.execute(f"CREATE UNLOGGED TABLE facts ({columns})")
    with (
        connection.cursor().copy("COPY facts FROM STDIN (FORMAT csv)") as copy,
        click.progressbar(places.arrived(), label="PostgreSQL") as bar,
    ):
        for file in bar:
            for chunk in _as_csv(file, places.folder):
                copy.write(chunk)
    connection.commit()
    connection.autocommit = True


def _as_csv(file: str, folder: Path) -> Iterator[bytes]:
    path = folder / "copy.csv"
    duckdb.read_parquet(file).write_csv(str(path), header=False)
    with path.open("rb") as text:
        while chunk := text.read(1 << 20):
            yield chunk
    path.unlink()


def _compare(
    connection: psycopg.Connection[Any], places: Places, *, index: str, rounds: int
) -> Line:
    connection.execute("VACUUM ANALYZE facts")
    connection.execute("SET enable_seqscan = off; SET enable_bitmapscan = off")
    plan = str(connection.execute(f"EXPLAIN {QUERY}").fetchall())
    if "Index Only Scan" not in plan:
        raise RuntimeError(f"PostgreSQL does not use the covering index: {plan}")
    lake = duckdb.connect(config={"threads": 1})
    files, backend = places.files(), connection.info.backend_pid
    lake.execute("SET parquet_metadata_cache = true")

    def ours() -> list[tuple[Any, ...]]:
        facts = lake.read_parquet(files, hive_partitioning=True).filter("metric = 'nps'")
        table = analytics.tally_nps(facts, by=["region", "month"])
        table = table.astype(object).where(table.notna(), None)
        names = ["region", "month", "n", "promoters", "detractors"]
        return list(table[names].itertuples(index=False, name=None))

    def theirs() -> list[tuple[Any, ...]]:
        return connection.execute(QUERY).fetchall()

    same(ours(), theirs())
    spent = in_turn(
        {"ours": Side(ours), "theirs": Side(theirs, lambda: _cpu_of(backend))}, rounds=rounds
    )
    what = f"everybody's NPS by region and month / PostgreSQL, {index}"
    goal = 1 / 3 if index == "covering index" else None
    return compared(what, spent["ours"], spent["theirs"], goal=goal)


def _cpu_of(process: int) -> float:
    """CPU seconds of another process, to the nanosecond."""
    return int(Path(f"/proc/{process}/schedstat").read_text().split()[0]) / 1e9
