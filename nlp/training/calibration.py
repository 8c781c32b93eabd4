"""How sure the small model may sound, and how good it is where nothing was learnt."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import numpy as np

from nlp.sentiment.model import SmallModel
from nlp.training.steps import Array
from nlp.training.texts import Text

TEMPERATURES = np.arange(0.5, 2.01, 0.05)
BINS = 10
_LEAST = 1e-9
Figures = dict[str, float]


def temperature(found: Array, labels: Array) -> Array:
    """The number that makes labels likeliest when it multiplies logits; probabilities are given.

    One for all languages (Guo et al., ICML 2017).
    """
    logits = np.log(found + _LEAST)

    def loss(factor: float) -> float:
        scaled = factor * logits
        sure = scaled[np.arange(len(labels)), labels] - np.log(np.exp(scaled).sum(1))
        return float(-sure.mean())

    return np.array(min(TEMPERATURES, key=loss), np.float32)


def calibrated(arrays: Mapping[str, Array], texts: Sequence[Text]) -> dict[str, Array]:
    """A small model's arrays with the temperature that fits these texts."""
    found = probabilities({**arrays, "T": np.array(1, np.float32)}, texts)
    return {**arrays, "T": temperature(found, np.array([one.label for one in texts]))}


def probabilities(arrays: Mapping[str, Array], texts: Sequence[Text]) -> Array:
    """What a small model of these arrays answers, shape (len(texts), 3)."""
    data = BytesIO()
    np.savez(data, **dict[str, Any](arrays))
    return SmallModel(data.getvalue()).probabilities([one.text for one in texts])


def figures(found: Array, texts: Sequence[Text]) -> Figures:
    """Mean macro-F1 of languages and recall of neutral in percent; calibration error in [0, 1]."""
    labels, guesses = np.array([one.label for one in texts]), found.argmax(1)
    languages = np.array([one.language for one in texts])
    each = [
        macro_f1(labels[languages == code], guesses[languages == code]) for code in set(languages)
    ]
    return {
        "texts": len(texts),
        "macro_f1": round(float(np.mean(each)), 1),
        "neutral_recall": round(100 * float((guesses[labels == 1] == 1).mean()), 1),
        "calibration_error": round(calibration_error(found, labels), 3),
    }


def best(tried: Mapping[int, Mapping[str, Figures]]) -> int:
    """The seed with the highest mean of its parts' macro-F1; of equals the first."""
    return max(tried, key=lambda seed: sum(part["macro_f1"] for part in tried[seed].values()))


def macro_f1(labels: Array, guesses: Array) -> float:
    """Mean F1 of the classes among the labels, in percent."""
    each = [
        200 * ((labels == one) & (guesses == one)).sum()
        / ((labels == one).sum() + (guesses == one).sum())
        for one in np.unique(labels)
    ]  # fmt: skip
    return float(np.mean(each))


def calibration_error(found: Array, labels: Array) -> float:
    """Expected calibration error of the most probable label (Naeini et al., AAAI 2015)."""
    sure, right = found.max(1), found.argmax(1) == labels
    held = np.minimum((sure * BINS).astype(int), BINS - 1)
    off = [abs((right[held == one] - sure[held == one]).sum()) for one in range(BINS)]
    return float(sum(off) / len(labels))
