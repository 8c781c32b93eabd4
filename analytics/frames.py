"""The owner of shapes: which columns a metric reads, of what kind, and the check at the door.

A shape is data (`Shape`, `Column`, and a kind: `Number` or `Code`), so that `insights` can fill
frames from it and the documentation can be made from it. `read` turns any frame that Narwhals
knows (pandas, Polars eager or lazy, pyarrow, a DuckDB relation, Spark) into one lazy frame of

* `_key0`, `_key1` … the `by` columns,
* the shape's columns under their own names, numbers as Float64 and codes as String, where NaN
  has become null *before any comparison* (NaN >= 9 is true on DuckDB and Spark),
* `_count`, the answers a row stands for, and `_weight`, the weight of each of them,
* `_wrong0` … 1.0 in rows that break the shape; the tally sums them in its one pass.

Float64 holds every count below 2^53 exactly on every engine; results turn into int64.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

import narwhals as nw

from analytics import options
from analytics.errors import FrameError

COUNT, WEIGHT = "_count", "_weight"


class Kind(Protocol):
    """What values a column may hold, apart from null."""

    @property
    def words(self) -> str:
        """What the column must hold, for messages."""

    def readable(self, dtype: nw.dtypes.DType) -> bool:
        """Whether a column of this type can hold such values."""

    def read(self, column: nw.Expr, dtype: nw.dtypes.DType) -> nw.Expr:
        """The column as we compute with it, NaN being null."""

    def fits(self, value: nw.Expr, dtype: nw.dtypes.DType) -> nw.Expr:
        """Whether a value that was read is one of those allowed."""

    def parse(self, value: object) -> float | str | None:
        """One value of an untyped pandas column. Raises TypeError."""


@dataclass(frozen=True)
class Number:
    """Numbers from `low` to `high`, whole ones unless `fractions`; `above` excludes `low`."""

    low: float
    high: float
    fractions: bool = False
    above: bool = False

    @property
    def words(self) -> str:
        """The range, for messages."""
        if self.above:
            return f"finite numbers > {self.low:g}"
        return f"whole numbers {self.low:g} to {self.high:g}"

    def readable(self, dtype: nw.dtypes.DType) -> bool:
        """Any numeric type."""
        return dtype.is_numeric()

    def read(self, column: nw.Expr, dtype: nw.dtypes.DType) -> nw.Expr:
        """As float64, NaN being null."""
        number = column.cast(nw.Float64())
        if not dtype.is_float():
            return number
        return nw.when(~number.is_nan()).then(number)

    def fits(self, value: nw.Expr, dtype: nw.dtypes.DType) -> nw.Expr:
        """Inside the range, and whole where it must be."""
        inside = (value > self.low if self.above else value >= self.low) & (value <= self.high)
        return inside if self.fractions or dtype.is_integer() else inside & (value.floor() == value)

    def parse(self, value: object) -> float | None:
        """One value of an untyped pandas column; anything but a number raises TypeError."""
        if is_null(value):
            return None
        if isinstance(value, (bool, str)) or not hasattr(value, "__float__"):
            raise TypeError(value)
        if type(value).__name__ in {"bool", "bool_"}:  # numpy's bool is no subclass of bool
            raise TypeError(value)
        return float(value)


@dataclass(frozen=True)
class Code:
    """Text out of `values`; with no values, any key (an id) whatever its type."""

    values: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The codes, for messages."""
        return "one of " + ", ".join(self.values) if self.values else "an id"

    def readable(self, dtype: nw.dtypes.DType) -> bool:
        """Text, or any type for ids."""
        return not self.values or isinstance(dtype, (nw.String, nw.Categorical, nw.Enum))

    def read(self, column: nw.Expr, dtype: nw.dtypes.DType) -> nw.Expr:
        """As text; ids stay what they are."""
        if isinstance(dtype, nw.String):
            return column
        return column.cast(nw.String()) if self.values else column

    def fits(self, value: nw.Expr, dtype: nw.dtypes.DType) -> nw.Expr:  # noqa: ARG002 - Kind asks for it
        """One of the codes, or any id."""
        return value.is_in(self.values) if self.values else ~value.is_null()

    def parse(self, value: object) -> str | None:
        """One value of an untyped pandas column; anything but text raises TypeError."""
        if is_null(value):
            return None
        if self.values and not isinstance(value, str):
            raise TypeError(value)
        return str(value)


