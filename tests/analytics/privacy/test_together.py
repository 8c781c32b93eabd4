"""Nobody can be solved for: rows hidden together, against linear algebra done the slow way."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from solving import incidence, solved

from analytics import ArgumentError, FrameError
from analytics.privacy import together
from analytics.privacy.suppress import hidden_rows
from analytics.privacy.together import Rows, exposed_atoms, suppress_together

SIDES = ("country", "stage", "month")


def people_of(seed: int, *, many: int, again: float = 0.0) -> pd.DataFrame:
    """One row per answer: who gave it, and three attributes; some answer in several months."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(2, 5, len(SIDES))
    answers = []
    for who in range(many):
        country, stage, month = (int(rng.integers(size)) for size in sizes)
        answers.append((who, country, stage, month))
        while rng.random() < again:
            answers.append((who, country, stage, int(rng.integers(sizes[2]))))
    return pd.DataFrame(answers, columns=["who", *SIDES]).drop_duplicates(ignore_index=True)


def rows_of(answers: pd.DataFrame, by: Sequence[str], **options: Any) -> Rows:
    if not by:
        return Rows(keys=pd.DataFrame(index=[0]), people=[answers["who"].nunique()], **options)
    table = answers.groupby(list(by), dropna=False)["who"].nunique().reset_index()
    return Rows(keys=table[list(by)], people=table["who"].to_numpy(), **options)


def atoms_of(answers: pd.DataFrame, names: Sequence[str] = SIDES) -> pd.DataFrame:
    """Single answers aggregated; a row for each combination of those who gave several."""
    known = answers.drop_duplicates(["who", *names])
    times = known.groupby("who")["who"].transform("size")
    alone = known[times == 1].groupby(list(names), dropna=False).size().reset_index(name="people")
    several = known[times > 1].rename(columns={"who": "person"}).assign(people=1)
    return pd.concat([alone.assign(person=None), several], ignore_index=True).astype(
        {"person": object}
    )


def tables_of(answers: pd.DataFrame, *, crossed: bool = False) -> list[Rows]:
    ways = [(), *((name,) for name in SIDES), *([("country", "stage")] if crossed else [])]
    return [rows_of(answers, by) for by in ways]


def keys_of(keys: pd.DataFrame) -> list[tuple[Any, ...]]:
    if not len(keys.columns):
        return [()] * len(keys)
    return list(keys.itertuples(index=False, name=None))


def given_away(answers: pd.DataFrame, tables: Sequence[Rows], hidden: Any, *, k: int = 5) -> Any:
    rows = [
        dict(zip(table.keys.columns, key, strict=True)) | dict.fromkeys(table.within, True)
        for table, dark in zip(tables, hidden, strict=True)
        for key in keys_of(table.keys[~np.asarray(dark)])
    ]
    return solved(incidence(answers, rows), answers["who"], k=k)


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 10**6),
    many=st.integers(4, 15),
    k=st.integers(2, 5),
    again=st.sampled_from([0.0, 0.0, 0.4]),
    crossed=st.booleans(),
)
def test_nobody_can_be_solved_for(
    *, seed: int, many: int, k: int, again: float, crossed: bool
) -> None:
    answers = people_of(seed, many=many, again=again)
    tables, atoms = tables_of(answers, crossed=crossed), atoms_of(answers)
    hidden = suppress_together(tables, atoms, k=k)
    assert given_away(answers, tables, hidden, k=k) == []
    assert not exposed_atoms(tables, hidden, atoms, k=k).any()
    for table, dark in zip(tables, hidden, strict=True):
        assert dark[np.asarray(table.people) < k].all()


def test_without_it_they_can() -> None:
    """Of made-up workspaces of 12 people, by how many somebody is given away."""
    leaks = {"n of 5 or more": 0, "each table by itself": 0, "together": 0}
    for seed in range(12):
        answers = people_of(seed, many=12)
        tables, atoms = tables_of(answers), atoms_of(answers)
        alone = [
            hidden_rows(table.keys, np.asarray(table.people), k=5)
            if len(table.keys.columns)
            else np.array([False])
            for table in tables
        ]
        plain = [np.asarray(table.people) < 5 for table in tables]
        for name, hidden in zip(
            leaks, (plain, alone, suppress_together(tables, atoms)), strict=True
        ):
            found = given_away(answers, tables, hidden)
            leaks[name] += bool(found)
            # The quick test names all of these people, and nobody where there is none.
            told = exposed_atoms(tables, hidden, atoms)
            assert told.any() == bool(found)
            assert atoms["people"][told].sum() >= max(map(len, found), default=0)
    assert leaks["together"] == 0
    assert leaks["n of 5 or more"] >= leaks["each table by itself"] > 3


def test_tables_of_the_same_people_by_other_words() -> None:
    # 41 from Finland less 40 in Finnish are one; the complement of either would say the same.
    answers = pd.DataFrame(
        {
            "who": range(71),
            "country": ["FI"] * 41 + ["SE"] * 30,
            "language": ["fi"] * 40 + ["sv"] * 31,
        }
    )
    names = ("country", "language")
    tables = [rows_of(answers, by) for by in [(), ("country",), ("language",)]]
    total, country, language = suppress_together(tables, atoms_of(answers, names))
    assert not total.any()
    assert country.all() != language.all()
    assert country.any() != language.any()


