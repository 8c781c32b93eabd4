"""Whether a comment says the opposite of the score that came with it."""

from nlp.results import SENTIMENTS, Probabilities, Sentiment

# From this probability of the opposite on: chosen on app reviews with stars, docs/language.md.
CONTRADICTS = 0.9


def contradicts(score_class: Sentiment | None, probabilities: Probabilities | None) -> bool:
    """Whether the text says the clear opposite; a score in the middle has none.

    >>> contradicts("positive", (0.95, 0.04, 0.01)), contradicts("neutral", (0.95, 0.04, 0.01))
    (True, False)
    """
    if probabilities is None or score_class is None:
        return False
    opposite = SENTIMENTS[-1 - SENTIMENTS.index(score_class)]
    return opposite != score_class and probabilities[SENTIMENTS.index(opposite)] >= CONTRADICTS
