"""Looks at what is counted, as a page takes them; here with every number of one scope."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import sqlalchemy as sa
from flask import Flask
from insights.lake.lakes import add

from analytics import Breakdown, Period, Scope
from survey_app.accounts.models import Workspace
from survey_app.db import db
from survey_app.insights.lake.reading import Source, source

NPS = Breakdown("nps")
SPRING = Period(date(2026, 3, 1), date(2026, 5, 31))


@contextmanager
def moment(app: Flask) -> Iterator[Source]:
    """What is counted from."""
    with app.app_context(), source(db.session, app.config["SETTINGS"]) as found:
        yield found


def scope_of(facts: Source, key: str = "acme", **filters: tuple[str, ...]) -> Scope:
    of_key = sa.select(Workspace.id).where(Workspace.key == key)
    workspace = facts.session.scalars(of_key).one()
    return Scope(workspace=workspace, period=SPRING, filters=filters)


def counted(facts: Source, key: str = "acme", **filters: tuple[str, ...]) -> dict[str, int]:
    """How many answered, how they scored, and what they wrote of."""
    scope = scope_of(facts, key, **filters)
    every = tuple(scope.filters)
    (scores,) = facts.scores(scope, [(NPS, every)])
    (comments,) = facts.comments(scope, [every])
    (themes,) = facts.themes(scope, [every])
    return {
        "people": scores["people"].item(),
        "detractors": scores[0].item(),
        "promoters": scores[9].item(),
        "negative": comments["negative"].item(),
        "mentions": int(themes["unscored"].sum()),
    }


def count(app: Flask, key: str = "acme", **filters: tuple[str, ...]) -> dict[str, int]:
    with moment(app) as facts:
        found = counted(facts, key, **filters)
        assert facts.trouble is None
    return found


def told(people: int, *, detractors: int = 0) -> dict[str, int]:
    """What so many answers come to."""
    by_score = {"detractors": detractors, "promoters": people - detractors}
    return {"people": people, **by_score, "negative": people, "mentions": people}


def answer(app: Flask, number: int, survey: str = "acme-nps", **values: Any) -> list[int]:
    with app.app_context():
        ids = add(db.session, number, survey, **values)
        db.session.commit()
    return ids


def change(app: Flask, *statements: Any) -> None:
    with app.app_context():
        for statement in statements:
            db.session.execute(statement)
        db.session.commit()
