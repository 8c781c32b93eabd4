"""Small segments beside what they most plausibly are: empirical-Bayes estimates.

The best and the worst of many segments are mostly small ones that were lucky or not. If segment
i scores yᵢ with the variance Vᵢ, and the true scores of all spread around μ with variance A, its
own is best guessed between the two,

    θ̂ᵢ = (1 - B̂ᵢ)·yᵢ + B̂ᵢ·μ̂,        B̂ᵢ = (k - 3)/(k - 1) · Vᵢ/(Vᵢ + Â),

with an interval that counts in that μ and A are estimated, too: Morris (1983), "Parametric
empirical Bayes inference: theory and applications", JASA 78(381). Â is that of Paule & Mandel
(1982), "Consensus values and weighting factors", J. Res. Nat. Bur. Stand. 87(5): the A at which the
segments spread around their mean as far as it says. With equal variances this is the estimator of
James & Stein. Of up to three segments nothing is learnt about their spread: they stay as they are.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analytics import intervals, options, sums, tallies
from analytics.errors import ArgumentError
from analytics.options import Numbers
from analytics.sums import Metric


@dataclass(frozen=True)
class Shrunk:
    """Per segment `value`, `low`, `high` and `shrinkage` B̂ in [0, 1]; of all `mean` and `between`.

    In the units of the values; `between` is Â, a variance.
    """

    value: Numbers
    low: Numbers
    high: Numbers
    shrinkage: Numbers
    mean: float
    between: float


def shrink(table: pd.DataFrame, *, metric: Metric, confidence: float = 0.95) -> pd.DataFrame:
    """Shrunken scores of the rows of a result (or tally), to show beside the raw ones.

    Rows are the segments; of weighted NPS pass a tally → keys; `n` answers; `raw, mean, shrunk,
    low, high` in points of the metric, clipped to its scale: the plain score, the common mean (μ̂,
    the same in each row), the guess between the two and its interval; `shrinkage` in [0, 1]:
    how far the guess went from raw to the mean. Vᵢ is V'/n (`sums.Sums.variance`). A row without
    answers, or suppressed, is null and has no say.

    Never in the place of raw, nor for segments that a common mean means nothing to (a country is
    read against itself). ArgumentError and FrameError as for `compare`.

    >>> table = pd.DataFrame({"region": list("abcdef"), "n": [400, 300, 250, 200, 6, 5],
    ...     "promoters": [180, 150, 90, 60, 4, 1], "detractors": [100, 60, 60, 70, 1, 2]})
    >>> shrunk = shrink(table, metric="nps")
    >>> shrunk["raw"].round(1).tolist(), shrunk["shrunk"].round(1).tolist()
    ([20.0, 30.0, 12.0, -5.0, 50.0, -20.0], [19.7, 29.1, 12.2, -3.3, 32.1, -2.3])
    """
    read = sums.read(table, metric)
    keys = tallies.keys(table)
    tallies.refuse_clashes(keys, ("n", "raw", "mean", "shrunk", "low", "high", "shrinkage"))
    known = read.size > 0
    fit = shrink_means(
        100 * read.score[known], 100**2 * read.variance()[known], confidence=confidence
    )
    result = table[keys].reset_index(drop=True)
    result["n"] = pd.array(read.n, dtype="Float64").astype("Int64")
    result["raw"] = 100 * read.score
    spread = {
        "mean": np.full(int(known.sum()), fit.mean),
        "shrunk": fit.value,
        "low": np.clip(fit.low, read.floor, 100),
        "high": np.clip(fit.high, read.floor, 100),
        "shrinkage": fit.shrinkage,
    }
    for name, values in spread.items():
        result[name] = np.nan
        result.loc[known, name] = values
    return result


def shrink_means(values: ArrayLike, variances: ArrayLike, *, confidence: float = 0.95) -> Shrunk:
    """Shrink any estimates with known variances > 0, in the same order.

    ArgumentError where they are not finite, not of one length, or a variance is not > 0.

    The batting averages of 18 players after 45 turns (Efron & Morris 1977, "Stein's paradox in
    statistics", Scientific American 236(5)): the .400 of the best becomes .294, the .156 of the
    last .242, a fifth of the way kept.

    >>> hits = np.array([18, 17, 16, 15, 14, 14, 13, 12, 11, 11, 10, 10, 10, 10, 10, 9, 8, 7])
    >>> mean = hits.mean() / 45
    >>> players = shrink_means(hits / 45, np.full(18, mean * (1 - mean) / 45))
    >>> players.value[[0, -1]].round(3).tolist(), round(1 - float(players.shrinkage[0]), 3)
    ([0.294, 0.242], 0.212)
    """
    z = intervals.normal_quantile(confidence)
    y, v = _checked(values, variances)
    k = len(y)
    between = paule_mandel(y, v) if k > 1 else 0.0
    weight = 1 / (v + between)
    mean = float(np.sum(weight * y) / np.sum(weight)) if k else np.nan
    # Fewer than four leave B = 0: Morris's factor, which makes up for estimating A, ends there.
    factor = (k - 3) / (k - 1) if k > 3 else 0.0
    shrinkage = factor * v * weight
    lever = weight / np.sum(weight)  # each one's part in the mean
    unsure = np.zeros(k)
    if k > 3:
        typical = np.sum(weight * v) / np.sum(weight)
        unsure = 2 / (k - 3) * shrinkage**2 * (typical + between) * weight
    variance = v * (1 - (1 - lever) * shrinkage) + unsure * (y - mean) ** 2
    value = y + shrinkage * (mean - y)
    margin = z * np.sqrt(variance)
    return Shrunk(value, value - margin, value + margin, shrinkage, mean, between)


def paule_mandel(values: Numbers, variances: Numbers) -> float:
    """The between-variance A ≥ 0 at which Σ (yᵢ - μ̂)²/(Vᵢ + A) = k - 1, by bisection.

    >>> round(paule_mandel(np.array([1.0, 2.0, 4.0, 5.0]), np.ones(4)), 6)   # s² - 1
    2.333333
    """

    def excess(between: float) -> float:
        weight = 1 / (variances + between)
        mean = np.sum(weight * values) / np.sum(weight)
        return float(np.sum(weight * (values - mean) ** 2)) - (len(values) - 1)

    if excess(0.0) <= 0:
        return 0.0
    low, high = 0.0, float(np.sum((values - values.mean()) ** 2))  # the excess falls with A
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return high


def _checked(values: ArrayLike, variances: ArrayLike) -> tuple[Numbers, Numbers]:
    y, v = options.array("values", values), options.array("variances", variances)
    if y.ndim != 1 or y.shape != v.shape:
        raise ArgumentError(
            "variances", f"have the shape {v.shape}, not {y.shape}", hint="one for each value"
        )
    if np.isnan(y).any():
        raise ArgumentError("values", "are not all known", hint="leave out what isn't")
    if not (v > 1 / options.LARGEST).all():
        raise ArgumentError("variances", "are not all > 0", hint="leave out what isn't known")
    return y, v
