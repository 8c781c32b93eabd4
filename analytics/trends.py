"""What stands out in a trend: single odd buckets, and lasting changes of level.

Both ask: how far would a *steady* series go by chance? Steady means that all buckets share one
true score, but for a restlessness of its own: the spread between buckets beyond what sampling
explains, estimated robustly from near buckets. Such series, with the very same numbers of
answers and the upper limit of that estimate, are simulated (Dirichlet-multinomial counts,
everything estimated anew in each) and the most extreme statistic of each is kept. So the stated
rate is that of a false alarm anywhere in the series, not per bucket: Davison & Hinkley (1997),
"Bootstrap Methods and their Application", 4.2.

Restlessness is taken as independent from bucket to bucket. Where scores drift or repeat by
season, neighbours are more alike than distant buckets, and a change of level is what is found.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd

from analytics import options, sums, tallies
from analytics.compare import Metric
from analytics.errors import ArgumentError, FrameError
from analytics.options import Numbers

DRAWS = 1999  # simulated series: the rate that they hold is exact to half a point at 5 %
SHORTEST, LONGEST = 12, 400  # buckets with answers
WINDOW, FEWEST = 6, 3  # neighbours that a bucket is held against, on either side
MOST_CHANGES, SHORTEST_LEVEL = 6, 3
NEAR = 3  # how far apart the buckets are whose differences show restlessness
CAUTION = 0.1  # of its estimate: 1 - the confidence of the limit that is simulated with
TAMED = 2.0  # standard errors that a single bucket may count for in a change of level
MEDIAN = 0.454936  # of the chi-square distribution with one degree of freedom

JUDGED = ("expected", "expected_low", "expected_high", "departure", "p_value")


@dataclass(frozen=True)
class Levels:
    """The levels that a series kept, in order.

    `table`: one row per level with `first, last` (its buckets), `n` answers, `score` in points,
    and `change` from the level before (null in the first row). `p_value`: how often a steady
    series shows as much change as this one. `restlessness`: the standard deviation of the true
    score between buckets of one level, in points. All NaN, and `table` empty, where `reason`
    says why nothing could be looked for: `too_short`; else `reason` is None.
    """

    table: pd.DataFrame
    p_value: float
    restlessness: float
    reason: str | None


def anomalies(
    table: pd.DataFrame, *, metric: Metric, false_alarms: float = 0.05, seed: int = 0
) -> pd.DataFrame:
    """Buckets whose score departs from both what came before and what came after.

    `table`: a result or tally of `metric` by one key, the bucket, ascending (give every bucket
    of the period) → one row per bucket: the key; `n`; `expected`, the mean of up to 6 buckets
    on either side, and `expected_low, expected_high`, between which a score is no anomaly, in
    points; `departure`, score - expected; `p_value`, how often the most extreme bucket of a
    steady series goes as far; `anomaly`, a nullable bool: p ≤ `false_alarms`; `reason`, why
    these are null, else null: `no_answers` (none, or suppressed), `too_short` (fewer than 12
    buckets with answers). The first bucket of a new level departs from one side only and is no
    anomaly; of the first and last three buckets just one side is known, which then decides.

    `false_alarms`, 0.001 to 0.5, is the probability that a steady series has any anomaly;
    `seed` fixes the simulation. Weighted NPS: pass a tally; n_eff takes the place of n.

    Raises FrameError for other keys than one, a bucket that is null or out of order, more
    than 400 buckets, or a missing column; ArgumentError for `metric`, `false_alarms`.

    >>> days = pd.DataFrame({"bucket": range(1, 15), "n": 100, "promoters": 50, "detractors": 20})
    >>> days.loc[6, ["promoters", "detractors"]] = 20, 50
    >>> found = anomalies(days, metric="nps")
    >>> odd = found[found["anomaly"]].iloc[0]
    >>> [round(float(odd[name]), 6) for name in ("bucket", "expected", "departure")]
    [7.0, 30.0, -60.0]
    """
    series = _Series.of(table, metric, false_alarms=false_alarms, seed=seed)
    known = series.known
    result = table[tallies.keys(table)].reset_index(drop=True)
    result["n"] = pd.array(series.n, dtype="Float64").astype("Int64")
    found = np.full((len(JUDGED), len(known)), np.nan)
    if series.reason is None:
        found[:, known] = _departures(series, false_alarms, seed)
    for name, values in zip(JUDGED, found, strict=True):
        result[name] = values
    judged = ~np.isnan(found[4])
    flags = pd.arrays.BooleanArray(np.where(judged, found[4], 1) <= false_alarms, ~judged)
    result["anomaly"] = pd.Series(flags)
    reasons = [series.reason if there else "no_answers" for there in known]
    result["reason"] = pd.Series(reasons, dtype="str")
    return result


def change_points(
    table: pd.DataFrame, *, metric: Metric, false_alarms: float = 0.05, seed: int = 0
) -> Levels:
    """The levels between which a score changed for good, at most six changes.

    `table` and options as for `anomalies`; buckets without answers are passed over. The
    partition is the best of all into levels of at least 3 buckets, by weighted squares less
    a penalty per change: Jackson et al. (2005), "An algorithm for optimal partitioning of data
    on an interval", IEEE Signal Processing Letters 12(2), searched by the number of changes as
    Auger & Lawrence (1989). The penalty is such that a steady series has any change
    with probability `false_alarms`. A bucket that stands alone counts for no more than two
    standard errors. Times of changes are estimates: a bucket or two beside.

    Raises as `anomalies` does.

    >>> weeks = pd.DataFrame({"bucket": range(1, 17), "n": 100, "promoters": 50, "detractors": 20})
    >>> weeks.loc[9:, "promoters"] = 70
    >>> change_points(weeks, metric="nps").table.values.tolist()
    [[1.0, 9.0, 900.0, 30.0, nan], [10.0, 16.0, 700.0, 50.0, 20.0]]
    """
    series = _Series.of(table, metric, false_alarms=false_alarms, seed=seed)
    buckets = table[tallies.keys(table)[0]][series.known]
    if series.reason is not None:
        return Levels(_levels(series, buckets, []), np.nan, np.nan, series.reason)
    counts = series.counts
    scores = _Scores.of(counts).tamed()
    gains, starts = _partitions(scores)
    steady = [_Scores.of(part).tamed() for part in counts.steady(seed)]
    simulated = np.sort(np.concatenate([_most_gain(part) for part in steady]))
    penalties = simulated[-_rank(false_alarms)] * np.arange(gains.shape[1])
    edges = _edges(starts[0], int(np.argmax(gains[0] - penalties)))
    p_value = _p_values(_most_gain(scores), simulated).item()
    levels = _levels(series, buckets, edges)
    return Levels(levels, p_value, 100 * float(np.sqrt(scores.extra.item())), None)


@dataclass(frozen=True)
class _Counts:
    """Answers up, down and in all, series by series (rows) and bucket by bucket (columns)."""

    up: Numbers
    down: Numbers
    n: Numbers
    net: bool

    def shares(self) -> tuple[Numbers, Numbers]:
        """Of each series, adjusted as for intervals, so that no variance is 0."""
        up, down, n = (values.sum(axis=1, keepdims=True) for values in (self.up, self.down, self.n))
        if self.net:
            return (up + 0.75) / (n + 3), (down + 0.75) / (n + 3)
        return (up + 2) / (n + 4), 0 * down

    def scores(self) -> tuple[Numbers, Numbers]:
        """Scores as shares, and their sampling variance."""
        p, d = self.shares()
        return (self.up - self.down) / self.n, (p + d - (p - d) ** 2) / self.n

    def steady(self, seed: int) -> "list[_Counts]":
        """Steady series with these numbers of answers and this restlessness, in portions."""
        rng = np.random.default_rng(seed)
        whole = np.maximum(np.rint(self.n[0]), 1).astype(np.int64)
        size = len(whole)
        # The estimate of restlessness is as rough as the buckets are few: the simulated series
        # have its upper confidence limit, or low estimates would alarm too often.
        rough = _near(rng.standard_normal((DRAWS, size)), np.subtract) ** 2 / 2
        lower = np.quantile(np.median(rough, axis=1), CAUTION)
        extra = _restlessness(*self.scores(), median=float(lower)).item()
        p, d = (share.item() for share in self.shares())
        means = np.array([p, max(1 - p - d, 0), d])
        # Shares drawn by Dirichlet's law have a net variance of V/(concentration + 1).
        variance = p + d - (p - d) ** 2
        concentration = max(variance / max(extra, variance / 1e9) - 1, 1)
        drawn = rng.standard_gamma(concentration * means, (DRAWS, size, 3))
        cells = rng.multinomial(whole, drawn / drawn.sum(axis=2, keepdims=True)).astype(np.float64)
        n = np.broadcast_to(whole.astype(np.float64), (DRAWS, size))
        portion = max(1, 2_000_000 // size**2)
        return [
            _Counts(part[:, :, 0], part[:, :, 2], n[: len(part)], self.net)
            for part in np.split(cells, range(portion, DRAWS, portion))
        ]


@dataclass(frozen=True)
class _Series:
    """One trend: `n` of every bucket, which are `known`, and the counts of those."""

    n: Numbers
    known: np.ndarray[tuple[int], np.dtype[np.bool_]]
    counts: _Counts
    reason: str | None

    @classmethod
    def of(
        cls, table: pd.DataFrame, metric: Metric, *, false_alarms: float, seed: int
    ) -> "_Series":
        if not (options.is_number(false_alarms) and 0.001 <= false_alarms <= 0.5):
            raise ArgumentError("false_alarms", f"is {false_alarms!r}", hint="from 0.001 to 0.5")
        options.whole("seed", seed)
        keys = tallies.keys(table)
        if len(keys) != 1:
            raise FrameError(None, f"has the keys {keys}", hint="a trend has one, its bucket")
        tallies.refuse_clashes(keys, ("n", *JUDGED, "anomaly", "reason"))
        read = sums.read(table, metric)
        buckets = table[keys[0]]
        if buckets.isna().any():
            raise FrameError(keys[0], "holds null", hint="drop answers without a date")
        if not buckets.is_monotonic_increasing:
            raise FrameError(keys[0], "does not ascend", hint="sort by bucket, each one once")
        known = np.asarray(read.size > 0)
        if known.sum() > LONGEST:
            raise FrameError(keys[0], f"has over {LONGEST} values", hint="use a coarser grain")
        up, down, size = (values[np.newaxis, known] for values in read.scaled)
        counts = _Counts(up, down, size, read.net)
        return cls(read.n, known, counts, "too_short" if known.sum() < SHORTEST else None)


@dataclass(frozen=True)
class _Scores:
    """Of series (rows): scores as shares, weights 1/(sampling variance + restlessness²)."""

    score: Numbers
    weight: Numbers
    extra: Numbers

    @classmethod
    def of(cls, counts: _Counts) -> "_Scores":
        score, sampling = counts.scores()
        extra = _restlessness(score, sampling)
        return cls(score, 1 / (sampling + extra), extra)

    def sides(self) -> tuple[Numbers, Numbers]:
        """Before and after each bucket: the mean of the neighbours, and the standard error of a
        bucket's distance from it. Two of each, stacked; NaN where fewer than three neighbours.
        """
        total, summed = _running(self.weight), _running(self.weight * self.score)
        size = self.score.shape[1]
        at = np.arange(size)
        edges = [(np.maximum(at - WINDOW, 0), at), (at + 1, np.minimum(at + 1 + WINDOW, size))]
        weights, sums_ = (
            np.stack([running[:, last] - running[:, first] for first, last in edges])
            for running in (total, summed)
        )
        enough = np.stack([last - first >= FEWEST for first, last in edges])[:, np.newaxis]
        weights = np.where(enough, weights, np.nan)
        return sums_ / weights, np.sqrt(1 / self.weight + 1 / weights)

    def surprise(self) -> Numbers:
        """How many standard errors each bucket lies off both of its sides, 0 if between them."""
        mean, error = self.sides()
        ratio = (self.score - mean) / error
        both = np.maximum(np.fmin(*ratio), np.fmin(*-ratio))
        return np.asarray(np.maximum(both, 0))

    def bounds(self, reach: float) -> tuple[Numbers, Numbers]:
        """Between which scores the surprise is at most `reach`."""
        mean, error = self.sides()
        low, high = np.fmin(*(mean - reach * error)), np.fmax(*(mean + reach * error))
        return np.asarray(low), np.asarray(high)

    def tamed(self) -> "_Scores":
        """With each odd bucket brought near: it shall not pass for a level of its own."""
        return replace(self, score=np.clip(self.score, *self.bounds(TAMED)))


def _running(values: Numbers) -> Numbers:
    return np.concatenate([np.zeros((len(values), 1)), values.cumsum(axis=1)], axis=1)


def _restlessness(score: Numbers, sampling: Numbers, *, median: float = MEDIAN) -> Numbers:
    """The variance between buckets that sampling leaves unexplained, one per series.

    From differences of near buckets, whatever the level does; by their median, whatever a few
    odd buckets do: half of the squares over their variance lie under chi-square's `median`.
    """
    squares = _near(score, np.subtract) ** 2
    expected = _near(sampling, np.add)
    high = squares.max(axis=1, keepdims=True) / median
    low = np.zeros_like(high)
    for _ in range(20):
        middle = (low + high) / 2
        more = np.median(squares / (expected + 2 * middle), axis=1, keepdims=True) > median
        low, high = np.where(more, middle, low), np.where(more, high, middle)
    return np.where(low > 0, (low + high) / 2, 0.0)


def _near(values: Numbers, combine: np.ufunc) -> Numbers:
    """Each bucket with each of the next three, combined; series by series."""
    pairs = [combine(values[:, lag:], values[:, :-lag]) for lag in range(1, NEAR + 1)]
    return np.concatenate(pairs, axis=1)


def _departures(series: _Series, false_alarms: float, seed: int) -> Numbers:
    """expected, low, high, departure (points) and p of each known bucket: 5 rows."""
    scores = _Scores.of(series.counts)
    steady = [_Scores.of(part).surprise().max(axis=1) for part in series.counts.steady(seed)]
    simulated = np.sort(np.concatenate(steady))
    low, high = scores.bounds(float(simulated[-_rank(false_alarms)]))
    mean, error = scores.sides()
    share = np.nan_to_num(1 / (error**2 - 1 / scores.weight))  # the weight of either side
    expected = (np.nan_to_num(mean) * share).sum(axis=0) / share.sum(axis=0)
    bounds = (np.clip(bound, -1 if series.counts.net else 0, 1) for bound in (low, high))
    points = 100 * np.concatenate([expected, *bounds, scores.score - expected])
    return np.vstack([points, _p_values(scores.surprise(), simulated)])


def _partitions(scores: _Scores) -> tuple[Numbers, np.ndarray[tuple[int, ...], np.dtype[np.intp]]]:
    """Of each series, by number of changes (0, 1, …): the gain of the best partition over none,
    and by end of a last level where that level starts.
    """
    size = scores.score.shape[1]
    most = min(MOST_CHANGES, size // SHORTEST_LEVEL - 1)
    total, summed = _running(scores.weight), _running(scores.weight * scores.score)
    best = np.full((len(total), most + 1, size + 1), -np.inf)
    starts = np.zeros(best.shape, dtype=np.intp)
    for end in range(SHORTEST_LEVEL, size + 1):
        before = slice(0, end - SHORTEST_LEVEL + 1)
        fit = (summed[:, [end]] - summed[:, before]) ** 2 / (total[:, [end]] - total[:, before])
        best[:, 0, end] = fit[:, 0]
        for changes in range(1, most + 1):
            fits = best[:, changes - 1, before] + fit
            start = fits.argmax(axis=1)
            starts[:, changes, end] = start
            best[:, changes, end] = fits[np.arange(len(fits)), start]
    return best[:, :, size] - best[:, [0], size], starts


def _edges(starts: np.ndarray[tuple[int, ...], np.dtype[np.intp]], changes: int) -> list[int]:
    """Where each level starts, and the end of the last, for a number of changes."""
    edges = [starts.shape[1] - 1]
    for left in range(changes, -1, -1):
        edges.append(int(starts[left, edges[-1]]))
    return edges[::-1]


def _most_gain(scores: _Scores) -> Numbers:
    """The greatest penalty at which each series would still have a change."""
    gains = _partitions(scores)[0][:, 1:]
    return np.asarray((gains / np.arange(1, gains.shape[1] + 1)).max(axis=1))


def _levels(series: _Series, buckets: pd.Series, edges: list[int]) -> pd.DataFrame:
    """The table of `Levels`, of the same types with and without levels."""
    n, bounds = series.n[series.known], list(pairwise(edges))
    lasts = [end - 1 for end in edges[1:]]
    levels = {
        "first": buckets.iloc[edges[:-1]].reset_index(drop=True),
        "last": buckets.iloc[lasts].reset_index(drop=True),
        "n": np.array([n[first:end].sum() for first, end in bounds]).astype(np.int64),
        "score": np.array([_level(series.counts, *each) for each in bounds], dtype=np.float64),
    }
    table = pd.DataFrame(levels)
    return table.assign(change=table["score"].diff())


def _level(counts: _Counts, first: int, last: int) -> float:
    up, down, n = (values[0, first:last].sum() for values in (counts.up, counts.down, counts.n))
    return float(100 * (up - down) / n)


def _rank(false_alarms: float) -> int:
    """As many of the simulated statistics, from the greatest down, may lie at or over a limit."""
    return int(false_alarms * (DRAWS + 1) + 1e-9)


def _p_values(found: Numbers, simulated: Numbers) -> Numbers:
    """(1 + simulated ones as great)/(1 + all), `simulated` ascending (Davison & Hinkley)."""
    as_great = DRAWS - np.searchsorted(simulated, found - 1e-12)
    return np.asarray((1 + as_great) / (DRAWS + 1))
