"""The lake as a test sees it: answers go in, the lake is written, and proven."""

import uuid
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from survey_app.accounts.models import Workspace
from survey_app.db import db, reading
from survey_app.insights.lake import rebuilding, tidying, writing
from survey_app.insights.lake.facts import rows
from survey_app.insights.lake.state import coming, masked, snapshot, tail
from survey_app.insights.lake.tables import only_writer, open_table
from survey_app.insights.lake.verifying import Verdict, verify
from survey_app.insights.models import CommentAnalysis, ThemeMention
from survey_app.responses.models import Answer, Response
from survey_app.surveys.models import Survey, SurveyVersion


def add(
    session: Session, count: int, survey: str = "acme-nps", score: int = 9, **values: Any
) -> list[int]:
    """Counted answers with a comment that was read; returns their ids. Not committed."""
    survey_id, workspace_id, version_id = session.execute(
        sa.select(Survey.id, Survey.workspace_id, SurveyVersion.id)
        .join(SurveyVersion, SurveyVersion.survey_id == Survey.id)
        .where(Survey.key == survey)
    ).one()
    now = datetime.now(UTC)
    common = {
        "workspace_id": workspace_id,
        "survey_id": survey_id,
        "version_id": version_id,
        "body_hash": "",
        "status": "complete",
        "received_at": now,
        "submitted_at": now,
        "day": date(2026, 3, 10),
        "counted": True,
        "channel": "link",
        "locale": "en",
        "has_comment": True,
        "analysed_version": "any",
    } | values
    rows = [common | {"key": str(uuid.uuid4())} for _ in range(count)]
    ids = list(session.scalars(sa.insert(Response).returning(Response.id), rows))
    of = [{"workspace_id": workspace_id, "response_id": one} for one in ids]
    kind = survey.rpartition("-")[2]
    said = {"question": "comment", "kind": "comment", "text": "The delivery was late."}
    session.execute(
        sa.insert(Answer), [one | {"question": kind, "kind": kind, "number": score} for one in of]
    )
    session.execute(sa.insert(Answer), [one | said for one in of])
    read = {"question": "comment", "engine_version": "any", "language": "en", "analysed_at": now}
    session.execute(
        sa.insert(CommentAnalysis), [one | read | {"sentiment": "negative"} for one in of]
    )
    spoken = {"theme": "theme.delivery", "code": "theme.delivery.speed", "start": 0, "end": 3}
    session.execute(
        sa.insert(ThemeMention),
        [one | spoken | {"question": "comment", "polarity": None} for one in of],
    )
    return ids


def write(app: Flask, *, limit: int = writing.BATCH, later: timedelta = timedelta()) -> int:
    """Write the lake until nothing is left, as if it were later; returns how many batches."""
    with app.app_context():
        for number in range(1, 1000):
            with only_writer(data_dir(app), wait=True):
                now = datetime.now(UTC) + later
                if rebuilding.write(db.session, data_dir(app), now, limit=limit).is_all:
                    return number
    raise AssertionError("there is no end to it")


def tidy(app: Flask, **options: Any) -> int:
    """Put it in order now; returns how many months were rewritten."""
    with app.app_context(), only_writer(data_dir(app), wait=True):
        return tidying.tidy(
            db.session, data_dir(app), datetime.now(UTC), everything=True, **options
        )


def prove(app: Flask) -> Verdict:
    """What `soundings lake verify` finds."""
    with app.app_context(), reading():
        return verify(db.session, data_dir(app), told=lambda _: None)


def held(app: Flask, name: str = "facts") -> list[dict[str, Any]]:
    """The rows of a table at the version that counts, masked ones too, in no order."""
    with app.app_context(), reading():
        known = snapshot(db.session)
        assert known is not None
        return open_table(known, data_dir(app), name).delta.to_pyarrow_table().to_pylist()


def is_whole(app: Flask) -> bool:
    """Whether the lake without what is masked, and the tail, are the database: each row once."""
    with app.app_context(), reading():
        return _fits(db.session, data_dir(app))


def _fits(session: Session, folder: Path) -> bool:
    answered = sa.select(Answer.response_id, Answer.question, Response.country)
    wanted = Counter(
        map(tuple, session.execute(answered.join(Response, Response.id == Answer.response_id)))
    )
    known = snapshot(session)
    seen: Counter[tuple[int, str, str]] = Counter()
    hidden: set[int] = set()
    for workspace_id in session.scalars(sa.select(Workspace.id)):
        found, _ = rows(session, tail(known, workspace_id))
        seen.update(map(_key, found.to_pylist()))
        hidden.update(masked(session, known, workspace_id) if known else ())
    if known is not None:
        table = open_table(known, folder, "facts").delta.to_pyarrow_table()
        seen.update(_key(row) for row in table.to_pylist() if row["response"] not in hidden)
    return seen == wanted


def _key(row: dict[str, Any]) -> tuple[int, str, str]:
    return row["response"], row["question"], row["country"]


def rebuild(app: Flask, *, steps: int = 1000, limit: int = writing.BATCH) -> None:
    """Make the lake again, unless that is under way; it ends after some steps."""
    with app.app_context():
        for step in range(steps + 1):
            with only_writer(data_dir(app), wait=True):
                now = datetime.now(UTC)
                with reading():
                    after = coming(db.session)
                if step == 0 and after is None:
                    rebuilding.begin(db.session, data_dir(app), now)
                elif after is not None:
                    rebuilding.write(db.session, data_dir(app), now, limit=limit)
                else:
                    break


def data_dir(app: Flask) -> Path:
    folder: Path = app.config["SETTINGS"].data_dir
    return folder
