"""How far each group moved: a dot on its interval, left or right of no change."""

from collections.abc import Sequence

import pandas as pd

from analytics.charts.drawing import (
    KEY_LINE,
    Picture,
    Plane,
    Spec,
    boxes,
    dots,
    empty,
    picture,
    vertical_grid,
)
from analytics.charts.look import Look
from analytics.charts.palette import color
from analytics.charts.rows import (
    Record,
    Room,
    Sign,
    after_of,
    close_domain,
    key,
    key_of,
    names,
    plane_of,
    records,
    sayings,
)


def moves(table: pd.DataFrame, look: Look) -> Picture:
    """Draw one row per group, in the table's order.

    Columns `label`, `change`, `low`, `high` (points, [-200, 200], or null) and `said`, the change
    in words; optional `significant` (in colour, with a diamond) and `weak` (few answers: smaller).

    Labels: `empty`; `moved` where something is significant.
    """
    rows = records(table, ("change", "low", "high"))
    if not rows:
        return empty(look)
    values = [0.0, *(row[name] for row in rows for name in ("change", "low", "high"))]
    domain, ticks = close_domain(values, most=3 if look.narrow else 5, limit=200)
    signs: list[Sign] = []
    if any(row["significant"] for row in rows):
        signs.append(("diamond", "ink", look.word("moved")))
    bottom = 8 + KEY_LINE * len(key_of(look, signs))
    plane = plane_of(look, rows, domain, Room(26, after_of(rows) + 14, bottom))
    layers = [
        *vertical_grid(plane, look, ticks),
        *_marks(plane, look, rows),
        names(plane, look, rows),
        sayings(plane, look, rows),
        *key(plane, look, signs, top=6),
    ]
    return picture(plane, layers)


def _marks(plane: Plane, look: Look, rows: Sequence[Record]) -> list[Spec]:
    bars, points, diamonds = [], [], []
    for at, row in enumerate(rows):
        told = {"about": look.text(f"{row['label']}: {row['said']}")}
        if row["low"] is not None and row["high"] is not None:
            ends = {"x": row["low"], "x2": row["high"], "y": -at - 0.1, "y2": -at + 0.1}
            bars.append(ends | told | {"fill": color("band")})
        if row["change"] is None:
            continue
        kind = "positive" if row["change"] > 0 else "negative"
        fill = color(kind if row["significant"] else "unreliable")
        size = 66 if row["weak"] else 110
        points.append({"x": row["change"], "y": -at, "fill": fill, "size": size} | told)
        if row["significant"]:
            place = {"x": plane.x_at(plane.width + 10), "y": -at}
            diamonds.append(place | {"fill": color("ink"), "size": 36})
    return [
        *([boxes(plane, bars, corner=3)] if bars else []),
        *([dots(plane, points)] if points else []),
        *([dots(plane, diamonds, shape="diamond")] if diamonds else []),
    ]
