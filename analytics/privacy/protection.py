"""Which rows of a scope's tables hide: the privacy floor, inside the engine and not in pages.

One rule for every page, export and answer of an API, so that what is hidden in one is hidden in
all of them. For a scope and what is asked of it:

1. the total and the tables by every single dimension are decided whichever of them are asked for,
   so that no two pages of the same scope can be subtracted from each other: first, together
   (`together.py`), those that pages show, then the others, each level of `LEVELS` knowing what is
   shown of the earlier ones (so that a language hides rather than its country);
2. then what else is asked for, over time or by several dimensions, one table after the other, each
   knowing what is shown already (and of several dimensions first the fewer);
3. pages with fewer filters tell of the same people. Beside one filter, all that 1 shows without it
   is known. Of more filters, and of the tables of 2, each row is: all of it, and without one filter
   each. From these follow the people whom exactly one of the filters leaves out, and those whom
   several do. Where they are 1 … k - 1 the row hides, and nothing that is shown may add up to it;
4. where a filter names a value whose row hides without it, everything hides: pages of single
   values are sums of shown rows, and one with a hidden value would give that away.

Comments are decided in the same way, and each theme as if it were a score of its own.

Bounds: beyond `MANY` answers only the tables by `MAIN` dimensions are decided always, others as in
2 if they are asked for; a table that brings more than `together.MOST_ROWS` is decided by itself,
with its own margins (`suppress.hidden_rows`).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.errors import ArgumentError
from analytics.periods import Grain
from analytics.privacy import together
from analytics.privacy.atoms import comment_atoms, filter_column, score_atoms, theme_atoms
from analytics.privacy.suppress import hidden_rows
from analytics.privacy.together import Rows
from analytics.scope import DIMENSIONS, Breakdown, Scope

# What few pages show hides where it is that or what many show.
SHOWN = ("country", "stage", "age_band", "gender", "channel")
LEVELS = (SHOWN, ("language",), ("region", "comment_language", "survey", "month"))
# Of however many answers; of comments, too, with what else pages filter them by.
MAIN = ("country", "stage", "language")
COMMENTED = (*MAIN, "age_band")
MANY = 25_000
MOST_KEYS = 3  # a table's parts are decided before it, twice as many for each key more
HIDDEN, CLOSED = "hidden", "closed"
INSIDE, WHOLE = "_inside", "_whole"  # of atoms: all filters hold; these are all
Flags = NDArray[np.bool_]
Whole = NDArray[np.int64]
Keys = tuple[str, ...]


def protect_scores(
    frame: Any, scope: Scope, asked: Iterable[Breakdown], *, grain: Grain = "month"
) -> list[pd.DataFrame]:
    """Which rows of each breakdown hide: its keys, `people` and the bool `hidden`, sorted.

    One table more, the last, says of each total whether rule 4 closes it: `metric, kind, closed`.
    `frame` and errors as for `plan.count_scores`, and ArgumentError for more than `MOST_KEYS` keys;
    rows of nobody are absent. `people` are as many as the rule needs to know: k or more of them may
    count some twice.
    """
    asked = list(asked)
    for each in asked:
        if len(each.by) > MOST_KEYS:
            raise ArgumentError("by", f"is {each.by}", hint=f"at most {MOST_KEYS} keys of a table")
    scope = scope.narrowed(asked, grain=grain)
    totals = list(dict.fromkeys(each.total for each in asked))
    names = (*MAIN, *scope.filters)
    ways = [*asked, *(total.over(name) for total in totals for name in names)]
    beside = [total.over(name) for total in totals for name in DIMENSIONS]
    found = score_atoms(frame, scope, ways, grain=grain, beside=beside, most=MANY)
    decided: dict[tuple[Breakdown, Keys], pd.DataFrame] = {}
    closed = []
    for total, atoms in zip(totals, found, strict=True):
        mine = [each.by for each in asked if each.total == total]
        page = _decided(atoms, scope, mine)
        closed.append((total.metric, total.kind, page.closed))
        decided |= {(total, by): page.told(by) for by in mine}
    told = [decided[each.total, each.by] for each in asked]
    return [*told, pd.DataFrame(closed, columns=["metric", "kind", CLOSED])]


def protect_comments(frame: Any, scope: Scope, asked: Iterable[Keys]) -> list[pd.DataFrame]:
    """Which rows of comments hide: a table as in `protect_scores` for each of `asked`.

    These are `()`, for what all of them say together, or single dimensions of `COMMENTED`; all of
    which are decided together, whichever are asked for. `frame` as for `plan.count_comments`.
    """
    keys = list(dict.fromkeys([*COMMENTED, *scope.filters]))
    page = _decided(comment_atoms(frame, scope, keys), scope, ())
    return [page.told(by) for by in asked]


def protect_themes(frame: Any, scope: Scope) -> pd.DataFrame:
    """Which themes hide: `theme`, `people` and `hidden`, sorted; `frame` as for
    `plan.count_themes`.

    Mentions of themes don't add up to anything that is shown; but where all comments and those on
    one theme are, the few on another are nearly told. So a theme that is hidden gets company, as if
    all of them were parts of a whole (`suppress.hidden_rows`).
    """
    table = _themes(theme_atoms(frame, scope, list(scope.filters)), scope)
    people = np.where(table[HIDDEN], np.minimum(table["people"], 1), table["people"])
    hidden = hidden_rows(table[["theme"]], people, k=scope.respondent_floor)
    return table.assign(**{HIDDEN: hidden})


def _themes(atoms: pd.DataFrame, scope: Scope) -> pd.DataFrame:
    if not scope.filters:  # then no page tells of the same mentions
        page = _Page(_Coded.of(atoms, scope), scope)
        page.decide([[("theme",)]])
        return page.told(("theme",))
    told = [
        _decided(mine.drop(columns="theme"), scope, ()).told(()).assign(theme=theme)
        for theme, mine in atoms.groupby("theme")
    ]
    none = pd.DataFrame({"theme": pd.array([], "str"), "people": np.int64(), HIDDEN: np.bool_()})
    return pd.concat([none, *told], ignore_index=True)


def _decided(atoms: pd.DataFrame, scope: Scope, asked: Sequence[Keys]) -> "_Page":
    coded = _Coded.of(atoms, scope)
    page = _Page(coded, scope)
    page.decide(list(_levels(asked, coded.values)))
    return page


def _levels(asked: Sequence[Keys], known: Collection[str]) -> Iterator[list[Keys]]:
    """What is decided together, in the order in which it is decided."""
    singles = [name for name in DIMENSIONS if name in known]
    always = singles if len(singles) == len(DIMENSIONS) else MAIN
    for place, level in enumerate(LEVELS):
        total: list[Keys] = [] if place else [()]
        yield [*total, *((name,) for name in singles if name in level and name in always)]
    for name in singles:
        if name not in always:
            yield [(name,)]
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

    `left`: the fewest people whom pages with fewer filters would tell apart, 0 where nobody, or
    where these pages are known.
    """

    by: Keys
    codes: pd.DataFrame
    people: Whole
    left: Whole
    hidden: Flags

    def rows(self, *, within: str = INSIDE, fixed: bool = False) -> Rows:
        """Those that don't hide."""
        chosen = ~self.hidden
        return Rows(
            keys=self.codes[chosen], people=self.people[chosen], within=(within,), fixed=fixed
        )


