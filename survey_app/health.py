"""`/healthz`: the process answers; `/readyz`: its database is there and has our schema."""

from alembic.runtime.migration import MigrationContext
from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.exc import SQLAlchemyError

from survey_app.db import alembic, db
from survey_app.http import public

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@public
def show_health() -> ResponseReturnValue:
    """Alive, whatever the database does."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
@public
def show_readiness() -> ResponseReturnValue:
    """Ready to take answers, or 503 with what is missing."""
    try:
        revision = MigrationContext.configure(db.session.connection()).get_current_revision()
    except SQLAlchemyError:
        return _not_ready(gettext("The database can't be reached."))
    if revision != alembic.script_directory.get_current_head():
        return _not_ready(gettext("The database needs: soundings db upgrade"))
    return jsonify(status="ready", revision=revision)


def _not_ready(reason: str) -> ResponseReturnValue:
    return jsonify(status="not ready", reason=reason), 503, {"Retry-After": "5"}
