"""The page *Why it moved*."""

from flask import Blueprint, Response, g, render_template, request
from flask.typing import ResponseReturnValue

from survey_app.accounts.operations import Actor
from survey_app.http import member
from survey_app.insights import pictures as widths
from survey_app.insights.change import pictures
from survey_app.insights.change.findings import WORTH_SEEING, find
from survey_app.insights.change.schemas import DIMENSIONS, SCORES, read_change_query
from survey_app.insights.filters import filters, today
from survey_app.insights.frame import facts, frame, is_phone
from survey_app.insights.schemas import COMPARISONS, presets

blueprint = Blueprint("change", __name__, url_prefix="/w/<workspace>/change")


@blueprint.get("")
@member
def show_change(workspace: str) -> ResponseReturnValue:  # noqa: ARG001 - the guard has read it
    """Whether a score changed, what the change is made of, and what people complain of."""
    actor: Actor = g.actor
    query = read_change_query(request.args, actor.workspace, today=today(actor))
    with facts() as source:
        found = find(source, actor.workspace, query)
    drawn = pictures.draw(
        found,
        by=query.by,
        metric=query.metric,
        widths=widths.MOBILE if is_phone() else widths.DESKTOP,
    )
    page = render_template(
        "insights/change.html",
        **frame(actor),
        query=query,
        found=found,
        drawn=drawn,
        pictures=pictures,
        filters=filters(actor),
        dimensions=DIMENSIONS,
        scores=SCORES,
        comparisons=COMPARISONS,
        presets=presets(query.today),
        worth_seeing=WORTH_SEEING,
    )
    response = Response(page, mimetype="text/html")
    response.vary.update(("Sec-CH-UA-Mobile", "User-Agent"))
    return response
