"""Which rows of a scope's tables hide: the privacy floor, inside the engine and not in pages.

One rule for every page, export and answer of an API, so that what is hidden in one is hidden in
all of them. For a scope and what is asked of it:

1. the total and the tables by every single dimension are decided together (`together.py`),
   whichever of them are asked for, so that no two pages of the same scope can be subtracted from
   each other; of these, those of `LATER` knowing what the others show (so that
   a language hides rather than its country);
2. then what else is asked for, over time or by several dimensions, one table after the other, each
   knowing what is shown already (and of several dimensions first the fewer);
3. pages with fewer filters tell of the same row, too: all of it, and without one filter each. From
   these follow the people whom exactly one of the filters leaves out, and those whom several do.
   Where they are 1 … k - 1 the row hides, and nothing that is shown may add up to it;
4. where a filter names a value whose row hides without it, everything hides: pages of single
   values are sums of shown rows, and one with a hidden value would give that away.

Bounds: beyond `MANY` answers only what is asked for is decided together (1); a table that brings
more than `together.MOST_ROWS` is decided by itself, with its own margins (`suppress.hidden_rows`).
"""

from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.periods import Grain
from analytics.privacy import together
from analytics.privacy.atoms import comment_atoms, filter_column, score_atoms, theme_atoms
from analytics.privacy.suppress import hidden_rows
from analytics.privacy.together import Rows
from analytics.scope import DIMENSIONS, Breakdown, Scope

# What few pages show hides where it is that or what many show.
LATER = ("language", "region", "comment_language", "survey", "month")
MANY = 25_000
HIDDEN, CLOSED = "hidden", "closed"
INSIDE = "_inside"  # of atoms: all filters hold
Flags = NDArray[np.bool_]
Whole = NDArray[np.int64]
Keys = tuple[str, ...]


def protect_scores(
    frame: Any, scope: Scope, asked: Iterable[Breakdown], *, grain: Grain = "month"
) -> list[pd.DataFrame]:
    """Which rows of each breakdown hide: its keys, `people` and the bool `hidden`, sorted.

    One table more, the last, says of each total whether rule 4 closes it: `metric, kind, closed`.
    `frame` and errors as for `plan.count_scores`; rows of nobody are absent. `people` are
    as many as the rule needs to know: k or more of them may count some twice.
    """
    asked = list(asked)
    scope = scope.narrowed(asked, grain=grain)
    totals = list(dict.fromkeys(each.total for each in asked))
    ways = [*asked, *(total.over(name) for total in totals for name in scope.filters)]
    beside = [total.over(name) for total in totals for name in DIMENSIONS]
    found = score_atoms(frame, scope, ways, grain=grain, beside=beside, most=MANY)
    decided: dict[tuple[Breakdown, Keys], pd.DataFrame] = {}
    closed = []
    for total, atoms in zip(totals, found, strict=True):
        mine = [each.by for each in asked if each.total == total]
        deciding = _Deciding(atoms, scope)
        deciding.decide(list(_levels(mine, atoms.columns)))
        closed.append((total.metric, total.kind, deciding.closed))
        decided |= {(total, by): deciding.told(by) for by in mine}
    told = [decided[each.total, each.by] for each in asked]
    return [*told, pd.DataFrame(closed, columns=["metric", "kind", CLOSED])]


def protect_comments(frame: Any, scope: Scope, closed: Sequence[bool]) -> list[pd.DataFrame]:
    """Whether what comments say together hides: one table of one row, `people` and `hidden`.

    `frame` as for `plan.count_comments`. `closed` holds one value, whether rule 4 closes the scope:
    comments themselves don't know.
    """
    return [_talked(comment_atoms(frame, scope), scope, (), closed=closed[0])]


def protect_themes(frame: Any, scope: Scope, closed: Sequence[bool]) -> list[pd.DataFrame]:
    """Which themes hide: one table, `theme`, `people` and `hidden`; else as `protect_comments`.

    Mentions of themes don't add up to anything that is shown; but where all comments and those on
    one theme are, the few on another are nearly told. So a theme that is hidden gets company, as if
    all of them were parts of a whole (`suppress.hidden_rows`).
    """
    told = _talked(theme_atoms(frame, scope), scope, ("theme",), closed=closed[0])
    people = np.where(told[HIDDEN], np.minimum(told["people"], 1), told["people"])
    hidden = hidden_rows(told[["theme"]], people, k=scope.respondent_floor)
    return [told.assign(**{HIDDEN: hidden})]


