"""Anonymous surveys: which waiting answers may be published together, and where they count.

Answers to a survey that promises anonymity are published in batches, on a fixed lattice of tables:
the total and the tables by single dimensions, without a filter. A batch is whole in every one of
them, in one week, for ever. So whatever two requests differ by, of any periods, is a sum of
batches, and whoever is safe in each batch can't be found by subtracting: batches have nobody in
common.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.errors import ArgumentError, FrameError
from analytics.privacy import together
from analytics.scope import SIDES

Flags = NDArray[np.bool_]
METRIC, SCORED, COMMENTED = "metric", "scored", "commented"
# Who is counted, by which columns: comments are told of by their sentiment alone.
TABLES = (
    (SCORED, (METRIC,)),
    *((SCORED, (METRIC, name)) for name in SIDES),
    (COMMENTED, (COMMENTED,)),
)


def releasable(waiting: pd.DataFrame, *, k: int = 5) -> Flags:
    """Which of a survey's waiting answers may be published now, together: True, a flag per row.

    `waiting`: a row per answer, each its own respondent's; the columns of `SIDES` (codes, null
    where not known), `metric` (of the score, null where none was given), the bool `commented`.

    The batch is the largest in which each row of each table (`TABLES`; the row of null, too) holds
    nobody or k answers: answers in smaller rows wait, again and again until there are none. That is
    unique, since two such batches together are one, too. Whoever its tables would yet expose
    (`together.exposed_atoms`) waits as well, and the rest is looked at anew. The flags depend on
    no order, on no score and on no text.

    Raises FrameError for a missing column, ArgumentError for k below 2.

    >>> waiting = pd.DataFrame({name: [None] * 12 for name in SIDES})
    >>> waiting = waiting.assign(country=["FI"] * 7 + ["SE"] * 5, metric="nps", commented=False)
    >>> releasable(waiting).sum(), releasable(waiting[1:]).sum(), releasable(waiting[:8]).sum()
    (np.int64(12), np.int64(11), np.int64(7))
    """
    if isinstance(k, bool) or not isinstance(k, int) or k < 2:
        raise ArgumentError("k", f"is {k!r}", hint="a whole number of answers ≥ 2")
    for name in (*SIDES, METRIC, COMMENTED):
        if name not in waiting:
            raise FrameError(name, "is missing", hint="each answer has it", present=waiting.columns)
    codes = {
        name: pd.factorize(waiting[name], use_na_sentinel=False)[0].astype(np.int64)
        for name in (*SIDES, METRIC)
    }
    rows = pd.DataFrame(codes, index=range(len(waiting)))
    rows[SCORED] = waiting[METRIC].notna().to_numpy()
    rows[COMMENTED] = waiting[COMMENTED].to_numpy(dtype=np.bool_)
    batch = rows[rows[SCORED] | rows[COMMENTED]]
    while len(batch):
        before = len(batch)
        batch = batch[~_is_few(batch, k=k)]
        if len(batch) == before:
            batch = batch[~_is_exposed(batch, k=k)]
        if len(batch) == before:
            break
    released = np.zeros(len(waiting), dtype=np.bool_)
    released[batch.index] = True
    return released


def _is_few(batch: pd.DataFrame, *, k: int) -> Flags:
    """Whether an answer is in a row of fewer than k, of any table."""
    few = pd.Series(data=False, index=batch.index)
    for within, keys in TABLES:
        rows = batch[batch[within]].groupby(list(keys))[within]
        few |= (rows.transform("size") < k).reindex(batch.index, fill_value=False)
    return few.to_numpy()


def _is_exposed(batch: pd.DataFrame, *, k: int) -> Flags:
    """Whether all tables of the batch together tell of an answer among fewer than k."""
    columns = [*SIDES, METRIC, SCORED, COMMENTED]
    atoms = batch.groupby(columns, as_index=False).size().rename(columns={"size": "people"})
    tables = [_table(batch[batch[within]], within, keys) for within, keys in TABLES]
    tables = [table for table in tables if len(table.people)]
    shown = [np.zeros(len(table.people), dtype=np.bool_) for table in tables]
    exposed = atoms[together.exposed_atoms(tables, shown, atoms, k=k)][columns]
    found = batch[columns].merge(exposed, how="left", on=columns, indicator=True)["_merge"]
    return (found == "both").to_numpy()


def _table(counted: pd.DataFrame, within: str, keys: tuple[str, ...]) -> together.Rows:
    sizes = counted.groupby(list(keys), as_index=False).size()
    people = sizes["size"].to_numpy().astype(np.int64)
    return together.Rows(keys=sizes[list(keys)], people=people, within=(within,))
