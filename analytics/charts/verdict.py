"""A score before and now, and its change: does the bar of the change leave the score before?"""

from collections.abc import Sequence

import pandas as pd

from analytics.charts.drawing import (
    Picture,
    Plane,
    Spec,
    boxes,
    dots,
    picture,
    rules,
    vertical_grid,
)
from analytics.charts.look import Look
from analytics.charts.palette import color
from analytics.charts.rows import (
    Record,
    Room,
    after_of,
    close_domain,
    names,
    plane_of,
    records,
    sayings,
)
from analytics.errors import FrameError


def verdict(table: pd.DataFrame, look: Look) -> Picture:
    """Draw the score before, now, and the change, which starts at the score before.

    Three rows in this order, columns `label`, `value`, `low`, `high` in points (scores in [-100,
    100], the change in [-200, 200]) and `said`, the value in words; optional `significant` and
    `weak` (few answers). A dashed line runs through the score before: where the bar of the change
    crosses it, the change may be chance, and it is grey. No labels.
    """
    rows = records(table, ("value", "low", "high"))
    if len(rows) != 3:
        raise FrameError(None, f"has {len(rows)} rows", hint="give before, now and change")
    if any(row[name] is None for row in rows for name in ("value", "low", "high")):
        raise FrameError("value", "holds null", hint="draw a change of two known scores")
    start = rows[0]["value"]
    for name in ("value", "low", "high"):
        rows[2][name] = min(100.0, max(-100.0, start + rows[2][name]))
    values = [row[name] for row in rows for name in ("value", "low", "high")]
    domain, ticks = close_domain(values, most=4 if look.narrow else 8)
    plane = plane_of(look, rows, domain, Room(26, after_of(rows), 6))
    line = {"x": start, "x2": start, "y": plane.y[0], "y2": plane.y[1]}
    layers = [
        *vertical_grid(plane, look, ticks),
        rules(plane, [line | {"stroke": color("ink-soft")}], width=1.5, dash=(5, 3)),
        *_marks(plane, look, rows),
        names(plane, look, rows),
        sayings(plane, look, rows),
    ]
    return picture(plane, layers)


def _marks(plane: Plane, look: Look, rows: Sequence[Record]) -> list[Spec]:
    change = rows[2]
    kind = "positive" if change["value"] > rows[0]["value"] else "negative"
    fills = ("surface", "series", kind if change["significant"] else "unreliable")
    bars, points = [], []
    for at, (row, fill) in enumerate(zip(rows, fills, strict=True)):
        told = {"about": look.text(f"{row['label']}: {row['said']}")}
        ends = {"x": row["low"], "x2": row["high"], "y": -at - 0.12, "y2": -at + 0.12}
        bars.append(ends | told | {"fill": color("band")})
        points.append({"x": row["value"], "y": -at, "fill": color(fill), "size": 120} | told)
    return [boxes(plane, bars, corner=3), dots(plane, points)]
