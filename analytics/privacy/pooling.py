"""Two periods side by side: the rows that both show, and one row of all others.

A row that hides in one of two protected tables can't be compared, and without it the parts of a
change don't add up. So what hides in either is put together, in both: the total less the rows that
both show. That is a difference of visible rows, of which `together` has made sure, in each table,
that it tells of nobody or of k: nothing is counted here, and nothing new is told.
"""

from typing import Any, Literal

import pandas as pd

from analytics import sums, tallies
from analytics.errors import FrameError

OTHERS = "others"  # a key beside those of the tables: true for the row of all others
Metric = Literal["nps", "csat", "ces"]
Pair = tuple[pd.DataFrame, pd.DataFrame]  # now, before
Row = tuple[Any, ...]


def pooled(tables: Pair, totals: Pair, *, metric: Metric) -> Pair:
    """The tables with their hidden rows in one, as tallies of `metric`.

    `tables`: protected results of the same keys; `totals`: those of the same scopes without keys,
    of one row. → keys; `others`, a bool; the counts of the metric, int64. The row of all others
    has null keys; there is none where no row hides on either side.

    Raises FrameError where a total hides, or where the rows that are shown exceed it.

    >>> def table(hidden, n, up): return pd.DataFrame({"stage": ["adopt", "exit", "serve"],
    ...     "n": n, "promoters": up, "detractors": 0, "suppressed": hidden})
    >>> def total(n, up): return pd.DataFrame({"n": [n], "promoters": up, "detractors": 0,
    ...                                        "suppressed": False})
    >>> now, before = pooled((table([False, True, True], [50, None, None], [9, None, None]),
    ...                       table([False, False, False], [40, 30, 20], [8, 7, 6])),
    ...                      (total(90, 20), total(90, 21)), metric="nps")
    >>> now[["others", "n", "promoters"]].values.tolist()
    [[False, 50, 9], [True, 40, 11]]
    >>> before[["others", "n", "promoters"]].values.tolist()
    [[False, 40, 8], [True, 50, 13]]
    """
    if any(total["suppressed"].any() for total in totals):
        raise FrameError("suppressed", "hides a total", hint="show no part of it then")
    keys = tallies.keys(tables[0])
    hidden = {
        key
        for table in tables
        for key, hides in zip(_rows(table, keys), table["suppressed"], strict=True)
        if hides
    }
    now, before = (
        _with_others(table, total, hidden, metric=metric)
        for table, total in zip(tables, totals, strict=True)
    )
    return now, before


def _with_others(
    table: pd.DataFrame, total: pd.DataFrame, hidden: set[Row], *, metric: Metric
) -> pd.DataFrame:
    keys, names = tallies.keys(table), sorted(sums.columns(metric), key=lambda name: name != "n")
    is_shown = [key not in hidden for key in _rows(table, keys)]
    shown = table.loc[is_shown, keys].assign(**{OTHERS: False})
    for name in names:  # the first measure, `n`, ends the keys
        shown[name] = table.loc[is_shown, name].astype("int64")
    if not hidden:
        return shown.reset_index(drop=True)
    left = {name: int(total[name].iloc[0]) - int(shown[name].sum()) for name in names}
    if min(left.values()) < 0:
        raise FrameError("n", "exceeds the total", hint="pass the total of the same scope")
    others = pd.DataFrame([dict.fromkeys(keys) | {OTHERS: True} | left]).astype(shown.dtypes)
    return pd.concat([shown, others], ignore_index=True)


def _rows(table: pd.DataFrame, keys: list[str]) -> list[Row]:
    """The keys of each row, all nulls alike."""
    plain = table[keys].astype(object).where(table[keys].notna(), None)
    return list(plain.itertuples(index=False, name=None))
