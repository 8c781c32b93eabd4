"""Counting marked rows by several breakdowns and under several subsets of a scope's filters.

Rows come from `plan.py` with their keys, `_total` (which total they are part of), `_value`, `_mask`
(which filters hold, a bit each) and `person`. Where one subset of the filters is asked for, one
group-by counts. Else each part is counted twice, and both counts serve all subsets at once:

* answers by key, value and mask: sums over masks give the counts under any subset of filters;
* people by key and *signature*: under which of the subsets the person has an answer, a bit each.
  Distinct people don't add up, so an inner group-by makes one row of each person.

The engine answers with one small table for all parts, which numpy unpacks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics import engines
from analytics.engines import Plan, Rows
from analytics.errors import FrameError

PEOPLE, SCORED_PEOPLE = "people", "scored_people"
RANGES = "whole numbers, 0-10 for nps, 1-5 for csat, 1-7 for ces; polarities are codes"
_PEOPLE = -2  # in the place of a value: the row counts people, and its mask is a signature
_NUMBERS = ("_way", "_total", "_value", "_mask", "_n")

Whole = NDArray[np.int64]
Chosen = NDArray[np.bool_]
Key = tuple[str | None, ...]
Ways = tuple[tuple[tuple[str, ...], tuple[int, ...]], ...]  # by what, and of which totals


@dataclass(frozen=True)
class Part:
    """Groups to count: of the rows of which total, by what, and under which subsets of filters.

    A subset is a mask: the bits of its filters. `values` are counted, under the names `columns`.
    `scored`: count also the people who have a row with a value other than the last.
    """

    total: int
    by: tuple[str, ...]
    subsets: tuple[int, ...]
    values: tuple[int, ...]
    columns: tuple[Any, ...]
    scored: bool = False


def count(
    frame: Any, picking: Plan, parts: Sequence[Part], *, filters: int, checked: str
) -> list[list[pd.DataFrame]]:
    """The tables of each part, one per subset: keys, `people`, values (`scored_people`).

    `filters` is how many there are. FrameError, naming the column `checked`, where a value is
    none of its part's.
    """
    flags = tuple(_flags(parts, filters))
    if flags:
        picking = Plan.of(_flagged, picking=picking, parts=tuple(parts), filters=filters)
    bys = list(dict.fromkeys(part.by for part in parts))
    ways = tuple((by, tuple(part.total for part in parts if part.by == by)) for by in bys)
    counting = Plan.of(_counts, ways=ways, flags=flags)
    counted = engines.answer(frame, picking, counting, readings=2 * len(ways))
    found = _Found.read(counted, flags)
    return [_tables(part, found.of(bys.index(part.by), part.total), checked) for part in parts]


def _flagged(rows: Any, *, picking: Plan, parts: Sequence[Part], filters: int) -> Rows:
    """Picked rows with the flags."""
    picked: Rows = picking(rows)
    return picked.with_columns(**_flags(parts, filters))


def _flags(parts: Sequence[Part], filters: int) -> dict[str, nw.Expr]:
    """1 or 0: whether the filters of each subset hold, and whether the row is scored, too.

    None where no filters are compared, and everybody is counted.
    """
    subsets = dict.fromkeys(subset for part in parts for subset in part.subsets)
    holding = {
        subset: [mask for mask in range(1 << filters) if mask & subset == subset]
        for subset in subsets
    }
    mask = nw.col("_mask")
    inside = {
        _inside(subset): any_of([mask == one for one in masks])
        for subset, masks in holding.items()
        if subset  # else it holds everywhere
    }
    if any(part.scored for part in parts):
        scored = nw.col("_value") < parts[0].values[-1]
        inside |= {
            _scored(subset): scored & inside[_inside(subset)] if subset else scored
            for subset in holding
        }
    one, nought = nw.lit(1), nw.lit(0)
    return {name: nw.when(flag).then(one).otherwise(nought) for name, flag in inside.items()}


def any_of(conditions: Sequence[nw.Expr]) -> nw.Expr:
    """Whether one of them holds: what DuckDB understands better than `is_in`, which is a list."""
    return reduce(or_, conditions)


def _inside(subset: int) -> str:
    return f"_inside{subset}"


def _scored(subset: int) -> str:
    return f"_scored{subset}"


def _counts(rows: Rows, *, ways: Ways, flags: Sequence[str]) -> list[Rows]:
    """Marked rows with flags → `_way, _total, _value, _mask, _n, _key0 …`: for each way its answers
    by key, value and mask, and its people by key and signature.

    In as few steps as possible: each takes DuckDB time to understand.
    """
    names = [f"_key{place}" for place in range(max(len(by) for by, _ in ways))]
    many = len({total for _, totals in ways for total in totals})
    marks, mask = (["_value", "_mask"], nw.col("_mask")) if flags else (["_value"], nw.lit(0))
    found = []
    for at, (by, totals) in enumerate(ways):
        of_these = any_of([nw.col("_total") == total for total in totals])
        own = rows if len(totals) == many else rows.filter(of_these)
        is_one = len(totals) == 1
        keys, total = (by, nw.lit(totals[0])) if is_one else (("_total", *by), nw.col("_total"))
        missing = [nw.lit(None, nw.String())] * (len(names) - len(by))
        named = dict(zip(names, [*map(nw.col, by), *missing], strict=True))
        answers = own.group_by(*keys, *marks).agg(_n=nw.len())
        people = _people(own, keys, flags)
        for counts, value in ((answers, nw.col("_value")), (people, nw.lit(_PEOPLE))):
            numbers = (nw.lit(at), total, value, mask, nw.col("_n"))
            whole = {
                name: number.cast(nw.Int64())
                for name, number in zip(_NUMBERS, numbers, strict=True)
            }
            found.append(counts.select(**whole, **named))
    return found


def _people(rows: Rows, keys: Sequence[str], flags: Sequence[str]) -> Rows:
    """Distinct people by keys, and by signature (`_mask`) where there are flags."""
    marks = {flag: nw.col(flag).max() for flag in flags} or {"_answers": nw.len()}
    each = rows.group_by(*keys, "person").agg(**marks)
    if flags:
        bits = (nw.col(flag) * (1 << place) for place, flag in enumerate(flags))
        each, keys = each.with_columns(_mask=nw.sum_horizontal(*bits)), [*keys, "_mask"]
    return each.group_by(*keys).agg(_n=nw.len()) if keys else each.select(_n=nw.len())


@dataclass(frozen=True)
class _Found:
    """The engine's rows: their numbers and keys; the bit of each flag."""

    numbers: Whole  # a row per name of `_NUMBERS`
    keys: NDArray[np.object_]  # a row per place of a key
    bits: Mapping[str, int]

    @classmethod
    def read(cls, found: Mapping[str, list[Any]], flags: Sequence[str]) -> "_Found":
        """From columns as an engine gives them."""
        numbers = np.array([found[name] for name in _NUMBERS], dtype=np.int64)
        keys = [found[name] for name in found if name not in _NUMBERS]
        columns = np.array(keys, dtype=object).reshape(len(keys), numbers.shape[1])
        columns[pd.isna(columns)] = None
        return cls(numbers, columns, {flag: at for at, flag in enumerate(flags)})

    def __getitem__(self, name: str) -> Whole:
        found: Whole = self.numbers[_NUMBERS.index(name)]
        return found

    def of(self, way: int, total: int) -> "_Found":
        """The rows of one part."""
        at = (self["_way"] == way) & (self["_total"] == total)
        return _Found(self.numbers[:, at], self.keys[:, at], self.bits)

    def people(self, flag: str) -> Chosen:
        """The rows that count people who have a flag; one that isn't there everybody has."""
        of_people: Chosen = self["_value"] == _PEOPLE
        if flag in self.bits:
            of_people &= self["_mask"] >> self.bits[flag] & 1 == 1
        return of_people

    def answers(self, subset: int, value: int) -> Chosen:
        """The rows that count answers of a value under the filters of a subset."""
        chosen: Chosen = (self["_value"] == value) & (self["_mask"] & subset == subset)
        return chosen


