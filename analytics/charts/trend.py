"""A score over time: a line with its interval, which breaks where nobody answered."""

from collections.abc import Sequence
from datetime import date
from itertools import groupby, pairwise
from typing import Any

import pandas as pd

from analytics.charts.drawing import (
    KEY_LINE,
    Picture,
    Plane,
    Spec,
    about,
    boxes,
    empty,
    horizontal_grid,
    key,
    key_lines,
    layer,
    picture,
    rules,
    score_domain,
    score_dots,
    words,
)
from analytics.charts.look import Look, text_width
from analytics.charts.palette import color
from analytics.charts.tables import Score, scores
from analytics.errors import FrameError

LINE_HEIGHT = 18


def trend(table: pd.DataFrame, look: Look, *, marks: Sequence[tuple[date, str]] = ()) -> Picture:
    """Draw one score per bucket of time.

    Columns `bucket` (date, strictly ascending), `label` (the bucket as the reader writes it),
    `nps`, `low`, `high` (points or null), `n`; optional `suppressed`. Give every bucket of the
    period, also those without answers: they are the gaps. `marks` are dates with words, drawn as
    dashed lines (an instrument or a price changed). Time runs from right to left when `look.rtl`,
    as readers of Arabic and Hebrew expect of a line of time.

    Labels: `nps`, `n`, `empty`, `few`, `weak`, `withheld`.
    """
    rows = scores(table, "bucket")
    if not any(r.standing != "none" for r in rows):
        return empty(look)
    days = [_day(r.key) for r in rows]
    if any(b <= a for a, b in pairwise(days)):
        raise FrameError("bucket", "does not ascend", hint="sort by bucket, each one once")
    plane, ticks = _plane(rows, days, look, marked=bool(marks))
    layers = [
        *horizontal_grid(plane, look, ticks),
        *_withheld(plane, look, rows, days),
        *_line(plane, rows, days),
        *_marks(plane, look, marks, days),
        *_dots(plane, look, rows, days),
        _dates(plane, look, rows, days),
        *key(plane, look, {r.standing for r in rows}, top=plane.height + 34),
    ]
    return picture(plane, layers)


def _day(bucket: Any) -> int:
    try:
        return int(pd.Timestamp(bucket).toordinal())
    except (TypeError, ValueError) as error:
        raise FrameError("bucket", f"holds {bucket!r}", hint="give dates") from error


def _plane(
    rows: Sequence[Score], days: Sequence[int], look: Look, *, marked: bool
) -> tuple[Plane, list[float]]:
    domain, ticks = score_domain([v for r in rows for v in (r.low, r.nps, r.high)])
    lines = len(key_lines(look, {r.standing for r in rows}))
    margins = (30.0 if marked else 12.0, 40.0, 34.0 + lines * KEY_LINE, 40.0)
    half = _step(days) / 2
    plane = Plane(
        width=look.width - margins[1] - margins[3],
        height=180 if look.narrow else 220,
        x=(days[0] - half, days[-1] + half),
        y=domain,
        margins=margins,
        mirrored=look.rtl,
    )
    return plane, ticks


def _step(days: Sequence[int]) -> float:
    """The usual distance between buckets, in days."""
    gaps = sorted(b - a for a, b in pairwise(days))
    return gaps[len(gaps) // 2] if gaps else 30.0


def _withheld(plane: Plane, look: Look, rows: Sequence[Score], days: Sequence[int]) -> list[Spec]:
    half = _step(days) * 0.4
    hidden = [
        {"x": d - half, "x2": d + half, "y": plane.y_at(plane.height - 14), "y2": plane.y[0]}
        | {"fill": r.fill, "about": about(look, r)}
        for r, d in zip(rows, days, strict=True)
        if r.standing == "withheld"
    ]
    return [boxes(plane, hidden)] if hidden else []


def _line(plane: Plane, rows: Sequence[Score], days: Sequence[int]) -> list[Spec]:
    shown: list[dict[str, Any]] = []
    pairs = zip(rows, days, strict=True)
    for number, (known, group) in enumerate(groupby(pairs, key=lambda p: p[0].nps is not None)):
        if known:
            shown += [
                {"x": d, "y": r.nps, "low": r.low, "high": r.high, "run": number} for r, d in group
            ]
    banded = [row for row in shown if row["low"] is not None and row["high"] is not None]
    run = {"field": "run", "type": "nominal"}
    band = layer(
        {"type": "area", "fill": color("band"), "opacity": 0.6},
        banded,
        x=plane.along_x(),
        y=plane.along_y("low"),
        y2={"field": "high"},
        detail=run,
    )
    line = layer(
        {"type": "line", "stroke": color("series"), "strokeWidth": 2.25, "strokeJoin": "round"},
        shown,
        x=plane.along_x(),
        y=plane.along_y(),
        detail=run,
    )
    return [band, line] if banded else [line]


def _dots(plane: Plane, look: Look, rows: Sequence[Score], days: Sequence[int]) -> list[Spec]:
    known = [(r, d) for r, d in zip(rows, days, strict=True) if r.nps is not None]
    if not known:
        return []
    room = plane.width / max(1, len(rows))
    shown = [{"x": d, "y": r.nps, "score": r, "about": about(look, r)} for r, d in known]
    newest, day = known[-1]
    beside = plane.x_at(plane.x_pixels(day) + 10)
    value = {"x": beside, "y": newest.nps, "text": look.number(newest.nps or 0), "size": 14}
    return [
        *score_dots(plane, shown, size=min(80.0, max(14.0, room * 4))),
        words(plane, [value], align="left", bold=True),
    ]


def _marks(
    plane: Plane, look: Look, marks: Sequence[tuple[date, str]], days: Sequence[int]
) -> list[Spec]:
    half = _step(days) / 2
    seen = [(_day(d), w) for d, w in marks if days[0] - half <= _day(d) <= days[-1] + half]
    if not seen:
        return []
    lines, said, free = [], [], -40.0
    for day, text in sorted(seen):
        lines.append({"x": day, "x2": day, "y": plane.y[0], "y2": plane.y_at(-10)})
        at = min(plane.x_pixels(day), max(0.0, plane.width + 36 - text_width(text)))
        if at >= free:
            cut = look.fitted(text, plane.width + 36 - at)
            said.append({"x": plane.x_at(at), "y": plane.y_at(-19), "text": cut})
            free = at + text_width(text) + 14
    stroked = [line | {"stroke": color("axis")} for line in lines]
    return [rules(plane, stroked, dash=(3, 3)), words(plane, said, align="left")]


def _dates(plane: Plane, look: Look, rows: Sequence[Score], days: Sequence[int]) -> Spec:
    widest = max(text_width(r.label) for r in rows) + 16
    fit = max(1, int(plane.width // widest))
    every = -(-len(rows) // fit)
    # Counted from the newest back, since that is the bucket people ask about.
    said = [
        {"x": d, "y": plane.y_at(plane.height + LINE_HEIGHT), "text": look.text(r.label)}
        for i, (r, d) in enumerate(zip(rows, days, strict=True))
        if (len(rows) - 1 - i) % every == 0
    ]
    return words(plane, said)
