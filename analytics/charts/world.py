"""Where scores come from: a map of the world by country, with dots for places too small to see.

`world.json` is made by `tests/tools/make_world.py` from Natural Earth 1:110m and 1:50m (public
domain), in the Equal Earth projection, so that no country is flattered by its size.
"""

import json
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any

import pandas as pd

from analytics.charts.drawing import (
    KEY_LINE,
    Picture,
    Plane,
    Spec,
    about,
    boxes,
    dots,
    given,
    key,
    key_lines,
    picture,
    score_dots,
    words,
)
from analytics.charts.look import Look
from analytics.charts.palette import THRESHOLDS, color, score_color
from analytics.charts.tables import Score, scores
from analytics.errors import FrameError

EDGE = 6  # pixels beside the map, for dots at its rim
SCALE_ROOM = 44  # pixels below the map for the classes


def world(table: pd.DataFrame, look: Look) -> Picture:
    """Draw each country in the class of its score; countries without a row stay plain land.

    Columns `country` (ISO 3166 alpha-2), `label`, `nps` (points or null), `n`; optional
    `suppressed`. Rows whose country is null or not on the map are left out (the table beside the
    map has them); `places()` says which codes the map knows. A map is not mirrored for
    right-to-left readers.

    Labels: `nps`, `n`, `empty`, `few`, `weak`, `withheld`.
    """
    known = places()
    found = [r for r in scores(table, "country", interval=False) if r.key in known]
    rows = {str(r.key): r for r in found}
    if len(rows) < len(found):
        raise FrameError("country", "repeats a code", hint="give one row per country")
    wide, high = _map()["size"]
    k = (look.width - 2 * EDGE) / wide
    standings = {r.standing for r in rows.values()}
    foot = SCALE_ROOM + KEY_LINE * len(key_lines(look, standings))
    plane = Plane(wide * k, high * k, (0, wide), (-high, 0), (6, EDGE, foot, EDGE))
    layers: list[Spec] = [_countries(rows, look, k)]
    layers += _dots(plane, rows, look)
    below = replace(plane, mirrored=look.rtl)
    layers += _classes(below, look)
    layers += key(below, look, standings, top=plane.height + SCALE_ROOM)
    spec = picture(plane, layers).spec
    return Picture(spec | {"resolve": {"scale": {"x": "independent"}}})


@cache
def places() -> frozenset[str]:
    """The ISO 3166 alpha-2 codes that the map can show (and XK, Kosovo)."""
    return frozenset(_map()["points"])


@cache
def _map() -> dict[str, Any]:
    text = files(__package__).joinpath("world.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def _countries(rows: dict[str, Score], look: Look, k: float) -> Spec:
    shapes = [
        shape | {"properties": _dress(rows.get(shape["id"]), look)}
        for shape in _map()["objects"]["countries"]["geometries"]
    ]
    topology = {name: _map()[name] for name in ("type", "transform", "arcs")}
    topology["objects"] = {"countries": {"type": "GeometryCollection", "geometries": shapes}}
    return {
        "data": {"values": topology, "format": {"type": "topojson", "feature": "countries"}},
        "mark": {
            "type": "geoshape",
            "clip": False,
            "stroke": color("surface"),
            "strokeWidth": 0.6,
            "aria": True,
        },
        "encoding": {
            "fill": given("properties.fill"),
            "description": {"field": "properties.about", "type": "nominal"},
        },
        "projection": {"type": "identity", "scale": k, "translate": [0, 0]},
    }


def _dress(row: Score | None, look: Look) -> dict[str, Any]:
    """What a country wears: its colour and what a pointer is told."""
    if row is None:
        return {"fill": color("land"), "about": ""}
    return {"fill": row.fill, "about": about(look, row)}


def _dots(plane: Plane, rows: dict[str, Score], look: Look) -> list[Spec]:
    """Small places as dots; the mark of few answers on the countries that have an area."""
    drawn = {shape["id"] for shape in _map()["objects"]["countries"]["geometries"]}
    shown, holes = [], []
    for code, row in rows.items():
        x, y = _map()["points"][code]
        place = {"x": x, "y": -y, "about": about(look, row)}
        if code not in drawn and row.standing != "none":
            shown.append(place | {"score": row})
        elif row.standing == "few":
            holes.append(place | {"fill": color("surface"), "size": 16})
    size = 50 if look.narrow else 80
    return [*score_dots(plane, shown, size=size), *([dots(plane, holes)] if holes else [])]


def _classes(plane: Plane, look: Look) -> list[Spec]:
    """The classes of the score, worst to best in reading direction, with their bounds."""
    bounds = (-100, *THRESHOLDS, 100)
    step = min(46.0, (plane.width - 32) / (len(bounds) - 1))
    at = [plane.x_at(16 + step * i) for i in range(len(bounds))]
    top, bottom = plane.y_at(plane.height + 10), plane.y_at(plane.height + 20)
    bars = [
        {"x": start, "x2": end, "y": top, "y2": bottom, "fill": score_color(bound)}
        for start, end, bound in zip(at, at[1:], bounds, strict=False)
    ]
    under = plane.y_at(plane.height + 31)
    said = [
        {"x": x, "y": under, "text": look.number(bound), "size": 11}
        for x, bound in zip(at, bounds, strict=True)
    ]
    return [boxes(plane, bars), words(plane, said)]
