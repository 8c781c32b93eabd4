"""Whom all that is shown gives away: linear algebra over the page as it reads, and its files.

The workspaces are made to be solved: languages and regions that say nearly the same as countries,
customers who answer often, groups of one or two everywhere.
"""

import csv
import io
import itertools
import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from factories import Cast, log_in
from flask import Flask
from flask.testing import FlaskClient
from perceptions import PAGE, TODAY, Rows, fill
from solving import incidence, solved

import analytics
from analytics import Period
from survey_app.insights import words

LANGUAGES = {"FI": "fi", "SE": "sv", "DE": "de", "MT": "en"}
GRAIN: analytics.Grain = "week"  # of the period below
SHOWN = ("bucket", "stage", "country", "language")
TABLE = re.compile(r"<table>(.*?)</table>", re.S)
ROW = re.compile(r'<tr><th scope="row">(.*?)</th>(.*?)</tr>', re.S)


def told_by(seed: int) -> Rows:
    """Answers of 70 customers or so, some of whom answer again."""
    rng = np.random.default_rng(seed)
    rows: Rows = []
    for who in range(70):
        country = str(rng.choice(list(LANGUAGES), p=[0.4, 0.35, 0.2, 0.05]))
        language = LANGUAGES[country] if rng.random() < 0.95 else "en"
        stage = str(rng.choice(["adopt", "serve", "exit"], p=[0.5, 0.45, 0.05]))
        for _ in range(1 + int(rng.random() < 0.2)):
            at = (TODAY - timedelta(days=int(rng.choice([3, 40, 70, 100])))).isoformat()
            score = int(rng.integers(0, 11))
            rows.append((at, score, "", country, stage, f"c{who}", language))
    return rows


def answers_of(rows: Rows) -> pd.DataFrame:
    names = ["at", "score", "comment", "country", "stage", "who", "language"]
    answers = pd.DataFrame(rows, columns=names)
    days = [datetime.fromisoformat(at).date() for at in answers["at"]]
    return answers.assign(
        day=days, bucket=[str(analytics.bucket_start(day, GRAIN)) for day in days]
    )


def _period() -> Period:
    first = TODAY.date() - timedelta(days=120)
    return Period(first, TODAY.date())


@pytest.fixture(params=[1, 2])
def workspace(
    request: pytest.FixtureRequest, app: Flask, client: FlaskClient, cast: Cast, tmp_path: Path
) -> pd.DataFrame:
    rows = told_by(request.param)
    fill(app, tmp_path, rows)
    log_in(client, cast.member)
    return answers_of(rows)


def address(path: str = "", **query: str) -> str:
    period = _period()
    asked = {"from": str(period.start), "to": str(period.end), "compare": "none"} | query
    return f"{PAGE}{path}?" + "&".join(f"{name}={value}" for name, value in asked.items())


