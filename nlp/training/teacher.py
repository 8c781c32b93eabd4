"""The teacher: the encoder's upper layers tuned by low-rank factors, and a head on their mean.

The lower layers never change, so that their states are computed once and kept in half precision.
Batches and dropped pieces follow from the seed and the number of the step alone: a tuning that was
interrupted goes on from its last checkpoint as if it had not been.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from nlp.encoder.conversion import PREFIX
from nlp.encoder.vocabulary import Vocabulary
from nlp.encoder.wheel import Weights
from nlp.training import encoder
from nlp.training.encoder import Layer
from nlp.training.steps import Array, Progress, load_arrays, save_arrays

RANK, SEED = 8, 0
RATE, WARM_UP, LAST = 1e-3, 60, 0.02
DROPPED = 0.1  # of the pieces of a text, none of the prefix
SURE = 0.94  # a label's share of its target; the rest is spread evenly
KEPT_EVERY = 100  # steps
Adapter = dict[str, jax.Array]
Kept = tuple[Adapter, Adapter, Adapter]  # factors, and Adam's means of slopes and their squares


class States:
    """States of texts before the tuned layers, one text after another, on disk."""

    def __init__(self, folder: Path) -> None:
        self._states = np.load(folder / "states.npy", mmap_mode="r")
        self.sizes: list[int] = np.load(folder / "sizes.npy").tolist()
        self._starts = np.r_[0, np.cumsum(self.sizes)]

    def batch(self, some: Sequence[int], length: int) -> tuple[Array, Array]:
        """States and mask, with empty texts up to `encoder.ROOM`."""
        mask = _mask([self.sizes[number] for number in some], length)
        x = np.zeros((*mask.shape, encoder.WIDTH), np.float16)
        for row, number in enumerate(some):
            start, end = self._starts[number], self._starts[number + 1]
            x[row, : end - start] = self._states[start:end]
        return x, mask


def _mask(sizes: Sequence[int], length: int) -> Array:
    mask = np.zeros((encoder.ROOM // length, length), np.float32)
    for row, size in enumerate(sizes):
        mask[row, :size] = 1
    return mask


def keep_states(weights: Weights, texts: Sequence[str], folder: Path, tick: Progress) -> None:
    """Write the states of texts; `sizes.npy` comes last."""
    vocabulary = Vocabulary(weights.vocabulary, prefix=PREFIX, max_tokens=encoder.LENGTHS[-1])
    ids = [vocabulary.ids(text) for text in texts]
    sizes = [len(one) for one in ids]
    starts = np.r_[0, np.cumsum(sizes)]
    kept = np.lib.format.open_memmap(
        folder / "states.npy", "w+", np.float16, (int(starts[-1]), encoder.WIDTH)
    )
    words, below = encoder.Words(weights), encoder.layers_of(weights, range(encoder.BELOW))
    run = jax.jit(encoder.states)
    for length, some in encoder.batches(sizes, range(len(ids))):
        mask = _mask([sizes[number] for number in some], length)
        rows = np.full(mask.shape, vocabulary.pad, np.int64)
        for row, number in enumerate(some):
            rows[row, : sizes[number]] = ids[number]
        found = np.asarray(run(words.states(rows), mask, below))
        for row, number in enumerate(some):
            kept[starts[number] : starts[number + 1]] = found[row, : sizes[number]]
        tick(len(some))
    kept.flush()
    np.save(folder / "sizes.npy", np.array(sizes))


def new_adapter() -> Adapter:
    """Factors that change nothing yet, and an empty head."""
    rng, width = np.random.default_rng(SEED), encoder.WIDTH
    sizes = {"qkv": (width, 3 * width), "ao": (width, width)}
    sizes |= {"fi": (width, encoder.INNER), "fo": (encoder.INNER, width)}
    layers = encoder.LAYERS - encoder.BELOW
    found: dict[str, Array] = {"w": np.zeros((width, 3)), "b": np.zeros(3)}
    for name, (inputs, outputs) in sizes.items():
        found[f"{name}.a"] = rng.normal(0, inputs**-0.5, (layers, inputs, RANK))
        found[f"{name}.b"] = np.zeros((layers, RANK, outputs))
    return {name: jnp.asarray(array, jnp.float32) for name, array in found.items()}


Batch = tuple[Array, Array, Array, Array]  # states, mask, targets, weights


def _loss(adapter: Adapter, layers: Sequence[Layer], batch: Batch) -> jax.Array:
    x, mask, targets, weights = batch
    found = jax.nn.log_softmax(encoder.logits(x, mask, layers, adapter))
    return -(weights * (targets * found).sum(-1)).sum() / mask.shape[0]


def _step(
    kept: Kept, layers: Sequence[Layer], batch: Batch, count: float, rate: float
) -> tuple[Kept, jax.Array]:
    """One step of Adam (Kingma & Ba, ICLR 2015)."""
    adapter, first, second = kept
    loss, slope = jax.value_and_grad(_loss)(adapter, layers, batch)
    first = jax.tree.map(lambda a, b: 0.9 * a + 0.1 * b, first, slope)
    second = jax.tree.map(lambda a, b: 0.99 * a + 0.01 * b * b, second, slope)
    fair, even = 1 - 0.9**count, 1 - 0.99**count
    adapter = jax.tree.map(
        lambda p, a, b: p - rate * (a / fair) / (jnp.sqrt(b / even) + 1e-8), adapter, first, second
    )
    return (adapter, first, second), loss


def schedule(sizes: Sequence[int], *, seen: int) -> Iterator[tuple[int, list[int]]]:
    """Batches, pass after pass in new orders, until `seen` texts were seen."""
    rng, left = np.random.default_rng(SEED), seen
    while True:
        for length, some in encoder.batches(sizes, rng.permutation(len(sizes)).tolist()):
            yield length, some
            left -= len(some)
            if left <= 0:
                return


def tune(
    weights: Weights,
    folder: Path,
    labels: Array,
    balance: Array,
    *,
    seen: int,
    tick: Callable[[int], None],
) -> dict[str, Array]:
    """Tune on the texts of the folder's states; the adapter's arrays.

    `labels` are indices of classes, `balance` says how much each text counts, with mean 1.
    """
    texts, layers = States(folder), encoder.layers_of(weights, range(encoder.BELOW, encoder.LAYERS))
    steps, run = list(schedule(texts.sizes, seen=seen)), jax.jit(_step)
    kept, begin = _resumed(folder / "tuning.npz")
    targets = np.eye(3, dtype=np.float32)[labels] * SURE + (1 - SURE) / 3
    for count, (length, some) in enumerate(steps, 1):
        if count > begin:
            x, mask = texts.batch(some, length)
            dropped = np.random.default_rng((SEED, count)).random(mask[:, 4:].shape) < DROPPED
            mask[:, 4:] *= ~dropped
            aim, weight = np.zeros((len(mask), 3), np.float32), np.zeros(len(mask), np.float32)
            aim[: len(some)], weight[: len(some)] = targets[some], balance[some]
            rate = RATE * min(1, count / WARM_UP) * max(LAST, 1 - count / len(steps))
            kept, _ = run(kept, layers, (x, mask, aim, weight), float(count), rate)
            if count % KEPT_EVERY == 0:
                _keep(folder / "tuning.npz", kept, count)
        tick(len(some))
    return {name: np.asarray(array) for name, array in kept[0].items()}


def _keep(path: Path, kept: Kept, count: int) -> None:
    arrays = {f"{n} {name}": array for n, one in enumerate(kept) for name, array in one.items()}
    save_arrays(path, {"count": np.array(count), **arrays})


def _resumed(path: Path) -> tuple[Kept, int]:
    adapter = new_adapter()
    if not path.exists():
        nothing = jax.tree.map(jnp.zeros_like, adapter)
        return (adapter, nothing, nothing), 0
    file = load_arrays(path)
    a, b, c = ({name: jnp.asarray(file[f"{n} {name}"]) for name in adapter} for n in range(3))
    return (a, b, c), int(file["count"])
