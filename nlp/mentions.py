"""Mentions of themes in a spaCy document, each with the polarity of the place where it stands.

Phrases are compared by the NORM of their tokens, which `nlp.english` sets to word stems.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from spacy.language import Language
from spacy.matcher import PhraseMatcher
from spacy.tokens import Doc, Span
from spacy.util import filter_spans

from nlp.results import Sentiment, ThemeMention
from nlp.sentiment import label_of
from nlp.taxonomies import Phrase, Taxonomy

NEGATORS = frozenset({"not", "no", "never", "without", "hardly", "barely", "neither", "nor"})
# How many tokens before a phrase a negator reaches: "was not a very helpful agent".
NEGATION_REACH = 3

_SENTENCE_END = re.compile(r"[.!?…;]+(?=\s|$)|\n+")
_CLAUSE_END = re.compile(
    r"[.!?…;]+(?=\s|$)|\n+|,(?=\s)|\s(?=(?:but|although|though|however|whereas|yet|while)\b)",
    re.IGNORECASE,
)


class _Passages:
    """Stretches of a text between boundaries, found by offset; each is judged at most once."""

    def __init__(self, text: str, boundary: re.Pattern[str], judge: Callable[[str], float]) -> None:
        self._text = text
        self._starts = [0, *(found.end() for found in boundary.finditer(text))]
        self._judge = judge
        self._polarity: dict[int, float] = {}

    def number(self, offset: int) -> int:
        return bisect_right(self._starts, offset) - 1

    def start(self, number: int) -> int:
        return self._starts[number]

    def polarity(self, offset: int) -> float:
        number = self.number(offset)
        if number not in self._polarity:
            end = self._starts[number + 1] if number + 1 < len(self._starts) else None
            self._polarity[number] = self._judge(self._text[self._starts[number] : end])
        return self._polarity[number]


@dataclass(frozen=True, slots=True)
class _Found:
    span: Span
    phrase: Phrase


class ThemeMatcher:
    """Finds the phrases of a taxonomy in documents made by one spaCy pipeline.

    Per theme, overlapping phrases give the longest one. A mention's polarity comes, in this
    order, from phrases and cues of its theme in its clause (turned round by a negator before
    them), from `judge` of the clause, from `judge` of the sentence; else it is None.
    """

    def __init__(
        self, language: Language, taxonomy: Taxonomy, *, judge: Callable[[str], float]
    ) -> None:
        """Tokenise the taxonomy's phrases with `language`; `judge` maps a text to [-1, 1]."""
        self._judge = judge
        self._phrases: dict[int, Phrase] = {}
        self._matcher = PhraseMatcher(language.vocab, attr="NORM")
        for phrase in taxonomy.phrases:
            key = f"{phrase.theme} {phrase.judgement} {phrase.cue} {phrase.text}"
            self._phrases[language.vocab.strings.add(key)] = phrase
            self._matcher.add(key, [language.make_doc(phrase.text)])

    def mentions(self, doc: Doc, text: str) -> tuple[ThemeMention, ...]:
        """The mentions in `doc`, whose text is `text`, by position."""
        matches = self._matcher(doc)
        if not matches:
            return ()
        by_theme: dict[str, list[_Found]] = {}
        for key, start, end in matches:
            phrase = self._phrases[key]
            by_theme.setdefault(phrase.theme, []).append(_Found(Span(doc, start, end), phrase))
        clauses = _Passages(text, _CLAUSE_END, self._judge)
        sentences = _Passages(text, _SENTENCE_END, self._judge)
        result = [
            ThemeMention(
                code,
                judged or _label(clauses.polarity(start)) or _label(sentences.polarity(start)),
                start,
                end,
            )
            for code, found in by_theme.items()
            for start, end, judged in _judged(found, clauses)
        ]
        return tuple(sorted(result, key=lambda mention: (mention.start, mention.end, mention.code)))


def _judged(found: list[_Found], clauses: _Passages) -> Iterator[tuple[int, int, Sentiment | None]]:
    """Start, end and own judgement, if any, of every mention of one theme."""
    longest = _longest([one for one in found if not one.phrase.cue])
    # A cue inside a phrase is part of it: "low" in "low quality" is said already.
    taken = {token.i for one in longest for token in one.span}
    cues = [one for one in found if one.phrase.cue and one.span.start not in taken]
    balance: dict[int, int] = {}
    for one in [*longest, *_longest(cues)] if longest else []:
        clause = clauses.number(one.span.start_char)
        balance[clause] = balance.get(clause, 0) + _vote(one, clauses.start(clause))
    for one in longest:
        start = one.span.start_char
        votes = balance[clauses.number(start)]
        judged: Sentiment | None = None
        if votes:
            judged = "positive" if votes > 0 else "negative"
        yield start, one.span.end_char, judged


def _longest(found: list[_Found]) -> list[_Found]:
    """The longest of overlapping phrases; of equal ones the one that judges."""
    by_place: dict[tuple[int, int], _Found] = {}
    for one in found:
        place = (one.span.start, one.span.end)
        if place not in by_place or one.phrase.judgement:
            by_place[place] = one
    kept = filter_spans([one.span for one in by_place.values()])
    return [by_place[span.start, span.end] for span in kept]


def _vote(one: _Found, clause_start: int) -> int:
    """-1, 0 or 1: the phrase's judgement, turned round by a negator shortly before it."""
    if one.phrase.judgement is None:
        return 0
    vote = 1 if one.phrase.judgement == "positive" else -1
    before = one.span.doc[max(0, one.span.start - NEGATION_REACH) : one.span.start]
    negated = any(token.norm_ in NEGATORS and token.idx >= clause_start for token in before)
    return -vote if negated else vote


def _label(compound: float) -> Sentiment | None:
    """Label of a passage's polarity; None for exactly 0: the lexicon knows no word of it."""
    return label_of(compound) if compound else None
