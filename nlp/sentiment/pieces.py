"""Pieces of words: the likeliest way to put a word together from a fixed list of pieces.

A unigram language model of pieces (Kudo, ACL 2018), with the pieces and scores that
multilingual-e5-small inherited from XLM-RoBERTa, cut down to those of our languages.
"""

from collections.abc import Mapping, Sequence

START = "▁"  # stands before a word's first sign
UNKNOWN = 0  # the id of a sign that no piece holds
LONGEST_WORD = 200
KEPT_WORDS = 100_000


class Pieces:
    """Splits words into pieces; ids count from 1 in the order of the list, 0 is unknown."""

    def __init__(self, pieces: Sequence[str], scores: Sequence[float]) -> None:
        """Pieces with their log probabilities."""
        self._scores: Mapping[str, float] = dict(zip(pieces, scores, strict=True))
        self._ids = {piece: number for number, piece in enumerate(pieces, 1)}
        # The longest piece that begins with these two signs: most places reach no further.
        self._reach: dict[str, int] = {}
        for piece in pieces:
            self._reach[piece[:2]] = max(self._reach.get(piece[:2], 0), len(piece))
        self._unknown = min(scores) - 10
        self._known: dict[str, list[int]] = {}

    def ids(self, text: str) -> list[int]:
        """Ids of the pieces of a cleaned text; never empty."""
        found: list[int] = []
        for word in text.split():
            known = self._known.get(word)
            if known is None:
                if len(self._known) >= KEPT_WORDS:
                    self._known.clear()
                known = self._known[word] = self._split(START + word[:LONGEST_WORD])
            found += known
        return found or [UNKNOWN]

    def _split(self, word: str) -> list[int]:
        """Viterbi's algorithm over the places of the word."""
        if word in self._ids:
            return [self._ids[word]]
        size = len(word)
        best = [0.0] + [float("-inf")] * size
        begins = [0] * (size + 1)
        for start in range(size):
            longest = max(1, self._reach.get(word[start : start + 2], 1))
            for end in range(start + 1, min(size, start + longest) + 1):
                score = self._scores.get(
                    word[start:end], self._unknown if end == start + 1 else None
                )
                if score is not None and best[start] + score > best[end]:
                    best[end], begins[end] = best[start] + score, start
        found: list[int] = []
        end = size
        while end:
            found.append(self._ids.get(word[begins[end] : end], UNKNOWN))
            end = begins[end]
        return found[::-1]
