"""A score by any dimension: one row per segment, a dot on its interval."""

from collections.abc import Sequence

import pandas as pd

from analytics.charts.drawing import (
    KEY_LINE,
    Picture,
    Plane,
    Spec,
    about,
    boxes,
    dots,
    empty,
    key,
    key_lines,
    picture,
    rules,
    score_domain,
    score_dots,
    vertical_grid,
    words,
)
from analytics.charts.look import Look, text_width
from analytics.charts.palette import color
from analytics.charts.tables import Score, scores

ROW = 30  # pixels


def segments(table: pd.DataFrame, look: Look, *, overall: float | None = None) -> Picture:
    """Draw one row per segment, in the table's order.

    Columns `label`, `nps`, `low`, `high` (points or null), `n`; optional `suppressed` and
    `significant` (differs from the rest; marked with a diamond). `overall`: the score of all,
    as a dashed line.

    Labels: `nps`, `n`, `answers`, `empty`, `few`, `weak`, `withheld`; `overall` and `significant`
    where used.
    """
    rows = scores(table, "label")
    if not rows:
        return empty(look)
    plane, ticks, names = _plane(rows, look, overall)
    layers = [
        *vertical_grid(plane, look, ticks),
        *_overall(plane, look, overall),
        *_intervals(plane, look, rows),
        *_columns(plane, look, rows, names),
        *key(plane, look, {r.standing for r in rows}, top=plane.height + 26),
        *_significant(plane, look, rows),
    ]
    return picture(plane, layers)


def _plane(
    rows: Sequence[Score], look: Look, overall: float | None
) -> tuple[Plane, list[float], float]:
    known = [overall, *(v for r in rows for v in (r.low, r.nps, r.high))]
    domain, ticks = score_domain(known, most=3 if look.narrow else 5)
    names = min(look.width * 0.32, max(text_width(r.label) for r in rows) + 6)
    lines = len(key_lines(look, {r.standing for r in rows}))
    lines += any(r.significant for r in rows)
    after = _after(look, rows)
    plane = Plane(
        width=look.width - names - after - 24,
        height=ROW * len(rows),
        x=domain,
        y=(0.5 - len(rows), 0.5),
        margins=(26, after + 8, 26 + KEY_LINE * lines, names + 16),
        mirrored=look.rtl,
    )
    return plane, ticks, names


def _after(look: Look, rows: Sequence[Score]) -> float:
    """Room for the score and its answers after a row."""
    return 58 + max(text_width(look.number(r.n or 0), 11) for r in rows)


def _overall(plane: Plane, look: Look, overall: float | None) -> list[Spec]:
    if overall is None:
        return []
    line = {"x": overall, "x2": overall, "y": plane.y[0], "y2": plane.y[1]}
    said = look.text(f"{look.word('overall')} {look.number(overall)}")
    half = text_width(said) / 2 - 8
    at = min(max(plane.x_pixels(overall), half), plane.width - half)
    under = {"x": plane.x_at(at), "y": plane.y_at(plane.height + 14), "text": said}
    return [
        rules(plane, [line | {"stroke": color("series")}], width=1.5, dash=(5, 3)),
        words(plane, [under | {"fill": color("ink")}]),
    ]


def _intervals(plane: Plane, look: Look, rows: Sequence[Score]) -> list[Spec]:
    bars, circles, hidden = [], [], []
    half = plane.x_at(14) - plane.x_at(0)
    for i, r in enumerate(rows):
        told = about(look, r)
        if r.standing == "withheld":
            box = {"x": -half, "x2": half, "y": -i - 0.22, "y2": -i + 0.22}
            hidden.append(box | {"fill": r.fill, "about": told})
        if r.nps is not None:
            circles.append({"x": r.nps, "y": -i, "score": r, "about": told})
        if r.low is not None and r.high is not None:
            ends = {"x": r.low, "x2": r.high, "y": -i - 0.1, "y2": -i + 0.1}
            bars.append(ends | {"fill": color("band"), "about": told})
    return [
        *([boxes(plane, bars, corner=3)] if bars else []),
        *([boxes(plane, hidden, corner=2)] if hidden else []),
        *(score_dots(plane, circles, size=110) if circles else []),
    ]


def _columns(plane: Plane, look: Look, rows: Sequence[Score], names: float) -> list[Spec]:
    named = [
        {"x": plane.x_at(-names - 8), "y": -i, "fill": color("ink")}
        | {"text": look.fitted(r.label, names)}
        for i, r in enumerate(rows)
    ]
    end = plane.x_at(plane.width + _after(look, rows))
    middle = plane.x_at(plane.width + 44)
    values = [
        {"x": middle, "y": -i, "text": look.number(r.nps), "size": 13}
        for i, r in enumerate(rows)
        if r.nps is not None
    ]
    answers = [
        {"x": end, "y": -i, "text": look.number(r.n or 0), "size": 11}
        for i, r in enumerate(rows)
        if r.standing != "withheld"
    ]
    head = {"x": end, "y": plane.y_at(-12), "text": look.text(look.word("answers")), "size": 11}
    return [
        words(plane, named, align="left"),
        words(plane, [head, *answers], align="right"),
        *([words(plane, values, align="right", bold=True)] if values else []),
    ]


def _significant(plane: Plane, look: Look, rows: Sequence[Score]) -> list[Spec]:
    """Diamonds beside the scores that differ from the rest, and their line of the key."""
    marked = [-i for i, r in enumerate(rows) if r.significant and r.nps is not None]
    if not marked:
        return []
    look_at = KEY_LINE * (len(key_lines(look, {r.standing for r in rows})) + 0.5) + 26
    y, start = plane.y_at(plane.height + look_at), -plane.margins[3] + 10
    places = [{"x": plane.x_at(plane.width + 10), "y": i} for i in marked]
    places.append({"x": plane.x_at(start), "y": y})
    said = {"x": plane.x_at(start + 14), "y": y, "text": look.text(look.word("significant"))}
    return [
        dots(plane, [p | {"fill": color("ink"), "size": 36} for p in places], shape="diamond"),
        words(plane, [said], align="left"),
    ]
