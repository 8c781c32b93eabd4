import re

import pytest

from analytics import charts
from analytics.errors import FrameError


def widths(one, fills):
    """How wide the first box of each fill is."""
    out = []
    for fill in fills:
        path = next(p for p in one.named("path") if p.get("fill") == f"var(--{fill})")
        xs = [float(x) for x, _ in re.findall(r"(-?[\d.]+),(-?[\d.]+)", path.get("d"))]
        out.append(max(xs) - min(xs))
    return out


def test_parts_are_as_long_as_their_share(drawn, look, answers):
    one = drawn(charts.split(answers, look))
    assert {"50%", "30%", "20%", "500", "300", "200"} <= set(one.texts)
    detractors, passives, promoters = widths(one, ["detractors", "passives", "promoters"])
    assert promoters / detractors == pytest.approx(2.5, rel=0.02)
    assert passives / detractors == pytest.approx(1.5, rel=0.02)


def test_the_worse_end_comes_first_in_reading_direction(drawn, look, answers, comments):
    there = charts.Look(look.labels, width=900, rtl=True)
    for draw, table, first, last in (
        (charts.split, answers, "Detractors", "Promoters"),
        (charts.sentiment, comments, "Bad", "Good"),
    ):
        assert drawn(draw(table, look)).at(first) < drawn(draw(table, look)).at(last)
        assert drawn(draw(table, there)).at(first) > drawn(draw(table, there)).at(last)


def test_shares_are_of_the_scored_and_coverage_of_all(drawn, look, comments):
    one = drawn(charts.sentiment(comments, look))
    assert {"30%", "20%", "50%", "Understood 50%"} <= set(one.texts)
    track, done = widths(one, ["track", "series"])
    assert done / track == pytest.approx(0.5, abs=0.01)


def test_comments_without_a_score_show_coverage_only(drawn, look, comments):
    unscored = comments.assign(negative=0, neutral=0, positive=0)
    one = drawn(charts.sentiment(unscored, look))
    assert one.texts == ["Understood 0%"]
    high, usual = (
        float(drawn(charts.sentiment(t, look)).root.get("viewBox").split()[3])
        for t in (unscored, comments)
    )
    assert high < usual / 2, "no hole where the bar would be"


def test_a_part_of_nothing_has_no_box(drawn, look, answers):
    one = drawn(charts.split(answers.assign(passives=0, n=700), look))
    assert not any(t.startswith("Passives") for t in one.titles) and "0%" in one.texts


def test_suppressed_counts_are_not_drawn(drawn, look, answers, comments):
    for draw, table in ((charts.split, answers), (charts.sentiment, comments)):
        one = drawn(draw(table.assign(suppressed=True), look))
        assert one.texts == ["Hidden"] and not one.titles


def test_no_answers_are_said(drawn, look, answers):
    nobody = answers.assign(promoters=0, passives=0, detractors=0, n=0)
    assert drawn(charts.split(nobody, look)).texts == ["Nothing here"]


def test_parts_that_contradict_the_whole_are_refused(look, answers, comments):
    with pytest.raises(FrameError, match="sum of its parts"):
        charts.split(answers.assign(n=999), look)
    with pytest.raises(FrameError, match="fewer than scored"):
        charts.sentiment(comments.assign(comments=99), look)
    with pytest.raises(FrameError, match="2 rows"):
        charts.split(answers.loc[[0, 0]], look)
    with pytest.raises(FrameError, match="'promoters' holds"):
        charts.split(answers.assign(promoters=0.5), look)
