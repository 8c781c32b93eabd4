import re

import pytest

from analytics import charts
from analytics.errors import FrameError


@pytest.fixture(params=[340, 900], ids=["lying", "upright"])
def sized(request, look):
    return charts.Look(look.labels, width=request.param)


def test_stages_keep_their_order_down_a_phone_and_across_a_desk(drawn, look, stages):
    names = list(stages["label"])
    upright = drawn(charts.mountain(stages, look))
    lying = drawn(charts.mountain(stages, charts.Look(look.labels, width=240)))
    assert sorted(names, key=lambda s: upright.at(s)[0]) == names
    assert sorted(names, key=lambda s: lying.at(s)[1]) == names
    there = drawn(charts.mountain(stages, charts.Look(look.labels, width=900, rtl=True)))
    assert sorted(names, key=lambda s: there.at(s)[0]) == names[::-1]


def test_height_is_the_score(drawn, look, stages, place_of):
    one = drawn(charts.mountain(stages, look))
    heights = {s: place_of(one.told(s))[1] for s in ("Reach", "Onboard", "Serve", "Refer")}
    assert sorted(heights, key=heights.get) == ["Refer", "Serve", "Reach", "Onboard"]


def test_the_ridge_breaks_at_a_withheld_stage_and_wears_the_classes(drawn, sized, stages):
    one = drawn(charts.mountain(stages, sized))
    ridges = [
        [s.get("stop-color") for s in g if s.tag.endswith("}stop")]
        for g in one.named("linearGradient")
    ]
    assert ridges == [
        ["var(--score-5)", "var(--score-3)"],
        ["var(--score-6)", "var(--unreliable)"],
    ]


def test_colours_mirror_with_the_stages(drawn, look, stages):
    one = drawn(charts.mountain(stages, charts.Look(look.labels, width=900, rtl=True)))
    stops = [s.get("stop-color") for s in one.named("linearGradient")[0]]
    assert stops == ["var(--score-3)", "var(--score-5)"]


def test_every_score_has_its_whisker_and_its_answers(drawn, sized, stages):
    one = drawn(charts.mountain(stages, sized))
    whiskers = [n for n in one.named("line") if n.get("stroke") == "var(--ink-soft)"]
    assert len(whiskers) == 4
    assert {"12", "−23", "35", "71", "n = 400", "n = 41"} <= set(one.texts)


def test_a_suppressed_score_is_nowhere_in_the_picture(drawn, sized, stages):
    picture = charts.mountain(stages, sized)
    one = drawn(picture)
    assert one.told("Adopt: Hidden").get("fill") == "url(#chart-hatch)"
    assert "87" not in " ".join(one.titles + one.texts)
    assert "424242" not in str(picture.spec) and "87.3125" not in str(picture.spec)


def test_words_too_long_for_their_place_lay_the_mountain_down(drawn, look, stages):
    stages["label"] = [f"Wiedergewinnungsabteilung{'i' * k}" for k in range(len(stages))]
    one = drawn(charts.mountain(stages, charts.Look(look.labels, width=700)))
    ys = [y for t in stages["label"] for _, y in [one.at(t)]]
    assert ys == sorted(ys)


def test_a_lone_stage_is_a_peak_on_the_zero_line(drawn, sized, stages):
    one = drawn(charts.mountain(stages.iloc[:1], sized))
    ridge = next(p for p in one.named("path") if p.get("fill", "").startswith("url(#chart-0"))
    outline = ridge.get("d").partition("L")[0]
    points = [tuple(map(float, p.split(","))) for p in re.findall(r"-?[\d.]+,-?[\d.]+", outline)]
    ys = [y for _, y in points]
    assert ys[0] == ys[-1] == max(ys), "it rises from the zero line and returns to it"
    assert min(ys) < ys[0] - 20
    assert points[-1][0] - points[0][0] <= (sized.width - 48) / 5 + 1, "in a stage's place"


def test_all_withheld_shows_no_score(drawn, sized, stages):
    one = drawn(charts.mountain(stages.assign(suppressed=True), sized))
    assert "var(--score" not in one.svg and len(one.titles) == 5


def test_a_missing_column_is_named(look, stages):
    with pytest.raises(FrameError, match="'low' is missing"):
        charts.mountain(stages.drop(columns="low"), look)
