"""Whom published rows give away, found by linear algebra the slow way: the independent judge.

A row is the sum of what some answers gave. Rows can be combined into something about a group alone
exactly if the space that they span holds a vector that is 0 for everybody else. Every group is
looked at, one by one.
"""

import itertools
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Group = tuple[Any, ...]


def incidence(answers: pd.DataFrame, rows: Iterable[dict[str, Any]]) -> Matrix:
    """Per row which answers it adds up: those that have all the values that it names."""
    found = [
        np.logical_and.reduce(
            [
                np.ones(len(answers), dtype=bool),
                *(_is(answers[name], value) for name, value in row.items()),
            ]
        )
        for row in rows
    ]
    return np.array(found, dtype=float).reshape(-1, len(answers))


def _is(column: pd.Series, value: Any) -> NDArray[np.bool_]:
    """Whether each value is this one, or one of those in a tuple; None stands for none."""
    if isinstance(value, tuple):
        return np.asarray(column.isin(value), dtype=bool)
    return np.asarray(column.isna() if pd.isna(value) else column == value, dtype=bool)


def solved(
    matrix: Matrix, who: Iterable[Any], *, k: int, groups: Iterable[Group] | None = None
) -> list[Group]:
    """The smallest groups of fewer than k people whom the rows give away.

    `who` gave each answer. Every group is tried, or those given. One person counts however the
    rows are combined, several where a sum or difference of their answers comes out.
    """
    giver = np.array(list(who))
    people = np.unique(giver).tolist()
    if groups is None:
        groups = itertools.chain(*(itertools.combinations(people, size) for size in range(1, k)))
    answers = {person: np.flatnonzero(giver == person) for person in people}
    _, size, space = np.linalg.svd(matrix, full_matrices=False)
    space = space[size > 1e-9]
    found: list[Group] = []
    for group in groups:
        inside = np.concatenate([answers[person] for person in group])
        # The longest shadow of a unit vector of the space on the group: 1 if it lies in it whole.
        _, shadow, vectors = np.linalg.svd(space[:, inside], full_matrices=False)
        if len(group) >= k or not len(shadow) or shadow[0] < 1 - 1e-9:
            continue
        known = any(set(one) <= set(group) for one in found)
        if not known and (len(group) == 1 or _is_plain(vectors[0])):
            found.append(group)
    return found


def _is_plain(vector: Matrix) -> bool:
    """Whether it is a sum or difference: nobody counts double."""
    some = np.abs(vector[np.abs(vector) > 1e-6])
    return bool(some.max() - some.min() < 1e-6)
