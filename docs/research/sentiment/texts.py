"""What the weights may learn from: tier A of the labelled data, and our corpus without its held-out part."""

import gzip
import hashlib
import json
import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

TIER_A = ("mabsa", "nusax")
SERVED = tuple("en es fr de it pt nl pl tr ru ar hi ja zh uk sv da ko vi id".split())
LABELS = ("negative", "neutral", "positive")
UNKNOWN, MIXED = -1, -2
BALANCED = 600  # sentences of a language and label in the first sample
_PERSONAL = re.compile("⟦[a-z]+:([^⟧]*)⟧")


@dataclass(frozen=True, slots=True)
class Text:
    """A text; `label` is an index into LABELS, UNKNOWN, or MIXED (good and bad aspects)."""

    text: str
    language: str
    label: int


def held_out(text: str) -> bool:
    """Whether a text of our corpus is kept for measuring. Never changes: `nlp/corpus` uses it."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest()) % 5 == 0


def corpus(folder: Path) -> list[Text]:
    """All of our corpus, in the order of its files; filter with `held_out`."""
    found = []
    for path in sorted(folder.glob("??.tsv")):
        for line in path.read_text(encoding="utf-8").splitlines():
            label, _, _, marked = line.split("\t")
            text = _PERSONAL.sub(r"\1", marked).replace("\\n", "\n")
            found.append(Text(text, path.stem, ("neg", "neu", "pos").index(label)))
    return found


def tier_a(folder: Path) -> Iterator[Text]:
    """The training part of tier A. Nothing else of the labelled data may be read here."""
    for name in TIER_A:
        with gzip.open(folder / "train" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
            for row in map(json.loads, file):
                yield Text(row["text"], row["lang"], _label(row))


def _label(row: dict) -> int:
    if row["label"] is not None:
        return LABELS.index(row["label"])
    seen = {aspect["polarity"][:3].lower() for aspect in row.get("aspects", [])} - {"con"}
    if len(seen) == 1:
        return ("neg", "neu", "pos").index(seen.pop())
    return MIXED if seen == {"neg", "pos"} or len(seen) == 3 else UNKNOWN


def samples(folder: Path, *, rest: int, more: int) -> dict[str, list[Text]]:
    """Tier A in three: `a` is balanced by language and label, `rest` and `more` are random."""
    every = list(tier_a(folder))
    count: Counter[tuple[str, int]] = Counter()
    balanced = []
    shuffled = every.copy()
    random.Random(1).shuffle(shuffled)
    for one in shuffled:
        if one.label >= 0 and count[one.language, one.label] < BALANCED:
            count[one.language, one.label] += 1
            balanced.append(one)
    taken = {one.text for one in balanced}
    others = [one for one in every if one.text not in taken]
    random.Random(2).shuffle(others)
    second = others[:rest]
    taken |= {one.text for one in second}
    third = [one for one in every if one.text not in taken and one.language in SERVED]
    random.Random(3).shuffle(third)
    return {"a": balanced, "rest": second, "more": third[:more]}


def save(texts: list[Text], path: Path) -> None:
    """Write texts next to the arrays that were computed from them."""
    path.write_text(json.dumps([asdict(one) for one in texts], ensure_ascii=False))


def load(path: Path) -> list[Text]:
    """Read what `save` wrote."""
    return [Text(**one) for one in json.loads(path.read_text())]
