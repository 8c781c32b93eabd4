"""Pieces of words: the likeliest way to put a word together from a fixed list of pieces.

A unigram language model of pieces (Kudo, ACL 2018), with the pieces and scores that
multilingual-e5-small inherited from XLM-RoBERTa, cut down to those of our languages.
"""

import math
from array import array
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from nlp.words import kept

START = "▁"  # stands before a word's first sign
UNKNOWN = 0  # the id of a sign that no piece holds
LONGEST_WORD = 200
KEPT_PARTS = 30_000
_ID_BYTES = 4
_SIDES = 1 << 20


class Pieces:
    """Splits words into pieces; ids count from 1 in the order of the list, 0 is unknown.

    A word falls apart wherever no piece holds the two signs side by side: between a word and its
    full stop, between most Chinese signs. The likeliest pieces of its parts are those of the word,
    and parts come again more often than words.
    """

    def __init__(
        self, pieces: Sequence[str], scores: Sequence[float], *, longest_word: int = LONGEST_WORD
    ) -> None:
        """Pieces with their log probabilities; of a word the first `longest_word` signs count."""
        self._longest_word = longest_word
        # Of every beginning of a piece, too, which is no piece: a longer one may follow.
        self._ids = dict.fromkeys(
            (piece[:size] for piece in pieces for size in range(1, len(piece))), UNKNOWN
        )
        self._ids.update((piece, number) for number, piece in enumerate(pieces, 1))
        self._scores = array("d", [min(scores) - 10, *scores])  # by id
        # Whether a piece may hold two signs side by side, by a hash: wrongly at times, at no harm.
        self._together = np.zeros(_SIDES, np.bool_)
        self._together[_sides(_codes("\n".join(pieces)))] = True
        self._of_part = kept(self._split, most=KEPT_PARTS)

    def ids(self, text: str) -> list[int]:
        """Ids of the pieces of a text; never empty."""
        found: list[int] = self.cut([text])[0].tolist()
        return found

    def cut(self, texts: Sequence[str]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        """Ids of the pieces of all texts in a row, and how many each text has: one at least."""
        marked = [self._marked(text) for text in texts]
        together = "".join(marked)
        codes = _codes(together)
        firsts = np.cumsum([0, *map(len, marked)])
        apart = np.ones(len(codes) + 1, np.bool_)
        apart[1:-1] = ~self._together[_sides(codes)]
        apart[firsts] = True
        places = np.flatnonzero(apart)
        found = [self._of_part(together[start:end]) for start, end in pairwise(places.tolist())]
        ends = np.cumsum([0, *map(len, found)])[np.searchsorted(places, firsts)]
        return np.frombuffer(b"".join(found), np.uint32), np.diff(ends) // _ID_BYTES

    def _marked(self, text: str) -> str:
        words = text.split()
        if len(text) > self._longest_word:
            words = [word[: self._longest_word] for word in words]
        return START + START.join(words) if words else " "

    def number(self, piece: str) -> int:
        """The id of a piece, `UNKNOWN` if it is none."""
        return self._ids.get(piece, UNKNOWN)

    def names(self) -> list[str]:
        """All pieces, in the order of their ids."""
        return sorted(
            (one for one, number in self._ids.items() if number), key=self._ids.__getitem__
        )

    def __len__(self) -> int:
        return len(self._scores) - 1

    def _split(self, part: str) -> bytes:
        """Ids of the likeliest pieces, by Viterbi's algorithm, as bytes, which join quickly."""
        if whole := self._ids.get(part):
            return array("I", (whole,)).tobytes()
        ids, scores, size = self._ids, self._scores, len(part)
        best = [0.0] + [-math.inf] * size
        last = [0] * (size + 1)
        for start in range(size):
            before = best[start]
            if (score := before + scores[UNKNOWN]) > best[start + 1]:
                best[start + 1], last[start + 1] = score, start
            for end in range(start + 1, size + 1):
                piece = ids.get(part[start:end])
                if piece is None:
                    break
                if piece and (score := before + scores[piece]) > best[end]:
                    best[end], last[end] = score, start
        found, end = array("I"), size
        while end:
            found.append(self.number(part[last[end] : end]))
            end = last[end]
        found.reverse()
        return found.tobytes()


def _codes(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def _sides(codes: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """A hash below `_SIDES` of each two signs side by side."""
    return (codes[:-1] * np.uint32(0x9E3779B1) ^ codes[1:] * np.uint32(0x85EBCA6B)) >> np.uint32(12)
