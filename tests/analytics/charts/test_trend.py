from datetime import date

import pandas as pd
import pytest

from analytics import charts
from analytics.errors import FrameError


def lines(one):
    return [p for p in one.named("path") if p.get("stroke") == "var(--series)"]


def test_the_line_breaks_where_nobody_answered_or_numbers_are_withheld(drawn, look, months):
    one = drawn(charts.trend(months, look))
    assert len(lines(one)) == 2  # Jan-Feb and May-Jun, nothing across March and April
    assert sum(p.get("fill") == "var(--band)" for p in one.named("path")) == 2


def test_a_higher_score_stands_higher(drawn, look, months, place_of):
    one = drawn(charts.trend(months, look))
    heights = {m: place_of(one.told(m))[1] for m in ("Jan", "Feb", "May", "Jun")}
    assert sorted(heights, key=heights.get) == ["Jun", "Feb", "Jan", "May"]


def test_each_standing_has_its_mark(drawn, look, months):
    one = drawn(charts.trend(months, look))
    assert one.told("Jun: Score 71 (64 … 78), n = 90").get("fill") == "var(--score-8)"
    assert one.told("May").get("fill") == "var(--unreliable)"
    assert [n for n in one.named("path") if n.get("fill") == "var(--surface)"]
    assert {"A few", "Too few", "Hidden"} <= set(one.texts)


def test_a_suppressed_score_is_nowhere_in_the_picture(drawn, look, months):
    picture = charts.trend(months, look)
    one = drawn(picture)
    assert one.told("Apr: Hidden").get("fill") == "url(#chart-hatch)"
    assert "87" not in " ".join(one.titles + one.texts)
    assert "424242" not in str(picture.spec) and "87.3125" not in str(picture.spec)


def test_time_runs_the_way_the_page_is_read(drawn, look, months):
    there = charts.Look(look.labels, width=900, rtl=True)
    ltr, rtl = (drawn(charts.trend(months, k)) for k in (look, there))
    assert ltr.at("Jan")[0] < ltr.at("Jun")[0]
    assert rtl.at("Jan")[0] > rtl.at("Jun")[0]
    assert ltr.at("0")[0] < 0 < 800 < rtl.at("0")[0]  # the axis stands where reading starts


def test_marks_stand_at_their_day_and_outside_the_period_nowhere(drawn, look, months):
    marks = [(date(2026, 2, 1), "Wording 2"), (date(2020, 1, 1), "Long ago")]
    one = drawn(charts.trend(months, look, marks=marks))
    assert "Wording 2" in one.texts and "Long ago" not in one.texts
    assert one.at("Wording 2")[0] == pytest.approx(one.at("Feb")[0], abs=0.2)


def test_labels_thin_out_but_keep_the_newest(drawn, look):
    days = pd.date_range("2024-01-01", periods=104, freq="W")
    table = pd.DataFrame({"bucket": days, "label": [f"{d:%d %b %Y}" for d in days]})
    table = table.assign(nps=20.0, low=10.0, high=30.0, n=100)
    one = drawn(charts.trend(table, charts.Look(look.labels, width=340)))
    shown = [t for t in one.texts if t in set(table["label"])]
    assert 2 <= len(shown) <= 5 and table["label"].iloc[-1] in shown


@pytest.mark.parametrize("rows", [1, 2])
def test_short_series_are_drawn(drawn, look, months, rows):
    assert drawn(charts.trend(months.iloc[:rows], look)).told("Jan")


def test_all_withheld_shows_no_score(drawn, look, months):
    one = drawn(charts.trend(months.assign(suppressed=True), look))
    assert "var(--score" not in one.svg and len(one.titles) == 6


def test_wrong_tables_are_refused(look, months):
    with pytest.raises(FrameError, match="'bucket' is missing"):
        charts.trend(months.drop(columns="bucket"), look)
    with pytest.raises(FrameError, match="ascend"):
        charts.trend(months.iloc[::-1], look)
    with pytest.raises(FrameError, match="'bucket' holds"):
        charts.trend(months.assign(bucket="soon"), look)
    with pytest.raises(FrameError, match=r"-100, 100"):
        charts.trend(months.assign(nps=101.0), look)
