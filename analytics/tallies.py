"""Tallies: the sufficient statistics of a metric, one row per group, summed by the engine.

A tally is small, in pandas, and additive:
`roll_up` turns the tally of a fine breakdown into that of a coarser one or of the total.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics import engines, frames, options
from analytics.errors import FrameError


def tally(
    checked: frames.Checked, sums: Mapping[str, nw.Expr], *, distinct: str | None = None
) -> pd.DataFrame:
    """Sum each expression of `sums` within each group.

    `checked` frame → `by` columns (sorted, null last), then the names of `sums` as float64.
    Without `by` columns exactly one row, of zeros when the frame is empty. Flags are made in
    `with_columns` and summed plainly: casts inside the aggregation are slow on pandas.

    `distinct` names a column: rows are first summed per group and value of it, and the result
    gains `distinct` (how many values had an answer) and `distinct_scored` (how many had an
    answer counted in the sum `scored`, which must then be given).

    Raises FrameError, naming the column, where values broke the shape.
    """
    wrong = checked.wrong_names
    lazy = checked.lazy.with_columns(**{f"_sum_{name}": expr for name, expr in sums.items()})
    names = [f"_sum_{name}" for name in sums]
    if distinct is not None:
        lazy = _sum(lazy, [*checked.key_names, distinct], [*names, *wrong, frames.COUNT])
        lazy = lazy.with_columns(
            _sum_distinct=frames.where(nw.col(frames.COUNT) > 0, nw.lit(1.0)),
            _sum_distinct_scored=frames.where(nw.col("_sum_scored") > 0, nw.lit(1.0)),
        )
        names += ["_sum_distinct", "_sum_distinct_scored"]
    table = engines.collect(_sum(lazy, checked.key_names, [*names, *wrong]))
    for place, column in enumerate(checked.columns):
        if sum(table[wrong[place]]) > 0:
            raise frames.wrong_values(column, _example(checked, place))
    keys = {
        key.name: _key_values(key, table[name])
        for key, name in zip(checked.keys, checked.key_names, strict=True)
    }
    values = {name.removeprefix("_sum_"): np.array(table[name], dtype=np.float64) for name in names}
    return by_key(pd.DataFrame(keys | values), list(keys))


def roll_up(tallied: pd.DataFrame, *, by: str | Sequence[str] = ()) -> pd.DataFrame:
    """Add up a tally to fewer keys: tally by (a, b) → tally by `by`, or one row without.

    The result equals the tally of the raw frame by those keys. FrameError if a key is missing,
    or what stands in the table doesn't add up: scores, distinct respondents, suppressed rows.
    """
    keys, sums = options.names("by", by), measures(tallied)
    present = names(tallied)[: -len(sums)]
    for key in keys:
        if key not in present:
            hint = "roll up to keys of the tally"
            raise FrameError(key, "is missing", hint=hint, present=present)
    for name in sums:
        if name in NOT_ADDITIVE or not pd.api.types.is_numeric_dtype(tallied[name]):
            hint = "tally the frame again with the coarser keys"
            raise FrameError(name, "does not add up", hint=hint)
    if keys:
        rolled = tallied.groupby(keys, dropna=False, observed=True, as_index=False)[sums].sum()
        return by_key(rolled[[*keys, *sums]], keys)
    return tallied[sums].sum().to_frame().T.astype({name: tallied[name].dtype for name in sums})


# One of them stands in every table of this package that is no tally.
NOT_ADDITIVE = frozenset(
    {"respondents", "suppressed", "low", "n_eff", "change", "difference", "expected", "shrunk"}
)
# The first measure of every table of this package; the keys are what stands before it.
FIRST_MEASURES = frozenset({"n", "comments", "mentions", "change", "difference"})


def keys(table: pd.DataFrame) -> list[str]:
    """The key columns of a tally or result table: those before its first measure.

    FrameError where `names` refuses it, or it has no measure.
    """
    present = names(table)
    for place, name in enumerate(present):
        if name in FIRST_MEASURES:
            return present[:place]
        if str(table[name].dtype) == "object":
            _check_plain(table[name])
    raise FrameError(
        None,
        "is no table of this package",
        hint="pass a result or tally, with its columns in order",
        present=present,
    )


def _check_plain(key: pd.Series) -> None:
    try:
        key.map(hash)
    except TypeError as error:
        hint = "group by plain values"
        raise FrameError(str(key.name), f"is no key: {error}", hint=hint) from error


def names(table: pd.DataFrame) -> list[str]:
    """The columns of a table; FrameError where it isn't of pandas, or has one twice."""
    if not isinstance(table, pd.DataFrame):
        kind = type(table).__name__
        raise FrameError(None, f"is a {kind}", hint="pass a pandas table, as this package makes it")
    present = [str(name) for name in table.columns]
    twice = next((name for name in present if present.count(name) > 1), None)
    if twice is not None:
        raise FrameError(twice, "is there twice", hint="keep one of the two")
    return present


