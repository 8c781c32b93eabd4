"""From a text to the numbers that an encoder reads: a whole vocabulary of word pieces."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise

import numpy as np

from nlp.errors import ModelError
from nlp.sentiment.pieces import UNKNOWN, Pieces

# Read of a text, in code points for each token: pieces are shorter on average in every language.
CODE_POINTS = 8
_NAMES = ("pieces", "scores", "signs", "written", "start", "pad", "end", "unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a vocabulary is made of.

    Attributes:
        pieces: in the order of their ids; those with a meaning of their own, such as the end
            marks, are empty, so that no text contains them.
        scores: log probability of each.
        table: code point → what is read instead.
        start, pad, end, unknown: ids.
    """

    pieces: Sequence[str]
    scores: Sequence[float]
    table: Mapping[int, str]
    start: int
    pad: int
    end: int
    unknown: int

    def to_bytes(self) -> bytes:
        """As an `.npz` file of arrays."""
        out = BytesIO()
        np.savez_compressed(
            out,
            pieces=_joined(self.pieces),
            scores=np.array(self.scores, np.float32),
            signs=np.array(list(self.table), np.uint32),
            written=_joined(list(self.table.values())),
            start=self.start,
            pad=self.pad,
            end=self.end,
            unknown=self.unknown,
        )
        return out.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Parts":
        """Raises ModelError for bytes that `to_bytes` did not write."""
        try:
            with np.load(BytesIO(data), allow_pickle=False) as file:
                arrays = {name: file[name] for name in _NAMES}
            written = arrays["written"].tobytes().decode().split("\n")
            pieces, scores = arrays["pieces"].tobytes().decode().split("\n"), arrays["scores"]
            marks = {name: int(arrays[name]) for name in _NAMES[4:]}
            if scores.shape != (len(pieces),) or not np.isfinite(scores).all():
                raise ValueError("not one score for each piece")
            if not all(0 <= number < len(pieces) for number in marks.values()):
                raise ValueError("an id beyond the pieces")
            return cls(
                pieces=pieces,
                scores=scores.astype(float).tolist(),
                table=dict(zip(arrays["signs"].tolist(), written, strict=True)),
                **marks,
            )
        except Exception as error:
            raise ModelError(
                "The encoder's vocabulary can't be read.",
                hint="make the directory again with `soundings nlp encoder`.",
            ) from error


def _joined(texts: Sequence[str]) -> np.ndarray:
    if any("\n" in text for text in texts):
        raise ValueError("a piece with a line end")
    return np.frombuffer("\n".join(texts).encode(), np.uint8)


class Vocabulary:
    """Splits texts as the tokeniser of XLM-RoBERTa does. Immutable, but for a cache of words."""

    def __init__(self, parts: Parts, *, prefix: str, max_tokens: int) -> None:
        """`prefix` stands before each text; rows have at most `max_tokens` ids."""
        self._longest = CODE_POINTS * max_tokens
        self._pieces = Pieces(parts.pieces, parts.scores, longest_word=self._longest)
        self._parts, self._prefix, self._max_tokens = parts, prefix, max_tokens
        self._table = dict(parts.table)
        self.pad = parts.pad

    def ids(self, text: str) -> list[int]:
        """The ids of a text's beginning, with both end marks; time is bounded for any text."""
        text = unicodedata.normalize("NFC", self._prefix + text[: self._longest])
        numbers = self._pieces.ids(text.translate(self._table))
        # Signs in a row that no piece holds are one unknown.
        kept = [after for before, after in pairwise([-1, *numbers]) if before or after]
        found = [number - 1 if number != UNKNOWN else self._parts.unknown for number in kept]
        return self._between_marks(found)

    def longest(self) -> list[int]:
        """As many ids as are ever read of a text, the greatest of all among them."""
        return self._between_marks([len(self._parts.pieces) - 1] * self._max_tokens)

    def _between_marks(self, found: Sequence[int]) -> list[int]:
        return [self._parts.start, *found[: self._max_tokens - 2], self._parts.end]
