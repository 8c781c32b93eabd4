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
        "privacy": {"text": _privacy(session, asked, locale)},
        "texts": texts,
    }


def _privacy(session: Session, asked: OpenSurvey, locale: str) -> str:
    """The workspace's notice, else the library's; an anonymous survey promises first."""
    library = wording.read("anonymous" if asked.survey.anonymous else "privacy")["wording"]
    words: dict[str, str] = library.get(locale, library["en"])
    own = privacy_notice(session, workspace_id=asked.workspace.id, locale=locale)
    notice = words["text"] if own is None else own
    return f"{words['promise']}\n{notice}" if asked.survey.anonymous else notice


def _texts() -> dict[str, str]:
    return {
        "send": gettext("Send answer"),
        "sending": gettext("Sending your answer…"),
        "optional": gettext("optional"),
        "required_score": gettext("Please choose one of the answers."),
        "required_comment": gettext("Please write a few words."),
        "thanks": gettext("Thank you for your answer"),
        "thanks_detail": gettext("It has arrived safely."),
        "waiting": gettext("Your answer is saved on this device"),
        "waiting_detail": gettext(
            "It will be sent as soon as the connection allows. You may close this page."
        ),
        "waiting_open": gettext(
            "It will be sent as soon as the connection allows. "
            "Please keep this page open until then."
        ),
        "retry": gettext("Try to send it now"),
        "refused": gettext("Your answer could not be accepted. Please check it and send it again."),
        "closed": gettext("This survey is closed"),
        "closed_detail": gettext("It no longer accepts answers. Thank you for your interest."),
    }
