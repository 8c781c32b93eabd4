"""The same numbers on Spark: in local mode, and on a real cluster of one master and two workers."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import duckdb
import fact_rows
import on_spark
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import analytics
from analytics import FrameError

pytestmark = pytest.mark.spark
Case = tuple[str, Callable[[Any], pd.DataFrame], dict[str, list[Any]]]


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    """One session in this process: starting another takes seconds."""
    if shutil.which("java") is None:
        pytest.fail(
            "Java is missing: install the package openjdk-17-jre-headless, "
            "or leave these tests out with TEST_WITHOUT=spark"
        )
    found = on_spark.session("local[2]")
    yield found
    found.stop()


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """Parquet files of three months, and those of them that count: one is deleted."""
    folder, chance, files = tmp_path_factory.mktemp("a lake"), random.Random(4), []
    for month in (1, 2, 3):
        for name in ("old", "new"):
            rows = [_row(chance, month) for _ in range(300)]
            path = folder / f"month=2026-{month:02d}" / f"{name}.parquet"
            path.parent.mkdir(exist_ok=True)
            pq.write_table(fact_rows.table(rows).drop_columns("month"), path)
            files.append(str(path))
    return folder, [file for file in files if not file.endswith("02/old.parquet")]


def _row(chance: random.Random, month: int) -> dict[str, Any]:
    metric = chance.choice(["nps", "nps", "csat", "comment"])
    top = {"nps": 10, "csat": 5, "comment": 0}[metric]
    return {
        "workspace": chance.choice([1, 1, 2]),
        "day": date(2026, month, 1) + timedelta(chance.randrange(28)),
        "kind": chance.choice(["relational", "transactional"]),
        "metric": metric,
        "score": chance.randint(min(top, 1), top) if top else None,
        "sentiment": None if top else chance.choice([None, "negative", "neutral", "positive"]),
        "person": chance.randrange(-(2**63), 2**63) if chance.random() < 0.3 else 5,
        "country": chance.choice([None, "DE", "FR", "US"]),
        "stage": chance.choice([None, "adopt", "retain"]),
    }


def _by_hand(folder: Path, files: list[str]) -> list[pd.DataFrame]:
    """The same on the default engine."""
    facts = duckdb.connect().read_parquet(files, hive_partitioning=True)
    return on_spark.everything(facts.select("* REPLACE (month::VARCHAR AS month)"))


def test_the_planner_in_local_mode(spark: Any, lake: tuple[Path, list[str]]) -> None:
    found = on_spark.everything(on_spark.read(spark, str(lake[0]), lake[1]))
    for one, other in zip(found, _by_hand(*lake), strict=True):
        pd.testing.assert_frame_equal(one, other)


MANY = 60
NAN = float("nan")
COUNTRIES = ["DE", "FR", None] * 20
CASES: list[Case] = [
    (
        "nps",
        lambda frame: analytics.tally_nps(frame, by=["country", "day"], weight="w"),
        {
            "score": [10.0, 9.0, 8.0, 7.0, 3.0, NAN] * 10,
            "country": COUNTRIES,
            "day": [date(2026, 1, 1 + at % 4) for at in range(MANY)],
            "w": [0.1 + at / 7 for at in range(MANY)],
        },
    ),
    (
        "csat",
        lambda frame: analytics.tally_csat(frame, by="country", count="n"),
        {"score": [1, 2, 3, 4, 5, None] * 10, "country": COUNTRIES, "n": [1, 2, 0, 4] * 15},
    ),
    (
        "ces",
        lambda frame: analytics.tally_ces(frame, by="country"),
        {"score": [1, 2, 3, 4, 7, None] * 10, "country": COUNTRIES},
    ),
    (
        "sentiment",
        lambda frame: analytics.tally_sentiment(frame, by="country"),
        {"sentiment": ["negative", "neutral", None, "positive"] * 15, "country": COUNTRIES},
    ),
    (
        "themes",
        lambda frame: analytics.tally_themes(frame, by="country"),
        {
            "theme": ["price", "delivery"] * 30,
            "polarity": ["negative", None, "positive"] * 20,
            "respondent": [f"{at % 11}" for at in range(MANY)],
            "country": COUNTRIES,
        },
    ),
    (
        "paired",
        analytics.tally_paired,
        {
            "customer": [f"{at // 2}" for at in range(MANY)],
            "period": ["before", "after"] * 30,
            "score": [at % 11 for at in range(MANY)],
        },
    ),
    (
        "response",
        lambda frame: analytics.tally_response(frame, by="country"),
        {"asked": [5, 7] * 30, "answered": [1, 5, 0] * 20, "country": COUNTRIES},
    ),
    (
        "drivers",
        lambda frame: analytics.tally_drivers(frame, columns=["price", "delivery"]),
        {
            "score": [at % 11 for at in range(MANY)],
            "price": [0, 1, 1] * 20,
            "delivery": [1, 0] * 30,
        },
    ),
]


@pytest.mark.parametrize(("name", "tally", "rows"), CASES, ids=[name for name, _, _ in CASES])
def test_tallies(spark: Any, name: str, tally: Any, rows: dict[str, list[Any]]) -> None:
    table = pa.table(rows)
    found = tally(spark.createDataFrame(table))
    pd.testing.assert_frame_equal(found, tally(duckdb.connect().from_arrow(table)), rtol=1e-9)
    assert len(found)


def test_theme_impact(spark: Any) -> None:
    answers = pa.table({"response": list(range(MANY)), "score": [at % 11 for at in range(MANY)]})
    mentions = pa.table(
        {
            "response": [at // 2 for at in range(MANY)],
            "theme": ["price", "delivery"] * 30,
            "score": [at // 2 % 11 for at in range(MANY)],
        }
    )
    far = (spark.createDataFrame(answers), spark.createDataFrame(mentions))
    here = (duckdb.connect().from_arrow(answers), duckdb.connect().from_arrow(mentions))
    pd.testing.assert_frame_equal(
        analytics.tally_impact(*far), analytics.tally_impact(*here), rtol=1e-9
    )


def test_what_breaks_a_shape_is_found_on_spark_too(spark: Any) -> None:
    with pytest.raises(FrameError, match=r"'score' holds 8\.5"):
        analytics.nps(spark.createDataFrame(pa.table({"score": [10.0, 8.5]})))
    with pytest.raises(FrameError, match="'score' is missing"):
        analytics.nps(spark.createDataFrame(pa.table({"scores": [10]})))
    with pytest.raises(FrameError, match="'score' holds values out of range"):
        on_spark.everything(spark.createDataFrame(fact_rows.table([{"score": 11, "workspace": 1}])))


def test_weeks_begin_on_monday_on_spark_too(spark: Any) -> None:
    table = pa.table({"day": [date(2026, 1, 1) + timedelta(at) for at in range(14)]})
    found = analytics.bucket(spark.createDataFrame(table), grain="week").collect()
    for row in found:
        assert row["bucket"] == analytics.bucket_start(row["day"], "week")


# --- a cluster ------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One master and two workers on 127.0.0.1, ended when the tests are."""
    import pyspark

    folder = tmp_path_factory.mktemp("cluster")
    program = Path(pyspark.__file__).parent / "bin" / "spark-class"
    settings = {
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_HOME": str(program.parents[1]),
        "PYSPARK_PYTHON": sys.executable,
    }
    started: list[subprocess.Popen[bytes]] = []

    def start(name: str, *arguments: str) -> Path:
        log = folder / f"{len(started)}.log"
        with log.open("wb") as output:
            started.append(
                subprocess.Popen(
                    [program, f"org.apache.spark.deploy.{name}", "--host", "127.0.0.1", *arguments],
                    env=os.environ | settings,
                    stdout=output,
                    stderr=output,
                    cwd=folder,
                    start_new_session=True,
                )
            )
        return log

    try:
        log = start("master.Master", "--port", "0", "--webui-port", "0")
        master = "spark://" + _said(log, "Starting Spark master at spark://").split()[0]
        for at in range(2):
            sizes = ("--cores", "1", "--memory", "600m", "--webui-port", "0")
            worker = start("worker.Worker", *sizes, "--work-dir", str(folder / f"{at}"), master)
            _said(worker, "Successfully registered with master")
        yield master
    finally:
        for process in reversed(started):
            os.killpg(process.pid, signal.SIGTERM)  # a worker's executors, too
        for process in started:
            process.wait(timeout=30)


def _said(log: Path, sign: str) -> str:
    """What follows a sign in a log, once it is there."""
    until = time.monotonic() + 90
    while sign not in (text := log.read_text(errors="replace")):
        if time.monotonic() > until:
            pytest.fail(f"Spark never said {sign!r}: {text[-2000:]}")
        time.sleep(0.1)
    return text.split(sign)[1]


def test_the_planner_on_a_cluster(cluster: str, lake: tuple[Path, list[str]]) -> None:
    folder, files = lake
    run = subprocess.run(
        [sys.executable, on_spark.__file__, cluster, str(folder), *files],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        env=os.environ | {"SPARK_LOCAL_IP": "127.0.0.1"},
    )
    assert run.returncode == 0, run.stderr[-3000:]
    found = json.loads(run.stdout.splitlines()[-1])
    assert found["workers"] == 2
    for told, other in zip(found["tables"], _by_hand(folder, files), strict=True):
        expected = pd.read_json(StringIO(other.to_json(orient="split")), orient="split")
        one = pd.read_json(StringIO(told), orient="split")
        pd.testing.assert_frame_equal(one, expected)
