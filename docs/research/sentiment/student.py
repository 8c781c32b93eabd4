"""Distil the teachers into the small model: convolution over pieces, and hashed n-grams; int8.

usage: python student.py WORK OUT.npz
Reads a text exactly as `nlp.sentiment` does at run time. One thread, fixed seed.
"""

import argparse
import os

os.environ.setdefault(
    "XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
)
from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse as sparse

import encoder
import lexicon
import texts as corpora
from nlp.sentiment.model import VERSION
from nlp.sentiment.ngrams import bucket_ids, cleaned
from nlp.sentiment.pieces import Pieces

SIZE, FILTERS, HIDDEN, BITS = 32, 96, 48, 18
BATCH, ROOM = 512, 512 * 48  # texts and pieces of a step
TEACHERS = 0.7  # share of the teachers' judgement in a target; the label has the rest
OURS, RANDOM, WORDS, BARE = 2.0, 0.8, 0.15, 0.2  # weights of a text by where it comes from
MIXED_PRIOR = np.array([0.3, 0.4, 0.3], np.float32)  # good and bad aspects in one sentence
Arrays = dict[str, jax.Array]


@dataclass
class Examples:
    """Texts as pieces, what to answer, and how much each counts."""

    texts: list[str]
    pieces: list[np.ndarray]
    targets: np.ndarray
    weights: np.ndarray


def softmax(logits: np.ndarray) -> np.ndarray:
    odds = np.exp(logits - logits.max(1, keepdims=True))
    return odds / odds.sum(1, keepdims=True)


def _targets(labels: np.ndarray, soft: np.ndarray) -> np.ndarray:
    sharp = np.eye(3, dtype=np.float32)[np.maximum(labels, 0)] * 0.94 + 0.02
    own = np.where((labels >= 0)[:, None], sharp, soft)
    own = np.where((labels == corpora.MIXED)[:, None], 0.5 * soft + 0.5 * MIXED_PRIOR, own)
    return TEACHERS * soft + (1 - TEACHERS) * own


def examples(work: Path, reader: Pieces, names: list[str]) -> Examples:
    """Everything the small model learns from; the held-out part of our corpus is left out."""
    texts: list[str] = []
    targets, weights = [], []
    for part in ("a", "ours", "rest", "more"):
        if not (work / f"{part}.json").exists():
            continue
        some, soft = corpora.load(work / f"{part}.json"), np.load(work / f"{part}.npz")["soft"]
        if part == "ours":
            keep = np.array([not corpora.held_out(one.text) for one in some])
            some, soft = [one for one, yes in zip(some, keep, strict=True) if yes], soft[keep]
        labels = np.array([one.label for one in some])
        texts += [one.text for one in some]
        targets.append(_targets(labels, soft))
        balance = len(labels) / 3 / np.bincount(labels[labels >= 0], minlength=3)
        weights.append(
            balance[labels]
            if part == "a"
            else np.full(len(labels), OURS if part == "ours" else RANDOM)
        )
    words, soft = lexicon.rows()
    texts += [word for word, _ in words]
    targets.append(soft)
    weights.append(np.full(len(words), WORDS))
    pieces = [np.array(reader.ids(cleaned(text)), np.int32) for text in texts]
    texts += [name.replace("▁", " ") for name in names]
    pieces += [np.array([number], np.int32) for number in range(1, len(names) + 1)]
    targets.append(np.load(work / "pieces.npz")["soft"])
    weights.append(np.full(len(names), BARE))
    weight = np.concatenate(weights).astype(np.float32)
    return Examples(
        texts, pieces, np.concatenate(targets).astype(np.float32), weight / weight.mean()
    )


def first_vectors(work: Path, scores: np.ndarray) -> np.ndarray:
    """Main directions of the encoder's view of each piece; frequent pieces begin small."""
    view = np.load(work / "pieces-mean_10.npy").astype(np.float32)
    view -= view.mean(0)
    _, _, directions = np.linalg.svd(view[::4], full_matrices=False)
    vectors = view @ directions[:SIZE].T
    vectors /= vectors.std()
    rare = 1e-4 / (1e-4 + np.exp(scores))
    return np.r_[np.zeros((1, SIZE)), vectors * rare[:, None]].astype(np.float32)