def test_a_filter_on_a_filter_is_held_against_all_wider_pages() -> None:
    # Who is in neither: all, less the first, less the second, plus those in both. Two people.
    answers = pd.DataFrame(
        {
            "who": range(62),
            "one": [True] * 20 + [True] * 20 + [False] * 20 + [False] * 2,
            "two": [True] * 20 + [False] * 20 + [True] * 20 + [False] * 2,
        }
    )
    atoms = atoms_of(answers, ("one", "two"))
    wider = [
        rows_of(answers, (), fixed=True),
        rows_of(answers[answers["one"]], (), within=("one",), fixed=True),
        rows_of(answers[answers["two"]], (), within=("two",), fixed=True),
    ]
    both = rows_of(answers[answers["one"] & answers["two"]], (), within=("one", "two"))
    assert [dark.tolist() for dark in suppress_together([*wider, both], atoms)] == [
        [False],
        [False],
        [False],
        [True],
    ]
    assert not suppress_together([*wider[1:], both], atoms)[2].any()


def test_one_customer_in_many_months_is_one_person() -> None:
    # Six answers from Malta, all of one customer: the row hides, and what would give it away.
    answers = pd.DataFrame(
        [(0, "MT", month) for month in range(6)]
        + [(who, "FI", who % 6) for who in range(1, 31)]
        + [(who, "SE", who % 6) for who in range(31, 51)],
        columns=["who", "country", "month"],
    )
    tables = [rows_of(answers, by) for by in [(), ("country",), ("month",)]]
    atoms = atoms_of(answers, ("country", "month"))
    hidden = suppress_together(tables, atoms)
    assert dict(zip(tables[1].keys["country"], hidden[1], strict=True)) == {
        "FI": False,
        "MT": True,
        "SE": True,
    }
    assert not hidden[0].any() and not hidden[2].any()
    # A panel whose members answer each month hides nothing.
    panel = pd.DataFrame(
        [(who, who % 2, month) for who in range(12) for month in range(12)],
        columns=["who", "country", "month"],
    )
    tables = [rows_of(panel, by) for by in [(), ("country",), ("month",)]]
    hidden = suppress_together(tables, atoms_of(panel, ("country", "month")))
    assert not np.concatenate(hidden).any()


def test_unknown_values_are_a_group_of_their_own() -> None:
    answers = pd.DataFrame({"who": range(33), "country": ["FI"] * 30 + [None] * 3})
    tables = [rows_of(answers, ()), rows_of(answers, ("country",))]
    hidden = suppress_together(tables, atoms_of(answers, ("country",)))
    assert [dark.tolist() for dark in hidden] == [[False], [True, True]]


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10**6), st.randoms(use_true_random=False))
def test_no_order_means_anything(seed: int, chance: Any) -> None:
    answers = people_of(seed, many=40, again=0.2)
    tables, atoms = tables_of(answers), atoms_of(answers)
    mixed = []
    for table in tables:
        order = list(range(len(table.people)))
        chance.shuffle(order)
        people = np.asarray(table.people)[order]
        mixed.append(Rows(keys=table.keys.iloc[order], people=people))
    shuffled = atoms.sample(frac=1, random_state=chance.randrange(1000))
    for table, hidden, other, dark in zip(
        tables,
        suppress_together(tables, atoms),
        mixed,
        suppress_together(mixed, shuffled),
        strict=True,
    ):
        names = [str(tuple(row)) for row in table.keys.to_numpy()]
        others = [str(tuple(row)) for row in other.keys.to_numpy()]
        assert dict(zip(names, hidden, strict=True)) == dict(zip(others, dark, strict=True))


def test_a_large_page_loses_little() -> None:
    rng = np.random.default_rng(5)
    share = 1 / np.arange(1, 41)
    country = rng.choice(40, 20_000, p=share / share.sum())
    answers = pd.DataFrame(
        {
            "who": rng.integers(0, 18_000, 20_000),
            "country": country,
            "stage": rng.integers(0, 10, 20_000),
            "month": rng.integers(0, 12, 20_000),
        }
    ).drop_duplicates()
    tables, atoms = tables_of(answers), atoms_of(answers)
    assert not np.concatenate(suppress_together(tables, atoms)).any()
    # The language of all but a few is that of their country: of most, one of the two rows hides.
    answers["language"] = np.where(rng.random(len(answers)) < 0.003, 0, answers["country"])
    names = (*SIDES, "language")
    tables = [*tables, rows_of(answers, ("language",))]
    hidden = suppress_together(tables, atoms_of(answers, names))
    lost = sum(np.asarray(one.people)[dark].sum() for one, dark in zip(tables, hidden, strict=True))
    assert 0 < lost < 0.15 * sum(np.asarray(one.people).sum() for one in tables)
    assert not exposed_atoms(tables, hidden, atoms_of(answers, names)).any()


def test_wrong_use(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = people_of(1, many=12)
    tables, atoms = tables_of(answers), atoms_of(answers)
    for k in (0, 2.5, True):
        with pytest.raises(ArgumentError, match="k: is"):
            suppress_together(tables, atoms, k=k)  # type: ignore[arg-type]  # the point
    with pytest.raises(FrameError, match="'stage' is missing"):
        suppress_together(tables, atoms.drop(columns="stage"))
    with pytest.raises(FrameError, match="'people' holds others"):
        suppress_together(tables, atoms.assign(people=0))
    with pytest.raises(FrameError, match="'people' has 2 values"):
        suppress_together([Rows(keys=atoms[["month"]].iloc[:3], people=[1, 2])], atoms)
    monkeypatch.setattr(together, "MOST_ROWS", 3)
    with pytest.raises(ArgumentError, match="`suppress` takes a larger one"):
        suppress_together(tables, atoms)
