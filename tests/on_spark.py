"""Run by a test in a process of its own: the planner on a Spark master, over files that it names.

python on_spark.py MASTER FOLDER FILE …   →   JSON: workers, and the tables
"""

import json
import sys
import warnings
from typing import Any

import pandas as pd

SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "512m",
    "spark.executor.memory": "512m",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.codegen.wholeStage": "false",  # compiling takes longer than a few rows do
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",  # a month is no date
}


def session(master: str) -> Any:
    """A small Spark session."""
    with warnings.catch_warnings():
        # Its own check, when it is imported; nothing of ours goes through its way to pandas.
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas")
        from pyspark.sql import SparkSession

        builder = SparkSession.builder.master(master).appName("soundings")
        for name, value in SETTINGS.items():
            builder = builder.config(name, value)
        return builder.getOrCreate()


def read(spark: Any, folder: str, files: list[str]) -> Any:
    """Exactly these files of a lake; a folder would give back rows that were deleted."""
    return spark.read.option("basePath", folder).parquet(*files)


def everything(facts: Any) -> list[pd.DataFrame]:
    """What a page asks of facts."""
    from datetime import date

    from analytics import Breakdown, Period, Scope, count_comments, count_scores

    filters = {"country": ("DE", "FR"), "stage": ("adopt",)}
    scope = Scope(workspace=1, period=Period(date(2026, 1, 10), date(2026, 3, 20)), filters=filters)
    nps = Breakdown("nps")
    ways = [nps, nps.over("bucket"), nps.over("country", "month")]
    ways += [Breakdown("csat", ("stage",), "transactional")]
    asked = [(way, holding) for way in ways for holding in scope.nested()]
    scores = count_scores(facts, scope, asked, grain="week")
    return [*scores, *count_comments(facts, scope, scope.nested())]


def main() -> None:
    master, folder, *files = sys.argv[1:]
    spark = session(master)
    try:
        tables = everything(read(spark, folder, files))
        workers = spark.sparkContext._jsc.sc().getExecutorMemoryStatus().size() - 1
    finally:
        spark.stop()
    found = {"workers": workers, "tables": [table.to_json(orient="split") for table in tables]}
    print(json.dumps(found))  # noqa: T201 - what the test reads


if __name__ == "__main__":
    main()
