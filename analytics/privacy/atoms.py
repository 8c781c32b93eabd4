"""Atoms: who is behind the tables of a page, as `together.py` asks for it.

An atom is a group of respondents whom the tables can't tell apart: the same keys in all of them,
and the same of the scope's filters hold. People who are in several atoms are named in each of those
that hold fewer than k: no larger one can give anybody away.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from analytics import engines, plan
from analytics.engines import Plan, Rows
from analytics.periods import Grain
from analytics.scope import Breakdown, Scope

NONE = "\ue000"  # in the place of null while engines join: no text of a key holds it


def filter_column(name: str) -> str:
    """The column of atoms that says whether the filter by a dimension holds."""
    return f"in_{name}"


def score_atoms(
    frame: Any,
    scope: Scope,
    asked: Iterable[Breakdown],
    *,
    grain: Grain = "month",
    beside: Iterable[Breakdown] = (),
    most: int = 100_000,
) -> list[pd.DataFrame]:
    """The atoms of all breakdowns of each total, in the order in which totals are asked for.

    `frame`: facts, as for `plan.count_scores`, which raises the same errors. Columns: every key of
    the total's breakdowns (str, null where not known), also of those `beside`, unless it has more
    than `most` answers; a bool column per filter of the scope (`filter_column`); `people`;
    `person`, a number that occurs again where the same one is in another atom.
    """
    asked, beside = list(asked), list(beside)
    if not asked:
        return []
    totals = list(dict.fromkeys(each.total for each in asked))
    found = []
    every = (*asked, *beside)
    with engines.held(frame, Plan.of(plan.answers, scope=scope, ways=every, grain=grain)) as held:
        sizes = engines.table(held, Plan.of(_sizes)).set_index("_total")["n"]
        for at, total in enumerate(totals):
            ways = asked if sizes.get(at, 0) > most else every
            keys = dict.fromkeys(name for each in ways if each.total == total for name in each.by)
            found.append(_gathered(held, scope, tuple(keys), total=at))
    return found


def _sizes(rows: Rows) -> Rows:
    return rows.group_by("_total").agg(n=nw.len())


def comment_atoms(frame: Any, scope: Scope, keys: Sequence[str]) -> pd.DataFrame:
    """Those who wrote comments, as `score_atoms`; `frame` as for `plan.count_comments`."""
    with engines.held(frame, Plan.of(plan.comments, scope=scope, by=tuple(keys))) as rows:
        return _gathered(rows, scope, tuple(keys))


def theme_atoms(frame: Any, scope: Scope, keys: Sequence[str]) -> pd.DataFrame:
    """Those whose comments mention a theme, by `theme`, too; `frame` as for `plan.count_themes`."""
    with engines.held(frame, Plan.of(plan.mentions, scope=scope, by=tuple(keys))) as rows:
        return _gathered(rows, scope, ("theme", *keys))


def _gathered(rows: Rows, scope: Scope, keys: tuple[str, ...], *, total: int = 0) -> pd.DataFrame:
    k = scope.respondent_floor
    found = engines.table(rows, Plan.of(_atoms, keys=keys, k=k, total=total))
    for name in keys:
        found[name] = found[name].mask(found[name] == NONE)
    mask = found.pop("_mask").to_numpy(dtype=np.int64)
    for at, name in enumerate(scope.filters):
        found[filter_column(name)] = mask >> at & 1 == 1
    person, named = pd.factorize(found["person"])[0], found.pop("_named") == 1
    found["person"] = np.where(named, person, -1 - np.arange(len(found)))
    return found


def _atoms(rows: Rows, *, keys: Sequence[str], k: int, total: int) -> Rows:
    """Marked rows → keys, `_mask, people, person, _named`; the unnamed of one atom are added up."""
    atom = [*keys, "_mask"]
    own = rows.filter(nw.col("_total") == total)
    rows = own.select(*(nw.col(name).fill_null(NONE) for name in keys), "_mask", "person")
    each = rows.group_by(*atom, "person").agg(_answers=nw.len())
    each = each.join(each.group_by(*atom).agg(_size=nw.len()), on=atom)
    small = each.filter(nw.col("_size") < k)
    small = small.join(small.group_by("person").agg(_atoms=nw.len()), on="person")
    columns = [
        *map(nw.col, keys),
        *(nw.col(name).cast(nw.Int64()) for name in ("_mask", "people", "person", "_named")),
    ]
    parts = [
        _added(each.filter(nw.col("_size") >= k), atom),
        _added(small.filter(nw.col("_atoms") == 1), atom),
        small.filter(nw.col("_atoms") > 1).with_columns(people=nw.lit(1), _named=nw.lit(1)),
    ]
    return nw.concat([part.select(*columns) for part in parts])


def _added(each: Rows, atom: Sequence[str]) -> Rows:
    added = each.group_by(*atom).agg(people=nw.len(), person=nw.col("person").min())
    return added.with_columns(_named=nw.lit(0))