@dataclass(frozen=True)
class Column:
    """A column a metric reads: its name, kind, meaning, and whether it may be null."""

    name: str
    kind: Kind
    meaning: str
    nullable: bool = False


@dataclass(frozen=True)
class Shape:
    """The columns of one metric's frame; what else a frame holds is left alone."""

    name: str
    columns: tuple[Column, ...]


LARGEST_COUNT = 2.0**53
ANSWERS = Number(0, LARGEST_COUNT)
POSITIVE = Number(0, 1.7976931348623157e308, fractions=True, above=True)
POLARITIES = Code(("negative", "neutral", "positive"))


@dataclass(frozen=True)
class Key:
    """A grouping column: its name in the frame and its type."""

    name: str
    dtype: nw.dtypes.DType


@dataclass(frozen=True)
class Checked:
    """A frame past the door, not yet computed. `columns` are those `_wrong0` … speak of."""

    lazy: nw.LazyFrame[Any]
    keys: tuple[Key, ...]
    columns: tuple[Column, ...]

    @property
    def key_names(self) -> list[str]:
        """The names that the keys go by inside."""
        return [f"_key{place}" for place in range(len(self.keys))]

    @property
    def wrong_names(self) -> list[str]:
        """The names of the flags for broken values, column by column."""
        return [f"_wrong{place}" for place in range(len(self.columns))]


def read(
    frame: Any,
    shape: Shape,
    *,
    by: str | Sequence[str] = (),
    weight: str | None = None,
    count: str | None = None,
) -> Checked:
    """Open any Narwhals-compatible frame for one metric; see the top of this file.

    Raises FrameError where a column is missing, named twice in `by`, or untyped with values
    that don't fit. Typed values that don't fit are found by the tally (`_wrong0` …), in the
    same pass that counts, so that a lazy frame is read once.
    """
    data = open_frame(frame)
    inner = {column.name: column for column in shape.columns}
    if weight is not None:
        inner[WEIGHT] = Column(
            options.name("weight", weight), POSITIVE, "weight of each answer of the row"
        )
    if count is not None:
        inner[COUNT] = Column(
            options.name("count", count), ANSWERS, "identical answers that the row stands for"
        )
    columns = tuple(inner.values())
    present = data.collect_schema().names()
    keys = tuple(options.names("by", by))
    for name in (*keys, *(column.name for column in columns)):
        if name not in present:
            raise FrameError(name, "is missing", hint=f"{shape.name} needs it", present=present)
    if len(set(keys)) < len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise FrameError(twice, "is named twice in `by`", hint="name each column once")
    for column in columns:
        data = _typed(data, column)
    for name in keys:
        _check_plain(data, name)
    schema = data.collect_schema()
    return Checked(
        _select(data.lazy(), schema, keys=keys, inner=inner),
        tuple(Key(name, schema[name]) for name in keys),
        columns,
    )


def open_frame(frame: Any) -> nw.DataFrame[Any] | nw.LazyFrame[Any]:
    """A Narwhals frame around `frame`; FrameError if it is none, or names a column twice."""
    try:
        data: nw.DataFrame[Any] | nw.LazyFrame[Any] = nw.from_native(frame)
        data.collect_schema()
    except (TypeError, nw.exceptions.NarwhalsError) as error:
        raise FrameError(
            None,
            f"can't be read: {error}",
            hint="pass a pandas, Polars, pyarrow, DuckDB or Spark frame with unique columns",
        ) from error
    return data


def is_null(value: object) -> bool:
    """None, NaN, NaT and pandas' NA: whatever a Python value says for 'nothing'.

    >>> [is_null(value) for value in (None, float("nan"), 0, "")]
    [True, True, False, False]
    """
    if value is None or type(value).__name__ in {"NAType", "NaTType"}:
        return True
    return isinstance(value, (float, Decimal)) and math.isnan(value)


