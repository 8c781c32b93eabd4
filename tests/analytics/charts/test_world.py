from importlib.resources import files

import pandas as pd
import pytest
from babel.core import Locale

from analytics import charts
from analytics.errors import FrameError

NO_COUNTRIES = {
    "AQ",
    "AC",
    "CP",
    "CQ",
    "DG",
    "EA",
    "EU",
    "EZ",
    "IC",
    "QO",
    "TA",
    "UN",
    "XA",
    "XB",
    "ZZ",
}


def test_the_map_knows_every_country_but_antarctica():
    known = {c for c in Locale("en").territories if len(c) == 2 and c.isalpha()}
    assert charts.places() == known - NO_COUNTRIES


def test_the_map_is_small():
    assert len(files("analytics.charts").joinpath("world.json").read_bytes()) < 60_000


def test_countries_wear_their_class(drawn, look, countries):
    one = drawn(charts.world(countries, look))
    assert one.told("Germany: Score 12, n = 400").get("fill") == "var(--score-5)"
    assert one.told("Kosovo").get("fill") == "var(--score-7)"
    assert one.told("Chile").get("fill") == "var(--unreliable)"
    assert one.told("Malta").get("fill") == "var(--score-1)"  # a dot
    assert one.told("Malta").get("stroke") == "var(--outline)"


def test_few_answers_are_marked_on_the_country(drawn, look, countries):
    one = drawn(charts.world(countries, look))
    marks = [n for n in one.named("path") for t in n if (t.text or "").startswith("Japan")]
    assert [m.get("fill") for m in marks] == ["var(--score-3)", "var(--surface)"]


def test_a_suppressed_score_is_nowhere_in_the_picture(drawn, look, countries):
    picture = charts.world(countries, look)
    one = drawn(picture)
    assert one.told("Brazil: Hidden").get("fill") == "url(#chart-hatch)"
    assert "87" not in " ".join(one.titles + one.texts)
    assert "424242" not in str(picture.spec) and "87.3125" not in str(picture.spec)


@pytest.mark.parametrize("code", ["TW", "EH", "XK", "UA", "GF", "CY", "SG", "RU", "FJ", "SJ"])
def test_places_that_maps_get_wrong_are_there(drawn, look, code):
    table = pd.DataFrame([{"country": code, "label": "Here", "nps": 50.0, "n": 100}])
    one = drawn(charts.world(table, look))
    assert one.told("Here").get("fill") == "var(--score-7)"


def test_codes_the_map_lacks_are_left_to_the_table(drawn, look, countries):
    countries["country"] = ["QQ", None, "AQ", "BR", "MT", "XK", "CL"]
    one = drawn(charts.world(countries, look))
    assert not any(t.startswith(("Germany", "India", "Japan")) for t in one.titles)


def test_the_map_itself_is_not_mirrored(drawn, look, countries):
    there = charts.Look(look.labels, width=900, rtl=True)
    ltr, rtl = (drawn(charts.world(countries, k)) for k in (look, there))
    assert ltr.told("India").get("d") == rtl.told("India").get("d")
    assert ltr.at("−100")[0] < ltr.at("100")[0] and rtl.at("−100")[0] > rtl.at("100")[0]


def test_one_country_twice_is_refused(look, countries):
    with pytest.raises(FrameError, match="repeats"):
        charts.world(countries.assign(country="DE"), look)
