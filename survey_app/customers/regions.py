"""Countries by code, and the part of the world each belongs to.

Only codes are accepted: names differ by language and by politics. A name is still recognised, so
that the refusal can say which code to write.
"""

import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType

from babel import Locale

from survey_app.errors import N_, Invalid

# The languages in which a country's name is recognised, for the hint.
NAME_LOCALES = ("en", "de", "fr", "es", "pt", "ja", "ar")


class UnknownCountry(Invalid):
    """`text` is no country code; `hint_code` is the one it seems to mean, or None."""

    def __init__(self, text: str, hint_code: str | None = None) -> None:
        shown = text.strip()[:80]
        if hint_code is None:
            super().__init__(
                "country.unknown",
                N_("%(text)s is not a country code."),
                hint=N_("Write two or three letters of ISO 3166, such as FI or FIN."),
                text=shown,
            )
        else:
            super().__init__(
                "country.name",
                N_("%(text)s is a name, not a country code."),
                hint=N_("Write %(country)s."),
                text=shown,
                country=hint_code,
            )
        self.text = text
        self.hint_code = hint_code


@dataclass(frozen=True, slots=True)
class _Countries:
    regions: Mapping[str, str]  # alpha-2 -> M49
    alpha2: Mapping[str, str]  # alpha-3 -> alpha-2
    aliases: Mapping[str, str]  # folded name -> alpha-2


@cache
def _countries() -> _Countries:
    table = tomllib.loads(
        resources.files(__package__).joinpath("countries.toml").read_text(encoding="utf-8")
    )
    by_region: dict[str, dict[str, str]] = table["regions"]
    return _Countries(
        regions=MappingProxyType({a2: code for code, part in by_region.items() for a2 in part}),
        alpha2=MappingProxyType({a3: a2 for part in by_region.values() for a2, a3 in part.items()}),
        aliases=MappingProxyType(table["aliases"]),
    )


def find_country(text: str) -> str:
    """The alpha-2 code for an alpha-2 or alpha-3 code, in any case, with space around it.

    Raises `UnknownCountry` for anything else; a country's name (English, German, French, Spanish,
    Portuguese, Japanese, Arabic or a common alias) is refused with its code as `hint_code`.
    """
    stripped = text.strip()
    # Upper-casing makes ASCII of some other letters (a ligature, a long s): not a code as typed.
    code = stripped.upper() if stripped.isascii() else stripped
    countries = _countries()
    if code in countries.regions:
        return code
    if code in countries.alpha2:
        return countries.alpha2[code]
    raise UnknownCountry(text, _names().get(_folded(text)))


def region_of(alpha2: str) -> str:
    """The M49 code of a country's region, such as "154" for FI; there are 22, and "010" (AQ).

    M49 sub-regions, or the intermediate regions where M49 has them (countries.toml says how).
    Raises `UnknownCountry` for anything but an upper-case alpha-2 code.
    """
    try:
        return _countries().regions[alpha2]
    except KeyError:
        raise UnknownCountry(alpha2) from None


@cache
def _names() -> Mapping[str, str]:
    """Folded name -> alpha-2, made at the first refusal; names that two countries share are out."""
    meant: dict[str, set[str]] = {}
    for locale in NAME_LOCALES:
        for code, name in Locale.parse(locale).territories.items():
            if code in _countries().regions:
                meant.setdefault(_folded(name), set()).add(code)
    clear = {name: codes.pop() for name, codes in meant.items() if len(codes) == 1}
    return MappingProxyType(clear | dict(_countries().aliases))


def _folded(name: str) -> str:
    """Lower case, without diacritics, punctuation and doubled spaces: "Côte d'Ivoire" as typed."""
    letters = (
        " " if unicodedata.category(letter)[0] in "PZC" else letter
        for letter in unicodedata.normalize("NFKD", name.casefold())
        if not unicodedata.combining(letter)
    )
    return " ".join("".join(letters).split())
