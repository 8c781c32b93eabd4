"""What a workspace's own scores taught: a correction of the packaged model's logits.

A slope (one over a temperature, Guo et al., ICML 2017) and a bias per class, and a head: one int8
weight per class for each bucket of hashed n-grams. It holds no text, no vocabulary and nobody's
key.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack  # type: ignore[import-untyped]  # scipy ships no types

from nlp.errors import ModelError
from nlp.sentiment.ngrams import bucket_ids, cleaned

VERSION = 1
BITS = 14
BUCKETS = 1 << BITS
CLASSES = 3
MAX_BYTES = 64_000
BATCH = 256
_LEAST = 1e-6
_SHAPES = {
    "version": (), "slope": (), "bias": (CLASSES,), "head": (BUCKETS, CLASSES), "unit": (),
    "reach": (),
}  # fmt: skip
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Tuning:
    """New logits = slope · log(probabilities) + shift, shift = bias + features · head · unit.

    Attributes:
        slope: above 0; 1 leaves the packaged model as sure as it is.
        bias: of (negative, neutral, positive), shape (3,).
        head: int8, shape (`BUCKETS`, 3); see `features`.
        unit: what one step of the head is worth.
        reach: above 0; a text's shift is scaled down where it would move one class against another
            by more than slope · reach, so that no text whose packaged odds are above exp(reach)
            gets another label. Infinity bounds nothing.
    """

    slope: float
    bias: Floats
    head: NDArray[np.int8]
    unit: float
    reach: float = inf

    def apply(self, texts: Sequence[str], probabilities: NDArray[Any]) -> Floats:
        """The probabilities as learnt, shape (len(texts), 3), from those of the packaged model."""
        logits = self.correct(logits_of(probabilities), features(texts))
        odds = np.exp(logits - logits.max(1, keepdims=True, initial=-np.inf))
        told: Floats = odds / odds.sum(1, keepdims=True)
        return told

    def correct(self, logits: Floats, ngrams: Any) -> Floats:
        """New logits, shape (n, 3), from the packaged ones and the `features` of the texts."""
        shift = self.bias + ngrams @ self.head.astype(np.float64) * self.unit
        span = np.ptp(shift, axis=1, keepdims=True)
        shift *= np.minimum(1, self.slope * self.reach / np.maximum(span, _LEAST))
        found: Floats = self.slope * logits + shift
        return found

    def to_bytes(self) -> bytes:
        """An `.npz` file (arrays only, no pickle) of at most `MAX_BYTES`."""
        file = BytesIO()
        arrays: dict[str, Any] = {
            name: getattr(self, name) for name in _SHAPES if name != "version"
        }
        np.savez(file, allow_pickle=False, version=VERSION, **arrays)
        return file.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Tuning":
        """What `to_bytes` wrote. Raises ModelError for bytes that are anything else."""
        try:
            return cls(**_parts(data))
        except Exception as error:
            hint = "have it learnt again."
            raise ModelError("The learnt model can't be read.", hint=hint) from error


def logits_of(probabilities: NDArray[Any]) -> Floats:
    """Their logarithms, in double precision."""
    found: Floats = np.log(probabilities.astype(np.float64) + _LEAST)
    return found


def features(texts: Sequence[str]) -> Any:
    """Hashed n-grams of each text, shape (len(texts), `BUCKETS`), sparse, float32.

    Weighted by log(1 + count) and scaled to unit length.
    """
    rows = list(_batches(texts))
    return vstack(rows, format="csr") if rows else csr_array((0, BUCKETS), dtype=np.float32)


def _batches(texts: Sequence[str]) -> Iterator[Any]:
    for start in range(0, len(texts), BATCH):
        batch = [cleaned(text) for text in texts[start : start + BATCH]]
        buckets, owners = bucket_ids(batch, bits=BITS)
        keys, counts = np.unique((owners << BITS) | buckets, return_counts=True)
        values, of = np.log1p(counts), keys >> BITS
        lengths = np.sqrt(np.bincount(of, values * values, minlength=len(batch)))
        places = (of.astype(np.int32), (keys & (BUCKETS - 1)).astype(np.int32))
        scaled = (values / lengths[of]).astype(np.float32)
        yield csr_array((scaled, places), shape=(len(batch), BUCKETS))


def _parts(data: bytes) -> dict[str, Any]:
    """The fields of a `Tuning`; unpacked only where they are as short as they may be."""
    with np.load(BytesIO(data), allow_pickle=False) as file:
        if sum(part.file_size for part in file.zip.infolist()) > MAX_BYTES:
            raise ValueError("too long")
        arrays = {name: file[name] for name in file.files}
    if {name: array.shape for name, array in arrays.items()} != _SHAPES:
        raise ValueError("other parts")
    if arrays.pop("version") != VERSION or arrays["head"].dtype != np.int8:
        raise ValueError("another version")
    head, bias = arrays.pop("head"), arrays.pop("bias").astype(np.float64)
    numbers = {name: float(array) for name, array in arrays.items()}
    finite = numbers["slope"], numbers["unit"], *bias
    if not np.isfinite(finite).all() or max(map(abs, finite)) > 1e6:
        raise ValueError("no numbers")
    if not all(numbers[name] > 0 for name in ("slope", "unit", "reach")):
        raise ValueError("not above 0")
    return {**numbers, "bias": bias, "head": head}
