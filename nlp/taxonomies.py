"""Taxonomies of customer themes: TOML in `taxonomy/`, read once, checked before use.

A taxonomy is data that people edit, so that every mistake is reported with theme and key.
"""

import hashlib
import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, Literal

from nlp.errors import TaxonomyError

MAX_PHRASE = 60

Judgement = Literal["negative", "positive"]
_KEYS: dict[str, tuple[Judgement | None, bool]] = {
    "mentions": (None, False),
    "negative": ("negative", False),
    "positive": ("positive", False),
    "negative_cues": ("negative", True),
    "positive_cues": ("positive", True),
}


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase of a theme.

    Attributes:
        theme: code of the theme.
        text: as written in the file.
        judgement: the polarity that the phrase carries by itself, or None.
        cue: it only colours mentions in the same clause and is none itself.
    """

    theme: str
    text: str
    judgement: Judgement | None
    cue: bool


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """Checked themes of one language: codes in the order of the file, and their phrases."""

    language: str
    codes: tuple[str, ...]
    phrases: tuple[Phrase, ...]


def parse_taxonomy(source: str) -> Taxonomy:
    """Check and read the TOML of a taxonomy (`taxonomy/en.toml` explains the keys).

    Raises:
        TaxonomyError: not TOML, an unknown key, a theme without mentions, a phrase that is no
            text, empty, too long or written twice under one key; the message names theme and key.
    """
    try:
        data = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        raise TaxonomyError(
            f"The taxonomy is not valid TOML: {error}.", hint="check quotes and commas there."
        ) from error
    language, themes = data.pop("language", None), data.pop("theme", None)
    if data:
        raise TaxonomyError(f"Unknown entries: {', '.join(data)}.", hint="keep to language, theme.")
    if not isinstance(language, str) or not re.fullmatch("[a-z]{2,3}", language):
        raise TaxonomyError("language is missing or no code.", hint='write language = "en".')
    if not isinstance(themes, dict) or not themes:
        raise TaxonomyError("There are no themes.", hint="begin each with [theme.its_key].")
    phrases = [phrase for key, body in themes.items() for phrase in _theme_phrases(key, body)]
    return Taxonomy(language, tuple(f"theme.{key}" for key in themes), tuple(phrases))


def _theme_phrases(key: str, body: Any) -> list[Phrase]:
    code = f"theme.{key}"
    if not re.fullmatch("[a-z][a-z0-9_]*", key) or not isinstance(body, dict):
        raise TaxonomyError(f"{code} is not a theme.", hint="write [theme.lower_case_key].")
    if unknown := body.keys() - _KEYS.keys():
        raise TaxonomyError(
            f"{code} has unknown keys: {', '.join(sorted(unknown))}.",
            hint=f"keep to {', '.join(_KEYS)}.",
        )
    if not body.get("mentions"):
        raise TaxonomyError(f"{code} has no mentions.", hint="list at least one word for it.")
    return [
        Phrase(code, text, *_KEYS[name])
        for name, texts in body.items()
        for text in _checked_texts(f"{code}, {name}", texts)
    ]


def _checked_texts(where: str, texts: Any) -> list[str]:
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise TaxonomyError(f"{where}: not a list of texts.", hint='write ["one", "two"].')
    seen: set[str] = set()
    for text in texts:
        if not any(map(str.isalnum, text)) or text != text.strip() or len(text) > MAX_PHRASE:
            raise TaxonomyError(
                f"{where}: {text!r} is not a phrase.",
                hint=f"write 1 to {MAX_PHRASE} characters without spaces around them.",
            )
        if text.lower() in seen:
            raise TaxonomyError(f"{where}: {text!r} stands there twice.", hint="take one out.")
        seen.add(text.lower())
    return list(texts)


@lru_cache(maxsize=1)
def english_source() -> str:
    """The packaged English taxonomy as TOML."""
    return (resources.files("nlp") / "taxonomy" / "en.toml").read_text(encoding="utf-8")


def fingerprint(*parts: str) -> str:
    """Twelve hexadecimal digits that change when one of `parts` does."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]
