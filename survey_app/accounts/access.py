"""The guard in front of every route: who is calling, and may they?

It runs before any view and reads the mark that `http` put on it. A stranger is sent to log in; a
member of another workspace gets what a made-up address gets.
"""

from datetime import UTC, datetime

from flask import Flask, abort, current_app, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from survey_app.accounts.operations import Actor, find_session_user
from survey_app.accounts.queries import membership_of
from survey_app.db import db
from survey_app.errors import N_, Forbidden, NotFound, Unauthenticated
from survey_app.http import Access, access_of, wants_json

COOKIE = "soundings_session"


def init_app(app: Flask) -> None:
    """Install the guard; it must run before the check for CSRF tokens."""
    app.before_request(_guard)


def _guard() -> ResponseReturnValue | None:
    if request.endpoint is None:
        return None  # nothing matched: the 404 or 405 follows
    access = access_of(current_app, request.endpoint)
    if access is Access.PUBLIC:
        return None
    if access is None:
        abort(404)
    try:
        g.actor = _actor((request.view_args or {}).get("workspace", ""))
    except Unauthenticated:
        if wants_json():
            raise
        # Only a path of ours is remembered, never an address.
        back = request.full_path.rstrip("?") if request.method == "GET" else None
        return redirect(url_for("accounts.show_login", next=back))
    if access is Access.OWNER and g.actor.role != "owner":
        raise Forbidden("role.owner_needed", N_("Only an owner may do this."))
    g.preferred_locale = g.actor.user.locale or g.actor.workspace.locale
    return None


def _actor(workspace_key: str) -> Actor:
    token = request.cookies.get(COOKIE)
    if not token:
        raise Unauthenticated("session.none", N_("Please log in."))
    user = find_session_user(db.session, token, now=datetime.now(UTC))
    membership = membership_of(db.session, user_id=user.id, workspace_key=workspace_key)
    if membership is None:
        raise NotFound("workspace.unknown", N_("There is no such page."))
    return Actor(user=user, workspace=membership.workspace, role=membership.role)
