"""Reading the weights that the package carries: arrays only, no pickle."""

from collections.abc import Iterable
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nlp.errors import ModelError


def read_weights(
    data: bytes, what: str, *, names: Iterable[str], version: int
) -> dict[str, NDArray[Any]]:
    """The arrays of an `.npz` file, by name; `what` names the model in messages.

    Raises ModelError for bytes that are no such file, are cut off, lack one of `names` or whose
    array `version` is another.
    """
    hint = "reinstall the package: its weights come with it."
    try:
        with np.load(BytesIO(data), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except Exception as error:
        raise ModelError(f"{what} can't be read.", hint=hint) from error
    if missing := [name for name in names if name not in arrays]:
        raise ModelError(f"{what} lacks {', '.join(missing)}.", hint=hint)
    if int(arrays["version"]) != version:
        raise ModelError(f"{what} is not of version {version}.", hint=hint)
    return arrays
