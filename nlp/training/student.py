"""The small model's two readers, learnt from soft labels with numpy alone.

Both read a text exactly as `nlp.sentiment.model` does at run time.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse  # type: ignore[import-untyped]  # it ships no types

from nlp.sentiment.model import VERSION
from nlp.sentiment.ngrams import bucket_ids
from nlp.sentiment.pieces import UNKNOWN
from nlp.training.steps import Array, Progress

SIZE, FILTERS, HIDDEN, BITS = 32, 96, 48, 18
BATCH, GRAM_BATCH, CHUNK = 512, 1024, 4000
EPOCHS, GRAM_EPOCHS = 4, 5
DROPPED, DROPPED_SEEN = 0.12, 0.2  # pieces of a text; what the convolution found
WARM_UP, LAST = 50, 0.02
GRAM_RATE, GRAM_SCALE = 0.02, 8.0
NEUTRAL = 0.8  # added to its logit in one reader of two, chosen on development sets
FREQUENT = 1e-4  # probability of a piece that begins at half the length
Arrays = dict[str, Array]


@dataclass(frozen=True)
class Examples:
    """Texts as the small model reads them.

    Attributes:
        texts: cleaned.
        pieces: ids of each text's pieces, 0 unknown.
        targets: probabilities of (negative, neutral, positive), shape (n, 3).
        weights: how much a text counts, mean 1.
    """

    texts: Sequence[str]
    pieces: Sequence[Array]
    targets: Array
    weights: Array


def softmax(logits: Array) -> Array:
    """Probabilities, row by row."""
    odds = np.exp(logits - logits.max(1, keepdims=True))
    found: Array = odds / odds.sum(1, keepdims=True)
    return found


def steps(number: int) -> int:
    """How many steps both readers take over so many examples."""
    return EPOCHS * _batches(number, BATCH) + GRAM_EPOCHS * _batches(number, GRAM_BATCH)


def _batches(number: int, batch: int) -> int:
    return -(-number // batch)


def first_vectors(view: Array, scores: Array) -> Array:
    """Main directions of the teacher's view of each piece, frequent pieces small; unknown is 0."""
    view = view - view.mean(0)
    _, directions = np.linalg.eigh(view.T @ view)  # by rising variance
    vectors = view @ directions[:, ::-1][:, :SIZE]
    rare = FREQUENT / (FREQUENT + np.exp(scores))
    vectors *= rare[:, None] / vectors.std()
    return np.concatenate([np.zeros((1, SIZE)), vectors]).astype(np.float32)


def new_arrays(vectors: Array, *, seed: int) -> Arrays:
    """Random weights around given first vectors of the pieces."""
    rng = np.random.default_rng(seed)
    size = vectors.shape[1]

    def drawn(rows: int, columns: int, spread: float) -> Array:
        return rng.normal(0, spread / np.sqrt(rows), (rows, columns))

    found = {
        "E": vectors,
        "W0": drawn(size, 3, 0.1),
        "C": np.concatenate([drawn(size, FILTERS, 0.7) for _ in range(3)]),
        "cb": np.zeros(FILTERS),
        "W1": drawn(2 * FILTERS, HIDDEN, 0.7),
        "Wx": drawn(size, HIDDEN, 0.7),
        "b1": np.zeros(HIDDEN),
        "W2": drawn(HIDDEN, 3, 0.3),
        "b2": np.zeros(3),
    }
    return {name: array.astype(np.float32) for name, array in found.items()}


def gradient(
    p: Arrays, pieces: Sequence[Array], wrong: Callable[[Array], Array], kept: Array
) -> Arrays:
    """Gradients of a loss, by name, at one batch of texts; of `E` for all its rows.

    `wrong` maps logits (n, 3) to the loss's gradient there; `kept` (n, 2 FILTERS) scales what the
    convolution found, 0 where it is dropped.
    """
    ids = np.concatenate(pieces)
    sizes = np.array([len(one) for one in pieces])
    firsts = np.cumsum(sizes) - sizes
    ends = firsts + sizes - 1
    owner, many = np.repeat(np.arange(len(sizes)), sizes), sizes[:, None].astype(np.float32)
    each = p["E"][ids]
    before, after = np.roll(each, 1, 0), np.roll(each, -1, 0)
    before[firsts], after[ends] = 0, 0
    window = np.concatenate([before, each, after], 1)
    seen = np.maximum(window @ p["C"] + p["cb"], 0)
    whole = np.add.reduceat(each, firsts) / np.sqrt(many)
    peak = np.maximum.reduceat(seen, firsts)
    both = np.concatenate([np.add.reduceat(seen, firsts) / many, peak], 1) * kept
    hidden = np.tanh(both @ p["W1"] + whole @ p["Wx"] + p["b1"])
    slope = wrong(whole @ p["W0"] + hidden @ p["W2"] + p["b2"])

    inner = (slope @ p["W2"].T) * (1 - hidden * hidden)
    mean_slope, peak_slope = np.split((inner @ p["W1"].T) * kept, 2, axis=1)
    whole_slope = (slope @ p["W0"].T + inner @ p["Wx"].T) / np.sqrt(many)
    seen_slope = (mean_slope / many)[owner] + peak_slope[owner] * (seen == peak[owner])
    seen_slope *= seen > 0
    to_before, to_each, to_after = np.split(seen_slope @ p["C"].T, 3, axis=1)
    to_before[firsts], to_after[ends] = 0, 0
    to_each += whole_slope[owner] + np.roll(to_before, -1, 0) + np.roll(to_after, 1, 0)
    return {
        "E": _by_row(ids, to_each, len(p["E"])),
        "W0": whole.T @ slope,
        "C": window.T @ seen_slope,
        "cb": seen_slope.sum(0),
        "W1": both.T @ inner,
        "Wx": whole.T @ inner,
        "b1": inner.sum(0),
        "W2": hidden.T @ slope,
        "b2": slope.sum(0),
    }


