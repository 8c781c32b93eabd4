"""The small multilingual model: two readers of a comment whose logits are averaged.

One sums int8 weights of hashed n-grams. The other looks up a vector for each piece of a word, lets
each see its two neighbours (a convolution of width three), and reads the mean and the maximum.
Both learnt from the same texts and from a larger teacher (see `training` in `docs/language.md`).
"""

from collections.abc import Sequence
from functools import lru_cache
from importlib import resources
from itertools import chain
from typing import cast

import numpy as np
from numpy.typing import NDArray

from nlp.errors import ModelError
from nlp.sentiment.ngrams import bucket_ids, cleaned
from nlp.sentiment.pieces import Pieces
from nlp.weights import read_weights

VERSION = 1
BATCH = 128  # texts at once: of more the arrays leave the processor's cache, which halves the speed
CLASSES = 3
_NAMES = (
    "pieces", "scores", "E", "Es", "N", "Ns", "nb", "CL", "CC", "CR",
    "cb", "W0", "W1", "Wx", "b1", "W2", "b2", "T", "version",
)  # fmt: skip
Floats = NDArray[np.float32]


class SmallModel:
    """Reads texts in any of its languages. Immutable once loaded, but for a cache of words."""

    def __init__(self, data: bytes) -> None:
        """Load the weights from the bytes of an `.npz` file (arrays only, no pickle).

        Raises ModelError for bytes that are no such file, are cut off or of another version.
        """
        arrays = read_weights(data, "The sentiment model", names=_NAMES, version=VERSION)
        size, *rest = arrays["N"].shape
        if size & (size - 1) or rest != [CLASSES]:
            raise ModelError(
                "The sentiment model's n-grams have an odd shape.",
                hint="reinstall the package: its weights come with it.",
            )
        pieces = arrays["pieces"].tobytes().decode().split("\n")
        self.pieces = Pieces(pieces, arrays["scores"].astype(float).tolist())
        self._vectors, self._vector_scale = arrays["E"], arrays["Es"].astype(np.float32)
        self._ngrams, self._ngram_scale = arrays["N"], np.float32(arrays["Ns"])
        self._bits = len(self._ngrams).bit_length() - 1
        weights = {
            name: arrays[name].astype(np.float32)
            for name in ("CL", "CC", "CR", "cb", "W0", "W1", "Wx", "b1", "W2", "b2", "nb", "T")
        }
        self._window = np.concatenate([weights["CL"], weights["CC"], weights["CR"]])
        self._weights = weights

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """Calibrated probabilities of (negative, neutral, positive), shape (len(texts), 3).

        A text's row does not depend on its neighbours, but for the last bit of rounding.
        """
        rows = [
            self._batch([cleaned(text) for text in texts[start : start + BATCH]])
            for start in range(0, len(texts), BATCH)
        ]
        if not rows:
            return np.zeros((0, CLASSES), np.float32)
        logits = np.concatenate(rows) * self._weights["T"]
        logits -= logits.max(1, keepdims=True)
        odds = np.exp(logits)
        return cast(Floats, odds / odds.sum(1, keepdims=True))

    def _batch(self, texts: Sequence[str]) -> Floats:
        return cast(Floats, (self._by_pieces(texts) + self._by_ngrams(texts)) * np.float32(0.5))

    def _by_pieces(self, texts: Sequence[str]) -> Floats:
        """Logits from the pieces of words, each seen with its neighbours in the text."""
        found = [self.pieces.ids(text) for text in texts]
        sizes = np.fromiter(map(len, found), np.int64, len(found))
        firsts = np.r_[0, np.cumsum(sizes)[:-1]]
        ids = np.fromiter(chain.from_iterable(found), np.int64, sizes.sum())
        each = self._vectors[ids].astype(np.float32) * self._vector_scale
        before, after = np.roll(each, 1, 0), np.roll(each, -1, 0)
        before[firsts], after[firsts + sizes - 1] = 0, 0
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
        places = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]]) if len(keys) else keys
        counts = np.log1p(np.diff(np.r_[places, len(keys)])).astype(np.float32)
        keys = keys[places]
        of = keys >> self._bits
        weights = self._ngrams[keys & ((1 << self._bits) - 1)].astype(np.float32)
        sums = np.zeros((len(texts), CLASSES), np.float32)
        lengths = np.ones(len(texts), np.float32)
        firsts = np.flatnonzero(np.r_[True, of[1:] != of[:-1]]) if len(of) else of
        if len(of):
            sums[of[firsts]] = np.add.reduceat(weights * counts[:, None], firsts)
            lengths[of[firsts]] = np.sqrt(np.add.reduceat(counts * counts, firsts))
        scaled = sums / lengths[:, None] * self._ngram_scale + self._weights["nb"]
        return cast(Floats, scaled)


@lru_cache(maxsize=1)
def packaged_model() -> SmallModel:
    """The model of this package, loaded at the first call and then shared."""
    return SmallModel((resources.files("nlp.sentiment") / "weights.npz").read_bytes())
