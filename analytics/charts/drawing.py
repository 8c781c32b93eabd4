"""The few marks that all charts are made of, on one plane with fixed scales.

Every function returns Vega-Lite as plain values. Vega lays nothing out: scales, margins and places
of words are decided here, so that a chart is exactly as wide as asked, mirrors as a whole, and
costs little to draw. Colours travel in the data (`fill`, `stroke`), since a class is decided in
`palette.py` and nowhere else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import altair as alt

from analytics.charts.look import Look, text_width
from analytics.charts.palette import RELIABLE, Standing, color
from analytics.charts.tables import Score

Spec: TypeAlias = dict[str, Any]  # a piece of a Vega-Lite specification
Rows: TypeAlias = Sequence[Mapping[str, Any]]
Align: TypeAlias = Literal["left", "center", "right"]

KEY_LINE = 22  # pixels a line of the key takes


@dataclass(frozen=True)
class Picture:
    """A chart: its Vega-Lite specification, complete with data.

    Written as plain values because Altair's objects, copied and checked mark by mark, took 100 to
    280 ms of CPU a chart, more than drawing it; tests check every specification with Altair.
    """

    spec: Spec

    def altair(self) -> alt.LayerChart:
        """The same chart as an Altair object, for a notebook or to add to it; checks it too."""
        return alt.LayerChart.from_dict(self.spec)


def _channel(field: str, domain: Sequence[float], reach: Sequence[float]) -> Spec:
    scale = {"domain": list(domain), "range": list(reach), "nice": False, "zero": False}
    return {"field": field, "type": "quantitative", "scale": scale, "axis": None}


@dataclass(frozen=True)
class Plane:
    """The inner rectangle in pixels, its two domains, and the margins around it.

    `mirrored` runs x from right to left. Left and right margins are given as for left-to-right
    reading and swap when mirrored.
    """

    width: float
    height: float
    x: tuple[float, float]
    y: tuple[float, float]
    margins: tuple[float, float, float, float] = (0, 0, 0, 0)  # top, end, bottom, start
    mirrored: bool = False

    def along_x(self, field: str = "x") -> Spec:
        """The shared horizontal scale."""
        reach = [self.width, 0] if self.mirrored else [0, self.width]
        return _channel(field, self.x, reach)

    def along_y(self, field: str = "y") -> Spec:
        """The shared vertical scale, upwards."""
        return _channel(field, self.y, [self.height, 0])

    def span(self) -> dict[str, Spec]:
        """The channels of a mark that reaches from x, y to x2, y2."""
        ends: dict[str, Spec] = {"x2": {"field": "x2"}, "y2": {"field": "y2"}}
        return {"x": self.along_x(), "y": self.along_y()} | ends

    def x_at(self, pixels: float) -> float:
        """The x value that lies so many pixels after the start edge (in reading direction)."""
        return self.x[0] + (self.x[1] - self.x[0]) * pixels / self.width

    def y_at(self, pixels: float) -> float:
        """The y value that lies so many pixels below the top edge."""
        return self.y[1] - (self.y[1] - self.y[0]) * pixels / self.height

    def x_pixels(self, value: float) -> float:
        """Pixels after the start edge, the inverse of `x_at`."""
        return (value - self.x[0]) / (self.x[1] - self.x[0]) * self.width


def layer(mark: Spec, rows: Rows, **encoding: Spec) -> Spec:
    """One Vega-Lite layer with its own rows; every chart carries its data and loads none."""
    return {"data": {"values": list(rows)}, "mark": mark, "encoding": encoding}


def given(field: str) -> Spec:
    """A channel whose value stands in the row as it is, such as a colour."""
    return {"field": field, "type": "nominal", "scale": None}


def words(plane: Plane, rows: Rows, *, align: Align = "center", bold: bool = False) -> Spec:
    """Text at x, y; rows have `x, y, text`, optional `fill` (else ink, soft unless bold), `size`.

    `align` speaks of reading direction: `left` is the start of the line, also when mirrored.
    """
    swapped: dict[Align, Align] = {"left": "right", "right": "left", "center": "center"}
    return layer(
        {
            "type": "text",
            "align": swapped[align] if plane.mirrored else align,
            "baseline": "middle",
            "fontWeight": 600 if bold else 400,
        },
        [{"fill": color("ink" if bold else "ink-soft"), "size": 12} | dict(r) for r in rows],
        x=plane.along_x(),
        y=plane.along_y(),
        text={"field": "text", "type": "nominal"},
        color=given("fill"),
        size={"field": "size", "type": "quantitative", "scale": None},
    )


def rules(plane: Plane, rows: Rows, *, width: float = 1, dash: Sequence[float] = ()) -> Spec:
    """Straight lines from x, y to x2, y2 in `stroke`."""
    return layer(
        {"type": "rule", "strokeWidth": width} | ({"strokeDash": list(dash)} if dash else {}),
        rows,
        **plane.span(),
        color=given("stroke"),
    )


def boxes(plane: Plane, rows: Rows, *, corner: float = 0) -> Spec:
    """Rectangles from x, y to x2, y2 in `fill`, optional `about` (what a pointer is told)."""
    return layer(
        {"type": "rect", "cornerRadius": corner, "aria": True},
        [{"about": ""} | dict(row) for row in rows],
        **plane.span(),
        fill=given("fill"),
        description={"field": "about", "type": "nominal"},
    )


def dots(plane: Plane, rows: Rows, *, shape: str = "circle") -> Spec:
    """Outlined dots at x, y: `fill`, `size` (area in square pixels), optional `about`."""
    look = {"opacity": 1, "strokeWidth": 1, "stroke": color("outline")}
    return layer(
        {"type": "point", "shape": shape, "aria": True} | look,
        [{"about": "", "size": 70} | dict(row) for row in rows],
        x=plane.along_x(),
        y=plane.along_y(),
        fill=given("fill"),
        size={"field": "size", "type": "quantitative", "scale": None},
        description={"field": "about", "type": "nominal"},
    )


def score_dots(plane: Plane, rows: Rows, *, size: float = 80) -> list[Spec]:
    """Dots of scores at x, y with `score`, `about`: a hole for few answers, small if unreliable."""
    outer, holes = [], []
    for row in rows:
        score: Score = row["score"]
        area = size * (0.6 if score.standing == "weak" else 1)
        place = {"x": row["x"], "y": row["y"], "about": row["about"]}
        outer.append(place | {"fill": score.fill, "size": area})
        if score.standing == "few":
            holes.append(place | {"fill": color("surface"), "size": area * 0.2})
    return [dots(plane, rows_) for rows_ in (outer, holes) if rows_]


def about(look: Look, score: Score) -> str:
    """What a pointer over a mark is told: the row, its score with interval, its answers."""
    if score.standing == "withheld":
        return look.text(f"{score.label}: {look.word('withheld')}")
    if score.standing == "none" or score.nps is None:
        return look.text(f"{score.label}: {look.word('empty')}")
    said = f"{score.label}: {look.word('nps')} {look.number(score.nps)}"
    if score.low is not None and score.high is not None:
        said += f" ({look.number(score.low)} … {look.number(score.high)})"
    return look.text(f"{said}, {look.word('n')} = {look.number(score.n or 0)}")


def horizontal_grid(plane: Plane, look: Look, ticks: Sequence[float]) -> list[Spec]:
    """Faint lines at scores, zero stronger, their numbers before the start edge."""
    lines = [
        {"x": plane.x[0], "x2": plane.x[1], "y": t, "y2": t}
        | {"stroke": color("grid" if t else "axis")}
        for t in ticks
    ]
    numbers = [{"x": plane.x_at(-8), "y": t, "text": look.number(t)} for t in ticks]
    return [rules(plane, lines), words(plane, numbers, align="right")]


def vertical_grid(
    plane: Plane, look: Look, ticks: Sequence[float], *, gap: float = 12
) -> list[Spec]:
    """The same for a score that runs along x; numbers stand above the top edge."""
    lines = [
        {"x": t, "x2": t, "y": plane.y[0], "y2": plane.y[1]}
        | {"stroke": color("grid" if t else "axis")}
        for t in ticks
    ]
    numbers = [{"x": t, "y": plane.y_at(-gap), "text": look.number(t)} for t in ticks]
    return [rules(plane, lines), words(plane, numbers)]


def score_domain(
    values: Sequence[float | None], *, most: int = 5
) -> tuple[tuple[float, float], list[float]]:
    """A domain that holds the values and zero, and about `most` ticks; within [-100, 100]."""
    known = [0.0, *(v for v in values if v is not None)]
    low, high = min(known), max(known)
    span = max(20.0, high - low)
    step = next((s for s in (10, 20, 25, 50) if span <= most * s), 100)
    ends = (max(-100.0, low - 0.06 * span), min(100.0, high + 0.06 * span))
    ticks = [float(t) for t in range(-100, 101, step) if ends[0] <= t <= ends[1]]
    return ends, ticks


KEY_ORDER: tuple[Standing, ...] = ("few", "weak", "withheld")


def key_lines(look: Look, standings: set[Standing]) -> list[list[tuple[Standing, str, float]]]:
    """The marks to explain, in lines: (standing, word, pixels after the start edge)."""
    lines: list[list[tuple[Standing, str, float]]] = [[]]
    at = 0.0
    for kind in (k for k in KEY_ORDER if k in standings):
        word = look.word(kind)
        room = 20 + text_width(word) + 18
        if lines[-1] and at + room > look.width - 16:
            lines.append([])
            at = 0.0
        lines[-1].append((kind, word, at))
        at += room
    return lines if lines[0] else []


def key(plane: Plane, look: Look, standings: set[Standing], *, top: float) -> list[Spec]:
    """The key of the marks that occur, `top` pixels below the plane's top edge."""
    layers: list[Spec] = []
    said, hatched, circles = [], [], []
    start = -plane.margins[3] + 10
    for line, entries in enumerate(key_lines(look, standings)):
        y = top + KEY_LINE * (line + 0.5)
        for kind, word, at in entries:
            x = start + at
            said.append({"x": plane.x_at(x + 14), "y": plane.y_at(y), "text": look.text(word)})
            if kind == "withheld":
                box = {"x": plane.x_at(x - 6), "x2": plane.x_at(x + 6), "fill": color("withheld")}
                hatched.append(box | {"y": plane.y_at(y - 6), "y2": plane.y_at(y + 6)})
            else:
                sample = Score("", "", 50.0, None, None, RELIABLE, kind)
                circles.append(
                    {"x": plane.x_at(x), "y": plane.y_at(y), "score": sample, "about": ""}
                )
    if circles:
        layers += score_dots(plane, circles)
    if hatched:
        layers.append(boxes(plane, hatched))
    return [*layers, words(plane, said, align="left")] if said else []