def _talked(atoms: pd.DataFrame, scope: Scope, by: Keys, *, closed: bool) -> pd.DataFrame:
    deciding = _Deciding(atoms, scope)
    deciding.decide([[by]])
    deciding.closed = closed
    return deciding.told(by)


def _levels(asked: Sequence[Keys], known: Iterable[str]) -> Iterator[list[Keys]]:
    """What is decided together, in the order in which it is decided."""
    singles = [name for name in DIMENSIONS if name in known]
    yield [(), *((name,) for name in singles if name not in LATER)]
    yield [(name,) for name in singles if name in LATER]
    others = {
        part: None
        for by in asked
        for size in range(1, len(by) + 1)
        for part in combinations(by, size)
        if len(part) > 1 or part[0] not in singles
    }
    for part in sorted(others, key=lambda part: (len(part), part)):
        yield [part]


@dataclass(frozen=True)
class _Table:
    """The rows of a table: codes of their keys, people, which hide (or are not decided).

    `left`: the fewest people whom pages with fewer filters would tell apart, 0 where nobody.
    """

    by: Keys
    codes: pd.DataFrame
    people: Whole
    left: Whole
    hidden: Flags

    def rows(self, chosen: Flags, *, fixed: bool = False) -> Rows:
        """Some of them."""
        return Rows(
            keys=self.codes[chosen], people=self.people[chosen], within=(INSIDE,), fixed=fixed
        )


