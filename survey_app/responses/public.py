"""The public routes: the hosted survey, the widget, its definition and the one way in."""

import uuid
from datetime import UTC, datetime
from typing import Any

from flask import (
    Blueprint,
    Response,
    current_app,
    g,
    jsonify,
    render_template,
    request,
    send_from_directory,
    url_for,
)
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from flask_babel import force_locale, gettext

from survey_app.customers.regions import UnknownCountry, find_country
from survey_app.db import db
from survey_app.errors import (
    N_,
    Conflict,
    FieldError,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    TooMany,
)
from survey_app.http import STATUS, client_network, public, read_json, without_csrf
from survey_app.i18n import SURVEY_LOCALES, accepted_languages, direction, match_locale, native_name
from survey_app.responses.definition import define
from survey_app.responses.intake import Intake
from survey_app.responses.operations import Receipt, check_submission
from survey_app.responses.schemas import Submission, read_key, read_submission
from survey_app.responses.stamps import Arrival
from survey_app.surveys.queries import OpenSurvey, find_published, still_open
from survey_app.surveys.questions import WrongAnswer

blueprint = Blueprint("responses", __name__)
api = Blueprint("responses_api", __name__, url_prefix="/api/v1/public")
MAX_BODY = 64 * 1024
JSON_CHANNELS = ("widget", "link", "kiosk")


@blueprint.record
def _open_intake(state: BlueprintSetupState) -> None:
    state.app.extensions[__name__] = Intake()


@api.before_request
@blueprint.before_request
def _look_survey_up() -> None:
    """Know the survey before anything can go wrong: it says who may show even an error.

    Requests only read; answers are written by the intake. What respondents read exists in every
    survey language.
    """
    g.read_only = True
    g.page_locales = SURVEY_LOCALES
    g.asked = None
    key = (request.view_args or {}).get("key")
    if key is not None:
        g.asked = find_published(db.session, key)
        db.session.close()  # what was read stays readable, and no snapshot is held meanwhile


@blueprint.before_request
def _let_its_sites_frame_it() -> None:
    """Every page of a survey, thanks and errors too, stands where the survey may stand."""
    if "key" in (request.view_args or {}):
        listed = " ".join(_origins())
        g.frame_ancestors = f"'self' {listed}" if listed else "*"


def _origins() -> list[str]:
    """The sites that the survey lists; none where it lists none or there is no such survey."""
    asked: OpenSurvey | None = g.get("asked")
    return asked.survey.origins if asked else []


@api.after_request
def _allow_other_sites(response: Response) -> Response:
    """CORS without credentials: the survey's listed origins, or any where none is listed."""
    origins = _origins()
    origin = request.headers.get("Origin")
    if not origins:
        response.headers["Access-Control-Allow-Origin"] = "*"
    elif origin in origins:
        response.headers["Access-Control-Allow-Origin"] = str(origin)
    response.vary.add("Origin")
    response.headers["Access-Control-Allow-Methods"] = "GET, POST"
    response.headers["Access-Control-Allow-Headers"] = "Content-Type"
    response.headers["Access-Control-Expose-Headers"] = "Retry-After"
    response.headers["Access-Control-Max-Age"] = "7200"
    return response


@api.get("/surveys/<key>")
@public
def show_definition(key: str) -> ResponseReturnValue:  # noqa: ARG001 - looked up before
    """The survey in one locale."""
    asked = still_open(_asked())
    return jsonify(define(db.session, asked, _locale(asked)))


@api.post("/surveys/<key>/responses")
@public
@without_csrf
def receive(key: str) -> ResponseReturnValue:  # noqa: ARG001 - looked up before
    """Take an answer in, once; the acknowledgement leaves after the commit."""
    payload = read_json(limit=MAX_BODY)
    channel = request.args.get("channel", "widget")
    if channel not in JSON_CHANNELS:
        raise Invalid("channel.unknown", N_("There is no such channel."))
    asked = _asked()
    submission = read_submission(payload, asked.workspace, now=datetime.now(UTC))
    receipt = _accept(asked, submission, channel)
    body = {"id": receipt.key, "received_at": receipt.received_at.isoformat()}
    return jsonify(body), 201 if receipt.is_new else 200


def _asked() -> OpenSurvey:
    """The survey. Raises NotFound, and Forbidden for a page on a site that it does not list."""
    asked: OpenSurvey | None = g.asked
    if asked is None:
        raise NotFound("survey.unknown", N_("There is no such survey."))
    listed, origin = asked.survey.origins, request.headers.get("Origin")
    if listed and origin and origin not in (*listed, request.host_url.rstrip("/")):
        raise Forbidden("origin.unlisted", N_("This survey may not be shown on that site."))
    return asked


def _accept(asked: OpenSurvey, submission: Submission, channel: str) -> Receipt:
    """Check, and only then ask for the write lock: what is wrong never takes it."""
    arrival = Arrival(now=datetime.now(UTC), channel=channel, header_country=_header_country())
    checked = check_submission(db.session, asked, submission, arrival)
    db.session.close()
    intake: Intake = current_app.extensions[__name__]
    limit = current_app.config["SETTINGS"].public_limit
    return intake.take(db.get_engine("default"), checked, sender=client_network(), limit=limit)


