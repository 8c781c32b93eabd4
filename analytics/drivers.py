"""Key drivers: which themes and attributes a score goes with, as shares of its R².

The R² of a linear regression on all columns is split by averaging, over every order in which
the columns may enter, what each adds (LMG: Lindeman, Merenda & Gold 1980, Introduction to
Bivariate and Multivariate Analysis, p. 119; a Shapley value; Grömping 2007, The American
Statistician 61(2)). A column enters as a group of indicators, one for each of its values but
one, so that it counts once however many values it has. The parts add up to R².

Importance is association: it doesn't say what a change of the driver would do.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics import frames, intervals, options, sums, tallies
from analytics.compare import false_discovery
from analytics.errors import ArgumentError, FrameError
from analytics.options import Numbers
from analytics.shapley import EXACT, Design, centred, effect_of_mention, split

SHAPE = frames.Shape(
    "drivers",
    (frames.Column("score", frames.Number(0, 10), "0-10, null: not answered", nullable=True),),
)
NUMBERS = 10_000_000  # held at a time, as float64
MOST = 1_000_000  # draws
LARGEST = 200  # indicators: beyond, a column is an id and no attribute


@dataclass(frozen=True)
class Drivers:
    """What `drivers` found.

    `table`: one row per column, in the order given (see `drivers`). `n` answers; `r2` in [0, 1]
    and `adjusted_r2` (less what chance alone explains), NaN where nothing can be split.
    `exact`: every order was averaged; else `table["monte_carlo_error"]` says how far off the
    sampled orders may be (one standard error).
    """

    table: pd.DataFrame
    n: int
    r2: float
    adjusted_r2: float
    exact: bool


@dataclass(frozen=True)
class _Drawing:
    """What is drawn at random: resamples of the answers, and scores dealt out by chance."""

    design: Design
    draws: int
    orders: int
    seed: int
    clusters: NDArray[np.intp] | None = None

    def __post_init__(self) -> None:
        options.whole("draws", self.draws, least=100, most=MOST)
        options.whole("orders", self.orders, least=10, most=MOST)
        options.whole("seed", self.seed)

    def split(self, products: Numbers) -> tuple[Numbers, Numbers]:
        """The parts of each draw; the orders, if sampled, are the same for all."""
        return split(products, self.design.sizes, orders=self.orders, seed=self.seed)

    def resampled(self, times: Numbers) -> Numbers:
        """(draws, groups) parts of resamples; one of equal scores explains nothing."""
        n, rng = int(times.sum()), np.random.default_rng([self.seed, 1])
        if not n:
            return np.full((self.draws, len(self.design.sizes)), np.nan)
        parts = []
        for size in self._chunks():
            weights = self._weights(rng, times, size)
            parts.append(self.split(centred(self.design, weights))[0])
        return np.nan_to_num(np.vstack(parts))

    def _weights(self, rng: np.random.Generator, times: Numbers, size: int) -> Numbers:
        """How often each pattern comes in each of `size` resamples, of answers or of clusters."""
        if self.clusters is None:
            n = int(times.sum())
            return rng.multinomial(n, times / n, size).astype(np.float64)
        many = int(self.clusters.max()) + 1
        drawn = rng.multinomial(many, np.full(many, 1 / many), size)
        return np.asarray(drawn[:, self.clusters] * times, dtype=np.float64)

    def against_chance(
        self, products: Numbers, n: int, importance: Numbers
    ) -> tuple[Numbers, Numbers]:
        """The mean part and the p-value of each group if scores are dealt out at random."""
        if np.isnan(importance).any():
            return importance, importance
        values, vectors = np.linalg.eigh(products[:-1, :-1])
        root = vectors * np.sqrt(np.maximum(values, 0) * products[-1, -1] / max(n - 1, 1))
        rng, parts = np.random.default_rng([self.seed, 2]), []
        for size in self._chunks():
            dealt = np.repeat(products[None], size, axis=0)
            dealt[:, :-1, -1] = rng.standard_normal((size, len(values))) @ root.T
            dealt[:, -1, :-1] = dealt[:, :-1, -1]
            parts.append(self.split(dealt)[0])
        drawn = np.vstack(parts)
        more = (drawn >= importance - 1e-12).sum(axis=0)
        return drawn.mean(axis=0), (more + 1) / (self.draws + 1)

    def _chunks(self) -> list[int]:
        """Draws at a time, so that the subsets of many or large groups fit into memory."""
        left, peak, subsets = sum(self.design.sizes) + 1, 1, 1
        for size in sorted(self.design.sizes, reverse=True)[:EXACT]:
            peak = max(peak, subsets * left**2)
            left, subsets = left - size, 2 * subsets
        each = min(max(NUMBERS // max(peak, len(self.design.y)), 1), 50)
        return [min(each, self.draws - start) for start in range(0, self.draws, each)]


def drivers(  # noqa: PLR0913 - options by keyword
    frame: Any,
    *,
    columns: Sequence[str],
    count: str | None = None,
    cluster: str | None = None,
    confidence: float = 0.95,
    draws: int = 300,
    orders: int = 100,
    seed: int = 0,
) -> Drivers:
    """How much of the differences of `score` (whole, 0-10) goes with each of `columns`.

    One row per answer (or `count` identical ones); a column holds any categories. A theme is a
    column of null (not mentioned) or what is said of it ("positive", "negative", …); null is a
    value like others. Any Narwhals-compatible frame → `Drivers` with the `table`

    * `driver`, the column's name; `n`, answers where it isn't null;
    * `importance`, its part of R² in [0, 1] (the parts add up to R²), with `low, high`;
      `share`, of R², in [0, 1]; `monte_carlo_error`, 0 where all orders were averaged;
    * `chance`, what it would get on average if scores fell at random;
      `p_value`, `q_value` (Benjamini-Hochberg over the columns), `significant` (q-value below
      1 - confidence, and `low` above `chance`), and `driver_importance`: 0 where it is not;
    * `effect`: for columns with nulls, the score of those who mention (not null) minus that of
      the others, all other columns equal, on the score's own scale of 0-10 (no NPS points); else,
      or where other columns say the same thing (collinear), null.

    Answers are taken as independent, unless `cluster` names the column of what makes them alike
    (an account, a person who answers often): then the resamples draw whole clusters, and a driver
    is `significant` by its bar, too; p alone takes answers as independent. Scores are not
    weighted: a margin that matters is a column (Winship & Radbill 1994, Sociological Methods &
    Research 23(2)).

    Up to 12 columns all subsets are computed, beyond `orders` orders and their reverses are
    sampled. `low, high`: `draws` resamples of respondents (multinomial weights over the distinct
    patterns of an answer), less the bootstrap's bias, since R² grows with noise;
    `p_value`: `draws` random scores (2·columns/(1 - confidence), if that is more), drawn from the
    normal limit of the permutation distribution of X'y (Hoeffding 1951, Annals of Mathematical
    Statistics 22). All from `seed`.

    FrameError: missing or broken columns, a null cluster, or a column with more than 200 values
    (an id is no attribute). ArgumentError: no columns or too few draws. Without answers, where all
    scores are equal, or where answers are no more than columns (indicators) and any would be
    explained: all is NaN. A column of one value has the part 0.

    >>> frame = pd.DataFrame({"score": [9, 8, 9, 2, 3, 2] * 20,
    ...     "delivery": [None, None, None, "negative", "negative", None] * 20,
    ...     "region": ["north"] * 60 + ["south"] * 60})
    >>> found = drivers(frame, columns=["delivery", "region"], draws=100)
    >>> round(found.r2, 3), found.table["importance"].round(3).tolist()
    (0.439, [0.439, 0.0])
    >>> found.table["significant"].tolist(), found.table["effect"].round(2).tolist()
    ([True, False], [-4.5, nan])
    """
    columns = _columns(columns)
    patterns = tally_drivers(frame, columns=columns, count=count, cluster=cluster)
    return summarise_drivers(
        patterns,
        columns=columns,
        confidence=confidence,
        draws=draws,
        orders=orders,
        seed=seed,
        cluster=cluster,
    )


def tally_drivers(
    frame: Any, *, columns: Sequence[str], count: str | None = None, cluster: str | None = None
) -> pd.DataFrame:
    """The distinct answers and how often each came: `columns`, `cluster`, `score`, `n` (int64).

    Additive: all that `drivers` needs of any number of rows.
    """
    keys = _columns(columns) + ([] if cluster is None else [options.name("cluster", cluster)])
    tallies.refuse_clashes(keys, ("score", "n"))
    checked = frames.read(frame, SHAPE, by=(*keys, "score"), count=count)
    answered = frames.where(~nw.col("score").is_null(), nw.col(frames.COUNT))
    tallied = tallies.tally(checked, {"n": answered})
    return tallied[tallied["n"] > 0].astype({"n": "int64"}).reset_index(drop=True)


def summarise_drivers(
    patterns: pd.DataFrame,
    *,
    columns: Sequence[str],
    confidence: float = 0.95,
    draws: int = 300,
    orders: int = 100,
    seed: int = 0,
    cluster: str | None = None,
) -> Drivers:
    """The split of R² of a tally of `tally_drivers`: what `drivers` returns."""
    columns = _columns(columns)
    tails = [(1 - intervals.checked_confidence(confidence)) / 2, (1 + confidence) / 2]
    times = _times(patterns, columns)
    patterns, times = patterns[times > 0], times[times > 0]
    design = _design(patterns, columns)
    clusters = None if cluster is None else _clusters(patterns, cluster)
    draw = _Drawing(design, draws, orders, seed, clusters)
    products = centred(design, times[None])
    parts, error = draw.split(products)
    n = int(times.sum())
    free = n - 1 - design.rank(times)
    if free < 1:  # as many indicators as answers explain any scores
        parts[:], error[:] = np.nan, np.nan
    importance = parts[0]
    r2 = float(importance.sum())
    few = min(2 * len(columns) / (1 - confidence), MOST)  # fewer, and q can't be small
    random = max(draws, ceil(few))
    chance, p_value = replace(draw, draws=random).against_chance(products[0], n, importance)
    drawn = draw.resampled(times)
    low, high = np.quantile(drawn - (drawn.mean(axis=0) - importance), tails, axis=0)
    table = pd.DataFrame({"driver": list(columns)})
    table["n"] = [int(times[patterns[name].notna()].sum()) for name in columns]
    table["importance"] = importance
    table["low"], table["high"] = np.clip(low, 0, 1), np.clip(high, 0, 1)
    table["share"] = importance / r2 if r2 > 0 else np.nan
    table["monte_carlo_error"] = error[0]
    table["chance"], table["p_value"] = chance, p_value
    table["q_value"] = false_discovery(p_value)
    unknown = np.isnan(p_value)
    significant = ((table["q_value"] < 1 - confidence) & (table["low"] > chance)).to_numpy()
    table["significant"] = pd.Series(pd.arrays.BooleanArray(significant, unknown))
    table["driver_importance"] = np.where(significant | unknown, importance, 0.0)
    table["effect"] = [
        effect_of_mention(design, times, place)
        if free > 0 and patterns[name].isna().any()
        else np.nan
        for place, name in enumerate(columns)
    ]
    adjusted = 1 - (1 - r2) * (n - 1) / free if free > 0 else float("nan")
    return Drivers(table, n, r2, adjusted, len(columns) <= EXACT)


def _columns(columns: Sequence[str]) -> list[str]:
    found = [] if isinstance(columns, str) else options.names("columns", columns)
    if not found:
        raise ArgumentError("columns", f"is {columns!r}", hint="a list of column names")
    return found


def _times(patterns: pd.DataFrame, columns: Sequence[str]) -> Numbers:
    """How often each answer came; FrameError where the table is none of `tally_drivers`."""
    present = tallies.keys(patterns)
    for name in (*columns, "score"):
        if name not in present:
            raise FrameError(name, "is missing", hint="pass a tally_drivers", present=present)
    scores, times = sums.numbers(patterns, "score"), sums.whole(patterns, "n")
    if np.isnan(scores).any() or np.isnan(times).any():
        raise FrameError("score", "or n is null", hint="pass the tally as it was made")
    return times


def _clusters(patterns: pd.DataFrame, cluster: str) -> NDArray[np.intp]:
    """The number of the cluster of each row."""
    if options.name("cluster", cluster) not in tallies.keys(patterns):
        raise FrameError(cluster, "is no key", hint="tally by it, too", present=patterns.columns)
    if patterns[cluster].isna().any():
        raise FrameError(cluster, "holds null", hint="give an answer without one an id of its own")
    return np.asarray(pd.factorize(patterns[cluster])[0], dtype=np.intp)


def _design(patterns: pd.DataFrame, columns: Sequence[str]) -> Design:
    """Indicators of every value but the reference: null, else the most frequent one."""
    blocks = []
    for name in columns:
        codes, values = pd.factorize(patterns[name], sort=True)
        if len(values) > LARGEST:
            raise FrameError(
                name, f"has {len(values)} values", hint=f"an attribute has {LARGEST} at most"
            )
        reference = -1
        if len(values) and (codes >= 0).all():
            reference = int(np.bincount(codes, weights=patterns["n"]).argmax())
        kept = [value for value in range(len(values)) if value != reference]
        blocks.append((codes[:, None] == np.array(kept, dtype=np.int64)).astype(np.float64))
    return Design(
        np.hstack(blocks), patterns["score"].to_numpy(np.float64), [b.shape[1] for b in blocks]
    )
