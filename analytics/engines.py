"""Making an engine compute: what differs between pandas, Polars, pyarrow, DuckDB and Spark.

Two steps do everything: rows are picked of a frame, and then counted, most of them several times.
Both are plans. DuckDB gets a plan as text, which is kept: writing it down takes Narwhals and DuckDB
about half a millisecond a step, which is more than a small workspace's counting.
"""

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import narwhals as nw
import pandas as pd

from analytics.frames import open_frame
from analytics.scope import Frozen

EAGER = {
    nw.Implementation.PANDAS,
    nw.Implementation.MODIN,
    nw.Implementation.CUDF,
    nw.Implementation.POLARS,
    nw.Implementation.PYARROW,
}
FRAME, HELD = "soundings_frame", "soundings_held"  # what plans read, as DuckDB calls it
FEW = 4  # readings of rows that DuckDB does within the statement which picks them

Rows = nw.LazyFrame[Any]
Found = dict[str, list[Any]]
Columns = tuple[tuple[str, str], ...]  # names and types, as DuckDB writes them


@dataclass(frozen=True)
class Plan:
    """What is done to rows: a function, and what it is given beside them.

    Equal plans do the same to equal columns. One that picks returns rows; one that counts several
    `Rows` of the same columns, which are answered one below the other.
    """

    work: Callable[..., Any]
    given: Frozen[Hashable]

    @classmethod
    def of(cls, work: Callable[..., Any], **given: Hashable) -> "Plan":
        """By keywords."""
        return cls(work, Frozen(given))

    def __call__(self, rows: Any) -> Any:
        """What the function returns."""
        return self.work(rows, **self.given)


def collect(lazy: Rows) -> Found:
    """Compute, column by column."""
    if lazy.implementation.is_pyspark():  # its way to pandas warns of pandas 3
        names, rows = lazy.collect_schema().names(), lazy.to_native().collect()
        return {name: [row[place] for row in rows] for place, name in enumerate(names)}
    if lazy.implementation in EAGER:
        return lazy.collect().to_dict(as_series=False)
    return lazy.collect("pandas").to_dict(as_series=False)  # pyarrow is optional


def table(held_rows: Rows, plan: Plan) -> pd.DataFrame:
    """What a plan makes of rows that are `held`."""
    if held_rows.implementation.is_duckdb():
        relation = held_rows.to_native()
        found: pd.DataFrame = _run(relation, _text(plan, HELD, _columns(relation))[0]).df()
        return found
    made = plan(held_rows)
    eager = made.implementation in EAGER
    frame: pd.DataFrame = (made.collect() if eager else made.collect("pandas")).to_pandas()
    return frame


def answer(frame: Any, picking: Plan, counting: Plan, *, readings: int) -> Found:
    """What one plan counts of the rows that another picks of a frame, column by column.

    `readings`: how often they are read. FrameError for what is no frame.
    """
    rows = open_frame(frame)
    if not rows.implementation.is_duckdb():
        with held(frame, picking) as picked:
            return collect(nw.concat(counting(picked)))
    relation = rows.to_native()
    pick, columns = _text(picking, FRAME, _columns(relation))
    count, _ = _text(counting, HELD, columns)
    if readings > FEW:
        with _table(relation, pick):
            return _found(_run(relation, count))
    return _found(_run(relation, f"{_with(relation)}, {HELD} AS MATERIALIZED ({pick}) {count}"))


@contextmanager
def held(frame: Any, picking: Plan) -> Iterator[Rows]:
    """The rows that a plan picks, computed once, and kept by their engine while they are read.

    Pandas and pyarrow have computed them already.
    """
    rows = open_frame(frame)
    if rows.implementation.is_duckdb():
        relation = rows.to_native()
        with _table(relation, _text(picking, FRAME, _columns(relation))[0]):
            yield nw.from_native(_held_table(relation)).lazy()
        return
    picked = picking(rows)
    if rows.implementation.is_polars():
        yield picked.collect().lazy()
    elif rows.implementation.is_pyspark():
        native = picked.to_native().persist()
        try:
            yield nw.from_native(native).lazy()
        finally:
            native.unpersist()
    else:
        yield picked


# --- DuckDB ---------------------------------------------------------------------------------------


@contextmanager
def _table(relation: Any, pick: str) -> Iterator[None]:
    """The picked rows of a relation as a temporary table, while it is read.

    `relation.materialize()` would do, but DuckDB 2.0 copies its rows for each reading.
    """
    _run(relation, f"CREATE OR REPLACE TEMP TABLE {HELD} AS {_with(relation)} FROM ({pick})")
    try:
        yield
    finally:
        _run(relation, f"DROP TABLE {HELD}")


def _connection(relation: Any) -> Any:
    """Where a relation lives: private in DuckDB 2.0, hidden before (None).

    The public way, `query`, parses each text four times, which is 25 ms for a page. There `picked`
    is the relation.
    """
    return getattr(relation, "_con", None)


def _run(relation: Any, text: str) -> Any:
    """Run a statement: what it returns has `fetchall` and `description`."""
    connection = _connection(relation)
    return relation.query("picked", text) if connection is None else connection.execute(text)


def _with(relation: Any) -> str:
    """How a statement begins that reads a relation as FRAME."""
    source = "FROM picked" if _connection(relation) is None else relation.sql_query()
    return f"WITH {FRAME} AS NOT MATERIALIZED ({source})"


def _held_table(relation: Any) -> Any:
    connection = _connection(relation)
    return (
        relation.query("picked", f"FROM {HELD}") if connection is None else connection.table(HELD)
    )


def _columns(relation: Any) -> Columns:
    return tuple(zip(relation.columns, map(str, relation.types), strict=True))


def _found(result: Any) -> Found:
    rows, names = result.fetchall(), [column[0] for column in result.description]
    return {name: [row[place] for row in rows] for place, name in enumerate(names)}


@lru_cache(maxsize=256)
def _text(plan: Plan, name: str, columns: Columns) -> tuple[str, Columns]:
    """The plan as SQL over a table of such a name and columns, and the columns it gives."""
    typed = ", ".join(f'"{column}" {dtype}' for column, dtype in columns)
    with _stand_ins().cursor() as connection:
        connection.execute(f"CREATE TEMP TABLE {name} ({typed})")
        found = plan(nw.from_native(connection.table(name)).lazy())
        parts = [each.to_native() for each in (found if isinstance(found, list) else [found])]
        texts = [f"(FROM ({part.sql_query()}))" for part in parts]
        return " UNION ALL ".join(texts), _columns(parts[0])


@cache
def _stand_ins() -> Any:
    """A database for empty tables: DuckDB understands a plan sooner there than over files."""
    import duckdb  # noqa: PLC0415 - whoever has no frame of DuckDB needs no DuckDB

    return duckdb.connect(config={"threads": 1})
