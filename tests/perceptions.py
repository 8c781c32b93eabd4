"""Answers to look at, and the page *Perception* as text."""

import csv
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flask import Flask

from survey_app.db import db
from survey_app.insights.jobs import ANALYSE_COMMENTS
from survey_app.jobs import run_once
from survey_app.responses.imports import check_file, import_file
from survey_app.surveys.queries import find_published

PAGE = "/w/acme/perception"
HEADER = ("submitted_at", "score", "comment", "country", "stage", "customer_id", "language")
TODAY = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0)
Rows = list[tuple[object, ...]]


def answers(
    count: int,
    score: int,
    *,
    country: str = "FI",
    stage: str = "adopt",
    comment: str = "",
    days_ago: int = 20,
    who: str = "",
) -> Rows:
    """`count` answers alike, of different customers."""
    at = (TODAY - timedelta(days=days_ago)).isoformat()
    return [
        (at, score, comment, country, stage, f"{who}{country}{stage}{score}-{days_ago}-{i}", "en")
        for i in range(count)
    ]


def fill(
    app: Flask,
    folder: Path,
    rows: Rows,
    survey: str = "acme-nps",
    header: tuple[str, ...] = HEADER,
) -> None:
    """Import answers and let the worker read the comments."""
    path = folder / f"{survey}.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    with app.app_context():
        asked = find_published(db.session, survey)
        assert asked is not None
        steps = import_file(
            db.session,
            check_file(path),
            asked,
            now=datetime.now(UTC),
            renames={},
            ignore_unknown=False,
        )
        for report in steps:
            assert not report.refused
            db.session.commit()
        while run_once(ANALYSE_COMMENTS, datetime.now(UTC)):
            pass


def text_of(page: str) -> str:
    """What can be read: no markup, blanks folded, isolates dropped."""
    plain = re.sub(r"<[^>]+>", " ", page)
    return " ".join(re.sub("[\u2066-\u2069]", "", plain).split())
