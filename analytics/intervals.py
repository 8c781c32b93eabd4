"""Interval estimates. Arrays (or numbers) in, float64 arrays of the same shape out.

An empty denominator (n = 0) gives NaN, never 0. `n` may be an effective sample size, so none
of the counts has to be whole. `confidence` lies strictly between 0 and 1.
"""

from numbers import Real
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit  # type: ignore[import-untyped]  # scipy ships no types

from analytics.errors import ArgumentError

Numbers = NDArray[np.float64]


def adjusted_wald(
    positive: ArrayLike, negative: ArrayLike, n: ArrayLike, *, confidence: float = 0.95
) -> tuple[Numbers, Numbers]:
    """Adjusted Wald interval (3, T) of a net score 100·(positive - negative)/n, in points.

    `positive` and `negative` answers out of `n` → (low, high) in [-100, 100]. Three made-up
    answers are added, ¾ to each side and the rest to the middle (n' = n + 3); the
    bar is centred on p' - d', not on the plain score, and clipped. Rocks (2016), "Interval
    estimation for the 'net promoter score'", The American Statistician 70(4).

    >>> low, high = adjusted_wald(50, 20, 100)   # P50/D20: about ±15 at n = 100
    >>> round(float(low), 2), round(float(high), 2)
    (14.05, 44.2)
    >>> low, high = adjusted_wald(0, 0, 0)
    >>> float(low), float(high)
    (nan, nan)
    """
    centre, variance = adjusted_net(positive, negative, n)
    margin = normal_quantile(confidence) * np.sqrt(variance)
    return _clipped(100 * (centre - margin), 100), _clipped(100 * (centre + margin), 100)


def adjusted_net(positive: ArrayLike, negative: ArrayLike, n: ArrayLike) -> tuple[Numbers, Numbers]:
    """The adjusted net share p' - d' in [-1, 1] and its variance V'/n' (see adjusted_wald)."""
    total = _answered(n) + 3
    share_up = (np.asarray(positive, dtype=np.float64) + 0.75) / total
    share_down = (np.asarray(negative, dtype=np.float64) + 0.75) / total
    centre = share_up - share_down
    return centre, (share_up + share_down - centre**2) / total


def wilson(
    successes: ArrayLike, n: ArrayLike, *, confidence: float = 0.95
) -> tuple[Numbers, Numbers]:
    """Wilson score interval of a proportion: (low, high) as shares in [0, 1].

    Wilson (1927), "Probable inference, the law of succession, and statistical inference", JASA
    22; recommended for small n by Brown, Cai & DasGupta (2001), Statistical Science 16(2).

    >>> low, high = wilson([0, 8, 10], 10)
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.0, 0.49, 0.722], [0.278, 0.943, 1.0])
    """
    return wilson_at(successes, n, z=np.float64(normal_quantile(confidence)))


def wilson_at(
    successes: ArrayLike, n: ArrayLike, *, z: Numbers | np.float64
) -> tuple[Numbers, Numbers]:
    """Wilson's interval for a given normal quantile `z` ≥ 0 instead of a confidence."""
    total, hits = _answered(n), np.asarray(successes, dtype=np.float64)
    share = hits / total
    spread = 1 + z**2 / total
    centre = (share + z**2 / (2 * total)) / spread
    margin = z / spread * np.sqrt(share * (1 - share) / total + z**2 / (4 * total**2))
    # At the corners the bound is exactly the corner; rounding must not leave it just beside.
    low = np.where(hits == 0, total * 0, np.clip(centre - margin, 0, 1))
    high = np.where(hits == total, total / total, np.clip(centre + margin, 0, 1))
    return low, high


def student_mean(
    total: ArrayLike, squares: ArrayLike, n: ArrayLike, *, confidence: float = 0.95
) -> tuple[Numbers, Numbers, Numbers]:
    """Mean with Student's t interval from Σx, Σx² and n: (mean, low, high), in units of x.

    n = 0 has no mean, n = 1 no interval (NaN). Student (1908), Biometrika 6(1).

    >>> mean, low, high = student_mean(15, 55, 5)   # 1, 2, 3, 4, 5: 3 ± 2.776·1.581/√5
    >>> float(mean), round(float(low), 3), round(float(high), 3)
    (3.0, 1.037, 4.963)
    """
    size = _answered(n)
    summed = np.asarray(total, dtype=np.float64)
    mean = summed / size
    freedom = np.where(size > 1, size - 1, np.nan)
    deviations = np.asarray(squares, dtype=np.float64) - summed * mean
    variance = np.maximum(deviations, 0) / freedom
    quantile = stdtrit(freedom, 0.5 + checked_confidence(confidence) / 2)
    margin = quantile * np.sqrt(variance / size)
    return mean, mean - margin, mean + margin


def normal_quantile(confidence: float) -> float:
    """The two-sided normal quantile z.

    >>> round(normal_quantile(0.95), 4)
    1.96
    """
    return NormalDist().inv_cdf(0.5 + checked_confidence(confidence) / 2)


def checked_confidence(confidence: float) -> float:
    """`confidence` itself, or ArgumentError outside (0, 1)."""
    fits = is_number(confidence) and 0 < confidence < 1
    if not fits:
        raise ArgumentError("confidence", f"is {confidence!r}", hint="0.95 means 95 %")
    return confidence


def is_number(value: object) -> bool:
    """Whether an option is one number, so that it can be held against its range.

    >>> [is_number(value) for value in (0.05, np.float32(1), np.int64(1), "0.05", None, [1], True)]
    [True, True, True, False, False, False, False]
    """
    return isinstance(value, Real) and not isinstance(value, bool)


def _answered(n: ArrayLike) -> Numbers:
    size = np.asarray(n, dtype=np.float64)
    return np.where(size > 0, size, np.nan)


def _clipped(points: Numbers, limit: float) -> Numbers:
    return np.clip(points, -limit, limit)
