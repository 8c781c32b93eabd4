"""Measure the figures of docs/statistics.md and write them into it, part by part.

    python -m tests.tools.figures            all parts, about half an hour on one core
    python -m tests.tools.figures PART …     these only: `impact`, `trends`, …

Each part is a table between two comments of the page, `<!-- figures: PART -->` and `<!-- end -->`,
replaced as soon as it is measured: a run that was broken off goes on with the parts named. All
draws come from the seeds below, so that a part prints the same again. `intervals` is exact.
"""

import re
import sys
from collections.abc import Callable, Iterable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from analytics import (
    SamplePlan,
    anomalies,
    change_points,
    clustered,
    clustered_change,
    shrink,
    trends,
)
from analytics.experiments import always_valid
from analytics.sums import Sums
from tests.tools import designs
from tests.tools.designs import P50_D20, P85_D2, Lines, Rng, bar, head, held, parts, row

PAGE = Path(__file__).parents[2] / "docs" / "statistics.md"
MIND = (1, 0.6, 0.4)  # Dirichlet: accounts around P50/D20, strongly alike inside


def heavy(rng: Rng, size: int) -> NDArray[Any]:
    """Sizes of a heavy tail: Pareto 1.2, at most 500."""
    return np.minimum(np.ceil(rng.random(size) ** (-1 / 1.2)), 500).astype(int)


def moderate(rng: Rng, size: int) -> NDArray[Any]:
    """2 to 15 answers."""
    return rng.integers(2, 16, size)


def accounts(rng: Rng, draws: int, count: int, sizes: Any, *, alike: bool = True) -> pd.DataFrame:
    """`draws` tallies of so many accounts around P50/D20."""
    n = sizes(rng, draws * count)
    shares = rng.dirichlet(MIND, len(n)) if alike else np.broadcast_to(P50_D20, (len(n), 3))
    table = parts(rng, n, shares).rename(columns={"segment": "account"})
    table.insert(0, "draw", np.repeat(range(draws), count))
    return table


def clusters() -> Lines:
    """2,000 draws of each; beside it what G - 1 degrees of the plain linearised variance hold."""
    yield from head(
        "sizes", "accounts", "alike: holds, %", "(plain: holds, %)", "not alike: holds, %"
    )
    for (name, sizes), count in bar(
        product({"2 to 15": moderate, "heavy tail": heavy}.items(), (5, 10, 20, 60, 100, 200)),
        "clusters",
    ):
        covers, plain = [], 0.0
        for alike in (True, False):
            table = accounts(np.random.default_rng([1983, count]), 2000, count, sizes, alike=alike)
            found = clustered(table, cluster="account", metric="nps")
            covers.append(held(found["low"], found["high"], 30))
            if alike:
                plain = linearised(table, count)
        yield row(name, count, covers[0], plain, covers[1])


def linearised(table: pd.DataFrame, count: int) -> float:
    """Cover of the older way: factor G/(G - 1), Student's t of G - 1 (Binder 1983)."""
    y = (table["promoters"] - table["detractors"]).to_numpy(float).reshape(-1, count)
    m = table["n"].to_numpy(float).reshape(-1, count)
    ratio, whole = y.sum(axis=1) / m.sum(axis=1), m.sum(axis=1)
    off = y - ratio[:, None] * m
    error = np.sqrt((off**2).sum(axis=1) * count / (count - 1)) / whole
    margin = 100 * stats.t.ppf(0.975, count - 1) * np.where(error > 1e-9, error, np.nan)
    return held(100 * ratio - margin, 100 * ratio + margin, 30)


