"""The public door as a test sees it: answers go in, stored rows come out."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
import sqlalchemy as sa
from factories import NOW, Cast, settings_for
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.engine import URL
from werkzeug.test import TestResponse

from survey_app.accounts.models import Workspace
from survey_app.accounts.operations import create_workspace
from survey_app.accounts.queries import workspace_by_key
from survey_app.app import create_app
from survey_app.db import db, reading
from survey_app.lifecycle.operations import create_default_map
from survey_app.responses.models import Response
from survey_app.surveys.models import Survey
from survey_app.surveys.operations import close_survey, create_from_template


def new_body(**changes: Any) -> dict[str, Any]:
    """A complete answer that is right; changes replace its keys, None takes one out."""
    body = {
        "id": str(uuid.uuid4()),
        "status": "complete",
        "answers": {"nps": 9, "comment": "Kind people."},
        "locale": "de",
    }
    return {key: value for key, value in (body | changes).items() if value is not None}


@dataclass(frozen=True)
class Door:
    """Sends submissions and looks at what was stored."""

    app: Flask
    cast: Cast

    def post(
        self,
        body: Any,
        *,
        survey: str = "acme-nps",
        client: FlaskClient | None = None,
        query: str = "",
        **options: Any,
    ) -> TestResponse:
        """Post JSON to a survey's responses."""
        url = f"/api/v1/public/surveys/{survey}/responses{query}"
        return (client or self.app.test_client()).post(url, json=body, **options)

    def answer(self, **changes: Any) -> TestResponse:
        """Post a right answer with changes."""
        return self.post(new_body(**changes))

    def codes(self, **changes: Any) -> set[tuple[str, str]]:
        """Fields and codes of the errors that a changed answer gets; it must get 422."""
        reply = self.answer(**changes)
        assert reply.status_code == 422, reply.get_data(as_text=True)
        assert reply.mimetype == "application/problem+json"
        assert reply.json is not None
        assert {"type", "title", "status", "code", "detail", "hint"} <= reply.json.keys()
        return {(item["field"], item["code"]) for item in reply.json["errors"]}

    def rows(self) -> list[dict[str, Any]]:
        """Stored responses, oldest first, each with its `answers`."""
        with self.app.app_context():
            found = []
            for response in db.session.scalars(sa.select(Response).order_by(Response.id)):
                columns = {
                    name: getattr(response, name)
                    for name in Response.__table__.columns.keys()  # noqa: SIM118 - columns iterate as objects
                }
                columns["answers"] = {
                    item.question: item.number if item.text is None else item.text
                    for item in response.answers
                }
                found.append(columns)
            return found

    def row(self) -> dict[str, Any]:
        """The only stored response."""
        (row,) = self.rows()
        return row

    def how_many(self, model: type[Any] = Response) -> int:
        """Stored rows of a model, without waiting for whoever writes."""
        with self.app.app_context(), reading():
            return db.session.scalar(sa.select(sa.func.count()).select_from(model)) or 0

    def close(self, survey: str = "acme-nps", *, reopen: bool = False) -> None:
        """Close a survey."""
        with self.app.app_context():
            found = db.session.scalars(sa.select(Survey).where(Survey.key == survey)).one()
            found.closed_at = None
            if not reopen:
                close_survey(found, now=datetime.now(UTC))
            db.session.commit()

    def change_survey(self, survey: str = "acme-nps", **changes: Any) -> None:
        """Set columns of a survey."""
        with self.app.app_context():
            db.session.execute(sa.update(Survey).where(Survey.key == survey).values(**changes))
            db.session.commit()

    def change_workspace(self, **changes: Any) -> None:
        """Set columns of the workspace."""
        with self.app.app_context():
            db.session.execute(
                sa.update(Workspace).where(Workspace.key == self.cast.workspace).values(**changes)
            )
            db.session.commit()

    def token(
        self,
        customer: Any = None,
        *,
        workspace: str = "acme",
        secret: str | None = None,
        algorithm: str = "HS256",
        **claims: Any,
    ) -> str:
        """A customer token as the workspace's own site signs it."""
        with self.app.app_context():
            known = workspace_by_key(db.session, workspace).token_secret
        payload = {
            "aud": f"soundings:{workspace}",
            "exp": datetime.now(UTC) + timedelta(hours=1),
            "customer": {"id": "c-1"} if customer is None else customer,
        } | claims
        payload = {key: value for key, value in payload.items() if value is not None}
        return jwt.encode(payload, known if secret is None else secret, algorithm=algorithm)


@pytest.fixture
def door(app: Flask, cast: Cast) -> Door:
    """The public door of a small world."""
    return Door(app, cast)


@pytest.fixture
def door_on_sqlite(sqlite_url: URL, tmp_path: Path, catalogues: Path) -> Iterator[Door]:
    """The same on SQLite alone, for what never reaches a database."""
    (tmp_path / "locales").symlink_to(catalogues)
    app = create_app(settings_for(tmp_path, sqlite_url))
    app.testing = True
    with app.app_context():
        workspace = create_workspace(db.session, "acme", now=NOW, zone="Europe/Helsinki")
        create_default_map(db.session, workspace.id)
        create_from_template(db.session, "acme-nps", workspace=workspace, template="nps", now=NOW)
        db.session.commit()
    yield Door(app, Cast())
    with app.app_context():
        for engine in db.engines.values():
            engine.dispose()
