"""Fit the constants of `nlp.sentiment.lexicon._CALIBRATION` and print them.

    python -m tests.tools.fit_sentiment_calibration TRAIN.jsonl.gz ...

Takes the English lines with a label from files that `nlp.training.texts` reads, which refuses those
whose licence does not let weights ship. Deterministic: the same files give the same numbers.
"""

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize  # type: ignore[import-untyped] # ships no types

from nlp.results import SENTIMENTS
from nlp.sentiment.lexicon import polarity
from nlp.training.texts import rows

# Only takes away the freedom to add a constant to all three logits.
RIDGE = 1e-4
Array = npt.NDArray[np.float64]


def english_pairs(paths: list[Path]) -> tuple[Array, npt.NDArray[np.intp]]:
    """(compound, index of the label) of every labelled English line."""
    pairs = [
        (polarity(row["text"]), SENTIMENTS.index(row["label"]))
        for path in paths
        for row in rows(path)
        if row["lang"] == "en" and row["label"]
    ]
    return np.array([p for p, _ in pairs]), np.array([label for _, label in pairs])


def fit(compound: Array, label: npt.NDArray[np.intp]) -> Array:
    """Coefficients (class x [1, compound, |compound|]), each class weighing the same."""
    features = np.stack([np.ones_like(compound), compound, np.abs(compound)], axis=1)
    weight = 1.0 / np.bincount(label, minlength=3)[label]
    weight /= weight.sum()

    def loss(flat: Array) -> float:
        logits = features @ flat.reshape(3, 3).T
        logits -= logits.max(axis=1, keepdims=True)
        log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        return float(-(weight * log_p[np.arange(len(label)), label]).sum() + RIDGE * flat @ flat)

    return np.asarray(minimize(loss, np.zeros(9)).x).reshape(3, 3)


def main(arguments: list[str]) -> int:
    """Print how much was read and the rows of the constant."""
    if not arguments:
        sys.stderr.write(str(__doc__))
        return 2
    compound, label = english_pairs([Path(argument) for argument in arguments])
    sys.stdout.write(f"# {len(label)} sentences, {np.bincount(label, minlength=3).tolist()}\n")
    for row in fit(compound, label):
        sys.stdout.write(f"({', '.join(f'{value:.3f}' for value in row)}),\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
