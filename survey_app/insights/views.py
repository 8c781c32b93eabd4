"""The page *Perception*, its export and the colours of its charts."""

import io
from urllib.parse import urlencode

from flask import Blueprint, Response, current_app, g, render_template, request, url_for
from flask.typing import ResponseReturnValue

import nlp
from analytics import charts
from survey_app.accounts.operations import Actor
from survey_app.errors import N_, Invalid
from survey_app.http import member, public
from survey_app.insights import pictures
from survey_app.insights.comments.accurate import engine_version
from survey_app.insights.exports import MIME_TYPES, WRITERS, nps_table
from survey_app.insights.filters import filters, today
from survey_app.insights.frame import facts, frame, is_phone
from survey_app.insights.perception import perceive
from survey_app.insights.schemas import COMPARISONS, PANELS, presets, read_query
from survey_app.insights.scope import check_dimensions

blueprint = Blueprint("insights", __name__, url_prefix="/w/<workspace>")
assets = Blueprint("insights_assets", __name__)


@blueprint.get("/perception")
@member
def show_perception(workspace: str) -> ResponseReturnValue:  # noqa: ARG001 - the guard has read it
    """How customers see us: by country, over time, along the lifecycle."""
    actor: Actor = g.actor
    query = read_query(request.args, actor.workspace, today=today(actor))
    engine = engine_version(current_app.config["SETTINGS"])
    with facts() as source:
        found = perceive(source, actor.workspace, query, engine=engine)
    widths = pictures.MOBILE if is_phone() else pictures.DESKTOP
    page = render_template(
        "insights/perception.html",
        **frame(actor),
        query=query,
        found=found,
        drawn=pictures.draw(found, by=query.by, widths=widths),
        pictures=pictures,
        filters=filters(actor),
        engine=engine,
        trouble=found.trouble,
        theme_languages=len(nlp.THEME_LANGUAGES),
        panels=PANELS,
        comparisons=COMPARISONS,
        presets=presets(query.today),
        export=lambda form: _export_url(actor, form),
    )
    response = Response(page, mimetype="text/html")
    response.vary.update(("Sec-CH-UA-Mobile", "User-Agent"))
    return response


@blueprint.get("/perception/export")
@member
def export_nps(workspace: str) -> ResponseReturnValue:  # noqa: ARG001 - the guard has read it
    """NPS of the page's scope as a file, by stage or any other dimensions."""
    actor: Actor = g.actor
    query = read_query(request.args, actor.workspace, today=today(actor))
    by = check_dimensions(tuple(request.args.get("dimensions", "stage").split(",")))
    form = request.args.get("format", "csv")
    if form not in WRITERS:
        raise Invalid(
            "export.format",
            N_("There is no such format."),
            hint=N_("Use one of %(known)s."),
            known=", ".join(WRITERS),
        )
    out = io.BytesIO()
    with facts() as source:
        WRITERS[form](nps_table(source, query.scope, by=by), out)
    name = f"nps-by-{'-'.join(by)}-{query.scope.period.start}-{query.scope.period.end}.{form}"
    response = Response(out.getvalue(), content_type=MIME_TYPES[form])
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@assets.get("/charts.css")
@public
def show_palette() -> ResponseReturnValue:
    """The colours of charts, which travel with the package that draws them."""
    response = Response(charts.stylesheet(), mimetype="text/css")
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


def _export_url(actor: Actor, form: str) -> str:
    """The page's scope as a file, NPS by stage."""
    query = urlencode([*request.args.items(multi=True), ("format", form)])
    return url_for(".export_nps", workspace=actor.workspace.key) + "?" + query
