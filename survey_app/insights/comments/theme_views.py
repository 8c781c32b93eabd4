"""The page *Themes*: what comments are searched for, and the workspace's own themes."""

from collections.abc import Mapping
from datetime import UTC, datetime

from flask import Blueprint, current_app, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from werkzeug.datastructures import MultiDict

import nlp
from analytics.scope import Scope
from survey_app.accounts.operations import Actor
from survey_app.db import db
from survey_app.errors import Conflict, Invalid, SoundingsError
from survey_app.http import STATUS, member, owner
from survey_app.insights import drawings, words
from survey_app.insights.comments import own_themes
from survey_app.insights.comments.accurate import engine_version
from survey_app.insights.comments.queries import progress
from survey_app.insights.comments.schemas import SENTIMENTS
from survey_app.insights.comments.theme_queries import spoken_themes
from survey_app.insights.comments.topic_queries import shown_topics
from survey_app.insights.filters import today
from survey_app.insights.frame import facts, frame
from survey_app.insights.models import OwnTheme
from survey_app.insights.releases import left_out
from survey_app.insights.theme_names import THEMES

blueprint = Blueprint("themes", __name__, url_prefix="/w/<workspace>/themes")


@blueprint.get("")
@member
def show_themes(workspace: str) -> ResponseReturnValue:  # noqa: ARG001 - the guard has read it
    """All themes with how often they are spoken of, and the workspace's own."""
    actor: Actor = g.actor
    own = own_themes.own_themes(db.session, actor.workspace.id)
    with facts() as source:
        spoken = spoken_themes(source, actor.workspace, today=today(actor))
        named = Scope(workspace=actor.workspace.id, period=spoken.period, anonymous=False)
        hidden = left_out(source.session, named)
    names = {theme.code: theme.name for theme in own}
    labels = [words.theme(code, names) for code in spoken.themes["theme"]]
    rows = spoken.themes.assign(label=labels)
    engine = engine_version(current_app.config["SETTINGS"])
    return render_template(
        "insights/themes.html",
        **frame(actor),
        spoken=spoken,
        rows=rows,
        drawn={"themes": drawings.themes(rows)},
        trouble=source.trouble,
        left_out=hidden,
        own=own,
        topics=shown_topics(db.session, actor.workspace),
        progress=progress(db.session, actor.workspace, engine=engine),
        parts=_parts(),
        most=nlp.MAX_OWN_THEMES,
        theme_languages=len(nlp.THEME_LANGUAGES),
    )


@blueprint.get("/own")
@owner
def show_own_theme(workspace: str) -> ResponseReturnValue:  # noqa: ARG001 - the guard has read it
    """The form of a new theme, or of the one that `code` names; with a name given, a preview."""
    actor: Actor = g.actor
    code = request.args.get("code", "")
    known = own_themes.find_own_theme(db.session, actor.workspace.id, code) if code else None
    if "name" not in request.args:
        return _form(code, _fields_of(known))
    fields = _fields(request.args)
    try:
        draft = own_themes.read_draft(**fields)
    except Invalid as error:
        return _form(code, fields, error=error)
    found = own_themes.preview(db.session, actor.workspace, draft)
    return _form(code, fields, preview=found)


@blueprint.post("/own")
@owner
def keep_own_theme(workspace: str) -> ResponseReturnValue:  # noqa: ARG001 - the guard has read it
    """Keep a new theme, or change the one that `code` names."""
    actor: Actor = g.actor
    fields, code = _fields(request.form), request.form.get("code", "")
    try:
        draft = own_themes.read_draft(**fields)
        if code:
            own_themes.change_own_theme(db.session, actor.workspace, code, draft)
        else:
            own_themes.create_own_theme(db.session, actor.workspace, draft, now=datetime.now(UTC))
    except (Invalid, Conflict) as error:
        return _form(code, fields, error=error)
    flash(gettext("Saved: the comments are read again for it."), "done")
    return redirect(url_for(".show_themes", workspace=actor.workspace.key), code=303)


@blueprint.post("/own/<code>/delete")
@owner
def delete_own_theme(workspace: str, code: str) -> ResponseReturnValue:  # noqa: ARG001 - the guard has read it
    """Forget one of the workspace's own themes."""
    actor: Actor = g.actor
    name = own_themes.delete_own_theme(db.session, actor.workspace, code)
    flash(gettext("“%(name)s” is deleted.", name=name), "done")
    return redirect(url_for(".show_themes", workspace=actor.workspace.key), code=303)


def _form(
    code: str,
    fields: Mapping[str, str],
    *,
    error: SoundingsError | None = None,
    preview: own_themes.Preview | None = None,
) -> ResponseReturnValue:
    page = render_template(
        "insights/own_theme.html",
        **frame(g.actor),
        theme=code,
        fields=fields,
        problem=error and gettext(error.message, **error.values),
        errors=_told(error),
        preview=preview,
        own={},
        sentiments=SENTIMENTS,
        limits={"name": own_themes.MAX_NAME, "pattern": nlp.MAX_OWN_PATTERN},
    )
    return page, STATUS[type(error)] if error else 200


def _told(error: SoundingsError | None) -> Mapping[str, str]:
    """What is wrong, by field."""
    wrong = error.errors if error else ()
    return {one.field: gettext(one.message, **(one.values or {})) for one in wrong}


def _fields(form: MultiDict[str, str]) -> dict[str, str]:
    return {name: form.get(name, "") for name in ("name", "words", "pattern")}


def _fields_of(theme: OwnTheme | None) -> dict[str, str]:
    if theme is None:
        return {"name": "", "words": "", "pattern": ""}
    return {
        "name": theme.name,
        "words": "\n".join(theme.words),
        "pattern": theme.pattern or "",
    }


def _parts() -> Mapping[str, list[str]]:
    """Each packaged theme with its parts."""
    found: dict[str, list[str]] = {}
    for code in THEMES:
        theme = own_themes.theme_of(code)
        found.setdefault(theme, [])
        if code != theme:
            found[theme].append(code)
    return found
