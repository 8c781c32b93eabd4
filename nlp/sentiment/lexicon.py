"""English sentiment: the VADER lexicon and rules (Hutto & Gilbert, ICWSM 2014).

VADER answers with `compound`, a polarity in [-1, 1]. It is no probability model. The probabilities
here are a calibration of our own on top: see `probabilities_of`.
"""

import math
import re
from functools import lru_cache
from typing import Any

from vaderSentiment.vaderSentiment import BOOSTER_DICT, SentimentIntensityAnalyzer, SentiText

from nlp.results import Probabilities

# Logits of (negative, neutral, positive) = intercept + a * compound + b * |compound|, fitted by
# tests/tools/fit_sentiment_calibration.py on the English training sentences of M-ABSA and NusaX
# (see NOTICE), every class weighing the same.
_CALIBRATION: tuple[tuple[float, float, float], ...] = (
    (0.198, -2.158, 0.567),
    (0.494, 0.132, -0.966),
    (-0.693, 2.027, 0.399),
)


# Whom a comment is addressed to says nothing of how it is meant: VADER would read @united and
# @southwest_love as the words they contain.
_ADDRESS = re.compile(r"(?<!\w)@\w+|\b[a-z]+://\S+", re.IGNORECASE)
_KIND_OF = ("kind", "of")  # what is "kind of" something is not kind


class _LinearTimeVader(SentimentIntensityAnalyzer):  # type: ignore[misc] # an untyped base
    """VADER whose time grows with the length of the text and not with its square.

    The reference lowers every word of the text again for each check of three or four
    neighbours, and finds words around "but" by the *value* of their valence, which weighs the
    wrong word where a value already weighed equals a later one. Here a check sees the neighbours
    only, a word outside the lexicon is not looked at, and "but" weighs words by position: before
    it halved, after it half as much again.
    An emoji stands apart from the word it is glued to; handles and addresses are no words.
    """

    def __init__(self) -> None:
        super().__init__()
        single = (emoji for emoji in self.emojis if len(emoji) == 1)
        self._emoji = re.compile(f"[{re.escape(''.join(single))}]")

    def compound(self, text: str) -> float:
        """Polarity of `text` in [-1, 1]; 0 where no word of it is in the lexicon."""
        if "@" in text or "://" in text:
            text = _ADDRESS.sub(" ", text)
        if not text.isascii():
            text = self._emoji.sub(lambda found: f" {self.emojis[found[0]]} ", text)
        read = SentiText(text.strip())
        lower = [word.lower() for word in read.words_and_emoticons]
        if self.lexicon.keys().isdisjoint(lower):
            return 0.0
        found: list[float] = []
        for place, (word, after) in enumerate(zip(lower, [*lower[1:], ""], strict=True)):
            if word in self.lexicon and word not in BOOSTER_DICT and (word, after) != _KIND_OF:
                self.sentiment_valence(0, read, read.words_and_emoticons[place], place, found)
            else:
                found.append(0)
        found = self._but_check(read.words_and_emoticons, found)
        return float(self.score_valence(found, read.text)["compound"])

    def _negation_check(self, valence: float, words: list[str], start_i: int, i: int) -> Any:
        near = words[max(0, i - 3) : i + 1]
        return super()._negation_check(valence, near, start_i, len(near) - 1)

    def _special_idioms_check(self, valence: float, words: list[str], i: int) -> Any:
        first = max(0, i - 3)
        return super()._special_idioms_check(valence, words[first : i + 3], i - first)

    def _but_check(self, words: list[str], sentiments: list[float]) -> list[float]:
        but = next((i for i, word in enumerate(words) if word.lower() == "but"), None)
        if but is None:
            return sentiments
        before, after = sentiments[:but], sentiments[but + 1 :]
        return [0.5 * v for v in before] + sentiments[but : but + 1] + [1.5 * v for v in after]


@lru_cache(maxsize=1)
def _vader() -> _LinearTimeVader:
    return _LinearTimeVader()


def polarity(text: str) -> float:
    """VADER's compound polarity of an English text, in [-1, 1].

    >>> polarity("I love it"), polarity("It broke twice, awful!"), polarity("It is a phone")
    (0.6369, -0.7263, 0.0)
    """
    return _vader().compound(text)


def probabilities_of(compound: float) -> Probabilities:
    """Probabilities of (negative, neutral, positive) given a compound polarity.

    A multinomial logistic calibration that takes the three classes for equally frequent before
    the text is read: where they are not, the rare ones are less probable than said here. Up to
    about 0.37 it holds neutral for the likelier: one mild or polite word.

    >>> [round(p, 2) for p in probabilities_of(0.8)]
    [0.07, 0.18, 0.75]
    """
    logits = [a + b * compound + c * abs(compound) for a, b, c in _CALIBRATION]
    weights = [math.exp(logit) for logit in logits]
    negative, neutral, positive = (weight / sum(weights) for weight in weights)
    return negative, neutral, positive
