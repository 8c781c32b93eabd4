"""Creating, publishing and closing surveys. Nothing here commits or reads the clock."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from survey_app.accounts.models import Workspace
from survey_app.accounts.operations import check_key
from survey_app.errors import N_, Conflict
from survey_app.surveys import wording
from survey_app.surveys.models import Survey, SurveyVersion


def create_from_template(
    session: Session,
    key: str,
    *,
    workspace: Workspace,
    template: str,
    kind: str | None = None,
    now: datetime,
) -> Survey:
    """Create a survey from the wording library and publish its first version.

    `kind` defaults to the template's own. Raises Invalid for the key's form, Conflict where any
    workspace has it.
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
    """Publish what is asked from now on; publishing the same again changes nothing."""
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


def close_survey(survey: Survey, *, now: datetime) -> None:
    """Take no further answers; what was answered stays."""
    survey.closed_at = survey.closed_at or now


def _canonical(definition: Mapping[str, Any]) -> str:
    return json.dumps(definition, sort_keys=True, ensure_ascii=False)
