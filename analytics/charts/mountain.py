"""The lifecycle mountain: height and colour are the score of each stage, in order."""

from collections.abc import Sequence
from itertools import groupby
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
    vertical_grid,
    words,
)
from analytics.charts.look import Look, text_width, wrapped
from analytics.charts.palette import color
from analytics.charts.tables import Score, scores

ROW = 38  # pixels of a stage where the mountain lies on its side
LINE = 15
SLOTS = 5  # the places there are at least, so that one stage is a peak and no table mountain


def mountain(table: pd.DataFrame, look: Look) -> Picture:
    """Draw the score along the lifecycle: a ridge above the zero line, a trench below it.

    Columns `stage` (key), `label`, `nps`, `low`, `high` (points or null), `n`; optional
    `suppressed`; rows in lifecycle order. Where a stage's name would not fit its place (on a
    phone, or with long words) the mountain lies on its side and the lifecycle runs downwards.
    Colour runs between the classes of the stages; a stage without a score breaks the ridge, and
    one that stands alone is a peak.

    Labels: `nps`, `n`, `empty`, `few`, `weak`, `withheld`.
    """
    rows = scores(table, "stage")
    if not any(r.standing != "none" for r in rows):
        return empty(look, height=220)
    longest = max(text_width(word) for r in rows for word in r.label.split() or [""])
    return _upright(rows, look) if longest + 8 <= _slot(rows, look) else _lying(rows, look)


def _slot(rows: Sequence[Score], look: Look) -> float:
    """The width of a stage's place where the mountain stands."""
    return (look.width - 48) / max(SLOTS, len(rows))


def _upright(rows: Sequence[Score], look: Look) -> Picture:
    domain, ticks = score_domain([v for r in rows for v in (r.low, r.nps, r.high)])
    if any((r.nps or 0) < 0 for r in rows):
        domain = (domain[0] - 0.09 * (domain[1] - domain[0]), domain[1])  # room for a number
    slot = _slot(rows, look)
    beside = max(0, SLOTS - len(rows)) / 2
    lines = max(len(wrapped(r.label, slot - 8)) for r in rows)
    foot = 16 + lines * LINE + 20
    standings = {r.standing for r in rows}
    plane = Plane(
        width=look.width - 48,
        height=250,
        x=(-0.5 - beside, len(rows) - 0.5 + beside),
        y=domain,
        margins=(26, 8, foot + KEY_LINE * len(key_lines(look, standings)), 40),
        mirrored=look.rtl,
    )
    layers: list[Spec] = [*horizontal_grid(plane, look, ticks)]
    layers += [_ridge(plane, run, across=True) for run in _runs(rows)]
    whiskers = [
        {"x": i, "x2": i, "y": r.low, "y2": r.high, "stroke": color("ink-soft")}
        for i, r in enumerate(rows)
        if r.low is not None and r.high is not None
    ]
    places = [{"x": i, "y": r.nps, "score": r} for i, r in enumerate(rows) if r.nps is not None]
    layers += [
        *_holes(plane, look, rows, across=True),
        *([rules(plane, whiskers, width=1.5)] if whiskers else []),
        *_tops(plane, look, places),
        words(plane, _under(plane, look, rows, slot)),
        *key(plane, look, standings, top=plane.height + foot),
    ]
    return picture(plane, layers)


def _tops(plane: Plane, look: Look, places: Sequence[dict[str, Any]]) -> list[Spec]:
    """Dots at the scores; the scores themselves beyond the whisker, away from the zero line."""
    if not places:
        return []
    told = [p | {"about": about(look, p["score"])} for p in places]
    lift = (plane.y[1] - plane.y[0]) / plane.height * 15
    values = [
        {"x": p["x"], "y": _beyond(p["score"], lift), "text": look.number(p["y"]), "size": 14}
        for p in places
    ]
    return [*score_dots(plane, told), words(plane, values, bold=True)]


def _beyond(r: Score, lift: float) -> float:
    nps = r.nps or 0.0
    if nps < 0:
        return min(nps, nps if r.low is None else r.low) - lift
    return max(nps, nps if r.high is None else r.high) + lift


def _under(plane: Plane, look: Look, rows: Sequence[Score], slot: float) -> list[dict[str, Any]]:
    """Names of the stages, wrapped, and the number of answers below them."""
    said: list[dict[str, Any]] = []
    for i, r in enumerate(rows):
        named = wrapped(r.label, slot - 8)
        for k, text in enumerate(named):
            y = plane.y_at(plane.height + 18 + LINE * k)
            said.append({"x": i, "y": y, "text": look.text(text), "fill": color("ink")})
        y = plane.y_at(plane.height + 20 + LINE * len(named))
        said.append({"x": i, "y": y, "text": _answers(look, r), "size": 11})
    return said


