"""Soft labels from two teachers: heads on the frozen encoder's means, and the tuned encoder.

usage: python teachers.py WORK LABELLED CORPUS   (WORK holds e5-int8.onnx, tuned-int8.onnx, tuned.npz)
Writes WORK/<set>.json and WORK/<set>.npz with `soft`, (n, 3), for a, rest, more, ours and pieces.
"""

import sys
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

import encoder
import texts as corpora

OUTPUTS = ("mean_10", "mean_12")  # means over the states after these layers
REST, MORE = 24_000, 0
SOFTER = 0.8  # the tuned model was never shown bare pieces: trust it less there


def softmax(logits: np.ndarray) -> np.ndarray:
    odds = np.exp(logits - logits.max(1, keepdims=True))
    return odds / odds.sum(1, keepdims=True)


def heads(known: dict, learn: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """A linear head on each output, learnt from the balanced sample and our corpus."""
    labels = np.array([one.label for one in known["a"][0]])
    ours = np.array([one.label for one in known["ours"][0]])[learn]
    balance = len(labels) / 3 / np.bincount(labels)
    weights = np.r_[balance[labels], np.ones(len(ours))]
    found = []
    for output in OUTPUTS:
        first, second = known["a"][1][output], known["ours"][1][output][learn]
        mean, spread = first.mean(0), first.std(0)
        fit = LogisticRegression(C=0.001, max_iter=30).fit(
            np.r_[(first - mean) / spread, (second - mean) / spread],
            np.r_[labels, ours],
            sample_weight=weights,
        )
        slope = fit.coef_ / spread
        found.append((slope, fit.intercept_ - slope @ mean))
    return found


def main(work: Path, labelled: Path, corpus: Path) -> None:
    sets = corpora.samples(labelled, rest=REST, more=MORE) | {"ours": corpora.corpus(corpus)}
    frozen, tuned = encoder.session(work / "e5-int8.onnx"), encoder.session(work / "tuned-int8.onnx")
    head = np.load(work / "tuned.npz")
    known = {}
    for name, some in ((name, some) for name, some in sets.items() if some):
        plain = [one.text for one in some]
        means = encoder.encode(frozen, encoder.ids_of(plain), OUTPUTS)
        (mean,) = encoder.encode(tuned, encoder.ids_of(plain, longest=96), ("mean_12",))
        known[name] = (some, dict(zip(OUTPUTS, means)), mean @ head["w"] * 4 + head["b"])
        print(name, len(some), flush=True)
    pieces = encoder.bare(encoder.kept(work))
    means = encoder.encode(frozen, pieces, OUTPUTS)
    (mean,) = encoder.encode(tuned, pieces, ("mean_12",))
    known["pieces"] = ([], dict(zip(OUTPUTS, means)), SOFTER * (mean @ head["w"] * 4 + head["b"]))
    learn = np.array([not corpora.held_out(one.text) for one in known["ours"][0]])
    linear = heads(known, learn)
    for name, (some, means, logits) in known.items():
        plain = sum(means[o] @ w.T + b for o, (w, b) in zip(OUTPUTS, linear)) / len(OUTPUTS)
        np.savez(work / f"{name}.npz", soft=(softmax(plain) + softmax(logits)) / 2)
        corpora.save(some, work / f"{name}.json")
        if name == "pieces":
            np.save(work / "pieces-mean_10.npy", means["mean_10"].astype(np.float16))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
