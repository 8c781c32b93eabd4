"""A BERT encoder (Devlin et al., NAACL 2019) as an ONNX graph in eight-bit integers.

The word table has one scale a row, a linear map one for each output. What goes into a linear map is
rounded on its way with one scale for each token, not one for the batch as ONNX's own dynamic
quantisation does: so a text's vector does not depend on its neighbours, and lies four times nearer
to that of the full precision (docs/decisions/0010). Weights keep seven of the eight bits, since
processors without VNNI add pairs of products in sixteen.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, checker, helper, numpy_helper

from nlp.sentiment.model import Floats

OUTPUT = "mean"
OPSET, IR_VERSION = 20, 9
_TABLE_LEVELS, _INPUT_LEVELS, _WEIGHT_LEVELS = 127, 127, 63
_ZERO = 128  # what an unsigned byte means as zero
_MASKED = -1e4


@dataclass(frozen=True, slots=True)
class Linear:
    """y = x · weights + bias; weights of shape (inputs, outputs)."""

    weights: Floats
    bias: Floats


@dataclass(frozen=True, slots=True)
class Norm:
    """Layer normalisation: weights and bias of shape (width,)."""

    weights: Floats
    bias: Floats


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer: attention and feed-forward, each added to what came in and normalised.

    `attend` gives queries, keys and values beside each other.
    """

    attend: Linear
    gather: Linear
    attend_norm: Norm
    widen: Linear
    narrow: Linear
    narrow_norm: Norm


@dataclass(frozen=True, slots=True)
class Table:
    """The word table in int8, shape (words, width), with a scale for each row, shape (words, 1)."""

    numbers: NDArray[np.int8]
    scales: NDArray[np.float16]

    @classmethod
    def of(cls, blocks: Iterable[Floats]) -> "Table":
        """Round a table that comes in blocks of rows."""
        numbers, scales = [], []
        for block in blocks:
            scale = np.abs(block).max(1, keepdims=True) / _TABLE_LEVELS
            scale = np.where(scale > 0, scale, 1).astype(np.float16)
            levels = np.rint(block / scale.astype(np.float32))
            numbers.append(np.clip(levels, -_TABLE_LEVELS, _TABLE_LEVELS).astype(np.int8))
            scales.append(scale)
        return cls(np.concatenate(numbers), np.concatenate(scales))


