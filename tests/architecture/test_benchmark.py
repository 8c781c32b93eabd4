import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from benchmarks.facts import MONTHS, make_month
from benchmarks.timing import Spent, compared, same

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "engine.py"
QUESTIONS = (
    "SQL by hand",
    "unsorted Parquet",
    "pandas in memory",
    "PostgreSQL",
    "newer answers / lake",
    "polars / duckdb",
    "parts - whole",
    "pairs of equal experience",
    "cover of 95 % intervals",
    "four filters",
)


def test_the_engines_benchmark_runs_and_all_ways_agree(tmp_path: Path) -> None:
    """It compares the ways' numbers before it times them, and stops where they differ."""
    command = [sys.executable, str(SCRIPT), "--rows", "20k", "--rounds", "1"]
    command += ["--engines", "duckdb,polars,pandas", "--folder", str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    for question in QUESTIONS:
        assert re.search(rf"^  .*{question}.*\d", run.stdout, re.MULTILINE), question
    assert "met" not in run.stdout and "MISSED" not in run.stdout  # too few to judge


def test_facts_are_the_same_each_time_and_as_many_as_asked_for() -> None:
    months = [make_month(place, 1_000) for place in range(len(MONTHS))]
    assert sum(len(month.facts) for month in months) == 1_000
    again = make_month(3, 1_000)
    order = np.arange(len(again.facts))
    assert again.fact_batch(order).equals(months[3].fact_batch(order))
    batch = again.fact_batch(order)
    comments = [metric == "comment" for metric in batch["metric"].to_pylist()]
    assert batch["score"].is_null().to_pylist() == comments
    assert len(np.unique(batch["response"])) == len(again.codes["comments"])


def test_a_difference_stops_and_a_slow_way_is_told() -> None:
    with pytest.raises(RuntimeError, match="differ"):
        same([1], [2])
    slow, fast = Spent([2.0, 2.2], [2.0, 2.0]), Spent([1.0, 1.0], [1.0, 1.0])
    assert compared("slow", slow, fast, goal=1.1).met is False
    assert compared("fast", fast, slow, goal=1.1).met is True
