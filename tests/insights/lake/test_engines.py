"""Engines open exactly what they are given: the same rows on each, and nothing else on the disk."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import narwhals as nw
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from factories import free_port, settings_for

from analytics.facts import FACTS
from survey_app.app import create_app
from survey_app.errors import SettingError
from survey_app.insights.lake import engines
from survey_app.insights.lake.engines import (
    DuckDb,
    Engine,
    EngineAway,
    Pandas,
    Polars,
    Spark,
    Stored,
    engine_of,
)
from survey_app.insights.lake.tables import TYPES

Row = dict[str, Any]
ENGINES: dict[str, Callable[[Path], Engine]] = {
    "duckdb": lambda folder: DuckDb(folder, memory=128),
    "pandas": lambda _: Pandas(),
    "polars": lambda _: Polars(),
}


def facts(*rows: Row) -> pa.Table:
    """Facts that hold what is said of them, and anything else."""
    schema = pa.schema([(field.name, TYPES[field.type]) for field in FACTS.fields])
    of_type = {"int64": 1, "str": "a", "date": date(2026, 3, 10), "bool": False}
    common = {one.name: None if one.nullable else of_type[one.type] for one in FACTS.fields}
    return pa.Table.from_pylist([common | {"month": "2026-03"} | row for row in rows], schema)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of a lake, with signs in its name that an address or a query would write otherwise."""
    path = tmp_path / "O'Brien's data" / "lake"
    path.mkdir(parents=True)
    return path


@pytest.fixture
def files(folder: Path) -> list[str]:
    """Two months: responses 1, 2 and 3 of workspace 1, and 4 of workspace 2."""
    rows = facts(
        {"response": 1, "score": 9, "country": "DE"},
        {"response": 2, "score": None, "metric": "comment"},
        {"response": 3, "score": 2, "month": "2026-04", "day": date(2026, 4, 1)},
        {"response": 4, "score": 4, "workspace": 2},
    )
    write_deltalake(folder / "facts", rows, partition_by=["month"])
    names = DeltaTable(folder / "facts").to_pyarrow_dataset().files
    return [str(folder / "facts" / name) for name in names]


def held(frame: Any) -> list[Row]:
    """The rows of any engine's frame, by response."""
    lazy = nw.from_native(frame).lazy()
    found = lazy.collect("pyarrow") if lazy.implementation.is_duckdb() else lazy.collect()
    return sorted(found.to_arrow().to_pylist(), key=lambda row: row["response"])


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, folder: Path) -> Engine:
    return ENGINES[request.param](folder)


def test_every_engine_opens_the_same_rows(engine: Engine, files: list[str]) -> None:
    tail = facts({"response": 2, "score": 10, "sentiment": "positive"})
    stored = Stored(files=files, workspace=1, masked=[2, 99])
    with engine.opened(stored, tail) as frame:
        first, second, third = held(frame)
    assert set(first) == set(FACTS.names)
    assert (first["response"], first["score"], first["country"]) == (1, 9, "DE")
    assert (second["response"], second["score"], second["sentiment"]) == (2, 10, "positive")
    assert (third["response"], third["month"], third["country"]) == (3, "2026-04", None)


@pytest.mark.spark
def test_spark_opens_them_too_and_fails_as_an_engine(files: list[str]) -> None:
    tail = facts({"response": 2, "score": 10})
    engine, stored = Spark("local[1]"), Stored(files=files, workspace=1, masked=[2])
    with engine.opened(stored, tail) as frame:
        found = frame.select("response", "score", "month", "country").orderBy("response").collect()
    assert [tuple(row) for row in found] == [
        (1, 9, "2026-03", "DE"),
        (2, 10, "2026-03", None),
        (3, 2, "2026-04", None),
    ]
    spoilt(files, "garbage")
    with pytest.raises(EngineAway, match="local"), engine.opened(stored, tail) as frame:
        frame.collect()


def test_a_cluster_that_does_not_answer_is_away(tmp_path: Path) -> None:
    master = f"spark://127.0.0.1:{free_port()}"
    engine = engine_of(settings_for(tmp_path, analytics_engine="spark", spark_master=master))
    with pytest.raises(EngineAway, match=master), engine.opened(Stored(workspace=1), facts()):
        pass


def test_what_is_masked_and_what_is_anothers_is_not_there(engine: Engine, files: list[str]) -> None:
    tail = facts({"response": 5})
    for masked, left in (([1, 2, 3], [5]), ([], [1, 2, 3, 5]), ([4, 5], [1, 2, 3, 5])):
        with engine.opened(Stored(files=files, workspace=1, masked=masked), tail) as frame:
            assert [row["response"] for row in held(frame)] == left


def test_without_a_lake_the_tail_is_all(engine: Engine) -> None:
    with engine.opened(Stored(workspace=1), facts({"response": 7, "score": 3})) as frame:
        assert [(row["response"], row["score"]) for row in held(frame)] == [(7, 3)]
    with engine.opened(Stored(workspace=1), facts()) as frame:
        assert held(frame) == []


def test_only_the_columns_of_the_tail_are_read(engine: Engine, files: list[str]) -> None:
    tail = facts({"response": 7}).select(["response", "workspace", "month", "score"])
    with engine.opened(Stored(files=files, workspace=2), tail) as frame:
        assert [set(row) for row in held(frame)] == [set(tail.column_names)] * 2


def spoilt(files: list[str], how: str) -> None:
    path = Path(files[0])
    content = path.read_bytes()
    if how == "removed":
        path.unlink()
    else:
        path.write_bytes({"cut": content[: len(content) // 2], "garbage": b"x" * 999}[how])


@pytest.mark.parametrize("how", ["removed", "cut", "garbage"])
def test_a_file_that_cannot_be_read_is_a_failure(
    engine: Engine, files: list[str], how: str
) -> None:
    spoilt(files, how)
    stored = Stored(files=files, workspace=1)
    with pytest.raises(engine.failures), engine.opened(stored, facts()) as frame:
        held(frame)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_parquet('{beside}')",
        "SELECT * FROM read_parquet('{lake}/../beside.parquet')",
        "SELECT * FROM read_csv('https://example.org/x.csv')",
        "COPY (SELECT 1) TO '{beside}'",
        "ATTACH '{beside}'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET allowed_directories = ['/']",
        "SET memory_limit = '99GB'",
    ],
)
def test_duckdb_reaches_nothing_but_the_lake(folder: Path, query: str) -> None:
    engine = DuckDb(folder, memory=128)
    beside = folder.parent / "beside.parquet"
    beside.write_bytes(b"PAR1")
    names = {"beside": str(beside).replace("'", "''"), "lake": str(folder).replace("'", "''")}
    with engine.opened(Stored(workspace=1), facts()) as frame:
        refused = (duckdb.PermissionException, duckdb.InvalidInputException)
        with pytest.raises(refused):
            frame.query("rows", query.format(**names)).fetchall()


def test_a_file_outside_of_the_lake_is_none_of_it(
    folder: Path, files: list[str], tmp_path: Path
) -> None:
    engine = DuckDb(tmp_path / "elsewhere", memory=128)
    with (
        pytest.raises(engine.failures),
        engine.opened(Stored(files=files, workspace=1), facts()) as frame,
    ):
        held(frame)


def test_an_engine_that_is_not_installed_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "find_spec", lambda _: None)
    for name in ("polars", "spark"):
        with pytest.raises(SettingError, match=rf"soundings\[{name}\]"):
            create_app(settings_for(tmp_path, analytics_engine=name))
    for name in ("duckdb", "pandas"):
        assert engine_of(settings_for(tmp_path, analytics_engine=name)).name == name
