"""Tallies: the sufficient statistics of a metric, one row per group, summed by the engine.

This is the only file that makes an engine compute. A tally is small, in pandas, and additive:
`roll_up` turns the tally of a fine breakdown into that of a coarser one or of the total.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from analytics import frames
from analytics.errors import FrameError

EAGER = {
    nw.Implementation.PANDAS,
    nw.Implementation.MODIN,
    nw.Implementation.CUDF,
    nw.Implementation.POLARS,
    nw.Implementation.PYARROW,
}


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
    table = _collect(_sum(lazy, checked.key_names, [*names, *wrong]))
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
    or the tally counts distinct respondents, who don't add up.
    """
    keys, sums = [by] if isinstance(by, str) else list(by), measures(tallied)
    for key in keys:
        if key not in tallied:
            raise FrameError(
                key, "is missing", hint="roll up to keys of the tally", present=tallied.columns
            )
    if "respondents" in tallied:
        raise FrameError(
            "respondents", "does not add up", hint="tally the frame again with the coarser keys"
        )
    if keys:
        rolled = tallied.groupby(keys, dropna=False, observed=True, as_index=False)[sums].sum()
        return by_key(rolled[[*keys, *sums]], keys)
    return tallied[sums].sum().to_frame().T.astype({name: tallied[name].dtype for name in sums})


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
    raise FrameError(
        None,
        "is no table of this package",
        hint="pass a result or tally, with its columns in order",
        present=present,
    )


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


def _sum(lazy: nw.LazyFrame[Any], keys: Sequence[str], names: Sequence[str]) -> nw.LazyFrame[Any]:
    sums = [nw.col(name).sum() for name in names]
    return lazy.group_by(*keys).agg(*sums) if keys else lazy.select(*sums)


def _collect(lazy: nw.LazyFrame[Any]) -> dict[str, list[Any]]:
    """Compute; the engines without frames of their own answer in pandas (pyarrow is optional)."""
    eager = lazy.implementation in EAGER
    return (lazy.collect() if eager else lazy.collect("pandas")).to_dict(as_series=False)


def _example(checked: frames.Checked, place: int) -> str:
    """One of the values that broke the shape, for the message."""
    flag = nw.col(f"_wrong{place}")
    found = _collect(checked.lazy.filter(flag > 0).select(f"_raw{place}").head(1))
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