def forward(p: Arrays, ids: jax.Array, owner: jax.Array, kept: jax.Array | float) -> jax.Array:
    """Logits of BATCH texts whose pieces stand one after another; owner BATCH is padding."""
    each = p["E"][ids] * (owner < BATCH)[:, None]
    nothing = jnp.zeros_like(each[:1])
    other = jnp.full_like(owner[:1], -1)
    same_before = (jnp.concatenate([other, owner[:-1]]) == owner)[:, None]
    same_after = (jnp.concatenate([owner[1:], other]) == owner)[:, None]
    before = jnp.concatenate([nothing, each[:-1]]) * same_before
    after = jnp.concatenate([each[1:], nothing]) * same_after
    seen = jax.nn.relu(before @ p["CL"] + each @ p["CC"] + after @ p["CR"] + p["cb"])

    def total(values: jax.Array) -> jax.Array:
        return jax.ops.segment_sum(values, owner, BATCH + 1)[:BATCH]

    count = jnp.maximum(total(jnp.ones_like(owner, jnp.float32))[:, None], 1)
    whole, mean = total(each) / jnp.sqrt(count), total(seen) / count
    peak = jnp.maximum(jax.ops.segment_max(seen, owner, BATCH + 1)[:BATCH], 0)
    both = jnp.concatenate([mean, peak], 1) * kept
    hidden = jnp.tanh(both @ p["W1"] + whole @ p["Wx"] + p["b1"])
    return whole @ p["W0"] + hidden @ p["W2"] + p["b2"]


def flat(some: list[np.ndarray], drop: float, rng: np.random.Generator) -> tuple:
    """Pieces of a batch one after another, some of them dropped."""
    ids, owner, used = np.zeros(ROOM, np.int32), np.full(ROOM, BATCH, np.int32), 0
    for number, pieces in enumerate(some):
        left = pieces[rng.random(len(pieces)) > drop] if len(pieces) > 3 else pieces
        left = left[: ROOM - used]
        ids[used : used + len(left)] = left
        owner[used : used + len(left)] = number
        used += len(left)
    return ids, owner


