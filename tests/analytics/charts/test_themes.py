import re

import pytest

from analytics import charts
from analytics.errors import FrameError


def span(one, words):
    path = one.told(words).get("d")
    xs = [float(x) for x, _ in re.findall(r"(-?[\d.]+),(-?[\d.]+)", path)]
    return min(xs), max(xs)


@pytest.mark.parametrize("rtl", [False, True])
def test_bad_before_and_good_after_one_middle(drawn, look, spoken, rtl):
    one = drawn(charts.themes(spoken, charts.Look(look.labels, width=900, rtl=rtl)))
    middles = set()
    for theme in ("Price", "Support"):
        bad, neutral, good = (span(one, f"{theme}, {p}") for p in ("Bad", "So-so", "Good"))
        assert (bad < neutral < good) is not rtl
        middles.add(round(sum(neutral) / 2))
    assert len(middles) == 1


def test_length_is_mentions(drawn, look, spoken):
    one = drawn(charts.themes(spoken, look))
    price, support = (span(one, f"{t}, Bad") for t in ("Price", "Support"))
    assert (price[1] - price[0]) / (support[1] - support[0]) == pytest.approx(20, rel=0.1)


def test_net_and_mentions_stand_beside(drawn, look, spoken):
    texts = drawn(charts.themes(spoken, look)).texts
    assert {"−54", "60", "30", "Net", "Mentions", "Bad", "So-so", "Good"} <= set(texts)


def test_the_net_of_few_scored_mentions_is_soft(drawn, look, spoken):
    fewer = spoken.assign(positive=[10, 19, 5])
    one = drawn(charts.themes(fewer, look))
    fills = {n.text: n.get("fill") for n in one.named("text")}
    assert fills["−54"] == "var(--ink)", "55 scored"
    assert fills["60"] == "var(--ink-soft)", "29 scored"


def test_a_suppressed_theme_shows_no_number(drawn, look, spoken):
    picture = charts.themes(spoken, look)
    one = drawn(picture)
    assert one.told("Returns: Hidden").get("fill") == "url(#chart-hatch)"
    assert "424242" not in str(picture.spec) and "777" not in str(picture.spec)


def test_themes_without_any_sentiment_are_drawn(drawn, look, spoken):
    unscored = spoken.assign(negative=0, neutral=0, positive=0, net=None)
    one = drawn(charts.themes(unscored, look))
    assert "Price" in one.texts and "60" in one.texts and "−54" not in one.texts


def test_wrong_tables_are_refused(look, spoken):
    with pytest.raises(FrameError, match="'net' is missing"):
        charts.themes(spoken.drop(columns="net"), look)
    with pytest.raises(FrameError, match="fewer than scored"):
        charts.themes(spoken.assign(mentions=1), look)
