"""Reading the weights that the package carries: arrays only, no pickle, each of its shape."""

import re
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nlp.errors import ModelError

_HINT = "reinstall the package: its weights come with it."
_SIZE = re.compile(r"(\d*)([a-z]*)\+?(\d*)")
_TYPES = {"text": (np.uint8,), "int8": (np.int8,), "float": (np.float16, np.float32)}


def read_weights(
    data: bytes, what: str, *, table: Mapping[str, str], version: int
) -> dict[str, NDArray[Any]]:
    """The arrays of an `.npz` file, by name; `what` names the model in messages.

    `table` says of each array what it holds, `text` (UTF-8, a name a line), `int8` or `float`, and
    its shape: numbers and letters, each letter the same number everywhere, such as `float 2h k` or
    `int8 p+1 w`. The size of a text is that of its lines.

    Raises ModelError for bytes that are no such file, are cut off, whose array `version` is
    another, or that lack an array of the table or hold another or what is no finite number.
    """
    try:
        with np.load(BytesIO(data), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except Exception as error:
        raise ModelError(f"{what} can't be read.", hint=_HINT) from error
    if missing := [name for name in ("version", *table) if name not in arrays]:
        raise ModelError(f"{what} lacks {', '.join(missing)}.", hint=_HINT)
    if arrays["version"].tolist() != version:
        raise ModelError(f"{what} is not of version {version}.", hint=_HINT)
    sizes = {"": 1}
    for name, form in table.items():
        if not _fits(arrays[name], form, sizes):
            raise ModelError(f"{what} holds another {name} than {form!r}.", hint=_HINT)
    return arrays


def _fits(array: NDArray[Any], form: str, sizes: dict[str, int]) -> bool:
    """Whether an array is as the table says; `sizes` holds the letters so far, and is added to."""
    kind, *dimensions = form.split()
    shape = _shape(array) if kind == "text" else array.shape
    if array.dtype not in _TYPES[kind] or len(shape) != len(dimensions):
        return False
    for size, dimension in zip(shape, dimensions, strict=True):
        ((times, letter, more), *_) = _SIZE.findall(dimension)
        factor, added = int(times or 1), int(more or 0)
        if size != factor * sizes.setdefault(letter, (size - added) // factor) + added:
            return False
    return kind == "text" or bool(np.isfinite(array).all())


def _shape(text: NDArray[Any]) -> tuple[int, ...]:
    try:
        return (text.tobytes().decode().count("\n") + 1,)
    except ValueError:
        return ()
