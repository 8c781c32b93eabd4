"""Weights from a file: what doesn't fit is refused where it is read, not where it is used."""

from importlib import resources
from io import BytesIO
from typing import Any

import numpy as np
import pytest

import nlp
from nlp.sentiment.model import SmallModel
from nlp.theme_classifier import ThemeClassifier
from nlp.weights import read_weights

TABLE = {"names": "text n", "rows": "int8 n+1 w", "wide": "float 2w 3", "one": "float"}
RIGHT: dict[str, Any] = {
    "version": 7,
    "names": np.frombuffer("a\nä".encode(), np.uint8),
    "rows": np.zeros((3, 4), np.int8),
    "wide": np.zeros((8, 3), np.float16),
    "one": np.float32(2),
}


def packed(arrays: dict[str, Any]) -> bytes:
    out = BytesIO()
    np.savez(out, **arrays)
    return out.getvalue()


def test_what_fits_is_read() -> None:
    found = read_weights(packed(RIGHT), "The model", table=TABLE, version=7)
    assert found.keys() == RIGHT.keys()


@pytest.mark.parametrize(
    ("array", "message"),
    [
        ({"version": [7, 7]}, "is not of version 7"),
        ({"version": "7"}, "is not of version 7"),
        ({"rows": np.zeros((2, 4), np.int8)}, "another rows than 'int8 n\\+1 w'"),
        ({"rows": np.zeros((3, 4), np.int16)}, "another rows"),
        ({"rows": np.int8(3)}, "another rows"),
        ({"names": np.full(3, 255, np.uint8)}, "another names"),
        ({"wide": np.zeros((7, 3), np.float16)}, "another wide"),
        ({"wide": np.zeros((8, 2), np.float16)}, "another wide"),
        ({"wide": np.full((8, 3), np.nan, np.float32)}, "another wide"),
        ({"one": np.zeros(1, np.float32)}, "another one"),
        ({"one": np.float64(1e39)}, "another one"),
        ({"one": "x"}, "another one"),
    ],
)
def test_what_does_not_fit_is_refused(array: dict[str, Any], message: str) -> None:
    with pytest.raises(nlp.ModelError, match=message) as caught:
        read_weights(packed(RIGHT | array), "The model", table=TABLE, version=7)
    assert "reinstall" in caught.value.hint


@pytest.mark.parametrize(
    ("kind", "path"), [(SmallModel, "sentiment/weights.npz"), (ThemeClassifier, "themes.npz")]
)
def test_the_packaged_weights_are_checked_one_by_one(kind: Any, path: str) -> None:
    with np.load(BytesIO((resources.files("nlp") / path).read_bytes())) as file:
        arrays = {name: file[name] for name in file.files}
    for name in arrays:
        with pytest.raises(nlp.ModelError):
            kind(packed(arrays | {name: np.zeros((2, 2, 2))}))
