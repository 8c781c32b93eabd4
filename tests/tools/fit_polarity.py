"""Fit the weights of `nlp/polarity.py` on our corpus and say how often they are right.

Run as `python tests/tools/fit_polarity.py`; prints the table of weights to write into the module.
"""

import sys

import numpy as np
from scipy.optimize import minimize

from nlp import corpus
from nlp.polarity import features
from nlp.results import SENTIMENTS
from nlp.sentiment import probabilities
from nlp.theme_classifier import find_themes
from nlp.words import readable

RIDGE = 1e-4


def read() -> tuple[np.ndarray, ...]:
    """Features, what the phrase says, gold polarity, whether to learn from it, and mixed ones."""
    rows, own, gold, learn, mixed = [], [], [], [], []
    for language in corpus.languages():
        comments = corpus.read(language)
        texts = [readable(comment.text) for comment in comments]
        whole = probabilities(texts, [language] * len(texts))
        found = [
            (number, mention)
            for number, mentions in enumerate(find_themes(texts, [language] * len(texts)))
            for mention in mentions
            if mention.code in dict(comments[number].themes)
        ]
        clauses = [texts[number][slice(*mention.clause)] for number, mention in found]
        part = probabilities(clauses, [language] * len(clauses))
        numbers = [number for number, _ in found]
        rows.append(features([mention for _, mention in found], part, whole[numbers]))
        for number, mention in found:
            said = dict(comments[number].themes)
            own.append(mention.judgement)
            gold.append(SENTIMENTS.index(said[mention.code]))
            learn.append(comments[number].part == "learn")
            mixed.append({"negative", "positive"} <= set(said.values()))
    return np.concatenate(rows), *map(np.array, (own, gold, learn, mixed))


def fit(given: np.ndarray, gold: np.ndarray) -> np.ndarray:
    """Weights of shape (features, 3) that make the gold polarity likeliest."""
    aim = np.eye(3)[gold]

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights = flat.reshape(-1, 3)
        logits = given @ weights
        odds = np.exp(logits - logits.max(1, keepdims=True))
        found = odds / odds.sum(1, keepdims=True)
        slope = given.T @ (found - aim) / len(given) + RIDGE * weights
        return float(-np.log(found[aim == 1]).mean() + RIDGE / 2 * (flat @ flat)), slope.ravel()

    start = np.zeros(given.shape[1] * 3)
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B").x).reshape(-1, 3)


def main() -> None:
    """Print the weights, and how often they are right on what they did not see."""
    given, own, gold, learn, mixed = read()
    open_ones = learn & (own == 0)
    weights = fit(given[open_ones].astype(float), gold[open_ones])
    right = np.where(own, own + 1, (given @ weights).argmax(1)) == gold
    whole = given[:, -3:].argmax(1) == gold
    for name, rows in (("test", ~learn), ("test, mixed comments", ~learn & mixed)):
        line = f"{name}: {100 * right[rows].mean():.1f} % of {rows.sum()}"
        sys.stdout.write(f"{line}, the whole comment's {100 * whole[rows].mean():.1f} %\n")
    sys.stdout.write(f"{np.round(weights, 2).tolist()}\n")


if __name__ == "__main__":
    main()
