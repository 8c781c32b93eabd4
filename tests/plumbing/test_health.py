"""Alive and ready are two questions."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from factories import settings_for
from flask import Flask
from flask.testing import FlaskClient

from survey_app.app import create_app
from survey_app.db import alembic, db


def test_ready_names_the_schema(client: FlaskClient, app: Flask) -> None:
    assert client.get("/healthz").json == {"status": "ok"}
    ready = client.get("/readyz")
    with app.app_context():
        head = alembic.script_directory.get_current_head()
    assert (ready.status_code, ready.json) == (200, {"status": "ready", "revision": head})


@pytest.mark.parametrize("state", ["empty", "old", "newer"])
def test_another_schema_is_not_ready(client: FlaskClient, app: Flask, state: str) -> None:
    statement = {
        "empty": "DELETE FROM alembic_version",
        "old": "UPDATE alembic_version SET version_num = '1'",
        "newer": "UPDATE alembic_version SET version_num = '9999999999'",
    }[state]
    with app.app_context():
        db.session.execute(sa.text(statement))
        db.session.commit()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert answer.json is not None and "soundings db upgrade" in answer.json["reason"]
    assert client.get("/healthz").status_code == 200


def test_an_unreachable_database_is_not_ready(tmp_path: Path, catalogues: Path) -> None:
    app = create_app(settings_for(tmp_path, f"sqlite:///{tmp_path}/missing/soundings.db"))
    client = app.test_client()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None and "can't be reached" in answer.json["reason"]
    assert str(tmp_path) not in answer.get_data(as_text=True)
    assert client.get("/healthz").status_code == 200
