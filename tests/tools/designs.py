"""Designs of the figures of docs/statistics.md: scores, their readings and their changes.

Each function yields the lines of a Markdown table; `tests.tools.figures` runs them.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import product
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from analytics import drivers, read_countries, split_change, summarise_impact, summarise_paired
from tests.tools import cover

P50_D20, P85_D2 = (0.5, 0.3, 0.2), (0.85, 0.13, 0.02)
Rng = np.random.Generator
Lines = Iterator[str]
Step = TypeVar("Step")


def bar(steps: Iterable[Step], what: str) -> Iterator[Step]:
    """The steps, with a bar on standard error."""
    every = list(steps)
    for done, step in enumerate(every):
        width = 30 * done // len(every)
        print(f"\r{what:12} [{'#' * width:30}] {done}/{len(every)}", end="", file=sys.stderr)
        yield step
    print(f"\r{what:12} [{'#' * 30}] {len(every)}/{len(every)}", file=sys.stderr)


def row(*cells: Any) -> str:
    """A line of a table, numbers with one decimal."""
    return "| " + " | ".join(f"{c:.1f}" if isinstance(c, float) else str(c) for c in cells) + " |"


def head(*names: str) -> Lines:
    """The first two lines of a table."""
    yield row(*names)
    yield "|" + "---|" * len(names)


def held(low: Any, high: Any, truth: float) -> float:
    """How many percent of the intervals that are there hold the truth."""
    known = ~np.isnan(np.asarray(low, dtype=float))
    return float(100 * np.mean(((low <= truth) & (truth <= high))[known]))


def intervals() -> Lines:
    """Exact: every outcome is enumerated (tests/tools/cover.py)."""
    yield from head("n", "interval", "mean cover, %", "least, %", "at", "mean width")
    for n in bar(cover.SIZES, "intervals"):
        for line in cover.rows(n, 5):
            if "adjusted Wald" in line or "Tango" in line:
                yield line


def impact() -> Lines:
    """P60/D20 without the theme, P30/D50 with it; 1,500 draws of each."""
    yield from head("answers", "mention it, %", "bootstrap holds, %", "delta holds, %", "differ by")
    for n, share in bar(product((300, 1000), (0.05, 0.15, 0.3)), "impact"):
        rest, said = np.array([0.6, 0.2, 0.2]), np.array([0.3, 0.2, 0.5])
        shares = np.concatenate([(1 - share) * rest, share * said])
        drawn = np.random.default_rng([11, n]).multinomial(n, shares, 1500)
        yes, every = drawn[:, 3:], drawn[:, :3] + drawn[:, 3:]
        table = pd.DataFrame({"theme": "t", "mentions": yes.sum(axis=1), "n": n})
        table["mention_promoters"], table["mention_detractors"] = yes[:, 0], yes[:, 2]
        table["promoters"], table["detractors"] = every[:, 0], every[:, 2]
        found = [summarise_impact(table, method=m) for m in ("bootstrap", "delta")]
        truth = -60 * share
        apart = (found[0][["low", "high"]] - found[1][["low", "high"]]).abs().mean(axis=None)
        covers = [held(each["low"], each["high"], truth) for each in found]
        yield row(n, round(100 * share), *covers, f"{apart:.2f}")


Shares = Callable[[float], tuple[float, float]]
EXPERIENCE = {"us": 0.4, "disliked": -0.9, "liked": 1.0}  # standard deviations, in both alike


def thresholds(above: float, below: float) -> Shares:
    """Shares of promoters and detractors around a mean, by where 9 begins and 6 ends."""
    return lambda mean: (float(stats.norm.sf(above, mean)), float(stats.norm.cdf(below, mean)))


def habit(kind: float, honest: Shares, share: float = 0.4) -> Shares:
    """As `honest`, but a share of people answers by habit: 9 or 10 in so many of `kind` cases."""

    def shares(mean: float) -> tuple[float, float]:
        up, down = honest(mean)
        return (1 - share) * up + share * kind, (1 - share) * down + share * (1 - kind) / 2

    return shares


STYLES: dict[str, tuple[Shares, Shares]] = {
    "40 % answer by habit, kindly in one country and not in the other": (
        habit(0.95, thresholds(0.5, -0.3)),
        habit(0.05, thresholds(0.5, -0.3)),
    ),
    "9 begins and 6 ends 0.6 standard deviations lower in one": (
        thresholds(0.2, -0.6),
        thresholds(0.8, 0.0),
    ),
    "the same, and 30 % by habit": (
        habit(0.8, thresholds(0.2, -0.6), 0.3),
        habit(0.2, thresholds(0.8, 0.0), 0.3),
    ),
}


def pairs(styles: tuple[Shares, Shares], n: int, copies: int, rng: Rng | None) -> Any:
    """`copies` of two countries and their anchors: answers drawn, or without sampling error."""
    rows: list[dict[str, Any]] = []
    for copy, (place, style), what in product(range(copies), enumerate(styles), EXPERIENCE):
        up, down = style(EXPERIENCE[what])
        counts = (
            [n * up, n * down] if rng is None else rng.multinomial(n, [up, down, 1 - up - down])
        )
        keys = {"country": f"{copy:04}{place}", "anchor": what}
        rows.append(keys | {"n": n, "promoters": round(counts[0]), "detractors": round(counts[1])})
    table = pd.DataFrame(rows)
    own = table["anchor"] == "us"
    return table[own].drop(columns="anchor"), table[~own]


def gap(styles: tuple[Shares, Shares], ruler: Any, n: int, copies: int, rng: Rng | None) -> Any:
    """Raw and calibrated distance of the two styles, whole and between the copies."""
    rows, anchors = pairs(styles, n, copies, rng)
    table = read_countries(rows, anchors=anchors, keys="country", ruler=ruler)
    first, second = table.iloc[::2], table.iloc[1::2]
    raw = first["nps"].mean() - second["nps"].mean()
    return raw, first["calibrated"].mean() - second["calibrated"].mean(), table


def countries() -> Lines:
    """Gaps of shares without sampling error."""
    yield from head("the habit", "raw gap, NPS points", "`net`", "`latent`", "`fitting`")
    for name, styles in STYLES.items():
        found = [gap(styles, ruler, 10_000_000, 1, None) for ruler in ("net", "latent", "fitting")]
        # + 0: no minus before a zero
        yield row(name, found[0][0], *(round(abs(calibrated), 1) + 0 for _, calibrated, _ in found))


def anchors() -> Lines:
    """Drawn: two countries of each style; 100 tables of four, and the bars of all countries."""
    yield from head("the habit", "answers", "gap by `net`", "`latent`", "`fitting`",
                    "`net` bar, ±", "`net` holds, %")  # fmt: skip
    for (name, styles), n in bar(product(STYLES.items(), (300, 1000, 5000)), "anchors"):
        gaps, covers, margins = [], [], []
        for seed in range(100):
            several = [
                gap(styles, ruler, n, 2, np.random.default_rng([seed, n]))
                for ruler in ("net", "latent", "fitting")
            ]
            gaps.append([calibrated for _, calibrated, _ in several])
            table = several[0][2]
            for at, style in enumerate(styles):
                net = {w: np.subtract(*style(mean)) for w, mean in EXPERIENCE.items()}
                truth = 100 * (net["us"] - net["disliked"]) / (net["liked"] - net["disliked"])
                low, high = (table[f"calibrated_{end}"].iloc[at::2] for end in ("low", "high"))
                covers.append(held(low, high, float(truth)))
                margins.append(float((high - low).mean() / 2))
        yield row(name, n, *(float(g) for g in np.nanmean(gaps, axis=0)),
                  float(np.nanmean(margins)), float(np.nanmean(covers)))  # fmt: skip


def answers(size: int, seed: int) -> pd.DataFrame:
    """Scores that a theme and a region go with."""
    rng = np.random.default_rng(seed)
    price = rng.choice(["positive", "negative", None], size, p=[0.2, 0.2, 0.6])
    region = rng.choice(["north", "south", "west", "east"], size)
    latent = 7 + 1.5 * (price == "positive") - 2 * (price == "negative") - (region == "west")
    score = np.clip(np.round(latent + rng.normal(0, 1.5, size)), 0, 10).astype(int)
    return pd.DataFrame({"score": score, "price": price, "region": region})


def key_drivers() -> Lines:
    """400 draws of each size; the truth is that of 400,000 answers."""
    columns = ["price", "region"]
    truth = drivers(answers(400_000, 10**6), columns=columns, draws=100).table["importance"]
    yield from head("answers", "holds, % (theme)", "holds, % (region)")
    for n in (100, 300, 1000):
        tables = [drivers(answers(n, s), columns=columns).table for s in bar(range(400), "drivers")]
        bounds = np.array([[table["low"], table["high"]] for table in tables])
        yield row(n, *(held(bounds[:, 0, at], bounds[:, 1, at], truth[at]) for at in (0, 1)))


def alike() -> Lines:
    """120 draws of 40 accounts, each of ten equal answers, and a theme that means nothing."""
    yield from head("", "a driver that is none is significant, %")
    for name, cluster in (('with `cluster="account"`', "account"), ("without", None)):
        found = []
        for seed in bar(range(120), "alike"):
            rng = np.random.default_rng(seed)
            one = {"account": range(40), "score": rng.integers(0, 11, 40)}
            frame = pd.DataFrame(one | {"price": rng.choice(["said", None], 40)})
            frame = frame.loc[frame.index.repeat(10)]
            table = drivers(frame, columns=["price"], cluster=cluster, draws=100).table
            found.append(bool(table["significant"].item()))
        yield row(name, float(100 * np.mean(found)))


def parts(rng: Rng, sizes: NDArray[Any], shares: NDArray[Any]) -> pd.DataFrame:
    """A tally of NPS by segment."""
    up, _, down = rng.multinomial(sizes, shares).T
    keys = {"segment": range(len(sizes)), "n": sizes}
    return pd.DataFrame(keys | {"promoters": up, "detractors": down})


def mix() -> Lines:
    """1,000 draws of each: shares of the segments and their scores move from then to now."""
    yield from head("segments", "answers a side", "holds the within part, %", "the mix, %")
    for segments, n in product((3, 10), (30, 400)):
        rng = np.random.default_rng([1955, segments, n])
        scores = [rng.dirichlet([5, 3, 2], segments) for _ in range(2)]
        part = [rng.dirichlet([4] * segments) for _ in range(2)]
        net = [each[:, 0] - each[:, 2] for each in scores]
        within = 100 * float(((part[0] + part[1]) / 2) @ (net[0] - net[1]))
        whole = 100 * float(part[0] @ net[0] - part[1] @ net[1])
        found = []
        for _ in bar(range(1000), "mix"):
            tables = [
                parts(rng, rng.multinomial(n, p), s) for p, s in zip(part, scores, strict=True)
            ]
            split = split_change(*tables, metric="nps")
            found.append((split.within_low, split.within_high, split.mix_low, split.mix_high))
        low, high, mix_low, mix_high = np.array(found).T
        yield row(segments, n, held(low, high, within), held(mix_low, mix_high, whole - within))


def paired_t() -> Lines:
    """20,000 draws of each; as many rise as fall, a third of them by two classes."""
    names = ("fell_2", "fell_1", "stayed", "rose_1", "rose_2")
    yield from head("customers", "of them move, %", "holds, %", "no interval, %")
    for n, moves in bar(product((10, 20, 50, 200), (0.1, 0.5)), "paired"):
        shares = [moves / 6, moves / 3, 1 - moves, moves / 3, moves / 6]
        drawn = np.random.default_rng([1908, n]).multinomial(n, shares, 20_000)
        table = pd.DataFrame({"draw": range(20_000), "n": n, "only_before": 0, "only_after": 0})
        table["sum_before"], table["sum_after"] = 0, drawn @ np.arange(-2, 3)
        found = summarise_paired(table.assign(**dict(zip(names, drawn.T, strict=True))))
        alike = 100 * float(found["change_low"].isna().mean())
        yield row(n, round(100 * moves), held(found["change_low"], found["change_high"], 0), alike)
