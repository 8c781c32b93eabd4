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
        [-0.31, 0.21, 0.10],
        [0.32, -0.45, 0.12],
        [-0.30, -0.43, 0.73],
        [0.16, 0.09, -0.25],
        [0.02, 0.25, -0.26],
        [-0.11, -0.02, 0.13],
        [0.55, -0.37, -0.18],
        [-0.70, 1.35, -0.65],
        [-0.47, -0.45, 0.92],
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
