"""A second opinion on themes: which parts of themes a comment speaks of, words or no words.

The pieces of a comment's words are read by a linear model of low rank (Joulin et al., EACL 2017),
learnt from our own comments and from the taxonomies' phrases. A logistic regression weighs what it
says together with what the phrases found, alike for every part but for two offsets: so a phrase can
be doubted, and a part can be found that no phrase speaks of. `python -m nlp.training.themes` makes
the weights and chooses the thresholds.
"""

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from importlib import resources
from itertools import accumulate
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from nlp.sentiment.model import Batch, packaged_model, starts_of_runs
from nlp.taxonomies import ANY_LANGUAGE, packaged_languages
from nlp.themes import Mention, Place, Reading, packaged_matcher, position
from nlp.weights import read_weights

if TYPE_CHECKING:
    from nlp.own_themes import OwnThemes

VERSION = 1
_TABLE = {
    "codes": "text c", "pieces": "text p", "vectors": "int8 p+1 w", "parts": "float w c",
    "bias": "float c", "weights": "float 8", "offsets": "float 2 c", "least": "float 2",
}  # fmt: skip
Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]


class ThemeClassifier:
    """Weighs the parts of themes in comments. Immutable once loaded."""

    def __init__(self, data: bytes) -> None:
        """Load the weights from the bytes of an `.npz` file (arrays only, no pickle).

        Raises ModelError for bytes that are no such file, are cut off or of another version.
        """
        arrays = read_weights(data, "The classifier of themes", table=_TABLE, version=VERSION)
        self.codes: tuple[str, ...] = tuple(arrays["codes"].tobytes().decode().split("\n"))
        self._pieces = packaged_model().pieces
        self._rows = np.zeros(len(self._pieces) + 1, np.int64)  # of a piece in `vectors`
        for row, piece in enumerate(arrays["pieces"].tobytes().decode().split("\n"), 1):
            self._rows[self._pieces.number(piece)] = row
        self._rows[0] = 0
        self._vectors: NDArray[np.int8] = arrays["vectors"]
        self._parts, self._bias, self._weights, self._offsets = (
            arrays[name].astype(np.float32) for name in ("parts", "bias", "weights", "offsets")
        )
        self._least: tuple[float, float] = tuple(arrays["least"].tolist())
        self._design = Design(self.codes)

    def said(self, batch: Batch) -> Floats:
        """Logits of each part by the text alone, shape (texts, parts)."""
        rows = self._rows[batch.pieces]
        return read(rows, batch.sizes, self._vectors) @ self._parts + self._bias

    def weighed(self, batch: Batch, heard: Floats) -> Floats:
        """Logits of each part given the text and what phrases say of it; the same shape."""
        features = self._design.features(heard, self.said(batch))
        own = self._offsets[0] + heard[0] * self._offsets[1]
        return cast(Floats, features @ self._weights + own)

    def refined(self, batch: Batch, readings: Sequence[Reading]) -> list[list[Mention]]:
        """The phrases' mentions less those that are doubted, with the parts that none speaks of.

        A part found so stands at the clause that speaks of it most. Mentions of themes that are
        not known here stay.
        """
        mentions = [reading.mentions() for reading in readings]
        heard = self._design.heard(mentions)
        weighed = self.weighed(batch, heard)
        parts = weighed >= self._least[0]
        themes = self._design.by_theme(weighed) >= self._least[1]
        placed = self._placed(batch.texts, readings, parts & (heard[0] == 0))
        found: list[list[Mention]] = []
        for row, (some, *sure) in enumerate(
            zip(mentions, parts.tolist(), themes.tolist(), strict=True)
        ):
            parted = {code.rpartition(".")[0] for code, _, _ in placed.get(row, ())}
            kept = [one for one in some if one.code not in parted and self._stays(one.code, *sure)]
            if row in placed:
                kept += map(readings[row].mention_at, placed[row])
                kept.sort(key=position)
            found.append(kept)
        return found

    def _stays(self, code: str, parts: Sequence[bool], themes: Sequence[bool]) -> bool:
        part, theme = self._design.place_of(code)
        return parts[part] if part is not None else theme is None or themes[theme]

    def _placed(
        self, texts: Sequence[str], readings: Sequence[Reading], new: NDArray[np.bool_]
    ) -> dict[int, list[Place]]:
        """By row, the new parts at the clauses that speak of them most."""
        rows = np.flatnonzero(new.any(1)).tolist()
        clauses = [readings[row].clauses for row in rows]
        sizes = [len(some) if len(some) > 1 else 0 for some in clauses]  # where there is a choice
        parts = [
            texts[row][start:end]
            for row, some, size in zip(rows, clauses, sizes, strict=True)
            for start, end in some[:size]
        ]
        said = [row for batch in packaged_model().batches(parts) for row in self.said(batch)]
        placed: dict[int, list[Place]] = {}
        for row, some, size, end in zip(rows, clauses, sizes, accumulate(sizes), strict=True):
            codes = np.flatnonzero(new[row]).tolist()
            best = np.argmax(said[end - size : end], 0) if size else dict.fromkeys(codes, 0)
            placed[row] = [Place(self.codes[part], *some[best[part]]) for part in codes]
        return placed


