"""The public definition of a survey in one locale: what the widget and the hosted page show."""

from typing import Any

from flask_babel import force_locale, gettext
from sqlalchemy.orm import Session

from survey_app.accounts.queries import privacy_notice
from survey_app.i18n import direction
from survey_app.surveys import wording
from survey_app.surveys.queries import OpenSurvey


def define(session: Session, asked: OpenSurvey, locale: str) -> dict[str, Any]:
    """Questions, wording, privacy notice and the page's own texts, as CONTRACTS' definition."""
    words = asked.version.definition["wording"][locale]
    own_notice = privacy_notice(session, workspace_id=asked.workspace.id, locale=locale)
    library = wording.read("privacy")["wording"]
    with force_locale(locale):
        texts = _texts()
    return {
        "key": asked.survey.key,
        "version": asked.version.number,
        "locale": locale,
        "dir": direction(locale),
        "locales": list(asked.locales),
        "title": words["title"],
        "questions": [question.describe(words[question.key]) for question in asked.questions],
        "privacy": {"text": own_notice or library.get(locale, library["en"])["text"]},
        "texts": texts | {"thanks": words["thanks"]},
    }


def _texts() -> dict[str, str]:
    return {
        "send": gettext("Send"),
        "sending": gettext("Sending …"),
        "optional": gettext("optional"),
        "thanks_detail": gettext("You can close this page."),
        "required_score": gettext("Please choose an answer."),
        "required_comment": gettext("Please write a few words."),
        "waiting": gettext("Your answer is kept on this device."),
        "waiting_detail": gettext("It is sent as soon as there is a connection."),
        "waiting_open": gettext("Please leave this page open until then."),
        "retry": gettext("Try again now"),
        "refused": gettext("Your answer could not be accepted."),
        "closed": gettext("This survey is closed"),
        "closed_detail": gettext("It no longer accepts answers. Thank you for your interest."),
        "load_failed": gettext("The survey could not be loaded."),
    }
