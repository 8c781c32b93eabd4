"""What the statistics promise, measured on made-up customers whose truth is known."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from scipy import stats
from timing import Line
from tools.cover import INTERVALS, SIZES, covers

import analytics

Rng = np.random.Generator
Shares = Callable[[float], tuple[float, float]]  # mean experience → promoters, detractors

# The same everywhere: the company, and two that people dislike and like.
EXPERIENCE = {"us": 0.4, "disliked": -0.9, "liked": 1.0}
RULERS = ("net", "latent", "fitting")
ANSWERS = 400_000  # a country's, per question: what is left is the ruler's, not chance
OURS = "adjusted Wald (3, T)"  # the interval of `analytics.nps`


def measure(*, short: bool) -> Iterator[Line]:
    """A line for each promise; `short`: of a few draws and sizes, to see that it runs."""
    yield split_sums(trials=10 if short else 300)
    yield from countries(pairs=2 if short else 100)
    yield from cover((5, 10) if short else SIZES)


def split_sums(*, trials: int) -> Line:
    """The largest |within + mix - change| of random changes, as a whole and by segment."""
    rng, worst = np.random.default_rng(1), 0.0
    for _ in range(trials):
        now, then = (_segments(rng, int(rng.integers(1, 60))) for _ in range(2))
        split = analytics.split_change(now, then, metric="nps")
        parts = split.segments
        totals = [100 * (t["promoters"].sum() - t["detractors"].sum()) / t["n"].sum()
                  for t in (now, then)]  # fmt: skip
        gaps = [
            split.within + split.mix - split.change,
            totals[0] - totals[1] - split.change,
            parts["change"].sum() - split.change,
            *(parts["within"] + parts["mix"] - parts["change"]),
        ]
        worst = max(worst, float(np.abs(gaps).max()))
    return Line(
        f"{trials} changes split: parts - whole", f"{worst:.1e} points", "≤ 1e-9", worst <= 1e-9
    )


def _segments(rng: Rng, count: int) -> pd.DataFrame:
    """Segments of which some are empty, some huge, and some on one side only."""
    names = rng.choice(80, count, replace=False)
    up, middle, down = (rng.integers(0, 10 ** rng.integers(1, 7), count) for _ in range(3))
    up[0] += 1
    return pd.DataFrame(
        {"segment": names, "n": up + middle + down, "promoters": up, "detractors": down}
    )


def countries(*, pairs: int) -> Iterator[Line]:
    """Two countries of equal experience that answer differently: how often a ruler leaves no gap.

    The test that chooses between rulers errs in one of a hundred.
    """
    rng = np.random.default_rng(2)
    for habit, styles in (("thresholds", _thresholds), ("shares by habit", _by_habit)):
        gaps: dict[str, list[float]] = {"raw": [], **{ruler: [] for ruler in RULERS}}
        while len(gaps["raw"]) < pairs:
            found = _gaps(rng, styles(rng), styles(rng))
            if found["raw"] > 30:
                for name, gap in found.items():
                    gaps[name].append(gap)
        below = {ruler: float(np.mean(np.array(gaps[ruler]) < 2)) for ruler in RULERS}
        yield Line(
            f"{pairs} pairs of equal experience, other {habit}: gap < 2",
            ", ".join(f"{ruler} {100 * below[ruler]:.0f} %" for ruler in RULERS),
            f"raw {min(gaps['raw']):.0f}-{max(gaps['raw']):.0f}; fitting ≥ 95 %",
            below["fitting"] >= 0.95,
        )


def _thresholds(rng: Rng) -> Shares:
    """Where "9" begins and "6" ends."""
    above = rng.uniform(-0.4, 1.1)
    below = above - rng.uniform(0.6, 1.0)
    return lambda mean: (stats.norm.sf(above, mean), stats.norm.cdf(below, mean))


def _by_habit(rng: Rng) -> Shares:
    """Four tenths answer the same whatever they lived through: kindly, or not."""
    kind = rng.uniform(0, 1)
    return lambda mean: (
        0.6 * stats.norm.sf(0.5, mean) + 0.4 * kind,
        0.6 * stats.norm.cdf(-0.3, mean) + 0.2 * (1 - kind),
    )


def _gaps(rng: Rng, *styles: Shares) -> dict[str, float]:
    rows = []
    for country, style in enumerate(styles):
        for what, mean in EXPERIENCE.items():
            up, down = style(mean)
            counts = rng.multinomial(ANSWERS, [up, down, 1 - up - down])
            rows.append((country, what, ANSWERS, *counts[:2]))
    table = pd.DataFrame(rows, columns=["country", "anchor", "n", "promoters", "detractors"])
    us = table[table["anchor"] == "us"].drop(columns="anchor")
    anchors = table[table["anchor"] != "us"]
    gaps = {"raw": float(abs(analytics.summarise_nps(us)["nps"].diff().iloc[1]))}
    for ruler in RULERS:
        read = analytics.read_countries(us, anchors=anchors, keys="country", ruler=ruler)
        gaps[ruler] = float(abs(read["calibrated"].diff().iloc[1]))
    return gaps


def cover(sizes: tuple[int, ...]) -> Iterator[Line]:
    """The interval of every NPS on the published grid (docs/statistics.md), exactly."""
    for n in sizes:
        found = covers(n, 5, {OURS: INTERVALS[OURS]})[OURS]
        floor = 87 if n == 10 else 90 if n >= 20 else 0
        goal = "mean 94-97" + (f", least ≥ {floor}" if floor else "")
        yield Line(
            f"cover of 95 % intervals of {n} answers, percent",
            f"mean {found.mean:.1f}, least {found.least:.1f} at {found.place}",
            goal,
            94 <= round(found.mean, 1) <= 97 and found.least >= floor,
        )
