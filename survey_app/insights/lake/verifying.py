"""Proving that the lake says what the database says: per workspace and month, every value."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.orm import Session

from survey_app.insights.lake.facts import rows
from survey_app.insights.lake.models import LakeRemoval
from survey_app.insights.lake.state import TABLES, Snapshot, beyond, removed, snapshot
from survey_app.insights.lake.tables import SHAPES, LakeTrouble, open_table, told_apart
from survey_app.responses.models import Response

if TYPE_CHECKING:
    import duckdb

CHUNK = 20_000  # responses looked up at once


@dataclass(frozen=True, slots=True)
class Difference:
    """A workspace's month in which a table and the database differ, in number or in content."""

    table: str
    workspace_id: int
    month: str
    in_database: int
    in_lake: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many rows each table has that may be read, and where they are not the database's."""

    facts: int
    mentions: int
    differences: list[Difference]


def verify(session: Session, data_dir: Path, *, told: Callable[[float], None]) -> Verdict:
    """Compare what stands in the lake with what the database says of the same responses.

    Within one read transaction; `told` hears the share that is done. Raises LakeTrouble.
    """
    import duckdb  # noqa: PLC0415 - for this command

    known = snapshot(session)
    if known is None:
        raise LakeTrouble("missing")
    with duckdb.connect() as engine:
        engine.execute(
            "CREATE TABLE sums (side TEXT, tab TEXT, workspace BIGINT, month TEXT, "
            "number BIGINT, content HUGEINT)"
        )
        _add_lake(engine, session, known, data_dir)
        _add_database(engine, session, known, told)
        return _verdict(engine)


def _add_lake(
    engine: "duckdb.DuckDBPyConnection", session: Session, known: Snapshot, data_dir: Path
) -> None:
    """The rows that may be read, of the versions that count."""
    masked = session.scalars(sa.select(LakeRemoval.response_id).where(removed(known)))
    engine.register("masked", pa.table({"response": pa.array(masked.all(), pa.int64())}))
    for name in TABLES:
        files = open_table(known, data_dir, name).files()
        for month in sorted({file.month for file in files}):
            paths = [str(file.path) for file in files if file.month == month]
            columns = ", ".join(one for one in SHAPES[name].names if one != "month")
            source = (
                f"(SELECT {columns}, '{month}' AS month FROM read_parquet($paths) "  # noqa: S608 - our own names
                "ANTI JOIN masked USING (response))"
            )
            with told_apart(paths):
                _add(engine, "lake", name, source, {"paths": paths})


def _add_database(
    engine: "duckdb.DuckDBPyConnection",
    session: Session,
    known: Snapshot,
    told: Callable[[float], None],
) -> None:
    count = session.scalar(sa.select(sa.func.count()).select_from(Response)) or 0
    stands = ~sa.or_(*beyond(known))
    last: int | None = 0
    done = 0
    while last is not None:
        ids = sa.select(Response.id).where(Response.id > last).order_by(Response.id)
        until = session.scalar(ids.offset(CHUNK - 1).limit(1))
        some = Response.id > last if until is None else Response.id.between(last + 1, until)
        for name, table in zip(TABLES, rows(session, sa.and_(some, stands)), strict=True):
            engine.register("looked_up", table)
            _add(engine, "database", name, "looked_up", {})
        last, done = until, done + CHUNK
        told(min(1.0, done / max(count, 1)))


def _add(
    engine: "duckdb.DuckDBPyConnection",
    side: str,
    name: str,
    source: str,
    values: dict[str, object],
) -> None:
    """Add rows to the sums: a sum of hashes tells content apart, in whatever order it comes."""
    columns = ", ".join(SHAPES[name].names)
    engine.execute(
        f"INSERT INTO sums SELECT '{side}', '{name}', workspace, month, count(*), "  # noqa: S608 - our own names
        f"sum(hash({columns})::HUGEINT) FROM {source} GROUP BY workspace, month",
        values,
    )


def _verdict(engine: "duckdb.DuckDBPyConnection") -> Verdict:
    engine.execute(
        "CREATE TABLE compared AS SELECT tab, workspace, month, "
        "coalesce(sum(number) FILTER (side = 'database'), 0)::BIGINT AS in_database, "
        "coalesce(sum(number) FILTER (side = 'lake'), 0)::BIGINT AS in_lake, "
        "coalesce(sum(content) FILTER (side = 'database'), 0) AS said, "
        "coalesce(sum(content) FILTER (side = 'lake'), 0) AS kept FROM sums GROUP BY ALL"
    )
    number = dict.fromkeys(TABLES, 0) | dict(
        engine.execute("SELECT tab, sum(in_lake)::BIGINT FROM compared GROUP BY tab").fetchall()
    )
    differing = engine.execute(
        "SELECT tab, workspace, month, in_database, in_lake FROM compared "
        "WHERE in_database != in_lake OR said != kept ORDER BY ALL"
    ).fetchall()
    return Verdict(number["facts"], number["mentions"], [Difference(*one) for one in differing])