def picture(plane: Plane, layers: Sequence[Spec]) -> Picture:
    """The finished chart: exactly plane and margins, no automatic layout, no title of its own."""
    top, end, bottom, start = plane.margins
    left, right = (end, start) if plane.mirrored else (start, end)
    spec = {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": plane.width,
        "height": plane.height,
        "padding": {"left": left, "top": top, "right": right, "bottom": bottom},
        "autosize": {"type": "none"},
        "background": "transparent",
        "config": {"aria": False, "font": "sans-serif", "view": {"stroke": None, "fill": None}},
        "layer": list(layers),
    }
    return Picture(spec)


def empty(look: Look, *, height: float = 140, code: str = "empty") -> Picture:
    """The chart of a table without numbers: a frame with the word for why."""
    plane = Plane(look.width - 2, height - 2, (0, 1), (0, 1), (1, 1, 1, 1))
    frame = {"type": "rect", "fill": None, "stroke": color("axis"), "cornerRadius": 6}
    border = layer(
        frame | {"strokeDash": [4, 4]}, [{"x": 0, "x2": 1, "y": 0, "y2": 1}], **plane.span()
    )
    said = [{"x": 0.5, "y": 0.5, "text": look.fitted(look.word(code), look.width - 24)}]
    return picture(plane, [border, words(plane, said)])
