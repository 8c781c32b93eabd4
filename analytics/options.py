"""Options at the door: what a caller passed, or an ArgumentError that says what would do."""

from collections.abc import Iterable
from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analytics.errors import ArgumentError

Numbers = NDArray[np.float64]
LARGEST = 1e150  # of a number: its square is still one


def is_number(value: object) -> bool:
    """Whether an option is one number that float64 can hold, to be held against its range.

    >>> [is_number(value) for value in (0.05, np.float32(1), np.int64(1), "0.05", None, [1], True)]
    [True, True, True, False, False, False, False]
    """
    if not isinstance(value, Real) or isinstance(value, bool):
        return False
    return not isinstance(value, Integral) or abs(int(value)) <= 2**1000


def number(argument: str, value: float, *, least: float, most: float, hint: str) -> float:
    """A number strictly between `least` and `most`."""
    if not (is_number(value) and least < value < most):
        raise ArgumentError(argument, f"is {value!r}", hint=hint)
    return value


def whole(argument: str, value: int, *, least: int = 0, most: int = 2**32) -> int:
    """A whole number from `least` to `most`."""
    fits = is_number(value) and isinstance(value, Integral) and least <= int(value) <= most
    if not fits:
        hint = f"a whole number from {least} to {most}"
        raise ArgumentError(argument, f"is {value!r:.99}", hint=hint)
    return int(value)


def one_of(argument: str, value: str, allowed: Iterable[str]) -> str:
    """One of the words that are allowed."""
    words = list(allowed)
    if not isinstance(value, str) or value not in words:
        raise ArgumentError(argument, f"is {value!r}", hint=f"one of {', '.join(words)}")
    return value


def name(argument: str, value: str) -> str:
    """One column's name."""
    if not isinstance(value, str):
        raise ArgumentError(argument, f"is {value!r}", hint="the name of a column")
    return value


def names(argument: str, value: str | Iterable[str]) -> list[str]:
    """One column's name, or several of any iterable, as a list.

    >>> names("by", "stage"), names("by", ("stage", "country")), names("by", ())
    (['stage'], ['stage', 'country'], [])
    """
    if isinstance(value, str):
        return [value]
    found = list(value) if isinstance(value, Iterable) else [value]
    if not all(isinstance(name, str) for name in found):
        raise ArgumentError(argument, f"is {value!r}", hint="names of columns")
    return found


def array(argument: str, values: ArrayLike, *, most: float = LARGEST) -> Numbers:
    """A number or an array of them as float64, NaN for what is not known."""
    try:
        found = np.asarray(values)
        if found.dtype.kind == "O":  # None in a list, or a pandas column with nulls
            found = np.asarray([np.nan if each is None else each for each in values])  # type: ignore[union-attr]  # a scalar object has no kind to read it by, and raises
        known = found.astype(np.float64) if found.dtype.kind in "iuf" else None
    except (TypeError, ValueError, OverflowError):
        known = None
    if known is None or (np.abs(known) > most).any():
        raise ArgumentError(argument, f"is {values!r}", hint="a finite number, or an array of them")
    return known


def counts(**values: ArrayLike) -> list[Numbers]:
    """Arrays of numbers ≥ 0 (NaN: not known), brought to one shape."""
    arrays = [array(name, value) for name, value in values.items()]
    for name, found in zip(values, arrays, strict=True):
        if (found < 0).any():
            raise ArgumentError(name, f"holds {found.min():g}", hint="a count is at least 0")
    try:
        return list(np.broadcast_arrays(*arrays))
    except ValueError as error:
        shapes = [found.shape for found in arrays]
        raise ArgumentError(
            " and ".join(values), f"have the shapes {shapes}", hint="one for each"
        ) from error
