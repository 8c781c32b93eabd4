"""Pieces of words: the likeliest way to put a word together from a fixed list of pieces.

A unigram language model of pieces (Kudo, ACL 2018), with the pieces and scores that
multilingual-e5-small inherited from XLM-RoBERTa, cut down to those of our languages.
"""

import math
from array import array
from collections.abc import Sequence
from functools import lru_cache

START = "▁"  # stands before a word's first sign
UNKNOWN = 0  # the id of a sign that no piece holds
LONGEST_WORD = 200
KEPT_WORDS = 30_000
_KEPT_LENGTH = 40  # longer ones, such as Chinese sentences, hardly come twice


class Pieces:
    """Splits words into pieces; ids count from 1 in the order of the list, 0 is unknown."""

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
        self._of_word = lru_cache(maxsize=KEPT_WORDS)(self._split)

    def ids(self, text: str) -> list[int]:
        """Ids of the pieces of a cleaned text; never empty."""
        found: list[int] = []
        for word in text.split():
            found += self._of_word(word) if len(word) <= _KEPT_LENGTH else self._split(word)
        return found or [UNKNOWN]

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

    def _split(self, word: str) -> Sequence[int]:
        """Viterbi's algorithm over the places of the word."""
        word = START + word[: self._longest_word]
        if whole := self._ids.get(word):
            return (whole,)
        ids, scores, size = self._ids, self._scores, len(word)
        best = [0.0] + [-math.inf] * size
        last = [(0, UNKNOWN)] * (size + 1)
        for start in range(size):
            if best[start] + scores[UNKNOWN] > best[start + 1]:
                best[start + 1], last[start + 1] = best[start] + scores[UNKNOWN], (start, UNKNOWN)
            for end in range(start + 1, size + 1):
                piece = ids.get(word[start:end])
                if piece is None:
                    break
                if piece and (score := best[start] + scores[piece]) > best[end]:
                    best[end], last[end] = score, (start, piece)
        found, end = array("I"), size
        while end:
            end, piece = last[end]
            found.append(piece)
        found.reverse()
        return found
