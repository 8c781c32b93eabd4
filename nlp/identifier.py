"""py3langid's model read for many texts at once: how likely each of some languages is.

The model is a naive Bayes classifier over n-grams of bytes that one automaton finds (Lui & Baldwin,
ACL 2012). Its own reader walks byte by byte through each text; here all texts take each step
together, which is several times quicker and finds the same.
"""

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray
from py3langid.langid import MODEL_DIR, MODEL_FILE
from py3langid.modelio import load_model

from nlp.language import DEFAULT_CANDIDATES

Floats = NDArray[np.float32]


class _Model(NamedTuple):
    """By label its weights, one for each feature; priors of the labels; the automaton.

    Until others are asked for, only the usual labels have weights: all 142 take 28 MB.
    `rows[state] + byte` is the place in `moves` of the next state; `features` may be -1.
    """

    weights: dict[int, NDArray[np.float16]]
    priors: Floats
    labels: Sequence[str]

    moves: NDArray[np.uint32]
    rows: NDArray[np.int64]
    features: NDArray[np.int32]


class Identifier:
    """Tells a fixed list of languages apart. Immutable."""

    def __init__(self, languages: Sequence[str]) -> None:
        """`languages` are among `nlp.LANGUAGES`; the first call reads the model: half a second."""
        self._model = model = _model()
        # A language that is written in two scripts has two columns.
        columns = [place for place, label in enumerate(model.labels) if label in languages]
        self._weights = np.stack(_weights(columns), axis=1)
        self._priors = model.priors[columns]
        self._of = np.array([languages.index(model.labels[place]) for place in columns])
        self._merged = np.eye(len(languages), dtype=np.float32)[self._of]

    def shares(self, texts: Sequence[str], allowed: NDArray[np.bool_]) -> Floats:
        """Probabilities, shape (len(texts), languages): each row sums to 1 over its allowed ones.

        `allowed` has the same shape. A text in which the model meets nothing has equal shares.
        """
        data = [_encoded(text) for text in texts]
        owners, features, counts = self._features(data)
        scores = np.zeros((len(texts), len(self._of)), np.float32)
        if len(owners):
            weights = self._weights[features].astype(np.float32) * np.log1p(counts)[:, None]
            firsts = np.flatnonzero(np.r_[True, owners[1:] != owners[:-1]])
            scores[owners[firsts]] = np.add.reduceat(weights, firsts) + self._priors
        # The square root keeps the shares of long texts from all being 0 or 1.
        scores /= np.sqrt([[len(one) or 1] for one in data], dtype=np.float32)
        scores[~allowed[:, self._of]] = -np.inf
        odds = np.exp(scores - scores.max(1, keepdims=True))
        odds /= odds.sum(1, keepdims=True)
        return cast(Floats, odds @ self._merged)

    def _features(
        self,
        data: Sequence[bytes],
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
        """Text, feature and its count for each feature in each text, by text."""
        automaton = self._model
        sizes = np.fromiter(map(len, data), np.int64, len(data))
        order = np.argsort(-sizes, kind="stable")
        # A column each, the longest first.
        signs = np.zeros((sizes.max(initial=0), len(data)), np.uint8)
        for column, number in enumerate(order.tolist()):
            signs[: sizes[number], column] = np.frombuffer(data[number], np.uint8)
        left = np.searchsorted(-sizes[order], -np.arange(len(signs)), side="left").tolist()
        states = [np.zeros(len(data), np.uint32)]
        for step, texts in enumerate(left):
            places = automaton.rows[states[-1][:texts]] + signs[step, :texts]
            states.append(automaton.moves[places])
        owners = np.concatenate([order] + [order[:texts] for texts in left])
        found = automaton.features[np.concatenate(states)]
        size, met = len(automaton.features), found >= 0
        keys, counts = np.unique(owners[met] * size + found[met], return_counts=True)
        return keys // size, keys % size, counts.astype(np.float32)


@lru_cache(maxsize=1)
def _model() -> _Model:
    weights, priors, labels, moves, rows, features = load_model(MODEL_DIR / MODEL_FILE)
    usual = [place for place, label in enumerate(labels) if label in DEFAULT_CANDIDATES]
    return _Model(
        {place: np.asarray(weights)[:, place].copy() for place in usual},
        np.asarray(priors),
        labels,
        np.asarray(moves),
        np.asarray(rows, np.int64) << 8,
        np.asarray(features, np.int32),
    )


def _weights(columns: Sequence[int]) -> list[NDArray[np.float16]]:
    """The weights of some labels; one that isn't usual makes us read the file again, once."""
    kept = _model().weights
    if not kept.keys() >= set(columns):
        kept.update(enumerate(np.asarray(load_model(MODEL_DIR / MODEL_FILE)[0]).T))
    return [kept[column] for column in columns]


def _encoded(text: str) -> bytes:
    lower = text.lower() if text.isupper() else text
    return unicodedata.normalize("NFC", lower).encode("utf-8", "surrogatepass")
