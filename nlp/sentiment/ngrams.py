"""Hashed n-grams of many texts at once: characters one to five, words one and two.

Hashing instead of a vocabulary (Weinberger et al., ICML 2009) keeps the model small whatever the
language; n-grams of characters need no tokeniser, which Chinese and Japanese lack.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

LONGEST = 5
MAX_READ = 600  # code points; sentiment is told by then
MOST_NGRAMS = (LONGEST + 1) * (MAX_READ + 2)  # of one text, no more words and pairs than signs
_ADDRESS = re.compile(r"@\w+|https?\S*|www\.\S+")
_REPEATED = re.compile(r"(.)\1{2,}", re.DOTALL)
_SPACE = 32
_CODES = 0x20000
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_PLACE = np.uint64(0xD6E8FEB86659FD93)


def cleaned(text: str) -> str:
    """The text as the model reads it: compatible forms, lower case, no handles and addresses,
    no sign more than twice in a row, single spaces, at most `MAX_READ` code points.
    """
    text = unicodedata.normalize("NFKC", text[: 2 * MAX_READ]).lower()
    text = _REPEATED.sub(r"\1\1", _ADDRESS.sub(" @ ", text))
    return " ".join(text.split())[:MAX_READ]


def bucket_ids(texts: Sequence[str], *, bits: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Buckets in [0, 2**bits) of every n-gram of cleaned texts, and the text each belongs to."""
    padded = [f" {text} " for text in texts]
    codes = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), np.uint32)
    lengths = np.fromiter(map(len, padded), np.int64, len(padded))
    owner = np.repeat(np.arange(len(padded)), lengths)
    left = np.cumsum(lengths)[owner] - np.arange(len(codes))  # signs up to the text's end
    buckets, owners = _characters(codes, owner, left, bits)
    more, of = _words(codes, owner, bits)
    return np.concatenate([*buckets, *more]), np.concatenate([*owners, *of])


def _characters(
    codes: NDArray[np.uint32], owner: NDArray[np.int64], left: NDArray[np.int64], bits: int
) -> tuple[list[NDArray[np.int64]], list[NDArray[np.int64]]]:
    signs = codes.astype(np.uint64) + np.uint64(1)
    hashed = np.zeros(len(codes), np.uint64)
    buckets, owners = [], []
    for size in range(1, min(LONGEST, len(codes)) + 1):
        following = np.zeros(len(codes), np.uint64)
        following[: len(codes) - size + 1] = signs[size - 1 :]
        hashed = (hashed + following) * _MULTIPLIER
        hashed ^= hashed >> np.uint64(31)
        whole = left >= size
        if size == 1:
            whole = whole & (codes != _SPACE)
        buckets.append(_bucket(_mixed(hashed[whole] + np.uint64(size)), bits))
        owners.append(owner[whole])
    return buckets, owners


def _words(
    codes: NDArray[np.uint32], owner: NDArray[np.int64], bits: int
) -> tuple[list[NDArray[np.int64]], list[NDArray[np.int64]]]:
    """Words (runs of letters, marks and digits) by a hash that depends on the order of signs."""
    inside = _letters()[np.minimum(codes, _CODES - 1)]
    starts = np.flatnonzero(inside & ~np.r_[False, inside[:-1]])
    ends = np.flatnonzero(inside & ~np.r_[inside[1:], False]) + 1
    if not len(starts):
        return [], []
    signs = codes[inside].astype(np.uint64) + np.uint64(1)
    sizes = ends - starts
    firsts = np.cumsum(sizes) - sizes
    places = (np.arange(len(signs)) - np.repeat(firsts, sizes)).astype(np.uint64)
    summed = np.add.reduceat(_mixed(signs * _MULTIPLIER + places * _PLACE), firsts)
    words = _mixed(summed + np.uint64(77))
    of = owner[starts]
    together = of[1:] == of[:-1]
    pairs = _mixed(words[:-1] * np.uint64(3) + words[1:])[together]
    return [_bucket(words, bits), _bucket(pairs, bits)], [of, of[:-1][together]]


def _bucket(hashed: NDArray[np.uint64], bits: int) -> NDArray[np.int64]:
    return (hashed >> np.uint64(64 - bits)).astype(np.int64)


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread every bit over all (the finaliser of SplitMix64, shortened)."""
    values = values ^ (values >> np.uint64(29))
    values = values * np.uint64(0xBF58476D1CE4E5B9)
    return values ^ (values >> np.uint64(32))


@lru_cache(maxsize=1)
def _letters() -> NDArray[np.bool_]:
    """By code point: whether it stands inside words."""
    return np.array([unicodedata.category(chr(code))[0] in "LMN" for code in range(_CODES)])
