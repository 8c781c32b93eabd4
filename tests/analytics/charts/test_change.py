"""The charts of a change: the verdict, its parts, its groups, and what people complain of."""

import pandas as pd
import pytest

from analytics import charts
from analytics.errors import ArgumentError, FrameError


@pytest.mark.parametrize("rtl", [False, True])
def test_the_change_starts_at_the_score_before(drawn, look, changed, place_of, rtl):
    one = drawn(charts.verdict(changed, charts.Look(look.labels, width=480, rtl=rtl)))
    dots = [
        place_of(node)[0]
        for name in ("Before", "Now", "Change")
        for node in one.named("path")
        for title in node
        if (title.text or "").startswith(name) and node.get("transform")
    ]
    before, now, change = dots
    assert (before > now) if rtl else (before < now)
    assert change == pytest.approx(now)
    assert "+5" in one.texts


def test_a_change_that_may_be_chance_is_grey(drawn, look, changed):
    fills = {node.get("fill") for node in drawn(charts.verdict(changed, look)).named("path")}
    assert "var(--unreliable)" in fills and "var(--positive)" not in fills
    sure = changed.assign(significant=[False, False, True])
    assert "var(--positive)" in drawn(charts.verdict(sure, look)).svg


def test_each_part_begins_where_the_last_one_ends(look, steps):
    spec = charts.waterfall(steps, look).spec
    [bars] = [layer["data"]["values"] for layer in spec["layer"] if layer["mark"]["type"] == "rect"]
    told = {bar["about"].split(":")[0]: bar for bar in bars}
    assert (told["Who answered"]["x"], told["Who answered"]["x2"]) == pytest.approx((40, 42))
    assert (told["Adopt"]["x"], told["Adopt"]["x2"]) == pytest.approx((37, 42))
    assert told["Exit"]["x2"] == pytest.approx(38.5)
    fills = {name: bar["fill"] for name, bar in told.items()}
    assert fills["Who answered"] == "var(--series)"
    assert (fills["Adopt"], fills["Exit"]) == ("var(--negative)", "var(--positive)")
    assert fills["Before"] == fills["Now"] == "var(--ink)"


def test_groups_that_moved_are_marked(drawn, look, moved):
    one = drawn(charts.moves(moved, look))
    assert "Moved" in one.texts
    fills = [node.get("fill") for node in one.named("path")]
    assert fills.count("var(--negative)") == 1 and fills.count("var(--ink)") == 2
    calm = drawn(charts.moves(moved.assign(significant=False), look))
    assert "Moved" not in calm.texts
    names = list(moved["label"])
    assert sorted(names, key=lambda name: one.at(name)[1]) == names


def test_no_groups_are_said_to_be_none(drawn, look, moved, complained):
    assert "Nothing here" in drawn(charts.moves(moved.head(0), look)).texts
    assert "Nothing here" in drawn(charts.complaints(complained.head(0), look)).texts


def test_complaints_are_a_part_of_what_is_said(look, complained):
    spec = charts.complaints(complained, look).spec
    bars = [bar for layer in spec["layer"] if layer["mark"]["type"] == "rect"
            for bar in layer["data"]["values"] if bar["about"].startswith("Price")]  # fmt: skip
    ends = {bar["fill"]: bar["x2"] for bar in bars}
    assert ends["var(--track)"] == 0.3 and ends["var(--negative)"] == 0.2
    assert ends["var(--ink)"] > 0.1  # the tick of before


def test_wrong_use_is_refused(look, changed, steps, moved, complained):
    with pytest.raises(FrameError, match="has 2 rows"):
        charts.verdict(changed.head(2), look)
    with pytest.raises(FrameError, match="'value' holds null"):
        charts.verdict(changed.assign(low=None), look)
    with pytest.raises(FrameError, match="no way from one score"):
        charts.waterfall(steps.head(1), look)
    with pytest.raises(FrameError, match="'change' holds 'much'"):
        charts.moves(moved.assign(change="much"), look)
    with pytest.raises(FrameError, match="'said' holds null"):
        charts.moves(moved.assign(said=None), look)
    with pytest.raises(FrameError, match="'speaking' is missing"):
        charts.complaints(complained.drop(columns="speaking"), look)
    with pytest.raises(ArgumentError, match="labels"):
        charts.moves(moved, charts.Look({}))


def test_no_tick_stands_where_no_score_can(drawn, look, changed):
    ends = {"value": [98.0, 99.0, 1.0], "low": [97.0, 98.0, 0.5], "high": [99.0, 100.0, 1.5]}
    texts = drawn(charts.verdict(changed.assign(**ends), look)).texts
    assert "100" in texts and "105" not in texts


def test_few_answers_are_small_and_soft(look, moved):
    weak = charts.moves(moved.assign(weak=[True, False, False]), look).spec
    sizes = [dot["size"] for layer in weak["layer"] if layer["mark"]["type"] == "point"
             for dot in layer["data"]["values"]]  # fmt: skip
    assert min(size for size in sizes if size > 40) < max(sizes)
    assert pd.Series(sizes).nunique() == 3  # dots of two sizes, diamonds
