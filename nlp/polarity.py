"""How a comment speaks of a theme where it mentions it: from words, the clause and the comment.

A phrase that judges ("late delivery") is believed. Else a multinomial logistic regression decides
over what the words around the mention say and the sentiment of its clause and of the comment,
fitted on our own corpus' part `learn` by `tests/tools/fit_polarity.py`, which prints how often it
is right on the part `test`.
"""

from collections.abc import Sequence

import numpy as np

from nlp.results import SENTIMENTS, Sentiment
from nlp.sentiment.model import Floats
from nlp.themes import Mention

_LEAST = 1e-6
# Rows: always; the clause's words judge badly, well; log probabilities of the clause, then of the
# comment. Columns: negative, neutral, positive.
_WEIGHTS = np.array(
    [
        [-0.38, -0.17, 0.54],
        [0.31, -0.36, 0.05],
        [-0.25, -0.38, 0.63],
        [0.20, 0.03, -0.24],
        [-0.04, 0.20, -0.15],
        [-0.14, -0.05, 0.19],
        [0.56, -0.34, -0.22],
        [-0.74, 1.45, -0.71],
        [-0.48, -0.45, 0.93],
    ]
)


def polarities(mentions: Sequence[Mention], clauses: Floats, comments: Floats) -> list[Sentiment]:
    """The polarity of mentions that don't judge, given their clauses' and comments' sentiment.

    `clauses` and `comments` have shape (len(mentions), 3): negative, neutral, positive.
    """
    if not mentions:
        return []
    guesses = (features(mentions, clauses, comments) @ _WEIGHTS).argmax(1)
    return [SENTIMENTS[guess] for guess in guesses.tolist()]


def features(mentions: Sequence[Mention], clauses: Floats, comments: Floats) -> Floats:
    """What the regression reads, shape (len(mentions), 9)."""
    said = [(1.0, one.balance < 0, one.balance > 0) for one in mentions]
    return np.concatenate(
        [np.array(said, np.float32), np.log(clauses + _LEAST), np.log(comments + _LEAST)], axis=1
    )