def cluster_changes() -> Lines:
    """2,000 draws of each, 5 % promised; accounts of 5 to 14 answers, or of the heavy tail."""
    yield from head(
        "accounts now", "before", "the same of them", "false alarms, %", "(heavy tail), %"
    )
    cases = [(2, 20, 0), (3, 60, 0), (5, 5, 0), (5, 20, 0), (20, 20, 0), (20, 200, 0), (60, 60, 0)]
    for now, before, same in bar([*cases, (5, 5, 5), (20, 20, 10), (60, 60, 60)], "changes"):
        alarms = []
        for sizes in (lambda rng, size: rng.integers(5, 15, size), heavy):
            rng = np.random.default_rng([1983, now, before])
            sides = [accounts(rng, 2000, count, sizes) for count in (now, before)]
            for table, count, shift in zip(sides, (now, before), (0, now - same), strict=True):
                table["account"] = table.groupby("draw").cumcount() + shift
                assert len(table) == 2000 * count
            found = clustered_change(*sides, cluster="account", metric="nps")["significant"]
            alarms.append(100 * float(found.dropna().astype(float).mean()))
        yield row(now, before, same, *alarms)


def shrinkage() -> Lines:
    """500 draws of 20 segments around P50/D25."""
    yield from head("answers", "true sd, points", "error raw", "shrunk", "holds, %")
    for n, spread in bar(product((3, 10, 30, 100, "3 to 100"), (0.0, 0.1, 0.25)), "shrinkage"):
        rng = np.random.default_rng([1983, round(100 * spread)])
        off: list[Any] = []
        for _ in range(500):
            truth = np.clip(rng.normal(0.25, spread, 20), -0.7, 0.7)
            sizes = rng.integers(3, 101, 20) if isinstance(n, str) else np.full(20, n)
            shares = np.column_stack([(0.75 + truth) / 2, np.full(20, 0.25), (0.75 - truth) / 2])
            found = shrink(parts(rng, sizes, shares), metric="nps")
            inside = (found["low"] <= 100 * truth) & (100 * truth <= found["high"])
            off.append((found["raw"] - 100 * truth, found["shrunk"] - 100 * truth, inside))
        raw, shrunk, inside = np.array(off, dtype=float).transpose(1, 0, 2)
        errors = [float(np.sqrt((each**2).mean())) for each in (raw, shrunk)]
        yield row(n, round(100 * spread), *errors, float(100 * inside.mean()))


