"""`soundings demo`: made once, analysed, only where nobody else can look."""

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from factories import Cast
from flask import Flask

from survey_app import cli
from survey_app.accounts.models import User, Workspace
from survey_app.db import db
from survey_app.demo import operations
from survey_app.insights.models import CommentAnalysis
from survey_app.jobs import Job
from survey_app.responses.models import Response


@pytest.fixture
def run(app: Flask, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run `soundings demo`: status, output, error output."""
    monkeypatch.setattr(cli, "_app", lambda: app)

    def go(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            cli.main.main(["demo", *words], prog_name="soundings")
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return go


def _count(app: Flask, model: type[Any], *conditions: Any) -> int:
    with app.app_context():
        statement = sa.select(sa.func.count()).select_from(model).where(*conditions)
        return db.session.scalar(statement) or 0


def test_the_demo_is_made_once_and_read(run: Any, app: Flask) -> None:
    status, out, _ = run("--responses", "400")
    assert status == 0
    assert "/w/demo/perception" in out and operations.EMAIL in out and "/demo" in out
    made = _count(app, Response)
    assert 380 <= made <= 420
    commented = _count(app, Response, Response.has_comment)
    assert commented > 40
    assert _count(app, CommentAnalysis) == commented and _count(app, Job) == 0
    again = run("--responses", "400")
    assert again[0] == 0 and again[1] == out
    assert (_count(app, Response), _count(app, Workspace), _count(app, User)) == (made, 1, 1)


def test_the_printed_password_opens_the_demo(run: Any, app: Flask) -> None:
    from factories import log_in

    _, out, _ = run("--responses", "100")
    password = out.split(operations.EMAIL, 1)[1].split()[0]
    client = app.test_client()
    log_in(client, operations.EMAIL, password)
    assert client.get("/w/demo/perception").status_code == 200


def test_the_demo_stays_beside_what_is_there(run: Any, app: Flask, cast: Cast) -> None:
    assert run("--responses", "100")[0] == 0
    assert _count(app, Workspace) == 3


def test_the_demo_refuses_a_host_that_others_can_reach(run: Any, app: Flask) -> None:
    settings = app.config["SETTINGS"]
    app.config["SETTINGS"] = replace(settings, host="0.0.0.0")
    status, out, err = run("--responses", "100")
    app.config["SETTINGS"] = settings
    assert (status, out) == (1, "")
    assert "SOUNDINGS_HOST=127.0.0.1" in err
    assert _count(app, Workspace) == 0
