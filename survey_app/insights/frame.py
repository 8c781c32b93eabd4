"""The frame of members' pages: which workspace, which page, which language."""

from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import urlencode

from flask import current_app, request

from survey_app.accounts.operations import Actor
from survey_app.accounts.queries import workspaces_of
from survey_app.db import db
from survey_app.i18n import INTERFACE_LOCALES, native_name
from survey_app.insights import words
from survey_app.insights.filters import there
from survey_app.insights.lake.reading import Source, source


def frame(actor: Actor) -> dict[str, Any]:
    """What `insights/frame.html` needs."""
    return {
        "actor": actor,
        "workspaces": workspaces_of(db.session, user_id=actor.user.id),
        "languages": [(code, native_name(code), here(lang=code)) for code in INTERFACE_LOCALES],
        "here": here,
        "there": there,
        "words": words,
    }


def facts() -> AbstractContextManager[Source]:
    """What this page counts from."""
    return source(db.session, current_app.config["SETTINGS"])


def here(**changes: str | None) -> str:
    """This page's address with some parameters changed."""
    args = [(name, value) for name, value in request.args.items(multi=True) if name not in changes]
    args += [(name, value) for name, value in changes.items() if value]
    return request.path + ("?" + urlencode(args) if args else "")


def is_phone() -> bool:
    """Whether charts should be drawn narrow; what the browser says is only a hint."""
    hint = request.headers.get("Sec-CH-UA-Mobile")
    return hint == "?1" if hint else "Mobi" in request.headers.get("User-Agent", "")