def train_pieces(data: Examples, vectors: np.ndarray, *, epochs: int, seed: int) -> Arrays:
    """Adam, rate warmed up over 50 steps and then falling to a fiftieth."""
    rng = np.random.default_rng(seed)

    def drawn(rows: int, columns: int, spread: float) -> np.ndarray:
        return rng.normal(0, spread / np.sqrt(rows), (rows, columns)).astype(np.float32)

    p: Arrays = {"E": jnp.asarray(vectors), "W0": jnp.asarray(drawn(SIZE, 3, 0.1))}
    p |= {name: jnp.asarray(drawn(SIZE, FILTERS, 0.7)) for name in ("CL", "CC", "CR")}
    p |= {"cb": jnp.zeros(FILTERS), "W1": jnp.asarray(drawn(2 * FILTERS, HIDDEN, 0.7))}
    p |= {"Wx": jnp.asarray(drawn(SIZE, HIDDEN, 0.7)), "b1": jnp.zeros(HIDDEN)}
    p |= {"W2": jnp.asarray(drawn(HIDDEN, 3, 0.3)), "b2": jnp.zeros(3)}
    rates = {name: 4e-3 if name == "E" else 3e-3 for name in p}

    def loss(p, ids, owner, targets, weights, kept):
        found = jax.nn.log_softmax(forward(p, ids, owner, kept))
        return -(weights * (targets * found).sum(-1)).mean()

    @jax.jit
    def step(p, first, second, count, pace, *batch):
        value, slope = jax.value_and_grad(loss)(p, *batch)
        first = jax.tree.map(lambda a, b: 0.9 * a + 0.1 * b, first, slope)
        second = jax.tree.map(lambda a, b: 0.99 * a + 0.01 * b * b, second, slope)
        c1, c2 = 1 - 0.9**count, 1 - 0.99**count
        p = {
            name: p[name]
            - rates[name] * pace * (first[name] / c1) / (jnp.sqrt(second[name] / c2) + 1e-6)
            for name in p
        }
        return p, first, second, value

    first, second = jax.tree.map(jnp.zeros_like, p), jax.tree.map(jnp.zeros_like, p)
    number, steps, count = len(data.pieces), epochs * (len(data.pieces) // BATCH + 1), 0
    for epoch in range(epochs):
        order, losses = rng.permutation(number), []
        for start in range(0, number, BATCH):
            chosen = order[start : start + BATCH]
            ids, owner = flat([data.pieces[one] for one in chosen], 0.12, rng)
            targets, weights = np.full((BATCH, 3), 1 / 3, np.float32), np.zeros(BATCH, np.float32)
            targets[: len(chosen)], weights[: len(chosen)] = data.targets[chosen], data.weights[chosen]
            kept = ((rng.random((BATCH, 2 * FILTERS)) > 0.2) / 0.8).astype(np.float32)
            count += 1
            pace = max(0.02, 1 - count / steps) * min(1, count / 50)
            p, first, second, value = step(
                p, first, second, count, pace, ids, owner, targets, weights, kept
            )
            losses.append(float(value))
        print("epoch", epoch, round(float(np.mean(losses[-100:])), 3), flush=True)
    return p


def gram_rows(texts: list[str], chunk: int = 4000) -> sparse.csr_matrix:
    """Unit rows of log(1 + count) of each bucket, as `SmallModel` weighs them."""
    found = []
    for start in range(0, len(texts), chunk):
        some = [cleaned(text) for text in texts[start : start + chunk]]
        buckets, owners = bucket_ids(some, bits=BITS)
        ones = np.ones(len(buckets), np.float32)
        rows = sparse.csr_matrix((ones, (owners, buckets)), shape=(len(some), 1 << BITS))
        rows.sum_duplicates()
        rows.data = np.log1p(rows.data).astype(np.float32)
        length = np.sqrt(np.asarray(rows.multiply(rows).sum(1)).ravel())
        length[length == 0] = 1
        rows.data /= np.repeat(length, np.diff(rows.indptr)).astype(np.float32)
        found.append(rows)
    return sparse.vstack(found).tocsr()


def train_ngrams(data: Examples, *, epochs: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Linear softmax by AdaGrad, rate falling to nothing."""
    rng, rows = np.random.default_rng(seed), gram_rows(data.texts)
    weights = np.zeros((1 << BITS, 3), np.float32)
    squares, bias, scale, batch = np.full_like(weights, 1e-6), np.zeros(3, np.float32), 8.0, 1024
    steps, count = epochs * (rows.shape[0] // batch + 1), 0
    for _ in range(epochs):
        order = rng.permutation(rows.shape[0])
        for start in range(0, rows.shape[0], batch):
            chosen = order[start : start + batch]
            some = rows[chosen]
            wrong = softmax(scale * (some @ weights) + bias) - data.targets[chosen]
            wrong *= data.weights[chosen][:, None] / len(chosen)
            slope = some.T @ wrong * scale
            count += 1
            rate = 0.02 * (1 - count / steps)
            squares += slope * slope
            weights -= rate * (slope / np.sqrt(squares) + 1e-7 * weights)
            bias -= rate * wrong.sum(0)
    return weights * scale, bias


def packed(p: Arrays, grams: np.ndarray, bias: np.ndarray, names: list[str], scores) -> dict:
    """The arrays of `weights.npz`: tables int8, the rest half precision; T is set by fit.py."""
    vectors = np.asarray(p["E"])
    scale = np.abs(vectors).max(0) / 127
    step = np.quantile(np.abs(grams[grams != 0]), 0.9999) / 127

    def small(values: np.ndarray) -> np.ndarray:
        return np.clip(np.rint(values), -127, 127).astype(np.int8)

    dense = ("CL", "CC", "CR", "cb", "W0", "W1", "Wx", "b1", "W2", "b2")
    return {
        "pieces": np.frombuffer("\n".join(names).encode(), np.uint8),
        "scores": np.array(scores, np.float16),
        "E": small(vectors / scale),
        "Es": scale.astype(np.float32),
        "N": small(grams / step),
        "Ns": np.float32(step),
        "nb": bias.astype(np.float32),
        "T": np.float32(1),
        "version": np.int64(VERSION),
        **{name: np.asarray(p[name]).astype(np.float16) for name in dense},
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("work", type=Path)
    options.add_argument("out", type=Path)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--epochs", type=int, default=4)
    given = options.parse_args()
    pieces, scores = encoder.vocabulary()
    kept = encoder.kept(given.work)
    names, logs = [pieces[one] for one in kept], np.array([scores[one] for one in kept])
    data = examples(given.work, Pieces(names, logs.tolist()), names)
    print(len(data.texts), "texts", flush=True)
    p = train_pieces(
        data, first_vectors(given.work, logs), epochs=given.epochs, seed=given.seed
    )
    grams, bias = train_ngrams(data, epochs=given.epochs + 1, seed=given.seed)
    np.savez_compressed(given.out, **packed(p, grams, bias, names, logs))


if __name__ == "__main__":
    main()
