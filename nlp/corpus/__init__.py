"""Customer comments that were written for this project, with what an analysis should find in them.

One file a language, `<language>.tsv`: label, domain, themes and text, a line each. `DATASHEET.md`
says how they came about and what they can't represent. CC0. Shorter and plainer ones, in
`plain.jsonl`, are read by `nlp.training` alone.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Literal, TypeAlias

from nlp.redaction import Kind, PersonalData
from nlp.results import Sentiment

Part: TypeAlias = Literal["learn", "test"]
LABELS: dict[str, Sentiment] = {"neg": "negative", "neu": "neutral", "pos": "positive"}
POLARITIES: dict[str, Sentiment] = {"-": "negative", "0": "neutral", "+": "positive"}
DOMAINS = ("shop", "bank", "telecom", "travel", "health", "software", "energy", "government")
# Words of themes were written with an eye on texts whose first SHA-256 byte is below this one; the
# weights of sentiment learnt from texts whose BLAKE2b leaves a remainder. What neither saw tests.
_SEEN_BYTE = 154
_SEEN_MODULUS = 5
_PERSONAL = re.compile("⟦([a-z]+):([^⟧]*)⟧")


@dataclass(frozen=True, slots=True)
class CorpusComment:
    """A comment and what should be found in it.

    Attributes:
        language: ISO 639 code.
        text: the comment, without marks.
        label: how the customer as a whole judges what happened.
        domain: what the company or office does.
        themes: code and polarity of each theme that is spoken of, e.g. `theme.delivery.speed`.
        personal: places of personal data, all of it invented.
        part: `test` or `learn`, by two hashes of the text: it never changes.
    """

    language: str
    text: str
    label: Sentiment
    domain: str
    themes: tuple[tuple[str, Sentiment], ...]
    personal: tuple[PersonalData, ...]
    part: Part


def languages() -> tuple[str, ...]:
    """The languages that the corpus has, by code."""
    files = resources.files("nlp.corpus").iterdir()
    return tuple(sorted(file.name[:-4] for file in files if file.name.endswith(".tsv")))


@lru_cache(maxsize=32)
def read(language: str) -> tuple[CorpusComment, ...]:
    """The comments of one language, in the order of the file.

    Raises FileNotFoundError for a language that the corpus has not, and ValueError naming the line
    for one that is not in the format.
    """
    source = resources.files("nlp.corpus") / f"{language}.tsv"
    lines = source.read_text(encoding="utf-8").splitlines()
    return tuple(_comments(language, lines))


def _comments(language: str, lines: list[str]) -> Iterator[CorpusComment]:
    for number, line in enumerate(lines, 1):
        try:
            label, domain, themes, marked = line.split("\t")
            text, personal = _unmarked(marked.replace("\\n", "\n"))
            yield CorpusComment(
                language=language,
                text=text,
                label=LABELS[label],
                domain=DOMAINS[DOMAINS.index(domain)],
                themes=tuple((f"theme.{one[:-1]}", POLARITIES[one[-1]]) for one in themes.split()),
                personal=personal,
                part=_part(text),
            )
        except (ValueError, KeyError) as error:
            raise ValueError(f"{language}.tsv, line {number}: {error}") from error


def _unmarked(marked: str) -> tuple[str, tuple[PersonalData, ...]]:
    """The text without the marks of personal data, and where that stands in it."""
    text, last = "", 0
    places: list[PersonalData] = []
    for found in _PERSONAL.finditer(marked):
        text += marked[last : found.start()]
        kind: Kind = found[1]  # type: ignore[assignment]  # a test compares with the kinds
        places.append(PersonalData(kind, len(text), len(text) + len(found[2])))
        text += found[2]
        last = found.end()
    return text + marked[last:], tuple(places)


def _part(text: str) -> Part:
    return "learn" if seen_by_words(text) or seen_by_weights(text) else "test"


def seen_by_words(text: str) -> bool:
    """Whether who wrote the words of themes may have read a text."""
    return hashlib.sha256(text.encode()).digest()[0] < _SEEN_BYTE


def seen_by_weights(text: str) -> bool:
    """Whether the weights of sentiment learn from a text (if not, it may still calibrate them)."""
    digest = hashlib.blake2b(text.encode(), digest_size=4).digest()
    return bool(int.from_bytes(digest) % _SEEN_MODULUS)
