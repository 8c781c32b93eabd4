"""multilingual-e5-small (MIT) as an int8 ONNX graph: tokeniser and means over its states."""

import json
import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime as ort
from tokenizers import Tokenizer, models, pre_tokenizers

import e5file

TOKENS = 512  # of a batch, padding included
_SPACES = re.compile(" {2,}")


@cache
def _read() -> tuple:
    settings, pieces, scores, table, _ = e5file.load()
    tokeniser = Tokenizer(
        models.Unigram(
            [(piece, float(score)) for piece, score in zip(pieces, scores, strict=True)],
            unk_id=settings["unk"],
            byte_fallback=False,
        )
    )
    tokeniser.pre_tokenizer = pre_tokenizers.Metaspace(
        replacement="▁", prepend_scheme="always", split=True
    )
    return settings, pieces, scores, table, tokeniser


def vocabulary() -> tuple[Sequence[str], Sequence[float]]:
    """All pieces and their log probabilities."""
    _, pieces, scores, _, _ = _read()
    return pieces, scores


def kept(work: Path) -> list[int]:
    """The pieces of the small model, by their number in the vocabulary (keep.json)."""
    return json.loads((work / "keep.json").read_text())


def ids_of(texts: Sequence[str], *, longest: int = 128) -> list[list[int]]:
    """Ids of `query: ` + text, with both end marks."""
    *_, table, tokeniser = _read()
    plain = [
        _SPACES.sub(" ", unicodedata.normalize("NFC", "query: " + one).translate(table)).strip()
        for one in texts
    ]
    found = tokeniser.encode_batch(plain, add_special_tokens=False)
    return [[0, *one.ids[: longest - 2], 2] for one in found]


def bare(numbers: Sequence[int]) -> list[list[int]]:
    """Ids of texts that are one piece each."""
    before = ids_of(["a"])[0][:-2]
    return [[*before, number, 2] for number in numbers]


def session(path: Path, *, threads: int = 1) -> ort.InferenceSession:
    """An ONNX session on the CPU."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def encode(
    graph: ort.InferenceSession, rows: Sequence[Sequence[int]], outputs: Sequence[str]
) -> list[np.ndarray]:
    """The named outputs of every row. Batches of similar length, shortest first."""
    settings = _read()[0]
    order = sorted(range(len(rows)), key=lambda number: len(rows[number]))
    found = [np.zeros((len(rows), settings["H"]), np.float32) for _ in outputs]
    start = 0
    while start < len(order):
        end = start + 1
        while end < len(order) and (end + 1 - start) * len(rows[order[end]]) <= TOKENS:
            end += 1
        some = order[start:end]
        ids = np.full((len(some), len(rows[some[-1]])), settings["pad"], np.int64)
        mask = np.zeros_like(ids)
        for place, number in enumerate(some):
            ids[place, : len(rows[number])] = rows[number]
            mask[place, : len(rows[number])] = 1
        for all_, batch in zip(
            found, graph.run(list(outputs), {"input_ids": ids, "attention_mask": mask}), strict=True
        ):
            all_[some] = batch
        start = end
    return found
