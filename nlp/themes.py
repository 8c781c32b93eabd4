"""Mentions of themes in a comment, found with spaCy, each with the polarity of its place.

A language's taxonomy becomes one spaCy pipeline: a tokeniser that turns each word into the longest
stem or word that the taxonomy knows, and a phrase matcher over those. What no phrase speaks of
becomes one and the same token, so that the vocabulary never grows with what customers write.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, product

from spacy.matcher import PhraseMatcher
from spacy.tokens import Doc
from spacy.vocab import Vocab

from nlp.taxonomies import Judgement, Phrase, Taxonomy, parse_taxonomy, taxonomy_source
from nlp.words import without_clitics, words_of

UNKNOWN = "·"
# How many words before a judgement a negator reaches: "was not a very helpful agent".
NEGATION_REACH = 3
# Of a phrase's stems with the longer stems that they meet: more cost memory and find nothing more.
MOST_VARIANTS = 30
_CLAUSE_MARKS = frozenset(".!?…;,\n。！？；，、،؟।")


@dataclass(frozen=True, slots=True)
class Mention:
    """A place that speaks of a theme.

    Attributes:
        code: the theme's code.
        start, end: in code points of the text.
        judgement: -1, 0 or 1: what the phrase itself says, turned round by a negator.
        balance: judging words of the same clause, positive ones minus negative ones.
        clause: (start, end) of the clause, in code points.
    """

    code: str
    start: int
    end: int
    judgement: int
    balance: int
    clause: tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Found:
    start: int
    end: int
    phrase: Phrase


class ThemeMatcher:
    """Finds the phrases of one taxonomy. Immutable once built; safe for several threads."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        """Compile the taxonomy's phrases."""
        self._arabic = taxonomy.language == "ar"
        phrases = [*taxonomy.phrases]
        for role, texts in taxonomy.words.items():
            phrases += [Phrase(f"words.{role}", text, None) for text in texts]
        patterns = [_pattern(phrase.text) for phrase in phrases]
        self._keys = frozenset(key for pattern in patterns for key in pattern)
        self._longest = max((len(key) for key in self._keys), default=0)
        self._vocab = Vocab()
        self._matcher = PhraseMatcher(self._vocab)
        self._phrases: dict[int, Phrase] = {}
        extensions = _extensions(self._keys)
        self._key_of = lru_cache(maxsize=100_000)(self._find_key)
        for number, (phrase, pattern) in enumerate(zip(phrases, patterns, strict=True)):
            variants = product(*(extensions[key] for key in pattern))
            docs = [Doc(self._vocab, list(keys)) for keys in islice(variants, MOST_VARIANTS)]
            name = f"{number}"
            self._phrases[self._vocab.strings.add(name)] = phrase
            self._matcher.add(name, docs)

    def mentions(self, text: str) -> list[Mention]:
        """The mentions in `text` (as `readable` gives it), by position."""
        places = list(words_of(text))
        doc = Doc(self._vocab, [self._key_of(word) for _, _, word in places])
        found: dict[str, list[_Found]] = defaultdict(list)
        for key, start, end in self._matcher(doc):
            phrase = self._phrases[key]
            family = phrase.code if phrase.code.startswith("words.") else "theme"
            found[family].append(_Found(start, end, phrase))
        if "theme" not in found:
            return []
        clauses = _clauses(text, places, found["words.contrasts"])
        return list(_judged(places, found, clauses))

    def _find_key(self, word: str) -> str:
        """The longest stem or word of the taxonomy that this word is or begins with."""
        for form in without_clitics(word) if self._arabic else (word,):
            if form in self._keys:
                return form
            for size in range(min(len(form), self._longest - 1), 0, -1):
                if (stem := f"{form[:size]}*") in self._keys:
                    return stem
        return UNKNOWN


def _pattern(text: str) -> tuple[str, ...]:
    """The phrase as folded words; a stem keeps its `*`."""
    keys: list[str] = []
    for part in text.split():
        folded = [word for _, _, word in words_of(part)]
        if folded and part.endswith("*"):
            folded[-1] += "*"
        keys += folded
    return tuple(keys)


def _extensions(keys: Iterable[str]) -> dict[str, list[str]]:
    """For each key the keys that a word which it matches may become: itself and longer ones."""
    found: dict[str, list[str]] = {}
    by_start: dict[str, list[str]] = defaultdict(list)
    for key in keys:
        stem = key.removesuffix("*")
        for size in range(1, len(stem) + 1):
            by_start[stem[:size]].append(key)
    for key in keys:
        found[key] = by_start[key[:-1]] if key.endswith("*") else [key]
    return found


def _clauses(
    text: str, places: Sequence[tuple[int, int, str]], contrasts: Iterable[_Found]
) -> list[int]:
    """Numbers of the words that begin a clause, ascending, from 0."""
    starts = {0} | {one.start for one in contrasts}
    for number in range(1, len(places)):
        between = text[places[number - 1][1] : places[number][0]]
        if _CLAUSE_MARKS.intersection(between):
            starts.add(number)
    return sorted(starts)


def _judged(
    places: Sequence[tuple[int, int, str]],
    found: Mapping[str, Sequence[_Found]],
    clauses: Sequence[int],
) -> Iterator[Mention]:
    negators = {place for one in found["words.negators"] for place in range(one.start, one.end)}
    kept = _longest(found["theme"])
    inside = {place for one in kept for place in range(one.start, one.end)}

    def clause_of(place: int) -> int:
        return bisect_right(clauses, place) - 1

    def sign(one: _Found, judgement: Judgement | None) -> int:
        if judgement is None:
            return 0
        first = max(one.start - NEGATION_REACH, clauses[clause_of(one.start)])
        turned = any(place in negators for place in range(first, one.start))
        return (1 if judgement == "positive" else -1) * (-1 if turned else 1)

    balance: dict[int, int] = defaultdict(int)
    for judgement in ("positive", "negative"):
        for one in _longest(found[f"words.{judgement}"]):
            if one.start not in inside:
                balance[clause_of(one.start)] += sign(one, judgement)
    for one in kept:
        number = clause_of(one.start)
        last = clauses[number + 1] - 1 if number + 1 < len(clauses) else len(places) - 1
        yield Mention(
            code=one.phrase.code,
            start=places[one.start][0],
            end=places[one.end - 1][1],
            judgement=sign(one, one.phrase.judgement),
            balance=balance[number],
            clause=(places[clauses[number]][0], places[last][1]),
        )


def _longest(found: Iterable[_Found]) -> list[_Found]:
    """By position: no phrase that lies inside a longer one; of equal ones the one that judges.

    A theme is passed over where one of its parts is mentioned in the comment too.
    """
    kept: dict[tuple[int, int, str], _Found] = {}
    covered: dict[int, int] = {}
    by_length = sorted(found, key=lambda one: (one.start - one.end, one.phrase.judgement is None))
    for one in by_length:
        size = one.end - one.start
        if any(covered.get(place, 0) <= size for place in range(one.start, one.end)):
            kept.setdefault((one.start, one.end, one.phrase.code), one)
            for place in range(one.start, one.end):
                covered[place] = max(covered.get(place, 0), size)
    parted = {code.rpartition(".")[0] for _, _, code in kept}
    return [kept[place] for place in sorted(kept) if place[2] not in parted]


@lru_cache(maxsize=32)
def packaged_matcher(language: str) -> ThemeMatcher:
    """The matcher of a packaged taxonomy, built at the first call and then shared."""
    return ThemeMatcher(parse_taxonomy(taxonomy_source(language)))
