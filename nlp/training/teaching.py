"""What the student learns: its pieces, and the judgement of the teacher on texts and on pieces."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from nlp.encoder.vocabulary import Parts
from nlp.sentiment.ngrams import cleaned
from nlp.sentiment.pieces import START, Pieces
from nlp.training.steps import Array, Progress
from nlp.training.student import Examples
from nlp.training.texts import CLAUSE, MIXED, OWN, PLAIN, UNKNOWN, Text

FREQUENT = 60_000  # the vocabulary begins with its most frequent pieces
SEEN = 2  # texts in which a rarer piece must stand
CHUNK = 1024
CLAUSES = 4_500  # of a language, our own comments' first
_WORDS, _SIGNS = (2, 8), (3, 16)  # of a clause: least and most
_UNSPACED = ("zh", "ja")
_ENDS = re.compile(r"""[.,;:!?…。，！？、；：()«»“”„"\n—]+|\s[-–]\s""")
_SCRIPTS = {
    "LATIN", "CYRILLIC", "ARABIC", "DEVANAGARI", "CJK", "HIRAGANA", "KATAKANA", "HANGUL",
    "KATAKANA-HIRAGANA",
}  # fmt: skip
TEACHER = 0.5  # its share of a target; the label has the rest
TEACHER_PLAIN = 0.2  # of a plain comment, which it misreads oftener
SURE = 0.94
_MIXED = (0.3, 0.4, 0.3)  # good and bad aspects in one sentence
TEACHER_OWN_WEIGHT = 2.0  # of our own comments, when the teacher learns
_WEIGHTS = {OWN: 1.0, PLAIN: 4.0, CLAUSE: 0.3}
OTHER_WEIGHT, PIECE_WEIGHT = 0.8, 0.2


def chosen_pieces(parts: Parts, texts: Iterable[str], tick: Progress) -> list[int]:
    """Places in the vocabulary of the pieces that the small model keeps: of our scripts, in lower
    case, and frequent there or in the texts.
    """
    reader, seen = Pieces(parts.pieces, parts.scores), Counter[int]()
    for text in texts:
        seen.update({number - 1 for number in reader.ids(cleaned(text))})
        tick(1)
    return [
        place
        for place, piece in enumerate(parts.pieces)
        if (place < FREQUENT or seen[place] >= SEEN) and _readable(piece)
    ]


def _readable(piece: str) -> bool:
    signs = piece.strip(START)
    scripts = {
        unicodedata.name(sign, "?").split()[0]
        for sign in signs
        if sign.isalpha() or unicodedata.category(sign)[0] == "M"
    }
    return bool(piece) and piece == piece.lower() and scripts <= _SCRIPTS


def in_chunks(
    judge: Callable[[Sequence[str]], Array], texts: Sequence[str], tick: Progress
) -> Array:
    """What `judge` says of texts, a row each."""
    found = []
    for start in range(0, len(texts), CHUNK):
        found.append(judge(texts[start : start + CHUNK]))
        tick(len(found[-1]))
    return np.concatenate(found)


def clauses(texts: Sequence[Text]) -> list[Text]:
    """Short clauses of texts, each once: short comments are rare among what is learnt from."""
    whole = {one.text.strip().lower() for one in texts}
    count, found = Counter[str](), dict[str, Text]()
    for one in sorted(texts, key=lambda one: one.source != OWN):
        for part in map(str.strip, _ENDS.split(one.text)):
            unspaced = one.language in _UNSPACED
            least, most = _SIGNS if unspaced else _WORDS
            size = len(part) if unspaced else len(part.split())
            new = least <= size <= most and part not in found and part.lower() not in whole
            if new and count[one.language] < CLAUSES:
                count[one.language] += 1
                found[part] = Text(part, one.language, UNKNOWN, CLAUSE, one.tier)
    return list(found.values())


def bare(names: Sequence[str]) -> list[str]:
    """Pieces as texts of their own."""
    return [name.replace(START, " ").strip() or " " for name in names]


def targets(texts: Sequence[Text], soft: Array) -> Array:
    """The teacher's probabilities, mixed with the label where there is one."""
    labels = np.array([one.label for one in texts])
    sharp = np.eye(3)[np.maximum(labels, 0)] * SURE + (1 - SURE) / 3
    own = np.where((labels >= 0)[:, None], sharp, soft)
    own = np.where((labels == MIXED)[:, None], (soft + np.array(_MIXED)) / 2, own)
    plain = np.array([one.source == PLAIN for one in texts])
    share = np.where(plain, TEACHER_PLAIN, TEACHER)[:, None]
    found: Array = share * soft + (1 - share) * own
    return found


def examples(
    texts: Sequence[Text],
    soft: Array,
    *,
    names: Sequence[str],
    scores: Array,
    bare_soft: Array,
) -> Examples:
    """Texts, and every piece alone, as the small model learns from them."""
    reader = Pieces(names, scores.tolist())
    plain = [cleaned(one.text) for one in texts]
    pieces = [np.array(reader.ids(text)) for text in plain]
    weights = np.r_[_weights(texts), np.full(len(names), PIECE_WEIGHT)]
    return Examples(
        texts=[*plain, *(name.replace(START, " ") for name in names)],
        pieces=[*pieces, *np.arange(1, len(names) + 1)[:, None]],
        targets=np.concatenate([targets(texts, soft), bare_soft]).astype(np.float32),
        weights=(weights / weights.mean()).astype(np.float32),
    )


def _weights(texts: Sequence[Text]) -> Array:
    """Labelled texts of others so that classes count the same; the rest by its source."""
    labels = np.array([one.label for one in texts])
    sources = np.array([one.source for one in texts])
    counts = np.bincount(labels[(labels >= 0) & ~np.isin(sources, list(_WEIGHTS))], minlength=3)
    found: Array = np.where(
        labels >= 0, counts.sum() / 3 / np.maximum(counts[labels], 1), OTHER_WEIGHT
    )
    for source, weight in _WEIGHTS.items():
        found[sources == source] = weight
    return found


def balance(texts: Sequence[Text]) -> Array:
    """How much labelled texts count for the teacher: each class the same, our own comments more."""
    labels = np.array([one.label for one in texts])
    found = len(labels) / 3 / np.bincount(labels, minlength=3)[labels]
    found *= [TEACHER_OWN_WEIGHT if one.source == OWN else 1 for one in texts]
    scaled: Array = (found / found.mean()).astype(np.float32)
    return scaled
