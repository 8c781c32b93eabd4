"""Sentiment of comments: a small multilingual model, in English together with VADER's lexicon."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from nlp.language import SCORED_LANGUAGES, primary_language
from nlp.sentiment.lexicon import polarity, probabilities_of
from nlp.sentiment.model import Floats, packaged_model, softmax
from nlp.sentiment.ngrams import MAX_READ
from nlp.words import is_visible, readable, words_of

ENGLISH = "en"
# How much the lexicon's logits count beside the model's, chosen on English development sets.
LEXICON_WEIGHT = 0.3
MOST_EXPLAINED = 60
_LEAST = 1e-9


@dataclass(frozen=True, slots=True)
class WordWeight:
    """How far one word moved the score: the score with it less the score without it.

    Attributes:
        start, end: the word's place, in code points of the text as given.
        weight: in [-2, 2]; above 0 it made the comment more positive.
    """

    start: int
    end: int
    weight: float


def probabilities(texts: Sequence[str], languages: Sequence[str]) -> Floats:
    """Probabilities of (negative, neutral, positive) of each text, shape (len(texts), 3)."""
    return with_lexicon(packaged_model().probabilities(texts), texts, languages)


def with_lexicon(
    found: Sequence[Floats] | Floats, texts: Sequence[str], languages: Sequence[str]
) -> Floats:
    """The model's probabilities, in English together with the lexicon's; the same shape."""
    found = np.array(found)
    english = [number for number, code in enumerate(languages) if code == ENGLISH]
    if english:
        read = [texts[number][:MAX_READ] for number in english]
        lexicon = np.array([probabilities_of(polarity(text)) for text in read])
        logits = np.log(found[english] + _LEAST) + LEXICON_WEIGHT * np.log(lexicon + _LEAST)
        found[english] = softmax(logits)
    return found


def explain(text: str, language: str) -> tuple[WordWeight, ...]:
    """The first `MOST_EXPLAINED` words by position, each with what it did to the score.

    The score is the small model's, as `nlp.analyse_many` gives it for a known language (a code or
    a locale); a text that it leaves without has no words here. Each word is left out once (Zeiler
    & Fergus, ECCV 2014, did so with parts of pictures). Raises InputError for what is no code.
    """
    text, code = readable(text[: 2 * MAX_READ]), primary_language(language)
    if code not in SCORED_LANGUAGES or not is_visible(text):
        return ()
    places = [(start, end) for start, end, _ in islice(words_of(text), MOST_EXPLAINED)]
    without = [text[:start] + " " + text[end:] for start, end in places]
    found = probabilities([text, *without], [code] * (len(places) + 1))
    scores = (found[:, 2] - found[:, 0]).tolist()
    return tuple(
        WordWeight(start, end, scores[0] - left)
        for (start, end), left in zip(places, scores[1:], strict=True)
    )