class Graph:
    """Collects the nodes of an encoder, layer by layer."""

    def __init__(self, words: Table, places: Floats, norm: Norm, *, heads: int, epsilon: float):
        """Begin with the sum of word and place; `places` has shape (most tokens, width)."""
        self._nodes: list[Any] = []
        self._values: list[Any] = []
        self._epsilon, self._width = epsilon, places.shape[1]
        self._constants(heads)
        numbers, scales = (
            self._do("Cast", self._do("Gather", table, "ids"), to=TensorProto.FLOAT)
            for table in (self._keep("word", words.numbers), self._keep("scale", words.scales))
        )
        length = self._do("Gather", self._do("Shape", "ids"), "second")
        place = self._do("Slice", self._keep("places", places), "first", length, "first")
        self._states = self._norm(
            self._do("Add", self._do("Mul", numbers, scales), place), "begin", norm
        )
        self._kept = self._do("Cast", "mask", to=TensorProto.FLOAT)
        away = self._do("Sub", "one", self._do("Unsqueeze", self._kept, "middle"))
        self._masked = self._do("Mul", away, "masked")

    def _constants(self, heads: int) -> None:
        width = self._width
        for name, whole in {
            "first": [0],
            "second": [1],
            "middle": [1, 2],
            "last": [-1],
            "apart": [0, 0, heads, width // heads],
            "together": [0, 0, width],
            "thirds": [width] * 3,
        }.items():
            self._keep(name, np.array(whole, np.int64))
        for name, number in {
            "one": 1,
            "masked": _MASKED,
            "step": 1 / _INPUT_LEVELS,
            "least": 1e-12,
            "middle_byte": _ZERO,
        }.items():
            self._keep(name, np.array(number, np.float32))
        self._keep("zero", np.array(_ZERO, np.uint8))

    def add(self, layer: Layer, number: int) -> None:
        """Put a layer on top."""
        name, states = f"layer{number}", self._states
        seen = self._linear(self._attention(states, f"{name}.attend", layer.attend),
                            f"{name}.gather", layer.gather)  # fmt: skip
        states = self._norm(self._do("Add", states, seen), f"{name}.seen", layer.attend_norm)
        wide = self._do("Gelu", self._linear(states, f"{name}.widen", layer.widen))
        narrow = self._linear(wide, f"{name}.narrow", layer.narrow)
        self._states = self._norm(
            self._do("Add", states, narrow), f"{name}.done", layer.narrow_norm
        )

    def finish(self) -> ModelProto:
        """The model: `ids` and `mask`, int64 (texts, tokens), to `mean`, float (texts, width)."""
        kept = self._do("Unsqueeze", self._kept, "last")
        total = self._do("ReduceSum", self._do("Mul", self._states, kept), "second", keepdims=0)
        count = self._do("ReduceSum", self._kept, "second", keepdims=1)
        self._do("Div", total, count, to_name=OUTPUT)
        shape = ["texts", "tokens"]
        graph = helper.make_graph(
            self._nodes,
            "encoder",
            [helper.make_tensor_value_info(name, TensorProto.INT64, shape)
             for name in ("ids", "mask")],
            [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["texts", self._width])],
            self._values,
        )  # fmt: skip
        opset = helper.make_opsetid("", OPSET)
        model = helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION)
        checker.check_model(model)
        return model

    def _attention(self, states: str, name: str, linear: Linear) -> str:
        """Scaled dot-product attention (Vaswani et al., NeurIPS 2017), heads beside each other."""
        parts = self._many("Split", self._linear(states, name, linear), "thirds", count=3, axis=-1)
        query, key, value = (self._do("Reshape", part, "apart") for part in parts)
        query, value = (self._do("Transpose", one, perm=[0, 2, 1, 3]) for one in (query, value))
        scores = self._do("MatMul", query, self._do("Transpose", key, perm=[0, 2, 3, 1]))
        shares = self._do("Softmax", self._do("Add", scores, self._masked), axis=-1)
        seen = self._do("Transpose", self._do("MatMul", shares, value), perm=[0, 2, 1, 3])
        return self._do("Reshape", seen, "together")

    def _linear(self, states: str, name: str, linear: Linear) -> str:
        scales = np.abs(linear.weights).max(0) / _WEIGHT_LEVELS
        scales = np.where(scales > 0, scales, 1).astype(np.float32)
        weights = self._keep(f"{name}.w", np.rint(linear.weights / scales).astype(np.int8))
        most = self._do("ReduceMax", self._do("Abs", states), "last", keepdims=1)
        step = self._do("Max", self._do("Mul", most, "step"), "least")
        levels = self._do("Add", self._do("Round", self._do("Div", states, step)), "middle_byte")
        rounded = self._do("Cast", levels, to=TensorProto.UINT8)
        whole = self._do("MatMulInteger", rounded, weights, "zero")
        product = self._do("Mul", self._do("Cast", whole, to=TensorProto.FLOAT), step)
        product = self._do("Mul", product, self._keep(f"{name}.s", scales))
        return self._do("Add", product, self._keep(f"{name}.b", linear.bias))

    def _norm(self, states: str, name: str, norm: Norm) -> str:
        return self._do(
            "LayerNormalization",
            states,
            self._keep(f"{name}.w", norm.weights),
            self._keep(f"{name}.b", norm.bias),
            axis=-1,
            epsilon=self._epsilon,
        )

    def _keep(self, name: str, array: NDArray[Any]) -> str:
        self._values.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def _do(self, kind: str, *inputs: str, to_name: str = "", **options: Any) -> str:
        """Add a node with one output, and give its name."""
        name = to_name or f"{kind}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [name], **options))
        return name

    def _many(self, kind: str, *inputs: str, count: int, **options: Any) -> Sequence[str]:
        names = [f"{kind}_{len(self._nodes)}_{number}" for number in range(count)]
        self._nodes.append(helper.make_node(kind, inputs, names, **options))
        return names
