"""Weights that bring the answers' margins to those of the customer base, where few answered.

Iterative proportional fitting: the weights are scaled to the targets of one margin after
the other, until all hold (Deming & Stephan 1940, "On a least squares adjustment of a sampled
frequency table", Annals of Mathematical Statistics 11(4)). What is the same in every cell of the
margins, such as how stage and region go together, stays as the answers have it. After each round
weights above a cap are cut to it, and the next round takes up what is missing (Izrael, Battaglia &
Frankel 2009, "Extreme survey weight adjustment as a component of sample balancing").

Weights make scores less certain: by the design effect 1 + cv² of the weights, n answers count as
n_eff = n/(1 + cv²) = (Σw)²/Σw² (Kish 1965, Survey Sampling). They mend only what the margins tell:
customers who differ within a cell from those who answer stay unheard.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics import frames, options, sums, tallies
from analytics.errors import ArgumentError, FrameError
from analytics.options import Numbers

LEAST = 1e-9  # a weight is never 0: the answer would be lost

Targets = Mapping[str, Mapping[Any, float]]


@dataclass(frozen=True)
class Raking:
    """Weights per cell, and how well they do.

    `weights`: the target columns, `n` answers of the cell, `weight` of each of them, in (0, trim],
    of mean 1 where `converged`. `margins`: `column, category, n`, and shares of the answers:
    `raw`, `target`, `weighted`. `largest_miss` is the largest |weighted - target|, `converged`
    says that it is within the tolerance, `iterations` after how many rounds, `trimmed` how many
    answers bear the cap. `design_effect` ≥ 1 and `n_eff` are Kish's.
    """

    weights: pd.DataFrame
    margins: pd.DataFrame
    converged: bool
    iterations: int
    largest_miss: float
    trimmed: int
    design_effect: float
    n_eff: float


def rake(
    tallied: pd.DataFrame,
    targets: Targets,
    *,
    trim: float = 5.0,
    tolerance: float = 1e-6,
    max_iterations: int = 1000,
) -> Raking:
    """Weights under which the answers have the margins `targets`.

    No weight exceeds `trim`, which is so many times the mean weight where the raking converged
    (else the mean is not 1).

    `tallied`: any tally or result whose keys hold the columns of `targets`, as
    `tally_nps(frame, by=["region", "stage"])`. `targets`: column → category (None: the null key)
    → customers, or their share; each column's add up to the same total. `trim` > 1 (math.inf:
    none), `tolerance` > 0 of a share. Weights are per cell: join them to answers by the columns,
    or use `weigh`. See `converged` before you use them: where cells are empty, or the cap is too
    low, no weights may do, and `margins` says which categories are off.

    ArgumentError names the columns or categories where targets contradict: different totals, a
    target for a category that nobody answered in, answers in a category without a target or of
    target 0, no finite number ≥ 0. FrameError where a column is no key, a row is suppressed, `n`
    holds what is no count, or there are no answers.

    >>> tallied = pd.DataFrame({"region": ["EU", "EU", "US", "US"], "plan": ["S", "L"] * 2,
    ...                         "n": [40, 10, 30, 20]})
    >>> fit = rake(tallied, {"region": {"EU": 600, "US": 400}, "plan": {"S": 500, "L": 500}})
    >>> fit.converged, round(fit.design_effect, 3), round(fit.n_eff, 1)
    (True, 1.307, 76.5)
    >>> (fit.weights["n"] * fit.weights["weight"]).round(3).tolist()   # L and S of EU, then of US
    [24.244, 35.756, 25.756, 14.244]
    """
    _check_options(trim, tolerance, max_iterations)
    if not isinstance(targets, Mapping):
        raise ArgumentError("targets", f"are {targets!r}", hint="column → category → customers")
    cells = _cells(tallied, list(targets))
    answers = cells["n"].to_numpy(np.float64)
    margins = _margins(cells, targets)
    weight, iterations = np.ones(len(cells)), 0
    miss = _miss(answers * weight, margins)
    while miss > tolerance and iterations < max_iterations:
        for margin in margins:
            weight = weight * (margin.target / margin.add(answers * weight))[margin.at]
        weight = np.clip(weight, LEAST, trim)
        miss, iterations = _miss(answers * weight, margins), iterations + 1
    n, total, squares = answers.sum(), answers @ weight, answers @ weight**2
    cells["weight"] = weight
    return Raking(
        weights=cells,
        margins=pd.concat(
            [_report(margin, answers, weight) for margin in margins], ignore_index=True
        ),
        converged=miss <= tolerance,
        iterations=iterations,
        largest_miss=miss,
        trimmed=int(answers[weight >= trim].sum()),
        design_effect=float(n * squares / total**2),
        n_eff=float(total**2 / squares),
    )


def weigh(tallied: pd.DataFrame, raking: Raking, *, unconverged: bool = False) -> pd.DataFrame:
    """A tally of NPS with the weights of a raking: what `tally_nps(…, weight=…)` would give.

    Its keys hold the columns that were raked by, and may hold more. FrameError where they don't, a
    cell was not raked, the tally is weighted already, or its counts are none (`sums.read`).
    ArgumentError where the raking has not converged, unless `unconverged` says that this is known:
    its weights miss a margin, and their mean is not 1.

    >>> tallied = pd.DataFrame({"plan": ["L", "S"], "n": [10, 30], "promoters": [6, 9],
    ...                         "passives": [3, 9], "detractors": [1, 12]})
    >>> fit = rake(tallied, {"plan": {"L": 0.5, "S": 0.5}})
    >>> columns = ["n", "weight_promoters", "weight_detractors", "weight_sum", "weight_squares"]
    >>> weigh(tallied, fit)[columns].round(2).values.tolist()
    [[10.0, 12.0, 2.0, 20.0, 40.0], [30.0, 6.0, 8.0, 20.0, 13.33]]
    """
    if not isinstance(raking, Raking):
        raise ArgumentError("raking", f"is {raking!r}", hint="pass what rake returns")
    if not (raking.converged or unconverged):
        raise ArgumentError(
            "raking",
            f"misses a margin by {100 * raking.largest_miss:.2g} points of share",
            hint="see its `margins`; merge categories, raise trim, or pass unconverged=True",
        )
    columns = [str(name) for name in raking.weights if name not in {"n", "weight"}]
    _check_keys(tallied, columns)
    if "weight_sum" in tallied:
        raise FrameError("weight_sum", "is there already", hint="weigh a plain tally_nps")
    read = sums.read(tallied, "nps")
    found = tallied[columns].merge(raking.weights, on=columns, how="left", validate="many_to_one")
    weight = found["weight"].to_numpy(np.float64)
    lost = np.flatnonzero(np.isnan(weight) & (read.n > 0))
    if len(lost):
        cell = tallied[columns].iloc[lost[0]].to_dict()
        raise FrameError(None, f"has answers in {cell}, not raked", hint="rake this very tally")
    weight = np.nan_to_num(weight)
    weighted = (read.up * weight, read.down * weight, read.n * weight, read.n * weight**2)
    return tallied.assign(**dict(zip(sums.WEIGHTS, weighted, strict=True)))


@dataclass(frozen=True)
class _Margin:
    """One column's categories, the one of each cell (`at`), and the answers each should have."""

    column: str
    categories: tuple[Any, ...]
    at: NDArray[np.int64]
    target: Numbers

    def add(self, values: Numbers) -> Numbers:
        """The sum of the cells of each category."""
        return np.asarray(
            np.bincount(self.at, weights=values, minlength=len(self.categories)), dtype=np.float64
        )


