"""One workspace's NPS of a year by region and month: the lake against unsorted files and pandas."""

from collections.abc import Iterator
from typing import Any

import duckdb
import pandas as pd
import pyarrow.parquet as pq
from dashboard import YEAR, Ours, as_rows
from places import Places
from timing import Line, Side, compared, in_turn, same

from analytics.scope import Breakdown, Scope
from survey_app.config import Settings
from survey_app.insights.lake import engines

ASKED = Breakdown("nps", ("region", "month"))
COLUMNS = ["workspace", "day", "month", "kind", "metric", "score", "region", "person"]
CLASSES = "count(*) FILTER (score <= 6), count(*) FILTER (score BETWEEN 7 AND 8)," \
    " count(*) FILTER (score >= 9)"  # fmt: skip


def engine_named(name: str, places: Places) -> engines.Engine:
    """An engine of the product over the lake of `places`."""
    settings = Settings(data_dir=places.folder, secret_key="x" * 32, analytics_engine=name)
    return engines.engine_of(settings)


def measure(places: Places, *, rounds: int) -> Iterator[Line]:
    """For workspaces of 13 %, 1.3 % and 0.13 % of all facts; a goal for all but the first."""
    ours = Ours(engines.DuckDb(places.lake.resolve(), memory=512), places)
    frame = pq.read_table(places.arrived(), columns=COLUMNS).to_pandas(date_as_object=False)
    for workspace, share in ((100, "0.13 %"), (10, "1.3 %"), (1, "13 %")):
        scope = Scope(workspace=workspace, period=YEAR)
        ways = {
            "ours": Side(lambda scope=scope: ours.scores(scope, [(ASKED, ())])),
            "by hand": Side(_by_sql(places.files(), workspace)),
            "shuffled": Side(_by_sql(places.shuffled(), workspace)),
            "arrived": Side(_by_sql(places.arrived(), workspace)),
            "pandas": Side(lambda workspace=workspace: _by_pandas(frame, workspace)),
        }
        expected = [row[2:] for row in as_rows({"": ours.scores(scope, [(ASKED, ())])})]
        for name in ("by hand", "shuffled", "arrived"):
            same(sorted(ways[name].work(), key=repr), sorted(expected, key=repr))
        same([row[2:] for row in as_rows({"": [ways["pandas"].work()]})], expected)
        spent = in_turn(ways, rounds=rounds)
        what, judged = f"NPS by region and month of {share}", workspace != 1
        for name, other, goal in (
            ("shuffled", "the same on unsorted Parquet", 1 / 10),
            ("arrived", "on Parquet in order of arrival", None),
            ("pandas", "pandas in memory", 1 / 4),
        ):
            wanted = goal if judged else None
            yield compared(f"{what} / {other}", spent["ours"], spent[name], goal=wanted)
        layout = f"{what}, both by hand: lake / unsorted Parquet"
        yield compared(layout, spent["by hand"], spent["shuffled"])


def _by_sql(files: list[str], workspace: int) -> Any:
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("SET parquet_metadata_cache = true")
    sql = (
        f"SELECT region, month, count(DISTINCT person), {CLASSES} FROM read_parquet({files})"
        f" WHERE workspace = {workspace} AND day BETWEEN DATE '{YEAR.start}' AND DATE '{YEAR.end}'"
        " AND metric = 'nps' AND kind = 'relational' GROUP BY region, month"
    )
    return lambda: connection.execute(sql).fetchall()


def _by_pandas(frame: pd.DataFrame, workspace: int) -> pd.DataFrame:
    own = frame[frame["workspace"] == workspace]
    own = own[(own["metric"] == "nps") & (own["kind"] == "relational")]
    own = own[own["day"].between(pd.Timestamp(YEAR.start), pd.Timestamp(YEAR.end))]
    own = own.assign(
        low=own["score"] <= 6, middle=own["score"].between(7, 8), high=own["score"] >= 9
    )
    groups = own.groupby(["region", "month"], dropna=False, sort=False)
    return groups.agg(
        people=("person", "nunique"),
        low=("low", "sum"),
        middle=("middle", "sum"),
        high=("high", "sum"),
    ).reset_index()
