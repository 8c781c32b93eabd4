"""Privacy of everything that is shown together: no combination of rows tells of fewer than k.

`suppress` looks at one table with its margins. Tables of the same answers by different
dimensions, shown on one page, can be solved like equations: 41 answers from Finland less 40 in
Finnish are one person's. `suppress_together` hides rows until no sum or difference of all that is
shown tells of fewer than k people; `exposed_atoms` says whom rows would expose. The mathematics
is in `analytics.privacy.exposure`.

Both need the *atoms*: the respondents grouped by every dimension that any of the tables uses.
Work grows with their number in one pass, then with rows, not with atoms.

What they can't know: tables that are shown elsewhere (pass them, `fixed`), what a reader knows
about others beforehand, and that a shown row may itself be telling (all of k agree).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analytics.errors import ArgumentError, FrameError
from analytics.privacy.exposure import Atoms, Exposed, Exposure, Flags, Whole

MOST_ROWS = 1_500  # the algebra of more takes seconds: `suppress` does a large table by itself
LOOKS = 200_000_000  # rows cubed: about a second
MOST_LOOKED = 300  # spaces, as the algebra calls them: about as long
TELLING = 0.3  # of the greatest weight: a row with less is one of many ways to say the same


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The rows of a table that is to be shown.

    `keys`: a row each; its columns are columns of the atoms, none (but an index) for a total.
    `people`: distinct respondents, a whole number per row. `within`: the bool columns of the
    atoms that hold for the respondents of the table (a filter); none: all respondents. `fixed`:
    it is shown anyway, elsewhere, so that it can't be hidden here; its rows of fewer than k count
    as hidden there.
    """

    keys: pd.DataFrame
    people: Sequence[int] | Whole
    within: tuple[str, ...] = ()
    fixed: bool = False


def suppress_together(tables: Sequence[Rows], atoms: pd.DataFrame, *, k: int = 5) -> list[Flags]:
    """Which rows of each table to hide (True), so that nobody is exposed by what is left.

    `atoms`: the columns that `tables` name, `people` (int, respondents of the combination) and,
    where people occur in several atoms, `person`: an id, the same in each atom of such a person,
    which is then of that one alone (`people` is 1); in other atoms null or the id of anybody.

    A row of 1 … k - 1 people hides. Then, as long as a sum or difference of visible rows (fixed
    ones too) tells of fewer than k people, or of one person by any linear combination, the
    smallest row that takes part in it hides. A row of nobody stays. The result depends on keys
    and people alone, on no score and no order.

    Raises FrameError for a missing or broken column, ArgumentError for k, and for more than
    `MOST_ROWS` rows.

    >>> atoms = pd.DataFrame({"country": ["FI", "FI", "SE"], "language": ["fi", "sv", "sv"],
    ...                       "people": [40, 1, 30]})
    >>> by = [Rows(keys=atoms[[name]].drop_duplicates(), people=sizes)
    ...       for name, sizes in (("country", [41, 30]), ("language", [40, 31]))]
    >>> [hidden.tolist() for hidden in suppress_together(by, atoms)]
    [[False, True], [True, False]]
    """
    _check(tables, k)
    place, sizes = _places(tables)
    fixed = np.repeat([table.fixed for table in tables], [len(table.people) for table in tables])
    small = np.sort(sizes) < k  # those of nobody can't tell anything: they are as good as hidden
    exposure = Exposure(_atoms(tables, atoms, place), ~small, k=k)
    hidden = _hide(exposure, small, fixed=fixed[np.argsort(place)])
    _open_again(exposure, hidden, small)
    ends = np.cumsum([len(table.people) for table in tables])[:-1]
    return np.split(hidden[place] & (sizes > 0) & ~fixed, ends)


def exposed_atoms(
    tables: Sequence[Rows],
    hidden: Sequence[Flags],
    atoms: pd.DataFrame,
    *,
    k: int = 5,
) -> Flags:
    """Per atom whether the rows that aren't hidden may tell of it among fewer than k people.

    `tables` and `atoms` as in `suppress_together`, `hidden` as it returns them. Nobody is missed
    whom a sum or difference of rows, or for one person any linear combination, gives away. Where
    very many groups overlap closely, those whom it would take too long to clear are named, too.

    >>> atoms = pd.DataFrame({"country": ["FI", "SE"], "people": [40, 3]})
    >>> by = Rows(keys=atoms[["country"]], people=[40, 3])
    >>> total = Rows(keys=pd.DataFrame(index=[0]), people=[43])
    >>> exposed_atoms([by, total], [np.array([False, True]), np.array([False])], atoms).tolist()
    [False, True]
    """
    _check(tables, k)
    place, sizes = _places(tables)
    visible = (~np.concatenate(hidden) & (sizes > 0))[np.argsort(place)]
    found = np.zeros(len(atoms), dtype=np.bool_)
    for one in Exposure(_atoms(tables, atoms, place), visible, k=k).exposed(visible):
        found[one.atom] = True
    return found


def _hide(exposure: Exposure, small: Flags, *, fixed: Flags) -> Flags:
    """The small rows, and others until nobody is exposed (or all are fixed that would help)."""
    hidden = small.copy()
    while True:
        before = hidden.copy()
        for one in exposure.exposed(~before):
            _hide_one(hidden, before, one, fixed=fixed)
        if (before == hidden).all():
            return hidden


