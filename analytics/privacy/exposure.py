"""The algebra of `analytics.privacy.together`: whom do published sums expose?

Every row of a published table is the sum of what its respondents gave, one unknown for each of
them. Whatever can be worked out of all rows together by sums and differences is a vector of their
*row space*: a number for each respondent. It exposes those where it is not 0 if they are fewer
than k. To try every group of people would be hopeless; such vectors are found by *peeling*:

    the *leverage* of a respondent is the greatest part that one of them can have in a vector of
    the space, v_p² / |v|². A vector that adds up and subtracts s people gives each a part of
    1/s. So whoever has a leverage below 1/(k - 1) is in no such vector of fewer than k people;
    what is left are the vectors that are 0 for all of those, a smaller space, in which leverages
    are smaller; and so on, until nothing changes.

Leverages of a space add up to its dimension, so that at most (k - 1) · rows people survive the
first round: it costs one pass over all atoms, and whatever follows is small. That pass serves
every choice of rows to hide, since hiding makes no leverage greater.

What is left is mostly nothing, or a few people who are exposed. To tell the two apart for certain
where more than k are left: a vector that tells of fewer than k people is 0 for all of one group
at least, if they are divided into k; so it is looked for in the k smaller spaces of those that
are. Nobody is missed whom a sum or a difference of groups gives away, nor anybody who can be
solved for alone by whatever combination, since such a person's leverage is 1.

People who are in c atoms are peeled as a whole: by the greatest part of all their atoms (an
eigenvalue), each counted as 1/c. A vector may tell of one of their answers only, so that they
leave below 1/(1 + c · (k - 2)).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from analytics.scipy import connected_components, csr_array

Flags = NDArray[np.bool_]
Whole = NDArray[np.int64]
Real = NDArray[np.float64]

NOTHING = 1e-7  # what rounding leaves of a 0, where one respondent among millions is 1e-4
NO_SQUARE = 1e-10  # the same of a square
SLACK = 1e-6  # a leverage that just reaches its bound must not be lost
CHUNK = 1 << 20  # numbers at once
MOST_SPACES = 60  # looked into for one pass; beyond, whoever is left counts as exposed


@dataclass(frozen=True)
class Atoms:
    """Groups of respondents who are in the same rows.

    `rows`: per atom and table the row that it is in, counted through all tables, or -1 for none.
    `people`: how many respondents. `person`: numbers those who are in several atoms, -1 for the
    others; each atom of such a person is that person's alone, so that `people` is 1.
    """

    rows: Whole
    people: Whole
    person: Whole

    def take(self, chosen: NDArray[np.intp] | Flags) -> "Atoms":
        """Some of the atoms."""
        return Atoms(self.rows[chosen], self.people[chosen], self.person[chosen])

    @cached_property
    def times(self) -> Whole:
        """Of how many atoms each is one for its person."""
        found = np.ones(len(self.person), dtype=np.int64)
        several = self.person >= 0
        if several.any():
            found[several] = np.bincount(self.person[several])[self.person[several]]
        return found

    @cached_property
    def units(self) -> Whole:
        """A number for each atom of its own, and one for all of a person's."""
        alone = self.person < 0
        units = np.where(alone, np.cumsum(alone) - 1, 0)
        several = np.unique(self.person[~alone], return_inverse=True)[1]
        units[~alone] = alone.sum() + several
        return units

    @property
    def heads(self) -> int:
        """How many different people there are."""
        several = self.person >= 0
        return int(self.people[~several].sum()) + len(np.unique(self.person[several]))

    def persons(self) -> Iterator[NDArray[np.intp]]:
        """The atoms of those who are in several: a row for each person who is in as many."""
        order = np.argsort(self.person, kind="stable")
        order = order[np.searchsorted(self.person[order], 0) :]
        if not len(order):
            return
        _, start, times = np.unique(self.person[order], return_index=True, return_counts=True)
        for many in np.unique(times):
            yield order[start[times == many][:, None] + np.arange(many)]


@dataclass(frozen=True)
class Exposed:
    """An atom that is exposed, and the weight of every row in how that is worked out."""

    atom: int
    leverage: float
    weights: Real


