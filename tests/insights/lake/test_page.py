"""docs/engines.md: what it shows of reading the lake with a tool of one's own does so."""

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from factories import Cast
from flask import Flask
from insights.lake.lakes import add, write
from insights.lake.test_commands import run
from sqlalchemy.engine import URL

from survey_app.db import db
from survey_app.responses.models import Response

PAGE = (Path(__file__).parents[3] / "docs" / "engines.md").read_text("utf-8")
SMALL = (
    '"spark://spark.internal:7077")',
    '"local[1]").config("spark.sql.shuffle.partitions", "2").config("spark.ui.enabled", "false")',
)
FIRST, POLARS, SPARK = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def database_url(sqlite_url: URL) -> URL:
    """One database: what is tested here is the other side."""
    return sqlite_url


@pytest.fixture
def moment(app: Flask, cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's file: of eight answers one is erased and one another workspace's."""
    with app.app_context():
        first, *_ = add(db.session, 7, stage="adopt")
        add(db.session, 1, "rival-nps", stage="adopt")
        db.session.commit()
        write(app)
        db.session.execute(sa.delete(Response).where(Response.id == first))
        db.session.commit()
    (command,) = re.findall(r"soundings lake (files) --workspace acme > acme.json", PAGE)
    status, told = run(app, command, "--workspace", "acme")
    assert status == 0
    (tmp_path / "acme.json").write_text(told)
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("moment")
@pytest.mark.parametrize(
    "block",
    [POLARS, pytest.param(SPARK, marks=[pytest.mark.spark, pytest.mark.long])],
    ids=["polars", "spark"],
)
def test_what_the_page_shows_counts_what_counts(block: str) -> None:
    shown: dict[str, Any] = {}
    imports, _, asked = FIRST.partition("\ncounts = ")
    assert asked.startswith("count_scores(frame, scope")
    exec(imports, shown)
    exec(block.replace(*SMALL), shown)
    counts = pd.concat(shown["counts"])
    assert counts[["stage", "people"]].to_dict("records") == [{"stage": "adopt", "people": 6}]


def test_a_lake_that_is_not_there_has_no_files(app: Flask, cast: Cast) -> None:
    status, told = run(app, "files", "--workspace", "acme")
    assert status == 1 and "missing" in told