@dataclass(frozen=True)
class _Coded:
    """Atoms whose keys and persons are numbers: places in `values`, per key.

    `holds`: per filter, for which atoms it does. `several`: atoms of people who are in others, too.
    """

    atoms: pd.DataFrame
    values: Mapping[str, pd.Index]
    holds: Mapping[str, Flags]
    several: Flags

    @classmethod
    def of(cls, atoms: pd.DataFrame, scope: Scope) -> "_Coded":
        """From atoms as `atoms.py` makes them."""
        columns = {name: filter_column(name) for name in scope.filters}
        keys = atoms.columns.difference(["people", "person", *columns.values()])
        coded: dict[str, Any] = {"people": atoms["people"].to_numpy(dtype=np.int64)}
        values: dict[str, pd.Index] = {}
        for name in keys:
            coded[name], values[name] = pd.factorize(atoms[name], sort=True, use_na_sentinel=False)
        coded["person"] = pd.factorize(atoms["person"])[0]
        times = np.bincount(coded["person"], minlength=1)
        holds = {name: atoms[column].to_numpy(dtype=np.bool_) for name, column in columns.items()}
        return cls(pd.DataFrame(coded), values, holds, times[coded["person"]] > 1)

    def people(self, place: Whole, atoms: Whole | Flags, size: int) -> Whole:
        """How many different people some of the atoms bring to each of as many places."""
        several = self.several[atoms]
        people = self.atoms["people"].to_numpy()[atoms]
        found = np.bincount(place[~several], weights=people[~several], minlength=size)
        # Somebody in several atoms of one row is one person there.
        person = self.atoms["person"].to_numpy()[atoms]
        pairs = np.unique(person[several] * (size + 1) + place[several])
        return found.astype(np.int64) + np.bincount(pairs % (size + 1), minlength=size)


