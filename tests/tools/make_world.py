"""Make `analytics/charts/world.json`, the map of the world chart, from Natural Earth.

    python tests/tools/make_world.py countries-110m.json countries-50m.json > world.json

The two inputs are the files of those names in the package *world-atlas* 2.0.2 (TopoJSON of
Natural Earth, which is in the public domain). The result is itself TopoJSON, already projected
(Equal Earth: Savric, Patterson & Jenny 2018, doi:10.1080/13658816.2018.1504949), simplified and
snapped to half a pixel of a map 1000 pixels wide, so that drawing it costs next to nothing.
Countries carry ISO 3166 alpha-2 codes; what 110m is too coarse for becomes a dot.

Natural Earth draws who holds a place; a map keyed by ISO 3166 follows ISO 3166. Crimea is
therefore drawn as `UA`, French Guiana as `GF`, Svalbard as `SJ`; Northern Cyprus and Somaliland,
which have no code, as part of `CY` and `SO`. Kosovo is `XK`, as in Unicode's CLDR. Antarctica is
left out.
"""

import json
import math
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

from babel.core import get_global

WIDTH = 1000.0
MIDDLE = 11.0  # degrees east: cuts the world in the Bering Strait, not through Chukotka or Fiji
CUT = -172.0  # what lies west of it is drawn in the east; dots, which are small, from DOTS_CUT on
DOTS_CUT = -168.0
GRID = 0.5  # pixels
SMALLEST = 0.8  # square pixels: a corner that spans a smaller triangle is not seen
UNCODED = {"Kosovo": "XK", "N. Cyprus": "CY", "Somaliland": "SO"}
# Polygons that ISO 3166 counts to another country: (holder, code, west, south, east, north).
MOVED = (
    ("RU", "UA", 32.0, 44.0, 37.0, 46.5),
    ("FR", "GF", -56.0, 1.0, -50.0, 7.0),
    ("NO", "SJ", 5.0, 74.0, 36.0, 82.0),
)
# Places that Natural Earth counts to their mother country, or that 50m is too coarse for.
ELSEWHERE = {
    "BQ": (-68.3, 12.2), "BV": (3.4, -54.4), "CC": (96.9, -12.2), "CX": (105.7, -10.5),
    "GI": (-5.35, 36.14), "GP": (-61.5, 16.2), "MQ": (-61.0, 14.65), "RE": (55.5, -21.1),
    "TK": (-171.8, -9.2), "TV": (179.2, -8.5), "UM": (166.6, 19.3),
    "YT": (45.15, -12.8),
}  # fmt: skip

Point: TypeAlias = tuple[float, float]
Topology: TypeAlias = dict[str, Any]


def equal_earth(longitude: float, latitude: float) -> Point:
    """Degrees to the plane around `MIDDLE`, y downwards, in units of the sphere's radius."""
    a1, a2, a3, a4 = 1.340264, -0.081106, 0.000893, 0.003796
    t = math.asin(math.sqrt(3) / 2 * math.sin(math.radians(latitude)))
    slope = 9 * a4 * t**8 + 7 * a3 * t**6 + 3 * a2 * t**2 + a1
    x = 2 * math.sqrt(3) * math.radians(longitude - MIDDLE) * math.cos(t) / (3 * slope)
    return x, -(a4 * t**9 + a3 * t**7 + a2 * t**3 + a1 * t)


def degrees(topology: Topology) -> list[list[Point]]:
    """The arcs of a quantised topology, as longitudes and latitudes."""
    (kx, ky), (x0, y0) = topology["transform"]["scale"], topology["transform"]["translate"]
    arcs = []
    for arc in topology["arcs"]:
        x = y = 0
        points = []
        for dx, dy in arc:
            x, y = x + dx, y + dy
            points.append((x0 + kx * x, y0 + ky * y))
        arcs.append(points)
    return arcs


def unbroken(arc: list[Point]) -> list[Point]:
    """An arc without the jump at 180 degrees, as a whole on one side of the cut."""
    out = arc[:1]
    for x, y in arc[1:]:
        out.append((x - 360 * round((x - out[-1][0]) / 360), y))
    at = centre(out)[0]
    turns = -1 if at >= CUT + 360 else 1 if at < CUT else 0
    return [(x + 360 * turns, y) for x, y in out]


def simplified(points: list[Point]) -> list[Point]:
    """Visvalingam's algorithm; the ends stay, so that neighbours keep their common border."""
    points = list(points)
    least = 4 if points[0] == points[-1] else 2
    while len(points) > least:
        areas = [
            abs((b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])) / 2
            for a, b, c in zip(points, points[1:], points[2:], strict=False)
        ]
        smallest = min(areas)
        if smallest >= SMALLEST:
            break
        del points[areas.index(smallest) + 1]
    return points


