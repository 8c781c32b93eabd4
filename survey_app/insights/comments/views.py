"""The page *Comments*: what customers wrote, what was understood of it, and what people correct."""

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlencode

import pandas as pd
from flask import Blueprint, current_app, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from markupsafe import Markup
from werkzeug.datastructures import MultiDict

from survey_app.accounts.operations import Actor
from survey_app.db import db
from survey_app.errors import Conflict
from survey_app.http import member
from survey_app.insights import drawings
from survey_app.insights.comments import corrections
from survey_app.insights.comments.accurate import engine_version
from survey_app.insights.comments.corrections import Judgement, Sight
from survey_app.insights.comments.own_themes import known_themes, own_names
from survey_app.insights.comments.queries import EVERYTHING, Tally, list_comments
from survey_app.insights.comments.readable import AGE, what_is_readable
from survey_app.insights.comments.redaction import count_unredacted
from survey_app.insights.comments.schemas import (
    FLAGS,
    SENTIMENTS,
    UNSCORED,
    CommentsQuery,
    Place,
    read_comments_query,
)
from survey_app.insights.filters import filters, today
from survey_app.insights.frame import facts, frame
from survey_app.insights.releases import coming, left_out
from survey_app.insights.schemas import presets
from survey_app.insights.theme_names import THEMES
from survey_app.surveys.models import KINDS

# What the page's lists offer.
CHOICES = {
    "themes": THEMES,
    "sentiments": SENTIMENTS,
    "unscored": UNSCORED,
    "flags": FLAGS,
    "kinds": KINDS,
}
blueprint = Blueprint("comments", __name__, url_prefix="/w/<workspace>/comments")


@blueprint.get("")
@member
def show_comments(workspace: str) -> ResponseReturnValue:  # noqa: ARG001 - the guard has read it
    """What customers wrote, newest first, within a scope; with the form of one that is named."""
    actor: Actor = g.actor
    own = own_names(db.session, actor.workspace.id)
    query = _query(actor, {*THEMES, *own})
    engine = engine_version(current_app.config["SETTINGS"])
    with facts() as source:
        readable = what_is_readable(source, actor.workspace, query.listed)
        listed = query.listed
        if query.selection != EVERYTHING:
            listed = replace(listed, anonymous=False)
        hidden = left_out(source.session, listed)
        due = coming(source.session, listed, today=query.today)
    page = None
    if readable:
        page = list_comments(
            db.session, readable, query.selection, before=query.before, engine=engine
        )
    return render_template(
        "insights/comments.html",
        **frame(actor),
        **CHOICES,
        query=query,
        page=page,
        drawn=page and _drawn(page.counted),
        trouble=source.trouble,
        left_out=hidden,
        coming=due,
        unredacted=count_unredacted(db.session, actor.workspace),
        own=own,
        version=engine,
        filters=[one for one in filters(actor) if one[1] != AGE],
        presets=presets(query.today),
        correction_url=_correction_url,
    )


@blueprint.post("/<int:response_id>/<question>")
@member
def correct(workspace: str, response_id: int, question: str) -> ResponseReturnValue:  # noqa: ARG001 - the guard has read it
    """Keep what a person says of a comment, or take it back; then the page as it was."""
    actor: Actor = g.actor
    place = Place(response_id, question)
    try:
        done = _corrected(actor, place)
    except Conflict as changed:
        flash(f"{gettext(changed.message)} {gettext(changed.hint)}", "problem")
        return redirect(_page_url(place, correct=str(place)), code=303)
    flash(done, "done")
    return redirect(_page_url(place), code=303)


def _query(actor: Actor, themes: Collection[str]) -> CommentsQuery:
    return read_comments_query(request.args, actor.workspace, today=today(actor), themes=themes)


def _corrected(actor: Actor, place: Place) -> str:
    """What was done with the form. Raises NotFound, Conflict, Invalid."""
    known = known_themes(db.session, actor.workspace.id)
    listed, seen = _query(actor, known).listed, request.form.get("seen", "")
    with facts() as source:
        return _said(actor, place, Sight(listed, source, seen))


def _said(actor: Actor, place: Place, sight: Sight) -> str:
    if request.form.get("withdraw"):
        changed = corrections.withdraw(db.session, actor, place, sight=sight)
        done = gettext("Taken back: the comment is read again in a moment.")
    else:
        said = _judgement(request.form)
        changed = corrections.correct(
            db.session, actor, place, said, sight=sight, now=datetime.now(UTC)
        )
        done = gettext("Saved: your word counts from now on.")
    return done if changed else gettext("Nothing was changed.")


def _judgement(form: MultiDict[str, str]) -> Judgement:
    """The correction that a form holds: themes that are ticked, and one that is added."""
    themes = {code: form.get(f"polarity.{code}") or None for code in form.getlist("theme")}
    if added := form.get("added"):
        themes[added] = form.get("polarity") or None
    return Judgement(form.get("sentiment") or None, themes)


def _correction_url(place: Place) -> str:
    """Where a correction goes; it takes the page's address along, to come back to it."""
    page = url_for(
        ".correct",
        workspace=g.actor.workspace.key,
        response_id=place.response_id,
        question=place.question,
    )
    return f"{page}?{urlencode([*request.args.items(multi=True)])}"


def _page_url(place: Place, **changes: str) -> str:
    """The page that the form stood on, at the comment."""
    args = [one for one in request.args.items(multi=True) if one[0] != "correct"]
    page = url_for(".show_comments", workspace=g.actor.workspace.key)
    return f"{page}?{urlencode([*args, *changes.items()])}#c-{place}"


def _drawn(counted: Tally) -> Markup:
    table = pd.DataFrame(
        [
            {
                "comments": counted.comments,
                "negative": counted.negative,
                "neutral": counted.neutral,
                "positive": counted.positive,
            }
        ]
    )
    return drawings.sentiment(table)
