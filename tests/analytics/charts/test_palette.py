import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics import charts
from analytics.charts.palette import color, standing

BLOCKS = re.findall(r":root\s*\{([^}]*)\}", charts.stylesheet())


def themes():
    return [dict(re.findall(r"--([a-z0-9-]+):\s*(#[0-9a-f]{6});", block)) for block in BLOCKS]


def luminance(hexadecimal):
    parts = [int(hexadecimal[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(a, b):
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def test_every_name_has_a_value_in_both_themes():
    light, dark = themes()
    assert set(light) == set(dark) == set(charts.NAMES)


@pytest.mark.parametrize("theme", [0, 1])
def test_words_and_edges_stand_out(theme):
    values = themes()[theme]
    for ink in ("ink", "ink-soft"):
        assert contrast(values[ink], values["surface"]) >= 4.5
    for edge in ("outline", "series", "withheld"):
        assert contrast(values[edge], values["surface"]) >= 3


@pytest.mark.parametrize("theme", [0, 1])
def test_the_ends_are_orange_and_teal_and_stronger_than_the_middle(theme):
    values = themes()[theme]
    worse = [values[f"score-{k}"] for k in (1, 2, 3, 4)]
    better = [values[f"score-{k}"] for k in (8, 7, 6, 5)]
    for side, warm in ((worse, True), (better, False)):
        for value in side:
            red, blue = int(value[1:3], 16), int(value[5:7], 16)
            assert (red > blue) is warm
        away = [contrast(value, values["surface"]) for value in side]
        assert away == sorted(away, reverse=True)


@given(st.floats(-100, 100), st.floats(-100, 100))
def test_a_better_score_never_has_a_worse_class(a, b):
    low, high = sorted((a, b))
    classes = [int(charts.score_color(v)[len("var(--score-") : -1]) for v in (low, high)]
    assert 1 <= classes[0] <= classes[1] <= 8


def test_zero_begins_the_good_side_and_classes_mirror():
    assert charts.score_color(0) == color("score-5")
    assert charts.score_color(-0.01) == color("score-4")
    assert [-t for t in reversed(charts.THRESHOLDS)] == list(charts.THRESHOLDS)


@pytest.mark.parametrize(
    ("nps", "n", "hidden", "expected"),
    [
        (10.0, 1000, True, "withheld"),
        (None, 0, False, "none"),
        (10.0, 29, False, "weak"),
        (10.0, 30, False, "few"),
        (10.0, 49, False, "few"),
        (10.0, 50, False, "solid"),
    ],
)
def test_standing_follows_the_floors(nps, n, hidden, expected):
    assert standing(nps, n, suppressed=hidden) == expected


def test_an_unknown_name_is_no_colour():
    with pytest.raises(KeyError):
        color("red")
