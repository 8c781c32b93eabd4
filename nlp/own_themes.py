"""Themes that a workspace adds: words in the taxonomies' syntax, or an RE2 pattern, any language.

RE2 (Cox, https://swtch.com/~rsc/regexp/) matches in time linear in the text whatever the pattern,
so that no pattern can hold up a worker; its size is limited, so that none can fill the memory.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import re2

from nlp.errors import TaxonomyError
from nlp.taxonomies import (
    ANY_LANGUAGE,
    MAX_OWN_PATTERN,
    MAX_OWN_THEMES,
    MAX_OWN_WORDS,
    Phrase,
    Taxonomy,
    checked_texts,
)
from nlp.themes import Phrases, Place, position, spans_of
from nlp.words import cut, readable

# Of one theme in one text: more say nothing more, and looking for each may take the whole text.
MAX_HITS = 20
_MAX_MEMORY = 1 << 20  # bytes of one compiled pattern and its cache
_CODE = re.compile("theme[.]own[.][a-z0-9][a-z0-9_-]{0,59}")
# No pattern may be satisfied with nothing, neither in an empty text nor between words.
_NOTHING = ("", "a b", "1, 2")


@dataclass(frozen=True, slots=True)
class OwnTheme:
    """A theme of a workspace's own.

    Attributes:
        code: `theme.own.<slug>`; the slug of a-z, 0-9, `_` and `-`, at most 60.
        words: words, stems and phrases as in a taxonomy file: `refund*`, `money back`.
        pattern: a regular expression in RE2's syntax; case does not matter.
    """

    code: str
    words: tuple[str, ...] = ()
    pattern: str | None = None


class OwnThemes:
    """Finds the themes of one workspace. Compiled once; safe for several threads."""

    def __init__(self, themes: Iterable[OwnTheme]) -> None:
        """Check and compile the themes.

        Raises TaxonomyError naming the theme: an odd code, a code twice, neither words nor pattern,
        too many themes or words, too long or too large a pattern, a broken one, one that matches
        nothing at all; its hint says what to write instead.
        """
        given = list(themes)
        if len(given) > MAX_OWN_THEMES:
            raise TaxonomyError(
                f"{len(given)} themes are too many.", hint=f"keep to {MAX_OWN_THEMES}; join some."
            )
        phrases: list[Phrase] = []
        self._patterns: list[tuple[str, re2._Regexp]] = []
        seen: set[str] = set()
        for theme in given:
            _check(theme, seen)
            seen.add(theme.code)
            texts = checked_texts(f"{theme.code}, words", list(theme.words))
            phrases += [Phrase(theme.code, text, None) for text in texts]
            if theme.pattern is not None:
                self._patterns.append((theme.code, _compiled(theme.code, theme.pattern)))
        self._phrases = Phrases(Taxonomy(ANY_LANGUAGE, tuple(seen), tuple(phrases), {}))
        self._several: dict[tuple[str, ...], set[str]] = defaultdict(set)  # words → codes
        for kind, patterns in self._phrases.several.items():
            for keys in patterns:
                self._several[tuple(keys)].add(kind.code)
        self._sizes = sorted({len(keys) for keys in self._several}, reverse=True)
        self._codes = frozenset(phrase.code for phrase in phrases)

    def mentions(self, text: str) -> list[Place]:
        """Places that speak of a theme, by position; at most `MAX_HITS` of each theme.

        Places of one theme don't overlap; those of different themes may.
        """
        text = readable(text)
        found = {*self._by_words(text), *self._by_pattern(text)}
        kept: dict[str, list[Place]] = {}
        for place in sorted(found, key=lambda one: (one.start, -one.end, one.code)):
            before = kept.setdefault(place.code, [])
            if len(before) < MAX_HITS and not (before and place.start < before[-1].end):
                before.append(place)
        return sorted((place for places in kept.values() for place in places), key=position)

    def _by_words(self, text: str) -> Iterator[Place]:
        """From the left, the longest phrases of each theme that don't overlap, until `MAX_HITS`.

        A theme that has them is not looked for any longer: what is found does not grow with how
        often phrases lie inside each other.
        """
        parts = cut(text)
        starts, ends = spans_of(parts)
        said, turns = self._phrases.read(parts[1::2])
        wanted, hits = set(self._codes), Counter[str]()
        free = dict.fromkeys(self._codes, 0)  # the first word that no place of the theme holds
        for at, kinds in enumerate(said):
            found = [
                (at + size, self._several.get(tuple(keys[at : at + size])))
                for size in self._sizes
                for keys in turns
            ]
            found.append((at + 1, {kind.code for kind in kinds}))
            for end, codes in found:
                for code in codes & wanted if codes else ():
                    if free[code] > at:
                        continue
                    yield Place(code, starts[at], ends[end - 1])
                    free[code] = end
                    hits[code] += 1
                    if hits[code] == MAX_HITS:
                        wanted.remove(code)

    def _by_pattern(self, text: str) -> Iterator[Place]:
        for code, pattern in self._patterns:
            for count, found in enumerate(pattern.finditer(text), 1):
                start, end = found.span()
                if start < end:
                    yield Place(code, start, end)
                if count == MAX_HITS:
                    break


def _check(theme: OwnTheme, seen: set[str]) -> None:
    if not _CODE.fullmatch(theme.code):
        raise TaxonomyError(
            f"{theme.code!r} is no code.", hint="write theme.own. and lower-case letters, digits."
        )
    if theme.code in seen:
        raise TaxonomyError(f"{theme.code} is there twice.", hint="join the two or rename one.")
    if not theme.words and theme.pattern is None:
        raise TaxonomyError(
            f"{theme.code} would find nothing.", hint="give at least one word or a pattern."
        )
    if len(theme.words) > MAX_OWN_WORDS:
        raise TaxonomyError(
            f"{theme.code} has {len(theme.words)} words.",
            hint=f"keep to {MAX_OWN_WORDS}; a stem such as refund* stands for many.",
            reason="words.many",
            most=MAX_OWN_WORDS,
        )


def _compiled(code: str, pattern: str) -> "re2._Regexp":
    if not pattern.strip() or len(pattern) > MAX_OWN_PATTERN:
        raise TaxonomyError(
            f"{code}: the pattern is {'too long' if pattern.strip() else 'empty'}.",
            hint=f"write 1 to {MAX_OWN_PATTERN} characters, or list words instead.",
            reason="pattern.length",
            most=MAX_OWN_PATTERN,
        )
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = _MAX_MEMORY
    try:
        compiled = re2.compile(readable(pattern), options)
    except re2.error as error:
        raise _broken(code, error) from error
    if any(found.end() == found.start() for text in _NOTHING for found in compiled.finditer(text)):
        raise TaxonomyError(
            f"{code}: the pattern {pattern!r} is satisfied with nothing and so fits every comment.",
            hint="ask for at least one letter: a+ instead of a*.",
            reason="pattern.nothing",
        )
    return compiled


def _broken(code: str, error: Exception) -> TaxonomyError:
    what = error.args[0] if error.args else ""
    said = what.decode("utf-8", "replace") if isinstance(what, bytes) else str(what)
    if "too large" in said or "repetition size" in said:
        kind, hint = "size", "repeat less, or split it into several themes."
    elif "(?" in said or "escape" in said:
        kind = "reference"
        hint = "look-around and references to groups don't exist in RE2; say it without them."
    else:
        kind = "form"
        hint = r"close every bracket, and write \. \? \( for the signs themselves."
    return TaxonomyError(
        f"{code}: the pattern is broken: {said}.", hint=hint, reason=f"pattern.{kind}"
    )
