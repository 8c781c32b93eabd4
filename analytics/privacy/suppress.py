"""Privacy: no number about fewer than k people, nor one that the others give away.

`suppress` hides in three steps, until nothing changes:

1. a row of 1 … k - 1 respondents hides (a row of 0 hides nobody and stays);
2. complementary, within every *line*: the rows that share all keys but one, which are what a
   margin of the table adds up (a table of one key is one line, a table of two has its rows
   and columns). If exactly one row of a line is hidden, or the hidden ones hold together
   fewer than k respondents, the next smallest of the line hides too;
3. by algebra: lines cross, and two lines that each look safe can together give a row away
   (a "bridge" between two blocks of hidden rows). Taking every margin of k or more people as
   published, no small row, and no two that hold together fewer than k, may follow from the
   margins by any linear combination; else the smallest row that is tied to them hides too.

A hidden row loses every measure, the number of respondents too; its keys stay, since a row
that is merely absent would say as much. Which rows are hidden depends on respondents and keys
alone, never on scores or on the order of rows.

What it can't know, and the caller must guard: other tables of the same answers (`nested_ok`
for a filter within a filter; margins shown beside a table go through `suppress` themselves);
rows that consist of a single cell, which are their own margin; people counted in several rows
of a line; and that a published row's score may itself be telling (all of k agree).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics import frames, tallies
from analytics.errors import ArgumentError, FrameError
from analytics.scipy import csr_array, lsmr

Flags = NDArray[np.bool_]
Whole = NDArray[np.int64]
Rows = NDArray[np.intp]  # row numbers, rising: the smallest row first
Lines = list[Rows]

FIXED = 1e-6  # a value of a random solution below this is one that the margins fix


def suppress(
    table: pd.DataFrame, *, respondents: str | Sequence[int] | pd.Series, k: int = 5
) -> pd.DataFrame:
    """Hide the rows of a result table that tell of fewer than `k` respondents.

    `table` is any result of this package (keys first; `tallies.keys`), with further measures
    after its own if you like. `respondents` is a column's name, or distinct respondents per
    row, in the order of the rows. Returns a copy with a bool column `suppressed`, last; a
    suppressed row keeps its keys and has null measures. Measures get nullable types (Int64,
    Float64, boolean), so that whole numbers stay whole.

    Raises FrameError where respondents are missing, too few or many, null, negative or broken,
    or the table is suppressed already; ArgumentError where k is no whole number ≥ 1.

    >>> table = pd.DataFrame({"country": ["DE", "FR", "JP"], "n": [90, 7, 3], "nps": 10.0})
    >>> hidden = suppress(table, respondents="n")   # JP is small; alone it could be solved
    >>> hidden["suppressed"].tolist(), hidden["n"].tolist()
    ([False, True, True], [90, <NA>, <NA>])
    """
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise ArgumentError("k", f"is {k!r}", hint="a whole number of respondents ≥ 1")
    if "suppressed" in table:
        raise FrameError("suppressed", "is there already", hint="suppress a table once")
    people = _people(table, respondents)
    keys = tallies.keys(table)
    if isinstance(respondents, str) and respondents in keys:
        raise FrameError(respondents, "stands among the keys", hint="put it after a measure")
    return conceal(table, hidden_rows(table[keys], people, k=k))


def conceal(table: pd.DataFrame, hidden: Flags) -> pd.DataFrame:
    """The table with the measures of hidden rows null, as `suppress` returns it.

    For whoever decides by other means which rows hide (`protection.protect_scores`).
    """
    result = table.copy()
    for name in tallies.measures(table):
        result[name] = _nullable(table[name]).mask(hidden)
    result["suppressed"] = hidden
    return result


def nested_ok(outer: int, inner: int, k: int = 5) -> bool:
    """May a score of `inner` respondents be shown beside one of `outer` that includes them?

    Only if nobody, or at least `k`, are left over: their difference could be solved.

    >>> nested_ok(100, 97), nested_ok(100, 95), nested_ok(100, 100)
    (False, True, True)
    """
    if not 0 <= inner <= outer:
        raise ArgumentError("inner", f"is {inner} of {outer}", hint="a part of the outer group")
    return outer == inner or outer - inner >= k


def hidden_rows(keys: pd.DataFrame, people: Whole, *, k: int) -> Flags:
    """Which rows hide: see the top of this file. `keys` and `people` row by row."""
    texts = [tuple(map(repr, row)) for row in keys.itertuples(index=False, name=None)]
    # In the order of their people, ties in that of their keys: the order given is nothing,
    # and the next smallest row is the first one visible.
    order = np.array(
        sorted(range(len(people)), key=lambda row: (people[row], texts[row])), dtype=np.intp
    )
    hidden = np.zeros(len(people), dtype=np.bool_)
    hidden[order] = _hidden([texts[row] for row in order], people[order], k=k)
    return hidden


def _hidden(texts: list[tuple[str, ...]], people: Whole, *, k: int) -> Flags:
    hidden = (people > 0) & (people < k)
    small = np.flatnonzero(hidden)
    lines = _lines(texts, people)
    known = [line for line in lines if people[line].sum() >= k]
    through: dict[int, Lines] = defaultdict(list)
    for line in known:
        for row in line:
            through[int(row)].append(line)
    while True:
        for line in lines:
            while _is_lonely(line, hidden, people, k=k):
                _hide_next(hidden, line)
        pinned = _pinned(known, hidden, small, people=people, k=k)
        # Each pinned row must get its company, not only the first.
        found = [_hide_next(hidden, _tied_rows(through, hidden, row)) for row in pinned]
        if not any(found):
            return hidden


def _people(table: pd.DataFrame, respondents: str | Sequence[int] | pd.Series) -> Whole:
    name = respondents if isinstance(respondents, str) else "respondents"
    if isinstance(respondents, str) and respondents not in table:
        raise FrameError(name, "is missing", hint="name a column", present=table.columns)
    values = list(table[respondents] if isinstance(respondents, str) else respondents)
    if len(values) != len(table):
        raise FrameError(
            name, f"has {len(values)} values for {len(table)} rows", hint="one for each row"
        )
    for value in values:
        if frames.is_null(value) or isinstance(value, (bool, str)) or value < 0 or value % 1:
            raise FrameError(name, f"holds {value!r}", hint="it must hold whole numbers ≥ 0")
    return np.array(values, dtype=np.int64)


def _nullable(measure: pd.Series) -> pd.Series:
    if pd.api.types.is_bool_dtype(measure):
        return measure.astype("boolean")
    if pd.api.types.is_integer_dtype(measure):
        return measure.astype("Int64")
    return measure.astype("Float64") if pd.api.types.is_float_dtype(measure) else measure


def _lines(texts: list[tuple[str, ...]], people: Whole) -> Lines:
    """Rows with respondents that differ in one key only, for each key."""
    lines: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for row in np.flatnonzero(people > 0):
        for free in range(len(texts[row])):
            fixed = (*texts[row][:free], *texts[row][free + 1 :])
            lines[(free, fixed)].append(int(row))
    return [np.array(rows, dtype=np.intp) for rows in lines.values()]


def _is_lonely(line: Rows, hidden: Flags, people: Whole, *, k: int) -> bool:
    """Whether the hidden rows of a line are too few, and it still has one to hide."""
    dark = line[hidden[line]]
    return 0 < len(dark) < len(line) and (len(dark) == 1 or bool(people[dark].sum() < k))


def _hide_next(hidden: Flags, rows: Rows) -> bool:
    """Hide the smallest visible row, the first; False if there is none."""
    visible = rows[~hidden[rows]]
    hidden[visible[:1]] = True
    return len(visible) > 0


def _pinned(known: Lines, hidden: Flags, small: Rows, *, people: Whole, k: int) -> list[int]:
    """Small hidden rows that follow from the margins, alone or in a pair of fewer than k.

    A random vector is projected on the solutions of "every margin is 0": a row (or a pair's
    sum) that is 0 in it is 0 in all of them, so that the margins fix it.
    """
    if not known or not len(small):
        return []
    free = _random_solution(known, hidden)[small]
    sizes = people[small]
    found = set(np.flatnonzero(np.abs(free) < FIXED).tolist())
    # Two values that cancel have the same size, so that they are neighbours in this order.
    order = np.argsort(np.abs(free), kind="stable")
    for step in range(1, len(order)):
        one, two = order[:-step], order[step:]
        near = np.abs(free[two]) - np.abs(free[one]) < FIXED
        if not near.any():
            break
        cancel = near & (np.abs(free[one] + free[two]) < FIXED) & (sizes[one] + sizes[two] < k)
        found.update(one[cancel].tolist(), two[cancel].tolist())
    return [int(small[at]) for at in sorted(found)]


def _random_solution(known: Lines, hidden: Flags) -> NDArray[np.float64]:
    """Random values for the hidden rows, 0 for the others, that add up to 0 in every line."""
    dark = [line[hidden[line]] for line in known]
    margin = np.repeat(np.arange(len(known)), [len(line) for line in dark])
    row = np.concatenate(dark)
    shape = (len(hidden), len(known))
    margins = csr_array((np.ones(len(row)), (row, margin)), shape=shape)
    random = np.random.default_rng(0).standard_normal(len(hidden)) * hidden
    steps = 20 * int(hidden.sum()) + 100
    fit = lsmr(margins, random, atol=1e-14, btol=1e-14, conlim=0, maxiter=steps)
    return np.asarray(random - margins @ fit[0], dtype=np.float64)


def _tied_rows(through: Mapping[int, Lines], hidden: Flags, row: int) -> Rows:
    """The rows of the lines that tie others to this one, through hidden rows, near ones first:
    as soon as one of them is visible, no further than that.
    """
    reached, fresh = {row}, [row]
    while fresh:
        near = {int(other) for at in fresh for line in through[at] for other in line} - reached
        reached |= near
        if not all(hidden[other] for other in near):
            break
        fresh = list(near)
    return np.array(sorted(reached), dtype=np.intp)