@dataclass(frozen=True)
class _Space:
    """Combinations of rows (`ways`) and what they add up to (`sums`) for some atoms.

    `at` are their places. For all other atoms the sums are 0.
    """

    ways: Real
    sums: Real
    atoms: Atoms
    at: NDArray[np.intp]

    def vanishing(self, gone: Flags) -> "_Space":
        """The combinations that are 0 for some of the atoms, without these."""
        left, size, _ = np.linalg.svd(self.sums[:, gone])
        nothing = np.ones(len(self.ways), dtype=np.bool_)
        nothing[: len(size)] = size <= NOTHING
        some = left[:, nothing].T
        sums = some @ self.sums[:, ~gone]
        return _Space(some @ self.ways, sums, self.atoms.take(~gone), self.at[~gone])

    def orthonormal(self) -> "_Space":
        """The same with sums of length 1 that are at right angles, respondent by respondent.

        People who are in several atoms count once. Combinations that add up to 0 for everybody go.
        """
        weight = np.sqrt(self.atoms.people / self.atoms.times)
        left, size, right = np.linalg.svd(self.sums * weight, full_matrices=False)
        some = size > NOTHING
        ways = (left[:, some].T @ self.ways) / size[some, None]
        return replace(self, ways=ways, sums=right[some] / weight)

    def leverages(self) -> Real:
        """Of each atom's respondents; of an orthonormal space."""
        found: Real = (self.sums**2).sum(axis=0) / self.atoms.times
        for group in self.atoms.persons():
            blocks = np.einsum("rpa,rpb->pab", self.sums[:, group], self.sums[:, group])
            found[group] = np.linalg.eigvalsh(blocks)[:, -1:] / group.shape[1]
        return found

    def parts(self) -> "list[_Space]":
        """Spaces that have no atom in common and make up this one, which is orthonormal."""
        near = np.abs(self.sums.T @ self.sums) > SLACK
        one, other = np.nonzero(near)
        units = self.atoms.units
        size = units.max() + 1
        ties = csr_array((np.ones(len(one)), (units[one], units[other])), shape=(size, size))
        many, label = connected_components(ties, directed=False)
        if many == 1:
            return [self]
        return [self.vanishing(label[units] != part) for part in range(many)]


class Exposure:
    """Whom rows expose, for any choice of visible rows among those of the beginning."""

    def __init__(self, atoms: Atoms, visible: Flags, *, k: int) -> None:
        """`visible`: per row whether it may be read; rows without respondents must not be."""
        self._k, self._size = k, len(visible)
        shown = np.append(visible, False)  # the row -1, which is none
        atoms = Atoms(np.where(shown[atoms.rows], atoms.rows, -1), atoms.people, atoms.person)
        whole = _gram(atoms, self._size, atoms.people)
        some = np.flatnonzero(self._first_round(atoms, visible, whole))
        # An order of their own: results must not depend on the order in which atoms came.
        self._kept = some[np.lexsort((atoms.person[some], *atoms.rows[some].T))]
        self._atoms = atoms.take(self._kept)
        # Whole numbers, so that what is left is exact.
        self._rest = whole - _gram(self._atoms, self._size, self._atoms.people)
        self._scale = np.sqrt(np.maximum(whole.diagonal(), 1))
        self._within = np.zeros((self._size + 1, len(self._kept)))
        for column in self._atoms.rows.T:
            self._within[column, np.arange(len(self._kept))] = 1
        self.looked = 0  # into how many spaces, in all
        self._most = 0

    def exposed(self, visible: Flags) -> list[Exposed]:
        """The atoms that these rows expose, the most exposed first."""
        found: dict[int, Exposed] = {}
        for one in self._found(visible):
            if one.atom not in found or one.leverage > found[one.atom].leverage + SLACK:
                found[one.atom] = one
        places = {atom: place for place, atom in enumerate(self._kept.tolist())}
        return sorted(found.values(), key=lambda one: (-round(one.leverage, 5), places[one.atom]))

    def exposes(self, visible: Flags) -> bool:
        """Whether these rows expose anybody."""
        return next(self._found(visible), None) is not None

    def _found(self, visible: Flags) -> Iterator[Exposed]:
        rows = np.flatnonzero(visible)
        if not len(self._kept) or not len(rows):
            return
        scale = self._scale[rows]
        squares, vectors = np.linalg.eigh(self._rest[np.ix_(rows, rows)] / np.outer(scale, scale))
        ways = np.zeros((int((squares < NO_SQUARE).sum()), self._size))
        ways[:, rows] = vectors[:, squares < NO_SQUARE].T / scale
        sums = ways @ self._within[:-1]
        self._most = self.looked + MOST_SPACES
        yield from self._search(_Space(ways, sums, self._atoms, np.arange(len(self._kept))))

    def _search(self, space: _Space) -> Iterator[Exposed]:
        """Whom the combinations of a space expose."""
        peeled = self._peel(space)
        if peeled is None:
            return
        self.looked += 1
        if peeled.atoms.heads < self._k or self.looked > self._most:
            yield from self._all_of(peeled)
            return
        parts = peeled.parts() if len(peeled.at) * len(peeled.at) <= 16 * CHUNK else [peeled]
        if len(parts) > 1:
            for part in parts:
                yield from self._search(part)
        elif len(peeled.ways) > 1:  # a single one tells of all of them, who are k or more
            units = peeled.atoms.units
            for group in range(min(self._k, int(units.max()) + 1)):
                yield from self._search(peeled.vanishing(units % self._k == group))

    def _peel(self, space: _Space) -> _Space | None:
        """Without those who are in no combination of fewer than k people; None without anybody."""
        while True:
            space = space.orthonormal()
            if not len(space.ways):
                return None
            stay = space.leverages() >= self._least(space.atoms)
            if stay.all():
                return space
            space = space.vanishing(~stay)

    def _all_of(self, space: _Space) -> Iterator[Exposed]:
        weights = (space.sums * np.sqrt(1 / space.atoms.times)).T @ space.ways
        for place, leverage in enumerate(space.leverages()):
            yield Exposed(int(self._kept[space.at[place]]), float(leverage), weights[place])

    def _least(self, atoms: Atoms) -> Real:
        """The leverage below which one is in no combination that tells of fewer than k."""
        if self._k == 1:
            return np.full(len(atoms.people), 2.0)  # none is above 1
        return np.asarray(1 / (1 + atoms.times * (self._k - 2)) - SLACK)

    def _first_round(self, atoms: Atoms, visible: Flags, whole: Real) -> Flags:
        """Who may be exposed, by their leverage in the space of all the rows."""
        several = bool((atoms.person >= 0).any())
        gram = _gram(atoms, self._size, atoms.people / atoms.times) if several else whole
        at = np.ix_(np.flatnonzero(visible), np.flatnonzero(visible))
        inverse = np.zeros((self._size + 1, self._size + 1))
        inverse[at] = _inverse(gram[at])
        alone, least = _diagonal(inverse, atoms.rows) / atoms.times, self._least(atoms)
        kept = (alone >= least) & (atoms.person < 0)
        for group in atoms.persons():
            near = group[alone[group].sum(axis=1) >= least[group[:, 0]]]
            step = CHUNK // near.shape[1] ** 2 + 1
            for start in range(0, len(near), step):
                some = near[start : start + step]
                most = np.linalg.eigvalsh(_blocks(inverse, atoms.rows, some))[:, -1]
                kept[some[most / near.shape[1] >= least[some[:, 0]]]] = True
        return kept


