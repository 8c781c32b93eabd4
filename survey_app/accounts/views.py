"""Log-in and log-out pages."""

from datetime import UTC, datetime

from flask import (
    Blueprint,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from werkzeug.wrappers import Response

from survey_app.accounts import operations
from survey_app.accounts.access import COOKIE
from survey_app.accounts.forms import LoginForm
from survey_app.accounts.models import User
from survey_app.accounts.queries import workspaces_of
from survey_app.accounts.throttle import limits_for, remember_device
from survey_app.db import db, reading
from survey_app.errors import Unauthenticated
from survey_app.http import public

blueprint = Blueprint("accounts", __name__)


@blueprint.get("/")
@public
def home() -> ResponseReturnValue:
    """The first page sends people to their log-in, or on to their workspace."""
    token = request.cookies.get(COOKIE, "")
    try:
        user = operations.find_session_user(db.session, token, now=datetime.now(UTC))
    except Unauthenticated:
        return redirect(url_for(".show_login"))
    return redirect(_first_page(user))


@blueprint.get("/login")
@public
def show_login() -> ResponseReturnValue:
    """The log-in form."""
    form = LoginForm(next=request.args.get("next", ""))
    return render_template("accounts/login.html", form=form)


@blueprint.post("/login")
@public
def log_in() -> ResponseReturnValue:
    """Check the password and open a session; failures are counted."""
    form = LoginForm()
    if not form.validate_on_submit():
        return _refuse(form)
    now, window = datetime.now(UTC), operations.LOGIN_WINDOW
    email = (form.email.data or "").strip().lower()
    limits = limits_for(email)
    for name, limit in limits.items():
        operations.count(db.session, name, now=now, window=window, limit=limit)
    # Counted for good; and nobody who answers a survey waits for the slow hash.
    db.session.commit()
    with reading():
        found = operations.verify_password(db.session, email, form.password.data or "")
        user_id = found.id if found else None
    user = db.session.get(User, user_id) if user_id else None
    if user is None:
        return _refuse(form)
    # This one only: one's own account must not buy new guesses at others.
    for name in limits:
        operations.take_back(db.session, name, now=now, window=window)
    session.clear()  # a new CSRF token for the new person
    response = redirect(_safe_path(form.next.data) or _first_page(user))
    remember_device(response, email)
    return _with_cookie(response, operations.open_session(db.session, user, now=now))


@blueprint.post("/logout")
@public
def log_out() -> ResponseReturnValue:
    """Forget the session on the server and in the browser."""
    operations.close_session(db.session, request.cookies.get(COOKIE, ""))
    session.clear()
    response = redirect(url_for(".show_login"))
    response.delete_cookie(COOKIE)
    return response


def _refuse(form: LoginForm) -> ResponseReturnValue:
    flash(gettext("E-mail or password is wrong."), "error")
    return render_template("accounts/login.html", form=form), 422


def _with_cookie(response: Response, token: str) -> Response:
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(operations.SESSION_LASTS.total_seconds()),
        httponly=True,
        samesite="Lax",
        secure=current_app.config["SESSION_COOKIE_SECURE"],
    )
    return response


def _first_page(user: User) -> str:
    workspaces = workspaces_of(db.session, user_id=user.id)
    if not workspaces:
        return url_for(".show_login")
    return f"/w/{workspaces[0].key}/perception"


def _safe_path(text: str | None) -> str | None:
    """A path on this site; never an address elsewhere (double slash, backslash, control signs)."""
    if text and text.startswith("/") and text.isprintable() and text[1:2] not in ("/", "\\"):
        return text
    return None
