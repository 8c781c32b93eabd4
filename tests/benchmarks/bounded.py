"""Queries of one workspace with four filters: how long, and how much memory their process takes.

    python bounded.py FOLDER ROWS QUERIES WORKSPACE

A process of its own, with the product's settings; nothing is cached between queries but what the
engine itself keeps. Prints one JSON object: milliseconds of wall time and of CPU, and the peak of
the resident memory in MB (Linux).
"""

import json
import random
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from dashboard import Ours, scope_of
from facts import COUNTRIES, DIMENSIONS, STAGES
from places import Places

from analytics.scope import Breakdown, Scope
from survey_app.config import Settings
from survey_app.insights.lake.engines import duckdb_of

ASKED = Breakdown("nps", ("region", "month"))


def scopes(workspace: int, queries: int) -> Iterator[Scope]:
    """A year with four filters, each time by other values."""
    rng = random.Random(3)
    ages, channels = DIMENSIONS["age_band"][0], DIMENSIONS["channel"][0]
    for _ in range(queries):
        filters = {
            "country": rng.sample(COUNTRIES, 5),
            "stage": rng.sample(STAGES, 3),
            "age_band": rng.sample(ages, 3),
            "channel": rng.sample(channels, 2),
        }
        yield scope_of(workspace, filters)


def main(folder: str, rows: int, queries: int, workspace: int) -> None:
    """Ask and print."""
    places = Places(Path(folder), rows)
    settings = Settings(data_dir=places.folder, secret_key="x" * 32)
    ours = Ours(duckdb_of(settings), places)
    took: list[float] = []
    worked: list[float] = []
    for scope in scopes(workspace, queries + 1):
        asked = [(ASKED, filters) for filters in scope.nested()]
        began, cpu = time.perf_counter(), time.process_time()
        ours.scores(scope, asked)
        took.append(1000 * (time.perf_counter() - began))
        worked.append(1000 * (time.process_time() - cpu))
    cuts = statistics.quantiles(took[1:], n=20)
    cpu = statistics.median(worked[1:])
    print(json.dumps({"median": cuts[9], "p95": cuts[18], "cpu": cpu, "peak": _peak()}))


def _peak() -> float:
    """Of the resident memory, in MB; `getrusage` would have the parent's, too."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
