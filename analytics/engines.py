"""Making an engine compute: what differs between pandas, Polars, pyarrow, DuckDB and Spark."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import narwhals as nw

EAGER = {
    nw.Implementation.PANDAS,
    nw.Implementation.MODIN,
    nw.Implementation.CUDF,
    nw.Implementation.POLARS,
    nw.Implementation.PYARROW,
}
HELD = "soundings_held"  # a temporary table of DuckDB

Rows = nw.LazyFrame[Any]
Plan = Callable[[Rows], Rows]  # hashable: equal plans do the same to equal columns


def collect(lazy: Rows) -> dict[str, list[Any]]:
    """Compute, column by column."""
    if lazy.implementation.is_pyspark():  # its way to pandas warns of pandas 3
        names, rows = lazy.collect_schema().names(), lazy.to_native().collect()
        return {name: [row[place] for row in rows] for place, name in enumerate(names)}
    if lazy.implementation in EAGER:
        return lazy.collect().to_dict(as_series=False)
    return lazy.collect("pandas").to_dict(as_series=False)  # pyarrow is optional


def answer(held_rows: Rows, plan: Plan) -> dict[str, list[Any]]:
    """What `plan` makes of rows that are `held`, column by column.

    DuckDB gets the text of a plan, which is kept: writing it down takes Narwhals and DuckDB about
    half a millisecond a step, which is more than a small workspace's counting.
    """
    if not held_rows.implementation.is_duckdb():
        return collect(plan(held_rows))
    relation = held_rows.to_native()
    columns = tuple(zip(relation.columns, map(str, relation.types), strict=True))
    result = _run(relation, _text(plan, columns))
    rows, names = result.fetchall(), [column[0] for column in result.description]
    return {name: [row[place] for row in rows] for place, name in enumerate(names)}


@contextmanager
def held(rows: Rows) -> Iterator[Rows]:
    """The rows computed once, and kept by their engine while they are read several times.

    Pandas and pyarrow have computed them already.
    """
    native = rows.to_native()
    if rows.implementation.is_polars():
        yield rows.collect().lazy()
    elif rows.implementation.is_duckdb():
        # `relation.materialize()` would do, but DuckDB 2.0 copies its rows for each reading.
        connection = getattr(native, "_con", None)  # as in `_run`
        source = "FROM picked" if connection is None else native.sql_query()
        _run(native, f"CREATE OR REPLACE TEMP TABLE {HELD} AS {source}")
        try:
            if connection is None:
                table = native.query("picked", f"FROM {HELD}")
            else:
                table = connection.table(HELD)
            yield nw.from_native(table).lazy()
        finally:
            _run(native, f"DROP TABLE {HELD}")
    elif rows.implementation.is_pyspark():
        native.persist()
        try:
            yield rows
        finally:
            native.unpersist()
    else:
        yield rows


def at_once(held_rows: Rows, times: int) -> bool:
    """Whether to read rows several times over in one go, rather than in as many queries.

    Each query takes DuckDB a few milliseconds to understand, and Spark a job. One go over several
    million rows has its hash table outgrow the processor's caches: then queries take half the time.
    """
    if held_rows.implementation.is_duckdb():
        return len(held_rows.to_native()) * times < 2_000_000
    return held_rows.implementation not in EAGER


def _run(relation: Any, text: str) -> Any:
    """Run a statement where a relation lives: what it returns has `fetchall` and `description`.

    The connection is private in DuckDB 2.0 and hidden before; the public way, `query`, parses each
    text four times, which is 25 ms for a page. There `picked` is the relation.
    """
    connection = getattr(relation, "_con", None)
    return relation.query("picked", text) if connection is None else connection.execute(text)


@lru_cache(maxsize=256)
def _text(plan: Plan, columns: tuple[tuple[str, str], ...]) -> str:
    """The plan as SQL over a table HELD of such columns."""
    import duckdb  # noqa: PLC0415 - whoever has no frame of DuckDB needs no DuckDB

    with duckdb.connect() as connection:
        typed = ", ".join(f'"{name}" {dtype}' for name, dtype in columns)
        connection.execute(f"CREATE TABLE {HELD} ({typed})")
        return str(plan(nw.from_native(connection.table(HELD)).lazy()).to_native().sql_query())
