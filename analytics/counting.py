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
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics import engines
from analytics.engines import Rows
from analytics.errors import FrameError
from analytics.frames import is_null

PEOPLE, SCORED_PEOPLE = "people", "scored_people"
RANGES = "whole numbers, 0-10 for nps, 1-5 for csat, 1-7 for ces; polarities are codes"
_PEOPLE = -2  # in the place of a value: the row counts people, and its mask is a signature
_NUMBERS = ("_part", "_value", "_mask", "_n")

Whole = NDArray[np.int64]
Chosen = NDArray[np.bool_]
Key = tuple[str | None, ...]


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
    rows: Rows, parts: Sequence[Part], *, filters: int, checked: str
) -> list[list[pd.DataFrame]]:
    """The tables of each part, one per subset: keys, `people`, values (`scored_people`).

    `filters` is how many there are. FrameError, naming the column `checked`, where a value is
    none of its part's.
    """
    flags = _flags(parts, filters)
    if flags:
        rows = rows.with_columns(**flags)
    with engines.held(rows) as held:
        once = engines.at_once(held, len(parts))
        if not flags:
            counted = engines.answer(held, _Plain(tuple(parts), once=once))
            return [[_plain_table(part, at, counted, checked)] for at, part in enumerate(parts)]
        counting = _Counting(tuple(parts), tuple(flags), once=once)
        found = _Found.of(engines.answer(held, counting), list(flags))
    return [_tables(part, found.of_part(at), checked) for at, part in enumerate(parts)]


def _flags(parts: Sequence[Part], filters: int) -> dict[str, nw.Expr]:
    """1 or 0: whether the filters of each subset hold, and whether the row is scored, too."""
    subsets = dict.fromkeys(subset for part in parts for subset in part.subsets)
    holding = {
        subset: [mask for mask in range(1 << filters) if mask & subset == subset]
        for subset in subsets
    }
    inside = {_inside(subset): nw.col("_mask").is_in(masks) for subset, masks in holding.items()}
    inside.pop(_inside(0), None)  # holds everywhere
    if any(part.scored for part in parts):
        scored = nw.col("_value") < parts[0].values[-1]
        inside |= {
            _scored(subset): scored & nw.col("_mask").is_in(masks)
            for subset, masks in holding.items()
        }
    one, nought = nw.lit(1), nw.lit(0)
    return {name: nw.when(flag).then(one).otherwise(nought) for name, flag in inside.items()}


def _inside(subset: int) -> str:
    return f"_inside{subset}"


def _scored(subset: int) -> str:
    return f"_scored{subset}"


@dataclass(frozen=True)
class _Counting:
    """What the engine does, as a plan: it hangs on what is asked for, not on a scope's values."""

    parts: tuple[Part, ...]
    flags: tuple[str, ...]
    once: bool

    def __call__(self, rows: Rows) -> Rows:
        """Marked rows with flags → `_part, _value, _mask, _n, _key0 …`."""
        said = [nw.col(name) for name in ("_value", "_mask", *self.flags)]
        groups = _groups(rows, self.parts, [said] * len(self.parts), once=self.once)
        keys = _keys(self.parts)
        return nw.concat([counts for each in groups for counts in self._counts(each, keys)])

    def _counts(self, rows: Rows, keys: Sequence[str]) -> tuple[Rows, Rows]:
        """Answers by key, value and mask; people by key and signature."""
        answers = rows.group_by("_part", *keys, "_value", "_mask").agg(_n=nw.len())
        people = self._people(rows, ["_part", *keys]).with_columns(_value=nw.lit(_PEOPLE))
        numbers = [nw.col(name).cast(nw.Int64()) for name in _NUMBERS]
        return answers.select(*numbers, *keys), people.select(*numbers, *keys)

    def _people(self, rows: Rows, keys: Sequence[str]) -> Rows:
        """Distinct people by keys and signature."""
        each = rows.group_by(*keys, "person").agg(*(nw.col(flag).max() for flag in self.flags))
        bits = (nw.col(flag) * (1 << place) for place, flag in enumerate(self.flags))
        return (
            each.with_columns(_mask=nw.sum_horizontal(*bits))
            .group_by(*keys, "_mask")
            .agg(_n=nw.len())
        )


@dataclass(frozen=True)
class _Plain:
    """The same where no filter is compared: a row has all counts of a group, as by hand."""

    parts: tuple[Part, ...]
    once: bool

    def __call__(self, rows: Rows) -> Rows:
        """Marked rows → `_part, _people, _n, _n0 …` (a column per value), `_key0 …`."""
        width = max(len(part.values) for part in self.parts)
        one, nought = nw.lit(1), nw.lit(0)
        flags = [
            [
                nw.when(nw.col("_value") == value).then(one).otherwise(nought)
                for value in part.values
            ]
            + [nought] * (width - len(part.values))
            for part in self.parts
        ]
        said = [[flag.alias(f"_n{at}") for at, flag in enumerate(each)] for each in flags]
        keys = ("_part", *_keys(self.parts))
        numbers = [nw.col(f"_n{at}").sum() for at in range(width)]
        return nw.concat(
            [
                each.group_by(*keys).agg(
                    nw.col("person").n_unique().alias("_people"), nw.len().alias("_n"), *numbers
                )
                for each in _groups(rows, self.parts, said, once=self.once)
            ]
        )