def _lying(rows: Sequence[Score], look: Look) -> Picture:
    domain, ticks = score_domain([v for r in rows for v in (r.low, r.nps, r.high)], most=4)
    names = min(look.width * 0.34, max(text_width(r.label) for r in rows) + 14)
    after = max(text_width(_answers(look, r), 11) for r in rows) + 16
    standings = {r.standing for r in rows}
    foot = 6 + KEY_LINE * len(key_lines(look, standings))
    plane = Plane(
        width=look.width - names - after - 12,
        height=ROW * len(rows),
        x=domain,
        y=(0.5 - len(rows), 0.5),  # stage i lies at -i
        margins=(24, after + 4, foot, names + 8),
        mirrored=look.rtl,
    )
    layers: list[Spec] = [*vertical_grid(plane, look, ticks)]
    layers += [_ridge(plane, run, across=False) for run in _runs(rows)]
    whiskers = [
        {"x": r.low, "x2": r.high, "y": -i, "y2": -i, "stroke": color("ink-soft")}
        for i, r in enumerate(rows)
        if r.low is not None and r.high is not None
    ]
    places = [
        {"x": r.nps, "y": -i, "score": r, "about": about(look, r)}
        for i, r in enumerate(rows)
        if r.nps is not None
    ]
    layers += [
        *_holes(plane, look, rows, across=False),
        *([rules(plane, whiskers, width=1.5)] if whiskers else []),
        *score_dots(plane, places),
        *_columns(plane, look, rows, names=names, after=after),
        *key(plane, look, standings, top=plane.height + 6),
    ]
    return picture(plane, layers)


def _columns(
    plane: Plane, look: Look, rows: Sequence[Score], *, names: float, after: float
) -> list[Spec]:
    """Beside the lying mountain: names before it, scores over answers after it."""
    named = [
        {"x": plane.x_at(-names), "y": -i, "fill": color("ink")}
        | {"text": look.fitted(r.label, names)}
        for i, r in enumerate(rows)
    ]
    end, up = plane.x_at(plane.width + after), 8 / ROW
    values = [
        {"x": end, "y": up - i, "text": look.number(r.nps), "size": 14}
        for i, r in enumerate(rows)
        if r.nps is not None
    ]
    answers = [
        {"x": end, "y": -i - up, "text": _answers(look, r), "size": 11} for i, r in enumerate(rows)
    ]
    layers = [words(plane, named, align="left"), words(plane, answers, align="right")]
    return [*layers, words(plane, values, align="right", bold=True)] if values else layers


def _answers(look: Look, r: Score) -> str:
    if r.standing == "withheld":
        return "–"
    return look.text(f"{look.word('n')} = {look.number(r.n or 0)}")


def _runs(rows: Sequence[Score]) -> list[list[tuple[int, Score]]]:
    """Neighbouring stages that have a score, each with its position."""
    groups = groupby(enumerate(rows), key=lambda p: p[1].nps is not None)
    return [list(group) for known, group in groups if known]


def _ridge(plane: Plane, run: Sequence[tuple[int, Score]], *, across: bool) -> Spec:
    """The area of a run: level for half a stage at its ends, a peak where it is a lone stage."""
    first, last = run[0][0] - 0.5, run[-1][0] + 0.5
    feet = (0.0, 0.0) if len(run) == 1 else (run[0][1].nps, run[-1][1].nps)
    outline = [(first, feet[0]), *((i, r.nps) for i, r in run), (last, feet[1])]
    backwards = across and plane.mirrored
    stops = [
        {"offset": (last - i if backwards else i - first) / (last - first), "color": r.fill}
        for i, r in (reversed(run) if backwards else run)
    ]
    ends = {"x1": 0, "x2": 1, "y1": 0, "y2": 0} if across else {"x1": 0, "x2": 0, "y1": 0, "y2": 1}
    mark = {
        "type": "area",
        "orient": "vertical" if across else "horizontal",
        "interpolate": "monotone",
        "color": {"gradient": "linear", "stops": stops} | ends,
        "fillOpacity": 0.85,
        "stroke": color("outline"),
        "strokeWidth": 1.25,
    }
    rows = [{"along": i if across else -i, "nps": nps} for i, nps in outline]
    if across:
        x, y = plane.along_x("along"), plane.along_y("nps")
        return layer(mark, rows, x=x, y=y, y2={"datum": 0})
    x, y = plane.along_x("nps"), plane.along_y("along")
    return layer(mark, rows, x=x, y=y, x2={"datum": 0})


def _holes(plane: Plane, look: Look, rows: Sequence[Score], *, across: bool) -> list[Spec]:
    """A hatched block on the zero line for each stage whose score is withheld."""
    hidden = []
    for i, r in enumerate(rows):
        if r.standing != "withheld":
            continue
        if across:
            half = abs(plane.y_at(0) - plane.y_at(9))
            box = {"x": i - 0.3, "x2": i + 0.3, "y": -half, "y2": half}
        else:
            half = abs(plane.x_at(0) - plane.x_at(9))
            box = {"x": -half, "x2": half, "y": -i - 0.3, "y2": -i + 0.3}
        hidden.append(box | {"fill": r.fill, "about": about(look, r)})
    return [boxes(plane, hidden, corner=2)] if hidden else []
