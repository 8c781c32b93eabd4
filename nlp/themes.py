"""Mentions of themes in a comment, found with spaCy, each with the polarity of its place.

Each word is read as the longest stem or word that the taxonomy knows; where it begins with shorter
stems too, the text is read again with those. A phrase of one word is looked up; spaCy's phrase
matcher finds those of several. What no phrase speaks of becomes one and the same token, so that
the vocabulary never grows with what customers write.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

from spacy.matcher import PhraseMatcher
from spacy.tokens import Doc
from spacy.vocab import Vocab

from nlp.taxonomies import ANY_LANGUAGE, Judgement, Taxonomy, parse_taxonomy, taxonomy_source
from nlp.words import cut, fold, kept, without_clitics, words_of

_NOTHING = ("·",)  # of a word in no phrase
_SAYS_NOTHING: tuple[tuple["_Kind", ...], tuple[str, ...]] = ((), _NOTHING)
# How many words before a judgement a negator reaches: "was not a very helpful agent".
NEGATION_REACH = 3
# How often a text is read: with the longest stems of its words, with the next shorter ones, …
MOST_READINGS = 3
_CLAUSE_MARKS = frozenset(".!?…;,\n。！？；，、،؟।")
_INSIDE_NUMBERS = frozenset((".", ",", "،"))
_SIGNS: Mapping[Judgement, int] = {"positive": 1, "negative": -1}


class Place(NamedTuple):
    """A place that speaks of a theme: its code, start and end in code points of the text."""

    code: str
    start: int
    end: int


class Mention(NamedTuple):
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


def position(one: Place | Mention) -> tuple[int, int, str]:
    """What places and mentions are sorted by."""
    return one.start, one.end, one.code


class _Kind(NamedTuple):
    """What a phrase does: its role is `theme`, or what a word of the language does."""

    role: str
    code: str
    judgement: Judgement | None


class _Found(NamedTuple):
    """A phrase of words `start` to `end`."""

    start: int
    end: int
    kind: _Kind


class Phrases:
    """Phrases by what they are, and how a text is read for them. Immutable once built.

    Attributes:
        several: the phrases of several words, as keys, by kind.
    """

    def __init__(self, taxonomy: Taxonomy) -> None:
        """Sort out the taxonomy's phrases."""
        self._clitics = taxonomy.language in ("ar", ANY_LANGUAGE)
        single: dict[str, set[_Kind]] = defaultdict(set)
        self.several: dict[_Kind, list[list[str]]] = defaultdict(list)
        for kind, text in _phrases(taxonomy):
            keys = _pattern(text)
            if len(keys) == 1:
                single[keys[0]].add(kind)
            elif keys:
                self.several[kind].append(keys)
        self._parts = frozenset(
            key for patterns in self.several.values() for keys in patterns for key in keys
        )
        # What each known word or stem says by itself.
        self._says = {key: tuple(single[key]) for key in {*single, *self._parts}}
        sizes: dict[str, set[int]] = defaultdict(set)  # of stems, by their first two letters
        for key in self._says:
            if key.endswith("*"):
                sizes[key[:2]].add(len(key) - 1)
        self._sizes = {start: sorted(some, reverse=True) for start, some in sizes.items()}
        self._read = kept(self._readings, most=3_000)

    def read(self, words: Sequence[str]) -> tuple[list[tuple[_Kind, ...]], list[list[str]]]:
        """What each word says by itself; and the words as keys of phrases, once or more often."""
        read = [self._read(word) for word in words]
        keys = [keys for _, keys in read]
        turns = range(min(MOST_READINGS, max(map(len, keys), default=0)))
        return [kinds for kinds, _ in read], [
            [one[turn] if turn < len(one) else one[-1] for one in keys] for turn in turns
        ]

    def _readings(self, word: str) -> tuple[tuple[_Kind, ...], tuple[str, ...]]:
        """What the word says by itself, and what it may be in a phrase, longest stem first."""
        folded = fold(word)
        for form in without_clitics(folded) if self._clitics else (folded,):
            sizes = self._sizes.get(form[:2], ())
            stems = [f"{form[:size]}*" for size in sizes if size <= len(form)]
            if keys := [key for key in (form, *stems, f"{form[:1]}*") if key in self._says]:
                kinds = dict.fromkeys(kind for key in keys for kind in self._says[key])
                return tuple(kinds), tuple(filter(self._parts.__contains__, keys)) or _NOTHING
        return _SAYS_NOTHING


class ThemeMatcher:
    """Finds the phrases of one taxonomy. Immutable once built; safe for several threads."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        """Compile the taxonomy's phrases."""
        self._phrases = Phrases(taxonomy)
        self._vocab = Vocab()
        self._matcher = PhraseMatcher(self._vocab)
        self._several: dict[int, _Kind] = {}
        for number, (kind, patterns) in enumerate(self._phrases.several.items()):
            self._several[self._vocab.strings.add(f"{number}")] = kind
            for keys in patterns:  # a Doc is large: one at a time
                self._matcher.add(f"{number}", [Doc(self._vocab, keys)])

    def mentions(self, text: str) -> list[Mention]:
        """The mentions in `text` (as `readable` gives it), by position."""
        return self.read(text).mentions()

    def read(self, text: str) -> "Reading":
        """The text with its phrases found, to ask for its mentions and clauses."""
        parts = cut(text)
        return Reading(parts, self._find(parts[1::2]))

    def _find(self, words: Sequence[str]) -> set[_Found]:
        said, turns = self._phrases.read(words)
        found = {
            _Found(place, place + 1, kind)
            for place, kinds in enumerate(said)
            if kinds
            for kind in kinds
        }
        for keys in turns:
            doc = Doc(self._vocab, keys)
            found.update(
                _Found(start, end, self._several[name]) for name, start, end in self._matcher(doc)
            )
        return found