class _Page:
    """One total of a scope, its comments or a theme, under some of the filters."""

    def __init__(self, coded: _Coded, scope: Scope) -> None:
        self.closed = False
        self._coded, self._scope, self._k = coded, scope, scope.respondent_floor
        self._tables: dict[Keys, _Table] = {}
        # The page without the only filter, if it is known beside this one.
        self._whole: _Page | None = None
        # How many of the filters leave somebody out, and the only one that does.
        missing = np.array([~coded.holds[name] for name in scope.filters])
        missing = missing.reshape(len(scope.filters), len(coded.atoms))
        times = missing.sum(axis=0)
        self._group = np.where(times > 1, len(missing) + 1, 0)
        for at, one in enumerate(missing, 1):
            self._group[(times == 1) & one] = at

    def decide(self, levels: Sequence[Sequence[Keys]]) -> None:
        """Decide what hides of the tables of each level.

        A level knows nothing of later ones: what it hides must not hang on what else is asked for.
        """
        filters = self._scope.filters
        if filters:
            whole = _Page(self._coded, replace(self._scope, filters={}))
            whole.decide([level for level in levels if all(_is_single(by) for by in level)])
            self.closed = any(whole.hides(name, values) for name, values in filters.items())
            if len(filters) == 1 and 2 * whole.size <= together.MOST_ROWS:
                self._whole = whole
        for level in levels:
            self._decide([self._counted(by) for by in level])

    @property
    def size(self) -> int:
        """How many rows its tables have."""
        return sum(len(one.people) for one in self._tables.values())

    def hides(self, name: str, values: Sequence[str]) -> bool:
        """Whether one of these values of a dimension hides."""
        told = self.told((name,))
        return bool(told.loc[told[HIDDEN], name].isin(values).any())

    def told(self, by: Keys) -> pd.DataFrame:
        """A table that is decided: keys, `people`, `hidden`."""
        table = self._tables[by]
        keys = {name: self._coded.values[name].take(table.codes[name].to_numpy()) for name in by}
        hidden = table.people > 0 if self.closed else table.hidden
        return pd.DataFrame(keys | {"people": table.people, HIDDEN: hidden})

    def _decide(self, tables: Sequence[_Table]) -> None:
        """Decide which rows of these tables hide, beside those that are decided already."""
        fresh = [one.rows() for one in tables]
        if _many(fresh):
            found = self._found(tables, fresh)
        else:
            found = [np.zeros(0, dtype=np.bool_) for _ in fresh]
        for table, hidden in zip(tables, found, strict=True):
            whole = table.hidden.copy()
            whole[~table.hidden] = hidden
            self._tables[table.by] = replace(table, hidden=whole)

    def _found(self, tables: Sequence[_Table], fresh: Sequence[Rows]) -> list[Flags]:
        beside, atoms = self._beside([*self._tables.values(), *tables])
        every = [*beside, *fresh]
        if _many(every) > together.MOST_ROWS:
            return [hidden_rows(one.codes, _fewest(one), k=self._k)[~one.hidden] for one in tables]
        return together.suppress_together(every, atoms, k=self._k)[-len(fresh) :]

    def _beside(self, tables: Sequence[_Table]) -> tuple[list[Rows], pd.DataFrame]:
        """What is known beside tables that are to be decided, and all atoms.

        That are the page's rows, those of the whole, and further ones of pages with fewer filters
        that would tell a few people apart. Such a row is that of the scope and those few, who are
        an atom of their own, in no other.
        """
        rows = [one.rows(fixed=True) for one in self._tables.values()]
        atoms = self._coded.atoms
        flags = {INSIDE: self._group == 0, WHOLE: np.ones(len(atoms), dtype=np.bool_)}
        if self._whole:
            rows += [one.rows(within=WHOLE, fixed=True) for one in self._whole._tables.values()]
        else:
            atoms, flags = atoms[flags[INSIDE]], {INSIDE: flags[WHOLE][flags[INSIDE]]}
        parts = []
        for place, table in enumerate(tables):
            telling = table.left > 0
            if telling.any():
                name, keys = f"row{place}", table.codes[telling]
                flags[name] = flags[INSIDE]
                parts.append(keys.assign(people=table.left[telling], **{name: True}))
                people = (table.people + table.left)[telling]
                rows.append(Rows(keys=keys, people=people, within=(name,), fixed=True))
        atoms = atoms.assign(**flags)
        if not parts:
            return rows, atoms
        atoms = pd.concat([atoms, *parts], ignore_index=True)
        atoms[list(flags)] = atoms[list(flags)].fillna(value=False).astype(bool)
        strangers = atoms["person"].isna()
        atoms.loc[strangers, "person"] = -1 - np.arange(strangers.sum())
        return rows, atoms

    def _counted(self, by: Keys) -> _Table:
        """A table before it is decided, but for rows that wider pages tell too much of."""
        coded = self._coded
        code = np.zeros(len(coded.atoms), dtype=np.int64)
        for name in by:
            code = code * len(coded.values[name]) + coded.atoms[name].to_numpy()
        found, place = _places(code[self._group == 0])
        people = coded.people(place, self._group == 0, len(found))
        is_known = self._whole is not None and by in self._whole._tables
        left = np.zeros_like(people) if is_known else self._left(code, found)
        codes = pd.DataFrame(index=range(len(found)))
        for name in reversed(by):
            size = len(coded.values[name])
            codes.insert(0, name, found % size)
            found = found // size
        return _Table(by, codes, people, left, left > 0)

    def _left(self, code: Whole, found: Whole) -> Whole:
        """The fewest, but fewer than k, who are in a row (`found`) but for one filter, or more."""
        left = np.zeros(len(found), dtype=np.int64)
        for group in range(1, len(self._scope.filters) + 2):
            at = np.flatnonzero(self._group == group)
            near = np.minimum(np.searchsorted(found, code[at]), max(len(found) - 1, 0))
            same = found[near] == code[at] if len(found) else np.zeros(len(at), dtype=np.bool_)
            out = self._coded.people(near[same], at[same], len(found))
            few = (out > 0) & (out < self._k)
            left = np.where(few & ((left == 0) | (out < left)), out, left)
        return left


def _is_single(by: Keys) -> bool:
    return not by or by in [(name,) for name in DIMENSIONS]


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