def _grouped(keys: NDArray[np.object_]) -> tuple[list[Key], Whole]:
    """Keys (a row per place), each once, sorted, null last; and which of them each column has."""
    if not len(keys):
        return [()], np.zeros(keys.shape[1], dtype=np.int64)
    rows = list(zip(*keys, strict=True))
    every = sorted(set(rows), key=lambda row: [(key is None, key or "") for key in row])
    place = {key: at for at, key in enumerate(every)}
    return every, np.array([place[row] for row in rows], dtype=np.int64)


def _tables(part: Part, found: _Found, checked: str) -> list[pd.DataFrame]:
    if not np.isin(found["_value"], (*part.values, _PEOPLE)).all():
        raise FrameError(checked, "holds values out of range", hint=RANGES)
    keys, group = _grouped(found.keys[: len(part.by)])
    tables = []
    for subset in part.subsets:
        rows = {PEOPLE: found.people(_inside(subset))}
        for value, column in zip(part.values, part.columns, strict=True):
            rows[column] = found.answers(subset, value)
        if part.scored:
            rows[SCORED_PEOPLE] = found.people(_scored(subset))
        counts = np.zeros((len(rows), len(keys)), dtype=np.int64)
        for place, chosen in enumerate(rows.values()):
            np.add.at(counts[place], group[chosen], found["_n"][chosen])
        tables.append(_table(part.by, keys, dict(zip(rows, counts, strict=True))))
    return tables


def _table(by: Sequence[str], keys: Sequence[Key], counts: Mapping[Any, Whole]) -> pd.DataFrame:
    """Keys and counts, without the keys that nobody has."""
    some = np.flatnonzero(counts[PEOPLE]).tolist() if by else [0]
    columns: dict[Any, Any] = {
        name: pd.array([keys[row][place] for row in some], dtype="str")
        for place, name in enumerate(by)
    }
    return pd.DataFrame(columns | {name: values[some] for name, values in counts.items()})
