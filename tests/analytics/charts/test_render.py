import re
from concurrent.futures import ThreadPoolExecutor
from xml.etree import ElementTree

import altair as alt
import pandas as pd
import pytest
import vl_convert

from analytics import charts
from analytics.errors import ArgumentError

NAMES = ["trend", "mountain", "segments", "world", "split", "themes", "sentiment"]
WIDTHS = [340, 900]
ELEMENTS = {
    "svg", "g", "path", "line", "text", "tspan", "title", "defs", "pattern", "rect",
    "linearGradient", "stop",
}  # fmt: skip


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("rtl", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_that_a_strict_policy_forbids(every, drawn, look, name, rtl, width):
    one = drawn(every[name](charts.Look(look.labels, width=width, rtl=rtl)))
    assert {n.tag.rpartition("}")[2] for n in one.nodes} <= ELEMENTS
    for node in one.nodes:
        for attribute in node.attrib:
            assert attribute != "style" and not attribute.startswith("on")
            assert "href" not in attribute
    assert not re.search(r"url\((?!#)", one.svg)


@pytest.mark.parametrize("name", NAMES)
def test_colours_are_names_of_the_palette_and_nothing_else(every, drawn, look, name):
    one = drawn(every[name](look))
    used = set()
    for node in one.nodes:
        for attribute in ("fill", "stroke", "stop-color"):
            value = node.get(attribute, "none")
            if value != "none" and not value.startswith("url(#"):
                used |= {re.fullmatch(r"var\(--([a-z0-9-]+)\)", value)[1]}
    assert used and used <= set(charts.NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_fills_its_container_and_keeps_its_own_direction(every, drawn, look, name):
    root = drawn(every[name](look)).root
    assert root.get("width") == "100%" and root.get("height") is None
    assert root.get("viewBox").split()[2] == "900"
    assert root.get("direction") == "ltr" and root.get("aria-hidden") == "true"


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", NAMES)
def test_specifications_are_valid_altair(every, look, name, width):
    picture = every[name](charts.Look(look.labels, width=width))
    chart = picture.altair()
    assert isinstance(chart, alt.LayerChart)
    assert len(chart.to_dict(validate=True)["layer"]) == len(picture.spec["layer"])


def test_ids_are_unique_across_a_page_and_all_references_lead_somewhere(every, look, drawn):
    page = [drawn(make(look), prefix=name) for name, make in every.items()]
    ids = [n.get("id") for one in page for n in one.nodes if n.get("id")]
    assert len(ids) == len(set(ids)) > 3
    wanted = {r for one in page for r in re.findall(r"url\(#([^)]+)\)", one.svg)}
    assert wanted and wanted <= set(ids)


def test_words_are_escaped_and_stay_words(drawn, look, countries):
    evil = '</text></svg><script>alert("1")</script><img src=x onerror=alert(1)>&amp;{{7*7}}\x00'
    countries["label"] = evil
    wide = charts.Look(look.labels | {"n": "<b>n</b>"}, width=2400)
    for picture in (charts.segments(countries, wide), charts.world(countries, wide)):
        one = drawn(picture)
        assert "<script" not in one.svg and "<img" not in one.svg and "<b>" not in one.svg
        assert any(evil.rstrip("\x00") in t for t in one.titles)


def test_a_direction_override_in_a_label_cannot_turn_the_line(drawn, look, countries):
    countries["label"] = "abc\u202edef"
    assert "\u202e" not in drawn(charts.segments(countries, look)).svg


def test_mixed_lines_are_isolated_in_the_direction_of_the_page(drawn, look, countries):
    countries["label"] = "App (تطبيق)"
    there = charts.Look(look.labels, width=900, rtl=True)
    assert "\u2067App (تطبيق)\u2069" in drawn(charts.segments(countries, there)).texts
    assert "\u2068App (تطبيق)\u2069" in drawn(charts.segments(countries, look)).texts


@pytest.mark.parametrize("prefix", ["", "1a", "a b", 'a"b', "a>"])
def test_a_prefix_that_is_no_id_is_refused(every, look, prefix):
    with pytest.raises(ArgumentError, match="prefix"):
        charts.svg(every["split"](look), prefix=prefix)


def test_charts_are_drawn_at_the_same_time_as_alone(every, look):
    pictures = [make(look) for make in every.values()] * 2
    alone = [charts.svg(p) for p in pictures]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(charts.svg, pictures)) == alone


def test_a_page_of_charts_stays_light(every, look):
    sizes = {name: len(charts.svg(make(look)).encode()) for name, make in every.items()}
    assert max(sizes.values()) < 80_000 and sizes["world"] == max(sizes.values())
    assert sum(sizes.values()) - sizes["world"] < 80_000


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_no_rows_are_an_honest_picture(request, drawn, look, name, width):
    tables = {
        "trend": "months", "mountain": "stages", "segments": "countries", "world": "countries",
        "split": "answers", "themes": "spoken", "sentiment": "comments",
    }  # fmt: skip
    table: pd.DataFrame = request.getfixturevalue(tables[name]).iloc[:0]
    one = drawn(getattr(charts, name)(table, charts.Look(look.labels, width=width)))
    if name == "world":
        assert not one.titles and "var(--land)" in one.svg
    else:
        assert one.texts == ["Nothing here"] and "var(--score" not in one.svg


def test_geometry_survives_the_shortening_of_paths():
    """A country's outline, walked again from its steps, is the outline that Vega drew."""
    spec = charts.world(pd.DataFrame(columns=["country", "label", "nps", "n"]), _plain()).spec
    raw = ElementTree.fromstring(vl_convert.vegalite_to_svg(spec, allowed_base_urls=[]))
    whole = [_absolute(p) for p in _outlines(raw, "L")]
    short = [_walked(p) for p in _outlines(ElementTree.fromstring(_svg(spec)), "l")]
    assert 150 < len(short) <= len(whole)
    for path in short:
        nearest = min(whole, key=lambda r: _distance(r, path))
        assert _box(nearest) == pytest.approx(_box(path), abs=0.2)


def _plain():
    return charts.Look({"nps": "", "n": "", "empty": ""}, width=900)


def _svg(spec):
    return charts.svg(charts.Picture(spec))


def _outlines(root, step):
    """The rings of all countries: paths of straight lines only."""
    paths = [n.get("d", "") for n in root.iter() if n.tag.endswith("}path")]
    rings = [ring for d in paths for ring in d.split("M")[1:]]
    return [r.strip("Z") for r in rings if step in r and not re.search("[CHVhv]", r)]


def _absolute(ring):
    return [tuple(map(float, p.split(","))) for p in ring.split("L")]


def _walked(ring):
    start, steps = ring.split("l")
    x, y = map(float, start.split(","))
    numbers = [float(v) for v in re.findall(r"-?(?:\d+\.\d+|\.\d+|\d+)", steps)]
    points = [(x, y)]
    for dx, dy in zip(numbers[::2], numbers[1::2], strict=True):
        x, y = x + dx, y + dy
        points.append((x, y))
    return points


def _distance(a, b):
    """How far two rings start apart; rings of one start are told apart by their length."""
    start = abs(a[0][0] - b[0][0]) + abs(a[0][1] - b[0][1])
    return round(start, 1), abs(_box(a)[0] - _box(b)[0])


def _box(points):
    xs, ys = zip(*points, strict=True)
    return [min(xs), max(xs), min(ys), max(ys)]
