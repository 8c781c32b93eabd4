"""The application factory: it puts the slices together and touches nothing outside."""

from flask import Flask

from survey_app import db, health, http, i18n
from survey_app.accounts import access
from survey_app.accounts import views as accounts
from survey_app.config import Settings, read_settings
from survey_app.demo import views as demo
from survey_app.insights import views as insights
from survey_app.insights.change import views as change
from survey_app.insights.comments import settings_views as comment_settings
from survey_app.insights.comments import theme_views as themes
from survey_app.insights.comments import views as comments
from survey_app.insights.comments.accurate import open_encoder
from survey_app.insights.jobs import (
    REDACT_COMMENTS,
    RELEASE_ANSWERS,
    analyse_comments,
    find_topics,
    learn_sentiment,
)
from survey_app.insights.lake import jobs as lake
from survey_app.insights.lake.engines import check_engine
from survey_app.jobs import Kind
from survey_app.responses import public as responses


def job_kinds(settings: Settings | None = None) -> tuple[Kind, ...]:
    """The kinds of work, in the order in which a worker takes them up; without settings, plain.

    Raises SettingError where the settings ask for an encoder that can't be used.
    """
    encoder = open_encoder(settings) if settings else None
    return (
        REDACT_COMMENTS,
        RELEASE_ANSWERS,
        analyse_comments(encoder),
        learn_sentiment(encoder),
        find_topics(encoder),
        *(lake.kinds(settings) if settings else ()),
    )


JOB_KINDS = job_kinds()


def create_app(settings: Settings | None = None) -> Flask:
    """Build the application from settings (default: the environment's).

    Raises SettingError for unusable settings and RuntimeError for a route that nobody classified.
    """
    settings = settings or read_settings()
    check_engine(settings)
    app = Flask(__name__)
    app.config.update(
        SETTINGS=settings,
        SECRET_KEY=settings.secret_key,
        SESSION_COOKIE_SECURE=settings.public_url.startswith("https:"),
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_TIME_LIMIT=None,
        MAX_CONTENT_LENGTH=1024 * 1024,
    )
    app.url_map.merge_slashes = False  # its redirect would repeat whatever Host was sent
    app.json.sort_keys = False  # type: ignore[attr-defined]  # DefaultJSONProvider has it
    db.init_app(app, settings.database, threads=settings.threads)
    i18n.init_app(app, settings.data_dir.absolute() / "locales")
    http.init_app(app, settings)
    access.init_app(app)
    http.csrf.init_app(app)
    for blueprint in (
        health.blueprint,
        accounts.blueprint,
        responses.blueprint,
        responses.api,
        insights.blueprint,
        insights.assets,
        change.blueprint,
        comments.blueprint,
        themes.blueprint,
        comment_settings.blueprint,
        demo.blueprint,
    ):
        app.register_blueprint(blueprint)
    http.check_every_route_is_classified(app)
    return app
