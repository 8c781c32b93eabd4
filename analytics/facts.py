"""The two shapes of the lake: what was answered, and which themes comments mention.

A shape is data, so that whoever fills it (the lake's writer, a notebook) and whoever reads it (the
planner in `plan.py`) agree by construction. `read` opens a frame of any engine that Narwhals knows
and refuses what breaks the shape.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import narwhals as nw
import pandas as pd

from analytics.errors import FrameError
from analytics.frames import open_frame

Type = Literal["int64", "str", "date", "bool"]


@dataclass(frozen=True)
class Field:
    """A column: its name, type and meaning, the codes it may hold, and whether it may be null."""

    name: str
    type: Type
    meaning: str
    nullable: bool = False
    codes: tuple[str, ...] = ()


@dataclass(frozen=True)
class FactShape:
    """The columns of a table of the lake, in their order; `month` is the folder they lie in."""

    name: str
    fields: tuple[Field, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its columns.

        >>> FACTS.names[:4]
        ('workspace', 'response', 'question', 'month')
        """
        return tuple(field.name for field in self.fields)


_ANSWER = (
    Field("workspace", "int64", "the tenant"),
    Field("response", "int64", "id of the response"),
    Field("question", "str", "key of the question in the survey"),
    Field("month", "str", "that of `day`, as 2026-11: the partition"),
    # Of an anonymous survey there are only released answers (`releases.py`), on the Sunday of the
    # week in which they were, and received when it was over.
    Field("day", "date", "date of the answer in the workspace's time zone"),
    Field("received", "int64", "when it arrived, in microseconds since 1970 UTC"),
    Field("survey", "str", "key of the survey"),
    Field("kind", "str", "of the survey", codes=("relational", "transactional")),
    Field("version", "int64", "number of the survey's version"),
    Field("orientation", "str", "in which order the scale was shown"),
)
_PERSON = (
    Field("person", "int64", "hash of the customer, or of an anonymous response, in its workspace"),
    Field("anonymous", "bool", "the survey promises anonymity"),
)
_ABOUT = (
    Field("country", "str", "ISO 3166-1 alpha-2", nullable=True),
    Field("region", "str", "region of the country, or the workspace's own", nullable=True),
    Field("language", "str", "that the survey was shown in", nullable=True),
    Field(
        "comment_language",
        "str",
        "that of the response's first analysed comment, on all its rows",
        nullable=True,
    ),
    Field("stage", "str", "lifecycle stage at the time of the answer", nullable=True),
    Field("age_band", "str", "as 25-34", nullable=True),
    Field("gender", "str", "as the customer says", nullable=True),
    Field("channel", "str", "how the answer came", nullable=True),
)
POLARITIES = ("negative", "neutral", "positive")

FACTS = FactShape(
    "facts",  # a row per answered score question, and per comment, of each counted response
    (
        *_ANSWER,
        Field("metric", "str", "what was asked", codes=("nps", "csat", "ces", "comment")),
        Field("score", "int64", "null for comments", nullable=True),
        Field(
            "sentiment",
            "str",
            "of a comment; null: not scored, or not read yet",
            nullable=True,
            codes=POLARITIES,
        ),
        *_PERSON,
        *_ABOUT,
    ),
)
MENTIONS = FactShape(
    "mentions",  # a row per mention of a theme in a comment
    (
        *_ANSWER,
        Field("theme", "str", "code of the theme, as theme.delivery"),
        Field("code", "str", "what of it is meant, as theme.delivery.speed"),
        Field(
            "polarity", "str", "how it is spoken of; null: not scored", nullable=True,
            codes=POLARITIES,
        ),
        *_PERSON,
        *_ABOUT,
    ),
)  # fmt: skip


def read(frame: Any, shape: FactShape, *, needed: Iterable[str] | None = None) -> nw.LazyFrame[Any]:
    """A frame of any engine, checked, lazy. `needed` are the columns asked for (None: all).

    Raises FrameError where a needed column is missing (it names the nearest present) or of another
    type. Whole numbers may come as floats, days as midnights: pandas has no others for columns with
    nulls, or for dates.

    >>> read(pd.DataFrame({"workspaces": [1]}), FACTS, needed=["workspace"])
    Traceback (most recent call last):
    analytics.errors.FrameError: column 'workspace' is missing; facts need it (int64: the tenant);
    did you mean 'workspaces'?
    """
    data = open_frame(frame)
    wanted = shape.names if needed is None else tuple(needed)
    fields = [field for field in shape.fields if field.name in wanted]
    data = _dated(data, fields)
    schema = data.collect_schema()
    for field in fields:
        if field.name not in schema:
            raise FrameError(
                field.name,
                "is missing",
                hint=f"{shape.name} need it ({field.type}: {field.meaning})",
                present=schema.names(),
            )
        if not _fits(field, schema[field.name]):
            raise FrameError(
                field.name,
                f"is of type {schema[field.name]}",
                hint=f"{shape.name} hold {field.type} there: {field.meaning}",
            )
    return data.lazy()


def _fits(field: Field, dtype: nw.dtypes.DType) -> bool:
    if isinstance(dtype, nw.Unknown):  # holds only nulls
        return field.nullable
    if field.type == "int64":
        return dtype.is_numeric()
    if field.type == "str":
        return isinstance(dtype, (nw.String, nw.Categorical, nw.Enum))
    if field.type == "bool":
        return isinstance(dtype, nw.Boolean)
    return isinstance(dtype, nw.Date) or (isinstance(dtype, nw.Datetime) and not dtype.time_zone)


def _dated(
    data: nw.DataFrame[Any] | nw.LazyFrame[Any], fields: Iterable[Field]
) -> nw.DataFrame[Any] | nw.LazyFrame[Any]:
    """Columns of pandas with `datetime.date` objects, as a driver gives them, as midnights."""
    if not data.implementation.is_pandas_like():
        return data
    native: pd.DataFrame = nw.to_native(data)
    dates = [field.name for field in fields if field.type == "date" and field.name in native]
    loose = [name for name in dates if native[name].dtype == object]
    try:
        midnights: nw.DataFrame[Any] = nw.from_native(
            native.assign(**{name: pd.to_datetime(native[name]) for name in loose})
        )
    except (TypeError, ValueError) as error:
        raise FrameError(loose[0], f"holds no dates: {error}", hint="workspace dates") from error
    return midnights
