"""Print how often 95 % intervals of NPS hold the true score, on a grid of shares and sizes.

    python -m tests.tools.cover [STEP]

Exact: every outcome (promoters, detractors) of n answers is enumerated with its trinomial
probability, so that there is neither simulation nor seed. The grid has all shares of promoters
and detractors in steps of STEP percent (5), each pair once (a mirrored pair covers the same),
without the two where all answers agree. Prints a Markdown table: mean and least cover, where
the least is, and the mean width in points, interval by interval.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, xlogy

from analytics.intervals import adjusted_wald, normal_quantile
from analytics.score_interval import tango

Numbers = NDArray[np.float64]
Interval = Callable[[Numbers, Numbers, Numbers], tuple[Numbers, Numbers]]
SIZES = (5, 7, 10, 15, 20, 30, 50, 100, 200, 500, 1000)


def plain_wald(up: Numbers, down: Numbers, n: Numbers) -> tuple[Numbers, Numbers]:
    """What spreadsheets do."""
    return _wald(up, down, n, added=(0, 0))


def bonett_price(up: Numbers, down: Numbers, n: Numbers) -> tuple[Numbers, Numbers]:
    """One answer added to either side (Bonett & Price 2012)."""
    return _wald(up, down, n, added=(1, 2))


def agresti_min(up: Numbers, down: Numbers, n: Numbers) -> tuple[Numbers, Numbers]:
    """Half an answer added to either side, one to the middle (Agresti & Min 2005)."""
    return _wald(up, down, n, added=(0.5, 2))


def _wald(
    up: Numbers, down: Numbers, n: Numbers, *, added: tuple[float, float]
) -> tuple[Numbers, Numbers]:
    each, total = added
    p, d = (up + each) / (n + total), (down + each) / (n + total)
    margin = normal_quantile(0.95) * np.sqrt((p + d - (p - d) ** 2) / (n + total))
    low, high = (np.clip(100 * bound, -100, 100) for bound in (p - d - margin, p - d + margin))
    return low, high


INTERVALS: dict[str, Interval] = {
    "plain Wald": plain_wald,
    "adjusted Wald (3, T)": adjusted_wald,
    "Agresti–Min": agresti_min,
    "Bonett–Price": bonett_price,
    "Tango": tango,
}


def outcomes(n: int) -> tuple[Numbers, Numbers]:
    """Every (promoters, detractors) of n answers."""
    up, down = np.meshgrid(np.arange(n + 1.0), np.arange(n + 1.0), indexing="ij")
    possible = up + down <= n
    return up[possible], down[possible]


def probabilities(n: int, p: float, d: float) -> Numbers:
    """The trinomial probability of each of `outcomes(n)`."""
    up, down = outcomes(n)
    middle = n - up - down
    ways = gammaln(n + 1) - gammaln(up + 1) - gammaln(down + 1) - gammaln(middle + 1)
    rest = max(round(1 - p - d, 12), 0)
    return np.asarray(np.exp(ways + xlogy(up, p) + xlogy(down, d) + xlogy(middle, rest)))


def cover(interval: Interval, n: int, shares: tuple[float, float]) -> float:
    """The probability that the interval of n answers holds the true score."""
    low, high = interval(*outcomes(n), np.float64(n))
    return _cover(low, high, probabilities(n, *shares), truth=100 * (shares[0] - shares[1]))


def _cover(low: Numbers, high: Numbers, weights: Numbers, *, truth: float) -> float:
    return float(weights[(low <= truth + 1e-9) & (truth - 1e-9 <= high)].sum())


def grid(step: int) -> Iterator[tuple[float, float]]:
    """(promoters, detractors) as shares, promoters ≥ detractors."""
    for up in range(0, 101, step):
        for down in range(0, min(up, 100 - up) + 1, step):
            if up not in {0, 100}:
                yield up / 100, down / 100


@dataclass(frozen=True)
class Cover:
    """Of one interval over the grid: mean and least cover in percent, where the least is, and the
    mean width in points.
    """

    mean: float
    least: float
    place: str
    width: float


def covers(n: int, step: int, intervals: Mapping[str, Interval] = INTERVALS) -> dict[str, Cover]:
    """The cover of intervals of n answers."""
    points = list(grid(step))
    bounds = {name: interval(*outcomes(n), np.float64(n)) for name, interval in intervals.items()}
    found: dict[str, list[float]] = {name: [] for name in intervals}
    widths: dict[str, list[float]] = {name: [] for name in intervals}
    for p, d in points:
        weights = probabilities(n, p, d)
        for name, (low, high) in bounds.items():
            found[name].append(_cover(low, high, weights, truth=100 * (p - d)))
            widths[name].append(float(weights @ (high - low)))
    return {name: _summary(points, found[name], widths[name]) for name in intervals}


def _summary(points: list[tuple[float, float]], found: list[float], widths: list[float]) -> Cover:
    p, d = points[int(np.argmin(found))]
    return Cover(
        100 * float(np.mean(found)),
        100 * min(found),
        f"P{100 * p:.0f}/D{100 * d:.0f}",
        float(np.mean(widths)),
    )


def rows(n: int, step: int) -> Iterator[str]:
    """The lines of the table for one n."""
    for name, of in covers(n, step).items():
        yield f"| {n} | {name} | {of.mean:.1f} | {of.least:.1f} | {of.place} | {of.width:.1f} |"


def main(arguments: list[str]) -> int:
    """Print the table."""
    step = int(arguments[0]) if arguments else 5
    print("| n | interval | mean | least | at | width |\n|---|---|---|---|---|---|")
    for n in SIZES:
        print(*rows(n, step), sep="\n", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