class _Deciding:
    """One total of a scope, or its comments, under some of its filters."""

    def __init__(self, atoms: pd.DataFrame, scope: Scope) -> None:
        self.closed = False
        self._scope, self._k = scope, scope.respondent_floor
        self._values: dict[str, pd.Index] = {}
        holds = [atoms[filter_column(name)].to_numpy(dtype=np.int64) for name in scope.filters]
        # How many of the filters leave somebody out, and the only one that does.
        missing = np.array([1 - one for one in holds]).reshape(len(holds), len(atoms))
        self._group = np.where(missing.sum(axis=0) > 1, len(holds) + 1, 0)
        for at, one in enumerate(missing, 1):
            self._group[(missing.sum(axis=0) == 1) & (one == 1)] = at
        coded = {"people": atoms["people"].to_numpy(dtype=np.int64)}
        for name in atoms.columns.difference(
            ["people", "person", *map(filter_column, scope.filters)]
        ):
            coded[name], self._values[name] = pd.factorize(
                atoms[name], sort=True, use_na_sentinel=False
            )
        coded["person"] = pd.factorize(atoms["person"])[0]
        self._atoms = pd.DataFrame(coded)
        times = np.bincount(coded["person"], minlength=1)
        self._several = times[coded["person"]] > 1
        self._tables: dict[Keys, _Table] = {}

    def decide(self, levels: Sequence[Sequence[Keys]]) -> None:
        """Decide what hides of the tables of each level.

        A level knows nothing of later ones: what it hides must not hang on what else is asked for.
        """
        names = [(name,) for name in self._scope.filters if name in self._values]
        if names:  # else of comments, which are closed by what scores say
            wide = self._without_filters()
            wide.decide(levels[:2])
            self.closed = any(wide.hides(name, self._scope.filters[name]) for (name,) in names)
        for level in levels:
            self._decide([self._counted(by) for by in level])

    def hides(self, name: str, values: Sequence[str]) -> bool:
        """Whether one of these values of a dimension hides."""
        told = self.told((name,))
        return bool(told.loc[told[HIDDEN], name].isin(values).any())

    def told(self, by: Keys) -> pd.DataFrame:
        """A table that is decided: keys, `people`, `hidden`."""
        table = self._tables[by]
        keys = {name: self._values[name].take(table.codes[name].to_numpy()) for name in by}
        hidden = table.people > 0 if self.closed else table.hidden
        return pd.DataFrame(keys | {"people": table.people, HIDDEN: hidden})

    def _without_filters(self) -> "_Deciding":
        wide = copy(self)
        wide._scope = replace(self._scope, filters={})
        wide._group, wide._tables = np.zeros_like(self._group), {}
        return wide

    def _decide(self, tables: Sequence[_Table]) -> None:
        """Decide which rows of these tables hide, beside those that are decided already."""
        known = [one.rows(~one.hidden, fixed=True) for one in self._tables.values()]
        fresh = [one.rows(~one.hidden) for one in tables]
        if _many([*known, *fresh]) > together.MOST_ROWS:
            found = [hidden_rows(one.codes, _fewest(one), k=self._k)[~one.hidden] for one in tables]
        elif not _many(fresh):
            found = [np.zeros(0, dtype=np.bool_) for _ in fresh]
        else:
            wider, atoms = self._wider([*self._tables.values(), *tables])
            every = [*known, *wider, *fresh]
            found = together.suppress_together(every, atoms, k=self._k)[-len(fresh) :]
        for table, hidden in zip(tables, found, strict=True):
            whole = table.hidden.copy()
            whole[~table.hidden] = hidden
            self._tables[table.by] = replace(table, hidden=whole)

    def _wider(self, tables: Sequence[_Table]) -> tuple[list[Rows], pd.DataFrame]:
        """Rows of pages with fewer filters that would tell a few people apart, and all atoms.

        Such a row is that of the scope and those few, who are an atom of their own, in no other.
        """
        inside = self._atoms[self._group == 0]
        flags, wider, people = {INSIDE: np.ones(len(inside), dtype=np.bool_)}, [], [inside]
        for place, table in enumerate(tables):
            telling = table.left > 0
            if telling.any():
                name = f"wider{place}"
                flags[name] = flags[INSIDE]
                few = table.codes[telling].assign(people=table.left[telling], **{name: True})
                people.append(few)
                sums = (table.people + table.left)[telling]
                wider.append(
                    Rows(keys=table.codes[telling], people=sums, within=(name,), fixed=True)
                )
        people[0] = inside.assign(**flags)
        atoms = pd.concat(people, ignore_index=True)
        atoms[list(flags)] = atoms[list(flags)].fillna(value=False).astype(bool)
        strangers = atoms["person"].isna()
        atoms.loc[strangers, "person"] = -1 - np.arange(strangers.sum())
        return wider, atoms

    def _counted(self, by: Keys) -> _Table:
        """A table before it is decided, but for rows that wider pages tell too much of."""
        code = np.zeros(len(self._atoms), dtype=np.int64)
        for name in by:
            code = code * len(self._values[name]) + self._atoms[name].to_numpy()
        found, place = _places(code[self._group == 0])
        people = self._people(place, self._group == 0, len(found))
        left = np.zeros_like(people)
        for group in range(1, len(self._scope.filters) + 2):
            at = np.flatnonzero(self._group == group)
            near = np.minimum(np.searchsorted(found, code[at]), max(len(found) - 1, 0))
            same = found[near] == code[at] if len(found) else np.zeros(len(at), dtype=np.bool_)
            out = self._people(near[same], at[same], len(found))
            few = (out > 0) & (out < self._k)
            left = np.where(few & ((left == 0) | (out < left)), out, left)
        codes = pd.DataFrame(index=range(len(found)))
        for name in reversed(by):
            size = len(self._values[name])
            codes.insert(0, name, found % size)
            found = found // size
        return _Table(by, codes, people, left, left > 0)

    def _people(self, place: Whole, atoms: Whole | Flags, size: int) -> Whole:
        """How many different people the atoms bring to each place."""
        several = self._several[atoms]
        people = self._atoms["people"].to_numpy()[atoms]
        found = np.bincount(place[~several], weights=people[~several], minlength=size)
        # Somebody in several atoms of one row is one person there.
        person = self._atoms["person"].to_numpy()[atoms]
        pairs = np.unique(person[several] * (size + 1) + place[several])
        return found.astype(np.int64) + np.bincount(pairs % (size + 1), minlength=size)


def _places(code: Whole) -> tuple[Whole, Whole]:
    """The different codes, rising, and the place of each among them."""
    if not len(code) or code.max() > len(code) + 1_000_000:  # no table of all
        found, place = np.unique(code, return_inverse=True)
        return found, place
    known = np.bincount(code) > 0
    return np.flatnonzero(known), (np.cumsum(known) - 1)[code]


def _fewest(table: _Table) -> Whole:
    """The people of each row, no more than one where it hides: it needs company as if so few."""
    return np.where(table.hidden, np.minimum(table.people, 1), table.people)


def _many(rows: Iterable[Rows]) -> int:
    return sum(len(one.people) for one in rows)
