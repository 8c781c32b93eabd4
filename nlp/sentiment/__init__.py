"""Sentiment of comments: a small multilingual model, in English together with VADER's lexicon."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nlp.sentiment.lexicon import polarity, probabilities_of
from nlp.sentiment.model import Floats, packaged_model
from nlp.words import words_of

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
        lexicon = np.array([probabilities_of(polarity(texts[number])) for number in english])
        logits = np.log(found[english] + _LEAST) + LEXICON_WEIGHT * np.log(lexicon + _LEAST)
        odds = np.exp(logits - logits.max(1, keepdims=True))
        found[english] = odds / odds.sum(1, keepdims=True)
    return found


def explain(text: str, language: str) -> tuple[WordWeight, ...]:
    """The first `MOST_EXPLAINED` words by position, each with what it did to the score.

    Each word is left out once (Zeiler & Fergus, ECCV 2014, did so with parts of pictures).
    """
    places = [(start, end) for start, end, _ in words_of(text)][:MOST_EXPLAINED]
    without = [text[:start] + " " + text[end:] for start, end in places]
    found = probabilities([text, *without], [language] * (len(places) + 1))
    scores = (found[:, 2] - found[:, 0]).tolist()
    return tuple(
        WordWeight(start, end, scores[0] - left)
        for (start, end), left in zip(places, scores[1:], strict=True)
    )
