"""Facts and mentions for tests: Arrow tables of the declared shapes, and frames of each engine."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa

from analytics import FACTS, MENTIONS, FactShape

Row = Mapping[str, Any]
TYPES = {"int64": pa.int64(), "str": pa.string(), "date": pa.date32(), "bool": pa.bool_()}
PLAIN: dict[str, Any] = {
    "workspace": 1,
    "response": 1,
    "question": "nps",
    "day": date(2026, 3, 2),
    "received": 0,
    "survey": "relationship",
    "kind": "relational",
    "version": 1,
    "orientation": "ascending",
    "metric": "nps",
    "theme": "theme.price",
    "code": "theme.price",
    "person": 1,
    "anonymous": False,
}


def table(rows: Sequence[Row], shape: FactShape = FACTS) -> pa.Table:
    """Rows with the named values, plain ones elsewhere; `month` is that of `day`."""
    full = [PLAIN | row for row in rows]
    full = [row | {"month": f"{row['day']:%Y-%m}"} for row in full]
    schema = pa.schema([(field.name, TYPES[field.type]) for field in shape.fields])
    return pa.Table.from_pylist(
        [{name: row.get(name) for name in shape.names} for row in full], schema=schema
    )


def mentions(rows: Sequence[Row]) -> pa.Table:
    """A row per mention."""
    return table(rows, MENTIONS)


ENGINES: dict[str, Callable[[pa.Table], Any]] = {
    "duckdb": lambda rows: duckdb.connect().from_arrow(rows),
    "pandas": lambda rows: rows.to_pandas(),
    "polars": pl.from_arrow,
    "polars-lazy": lambda rows: pl.from_arrow(rows).lazy(),
    "pyarrow": lambda rows: rows,
}
