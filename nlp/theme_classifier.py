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
from itertools import chain
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from nlp.sentiment.model import packaged_model
from nlp.sentiment.ngrams import cleaned
from nlp.taxonomies import ANY_LANGUAGE, packaged_languages
from nlp.themes import Mention, Place, Reading, packaged_matcher, position
from nlp.weights import read_weights

if TYPE_CHECKING:
    from nlp.own_themes import OwnThemes

VERSION = 1
BATCH = 128  # comments at once: of more the arrays leave the processor's cache
_NAMES = (
    "codes", "pieces", "vectors", "parts", "bias", "weights", "offsets", "least", "version",
)  # fmt: skip
Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]


class ThemeClassifier:
    """Weighs the parts of themes in comments. Immutable once loaded."""

    def __init__(self, data: bytes) -> None:
        """Load the weights from the bytes of an `.npz` file (arrays only, no pickle).

        Raises ModelError for bytes that are no such file, are cut off or of another version.
        """
        arrays = read_weights(data, "The classifier of themes", names=_NAMES, version=VERSION)
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

    def said(self, texts: Sequence[str]) -> Floats:
        """Logits of each part by the text alone, shape (len(texts), parts)."""
        if not texts:
            return np.zeros((0, len(self.codes)), np.float32)
        found = [self._pieces.ids(cleaned(text)) for text in texts]
        rows = np.fromiter(chain.from_iterable(found), np.int64)
        sizes = np.fromiter(map(len, found), np.int64, len(found))
        return read(self._rows[rows], sizes, self._vectors) @ self._parts + self._bias

    def weighed(self, texts: Sequence[str], mentions: Sequence[Sequence[Mention]]) -> Floats:
        """Logits of each part given the text and what the phrases found in it; the same shape."""
        heard = self._design.heard(mentions)
        features = self._design.features(heard, self.said(texts))
        own = self._offsets[0] + heard[0] * self._offsets[1]
        return cast(Floats, features @ self._weights + own)

    def refined(self, texts: Sequence[str], readings: Sequence[Reading]) -> list[list[Mention]]:
        """The phrases' mentions less those that are doubted, with the parts that none speaks of.

        A part found so stands at the clause that speaks of it most. Mentions of themes that are
        not known here stay.
        """
        mentions = [reading.mentions() for reading in readings]
        weighed = self.weighed(texts, mentions)
        parts = weighed >= self._least[0]
        themes = self._design.by_theme(weighed) >= self._least[1]
        new = parts & (self._design.heard(mentions)[0] == 0)
        placed = self._placed(texts, readings, new)
        found: list[list[Mention]] = []
        for row, some in enumerate(mentions):
            parted = {code.rpartition(".")[0] for code, _, _ in placed[row]}
            kept = [
                one
                for one in some
                if one.code not in parted and self._stays(one.code, parts[row], themes[row])
            ]
            kept += map(readings[row].mention_at, placed[row])
            found.append(sorted(kept, key=position))
        return found

    def _stays(self, code: str, parts: NDArray[np.bool_], themes: NDArray[np.bool_]) -> bool:
        part, theme = self._design.place_of(code)
        return bool(parts[part] if part is not None else theme is None or themes[theme])

    def _placed(
        self, texts: Sequence[str], readings: Sequence[Reading], new: NDArray[np.bool_]
    ) -> dict[int, list[Place]]:
        """By row, the new parts at the clauses that speak of them most."""
        placed: dict[int, list[Place]] = defaultdict(list)
        rows = np.flatnonzero(new.any(1)).tolist()
        clauses = [readings[row].clauses for row in rows]
        parts = [
            texts[row][start:end]
            for row, some in zip(rows, clauses, strict=True)
            for start, end in some
        ]
        said = self.said(parts)
        first = 0
        for row, some in zip(rows, clauses, strict=True):
            best = said[first : first + len(some)].argmax(0).tolist()
            first += len(some)
            for part in np.flatnonzero(new[row]).tolist():
                placed[row].append(Place(self.codes[part], *some[best[part]]))
        return placed


class Design:
    """What the last regression reads of what the phrases and the text say."""

    FEATURES = 8

    def __init__(self, codes: Sequence[str]) -> None:
        """`codes` are of the parts."""
        self._parts = {code: number for number, code in enumerate(codes)}
        themes = [code.rpartition(".")[0] for code in codes]
        self._themes = {theme: number for number, theme in enumerate(dict.fromkeys(themes))}
        self.theme_of: Numbers = np.array([self._themes[theme] for theme in themes])

    def place_of(self, code: str) -> tuple[int | None, int | None]:
        """The numbers of a part and of a theme; None for what it is not."""
        return self._parts.get(code), self._themes.get(code)

    def heard(self, mentions: Sequence[Sequence[Mention]]) -> Floats:
        """By comment and part, shape (3, comments, parts), each 0 or 1: whether a phrase mentions
        it, whether one judges it, whether its theme is mentioned by itself.
        """
        parts = np.zeros((2, len(mentions), len(self._parts)), np.float32)
        themes = np.zeros((len(mentions), len(self._themes)), np.float32)
        for row, some in enumerate(mentions):
            for one in some:
                part, theme = self.place_of(one.code)
                if part is not None:
                    parts[:, row, part] = 1, max(parts[1, row, part], abs(one.judgement))
                elif theme is not None:
                    themes[row, theme] = 1
        return np.concatenate([parts, themes[None, :, self.theme_of]])

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
        found = np.full((len(parts), len(self._themes)), -np.inf, np.float32)
        for part, theme in enumerate(self.theme_of):
            np.maximum(found[:, theme], parts[:, part], out=found[:, theme])
        return found


def read(rows: Numbers, sizes: Numbers, vectors: NDArray[Any]) -> Floats:
    """Sums of the vectors of each text's pieces over the root of their number."""
    firsts = np.r_[0, np.cumsum(sizes)[:-1]]
    sums = np.add.reduceat(vectors[rows], firsts, dtype=np.float32)
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
    for start in range(0, len(texts), BATCH):
        batch = slice(start, start + BATCH)
        found += _find_themes(texts[batch], languages[batch], own)
    return found


def _find_themes(
    texts: Sequence[str], languages: Sequence[str], own: "OwnThemes | None"
) -> list[list[Mention]]:
    known = frozenset(packaged_languages())
    readings = [
        packaged_matcher(code if code in known else ANY_LANGUAGE).read(text)
        for text, code in zip(texts, languages, strict=True)
    ]
    refined = packaged_classifier().refined(texts, readings)
    found = [some if code in known else [] for some, code in zip(refined, languages, strict=True)]
    if own is not None:
        for some, text, reading in zip(found, texts, readings, strict=True):
            some.extend(map(reading.mention_at, own.mentions(text)))
            some.sort(key=position)
    return found
