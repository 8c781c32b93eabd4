"""A lake that can't be read, an engine that is away, and results that are held."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from factories import Cast, log_in
from flask import Flask
from insights.lake.lakes import add, data_dir, write
from insights.lake.looks import NPS, answer, change, count, counted, moment, scope_of, told
from sqlalchemy.engine import URL

from survey_app.db import db
from survey_app.insights.commands import export_nps
from survey_app.insights.lake import reading
from survey_app.insights.lake.engines import EngineAway, Polars
from survey_app.insights.lake.models import LakeState
from survey_app.insights.lake.reading import results
from survey_app.insights.lake.results import Results
from survey_app.responses.models import Response


@pytest.fixture
def database_url(sqlite_url: URL) -> URL:
    """One database: what is tested here is the other side."""
    return sqlite_url


@pytest.fixture(autouse=True)
def _nothing_held() -> None:
    results.forget()


# --- a lake that can't be read --------------------------------------------------------------------


def files(app: Flask) -> list[Path]:
    return sorted((data_dir(app) / "lake").rglob("facts/month=*/*.parquet"))


def log_of(app: Flask) -> list[Path]:
    return sorted((data_dir(app) / "lake").rglob("facts/_delta_log/*.json"))


def remove_file(app: Flask) -> None:
    files(app)[0].unlink()


def cut_file(app: Flask) -> None:
    files(app)[0].write_bytes(files(app)[0].read_bytes()[:-99])


def fill_file(app: Flask) -> None:
    files(app)[0].write_bytes(b"garbage" * 999)


def remove_lake(app: Flask) -> None:
    shutil.rmtree(data_dir(app) / "lake")


def spoil_log(app: Flask) -> None:
    log_of(app)[-1].write_text("{garbage")


def write_newer_protocol(app: Flask) -> None:
    features = ["teleport"]
    protocol = {"minReaderVersion": 3, "minWriterVersion": 7}
    protocol |= {"readerFeatures": features, "writerFeatures": features}
    newest = log_of(app)[-1]
    newest.write_text(json.dumps({"protocol": protocol}) + "\n" + newest.read_text())


def write_impossible_scores(app: Flask) -> None:
    rows = pq.ParquetFile(files(app)[0]).read()
    scores = pa.array([77] * len(rows), pa.int64())
    place = rows.column_names.index("score")
    pq.write_table(rows.set_column(place, "score", scores), files(app)[0])


def write_newer_format(app: Flask) -> None:
    change(app, sa.update(LakeState).values(format=LakeState.format + 1))


SPOILT: dict[str, tuple[Callable[[Flask], None], str]] = {
    "a file is gone": (remove_file, "corrupt"),
    "a file is cut short": (cut_file, "corrupt"),
    "a file is garbage": (fill_file, "corrupt"),
    "a file holds what nobody can answer": (write_impossible_scores, "corrupt"),
    "the folder is gone": (remove_lake, "missing"),
    "the log is garbage": (spoil_log, "corrupt"),
    "the log is of a newer protocol": (write_newer_protocol, "newer"),
    "the lake is of a newer format": (write_newer_format, "newer"),
}


@pytest.mark.parametrize("how", SPOILT)
def test_what_the_lake_cannot_say_the_database_does(app: Flask, cast: Cast, how: str) -> None:
    answer(app, 4)
    write(app)
    assert count(app) == told(4), "what an engine keeps in mind of files doesn't help"
    answer(app, 2, score=0)
    spoil, trouble = SPOILT[how]
    reading._log.cache_clear()
    spoil(app)
    with moment(app) as facts:
        assert counted(facts) == told(6, detractors=2)
        assert facts.trouble == trouble


@pytest.fixture
def spoilt(app: Flask, cast: Cast) -> Flask:
    with app.app_context():
        add(db.session, 12, day=datetime.now(UTC).date())
        db.session.commit()
    write(app)
    fill_file(app)
    return app


def test_pages_say_so_and_an_owner_reads_what_to_do(spoilt: Flask, cast: Cast) -> None:
    for who, may_mend in ((cast.member, False), (cast.owner, True)):
        browser = spoilt.test_client()
        log_in(browser, who)
        for page in ("perception", "comments", "themes"):
            text = browser.get(f"/w/acme/{page}").get_data(as_text=True)
            assert "The lake is damaged" in text
            assert ("soundings lake rebuild" in text) is may_mend


def test_a_command_says_so(spoilt: Flask) -> None:
    args = ["--workspace", "acme", "--by", "stage"]
    ran = spoilt.test_cli_runner().invoke(export_nps, args)
    assert ran.exit_code == 0 and ",12,12,0,0,100.00," in ran.stdout
    assert "The lake is damaged" in ran.stderr and "soundings lake rebuild" in ran.stderr


# --- results that are held ------------------------------------------------------------------------


def test_a_result_is_held_until_an_answer_comes(
    app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(app, 4)
    write(app)
    assert count(app) == told(4)
    shutil.rmtree(data_dir(app) / "lake")
    monkeypatch.setattr(reading, "_log", None)
    assert count(app) == told(4), "nobody looked at the files"
    monkeypatch.undo()
    answer(app, 1)
    with moment(app) as facts:
        assert counted(facts) == told(5)


def test_who_changes_a_result_changes_nobody_elses(app: Flask, cast: Cast) -> None:
    answer(app, 4)
    with moment(app) as facts:
        scope = scope_of(facts)
        for _ in range(2):
            (table,) = facts.scores(scope, [(NPS, ())])
            assert table["people"].item() == 4
            table.loc[0, "people"] = 99


def test_results_are_of_one_workspace(app: Flask, cast: Cast) -> None:
    # With nothing in the tail and the same lake, the scope alone tells them apart.
    answer(app, 4)
    answer(app, 5, "rival-nps")
    write(app)
    assert [count(app, key)["people"] for key in ("acme", "rival", "acme")] == [4, 5, 4]


def test_no_more_is_held_than_may_be() -> None:
    table = pd.DataFrame({"n": range(1000)})  # 8 kB
    held = Results(entries=3, size=20_000)
    for key in "abc":
        held.keep(key, [table])
    assert held.get("a") is None and len(held) == 2, "bytes"
    assert held.get("b") is not None
    for key in "de":
        held.keep(key, [table.head(1)])
    assert held.get("c") is None and held.get("b") is not None, "what was asked for stays"
    held.keep("f", [table.head(1)])
    assert len(held) == 3, "entries"
    held.keep("g", [pd.concat([table] * 9)])
    assert held.get("g") is None and len(held) == 3


# --- other engines --------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["pandas", "polars"])
def test_other_engines_count_the_same(app: Flask, cast: Cast, engine: str) -> None:
    answer(app, 5, country="FI")
    first, *_ = answer(app, 4, country="SE", score=3)
    write(app)
    answer(app, 2, country="FI")
    change(app, sa.delete(Response).where(Response.id == first))
    expected = [count(app), count(app, country=("FI",))]
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], analytics_engine=engine)
    assert [count(app), count(app, country=("FI",))] == expected
    assert expected[0]["people"] == 10


def test_an_engine_that_cannot_be_reached_is_replaced(
    app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def opened(*_: Any) -> Iterator[None]:
        raise EngineAway("nobody answers at spark://away:7077")
        yield

    answer(app, 3)
    write(app)
    monkeypatch.setattr(Polars, "opened", opened)
    monkeypatch.setattr(reading, "engine_of", lambda _: Polars())
    with moment(app) as facts:
        assert counted(facts) == told(3)
        assert facts.trouble == "engine"
