"""Files that are there whole or not at all, and steps that are skipped once their file is there."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import click
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Progress = Callable[[int], None]


@contextmanager
def replaced(path: Path) -> Iterator[BinaryIO]:
    """A file to write to, which takes the place of `path` when all is written."""
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as file:
        yield file
    part.replace(path)


def save_arrays(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write an `.npz` file."""
    packed = BytesIO()
    np.savez_compressed(packed, **dict[str, Any](arrays))
    with replaced(path) as file:
        file.write(packed.getvalue())


def load_arrays(path: Path) -> dict[str, Array]:
    """Read an `.npz` file of arrays; no pickle."""
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


@contextmanager
def bar(label: str, length: int) -> Iterator[Progress]:
    """A progress bar, as the function to call with how much more is done."""
    with click.progressbar(length=length, label=f"{label:>8}", show_pos=True) as shown:
        yield shown.update


def step(path: Path, label: str, make: Callable[[Path, Progress], None], *, length: int) -> Path:
    """Make a file unless it is there; `make` gets its path and a progress bar's function."""
    if path.exists():
        click.echo(f"{label:>8}  there: {path}")
    else:
        with bar(label, length) as tick:
            make(path, tick)
    return path
