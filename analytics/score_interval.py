"""The score interval of a net score: wider at the corners, where adjusted Wald covers too little.

A net score is to trinomial counts what a difference of matched pairs is to its discordant
cells (b pairs for, c against, of n), so that Tango's interval for the latter serves as it is.
"""

import numpy as np
from numpy.typing import ArrayLike

from analytics.intervals import net_counts, normal_quantile
from analytics.options import Numbers

HALVINGS = 50  # of a range of at most 2: to 2e-15, below what the formula itself rounds to


def tango(
    positive: ArrayLike, negative: ArrayLike, n: ArrayLike, *, confidence: float = 0.95
) -> tuple[Numbers, Numbers]:
    """Tango's score interval of a net score 100·(positive - negative)/n, in points.

    `positive` and `negative` answers out of `n` (whole or effective numbers, positive +
    negative ≤ n) → (low, high) in [-100, 100], float64 of their common shape; NaN where n is
    0. It holds every net share x that a score test does not reject: |p - d - x| ≤ z·√(V(x)/n),
    where V(x) is the variance of an answer under the shares that are likeliest among those
    with net x. It always holds the plain score, and never leaves [-100, 100].

    Tango (1998), "Equivalence test and confidence interval for the difference in proportions
    for the paired-sample design", Statistics in Medicine 17(8). ArgumentError as of all
    intervals.

    >>> low, high = tango(1, 7, 21)   # the first example of Fagerland, Lydersen & Laake (2014)
    >>> round(float(low), 1), round(float(high), 1)
    (-51.7, -2.6)
    """
    up, down, size = net_counts(positive, negative, n)
    z = normal_quantile(confidence)
    share_up, share_down = up / size, down / size
    below = _bound(share_down, share_up, z**2 / size)
    above = _bound(share_up, share_down, z**2 / size)
    return -100 * below, 100 * above


def _bound(up: Numbers, down: Numbers, scale: Numbers) -> Numbers:
    """The greatest net share that the test does not reject, by bisection; `scale` is z²/n."""
    net = up - down
    inside, outside = net, np.where(np.isnan(net), np.nan, 1.0)
    for _ in range(HALVINGS):
        middle = (inside + outside) / 2
        rejected = (net - middle) ** 2 > scale * _variance(up, down, middle)
        inside, outside = (
            np.where(rejected, inside, middle),
            np.where(rejected, middle, outside),
        )
    return outside


def _variance(up: Numbers, down: Numbers, net: Numbers) -> Numbers:
    """The variance of an answer, p + d - net², at the likeliest shares p and d with that net."""
    half = (up + down - (2 - up + down) * net) / 2
    root = np.sqrt(np.maximum(half**2 + 2 * down * net * (1 - net), 0))
    fewest = (half + root) / 2  # the likeliest d
    return np.maximum(2 * fewest + net * (1 - net), 0)
