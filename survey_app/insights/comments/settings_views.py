"""The owner's page: what is done with the workspace's comments."""

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from survey_app.accounts.operations import Actor, set_redaction
from survey_app.db import db
from survey_app.http import owner
from survey_app.insights.comments import learnt
from survey_app.insights.comments.redaction import count_unredacted
from survey_app.insights.frame import frame

blueprint = Blueprint("comment_settings", __name__, url_prefix="/w/<workspace>/settings")


@blueprint.get("")
@owner
def show_settings(workspace: str) -> ResponseReturnValue:  # noqa: ARG001 - the guard has read it
    """Redaction, and what the workspace's own scores taught."""
    actor: Actor = g.actor
    return render_template(
        "insights/settings.html",
        **frame(actor),
        unredacted=count_unredacted(db.session, actor.workspace),
        learning=learnt.learning_state(db.session, actor.workspace),
    )


@blueprint.post("/redaction")
@owner
def change_redaction(workspace: str) -> ResponseReturnValue:  # noqa: ARG001 - the guard has read it
    """Begin or stop taking personal data out of comments."""
    actor: Actor = g.actor
    set_redaction(actor.workspace, wanted=request.form.get("redact") == "on")
    flash(gettext("Saved."), "done")
    return redirect(url_for(".show_settings", workspace=actor.workspace.key), code=303)


@blueprint.post("/learning/forget")
@owner
def forget_learnt(workspace: str) -> ResponseReturnValue:  # noqa: ARG001 - the guard has read it
    """Delete what the workspace's own scores taught."""
    actor: Actor = g.actor
    learnt.forget_learnt(db.session, actor.workspace)
    flash(gettext("Forgotten."), "done")
    return redirect(url_for(".show_settings", workspace=actor.workspace.key), code=303)
