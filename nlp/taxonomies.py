"""Taxonomies of customer themes: one TOML a language in `taxonomy/`, checked before use.

A taxonomy is data that people edit, so that every mistake is reported with theme and key.
`taxonomy/README.md` explains the format. Themes have two levels: `delivery` and `delivery.speed`.
"""

import hashlib
import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, Literal, TypeAlias

from nlp.errors import TaxonomyError
from nlp.words import words_of

MAX_PHRASE = 60
ANY_LANGUAGE = "und"
SHORTEST_STEM = 3
# Of scripts that leave vowels out, or write a syllable or a word with one sign.
_SHORTER = {"ARABIC": 2, "HEBREW": 2, "HANGUL": 1, "CJK": 1, "HIRAGANA": 1, "KATAKANA": 1}
# Of the caller's own themes; not in `nlp.own_themes`, which takes RE2 and spaCy along.
MAX_OWN_THEMES = 50
MAX_OWN_WORDS = 100
MAX_OWN_PATTERN = 500

Judgement: TypeAlias = Literal["negative", "positive"]
# What a phrase does where it stands: it mentions its theme, judges it at once, or (a word of the
# language, of no theme) judges whatever is spoken of, turns a judgement round, begins a new clause.
_OF_THEME: Mapping[str, Judgement | None] = {
    "mentions": None,
    "negative": "negative",
    "positive": "positive",
}
_OF_LANGUAGE = ("negators", "contrasts", "positive", "negative")
_KEY = re.compile("[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase of a theme.

    Attributes:
        code: code of the theme, e.g. `theme.delivery.speed`.
        text: as written in the file; `*` at the end of a word stands for any ending.
        judgement: the polarity that the phrase carries by itself, or None.
    """

    code: str
    text: str
    judgement: Judgement | None


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """Checked themes of one language: codes and phrases in the order of the file.

    `words` holds what any subject is judged with: `negators`, `contrasts`, `positive`, `negative`.
    """

    language: str
    codes: tuple[str, ...]
    phrases: tuple[Phrase, ...]
    words: Mapping[str, tuple[str, ...]]


def parse_taxonomy(source: str) -> Taxonomy:
    """Check and read the TOML of a taxonomy.

    Raises:
        TaxonomyError: not TOML, an unknown key, a theme without phrases, a phrase that is no text,
            has no word, is too long, of too short a stem, has a `*` inside or is written twice;
            the message names theme and key.
    """
    try:
        data = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        raise TaxonomyError(
            f"The taxonomy is not valid TOML: {error}.", hint="check quotes and commas there."
        ) from error
    language, themes, words = (data.pop(name, None) for name in ("language", "theme", "words"))
    if data:
        raise TaxonomyError(
            f"Unknown entries: {', '.join(data)}.", hint="keep to language, words, theme."
        )
    if not isinstance(language, str) or not re.fullmatch("[a-z]{2,3}", language):
        raise TaxonomyError("language is missing or no code.", hint='write language = "en".')
    if not isinstance(themes, dict) or not themes:
        raise TaxonomyError("There are no themes.", hint="begin each with [theme.its_key].")
    read = dict(_themes("theme", themes))
    return Taxonomy(
        language,
        tuple(read),
        tuple(phrase for phrases in read.values() for phrase in phrases),
        _words({} if words is None else words),
    )


def _themes(parent: str, tables: Mapping[str, Any]) -> Iterator[tuple[str, list[Phrase]]]:
    """Codes with their phrases, a theme before its parts."""
    for key, body in tables.items():
        code = f"{parent}.{key}"
        if not _KEY.fullmatch(key) or not isinstance(body, dict):
            raise TaxonomyError(f"{code} is not a theme.", hint="write [theme.lower_case_key].")
        own = {name: value for name, value in body.items() if name in _OF_THEME}
        parts = {name: value for name, value in body.items() if name not in _OF_THEME}
        if parts and code.count(".") > 1:
            raise TaxonomyError(
                f"{code} has unknown keys: {', '.join(sorted(parts))}.",
                hint=f"keep to {', '.join(_OF_THEME)}; themes have two levels.",
            )
        phrases = [
            Phrase(code, text, _OF_THEME[name])
            for name, texts in own.items()
            for text in checked_texts(f"{code}, {name}", texts)
        ]
        if not phrases and not parts:
            raise TaxonomyError(f"{code} has no phrases.", hint="list at least one mention.")
        yield code, phrases
        yield from _themes(code, parts)


def _words(table: Any) -> Mapping[str, tuple[str, ...]]:
    if not isinstance(table, dict):
        raise TaxonomyError("words is no table.", hint="write [words] and its lists below.")
    if unknown := table.keys() - set(_OF_LANGUAGE):
        raise TaxonomyError(
            f"words has unknown keys: {', '.join(sorted(unknown))}.",
            hint=f"keep to {', '.join(_OF_LANGUAGE)}.",
        )
    return {
        name: tuple(checked_texts(f"words, {name}", table.get(name, []))) for name in _OF_LANGUAGE
    }


def checked_texts(where: str, texts: Any) -> list[str]:
    """The texts, if each is a phrase that a taxonomy may hold.

    Raises TaxonomyError that names `where` and the text.
    """
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise TaxonomyError(f"{where}: not a list of texts.", hint='write ["one", "two"].')
    seen: set[str] = set()
    for text in texts:
        letters = "".join(word for _, _, word in words_of(text))
        if not any(map(str.isalnum, letters)) or text != text.strip() or len(text) > MAX_PHRASE:
            raise TaxonomyError(
                f"{where}: {text!r} is not a phrase.",
                hint=f"write 1 to {MAX_PHRASE} characters, words without spaces around them.",
                reason="phrase.form",
                text=text,
                most=MAX_PHRASE,
            )
        if any("*" in word[:-1] for word in text.split()):
            raise TaxonomyError(
                f"{where}: {text!r} has a star inside.",
                hint="write * at the end of a word only; it stands for any ending.",
                reason="phrase.star",
                text=text,
            )
        if any(map(_too_short, text.split())):
            raise TaxonomyError(
                f"{where}: the stem in {text!r} would catch half the language.",
                hint=f"write at least {SHORTEST_STEM} letters before *.",
                reason="phrase.stem",
                text=text,
                least=SHORTEST_STEM,
            )
        if text.lower() in seen:
            raise TaxonomyError(
                f"{where}: {text!r} stands there twice.",
                hint="take one out.",
                reason="phrase.twice",
                text=text,
            )
        seen.add(text.lower())
    return list(texts)


def _too_short(word: str) -> bool:
    if not word.endswith("*"):
        return False
    stem = "".join([last for _, _, last in words_of(word)][-1:])
    scripts = [unicodedata.name(sign, "").partition(" ")[0] for sign in stem]
    return len(stem) < min((_SHORTER.get(one, SHORTEST_STEM) for one in scripts), default=1)


@lru_cache(maxsize=1)
def packaged_languages() -> tuple[str, ...]:
    """Languages that the package has a taxonomy for, by code."""
    files = (resources.files("nlp") / "taxonomy").iterdir()
    return tuple(sorted(file.name[:-5] for file in files if file.name.endswith(".toml")))


def taxonomy_source(language: str) -> str:
    """The packaged taxonomy of a language as TOML."""
    return (resources.files("nlp") / "taxonomy" / f"{language}.toml").read_text(encoding="utf-8")


def fingerprint(*parts: str | bytes) -> str:
    """Twelve hexadecimal digits that change when one of `parts` does."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update((part.encode() if isinstance(part, str) else part) + b"\0")
    return digest.hexdigest()[:12]
