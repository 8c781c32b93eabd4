"""Choose what stands in `nlp/encoder` beside the weights: temperature, share, threshold.

usage: python tests/tools/fit_encoder.py DIRECTORY LABELLED

DIRECTORY is a model directory, LABELLED a folder of `*.jsonl.gz` (see `soundings nlp evaluate`).
Prints the factor for the temperature (`T` in `nlp/encoder/tuned.npz`), by likelihood on comments of
our corpus that neither taught the weights nor test them; then the mean macro-F1 over languages for
each share of the encoder's logits, and for each confidence below which it is asked.
"""

import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nlp import corpus
from nlp.encoder import Encoder
from nlp.encoder.model import SHARE
from nlp.evaluation import Labelled, own_corpus
from nlp.results import SENTIMENTS
from nlp.sentiment import probabilities
from nlp.sentiment.model import Floats
from nlp.words import readable
from survey_app.insights.commands import labelled_comments

LEAST_ROWS = 30  # of a set and language
SHARES = (0.0, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 1.0)
THRESHOLDS = (0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.9)
FACTORS = np.arange(0.8, 1.6, 0.05)


def logits(encoder: Encoder, rows: Sequence[Labelled]) -> tuple[Floats, Floats]:
    """Of the small model and of the encoder, each of shape (len(rows), 3)."""
    texts = [readable(row.text) for row in rows]
    small = probabilities(texts, [row.language for row in rows])
    return np.log(small + 1e-9), np.log(encoder.probabilities(texts) + 1e-9)


def gold(rows: Sequence[Labelled]) -> Floats:
    return np.array([SENTIMENTS.index(row.label) for row in rows if row.label])


def mean_macro_f1(rows: Sequence[Labelled], guesses: Floats) -> float:
    """Over languages, of the mean over their sets, in percent."""
    labels, sets = gold(rows), defaultdict(list)
    for number, row in enumerate(rows):
        sets[row.language, row.source].append(number)
    languages = defaultdict(list)
    for (language, _), numbers in sets.items():
        if len(numbers) >= LEAST_ROWS:
            languages[language].append(macro_f1(labels[numbers], guesses[numbers]))
    return 100 * float(np.mean([np.mean(each) for each in languages.values()]))


def macro_f1(labels: Floats, guesses: Floats) -> float:
    return float(
        np.mean([
            2 * ((labels == one) & (guesses == one)).sum()
            / ((labels == one).sum() + (guesses == one).sum())
            for one in set(labels.tolist())
        ])
    )  # fmt: skip


def loss(scores: Floats, labels: Floats) -> float:
    odds = np.exp(scores - scores.max(1, keepdims=True))
    told = (odds / odds.sum(1, keepdims=True))[np.arange(len(labels)), labels]
    return -float(np.log(told + 1e-9).mean())


def main(directory: Path, folder: Path) -> None:
    encoder = Encoder.open(directory)
    own = [row for row in own_corpus("learn") if not corpus.seen_by_weights(row.text)]
    _, large = logits(encoder, own)
    best = min(FACTORS, key=lambda factor: loss(factor * large, gold(own)))
    print(f"temperature: times {best:.2f} ({len(own)} comments)")
    rows = list(labelled_comments(folder))
    small, large = logits(encoder, rows)
    for share in SHARES:
        both = share * large + (1 - share) * small
        print(f"share {share:.2f}: {mean_macro_f1(rows, both.argmax(1)):.2f}", end=", ")
        print(f"loss {loss(both, gold(rows)):.4f}")
    labels = (SHARE * large + (1 - SHARE) * small).argmax(1)
    confidence = np.exp(small).max(1)
    for threshold in THRESHOLDS:
        asked = confidence < threshold
        mixed = np.where(asked, labels, small.argmax(1))
        print(f"below {threshold}: {100 * asked.mean():.0f} % of comments,", end=" ")
        print(f"{mean_macro_f1(rows, mixed):.2f}")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