def _margins(cells: pd.DataFrame, targets: Targets) -> list[_Margin]:
    """The targets, scaled to the number of answers; ArgumentError where they contradict."""
    goals = {column: _goals(column, wanted) for column, wanted in targets.items()}
    totals = {column: sum(wanted.values()) for column, wanted in goals.items()}
    first = next(iter(totals))
    for column, total in totals.items():
        if abs(total - totals[first]) > 1e-6 * totals[first]:
            raise ArgumentError(
                "targets",
                f"add up to {totals[first]:g} by {first!r}, but to {total:g} by {column!r}",
                hint="let them describe the same customers, all as numbers or all as shares",
            )
    answers = float(cells["n"].sum())
    return [
        _margin(
            column, cells[column], {key: wanted[key] * answers / totals[first] for key in wanted}
        )
        for column, wanted in goals.items()
    ]


def _goals(column: str, wanted: Mapping[Any, float]) -> dict[Any, float]:
    """One column's targets as they were given, those of 0 apart, the null key being None."""
    if not isinstance(wanted, Mapping):
        hint = "map each category to its customers"
        raise ArgumentError("targets", f"hold {wanted!r} for {column!r}", hint=hint)
    goals: dict[Any, float] = {}
    for category, value in wanted.items():
        key = None if frames.is_null(category) else category
        if not (options.is_number(value) and 0 <= value <= options.LARGEST):
            raise ArgumentError(
                "targets", f"{column!r} has {value!r} for {key!r}", hint="a finite number ≥ 0"
            )
        goals[key] = float(value)
    if sum(goals.values()) <= 0:
        raise ArgumentError("targets", f"are all 0 or none by {column!r}", hint="say how many")
    return goals


