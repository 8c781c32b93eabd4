"""Creating, publishing and closing surveys. Nothing here commits or reads the clock."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from survey_app.accounts.models import Workspace
from survey_app.accounts.operations import check_key
from survey_app.errors import N_, Conflict, Invalid
from survey_app.surveys import wording
from survey_app.surveys.models import Survey, SurveyVersion
from survey_app.surveys.questions import questions_of

# Nothing else may reach a header.
ORIGIN_FORM = re.compile(
    r"https?://(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?"
)


def create_from_template(
    session: Session,
    key: str,
    *,
    workspace: Workspace,
    template: str,
    kind: str | None = None,
    anonymous: bool = False,
    now: datetime,
) -> Survey:
    """Create a survey from the wording library and publish its first version.

    `kind` defaults to the template's own. `anonymous` is a promise: it can't be taken back. Raises
    Invalid for the key's form, Conflict where any workspace has it.
    """
    check_key(key)
    if session.scalar(sa.select(Survey.id).where(Survey.key == key)):
        raise Conflict(
            "survey.exists",
            N_("The survey key %(key)s is taken in this installation."),
            hint=N_("Choose another key."),
            key=key,
        )
    source = wording.read(template)
    survey = Survey(
        workspace_id=workspace.id,
        key=key,
        kind=kind or source["kind"],
        origins=[],
        anonymous=anonymous,
        created_at=now,
    )
    session.add(survey)
    session.flush()  # the version needs its id
    definition = {"questions": source["questions"], "wording": source["wording"]}
    publish_version(session, survey, definition, now=now)
    return survey


def publish_version(
    session: Session, survey: Survey, definition: Mapping[str, Any], *, now: datetime
) -> SurveyVersion:
    """Publish what is asked from now on; publishing the same again changes nothing.

    Raises Invalid for a second score or comment question: metrics would count such a response
    twice.
    """
    _check_questions(definition)
    last = session.scalar(
        sa.select(SurveyVersion)
        .where(SurveyVersion.survey_id == survey.id)
        .order_by(SurveyVersion.number.desc())
        .limit(1)
    )
    if last is not None and _canonical(last.definition) == _canonical(definition):
        return last
    version = SurveyVersion(
        workspace_id=survey.workspace_id,
        survey_id=survey.id,
        number=last.number + 1 if last else 1,
        definition=dict(definition),
        published_at=now,
    )
    session.add(version)
    session.flush()  # responses refer to it
    return version


def _check_questions(definition: Mapping[str, Any]) -> None:
    scores = [question.is_score for question in questions_of(definition)]
    if scores.count(True) > 1 or scores.count(False) > 1:
        raise Invalid(
            "survey.questions",
            N_("A survey has at most one score question and one comment question for now."),
            hint=N_("Make a second survey for the others."),
        )


def close_survey(survey: Survey, *, now: datetime) -> None:
    """Take no further answers; what was answered stays."""
    survey.closed_at = survey.closed_at or now


def reopen_survey(survey: Survey) -> None:
    """Take answers again."""
    survey.closed_at = None


def list_origins(survey: Survey, origins: Iterable[str]) -> None:
    """Let only these sites show the survey; none listed means any. Raises Invalid."""
    survey.origins = list(dict.fromkeys(_origin(text) for text in origins))


def _origin(text: str) -> str:
    """An origin as browsers send it: without a path, in lower case, the default port left out."""
    origin = text.strip().rstrip("/").lower()
    if not ORIGIN_FORM.fullmatch(origin):
        raise Invalid(
            "survey.origin",
            N_("%(text)s is not the address of a site."),
            hint=N_("Write it without a path, such as https://shop.example."),
            text=text[:80],
        )
    return origin.removesuffix(":443" if origin.startswith("https:") else ":80")


def _canonical(definition: Mapping[str, Any]) -> str:
    return json.dumps(definition, sort_keys=True, ensure_ascii=False)
