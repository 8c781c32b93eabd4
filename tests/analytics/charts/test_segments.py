import pytest

from analytics import charts
from analytics.errors import ArgumentError, FrameError


def test_rows_keep_the_callers_order(drawn, look, countries):
    one = drawn(charts.segments(countries, look))
    names = list(countries["label"])
    assert sorted(names, key=lambda s: one.at(s)[1]) == names


@pytest.mark.parametrize("rtl", [False, True])
def test_a_better_score_lies_further_along(drawn, look, countries, place_of, rtl):
    one = drawn(charts.segments(countries, charts.Look(look.labels, width=900, rtl=rtl)))
    shown = [c for c in countries["label"] if c != "Brazil"]
    along = {c: place_of(dots(one, c)[0])[0] for c in shown}
    expected = ["Malta", "Japan", "Germany", "Chile", "Kosovo", "India"]
    assert sorted(along, key=along.get, reverse=rtl) == expected


def dots(one, label):
    """The marks of a row that stand at a point (its interval is a box without a place)."""
    told = [n for n in one.named("path") for t in n if (t.text or "").startswith(label)]
    return [n for n in told if n.get("transform")]


def test_each_standing_has_its_mark(drawn, look, countries):
    one = drawn(charts.segments(countries, look))
    assert dots(one, "India")[0].get("fill") == "var(--score-8)"
    assert [d.get("fill") for d in dots(one, "Japan")] == ["var(--score-3)", "var(--surface)"]
    assert dots(one, "Chile")[0].get("fill") == "var(--unreliable)"


def test_a_suppressed_score_is_nowhere_in_the_picture(drawn, look, countries):
    picture = charts.segments(countries, look)
    one = drawn(picture)
    assert one.told("Brazil: Hidden").get("fill") == "url(#chart-hatch)"
    assert "87" not in " ".join(one.titles + one.texts)
    assert "424242" not in str(picture.spec) and "87.3125" not in str(picture.spec)


def test_the_line_of_all_and_the_diamonds_of_difference(drawn, look, countries):
    one = drawn(charts.segments(countries, look, overall=20.0))
    assert "Everyone 20" in one.texts and "Differs" in one.texts
    assert len([n for n in one.named("path") if n.get("fill") == "var(--ink)"]) == 2
    plain = drawn(charts.segments(countries.drop(columns="significant"), look))
    assert not {"Everyone 20", "Differs"} & set(plain.texts)


def test_a_suppressed_row_is_never_called_different(drawn, look, countries):
    countries["significant"] = countries["suppressed"]
    assert "Differs" not in drawn(charts.segments(countries, look)).texts


def test_wrong_use_is_refused(look, countries):
    with pytest.raises(FrameError, match="'n' is missing"):
        charts.segments(countries.drop(columns="n"), look)
    with pytest.raises(FrameError, match="'n' holds"):
        charts.segments(countries.assign(n=-1), look)
    with pytest.raises(FrameError, match="'nps' holds"):
        charts.segments(countries.assign(nps="good"), look)
    with pytest.raises(FrameError, match="'label' holds null"):
        charts.segments(countries.assign(label=None), look)
    with pytest.raises(ArgumentError, match="labels"):
        charts.segments(countries, charts.Look({"n": "n", "nps": "NPS"}))
