"""What people complain of: per theme how many speak of it, how many badly, and how many before."""

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
    rules,
    words,
)
from analytics.charts.look import Look
from analytics.charts.palette import color
from analytics.charts.rows import (
    Record,
    Room,
    Sign,
    after_of,
    key,
    key_of,
    names,
    plane_of,
    records,
    sayings,
)

SHARES = ("speaking", "complaining", "complaining_before")
TICK = 1.25  # pixels, half of a tick
STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.25)


def complaints(table: pd.DataFrame, look: Look) -> Picture:
    """Draw one bar per theme, in the table's order.

    Columns `label`; `speaking`, `complaining`, `complaining_before`, shares of people in [0, 1] or
    null, those who complain being a part of those who speak; `said`, what is written after the
    bar; optional `significant` (the share who complain has changed; marked with a diamond).

    Labels: `empty`, `speaking`, `complaining`, `before`; `moved` where something is significant.
    """
    rows = records(table, SHARES)
    if not rows:
        return empty(look)
    reach = max(0.02, *(row[name] or 0.0 for row in rows for name in SHARES))
    signs: list[Sign] = [
        ("box", "negative", look.word("complaining")),
        ("box", "track", look.word("speaking")),
        ("tick", "ink", look.word("before")),
    ]
    if any(row["significant"] for row in rows):
        signs.append(("diamond", "ink", look.word("moved")))
    bottom = 8 + KEY_LINE * len(key_of(look, signs))
    room = Room(26, after_of(rows) + 14, bottom)
    plane = plane_of(look, rows, (0.0, reach * 1.03), room)
    layers = [
        *_grid(plane, look, reach),
        *_bars(plane, look, rows),
        names(plane, look, rows),
        sayings(plane, look, rows),
        *key(plane, look, signs, top=6),
    ]
    return picture(plane, layers)


def _grid(plane: Plane, look: Look, reach: float) -> list[Spec]:
    most = 3 if look.narrow else 6
    step = next((step for step in STEPS if reach <= most * step), 0.5)
    ticks = [step * at for at in range(int(reach / step) + 1)]
    lines = [
        {"x": t, "x2": t, "y": plane.y[0], "y2": plane.y[1]}
        | {"stroke": color("grid" if t else "axis")}
        for t in ticks
    ]
    shares = [{"x": t, "y": plane.y_at(-12), "text": look.percent(t)} for t in ticks]
    return [rules(plane, lines), words(plane, shares)]


def _bars(plane: Plane, look: Look, rows: Sequence[Record]) -> list[Spec]:
    bars, diamonds = [], []
    half = plane.x_at(TICK) - plane.x_at(0)
    for at, row in enumerate(rows):
        told = {"about": look.text(f"{row['label']}: {row['said']}")}
        for name, fill in (("speaking", "track"), ("complaining", "negative")):
            if row[name]:
                box = {"x": 0, "x2": row[name], "y": -at - 0.28, "y2": -at + 0.28}
                bars.append(box | told | {"fill": color(fill)})
        before = row["complaining_before"]
        if before is not None:
            box = {"x": max(0, before - half), "x2": before + half, "fill": color("ink")}
            bars.append(box | told | {"y": -at - 0.42, "y2": -at + 0.42})
        if row["significant"]:
            place = {"x": plane.x_at(plane.width + 10), "y": -at}
            diamonds.append(place | {"fill": color("ink"), "size": 36})
    return [
        *([boxes(plane, bars, corner=1)] if bars else []),
        *([dots(plane, diamonds, shape="diamond")] if diamonds else []),
    ]
