"""What a change is made of: from the score before, part by part, to the score now."""

from collections.abc import Sequence
from itertools import pairwise

import pandas as pd

from analytics.charts.drawing import Picture, Plane, Spec, boxes, picture, rules, vertical_grid
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

HALF = 1.5  # pixels of the thinnest part


def waterfall(table: pd.DataFrame, look: Look) -> Picture:
    """Draw the first row as where it starts, the last as where it ends, parts between them.

    Columns `label`, `value` (of the first and last row the score, of the others what they add, in
    points, never null) and `said`, the same in words; the optional bool `aside` marks parts that
    are of another kind: these are drawn in the colour of a series, others by whether they lift or
    lower. Parts should add up; each starts where the one above ends. No labels.
    """
    rows = records(table, ("value",))
    if len(rows) < 2 or any(row["value"] is None for row in rows):
        raise FrameError("value", "is no way from one score to another", hint="begin and end")
    asides = table["aside"].tolist() if "aside" in table else [False] * len(rows)
    ends = [rows[0]["value"]]
    for row in rows[1:-1]:
        ends.append(ends[-1] + row["value"])
    ends.append(rows[-1]["value"])
    domain, ticks = close_domain(ends, most=3 if look.narrow else 5, least=4)
    plane = plane_of(look, rows, domain, Room(26, after_of(rows), 6))
    layers = [
        *vertical_grid(plane, look, ticks),
        _steps(plane, ends),
        *_parts(plane, look, rows, ends=ends, asides=asides),
        names(plane, look, rows),
        sayings(plane, look, rows),
    ]
    return picture(plane, layers)


def _steps(plane: Plane, ends: Sequence[float]) -> Spec:
    """Thin lines that lead from where a row ends to the next one."""
    lines = [
        {"x": end, "x2": end, "y": -at, "y2": -at - 1, "stroke": color("axis")}
        for at, (end, _) in enumerate(pairwise(ends))
    ]
    return rules(plane, lines)


def _parts(
    plane: Plane,
    look: Look,
    rows: Sequence[Record],
    *,
    ends: Sequence[float],
    asides: Sequence[bool],
) -> list[Spec]:
    thin = plane.x_at(HALF) - plane.x_at(0)
    drawn = []
    for at, (row, end) in enumerate(zip(rows, ends, strict=True)):
        is_level = at in (0, len(rows) - 1)
        start = end if is_level else ends[at - 1]
        low, high = min(start, end), max(start, end)
        spare = 2 * thin if is_level else max(0.0, thin - (high - low) / 2)
        fill = "positive" if end > start else "negative"
        if is_level:
            fill = "ink"
        elif end == start:
            fill = "axis"
        elif asides[at]:
            fill = "series"
        box = {"x": low - spare, "x2": high + spare, "y": -at - 0.3, "y2": -at + 0.3}
        told = look.text(f"{row['label']}: {row['said']}")
        drawn.append(box | {"fill": color(fill), "about": told})
    return [boxes(plane, drawn, corner=1)]
