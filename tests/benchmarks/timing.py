"""Work timed in turn, so that what else the machine does falls on all sides alike.

What is quoted are ratios of CPU time and of wall time, each the median over the rounds. The first
round warms caches and does not count.
"""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Side:
    """Work and the clock of the CPU that it uses, in seconds; its own process's by default."""

    work: Callable[[], object]
    clock: Callable[[], float] = time.process_time


@dataclass(frozen=True)
class Spent:
    """Seconds of CPU and wall of one side, round by round."""

    cpu: list[float]
    wall: list[float]

    @property
    def milliseconds(self) -> float:
        """Of CPU, the median."""
        return 1000 * statistics.median(self.cpu)


@dataclass(frozen=True)
class Line:
    """What was promised, what was measured, and whether that meets the goal (None: no goal)."""

    what: str
    measured: str
    goal: str = ""
    met: bool | None = None

    def __str__(self) -> str:
        verdict = {None: "", True: "met", False: "MISSED"}[self.met]
        return f"  {self.what:<64} {self.measured:<40} {self.goal:<22} {verdict}".rstrip()


def in_turn(sides: Mapping[str, Side], *, rounds: int) -> dict[str, Spent]:
    """Each side once a round, in an order that turns by one each round."""
    spent = {name: Spent([], []) for name in sides}
    names = list(sides)
    for turn in range(rounds + 1):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            side = sides[name]
            wall, cpu = time.perf_counter(), side.clock()
            side.work()
            if turn:
                spent[name].cpu.append(side.clock() - cpu)
                spent[name].wall.append(time.perf_counter() - wall)
    return spent


def ratio(ours: Spent, other: Spent) -> tuple[float, float]:
    """Of CPU and of wall: the medians of the rounds' ratios."""
    cpu, wall = (
        statistics.median(a / b for a, b in zip(*pair, strict=True))
        for pair in ((ours.cpu, other.cpu), (ours.wall, other.wall))
    )
    return cpu, wall


def compared(what: str, ours: Spent, other: Spent, *, goal: float | None = None) -> Line:
    """The line of a ratio that shall not be above `goal`: by CPU, since wall is shared."""
    cpu, wall = ratio(ours, other)
    measured = f"{as_text(cpu)} of CPU, {as_text(wall)} of wall"
    if goal is None:
        return Line(what, measured)
    return Line(what, measured, f"≤ {as_text(goal)}", cpu <= goal)


def same(ours: Any, other: Any) -> None:
    """Raise RuntimeError where two ways to one answer differ."""
    if ours != other:
        raise RuntimeError(f"the two ways differ:\n{str(ours)[:2000]}\n{str(other)[:2000]}")


def as_text(ratio: float) -> str:
    """1.05, or 1/12.3 where that tells more."""
    return f"{ratio:.2f}" if ratio > 0.5 else f"1/{1 / ratio:.1f}"
