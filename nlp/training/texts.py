"""What the weights may learn from: labelled texts of tier A, our own corpus' part `learn`, and our
own plain comments of that part.

The labelled data lie in a folder `train` as gzipped lines of JSON with `text`, `lang`, `label`,
`tier` and, where only aspects are labelled, `aspects`. A row of any other tier stops the reading:
its licence does not let weights ship.
"""

import gzip
import hashlib
import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from nlp import corpus
from nlp.errors import NlpError
from nlp.results import SENTIMENTS
from nlp.training.steps import replaced

SOURCES = ("mabsa", "nusax")
TIERS = {"A": "A", "A-SA": "A, share-alike"}
OWN, OWN_TIER = "own corpus", "written for this project, CC0"
PLAIN = "own plain comments"
CLAUSE = "clause"  # of a text of any source
UNKNOWN, MIXED = -1, -2
SEED = 1
BALANCED = 600  # sentences of a language and label
_ASPECTS = ("neg", "neu", "pos")


class LicenceError(NlpError, ValueError):
    """A text whose licence does not let weights that learnt from it ship."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text to learn from.

    Attributes:
        label: index into `SENTIMENTS`, `UNKNOWN`, or `MIXED` (good and bad aspects).
        source, tier: where it comes from and under what terms.
    """

    text: str
    language: str
    label: int
    source: str
    tier: str


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of one gzipped file; raises LicenceError at the first of another tier."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for number, row in enumerate(map(json.loads, lines), 1):
            if (tier := row.get("tier")) not in TIERS:
                raise LicenceError(
                    f"{path.name}, line {number}: tier {tier!r} is not to be learnt from.",
                    hint="shipped weights learn from tier A and our own corpus only.",
                )
            yield row


def labelled(path: Path) -> Iterator[Text]:
    """The texts of one file; raises as `rows` does."""
    source = path.name.removesuffix(".jsonl.gz")
    for row in rows(path):
        yield Text(row["text"], row["lang"], _label(row), source, TIERS[row["tier"]])


def _label(row: dict[str, Any]) -> int:
    """The sentence's own label, else the one that all its aspects share."""
    if row["label"] is not None:
        return SENTIMENTS.index(row["label"])
    said = {aspect["polarity"][:3].lower() for aspect in row.get("aspects", [])} - {"con"}
    if len(said) == 1:
        return _ASPECTS.index(said.pop())
    return MIXED if {"neg", "pos"} <= said else UNKNOWN


def own() -> list[Text]:
    """Our own comments that weights may learn from; what calibrates them is left out."""
    return _own(calibrate=False)


def own_calibration() -> list[Text]:
    """Our own comments that calibrate: neither learnt from nor of the part `test`."""
    return _own(calibrate=True)


def _own(*, calibrate: bool) -> list[Text]:
    return [
        Text(one.text, code, SENTIMENTS.index(one.label), OWN, OWN_TIER)
        for code in corpus.languages()
        for one in corpus.read(code)
        if one.part == "learn" and corpus.seen_by_weights(one.text) != calibrate
    ]


def plain(part: Literal["learn", "choose"]) -> list[Text]:
    """Our own short and plain comments: those to learn from, or those that choose among seeds."""
    source = resources.files("nlp.corpus") / "plain.jsonl"
    found = map(json.loads, source.read_text(encoding="utf-8").splitlines())
    return [
        Text(one["text"], one["lang"], SENTIMENTS.index(one["label"]), PLAIN, OWN_TIER)
        for one in found
        if one["part"] == part
    ]


def samples(folder: Path, *, rest: int) -> tuple[list[Text], list[Text]]:
    """Texts of tier A in our languages: balanced by language and label, and `rest` others."""
    spoken = set(corpus.languages())
    every = [
        one
        for source in SOURCES
        for one in labelled(folder / "train" / f"{source}.jsonl.gz")
        if one.language in spoken
    ]
    random.Random(SEED).shuffle(every)  # noqa: S311 - a sample, no secret
    count: Counter[tuple[str, int]] = Counter()
    balanced: list[Text] = []
    others: list[Text] = []
    for one in every:
        kind = (one.language, one.label)
        count[kind] += 1
        (balanced if one.label >= 0 and count[kind] <= BALANCED else others).append(one)
    return balanced, others[:rest]


def save(parts: Mapping[str, Sequence[Text]], path: Path) -> None:
    """Write texts by the part they play."""
    found = {part: [asdict(one) for one in some] for part, some in parts.items()}
    with replaced(path) as file:
        file.write(json.dumps(found, ensure_ascii=False).encode())


def load(path: Path) -> dict[str, list[Text]]:
    """Read what `save` wrote."""
    parts = json.loads(path.read_text(encoding="utf-8"))
    return {part: [Text(**one) for one in some] for part, some in parts.items()}


def everything(folder: Path, *, rest: int) -> dict[str, list[Text]]:
    """By the part it plays: what has a label, what has none or is beyond the balance, the plain
    comments that the student alone learns from, what calibrates, and what chooses among seeds.
    """
    balanced, others = samples(folder, rest=rest)
    return {
        "labelled": balanced + own(),
        "rest": others,
        "plain": plain("learn"),
        "calibrating": own_calibration(),
        "choosing": plain("choose"),
    }


def digest(texts: Iterable[str]) -> str:
    """SHA-256 of the sorted texts, each ended by a zero byte: the same whatever their order."""
    found = hashlib.sha256()
    for text in sorted(texts):
        found.update(text.encode() + b"\0")
    return found.hexdigest()
