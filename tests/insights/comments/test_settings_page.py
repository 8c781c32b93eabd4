"""The owner's page of settings."""

import sqlalchemy as sa
from factories import Cast, csrf_token, log_in
from flask import Flask
from flask.testing import FlaskClient
from insights.comments.test_redaction import PERSONAL
from plumbing.test_jobs import write_comments

from survey_app.accounts.models import Workspace
from survey_app.db import db

PAGE = "/w/acme/settings"


def wanted(app: Flask) -> dict[str, bool]:
    with app.app_context():
        rows = db.session.execute(sa.select(Workspace.key, Workspace.redact))
        return dict(map(tuple, rows))


def test_an_owner_switches_redaction(app: Flask, client: FlaskClient, cast: Cast) -> None:
    write_comments(app, [PERSONAL, PERSONAL + "!"])
    log_in(client, cast.owner)
    form = {"csrf_token": csrf_token(client), "redact": "on"}
    answer = client.post(f"{PAGE}/redaction", data=form)
    assert (answer.status_code, answer.location) == (303, PAGE)
    assert wanted(app) == {"acme": True, "rival": False}
    assert "2 answers with comments are still" in client.get(PAGE).get_data(as_text=True)
    client.post(f"{PAGE}/redaction", data={"csrf_token": csrf_token(client)})
    assert wanted(app) == {"acme": False, "rival": False}
    assert "still to be looked through" not in client.get(PAGE).get_data(as_text=True)


def test_members_do_not_see_the_way_there(client: FlaskClient, cast: Cast) -> None:
    log_in(client, cast.member)
    assert PAGE not in client.get("/w/acme/perception").get_data(as_text=True)
    assert client.get(PAGE).status_code == 403
    log_in(client, cast.owner)
    assert PAGE in client.get("/w/acme/perception").get_data(as_text=True)
