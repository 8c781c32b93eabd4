"""What the analytics engine promises, measured: `python tests/benchmarks/engine.py --rows 10M`.

Ratios of CPU time on one thread, both sides in turn, medians over the rounds; a goal is judged by
CPU, since wall time is shared with whatever else runs. Before two ways are timed their answers are
compared: a wrong one stops the run. Facts are kept in a folder and used again when complete.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # what tests share

import layouts
import postgres
import promises
import tail
from dashboard import FILTERS, ByHand, Ours, as_rows, scope_of
from places import Places
from timing import Line, Side, as_text, in_turn, ratio, same

from survey_app.insights.lake import engines

SHARES = {1: "13 %", 10: "1.3 %", 100: "0.13 %"}  # workspace → its share of all facts
ENGINES = ("duckdb", "polars", "pandas", "spark")


@dataclass(frozen=True)
class Run:
    """What to measure on, how often, and with which engines."""

    places: Places
    rounds: int
    engines: Sequence[str]

    @property
    def is_small(self) -> bool:
        """Too small to tell anything but that it runs."""
        return self.places.rows < 1_000_000


def main(arguments: Sequence[str]) -> None:
    """Print a line for each promise."""
    run = _read(arguments)
    note = " (too few to judge: it runs, and all ways agree)" if run.is_small else ""
    print(f"Analytics engine, {run.places.rows:,} facts{note}", flush=True)
    for line in _lines(run):
        print(replace(line, met=None) if run.is_small else line, flush=True)


def _lines(run: Run) -> Iterator[Line]:
    huge = run.places.rows > 20_000_000
    run.places.make(plain=not huge)
    engines.MOST_THREADS = 1  # CPU compares
    yield from dashboards(run)
    if not huge:
        yield from layouts.measure(run.places, rounds=run.rounds)
        yield from postgres.measure(run.places, rounds=run.rounds)
        yield from tail.measure(run.places, rounds=run.rounds)
        yield from by_engine(run)
        yield from promises.measure(short=run.is_small)
    yield from bounded(run)
    yield Line(
        "kill storm: 3 writers, reader, tidying, 8 kills", "tests/insights/lake/test_faults.py"
    )


def dashboards(run: Run) -> Iterator[Line]:
    """The planner against SQL written by hand on the same files."""
    ours = Ours(engines.DuckDb(run.places.lake.resolve(), memory=512), run.places)
    by_hand = ByHand(run.places)
    for workspace in (10, 1):
        for filters in ({}, FILTERS):
            scope = scope_of(workspace, filters)
            same(as_rows(ours.tables(scope)), by_hand.rows(scope))
            spent = in_turn(
                {
                    "ours": Side(lambda scope=scope: ours.tables(scope)),
                    "raw": Side(lambda scope=scope: by_hand.cells(scope)),
                },
                rounds=run.rounds,
            )
            cpu, wall = ratio(spent["ours"], spent["raw"])
            raw, more = spent["raw"].milliseconds, spent["ours"].milliseconds
            what = f"dashboard of {SHARES[workspace]}, {len(filters) or 'no'} filters / SQL by hand"
            measured = f"{as_text(cpu)} of CPU ({as_text(wall)} wall), {more - raw:+.0f} ms"
            if raw > 200:
                yield Line(what, measured, "≤ 1.10", cpu <= 1.1)
            else:
                yield Line(what, measured, "≤ +15 ms", more <= raw + 15)


def by_engine(run: Run) -> Iterator[Line]:
    """The same dashboard on each engine, on one thread but for Polars and Spark's own."""
    scope, first = scope_of(10), None
    sides, rows = {}, []
    for name in run.engines:
        ours = Ours(layouts.engine_named(name, run.places), run.places)
        rows.append(as_rows(ours.tables(scope)))
        sides[name] = Side(lambda ours=ours: ours.tables(scope))
    for found in rows[1:]:
        same(found, rows[0])
    spent = in_turn(sides, rounds=min(run.rounds, 5))
    first = spent[run.engines[0]]
    for name in run.engines[1:]:
        _, wall = ratio(spent[name], first)
        yield Line(f"dashboard of 1.3 %, {name} / {run.engines[0]}", f"{as_text(wall)} of wall")


def bounded(run: Run) -> Iterator[Line]:
    """One workspace with four filters, in a process of its own."""
    for workspace in (10,) if run.is_small else (10, 1):
        queries = "3" if run.is_small else "120"
        script = str(Path(__file__).with_name("bounded.py"))
        command = [sys.executable, script, str(run.places.folder), str(run.places.rows)]
        answer = subprocess.run(
            [*command, queries, str(workspace)], check=True, capture_output=True, text=True
        )
        found = json.loads(answer.stdout)
        times = f"p95 {found['p95']:.0f} ms, median {found['median']:.0f}"
        yield Line(
            f"workspace of {SHARES[workspace]}, four filters, {queries} queries",
            f"{times} ({found['cpu']:.0f} of CPU), {found['peak']:.0f} MB",
            "p95 < 150 ms, < 300 MB" if workspace == 10 else "",
            found["p95"] < 150 and found["peak"] < 300 if workspace == 10 else None,
        )


def _read(arguments: Sequence[str]) -> Run:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", default="10M", type=_number, help="10M, 100M or 200k facts")
    parser.add_argument("--rounds", default=7, type=int, help="how often each side is timed")
    parser.add_argument("--engines", default=",".join(ENGINES), help="which, separated by commas")
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(tempfile.gettempdir()) / "soundings-benchmark",
        help="where facts are kept; about 80 bytes each, 22 from 100M on",
    )
    found = parser.parse_args(arguments)
    places = Places(found.folder.resolve() / str(found.rows), found.rows)
    return Run(places, found.rounds, found.engines.split(","))


def _number(text: str) -> int:
    match = re.fullmatch(r"(\d+)([kM]?)", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is no number such as 200k or 10M")
    return int(match[1]) * {"": 1, "k": 1_000, "M": 1_000_000}[match[2]]


if __name__ == "__main__":
    main(sys.argv[1:])