def series(rng: Rng, buckets: int, n: int, restless: float, shares: Any) -> pd.DataFrame:
    """A steady trend of n/2 to 2·n answers a bucket; `restless`: the sd of the true score."""
    each = np.broadcast_to(shares, (buckets, 3))
    if restless:
        variance = shares[0] + shares[2] - (shares[0] - shares[2]) ** 2
        each = rng.dirichlet((variance / restless**2 - 1) * np.array(shares), buckets)
    return parts(rng, rng.integers(n // 2, 2 * n, buckets), each).rename(
        columns={"segment": "bucket"}
    )


def alarms(tables: Iterable[pd.DataFrame]) -> tuple[float, float]:
    """In how many percent of trends an anomaly, and a change, is seen."""
    found = [
        (
            bool(anomalies(table, metric="nps")["anomaly"].any()),
            len(change_points(table, metric="nps").table) > 1,
        )
        for table in tables
    ]
    odd, changed = 100 * np.mean(found, axis=0)
    return float(odd), float(changed)


def trend_alarms() -> Lines:
    """Of 400 steady series each, 5 % promised; 199 simulated ones instead of 1,999."""
    yield from head("buckets", "answers", "scores", "restlessness", "anomalies, %", "changes, %")
    cases = product(
        (12, 26, 52), (10, 200), {"P50/D20": P50_D20, "P85/D2": P85_D2}.items(), (0.0, 0.05)
    )
    for buckets, n, (name, shares), restless in cases:
        rng = np.random.default_rng(buckets)
        tables = [series(rng, buckets, n, restless, shares) for _ in range(400)]
        found = alarms(bar(tables, "trends"))
        yield row(buckets, f"{n // 2} to {2 * n}", name, round(100 * restless), *found)


def trend_power() -> Lines:
    """What is found in 200 series of 26 buckets at P50/D20, 100 to 400 answers in each."""
    yield from head(
        "restlessness", "a step of 10 points found, %", "a bucket 4 standard errors off, %"
    )
    for restless in (0.0, 0.05):
        rng = np.random.default_rng(41)
        steps, odd = [], []
        for table in bar((series(rng, 26, 200, restless, P50_D20) for _ in range(200)), "power"):
            step, spike = table.copy(), table.copy()
            moved = (0.05 * step["n"]).round().astype(int).clip(upper=step["detractors"])
            step.loc[13:, ["promoters", "detractors"]] += np.outer(moved, [1, -1])[13:]
            error = float(np.sqrt(0.61 / spike.at[9, "n"]))
            shift = round(2 * error * spike.at[9, "n"])
            spike.loc[9, ["promoters", "detractors"]] += [-shift, shift]
            steps.append(len(change_points(step, metric="nps").table) > 1)
            odd.append(bool(anomalies(spike, metric="nps")["anomaly"].fillna(value=False)[9]))
        yield row(round(100 * restless), float(100 * np.mean(steps)), float(100 * np.mean(odd)))


def peeking() -> Lines:
    """400 experiments without a difference, looked at after every answer from 30 to 2,000."""
    yield from head("what", "`effect`", "ordinary test, %", "ours, %")
    rates = {"response 2 %": (0.02, 0.0), "response 10 %": (0.1, 0.0), "response 30 %": (0.3, 0.0)}
    scores = {"P50/D20": (0.5, 0.2), "P85/D2": (0.85, 0.02)}
    for (name, (p, d)), effect in bar(product((rates | scores).items(), (5, 20)), "peeking"):
        rng, sizes, sides = np.random.default_rng(5), np.arange(1, 2001), []
        for _ in range(2):
            luck = rng.random((400, 2000))
            up, down = (luck < p).cumsum(axis=1), (luck > 1 - d).cumsum(axis=1)
            sides.append(Sums(up, down, sizes, sizes, sizes, d > 0))
        off = sides[0].score - sides[1].score
        noise = sides[0].variance() + sides[1].variance()
        plain = 2 * stats.norm.sf(np.abs(off) / np.sqrt(noise))
        ours = always_valid(off, noise, effect=effect / 100, error_rate=0.05)[1]
        yield row(name, effect, *(float(100 * (each[:, 29:].min(axis=1) <= 0.05).mean())
                                  for each in (plain, ours)))  # fmt: skip


def power() -> Lines:
    """By formula: answers on either side to see a difference with 80 % power."""
    yield from head("scores", "10 points", "5 points", "2 points", "400 answers show")
    for name, (p, _, d) in {"P50/D20": P50_D20, "P85/D2": P85_D2}.items():
        plan = SamplePlan(variance=p + d - (p - d) ** 2)
        needed = (f"{each:,.0f}" for each in plan.answers_needed([10, 5, 2]))
        yield row(name, *needed, float(plan.detectable(400)))


PARTS: dict[str, Callable[[], Lines]] = {
    "intervals": designs.intervals,
    "impact": designs.impact,
    "countries": designs.countries,
    "anchors": designs.anchors,
    "drivers": designs.key_drivers,
    "alike": designs.alike,
    "mix": designs.mix,
    "paired": designs.paired_t,
    "clusters": clusters,
    "cluster-changes": cluster_changes,
    "shrinkage": shrinkage,
    "peeking": peeking,
    "power": power,
    "trend-power": trend_power,
    "trends": trend_alarms,
}


def block(name: str) -> re.Pattern[str]:
    """Where a part stands in the page."""
    return re.compile(f"(?<=<!-- figures: {name} -->\n).*?(?=<!-- end -->)", re.DOTALL)


def main(arguments: list[str]) -> int:
    """Measure the parts named, or all, and write each into the page."""
    unknown = set(arguments) - set(PARTS)
    if unknown:
        print(f"No such part: {', '.join(unknown)}. There are {', '.join(PARTS)}.", file=sys.stderr)
        return 2
    trends.DRAWS = 199  # type: ignore[misc]  # as exact, but a rougher p, in a tenth of the time
    for name in arguments or PARTS:
        table = "\n".join(["", *PARTS[name](), "", ""])
        print(table, flush=True)
        page = PAGE.read_text(encoding="utf-8")
        if not block(name).search(page):
            print(f"{PAGE.name} has no place for {name}.", file=sys.stderr)
            return 1
        PAGE.write_text(block(name).sub(lambda _, new=table: new, page), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