def _by_row(ids: Array, values: Array, rows: int) -> Array:
    order = np.argsort(ids, kind="stable")
    places = np.flatnonzero(np.r_[True, np.diff(ids[order]) > 0])
    found = np.zeros((rows, values.shape[1]), np.float32)
    found[ids[order][places]] = np.add.reduceat(values[order], places)
    return found


def _thinned(pieces: Array, rng: np.random.Generator) -> Array:
    left = pieces[rng.random(len(pieces)) > DROPPED] if len(pieces) > 3 else pieces
    return left if len(left) else np.array([UNKNOWN])


def _shuffled(number: int, batch: int, rng: np.random.Generator, epochs: int) -> Iterator[Array]:
    for _ in range(epochs):
        order = rng.permutation(number)
        yield from (order[start : start + batch] for start in range(0, number, batch))


def learn_pieces(data: Examples, vectors: Array, *, seed: int, tick: Progress) -> Arrays:
    """The reader of pieces, by Adam; the rate is warmed up and then falls."""
    rng, p = np.random.default_rng(seed), new_arrays(vectors, seed=seed)
    first, second = ({name: np.zeros_like(a) for name, a in p.items()} for _ in range(2))
    steps = EPOCHS * _batches(len(data.pieces), BATCH)
    for count, chosen in enumerate(_shuffled(len(data.pieces), BATCH, rng, EPOCHS), 1):
        weights = data.weights[chosen][:, None] / len(chosen)
        kept = (rng.random((len(chosen), 2 * FILTERS)) > DROPPED_SEEN) / (1 - DROPPED_SEEN)
        slopes = gradient(
            p,
            [_thinned(data.pieces[number], rng) for number in chosen],
            lambda logits, w=weights, c=chosen: (softmax(logits) - data.targets[c]) * w,  # type: ignore[misc]  # mypy can't tell defaults' types
            kept.astype(np.float32),
        )
        pace = max(LAST, 1 - count / steps) * min(1, count / WARM_UP)
        for name, slope in slopes.items():
            first[name] += 0.1 * (slope - first[name])
            second[name] += 0.01 * (slope * slope - second[name])
            rate = (4e-3 if name == "E" else 3e-3) * pace / (1 - 0.9**count)
            p[name] -= rate * first[name] / (np.sqrt(second[name] / (1 - 0.99**count)) + 1e-6)
        tick(1)
    return p


def _gram_rows(texts: Sequence[str]) -> sparse.csr_matrix:
    """Unit rows of log(1 + count) of each bucket, as the small model weighs them."""
    found = []
    for start in range(0, len(texts), CHUNK):
        some = texts[start : start + CHUNK]
        buckets, owners = bucket_ids(some, bits=BITS)
        ones = np.ones(len(buckets), np.float32)
        rows = sparse.csr_matrix((ones, (owners, buckets)), shape=(len(some), 1 << BITS))
        rows.sum_duplicates()
        rows.data = np.log1p(rows.data)
        lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(1)).ravel())
        rows.data /= np.repeat(lengths, np.diff(rows.indptr)).astype(np.float32)
        found.append(rows)
    return sparse.vstack(found).tocsr()


def learn_ngrams(data: Examples, *, seed: int, tick: Progress) -> tuple[Array, Array]:
    """Weights of buckets, shape (2**BITS, 3), and bias; by AdaGrad, its rate falling to nothing."""
    rng, rows = np.random.default_rng(seed), _gram_rows(data.texts)
    weights = np.zeros((1 << BITS, 3), np.float32)
    squares, bias = np.full_like(weights, 1e-6), np.zeros(3, np.float32)
    steps = GRAM_EPOCHS * _batches(rows.shape[0], GRAM_BATCH)
    for count, chosen in enumerate(_shuffled(rows.shape[0], GRAM_BATCH, rng, GRAM_EPOCHS), 1):
        some = rows[chosen]
        wrong = softmax(GRAM_SCALE * (some @ weights) + bias) - data.targets[chosen]
        wrong *= data.weights[chosen][:, None] / len(chosen)
        slope = GRAM_SCALE * (some.T @ wrong)
        rate = GRAM_RATE * (1 - count / steps)
        squares += slope * slope
        weights -= rate * slope / np.sqrt(squares)
        bias -= rate * wrong.sum(0)
        tick(1)
    return weights * GRAM_SCALE, bias


def packed(p: Arrays, grams: Array, bias: Array, *, names: Sequence[str], scores: Array) -> Arrays:
    """The arrays of `weights.npz`: tables int8, the rest half precision, temperature 1."""
    spread = np.abs(p["E"]).max(0) / 127
    step = np.quantile(np.abs(grams[grams != 0]), 0.9999) / 127
    left, centre, right = np.split(p["C"], 3)
    dense = {"CL": left, "CC": centre, "CR": right}
    dense |= {name: array for name, array in p.items() if name not in ("E", "C")}
    return {
        "pieces": np.frombuffer("\n".join(names).encode(), np.uint8),
        "scores": np.asarray(scores, np.float16),
        "E": _small(p["E"] / spread),
        "Es": spread.astype(np.float32),
        "N": _small(grams / step),
        "Ns": np.array(step, np.float32),
        "nb": (bias + np.array([0, NEUTRAL, 0])).astype(np.float32),
        "T": np.array(1, np.float32),
        "version": np.array(VERSION),
        **{name: array.astype(np.float16) for name, array in dense.items()},
    }


def _small(values: Array) -> Array:
    return np.clip(np.rint(values), -127, 127).astype(np.int8)
