"""The same rows as a frame of every engine that `make test` has."""

from collections.abc import Callable
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

Rows = dict[str, list[Any]]
MakeFrame = Callable[[Rows], Any]


def _relation(rows: Rows) -> Any:
    # A connection of its own, kept alive by the relation: no state shared between tests.
    return duckdb.connect().from_arrow(pa.table(rows))


ENGINES: dict[str, MakeFrame] = {
    "pandas": pd.DataFrame,
    "pandas-object": lambda rows: pd.DataFrame(rows, dtype=object),
    "pandas-nullable": lambda rows: pd.DataFrame(rows).convert_dtypes(),
    "polars": pl.DataFrame,
    "polars-lazy": pl.LazyFrame,
    "pyarrow": pa.table,
    "duckdb": _relation,
}


@pytest.fixture(scope="session", params=ENGINES)
def make_frame(request: pytest.FixtureRequest) -> MakeFrame:
    """Rows (column → values) as a frame of one engine, each in turn."""
    return ENGINES[request.param]