def shown_on_page(app: Flask, page: str, answers: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """What each row of the page's tables says that it adds up."""
    figures = page[page.index("Net Promoter Score") : page.index("Score over time")]
    if "Withheld" not in figures:
        yield {}
    with app.test_request_context(PAGE):
        named = {
            (words.dimension(name), _label(name, key)): {name: key}
            for name in SHOWN
            for key in [*answers[name].unique(), None]
        }
    for table in TABLE.findall(page):
        head = re.search(r'<th scope="col">(.*?)</th>', table)
        assert head is not None
        for label, cells in ROW.findall(table):
            row = named.get((head[1], re.sub(r"<[^>]+>|[\u2066-\u2069]", "", label).strip()))
            if "withheld" not in cells and "no answers" not in cells and row is not None:
                yield row


def _label(name: str, key: Any) -> str:
    if name == "bucket":
        return words.bucket_name(date.fromisoformat(key), GRAIN) if key else ""
    return words.value_name(name, key)


def shown_in_file(text: str, names: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    for row in csv.DictReader(io.StringIO(text.lstrip("\ufeff"))):
        if row["suppressed"] == "false":
            yield {name: row[name] or None for name in names}


def groups_of(answers: pd.DataFrame, rows: Iterable[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Everybody alone and in pairs, and whom two rows differ by."""
    people = sorted(answers["who"].unique())
    sides = [frozenset(answers["who"][line > 0]) for line in incidence(answers, rows)]
    few = {tuple(sorted(one ^ other)) for one, other in itertools.combinations(sides, 2)}
    return [
        *((one,) for one in people),
        *itertools.combinations(people, 2),
        *sorted(group for group in few if 2 < len(group) < 5),
    ]


def test_nobody_is_given_away(app: Flask, client: FlaskClient, workspace: pd.DataFrame) -> None:
    answers = workspace
    page = list(shown_on_page(app, client.get(address()).get_data(as_text=True), answers))
    assert {} in page and len(page) > 5
    every = [{}, *({name: key} for name in SHOWN for key in answers[name].unique())]
    groups = groups_of(answers, every)
    judged = incidence(answers, page)
    assert solved(judged, answers["who"], k=5, groups=groups) == []
    # Nor by the files of the same scope beside it, whichever are fetched.
    files: list[dict[str, Any]] = []
    for name in ("stage", "country", "language"):
        text = client.get(address("/export", dimensions=name)).get_data(as_text=True)
        files += shown_in_file(text, (name,))
    assert files
    judged = incidence(answers, [*page, *files])
    assert solved(judged, answers["who"], k=5, groups=groups) == []
    # The judge does find people: here with every row of five or more.
    large = [row for row in every if answers["who"][_in(answers, row)].nunique() >= 5]
    assert solved(incidence(answers, large), answers["who"], k=5, groups=groups)


def test_nor_by_a_file_of_two_dimensions(client: FlaskClient, workspace: pd.DataFrame) -> None:
    answers = workspace
    names = ("country", "stage")
    text = client.get(address("/export", dimensions=",".join(names))).get_data(as_text=True)
    rows = [{}, *shown_in_file(text, names)]
    for name in (*names, "language"):
        text = client.get(address("/export", dimensions=name)).get_data(as_text=True)
        rows += shown_in_file(text, (name,))
    assert len(rows) > 6
    assert (
        solved(incidence(answers, rows), answers["who"], k=5, groups=groups_of(answers, rows)) == []
    )


def test_nor_by_a_page_within_a_page(
    app: Flask, client: FlaskClient, workspace: pd.DataFrame
) -> None:
    """The totals of a filtered page beside those of the pages that it lies in."""
    answers = workspace
    rows: list[dict[str, Any]] = [{}]
    for country, stage in itertools.product((None, "FI"), (None, "adopt", "serve")):
        query = {"country": country, "stage": stage}
        told = {name: value for name, value in query.items() if value}
        if told:
            page = client.get(address(**told)).get_data(as_text=True)
            mine = list(shown_on_page(app, page, answers))
            rows += [told] if {} in mine else []
    assert len(rows) > 1
    # Each with those that it lies in: different filters of one kind are another matter.
    for told in rows:
        nested = [row for row in rows if row.items() <= told.items()]
        judged = incidence(answers, nested)
        assert solved(judged, answers["who"], k=5, groups=groups_of(answers, nested)) == []


def test_nor_by_a_page_beside_the_page_without_its_filter(
    app: Flask, client: FlaskClient, workspace: pd.DataFrame
) -> None:
    """All rows of both, but over time: a page knows the other's trend row by row only."""
    answers, rows = workspace, []
    for told in ({}, {"country": "FI"}):
        page = client.get(address(**told)).get_data(as_text=True)
        mine = list(shown_on_page(app, page, answers))
        assert {} in mine and len(mine) > 3
        rows += [row | told for row in mine if "bucket" not in row]
    judged = incidence(answers, rows)
    assert solved(judged, answers["who"], k=5, groups=groups_of(answers, rows)) == []


def _in(answers: pd.DataFrame, row: dict[str, Any]) -> Any:
    return incidence(answers, [row])[0] > 0
