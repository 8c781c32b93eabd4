"""The scope's controls, which several pages share: filters, periods, and ways between the pages."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from urllib.parse import urlencode

from flask import g, request, url_for

from survey_app.accounts.operations import Actor, zone_of
from survey_app.customers.operations import AGE_BANDS
from survey_app.db import db
from survey_app.insights import words
from survey_app.insights.queries import places_and_languages
from survey_app.insights.schemas import FILTERS
from survey_app.lifecycle.queries import stages

# Parameters that mean the same on every page with a scope.
SHARED = ("from", "to", *FILTERS, "lang")
Choice = tuple[str, str]


def today(actor: Actor) -> date:
    """The date in the workspace."""
    return datetime.now(UTC).astimezone(zone_of(actor.workspace)).date()


def filters(actor: Actor) -> list[tuple[str, str, Sequence[Choice]]]:
    """Each filter: its parameter, its dimension and its choices with their names."""
    workspace_id = actor.workspace.id
    countries, languages = places_and_languages(db.session, workspace_id)
    choices: dict[str, list[str]] = {
        "country": countries,
        "language": languages,
        "stage": [stage.key for stage in stages(db.session, workspace_id)],
        "age_band": list(AGE_BANDS),
    }
    found: list[tuple[str, str, Sequence[Choice]]] = []
    for name, dimension in FILTERS.items():
        named = [(value, words.value_name(dimension, value)) for value in choices[dimension]]
        if dimension in ("country", "language"):
            named.sort(key=lambda choice: choice[1].casefold())
        found.append((name, dimension, named))
    return found


def there(endpoint: str, **changes: str | None) -> str:
    """Another page of the workspace in this one's scope, with some parameters changed."""
    args = [
        (name, value)
        for name, value in request.args.items(multi=True)
        if name in SHARED and name not in changes and value
    ]
    args += [(name, value) for name, value in changes.items() if value]
    page = url_for(endpoint, workspace=g.actor.workspace.key)
    return page + ("?" + urlencode(args) if args else "")
