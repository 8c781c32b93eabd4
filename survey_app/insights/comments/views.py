"""The page *Comments*: what customers wrote, what was understood of it, and what people correct."""

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
from survey_app.http import member
from survey_app.insights import drawings, words
from survey_app.insights.comments import corrections
from survey_app.insights.comments.accurate import engine_version
from survey_app.insights.comments.corrections import Said
from survey_app.insights.comments.own_themes import own_names
from survey_app.insights.comments.queries import Tally, newest, tally, what_is_readable
from survey_app.insights.comments.redaction import count_waiting
from survey_app.insights.comments.schemas import (
    FLAGS,
    SENTIMENTS,
    UNSCORED,
    Place,
    read_before,
    read_selection,
)
from survey_app.insights.filters import filters, there, today
from survey_app.insights.frame import frame
from survey_app.insights.schemas import PerceptionQuery, presets, read_query
from survey_app.insights.theme_names import THEMES

AGE = "age_band"
blueprint = Blueprint("comments", __name__, url_prefix="/w/<workspace>/comments")


@blueprint.get("")
@member
def show_comments(workspace: str) -> ResponseReturnValue:  # noqa: ARG001 - the guard has read it
    """What customers wrote, newest first, within a scope."""
    actor: Actor = g.actor
    query = _without_age(read_query(request.args, actor.workspace, today=today(actor)))
    now, _ = query.compared
    scope = query.scope.over(now)
    own = own_names(db.session, actor.workspace.id)
    selection = read_selection(request.args, themes={*THEMES, *own})
    before = read_before(request.args.get("before"))
    readable = what_is_readable(db.session, actor.workspace, scope)
    engine = engine_version(current_app.config["SETTINGS"])
    page = counted = None
    if readable.is_open:
        shown = readable.shown
        page = newest(db.session, scope, selection, before=before, shown=shown, engine=engine)
        counted = tally(db.session, scope, selection, engine=engine)
    return render_template(
        "insights/comments.html",
        **frame(actor),
        query=query,
        now=now,
        selection=selection,
        before=before,
        page=page,
        counted=counted,
        drawn=counted and _drawn(counted),
        preparing=count_waiting(db.session, actor.workspace),
        own=own,
        themes=THEMES,
        sentiments=SENTIMENTS,
        unscored=UNSCORED,
        flags=FLAGS,
        version=engine,
        filters=[one for one in filters(actor) if one[1] != AGE],
        presets=presets(query.today),
        there=there,
        words=words,
        correction_url=_correction_url,
    )


@blueprint.post("/<int:response_id>/<question>")
@member
def correct(workspace: str, response_id: int, question: str) -> ResponseReturnValue:  # noqa: ARG001 - the guard has read it
    """Keep what a person says of a comment, or take it back; then the page as it was."""
    actor: Actor = g.actor
    place = Place(response_id, question)
    if request.form.get("withdraw"):
        changed = corrections.withdraw(db.session, actor, place)
        done = gettext("Taken back: the comment is read again in a moment.")
    else:
        said = _said(request.form)
        changed = corrections.correct(db.session, actor, place, said, now=datetime.now(UTC))
        done = gettext("Saved: your word counts from now on.")
    flash(done if changed else gettext("Nothing was changed."), "done")
    page = url_for(".show_comments", workspace=actor.workspace.key)
    query = urlencode([*request.args.items(multi=True)])
    return redirect(f"{page}?{query}#{_anchor(place)}", code=303)


def _without_age(query: PerceptionQuery) -> PerceptionQuery:
    """The query without its filter by age, which nothing on a comment says.

    Else two lists, one of a country and one of an age, would tell the age of each that is in both.
    """
    kept = {name: values for name, values in query.scope.filters.items() if name != AGE}
    return replace(query, scope=replace(query.scope, filters=kept))


def _said(form: MultiDict[str, str]) -> Said:
    """The correction that a form holds: themes that are ticked, and one that is added."""
    themes = {code: form.get(f"polarity.{code}") or None for code in form.getlist("theme")}
    if added := form.get("added"):
        themes[added] = form.get("polarity") or None
    return Said(form.get("sentiment") or None, themes)


def _correction_url(place: Place) -> str:
    """Where a correction goes; it takes the page's address along, to come back to it."""
    page = url_for(
        ".correct",
        workspace=g.actor.workspace.key,
        response_id=place.response_id,
        question=place.question,
    )
    return f"{page}?{urlencode([*request.args.items(multi=True)])}"


def _anchor(place: Place) -> str:
    return f"c-{place.response_id}-{place.question}"


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