def _hide_one(hidden: Flags, before: Flags, found: Exposed, *, fixed: Flags) -> None:
    """Hide the smallest of the rows that tell of the atom, unless one of them has just hidden."""
    weights = np.abs(found.weights)
    for share in (TELLING, TELLING**3):
        telling = (weights >= share * weights.max()) & ~before
        if (telling & hidden).any():
            return
        if (telling & ~fixed).any():
            hidden[np.flatnonzero(telling & ~fixed)[0]] = True
            return


def _open_again(exposure: Exposure, hidden: Flags, small: Flags) -> None:
    """Show rows that hid before others made it needless, the largest first, while it is cheap."""
    extra = np.flatnonzero(hidden & ~small)[::-1]
    if not len(extra) or exposure.exposes(~hidden):
        return
    for row in extra[: LOOKS // len(hidden) ** 3]:
        if exposure.looked > MOST_LOOKED:
            break
        hidden[row] = False
        hidden[row] = exposure.exposes(~hidden)


def _places(tables: Sequence[Rows]) -> tuple[Whole, Whole]:
    """The place of each row among all, from the smallest on, ties by their keys; and its people.

    Everything is computed in that order: the order given is nothing.
    """
    sizes = np.concatenate([np.asarray(table.people, dtype=np.int64) for table in tables])
    texts = [
        (number, tuple(map(repr, row)))
        for number, table in enumerate(tables)
        for row in _keys(table.keys)
    ]
    order = sorted(range(len(sizes)), key=lambda row: (sizes[row], texts[row]))
    place = np.empty(len(sizes), dtype=np.int64)
    place[order] = np.arange(len(sizes))
    return place, sizes


def _keys(keys: pd.DataFrame) -> list[tuple[object, ...]]:
    if not len(keys.columns):
        return [()] * len(keys)
    return list(keys.itertuples(index=False, name=None))


def _check(tables: Sequence[Rows], k: int) -> None:
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise ArgumentError("k", f"is {k!r}", hint="a whole number of respondents ≥ 1")
    for table in tables:
        if len(table.people) != len(table.keys):
            raise FrameError(
                "people", f"has {len(table.people)} values", hint="one for each row of the keys"
            )
    many = sum(len(table.people) for table in tables)
    if not 0 < many <= MOST_ROWS:
        raise ArgumentError(
            "tables", f"have {many} rows", hint=f"1 to {MOST_ROWS}; `suppress` takes a larger one"
        )


def _atoms(tables: Sequence[Rows], atoms: pd.DataFrame, place: Whole) -> Atoms:
    """The atoms in numbers: the place of the row of each table that they are in."""
    used = {name for table in tables for name in (*table.keys.columns, *table.within)}
    for name in ("people", *sorted(used)):
        if name not in atoms:
            raise FrameError(name, "is missing", hint="the atoms need it", present=atoms.columns)
    people = atoms["people"].to_numpy(dtype=np.int64)
    person = np.full(len(atoms), -1, dtype=np.int64)
    if "person" in atoms:
        person = pd.factorize(atoms["person"])[0].astype(np.int64)
        person = _several(person)
    if (people < 1).any() or (people[person >= 0] > 1).any():
        raise FrameError("people", "holds others", hint="1 or more; 1 where `person` occurs again")
    codes = {
        name: pd.factorize(atoms[name], use_na_sentinel=False)
        for name in sorted({name for table in tables for name in table.keys.columns})
    }
    rows, start = [], 0
    for table in tables:
        row = _row_of(table.keys, codes, len(atoms))
        row = np.where(row >= 0, place[start + row], -1)
        for name in table.within:
            row[~atoms[name].to_numpy(dtype=np.bool_)] = -1
        rows.append(row)
        start += len(table.people)
    return Atoms(np.column_stack(rows), people, person)


def _several(person: Whole) -> Whole:
    """The numbers of those who are in several atoms, from 0 without gaps; -1 for the others."""
    times = np.bincount(person[person >= 0], minlength=1)
    places = np.where(times > 1, np.cumsum(times > 1) - 1, -1)
    return np.where(person >= 0, places[person], -1)


def _row_of(keys: pd.DataFrame, codes: dict[str, tuple[Whole, pd.Index]], many: int) -> Whole:
    """The row of the table that each atom is in, -1 for none."""
    code, found = np.zeros(many, dtype=np.int64), np.zeros(len(keys), dtype=np.int64)
    if not len(keys.columns):
        return code if len(keys) else code - 1
    known = np.ones(len(keys), dtype=np.bool_)
    for name in keys.columns:
        mine, values = codes[name]
        place = {_plain(value): at for at, value in enumerate(values)}
        theirs = np.array([place.get(_plain(value), -1) for value in keys[name]], dtype=np.int64)
        known &= theirs >= 0
        code, found = code * len(values) + mine, found * len(values) + theirs
    order = np.argsort(found[known])
    rows = np.flatnonzero(known)[order]
    if not len(rows):
        return np.full(many, -1, dtype=np.int64)
    at = np.minimum(np.searchsorted(found[rows], code), len(rows) - 1)
    return np.where(found[rows][at] == code, rows[at], -1)


def _plain(value: object) -> object:
    return None if pd.isna(value) else value  # type: ignore[call-overload]  # one value of a key