def deltas(points: list[Point]) -> list[list[int]]:
    """Points on the grid, each as its step from the one before (how TopoJSON writes arcs)."""
    snapped = [(round(x / GRID), round(y / GRID)) for x, y in points]
    kept = [snapped[0]] + [b for a, b in pairwise(snapped) if a != b]
    if len(kept) < 2:
        kept = [snapped[0], snapped[0]]
    steps = [[b[0] - a[0], b[1] - a[1]] for a, b in pairwise(kept)]
    return [list(kept[0]), *steps]


def polygons(topology: Topology) -> Iterator[tuple[str, list[list[int]]]]:
    """Each polygon (rings of arc numbers) with the ISO code it is drawn under."""
    arcs = degrees(topology)
    for shape in topology["objects"]["countries"]["geometries"]:
        code = alpha2(shape)
        if code is None or code == "AQ":
            continue
        parts = [shape["arcs"]] if shape["type"] == "Polygon" else shape["arcs"]
        for part in parts:
            x, y = centre([p for number in part[0] for p in along(arcs, number)])
            moved = (
                new
                for holder, new, west, south, east, north in MOVED
                if code == holder and west < x < east and south < y < north
            )
            yield next(moved, code), part


def alpha2(shape: dict[str, Any]) -> str | None:
    """The ISO 3166 alpha-2 code of a Natural Earth country, None for what has none."""
    if "id" not in shape:
        return UNCODED.get(shape["properties"]["name"])
    codes = get_global("territory_aliases").get(shape["id"])
    return str(codes[0]) if codes else None


def along(arcs: list[list[Point]], number: int) -> list[Point]:
    """An arc by its TopoJSON number: `~n` is arc n walked backwards."""
    return arcs[number] if number >= 0 else arcs[~number][::-1]


def centre(ring: list[Point]) -> Point:
    """The middle of a ring's bounding box."""
    xs, ys = [x for x, _ in ring], [y for _, y in ring]
    return (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2


def middle(ring: list[Point]) -> Point:
    """A ring's centre of gravity, which lies on the land more often than `centre`."""
    whole = across = up = 0.0
    for (ax, ay), (bx, by) in pairwise([*ring, ring[0]]):
        part = ax * by - bx * ay
        whole, across, up = whole + part, across + (ax + bx) * part, up + (ay + by) * part
    return (across / (3 * whole), up / (3 * whole)) if whole else centre(ring)


def extent(points: list[Point]) -> float:
    """The area of a ring's bounding box, to find a country's main island."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return (max(xs) - min(xs)) * (max(ys) - min(ys))


def points(fine: Topology) -> dict[str, Point]:
    """Longitude and latitude of the middle of every place's main island."""
    arcs = degrees(fine)
    largest: dict[str, tuple[float, Point]] = {}
    for code, part in polygons(fine):
        ring = unbroken([p for number in part[0] for p in along(arcs, number)])
        candidate = (extent(ring), middle(ring))
        largest[code] = max(largest.get(code, (0.0, (0.0, 0.0))), candidate)
    return {code: point for code, (_, point) in largest.items()} | ELSEWHERE


def world(coarse: Topology, fine: Topology) -> Topology:
    """The topology of `world.json`; its own members: `points` (a pixel for each code), `size`."""
    shapes: dict[str, list[list[list[int]]]] = {}
    for code, part in polygons(coarse):
        shapes.setdefault(code, []).append(part)
    used = sorted({n if n >= 0 else ~n for s in shapes.values() for p in s for r in p for n in r})
    renumbered = {old: new for new, old in enumerate(used)}
    unmoved = degrees(coarse)
    flat = {n: [equal_earth(*p) for p in unbroken(unmoved[n])] for n in used}
    middles = {
        code: equal_earth(x + 360 if x < DOTS_CUT else x, y)
        for code, (x, y) in sorted(points(fine).items())
    }
    everything = [*middles.values(), *(point for arc in flat.values() for point in arc)]
    xs, ys = zip(*everything, strict=True)
    west, top, scale = min(xs), min(ys), WIDTH / (max(xs) - min(xs))

    def pixels(p: Point) -> Point:
        return (p[0] - west) * scale, (p[1] - top) * scale

    arcs = [deltas(simplified([pixels(p) for p in flat[old]])) for old in used]

    def renumber(ring: list[int]) -> list[int]:
        return [renumbered[n] if n >= 0 else ~renumbered[~n] for n in ring]

    return {
        "type": "Topology",
        "transform": {"scale": [GRID, GRID], "translate": [0, 0]},
        "arcs": arcs,
        "objects": {
            "countries": {
                "type": "GeometryCollection",
                "geometries": [
                    {"type": "MultiPolygon", "id": code, "arcs": [[*map(renumber, p)] for p in s]}
                    for code, s in sorted(shapes.items())
                ],
            }
        },
        "points": {code: [round(v) for v in pixels(point)] for code, point in middles.items()},
        "size": [WIDTH, math.ceil((max(ys) - top) * scale)],
    }


def main(coarse: str, fine: str) -> None:
    """Read the two files named on the command line and print the map."""
    made = world(*(json.loads(Path(p).read_text(encoding="utf-8")) for p in (coarse, fine)))
    sys.stdout.write(json.dumps(made, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:3])