class Design:
    """What the last regression reads of what the phrases and the text say."""

    FEATURES = 8

    def __init__(self, codes: Sequence[str]) -> None:
        """`codes` are of the parts, those of a theme side by side."""
        self._parts = {code: number for number, code in enumerate(codes)}
        themes = [code.rpartition(".")[0] for code in codes]
        self._themes = {theme: number for number, theme in enumerate(dict.fromkeys(themes))}
        self.theme_of: Numbers = np.array([self._themes[theme] for theme in themes])
        self._firsts = starts_of_runs(self.theme_of)
        self._members: dict[str, list[int]] = defaultdict(list)
        for part, theme in enumerate(themes):
            self._members[theme].append(part)

    def place_of(self, code: str) -> tuple[int | None, int | None]:
        """The numbers of a part and of a theme; None for what it is not."""
        return self._parts.get(code), self._themes.get(code)

    def heard(self, mentions: Sequence[Sequence[Mention]]) -> Floats:
        """By comment and part, shape (3, comments, parts), each 0 or 1: whether a phrase mentions
        it, whether one judges it, whether its theme is mentioned by itself.
        """
        spoken: list[tuple[int, int, int]] = []  # of the three, comment, part
        for row, some in enumerate(mentions):
            for one in some:
                if one.code in self._parts:
                    ways = (0, 1) if one.judgement else (0,)
                    spoken += [(way, row, self._parts[one.code]) for way in ways]
                elif one.code in self._themes:
                    spoken += [(2, row, part) for part in self._members[one.code]]
        found = np.zeros((3, len(mentions), len(self._parts)), np.float32)
        if spoken:
            found[tuple(np.array(spoken).T)] = 1
        return found

    def features(self, heard: Floats, said: Floats) -> Floats:
        """Shape (comments, parts, FEATURES)."""
        spoken, judged, theme = heard
        relative = said - said.max(1, keepdims=True)
        crowd = spoken * np.minimum(spoken.sum(1, keepdims=True), 5) / 5
        kin = np.minimum(self.by_theme(spoken).take(self.theme_of, 1), 1) - spoken
        columns = (judged, theme, kin, crowd, said, said * spoken, said * theme, relative)
        return np.stack(columns, -1)

    def by_theme(self, parts: Floats) -> Floats:
        """The largest of each theme's parts, shape (comments, themes)."""
        found: Floats = np.maximum.reduceat(parts, self._firsts, 1)
        return found


def read(rows: Numbers, sizes: Numbers, vectors: NDArray[Any]) -> Floats:
    """Sums of the vectors of each text's pieces over the root of their number."""
    sums = np.add.reduceat(vectors[rows], np.cumsum(sizes) - sizes, dtype=np.float32)
    return cast(Floats, sums / np.sqrt(sizes, dtype=np.float32)[:, None])


@lru_cache(maxsize=1)
def packaged_classifier() -> ThemeClassifier:
    """The classifier of this package, loaded at the first call and then shared."""
    return ThemeClassifier((resources.files("nlp") / "themes.npz").read_bytes())


def find_themes(
    texts: Sequence[str], languages: Sequence[str], own: "OwnThemes | None" = None
) -> list[list[Mention]]:
    """The mentions in texts (as `readable` gives them), each by position.

    In a language without a taxonomy only themes of the caller's own are found.
    """
    found: list[list[Mention]] = []
    for batch in packaged_model().batches(texts):
        found += find_in_batch(batch, languages[len(found) :], own)
    return found


def find_in_batch(
    batch: Batch, languages: Sequence[str], own: "OwnThemes | None"
) -> list[list[Mention]]:
    """The same of one batch."""
    known = frozenset(packaged_languages())
    codes = [code if code in known else ANY_LANGUAGE for code in languages[: len(batch.texts)]]
    readings = [
        packaged_matcher(code).read(text) for text, code in zip(batch.texts, codes, strict=True)
    ]
    refined = packaged_classifier().refined(batch, readings)
    found = [
        [] if code == ANY_LANGUAGE else some for some, code in zip(refined, codes, strict=True)
    ]
    if own is not None:
        for some, text, reading in zip(found, batch.texts, readings, strict=True):
            some.extend(map(reading.mention_at, own.mentions(text)))
            some.sort(key=position)
    return found
