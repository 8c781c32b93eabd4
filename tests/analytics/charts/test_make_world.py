"""The maker of the map, on a made-up world of two countries and an island."""

import runpy
from pathlib import Path

import pytest

MAKER = runpy.run_path(str(Path(__file__).parents[2] / "tools" / "make_world.py"))


def topology(*, island: bool) -> dict:
    """France and Germany share arc 0; Andorra is a square that only the finer file has."""
    geometries = [
        {"type": "Polygon", "id": "250", "properties": {"name": "France"}, "arcs": [[0, 1]]},
        {"type": "Polygon", "id": "276", "properties": {"name": "Germany"}, "arcs": [[~0, 2]]},
        {"type": "Polygon", "id": "010", "properties": {"name": "Antarctica"}, "arcs": [[3]]},
        {"type": "Polygon", "properties": {"name": "Nobody's"}, "arcs": [[3]]},
    ]
    if island:
        geometries.append(
            {"type": "Polygon", "id": "020", "properties": {"name": "Andorra"}, "arcs": [[3]]}
        )
    return {
        "transform": {"scale": [1, 1], "translate": [0, 0]},
        "arcs": [
            [[10, 40], [0, 10]],
            [[10, 50], [-20, 0], [0, -10], [20, 0]],
            [[10, 40], [30, 0], [0, 10], [-30, 0]],
            [[50, 20], [4, 0], [0, 4], [-4, 0], [0, -4]],
        ],
        "objects": {"countries": {"geometries": geometries}},
    }


def test_equal_earth_keeps_its_published_shape():
    project = MAKER["equal_earth"]
    west, east = project(-169, 0)[0], project(191, 0)[0]
    assert east == pytest.approx(-west) == pytest.approx(2.706629 * 1, abs=1e-5)
    assert project(11, 90)[1] == pytest.approx(-1.317363, abs=1e-5)
    assert project(40, 30)[1] == pytest.approx(-project(40, -30)[1])


def test_neighbours_share_their_border_and_small_places_are_points():
    made = MAKER["world"](topology(island=False), topology(island=True))
    shapes = {g["id"]: g["arcs"] for g in made["objects"]["countries"]["geometries"]}
    assert shapes == {"FR": [[[0, 1]]], "DE": [[[~0, 2]]]}
    assert len(made["arcs"]) == 3  # Antarctica's is gone
    assert "AD" in made["points"] and "AQ" not in made["points"]
    assert {"FR", "DE", "GI"} <= set(made["points"])


def test_an_arc_across_the_date_line_is_drawn_in_one_piece():
    arc = [(178.0, 60.0), (-179.0, 61.0), (-175.0, 62.0)]
    assert MAKER["unbroken"](arc) == [(178.0, 60.0), (181.0, 61.0), (185.0, 62.0)]
    alaska = [(-160.0, 60.0), (-168.0, 61.0)]
    assert MAKER["unbroken"](alaska) == alaska


def test_simplifying_keeps_ends_and_drops_what_is_not_seen():
    line = [(0.0, 0.0), (5.0, 0.01), (10.0, 0.0), (10.0, 9.0)]
    assert MAKER["simplified"](line) == [(0.0, 0.0), (10.0, 0.0), (10.0, 9.0)]
    speck = [(0.0, 0.0), (0.1, 0.0), (0.1, 0.1), (0.0, 0.0)]
    assert MAKER["simplified"](speck) == speck
