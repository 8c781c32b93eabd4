"""Country codes are read, names are refused with their code, every country has its region."""

import re
import tomllib
from collections import Counter
from importlib import resources

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from survey_app.customers.regions import (
    NAME_LOCALES,
    UnknownCountry,
    find_country,
    region_of,
)

TABLE = tomllib.loads(
    resources.files("survey_app.customers").joinpath("countries.toml").read_text(encoding="utf-8")
)
COUNTRIES = frozenset(code for part in TABLE["regions"].values() for code in part)

# The UN geoscheme's 22 regions with how many ISO countries each holds, and Antarctica.
# Written from the M49 tables, with TW in 030 and XK in 039.
REGION_SIZES = {
    "005": 16, "010": 1, "011": 17, "013": 8, "014": 22, "015": 7, "017": 9, "018": 5, "021": 5,
    "029": 28, "030": 8, "034": 9, "035": 11, "039": 17, "053": 6, "054": 5, "057": 8, "061": 10,
    "143": 5, "145": 18, "151": 10, "154": 16, "155": 9,
}  # fmt: skip


def test_all_of_iso_3166_and_kosovo_are_there_in_the_regions_of_the_un() -> None:
    assert len(COUNTRIES) == 249 + 1
    assert Counter(region_of(code) for code in COUNTRIES) == REGION_SIZES


def test_every_country_and_region_has_a_name_in_each_of_our_languages() -> None:
    regions = {region_of(code) for code in COUNTRIES} - {"010"}
    for locale in NAME_LOCALES:
        assert (COUNTRIES | regions) <= set(Locale.parse(locale).territories)


@pytest.mark.parametrize(
    ("country", "region"),
    [
        ("FI", "154"),
        ("DE", "155"),
        ("UA", "151"),
        ("IT", "039"),
        ("XK", "039"),
        ("NG", "011"),
        ("KE", "014"),
        ("CD", "017"),
        ("ZA", "018"),
        ("EG", "015"),
        ("BR", "005"),
        ("MX", "013"),
        ("CU", "029"),
        ("US", "021"),
        ("JP", "030"),
        ("TW", "030"),
        ("ID", "035"),
        ("IN", "034"),
        ("IR", "034"),
        ("TR", "145"),
        ("SA", "145"),
        ("KZ", "143"),
        ("AU", "053"),
        ("FJ", "054"),
        ("GU", "057"),
        ("TO", "061"),
        ("AQ", "010"),
    ],
)
def test_one_country_of_each_region(country: str, region: str) -> None:
    assert region_of(country) == region


@pytest.mark.parametrize("text", ["FI", "fi", "FIN", "Fin", " fi ", "\tFIN\n", "FI\u00a0"])
def test_codes_in_any_case_with_space_around(text: str) -> None:
    assert find_country(text) == "FI"


def test_alpha_3_is_not_alpha_2_with_a_letter() -> None:
    assert [find_country(code) for code in ("AUT", "AUS", "SVN", "SVK", "CHE", "CHN", "XKX")] == [
        "AT", "AU", "SI", "SK", "CH", "CN", "XK",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Finland", "FI"),
        ("finland ", "FI"),
        ("Finnland", "FI"),
        ("Finlande", "FI"),
        ("Alemania", "DE"),
        ("Alemanha", "DE"),
        ("フィンランド", "FI"),
        ("日本", "JP"),
        ("مصر", "EG"),
        ("السعوديه", None),  # a misspelling is not guessed
        ("المملكة العربية السعودية", "SA"),
        ("Cote d'Ivoire", "CI"),
        ("Côte d’Ivoire", "CI"),
        ("Österreich", "AT"),
        ("OSTERREICH", "AT"),
        ("UK", "GB"),
        ("U.K.", None),
        ("Great Britain", "GB"),
        ("Holland", "NL"),
        ("Czech Republic", "CZ"),
        ("Türkiye", "TR"),
        ("Turkey", "TR"),
        ("Viet Nam", "VN"),
        ("Guinea-Bissau", "GW"),
        ("guinea", "GN"),
        ("Niger", "NE"),
        ("Kosovo", "XK"),
        ("XX", None),
        ("T1", None),
        ("EU", None),
        ("246", None),
        ("ﬁ", None),
        ("", None),
        ("Atlantis", None),
    ],
)
def test_a_name_is_refused_with_its_code_as_hint(name: str, code: str | None) -> None:
    with pytest.raises(UnknownCountry) as refused:
        find_country(name)
    assert refused.value.text == name
    assert refused.value.hint_code == code
    if code is not None:
        assert str(refused.value).endswith(f"Write {code}.")


def test_every_name_that_babel_shows_is_recognised() -> None:
    for locale in NAME_LOCALES:
        territories = Locale.parse(locale).territories
        for code in COUNTRIES:
            with pytest.raises(UnknownCountry) as refused:
                find_country(territories[code])
            assert refused.value.hint_code == code, (locale, code)


def test_a_region_is_asked_for_by_alpha_2_only() -> None:
    for text in ("FIN", "fi", "Finland", ""):
        with pytest.raises(UnknownCountry):
            region_of(text)


@given(st.text(max_size=20))
def test_whatever_is_typed_gives_a_code_or_the_refusal(text: str) -> None:
    try:
        code = find_country(text)
    except UnknownCountry as refused:
        assert refused.hint_code is None or refused.hint_code in COUNTRIES
        assert text.strip()[:80] in str(refused)
    else:
        assert code in COUNTRIES
        assert re.fullmatch("[A-Za-z]{2,3}", text.strip())
        assert find_country(code) == code
