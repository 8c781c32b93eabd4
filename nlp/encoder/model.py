"""The encoder at run time: texts in, vectors and probabilities out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, cast

import numpy as np

from nlp.encoder.manifest import Head, Manifest, check_directory
from nlp.encoder.vocabulary import Parts, Vocabulary
from nlp.errors import ModelError
from nlp.sentiment.model import CLASSES, Floats, softmax

CHUNK = 4096  # texts held as ids at a time
TOKENS = 256  # of a batch, padding included, unless one text alone has more
# How much its logits count beside the small model's, chosen on development sets.
SHARE = 0.7
_LEAST = 1e-9
_ONLY_FATAL = 4  # errors are raised
_HINT = "make the directory again with `soundings nlp encoder`."


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoder:
    """A sentence encoder, opened from a model directory.

    Attributes:
        languages: ISO 639 codes whose sentiment it was evaluated in.
        unsure_below: only comments of whose label the small model is less sure, in [0, 1], go
            through it in `nlp.analyse_many`; None: all. Set it with `dataclasses.replace`.
    """

    languages: frozenset[str]
    unsure_below: float | None = None
    _manifest: Manifest
    _vocabulary: Vocabulary
    _session: Any

    @classmethod
    def open(cls, directory: str | PathLike[str], *, threads: int = 1) -> "Encoder":
        """Open a model directory, every file checked against its hash, and have it read a text.

        Raises ModelError for one that is incomplete, cut short, changed, of another format or
        whose parts don't fit together, and NlpError where ONNX Runtime is not installed.
        """
        directory = Path(directory)
        manifest = check_directory(directory)
        parts = Parts.from_bytes((directory / manifest.vocabulary).read_bytes())
        encoder = cls(
            languages=frozenset(manifest.languages),
            _manifest=manifest,
            _vocabulary=Vocabulary(parts, prefix=manifest.prefix, max_tokens=manifest.max_tokens),
            _session=_session(directory, manifest, threads=threads),
        )
        encoder._try()
        return encoder

    def _try(self) -> None:
        """Raises ModelError where the graph can't read what the vocabulary may give it."""
        words, width = self._vocabulary, self._manifest.width
        try:
            means = self._run([words.longest(), words.ids("")])
            fits = means.shape == (2, width) and np.isfinite(means).all()
        except Exception as error:
            raise ModelError(f"{self._manifest.graph} can't read a text.", hint=_HINT) from error
        if not fits:
            raise ModelError(f"{self._manifest.graph} gives no vectors of {width}.", hint=_HINT)

    @property
    def version(self) -> str:
        """Twelve digits that change when the model does."""
        return self._manifest.version

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """Calibrated probabilities of (negative, neutral, positive), shape (len(texts), 3).

        A text's row does not depend on its neighbours, but for rounding. Raises ModelError for an
        encoder without a head.
        """
        head = self._manifest.head
        if head is None:
            raise ModelError(
                "This encoder has no head: it gives vectors only.",
                hint="open one whose model.json has a head.",
            )
        means = self._means(texts)
        return softmax(_logits(means, head) * np.float32(self._manifest.temperature))

    def averaged(self, small: Floats, texts: Sequence[str], languages: Sequence[str]) -> Floats:
        """The small model's probabilities, with its own where it reads: means of their logits.

        It reads texts in `languages` that are below `unsure_below`; `small` and what comes back
        have shape (len(texts), 3). Raises ModelError for an encoder without a head.
        """
        asked = np.isin(np.array(languages, object), list(self.languages))
        if self.unsure_below is not None:
            asked &= small.max(1, initial=0) < self.unsure_below
        own = self.probabilities([texts[at] for at in np.flatnonzero(asked).tolist()])
        both = SHARE * np.log(own + _LEAST) + (1 - SHARE) * np.log(small[asked] + _LEAST)
        found = small.copy()
        found[asked] = softmax(both)
        return found

    def vectors(self, texts: Sequence[str]) -> Floats:
        """What each text is about, in any language: unit vectors, shape (len(texts), width)."""
        means = self._means(texts)
        lengths = np.sqrt((means * means).sum(1, keepdims=True))
        return cast(Floats, means / np.maximum(lengths, np.float32(1e-12)))

    def _means(self, texts: Sequence[str]) -> Floats:
        found = np.zeros((len(texts), self._manifest.width), np.float32)
        for start in range(0, len(texts), CHUNK):
            rows = [self._vocabulary.ids(text) for text in texts[start : start + CHUNK]]
            for places in _batches([len(row) for row in rows]):
                found[[start + at for at in places]] = self._run([rows[at] for at in places])
        return found

    def _run(self, rows: Sequence[Sequence[int]]) -> Floats:
        shape = len(rows), max(map(len, rows))
        ids, mask = np.full(shape, self._vocabulary.pad, np.int64), np.zeros(shape, np.int64)
        for place, row in enumerate(rows):
            ids[place, : len(row)] = row
            mask[place, : len(row)] = 1
        (found,) = self._session.run([self._manifest.output], {"ids": ids, "mask": mask})
        return cast(Floats, found)


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Places of rows that go together, shortest first, so that little is padding."""
    batch: list[int] = []
    for place in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * lengths[place] > TOKENS:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def _logits(means: Floats, head: Head) -> Floats:
    weights, bias = np.array(head.weights, np.float32), np.array(head.bias, np.float32)
    return cast(Floats, means @ weights.reshape(-1, CLASSES) + bias)


def _session(directory: Path, manifest: Manifest, *, threads: int) -> Any:
    import onnxruntime  # noqa: PLC0415 - an optional extra

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = _ONLY_FATAL
    try:
        session = onnxruntime.InferenceSession(
            str(directory / manifest.graph), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        raise ModelError(f"ONNX Runtime can't load {manifest.graph}.", hint=_HINT) from error
    outputs = {output.name: output.shape[1:] for output in session.get_outputs()}
    inputs = sorted(item.name for item in session.get_inputs())
    if outputs.get(manifest.output) != [manifest.width] or inputs != ["ids", "mask"]:
        raise ModelError(
            f"{manifest.graph} has not the inputs and the output that model.json names.", hint=_HINT
        )
    return session
