"""The demo shop: a page on `localhost` that embeds the widget from 127.0.0.1, a foreign site."""

from urllib.parse import urlsplit

from flask import Blueprint, abort, current_app, g, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import force_locale, format_currency

from survey_app.db import db
from survey_app.demo.operations import exists, survey_key
from survey_app.http import public
from survey_app.i18n import SURVEY_LOCALES, direction, match_locale, native_name

blueprint = Blueprint("demo", __name__)


@blueprint.get("/demo")
@public
def show_shop() -> ResponseReturnValue:
    """The shop, only on this machine and only beside a demo workspace."""
    if not current_app.config["SETTINGS"].is_loopback or not exists(db.session):
        abort(404)
    address = urlsplit(request.host_url)
    port = f":{address.port}" if address.port else ""
    if address.hostname != "localhost":
        return redirect(f"{address.scheme}://localhost{port}{request.full_path.rstrip('?')}")
    origin = f"{address.scheme}://127.0.0.1{port}"
    wished = [request.args.get("locale"), *(value for value, _ in request.accept_languages)]
    locale = match_locale(wished, SURVEY_LOCALES) or "en"
    g.foreign_origin = origin
    with force_locale(locale):
        return render_template(
            "demo/shop.html",
            widget_origin=origin,
            survey_key=survey_key("nps"),
            locale=locale,
            dir=direction(locale),
            # A function: Jinja would fold a filter of a constant into the first reader's format.
            money=lambda amount: format_currency(amount, "EUR"),
            locales=[(code, native_name(code)) for code in SURVEY_LOCALES],
        )
