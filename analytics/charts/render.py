"""A chart as SVG for the inside of an HTML page under a strict content policy.

Vega's SVG is taken apart and written anew from an allow-list of elements and attributes: no style,
script, link or event can pass, whatever a spec holds. Words are escaped; `aria-label`s become
`<title>`s, which browsers show to a pointer. The picture is hidden from screen readers, since the
page puts it in a `<figure>` with a caption and the same numbers as a table.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from html import escape
from itertools import pairwise
from typing import Final
from xml.etree import ElementTree

from analytics.charts.drawing import Picture
from analytics.charts.palette import color
from analytics.errors import ArgumentError

_SHAPES: Final = {"path", "line", "text", "tspan", "rect", "circle"}
_GROUPS: Final = {"g", "defs", "linearGradient", "stop"}
_ATTRIBUTES: Final = frozenset(
    {
        *("d", "transform", "x", "y", "x1", "y1", "x2", "y2", "width", "height", "id"),
        *("fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "opacity"),
        *("stroke-dasharray", "stroke-linecap", "stroke-linejoin"),
        *("offset", "stop-color", "gradientUnits", "text-anchor", "font-size", "font-weight"),
    }
)
_POINTLESS: Final = {"opacity": "1", "font-weight": "normal", "d": "", "fill-opacity": "1"}
_PLACES: Final = {"d", "transform", "x", "y", "x1", "y1", "x2", "y2", "width", "height"}
_DECIMALS: Final = re.compile(r"-?\d+\.\d{2,}(?:e-?\d+)?|-?\d+e-\d+")
_STRAIGHT: Final = re.compile(r"[MLZ0-9.,e-]+Z")  # closed polygons, absolute: a map's outlines
_RINGS: Final = re.compile(r"[^MZ]+")
_LEADING_ZERO: Final = re.compile(r"(?<!\d)0\.")
_PREFIX: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_HATCH: Final = (
    '<pattern id="{id}" width="5" height="5" patternUnits="userSpaceOnUse"'
    ' patternTransform="rotate(45)"><rect width="5" height="5" fill="var(--land)"/>'
    '<rect width="1.6" height="5" fill="var(--withheld)"/></pattern>'
)


def svg(chart: Picture, *, prefix: str = "chart") -> str:
    """Draw a chart of this package as an `<svg>` element that fills its container's width.

    `prefix` (a letter, then letters, digits, `-`, `_`) starts every id and must differ between the
    charts of a page. Colours are the custom properties of `palette.css`. The root's direction is
    left to right, also on a right-to-left page: the chart has mirrored itself.
    """
    if not _PREFIX.fullmatch(prefix):
        raise ArgumentError("prefix", f"is {prefix!r}", hint="start with a letter, no spaces")
    import vl_convert  # noqa: PLC0415 - 8 MB, for who draws

    drawn = vl_convert.vegalite_to_svg(chart.spec, allowed_base_urls=[])
    root = ElementTree.fromstring(drawn)  # noqa: S314 - our own renderer's output, no DTD
    # Vega counts gradients for as long as its process lives; the same chart is the same text here.
    ids = [node.attrib["id"] for node in root.iter() if "id" in node.attrib]
    names = {old: f"{prefix}-{k}" for k, old in enumerate(ids)}
    body = "".join(_written(child, names) for child in root)
    hatch = f"{prefix}-hatch"
    withheld = f'fill="{color("withheld")}"'
    if withheld in body:
        pattern = f"<defs>{_HATCH.format(id=hatch)}</defs>"
        body = pattern + body.replace(withheld, f'fill="url(#{hatch})"')
    box = escape(root.get("viewBox", ""))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="{box}" width="100%"'
        f' direction="ltr" fill="none" aria-hidden="true" focusable="false">{body}</svg>'
    )


def _written(node: ElementTree.Element, names: Mapping[str, str]) -> str:
    name = node.tag.rpartition("}")[2]
    if name not in _SHAPES | _GROUPS or _invisible(name, node):
        return ""
    inside = escape(node.text or "") if name in {"text", "tspan"} else ""
    told = node.get("aria-label")
    if told and name in _SHAPES:
        inside = f"<title>{escape(told)}</title>{inside}"
    inside += "".join(_written(child, names) for child in node)
    if name == "g" and not inside:
        return ""
    attributes = "".join(f' {k}="{escape(v)}"' for k, v in _kept(node, names))
    if name == "g" and not attributes:
        return inside
    return f"<{name}{attributes}>{inside}</{name}>" if inside else f"<{name}{attributes}/>"


def _invisible(name: str, node: ElementTree.Element) -> bool:
    """Vega's helper shapes, and those with neither a colour nor a place."""
    if node.get("display") == "none" or node.get("class") == "background":
        return True
    if node.get("fill") == "transparent":
        return True
    return name == "path" and not node.get("d")


def _kept(node: ElementTree.Element, names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for attribute, value in node.attrib.items():
        if attribute not in _ATTRIBUTES or _POINTLESS.get(attribute) == value:
            continue
        if attribute == "transform" and value == "translate(0,0)":
            continue
        yield attribute, _tidied(attribute, value, names)


def _tidied(attribute: str, value: str, names: Mapping[str, str]) -> str:
    if attribute == "id":
        return names[value]
    if value.startswith("url("):
        return f"url(#{names[value[5:-1]]})"
    if attribute == "d" and _STRAIGHT.fullmatch(value):
        return _shortened(value)
    return _DECIMALS.sub(_rounded, value) if attribute in _PLACES else value


def _rounded(number: re.Match[str]) -> str:
    """A tenth of a pixel is enough for any screen; never `-0`."""
    return f"{round(float(number[0]), 1) + 0.0:g}"


@lru_cache(1024)  # the outlines of a map's width are the same on every page
def _shortened(path: str) -> str:
    """Closed polygons as steps of whole tenths of a pixel, half as long; no error adds up."""
    rings = []
    for ring in _RINGS.findall(path):
        points = [[round(10 * float(v)) for v in p.split(",")] for p in ring.split("L")]
        steps = [(bx - ax, by - ay) for (ax, ay), (bx, by) in pairwise(points)]
        moves = [(x, y) for x, y in steps if x or y]
        if len(moves) > 1:  # less is no area at a tenth of a pixel
            line = " ".join(f"{x / 10:g},{y / 10:g}" for x, y in moves)
            line = _LEADING_ZERO.sub(".", line).replace(" -", "-").replace(",-", "-")
            rings.append(f"M{points[0][0] / 10:g},{points[0][1] / 10:g}l{line}Z")
    return "".join(rings)
