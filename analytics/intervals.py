"""Interval estimates. Arrays (or numbers) in, float64 arrays of the same shape out.

An empty denominator (n = 0) gives NaN, never 0, and so does a count that is NaN. `n` may be an
effective sample size, so none of the counts has to be whole. `confidence` lies strictly between
0 and 1. ArgumentError: text, infinite or negative counts, shapes that don't fit each other,
parts of more than the whole.
"""

from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from analytics import options
from analytics.errors import ArgumentError
from analytics.options import Numbers
from analytics.scipy import stdtrit

ROUNDING = 1e-9  # by which parts may exceed the whole: effective counts are products


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
    up, down, size = net_counts(positive, negative, n)
    total = size + 3
    share_up, share_down = (up + 0.75) / total, (down + 0.75) / total
    centre = share_up - share_down
    return centre, (share_up + share_down - centre**2) / total


def net_counts(
    positive: ArrayLike, negative: ArrayLike, n: ArrayLike
) -> tuple[Numbers, Numbers, Numbers]:
    """The three as arrays of one shape, n being NaN where nobody answered."""
    up, down, size = options.counts(positive=positive, negative=negative, n=n)
    if (up + down > size * (1 + ROUNDING)).any():
        raise ArgumentError("positive", "and negative exceed n", hint="they are parts of n")
    return up, down, np.where(size > 0, size, np.nan)


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
    hits, size = options.counts(successes=successes, n=n)
    if (hits > size * (1 + ROUNDING)).any():
        raise ArgumentError("successes", "exceed n", hint="they are a part of n")
    return wilson_at(hits, size, z=np.float64(normal_quantile(confidence)))


def wilson_at(hits: Numbers, n: Numbers, *, z: Numbers | np.float64) -> tuple[Numbers, Numbers]:
    """Wilson's interval for a given normal quantile `z` ≥ 0; nothing is checked."""
    total = np.where(n > 0, n, np.nan)
    share = np.minimum(hits / total, 1)  # effective numbers of all may round to a little more
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
    summed = options.array("total", total)
    _, square, size = options.counts(total=np.abs(summed), squares=squares, n=n)
    size = np.where(size > 0, size, np.nan)
    mean = summed / size
    freedom = np.where(size > 1, size - 1, np.nan)
    deviations = square - summed * mean
    if (deviations < -ROUNDING * square).any():
        raise ArgumentError("squares", "are under total²/n", hint="pass Σx² of the same x")
    variance = np.maximum(deviations, 0) / freedom
    quantile = stdtrit(freedom, 0.5 + checked_confidence(confidence) / 2)
    margin = quantile * np.sqrt(variance / size)
    return mean, mean - margin, mean + margin


def normal_quantile(confidence: float) -> float:
    """The two-sided normal quantile z.

    >>> round(normal_quantile(0.95), 4)
    1.96
    """
    return abs(NormalDist().inv_cdf((1 - checked_confidence(confidence)) / 2))


def checked_confidence(confidence: float) -> float:
    """`confidence` itself, or ArgumentError outside (0, 1)."""
    return options.number("confidence", confidence, least=0, most=1, hint="0.95 means 95 %")


def _clipped(points: Numbers, limit: float) -> Numbers:
    return np.clip(points, -limit, limit)
