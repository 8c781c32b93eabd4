"""Whatever is posted, the answer is an acceptance or a refusal, and the same on both databases."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from factories import NOW, settings_for
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import URL

from survey_app.accounts.operations import create_workspace
from survey_app.app import create_app
from survey_app.db import db
from survey_app.lifecycle.operations import create_default_map
from survey_app.surveys.operations import create_from_template

PATH = "/api/v1/public/surveys/acme-nps/responses"
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["complete", "partial", "de", "FI", "onboard", "\ud800", "\0", "c-1"])
)
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
KEYS = st.builds(uuid.UUID, int=st.integers(0, 40)).map(str)  # few, so that they come again


def _maybe(right: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Mostly right, sometimes anything."""
    return st.one_of(right, right, right, ANYTHING)


SUBMISSIONS = st.fixed_dictionaries(
    {
        "id": _maybe(KEYS),
        "status": _maybe(st.sampled_from(["complete", "partial"])),
        "answers": _maybe(
            st.fixed_dictionaries(
                {}, optional={"nps": _maybe(st.integers(-1, 11)), "comment": _maybe(st.text())}
            )
        ),
    },
    optional={
        "locale": _maybe(st.sampled_from(["de", "ja", "sv"])),
        "customer": _maybe(
            st.fixed_dictionaries(
                {},
                optional={
                    "id": _maybe(st.text(min_size=1, max_size=5)),
                    "country": _maybe(st.sampled_from(["FI", "fin", "Finland"])),
                    "birth_year": _maybe(st.integers(1890, 2110)),
                    "gender": _maybe(st.sampled_from(["female", "male", "other"])),
                    "stage": _maybe(st.sampled_from(["onboard", "exit", "nowhere"])),
                },
            )
        ),
        "token": ANYTHING,
        "more": ANYTHING,
    },
)


def _small_world(folder: Path, url: URL, catalogues: Path) -> Flask:
    folder.mkdir()
    (folder / "locales").symlink_to(catalogues)
    app = create_app(replace(settings_for(folder, url), public_limit=1_000_000))
    with app.app_context():  # not `testing`: an error must become the 500 that a client would see
        workspace = create_workspace(db.session, "acme", now=NOW)
        create_default_map(db.session, workspace.id)
        create_from_template(db.session, "acme-nps", workspace=workspace, template="nps", now=NOW)
        db.session.commit()
    return app


@pytest.fixture
def worlds(
    tmp_path: Path, catalogues: Path, sqlite_url: URL, postgres_url: URL
) -> Iterator[list[Flask]]:
    """The same small world on both databases."""
    apps = [
        _small_world(tmp_path / "one", sqlite_url, catalogues),
        _small_world(tmp_path / "two", postgres_url, catalogues),
    ]
    yield apps
    for app in apps:
        with app.app_context():
            for engine in db.engines.values():
                engine.dispose()


@pytest.mark.postgres
@settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(payload=SUBMISSIONS | ANYTHING)
def test_any_json_is_taken_or_refused(worlds: list[Flask], payload: Any) -> None:
    data = json.dumps(payload)
    replies = [
        app.test_client().post(PATH, data=data, content_type="application/json") for app in worlds
    ]
    first, second = replies
    assert first.status_code in (200, 201, 400, 409, 422), first.get_data(as_text=True)
    assert first.status_code == second.status_code
    if first.status_code >= 400:
        assert first.json == second.json
        assert first.mimetype == "application/problem+json"
