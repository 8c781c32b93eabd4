"""What charts take: small tables with declared columns, checked at the door."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from analytics.charts.palette import Standing, color, score_color, standing
from analytics.errors import FrameError


@dataclass(frozen=True)
class Score:
    """One row with a score. `key` is the row's place: a date, stage, country or its position."""

    key: Any
    label: str
    nps: float | None
    low: float | None
    high: float | None
    n: int | None
    standing: Standing
    significant: bool = field(default=False)

    @property
    def fill(self) -> str:
        """The colour to draw the row in."""
        if self.standing == "withheld":
            return color("withheld")
        if self.standing == "none" or self.nps is None:
            return color("land")
        return color("unreliable") if self.standing == "weak" else score_color(self.nps)


def require(table: pd.DataFrame, columns: Sequence[str]) -> None:
    """Raise `FrameError` for the first of the columns that the table lacks."""
    for column in columns:
        if column not in table.columns:
            hint = f"this chart needs the columns {', '.join(columns)}"
            raise FrameError(column, "is missing", hint=hint, present=map(str, table.columns))


def scores(table: pd.DataFrame, key: str, *, interval: bool = True) -> list[Score]:
    """The rows of a table of scores, in its order.

    Needs `key` (when not `label`), `label`, `nps`, `n`, with `interval` also `low` and `high`;
    takes `suppressed` and `significant` (bool) where present. Scores are points in [-100, 100]
    or null. A suppressed row loses every number here, so that no chart can show one.
    """
    points = ("nps", "low", "high") if interval else ("nps",)
    require(table, list(dict.fromkeys([key, "label", *points, "n"])))
    return [_score(row, key, points) for row in table.to_dict("records")]


def _score(row: dict[Any, Any], key: str, points: Iterable[str]) -> Score:
    hidden = _flag(row, "suppressed")
    values = {name: None if hidden else _number(row, name) for name in points}
    for name, value in values.items():
        if value is not None and not -100 <= value <= 100:
            raise FrameError(name, f"holds {value}", hint="a score lies in [-100, 100]")
    n = None if hidden else _count(row, "n")
    nps = values["nps"]
    return Score(
        key=row[key],
        label=_label(row),
        nps=nps,
        low=values.get("low"),
        high=values.get("high"),
        n=n,
        standing=standing(nps, n, suppressed=hidden),
        significant=not hidden and _flag(row, "significant"),
    )


@dataclass(frozen=True)
class Counts:
    """One row of counts by name; None where the row is suppressed."""

    label: str
    counts: dict[str, int] | None
    net: float | None = None


def counts(table: pd.DataFrame, columns: Sequence[str], *, labelled: bool) -> list[Counts]:
    """The rows of a table of counts (whole, not negative), in its order.

    With `labelled`, `label` is needed too and `net` (points, may be null) is read; `suppressed`
    (bool) is taken where present.
    """
    require(table, ["label", *columns, "net"] if labelled else list(columns))
    out = []
    for row in table.to_dict("records"):
        hidden = _flag(row, "suppressed")
        values = None if hidden else {name: _count(row, name) or 0 for name in columns}
        net = _number(row, "net") if labelled and not hidden else None
        out.append(Counts(_label(row) if labelled else "", values, net))
    return out


def _label(row: dict[Any, Any]) -> str:
    if pd.isna(row["label"]):
        raise FrameError("label", "holds null", hint="name the group without a key, too")
    return str(row["label"])


def _flag(row: dict[Any, Any], name: str) -> bool:
    value = row.get(name)
    return False if value is None or value is pd.NA else bool(value == 1)


def _number(row: dict[Any, Any], name: str) -> float | None:
    value = row[name]
    if value is None or value is pd.NA:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise FrameError(name, f"holds {value!r}", hint="give numbers or null") from error
    if math.isinf(number):
        raise FrameError(name, "holds an infinite number", hint="give numbers or null")
    return None if math.isnan(number) else number


def _count(row: dict[Any, Any], name: str) -> int | None:
    number = _number(row, name)
    if number is not None and (number < 0 or number != int(number)):
        raise FrameError(name, f"holds {number}", hint="a count is a whole number, 0 or more")
    return None if number is None else int(number)