def wrong_values(column: Column, value: str) -> FrameError:
    """The one error for a value outside its column's kind, null included."""
    article = " or null" if column.nullable else ""
    return FrameError(
        column.name, f"holds {value}", hint=f"it must hold {column.kind.words}{article}"
    )


def _typed(
    data: nw.DataFrame[Any] | nw.LazyFrame[Any], column: Column
) -> nw.DataFrame[Any] | nw.LazyFrame[Any]:
    """Give an untyped pandas column (dtype object) a type, value by value, strictly."""
    if isinstance(data, nw.LazyFrame) or not data.implementation.is_pandas_like():
        return data
    series = data[column.name]
    if str(series.to_native().dtype) != "object":
        return data
    values = []
    for value in series.to_list():
        try:
            values.append(column.kind.parse(value))
        except (TypeError, ValueError) as error:
            raise wrong_values(column, repr(value)) from error
    dtype = nw.Float64() if isinstance(column.kind, Number) else nw.String()
    return data.with_columns(nw.new_series(column.name, values, dtype, backend=data.implementation))


def _check_plain(data: nw.DataFrame[Any] | nw.LazyFrame[Any], name: str) -> None:
    """FrameError where an untyped pandas column to group by holds lists and the like."""
    if isinstance(data, nw.LazyFrame) or not data.implementation.is_pandas_like():
        return
    series = data[name].to_native()
    try:
        if str(series.dtype) == "object":
            series.map(hash)
    except TypeError as error:
        raise FrameError(name, f"is no key: {error}", hint="group by plain values") from error


def _select(
    lazy: nw.LazyFrame[Any],
    schema: nw.Schema,
    *,
    keys: tuple[str, ...],
    inner: dict[str, Column],
) -> nw.LazyFrame[Any]:
    """Only the columns at the top of this file, whatever the frame's own are called."""
    # Step by step, each column used as it stands: a nested expression would be computed anew
    # wherever it occurs, which on pandas is most of the cost of a small frame.
    chosen = [_key(name, schema[name]).alias(f"_key{at}") for at, name in enumerate(keys)]
    raw = [nw.col(column.name).alias(f"_raw{at}") for at, column in enumerate(inner.values())]
    values, fits, wrongs = [], [], []
    for at, (name, column) in enumerate(inner.items()):
        dtype, source = schema[column.name], f"_raw{at}"
        if column.kind.readable(dtype):
            values.append(column.kind.read(nw.col(source), dtype).alias(name))
            fits.append(column.kind.fits(nw.col(name), dtype).alias(f"_fit{at}"))
            source = name
        else:  # of another type: fine as long as it holds nothing but nulls
            nothing = nw.Float64() if isinstance(column.kind, Number) else nw.String()
            values.append(nw.lit(None, nothing).alias(name))
            fits.append(nw.col(source).is_null().alias(f"_fit{at}"))
        empty = nw.col(source).is_null()
        right = nw.col(f"_fit{at}") | empty if column.nullable else nw.col(f"_fit{at}") & ~empty
        flag = nw.when(right).then(nw.lit(0.0)).otherwise(nw.lit(1.0))
        wrongs.append(flag.alias(f"_wrong{at}"))
    once = [nw.lit(1.0).alias(name) for name in (WEIGHT, COUNT) if name not in inner]
    lazy = lazy.select(*chosen, *raw).with_columns(*values, *once)
    return lazy.with_columns(*fits).with_columns(*wrongs)


def _key(name: str, dtype: nw.dtypes.DType) -> nw.Expr:
    key = nw.col(name)
    if dtype.is_float():
        return nw.when(~key.is_nan()).then(key)
    if isinstance(dtype, (nw.Categorical, nw.Enum)):
        return key.cast(nw.String())  # the order of an Enum comes back in the result
    if dtype.is_nested():
        raise FrameError(name, f"is of type {dtype}", hint="group by plain values")
    return key


def where(condition: nw.Expr, value: nw.Expr) -> nw.Expr:
    """`value` where the condition holds, else 0.0 (also where the condition is null)."""
    return nw.when(condition).then(value).otherwise(nw.lit(0.0))