def _margin(column: str, cells: pd.Series, goals: Mapping[Any, float]) -> _Margin:
    found = [None if frames.is_null(value) else value for value in cells]
    open_ = sorted({repr(value) for value in found if goals.get(value, 0) <= 0})
    if open_:
        raise ArgumentError(
            "targets",
            f"are 0 or absent by {column!r} for {', '.join(open_)}, where there are answers",
            hint="give a target, or leave these answers out",
        )
    empty = sorted(repr(key) for key, goal in goals.items() if goal > 0 and key not in found)
    if empty:
        raise ArgumentError(
            "targets",
            f"name by {column!r} {', '.join(empty)}, where nobody answered",
            hint="merge it with a neighbour, in the targets and in the answers",
        )
    categories = tuple(key for key, goal in goals.items() if goal > 0)
    place = {key: at for at, key in enumerate(categories)}
    at = np.array([place[value] for value in found], dtype=np.int64)
    return _Margin(column, categories, at, np.array([goals[key] for key in categories]))


def _miss(weighted: Numbers, margins: Sequence[_Margin]) -> float:
    """The largest |weighted - target|, in shares of the answers."""
    total = margins[0].target.sum()
    off = [np.abs(margin.add(weighted) - margin.target).max() / total for margin in margins]
    return float(max(off))


def _report(margin: _Margin, answers: Numbers, weight: Numbers) -> pd.DataFrame:
    n = margin.add(answers)
    total = n.sum()
    return pd.DataFrame(
        {
            "column": margin.column,
            "category": pd.Series(margin.categories, dtype=object),
            "n": n.astype(np.int64),
            "raw": n / total,
            "target": margin.target / total,
            "weighted": margin.add(answers * weight) / total,
        }
    )


def _check_options(trim: float, tolerance: float, max_iterations: int) -> None:
    if not (options.is_number(trim) and trim > 1):
        raise ArgumentError("trim", f"is {trim!r}", hint="a multiple of the mean weight, > 1")
    hint = "a share, such as 1e-6"
    options.number("tolerance", tolerance, least=0, most=1, hint=hint)
    options.whole("max_iterations", max_iterations, least=1, most=1_000_000)


def _check_keys(tallied: pd.DataFrame, columns: Sequence[str]) -> None:
    keys = tallies.keys(tallied)
    tallies.refuse_clashes(columns, ("n", "weight"))
    for column in columns:
        if column not in keys:
            raise FrameError(column, "is no key", hint="tally by it", present=keys)


def _cells(tallied: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """The cells with an answer: `columns`, sorted, and `n`."""
    if not columns:
        raise ArgumentError("targets", "are empty", hint="name a column and its categories")
    _check_keys(tallied, columns)
    n = sums.whole(tallied, "n")
    if np.isnan(n).any():
        raise FrameError("n", "is null in a suppressed row", hint="rake before suppressing")
    some = tallied.loc[n > 0, [*columns, "n"]]
    if some.empty:
        raise FrameError("n", "is 0 in every row", hint="there is nothing to weigh")
    cells = some.groupby(columns, dropna=False, observed=True, as_index=False)[["n"]].sum()
    return tallies.by_key(cells, columns)