def _header_country() -> str | None:
    """The country that a trusted proxy names; its placeholders for "unknown" are none."""
    settings = current_app.config["SETTINGS"]
    if not settings.country_header or not settings.proxy_hops:
        return None
    try:
        return find_country(request.headers.get(settings.country_header, ""))
    except UnknownCountry:
        return None


def _page_locale() -> str:
    """The language of a page without a survey."""
    wishes = [request.args.get("locale"), *accepted_languages()]
    return match_locale(wishes, SURVEY_LOCALES) or "en"


def _locale(asked: OpenSurvey) -> str:
    """The first that fits: what the address asks for, the browser, the workspace, any."""
    wishes = [request.args.get("locale"), *accepted_languages(), asked.workspace.locale]
    return match_locale(wishes, asked.locales) or asked.locales[0]


# --- the hosted page ----------------------------------------------------------------------------


@blueprint.get("/embed/v1.js")
@public
def widget() -> ResponseReturnValue:
    """The widget, under the address that other sites have written into their pages."""
    response = send_from_directory(
        f"{current_app.static_folder}/embed", "v1.js", mimetype="text/javascript", max_age=3600
    )
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


@blueprint.get("/s/<key>")
@public
def show_survey(key: str) -> ResponseReturnValue:  # noqa: ARG001 - looked up before
    """The survey as a page; its response id is made now."""
    try:
        asked = still_open(g.asked)
    except (NotFound, Gone) as error:
        return _unavailable(error)
    return _page(asked, _locale(asked), submission_id=str(uuid.uuid4()))


@blueprint.post("/s/<key>")
@public
@without_csrf
def receive_form(key: str) -> ResponseReturnValue:  # noqa: ARG001 - looked up before
    """Take in the plain form, for people without JavaScript."""
    request.max_content_length = MAX_BODY
    form = request.form
    try:
        asked = _asked()
    except NotFound as error:
        return _unavailable(error)
    locale = match_locale([form.get("locale")], asked.locales) or _locale(asked)
    values = {question.key: form.get(f"answers.{question.key}", "") for question in asked.questions}
    try:
        submission = _read_form(asked, locale, values)
        _accept(asked, submission, "link")
    except Gone as error:
        return _unavailable(error)
    except Conflict:
        pass  # the person came back to a form that was sent: what was sent first stands
    except (Invalid, TooMany) as error:
        return _page(asked, locale, submission_id=_form_id(), values=values, error=error)
    return _show("responses/thanks.html", locale, survey=define(db.session, asked, locale))


def _form_id() -> str:
    """The id that the form was rendered with; a new one where it came back broken."""
    return read_key(request.form.get("id")) or str(uuid.uuid4())


def _read_form(asked: OpenSurvey, locale: str, values: dict[str, str]) -> Submission:
    """The form's texts as a submission. Raises Invalid."""
    answers: dict[str, Any] = {}
    errors: list[FieldError] = []
    for question in asked.questions:
        try:
            answer = question.accept_text(values[question.key].replace("\0", ""))
        except WrongAnswer as wrong:
            errors.append(wrong.error)
            continue
        if answer is not None:
            answers[question.key] = answer
    if errors:
        raise Invalid("response.invalid", N_("Please check your answers."), errors=errors)
    payload = {
        "id": _form_id(),
        "status": "complete",
        "answers": answers,
        "locale": locale,
    }
    return read_submission(payload, asked.workspace, now=datetime.now(UTC))


def _page(
    asked: OpenSurvey,
    locale: str,
    *,
    submission_id: str,
    values: dict[str, str] | None = None,
    error: Invalid | TooMany | None = None,
) -> ResponseReturnValue:
    """The survey to fill in; with an error, what was typed and what is wrong with it."""
    with force_locale(locale):
        errors = {
            item.field.removeprefix("answers."): gettext(item.message, **(item.values or {}))
            for item in (error.errors if error else ())
        }
        notice = " ".join(text for name, text in errors.items() if name not in (values or {}))
        if isinstance(error, TooMany):
            notice = f"{gettext(error.message)} {gettext(error.hint)}"
    page, status = _show(
        "responses/survey.html",
        locale,
        status=STATUS[type(error)] if error else 200,
        survey=define(db.session, asked, locale),
        submission_id=submission_id,
        action=url_for(".show_survey", key=asked.survey.key),
        values=values or {},
        errors=errors,
        notice=notice,
        locales=[
            (code, native_name(code), url_for(".show_survey", key=asked.survey.key, locale=code))
            for code in asked.locales
        ],
    )
    wait = {"Retry-After": str(error.retry_after)} if isinstance(error, TooMany) else {}
    return page, status, wait


def _unavailable(error: NotFound | Gone) -> ResponseReturnValue:
    locale = _page_locale()
    closed = isinstance(error, Gone)
    status = 410 if closed else 404
    return _show("responses/unavailable.html", locale, status=status, closed=closed)


def _show(template: str, locale: str, *, status: int = 200, **values: Any) -> tuple[str, int]:
    with force_locale(locale):
        page = render_template(template, locale=locale, dir=direction(locale), **values)
    return page, status