def _groups(
    rows: Rows, parts: Sequence[Part], said: Sequence[Sequence[nw.Expr]], *, once: bool
) -> list[Rows]:
    """The rows of each part: `_part, _key0 …, person`, and what is said of them.

    `once`: of all parts together.
    """
    keys = _keys(parts)
    of_total = {
        total: rows.filter(nw.col("_total") == total) for total in {part.total for part in parts}
    }
    groups = [
        of_total[part.total].select(
            nw.lit(at).alias("_part"),
            *(nw.col(name).alias(key) for key, name in zip(keys, part.by, strict=False)),
            *(nw.lit(None, nw.String()).alias(key) for key in keys[len(part.by) :]),
            nw.col("person"),
            *columns,
        )
        for at, (part, columns) in enumerate(zip(parts, said, strict=True))
    ]
    return [nw.concat(groups)] if once else groups


def _keys(parts: Sequence[Part]) -> list[str]:
    """The names that keys have in all parts: as many as the widest needs."""
    return [f"_key{place}" for place in range(max(len(part.by) for part in parts))]


@dataclass(frozen=True)
class _Found:
    """The engine's rows: their part, keys, and what they count; the bit of each flag."""

    part: Whole
    value: Whole
    mask: Whole
    n: Whole
    keys: NDArray[np.object_]  # a row per place of a key
    bits: Mapping[str, int]

    @classmethod
    def of(cls, found: Mapping[str, list[Any]], flags: Sequence[str]) -> "_Found":
        """From columns as an engine gives them."""
        part, value, mask, n = (np.array(found[name], dtype=np.int64) for name in _NUMBERS)
        keys = [found[name] for name in found if name not in _NUMBERS]
        columns = np.array(keys, dtype=object).reshape(len(keys), len(found["_n"]))
        return cls(part, value, mask, n, columns, {flag: at for at, flag in enumerate(flags)})

    def of_part(self, place: int) -> "_Found":
        """The rows of one part."""
        at = self.part == place
        part, value, mask, n = (each[at] for each in (self.part, self.value, self.mask, self.n))
        return _Found(part, value, mask, n, self.keys[:, at], self.bits)

    def people(self, flag: str) -> Chosen:
        """The rows that count people who have a flag; one that isn't there everybody has."""
        of_people: Chosen = self.value == _PEOPLE
        return (
            of_people & (self.mask >> self.bits[flag] & 1 == 1) if flag in self.bits else of_people
        )

    def answers(self, subset: int, value: int) -> Chosen:
        """The rows that count answers of a value under the filters of a subset."""
        chosen: Chosen = (self.value == value) & (self.mask & subset == subset)
        return chosen


def _grouped(keys: NDArray[np.object_]) -> tuple[list[Key], Whole]:
    """Keys (a row per place), each once, sorted, null last; and which of them each column has."""
    if not len(keys):
        return [()], np.zeros(keys.shape[1], dtype=np.int64)
    rows = [tuple(None if is_null(key) else key for key in row) for row in zip(*keys, strict=True)]
    every = sorted(set(rows), key=lambda row: [(key is None, key or "") for key in row])
    place = {key: at for at, key in enumerate(every)}
    return every, np.array([place[row] for row in rows], dtype=np.int64)


def _plain_table(part: Part, at: int, found: Mapping[str, list[Any]], checked: str) -> pd.DataFrame:
    chosen = np.array(found["_part"], dtype=np.int64) == at
    names = [f"_key{place}" for place in range(len(part.by))]
    columns = np.array([found[name] for name in names], dtype=object)
    keys, group = _grouped(columns.reshape(len(names), len(chosen))[:, chosen])
    names = ["_n", "_people", *(f"_n{place}" for place in range(len(part.values)))]
    counts = np.zeros((len(names), len(keys)), dtype=np.int64)
    counts[:, group] = np.array([found[name] for name in names], dtype=np.int64)[:, chosen]
    answers, *counted = counts
    if not np.array_equal(np.sum(counted[1:], axis=0), answers):
        raise FrameError(checked, "holds values out of range", hint=RANGES)
    return _table(part.by, keys, dict(zip((PEOPLE, *part.columns), counted, strict=True)))


def _tables(part: Part, found: _Found, checked: str) -> list[pd.DataFrame]:
    if not np.isin(found.value, (*part.values, _PEOPLE)).all():
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
            np.add.at(counts[place], group[chosen], found.n[chosen])
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
