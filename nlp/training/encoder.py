"""The encoder in jax, as `nlp.encoder.graph` runs it, but so that its upper layers can be tuned.

They carry an adapter of low-rank factors (LoRA, Hu et al., ICLR 2022); `nlp.training` describes it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from nlp.encoder.wheel import Weights
from nlp.training.steps import Array

WIDTH, HEADS, INNER = 384, 12, 1536
BELOW, LAYERS = 6, 12  # layers that never change; all
ADAPTER_SCALE, HEAD_SCALE = 2.0, 4.0
LENGTHS = (8, 12, 16, 24, 32, 48, 64)  # pieces of a text, end marks included
ROOM = 1024  # pieces of a batch
_FROM = {"ao": WIDTH, "fi": WIDTH, "fo": INNER}
Layer = Mapping[str, jax.Array]


def batches(sizes: Sequence[int], order: Iterable[int]) -> Iterator[tuple[int, list[int]]]:
    """Numbers of texts of about one size, with that size; as many as `ROOM` holds, or fewer."""
    waiting: dict[int, list[int]] = {}
    for number in order:
        length = next(one for one in LENGTHS if sizes[number] <= one)
        some = waiting.setdefault(length, [])
        some.append(number)
        if len(some) == ROOM // length:
            yield length, waiting.pop(length)
    yield from waiting.items()


def layers_of(weights: Weights, numbers: Iterable[int]) -> list[Layer]:
    """The matrices of layers, inputs by outputs; queries, keys and values side by side."""
    return [_layer(weights, f"l{number}.") for number in numbers]


def _layer(weights: Weights, at: str) -> Layer:
    found = {name: weights.matrix(f"{at}{name}.w", size).T for name, size in _FROM.items()}
    found["qkv"] = np.concatenate([weights.matrix(f"{at}{name}.w", WIDTH).T for name in "qkv"], 1)
    found["qkv bias"] = np.concatenate([weights.numbers(f"{at}{name}.b") for name in "qkv"])
    found |= {name: weights.numbers(f"{at}{name}.w") for name in ("aln", "oln")}
    found |= {f"{n} bias": weights.numbers(f"{at}{n}.b") for n in (*_FROM, "aln", "oln")}
    return {name: jnp.asarray(array) for name, array in found.items()}


def _normal(x: jax.Array, scale: jax.Array, bias: jax.Array, epsilon: float = 1e-12) -> jax.Array:
    x = x - x.mean(-1, keepdims=True)
    return x * jax.lax.rsqrt((x * x).mean(-1, keepdims=True) + epsilon) * scale + bias


class Words:
    """The table of words, and of the places they stand at."""

    def __init__(self, weights: Weights) -> None:
        kind = weights.numbers("emb.type")[:WIDTH]
        self._words = weights.matrix("emb.word", WIDTH).astype(np.float16)
        self._places = weights.numbers("emb.pos").reshape(-1, WIDTH) + kind
        self._scale, self._bias = weights.numbers("emb.ln.w"), weights.numbers("emb.ln.b")

    def states(self, ids: Array) -> jax.Array:
        """States before the first layer, of ids in shape (texts, length)."""
        found = self._words[ids].astype(np.float32) + self._places[: ids.shape[1]]
        return _normal(jnp.asarray(found), jnp.asarray(self._scale), jnp.asarray(self._bias))


def states(
    x: jax.Array, mask: jax.Array, layers: Sequence[Layer], adapter: Layer | None = None
) -> jax.Array:
    """States after some layers, of states and mask in shape (texts, length[, WIDTH])."""
    texts, length = mask.shape
    hidden = ((1 - mask) * -1e4)[:, None, None, :]
    x = x.reshape(texts * length, WIDTH).astype(jnp.float32)
    for number, layer in enumerate(layers):
        linear = partial(_linear, layer, number, adapter)
        parts = linear("qkv", x).reshape(texts, length, 3, HEADS, WIDTH // HEADS)
        q, k, v = parts.transpose(2, 0, 3, 1, 4)
        looks = jnp.einsum("bhqd,bhkd->bhqk", q, k) / np.sqrt(WIDTH // HEADS) + hidden
        seen = jnp.einsum("bhqk,bhkd->bqhd", jax.nn.softmax(looks, -1), v)
        seen = linear("ao", seen.reshape(-1, WIDTH))
        x = _normal(x + seen, layer["aln"], layer["aln bias"])
        inner = jax.nn.gelu(linear("fi", x), approximate=False)
        x = _normal(x + linear("fo", inner), layer["oln"], layer["oln bias"])
    return x.reshape(texts, length, WIDTH)


def _linear(layer: Layer, number: int, adapter: Layer | None, name: str, x: jax.Array) -> jax.Array:
    y = x @ layer[name] + layer[f"{name} bias"]
    if adapter is None:
        return y
    return y + ADAPTER_SCALE * ((x @ adapter[f"{name}.a"][number]) @ adapter[f"{name}.b"][number])


def logits(x: jax.Array, mask: jax.Array, layers: Sequence[Layer], adapter: Layer) -> jax.Array:
    """Logits of (negative, neutral, positive) from the states before the tuned layers."""
    found = states(x, mask, layers, adapter) * mask[..., None]
    mean = found.sum(1) / jnp.maximum(mask.sum(1, keepdims=True), 1)
    return HEAD_SCALE * (mean @ adapter["w"]) + adapter["b"]