def _phrases(taxonomy: Taxonomy) -> Iterator[tuple[_Kind, str]]:
    for phrase in taxonomy.phrases:
        yield _Kind("theme", phrase.code, phrase.judgement), phrase.text
    for role, texts in taxonomy.words.items():
        for text in texts:
            yield _Kind(role, role, None), text


def _pattern(text: str) -> list[str]:
    """The phrase as folded words; a stem keeps its `*`."""
    keys: list[str] = []
    for part in text.split():
        folded = [word for _, _, word in words_of(part)]
        if folded and part.endswith("*"):
            folded[-1] += "*"
        keys += folded
    return keys


def spans_of(parts: Sequence[str]) -> tuple[list[int], list[int]]:
    """Starts and ends of the words of a text that was cut."""
    ends = list(accumulate(map(len, parts)))
    return ends[:-1:2], ends[1::2]


def _clauses(parts: Sequence[str], contrasts: Iterable[_Found]) -> list[int]:
    """Numbers of the words that begin a clause, ascending, from 0."""
    starts = {0} | {one.start for one in contrasts}
    for place in range(2, len(parts) - 1, 2):
        between = parts[place]
        if not _CLAUSE_MARKS.isdisjoint(between) and not (
            between in _INSIDE_NUMBERS
            and parts[place - 1][-1].isdigit()
            and parts[place + 1][0].isdigit()
        ):
            starts.add(place // 2)
    return sorted(starts)


class Reading:
    """One text: what phrases found in it, its clauses, and how its places are judged."""

    def __init__(self, parts: Sequence[str], found: Iterable[_Found]) -> None:
        """`parts` are the text as `cut` gives it; of `found` the numbers count words."""
        by_role: dict[str, list[_Found]] = defaultdict(list)
        for one in found:
            by_role[one.kind.role].append(one)
        self._word_starts, self._word_ends = spans_of(parts)
        self._phrases = _longest(by_role["theme"])
        self._starts = _clauses(parts, by_role["contrasts"])  # of clauses, in words
        # (start, end) of each clause, in code points; one at least.
        self.clauses = [(0, len(parts[0]))]
        if self._word_starts:
            ends = [*self._starts[1:], len(self._word_starts)]
            self.clauses = [
                (self._word_starts[first], self._word_ends[end - 1])
                for first, end in zip(self._starts, ends, strict=True)
            ]
        self._negators = {
            place for one in by_role["negators"] for place in range(one.start, one.end)
        }
        self._balance = self._balances(by_role)

    def mentions(self) -> list[Mention]:
        """The mentions that phrases make, by position."""
        return [
            self._mention(
                one.kind.code,
                (self._word_starts[one.start], self._word_ends[one.end - 1]),
                one.start,
                judgement=self._sign(one.start, one.kind.judgement),
            )
            for one in self._phrases
        ]

    def mention_at(self, place: Place) -> Mention:
        """The mention at a place that something else found."""
        word = bisect_right(self._word_starts, place.start) - 1
        return self._mention(place.code, (place.start, place.end), max(word, 0), judgement=0)

    def _balances(self, by_role: Mapping[str, Sequence[_Found]]) -> Mapping[int, int]:
        """By clause: its judging words outside phrases, good ones less bad ones."""
        inside = {place for one in self._phrases for place in range(one.start, one.end)}
        balance: dict[int, int] = defaultdict(int)
        for judgement in _SIGNS:
            for one in _longest(by_role[judgement]):
                if one.start not in inside:
                    balance[self._clause(one.start)] += self._sign(one.start, judgement)
        return balance

    def _mention(self, code: str, place: tuple[int, int], word: int, *, judgement: int) -> Mention:
        number = self._clause(word)
        first, last = self.clauses[number]
        clause = min(first, place[0]), max(last, place[1])
        return Mention(code, *place, judgement, self._balance[number], clause)

    def _clause(self, word: int) -> int:
        return bisect_right(self._starts, word) - 1

    def _sign(self, word: int, judgement: Judgement | None) -> int:
        if judgement is None:
            return 0
        first = max(word - NEGATION_REACH, self._starts[self._clause(word)])
        turned = not self._negators.isdisjoint(range(first, word))
        return _SIGNS[judgement] * (-1 if turned else 1)


def _longest(found: Sequence[_Found]) -> list[_Found]:
    """By position: no phrase that lies inside a longer one; of equal ones the one that judges.

    A theme is passed over where one of its parts is mentioned in the comment too.
    """
    if len(found) < 2:
        return list(found)
    kept: dict[tuple[int, int, str], _Found] = {}
    covered: dict[int, int] = {}
    by_length = sorted(
        found,  # completely, since sets have no order
        key=lambda one: (one.start - one.end, one.start, one.kind.judgement or "~", one.kind.code),
    )
    for one in by_length:
        size = one.end - one.start
        if any(covered.get(place, 0) <= size for place in range(one.start, one.end)):
            kept.setdefault((one.start, one.end, one.kind.code), one)
            for place in range(one.start, one.end):
                covered[place] = max(covered.get(place, 0), size)
    parted = {code.rpartition(".")[0] for _, _, code in kept}
    return [kept[place] for place in sorted(kept) if place[2] not in parted]


@lru_cache(maxsize=32)
def packaged_matcher(language: str) -> ThemeMatcher:
    """The matcher of a packaged taxonomy, built at the first call and then shared.

    That of `ANY_LANGUAGE` knows no phrase.
    """
    if language == ANY_LANGUAGE:
        return ThemeMatcher(Taxonomy(language, (), (), {}))
    return ThemeMatcher(parse_taxonomy(taxonomy_source(language)))