def measures(table: pd.DataFrame) -> list[str]:
    """The columns of a tally or result table that are not keys."""
    return names(table)[len(keys(table)) :]


def refuse_clashes(keys: Sequence[str], columns: Sequence[str]) -> None:
    """FrameError if a `by` column bears the name of a column of the result."""
    for name in keys:
        if name in columns:
            raise FrameError(name, "is also a column of the result", hint="rename the key")


def group(rows: pd.DataFrame) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """The distinct rows, sorted, and which of them each row is; without columns, a single one."""
    if rows.columns.empty:
        return pd.DataFrame(index=[0]), np.zeros(len(rows), dtype=np.int64)
    on = [*rows.columns]
    groups = by_key(rows.drop_duplicates(), on)
    placed = groups.assign(_at=np.arange(len(groups)))
    return groups, rows.merge(placed, on=on, how="left")["_at"].to_numpy(np.int64)


def line_up(*tables: pd.DataFrame) -> tuple[pd.DataFrame, list[NDArray[np.int64]]]:
    """The keys of any of the tables, sorted, and in which row each table has them, -1: in none.

    Tables whose keys don't repeat, a single row if there are none. FrameError where one has
    other keys than the first.
    """
    on = keys(tables[0])
    for table in tables[1:]:
        if keys(table) != on:
            hint = "compare like with like"
            raise FrameError(None, f"has the keys {keys(table)}, the other one {on}", hint=hint)
    if not on:
        return pd.DataFrame(index=[0]), [np.zeros(1, dtype=np.int64)] * len(tables)
    # A table without rows has no say in the type of its keys.
    filled = [table[on] for table in tables if len(table)] or [tables[0][on]]
    every, rows = by_key(pd.concat(filled).drop_duplicates(), on), []
    for table in tables:
        at = np.full(len(every), -1, dtype=np.int64)
        if len(table):
            placed = table[on].assign(_row=np.arange(len(table)))
            found = every.merge(placed, on=on, how="left", validate="one_to_one")["_row"]
            at = found.fillna(-1).to_numpy(np.int64)
        rows.append(at)
    return every, rows


def _sum(lazy: nw.LazyFrame[Any], keys: Sequence[str], names: Sequence[str]) -> nw.LazyFrame[Any]:
    sums = [nw.col(name).sum() for name in names]
    return lazy.group_by(*keys).agg(*sums) if keys else lazy.select(*sums)


def _example(checked: frames.Checked, place: int) -> str:
    """One of the values that broke the shape, for the message."""
    flag = nw.col(f"_wrong{place}")
    found = engines.collect(checked.lazy.filter(flag > 0).select(f"_raw{place}").head(1))
    value = next(iter(found.values()))[0]
    return "null" if frames.is_null(value) else repr(value)


def _key_values(key: frames.Key, values: list[Any]) -> Any:
    """A key column of the same pandas type whatever engine it comes from.

    Text, and a column of only nulls, becomes `str`, an Enum an ordered categorical, whole
    numbers Int64 where some are null; a date stays a `datetime.date`.
    """
    plain = [None if frames.is_null(value) else value for value in values]
    dtype = key.dtype
    if isinstance(dtype, nw.Enum):
        return pd.Categorical(plain, categories=list(dtype.categories), ordered=True)
    if isinstance(dtype, (nw.String, nw.Categorical, nw.Unknown)):  # Unknown: only nulls
        return pd.Series(plain, dtype="str")
    if dtype.is_integer():
        whole = pd.array([None if v is None else int(v) for v in plain], dtype="Int64")
        return whole if None in plain else whole.astype("int64")
    if isinstance(dtype, nw.Date):
        return pd.Series([_date(value) for value in plain], dtype=object)
    return pd.Series(plain)


def _date(value: Any) -> date | None:
    return value.date() if isinstance(value, datetime) else value


def by_key(table: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """The rows sorted by their keys, null last; FrameError if values can't be compared."""
    if not keys:
        return table
    try:
        return table.sort_values(keys, na_position="last", kind="stable", ignore_index=True)
    except TypeError as error:
        raise FrameError(
            keys[0], f"can't be sorted: {error}", hint="the values of a key must be of one type"
        ) from error
