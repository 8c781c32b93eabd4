"""The small multilingual model: two readers of a comment whose logits are averaged.

One sums int8 weights of hashed n-grams. The other looks up a vector for each piece of a word, lets
each see its two neighbours (a convolution of width three), and reads the mean and the maximum.
Both learnt from the same texts and from a larger teacher (see `training` in `docs/language.md`).
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib import resources
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from nlp.errors import ModelError
from nlp.sentiment.ngrams import MOST_NGRAMS, bucket_ids, cleaned
from nlp.sentiment.pieces import Pieces
from nlp.weights import read_weights

VERSION = 1
BATCH = 128  # texts at once: of more the arrays leave the processor's cache, which halves the speed
CLASSES = 3
_TABLE = {
    "pieces": "text p", "scores": "float p", "E": "int8 p+1 w", "Es": "float w",
    "CL": "float w h", "CC": "float w h", "CR": "float w h", "cb": "float h",
    "W0": "float w 3", "W1": "float 2h k", "Wx": "float w k", "b1": "float k",
    "W2": "float k 3", "b2": "float 3", "N": "int8 n 3", "Ns": "float", "nb": "float 3",
    "T": "float",
}  # fmt: skip
Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]


class Batch(NamedTuple):
    """Some texts as models read them, so that several need not do the same.

    Attributes:
        texts: as given.
        cleaned: see `nlp.sentiment.ngrams.cleaned`.
        pieces: ids of the pieces of all texts in a row.
        sizes: how many pieces each text has; one at least.
    """

    texts: Sequence[str]
    cleaned: Sequence[str]
    pieces: NDArray[np.uint32]
    sizes: Numbers


class SmallModel:
    """Reads texts in any of its languages. Immutable once loaded, but for a cache of words."""

    def __init__(self, data: bytes) -> None:
        """Load the weights from the bytes of an `.npz` file (arrays only, no pickle).

        Raises ModelError for bytes that are no such file, are cut off or of another version.
        """
        arrays = read_weights(data, "The sentiment model", table=_TABLE, version=VERSION)
        size = len(arrays["N"])
        if size & (size - 1):
            raise ModelError(
                "The sentiment model's n-grams have an odd shape.",
                hint="reinstall the package: its weights come with it.",
            )
        pieces = arrays["pieces"].tobytes().decode().split("\n")
        self.pieces = Pieces(pieces, arrays["scores"].astype(float).tolist())
        self._vectors, self._vector_scale = arrays["E"], arrays["Es"].astype(np.float32)
        self._ngrams, self._ngram_scale = arrays["N"].T.copy(), np.float32(arrays["Ns"])
        self._bits = size.bit_length() - 1
        self._logs = np.log1p(np.arange(MOST_NGRAMS + 1)).astype(np.float32)
        weights = {
            name: arrays[name].astype(np.float32)
            for name in ("CL", "CC", "CR", "cb", "W0", "W1", "Wx", "b1", "W2", "b2", "nb", "T")
        }
        self._window = np.concatenate([weights["CL"], weights["CC"], weights["CR"]])
        self._weights = weights

    def batches(self, texts: Sequence[str]) -> Iterator[Batch]:
        """The texts in batches of `BATCH`."""
        for start in range(0, len(texts), BATCH):
            batch = texts[start : start + BATCH]
            plain = [cleaned(text) for text in batch]
            yield Batch(batch, plain, *self.pieces.cut(plain))

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """Calibrated probabilities of (negative, neutral, positive), shape (len(texts), 3).

        A text's row does not depend on its neighbours, but for the last bit of rounding.
        """
        rows = [self.judged(batch) for batch in self.batches(texts)]
        return np.concatenate(rows) if rows else np.zeros((0, CLASSES), np.float32)

    def judged(self, batch: Batch) -> Floats:
        """The same of one batch."""
        logits = self._by_pieces(batch) + self._by_ngrams(batch.cleaned)
        return softmax(logits * (np.float32(0.5) * self._weights["T"]))

    def _by_pieces(self, batch: Batch) -> Floats:
        """Logits from the pieces of words, each seen with its neighbours in the text."""
        sizes, lasts = batch.sizes, np.cumsum(batch.sizes) - 1
        firsts = lasts - sizes + 1
        each = self._vectors[batch.pieces].astype(np.float32) * self._vector_scale
        before, after = np.roll(each, 1, 0), np.roll(each, -1, 0)
        before[firsts], after[lasts] = 0, 0
        weights = self._weights
        seen = np.concatenate([before, each, after], 1) @ self._window + weights["cb"]
        np.maximum(seen, 0, out=seen)
        whole = np.add.reduceat(each, firsts) / np.sqrt(sizes)[:, None]
        mean = np.add.reduceat(seen, firsts) / sizes[:, None]
        peak = np.maximum.reduceat(seen, firsts)
        hidden = np.concatenate([mean, peak], 1) @ weights["W1"] + whole @ weights["Wx"]
        hidden = np.tanh(hidden + weights["b1"])
        logits = whole @ weights["W0"] + hidden @ weights["W2"] + weights["b2"]
        return cast(Floats, logits.astype(np.float32))

    def _by_ngrams(self, texts: Sequence[str]) -> Floats:
        """Logits from n-grams, weighted by log(1 + count) and scaled to unit length."""
        buckets, owners = bucket_ids(texts, bits=self._bits)
        keys = np.sort((owners << self._bits) | buckets)
        places = starts_of_runs(keys)
        counts = self._logs[np.diff(places, append=len(keys))]
        keys = keys[places]
        of = keys >> self._bits
        firsts = starts_of_runs(of)
        weighted = self._ngrams.take(keys & ((1 << self._bits) - 1), 1) * counts
        sums = np.zeros((CLASSES, len(texts)), np.float32)
        lengths = np.ones(len(texts), np.float32)
        if len(of):
            sums[:, of[firsts]] = np.add.reduceat(weighted, firsts, 1)
            lengths[of[firsts]] = np.sqrt(np.add.reduceat(counts * counts, firsts))
        scaled = (sums / lengths).T * self._ngram_scale + self._weights["nb"]
        return cast(Floats, scaled)


def softmax(logits: Floats) -> Floats:
    """Probabilities, each row summing to 1; the same shape."""
    odds = np.exp(logits - logits.max(1, keepdims=True, initial=-np.inf))
    return cast(Floats, odds / odds.sum(1, keepdims=True))


def starts_of_runs(values: NDArray[np.int64]) -> Numbers:
    """The places where a sorted array goes on to another value, with the first."""
    return np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]])[: len(values)])


@lru_cache(maxsize=1)
def packaged_model() -> SmallModel:
    """The model of this package, loaded at the first call and then shared."""
    return SmallModel((resources.files("nlp.sentiment") / "weights.npz").read_bytes())
