"""An anonymous survey as a test sees it: answers come in, weeks are closed, people are counted."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from factories import NOW, Cast
from flask import Flask
from insights.lake.lakes import add
from insights.lake.looks import moment

from analytics import Breakdown, Period, Scope
from survey_app.accounts.queries import workspace_by_key
from survey_app.db import db
from survey_app.insights import releases
from survey_app.insights.jobs import RELEASE_ANSWERS
from survey_app.jobs import run_once
from survey_app.responses.models import Response
from survey_app.surveys.operations import create_from_template

KEY = "quiet-nps"
NPS = Breakdown("nps")
MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)  # 11 o'clock in Helsinki
WEEK = timedelta(weeks=1)
SUNDAYS = [date(2026, 3, 8) + number * WEEK for number in range(5)]
SPRING = Period(date(2026, 3, 1), date(2026, 5, 31))


def ask_quietly(app: Flask, cast: Cast) -> None:
    """Make the workspace's anonymous survey."""
    with app.app_context():
        acme = workspace_by_key(db.session, cast.workspace)
        create_from_template(
            db.session, KEY, workspace=acme, template="nps", anonymous=True, now=NOW
        )
        db.session.commit()


def answer(app: Flask, count: int, *, week: int = 0, survey: str = KEY, **values: Any) -> list[int]:
    """Answers that came in a week's middle; by themselves they would be of the first of May."""
    at = MONDAY + week * WEEK + timedelta(days=2)
    told: dict[str, Any] = {"country": "FI", "stage": "adopt", "day": date(2026, 5, 1)}
    with app.app_context():
        ids = add(db.session, count, survey, received_at=at, **told | values)
        db.session.commit()
    return ids


def close_week(app: Flask, week: int) -> None:
    """What the worker does at a week's close."""
    now = MONDAY + (week + 1) * WEEK
    with app.app_context():
        found = releases.find_unreleased(db.session, 10, now=now)
        releases.store(db.session, releases.read(db.session, found, now=now), now)
        db.session.commit()


def released(app: Flask) -> dict[date | None, int]:
    with app.app_context():
        weeks = db.session.scalars(sa.select(Response.released_week))
        return dict(Counter(weeks))


def scope_of(app: Flask, period: Period, **options: Any) -> Scope:
    with app.app_context():
        workspace = workspace_by_key(db.session, "acme")
        return Scope(workspace=workspace.id, zone=workspace.zone, period=period, **options)


def table(app: Flask, period: Period, *by: str, **options: Any) -> Counter[Any]:
    """People by key, as they are counted for a page before anything hides."""
    scope = scope_of(app, period, **options)
    with moment(app) as facts:
        (found,) = facts.scores(scope, [(NPS.over(*by), tuple(scope.filters))])
    keys = list(found[list(by)].itertuples(index=False, name=None)) if by else [()]
    return Counter(dict(zip(map(str, keys), found["people"].tolist(), strict=True)))


def run_of(app: Flask, now: datetime) -> bool:
    """The worker's round, as if it were then; whether there was anything to do."""
    kind = replace(
        RELEASE_ANSWERS,
        find=lambda session, limit: releases.find_unreleased(session, limit, now=now),
        read=lambda session, ids: releases.read(session, ids, now=now),
    )
    with app.app_context():
        return bool(run_once(kind, now))
