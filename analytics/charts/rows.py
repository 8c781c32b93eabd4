"""What charts of one row per group share: reading their tables, names before, a key below."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import pandas as pd

from analytics.charts.drawing import KEY_LINE, Plane, Spec, boxes, dots, words
from analytics.charts.look import Look, text_width
from analytics.charts.palette import color
from analytics.charts.tables import require
from analytics.errors import FrameError

ROW = 30  # pixels
Record: TypeAlias = dict[str, Any]
Sign: TypeAlias = tuple[Literal["box", "tick", "diamond"], str, str]  # mark, colour's name, word


def records(
    table: pd.DataFrame, numbers: Sequence[str], *, texts: Sequence[str] = ("label", "said")
) -> list[Record]:
    """The rows of a table: its numbers (None for null), texts, and `significant` and `weak`.

    FrameError where a column is missing, a text is null, or a number is none.
    """
    require(table, [*texts, *numbers])
    return [_record(row, numbers, texts) for row in table.to_dict("records")]


def _record(row: Mapping[Any, Any], numbers: Sequence[str], texts: Sequence[str]) -> Record:
    found: Record = {}
    for name in texts:
        if pd.isna(row[name]):
            raise FrameError(name, "holds null", hint="say it in words")
        found[name] = str(row[name])
    for name in numbers:
        value = row[name]
        try:
            found[name] = None if pd.isna(value) else float(value)
        except (TypeError, ValueError) as error:
            raise FrameError(name, f"holds {value!r}", hint="give numbers or null") from error
    for name in ("significant", "weak"):
        found[name] = row.get(name) is not pd.NA and bool(row.get(name, False))
    return found


@dataclass(frozen=True)
class Room:
    """Pixels around the rows: above, after them, and lines of a key and the like below."""

    top: float
    after: float
    bottom: float


def plane_of(look: Look, rows: Sequence[Record], domain: tuple[float, float], room: Room) -> Plane:
    """The plane of as many rows, the first on top at y = 0, the next at -1; names before it."""
    names = min(look.width * 0.34, max(text_width(row["label"]) for row in rows) + 6)
    return Plane(
        width=look.width - names - room.after - 24,
        height=ROW * len(rows),
        x=domain,
        y=(0.5 - len(rows), 0.5),
        margins=(room.top, room.after + 8, room.bottom, names + 16),
        mirrored=look.rtl,
    )


def after_of(rows: Sequence[Record]) -> float:
    """Room for what is said after each row."""
    return 14 + max(text_width(row["said"], 13) for row in rows)


def names(plane: Plane, look: Look, rows: Sequence[Record]) -> Spec:
    """The names of the rows, before them."""
    start, room = 8 - plane.margins[3], plane.margins[3] - 16
    placed = [
        {"x": plane.x_at(start), "y": -at, "text": look.fitted(row["label"], room)}
        | {"fill": color("ink")}
        for at, row in enumerate(rows)
    ]
    return words(plane, placed, align="left")


def sayings(plane: Plane, look: Look, rows: Sequence[Record]) -> Spec:
    """What is said after each row, bold; soft where the row is `weak`."""
    end = plane.x_at(plane.width + plane.margins[1] - 8)
    placed = [
        {"x": end, "y": -at, "text": look.text(row["said"]), "size": 13}
        | ({"fill": color("ink-soft")} if row["weak"] else {})
        for at, row in enumerate(rows)
    ]
    return words(plane, placed, align="right", bold=True)


def close_domain(
    values: Sequence[float | None], *, most: int, least: float = 20.0, limit: float = 100.0
) -> tuple[tuple[float, float], list[float]]:
    """A domain around the values, 0 in it or not, at least `least` wide, and up to `most` ticks.

    There is no tick beyond ± `limit`, where no value can lie.
    """
    known = [value for value in values if value is not None] or [0.0]
    low, high = min(known), max(known)
    spare = max(0.08 * (high - low), (least - (high - low)) / 2)
    ends = (low - spare, high + spare)
    span = ends[1] - ends[0]
    step = next((s for s in (2, 5, 10, 20, 25, 50) if span <= most * s), 100)
    first = int(ends[0] // step) * step
    ticks = [float(t) for t in range(first, int(ends[1]) + 1, step) if ends[0] <= t <= ends[1]]
    ticks = [tick for tick in ticks if abs(tick) <= limit]
    return ends, ticks


def key_of(look: Look, signs: Sequence[Sign]) -> list[list[tuple[Sign, float]]]:
    """The signs to explain, in lines, each with its pixels after the start edge."""
    lines: list[list[tuple[Sign, float]]] = [[]]
    at = 0.0
    for sign in signs:
        room = 20 + text_width(sign[2]) + 16
        if lines[-1] and at + room > look.width - 16:
            lines.append([])
            at = 0.0
        lines[-1].append((sign, at))
        at += room
    return lines if lines[0] else []


def key(plane: Plane, look: Look, signs: Sequence[Sign], *, top: float) -> list[Spec]:
    """The key, `top` pixels below the rows."""
    said, swatches, diamonds = [], [], []
    for line, entries in enumerate(key_of(look, signs)):
        y = plane.height + top + KEY_LINE * (line + 0.5)
        for (mark, fill, word), at in entries:
            x = at + 10 - plane.margins[3]
            said.append({"x": plane.x_at(x + 14), "y": plane.y_at(y), "text": look.text(word)})
            if mark == "diamond":
                place = {"x": plane.x_at(x), "y": plane.y_at(y), "fill": color(fill)}
                diamonds.append(place | {"size": 36})
                continue
            half = 5 if mark == "box" else 1.25
            box = {"x": plane.x_at(x - half), "x2": plane.x_at(x + half), "fill": color(fill)}
            swatches.append(box | {"y": plane.y_at(y - 6), "y2": plane.y_at(y + 6)})
    return [
        *([boxes(plane, swatches, corner=1)] if swatches else []),
        *([dots(plane, diamonds, shape="diamond")] if diamonds else []),
        *([words(plane, said, align="left")] if said else []),
    ]