def _gram(atoms: Atoms, size: int, weight: Real | Whole) -> Real:
    """For each pair of rows, the weight of the atoms that are in both."""
    inside = atoms.rows >= 0
    starts = np.append(0, np.cumsum(inside.sum(axis=1)))
    shape = (len(atoms.rows), size)
    within = csr_array((np.ones(starts[-1]), atoms.rows[inside], starts), shape=shape)
    weighted = csr_array((np.repeat(weight, np.diff(starts)), within.indices, starts), shape=shape)
    return np.asarray((within.T @ weighted).toarray(), dtype=np.float64)


def _inverse(gram: Real) -> Real:
    """The pseudo-inverse, rows brought to one scale before rounding is told from values."""
    scale = np.sqrt(np.maximum(gram.diagonal(), 1))
    squares, vectors = np.linalg.eigh(gram / np.outer(scale, scale))
    some = squares > NO_SQUARE
    vectors = vectors[:, some]
    return np.asarray(vectors / squares[some] @ vectors.T / np.outer(scale, scale))


def _diagonal(inverse: Real, rows: Whole) -> Real:
    """The form m' K m of the incidence m of each atom."""
    size = len(inverse)
    found, flat = np.zeros(len(rows)), inverse.ravel()
    columns: list[Whole] = list(np.where(rows < 0, size - 1, rows).T)  # the last is of no row
    # The fullest first, since each is paired with those before it, for the atoms that it has.
    columns.sort(key=lambda column: np.count_nonzero(column == size - 1))
    for place, column in enumerate(columns):
        some = np.flatnonzero(column < size - 1)
        one = column[some] * size
        sums = flat[one + column[some]]
        for other in columns[:place]:
            sums += 2 * flat[one + other[some]]
        found[some] += sums
    return found


def _blocks(inverse: Real, rows: Whole, people: NDArray[np.intp]) -> Real:
    """The form m' K n for each pair of atoms m, n of each person."""
    found = np.zeros((*people.shape, people.shape[1]))
    for one in rows.T:
        for other in rows.T:
            found += inverse[one[people][:, :, None], other[people][:, None, :]]
    return found
