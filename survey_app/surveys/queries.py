"""Looking surveys up."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from survey_app.accounts.models import Workspace
from survey_app.errors import N_, Gone, NotFound
from survey_app.surveys.models import Survey, SurveyVersion
from survey_app.surveys.questions import Question, questions_of

# Built once: every answer begins with it.
_PUBLISHED = (
    sa.select(Survey, Workspace, SurveyVersion)
    .join(Workspace, Workspace.id == Survey.workspace_id)
    .join(SurveyVersion, SurveyVersion.survey_id == Survey.id)
    .where(Survey.key == sa.bindparam("key"))
    .order_by(SurveyVersion.number.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class OpenSurvey:
    """A survey that can be answered now: with its workspace, newest version and questions."""

    survey: Survey
    workspace: Workspace
    version: SurveyVersion
    questions: tuple[Question, ...]

    @property
    def locales(self) -> tuple[str, ...]:
        """The locales it is worded in, the library's order."""
        return tuple(self.version.definition["wording"])

    @property
    def score_question(self) -> Question | None:
        """The single question that a file's `score` feeds; None where there are none or several."""
        scores = [question for question in self.questions if question.is_score]
        return scores[0] if len(scores) == 1 else None


def still_open(found: OpenSurvey | None) -> OpenSurvey:
    """The survey that was found. Raises NotFound where there is none, Gone when it is closed."""
    if found is None:
        raise NotFound("survey.unknown", N_("There is no such survey."))
    if found.survey.closed_at is not None:
        raise Gone("survey.closed", N_("This survey is closed."))
    return found


def find_published(session: Session, key: str) -> OpenSurvey | None:
    """The published survey with this key, open or closed."""
    row = session.execute(_PUBLISHED, {"key": key}).first()
    if row is None:
        return None
    survey, workspace, version = row
    return OpenSurvey(survey, workspace, version, questions_of(version.definition))


def survey_of_workspace(session: Session, workspace_id: int, key: str) -> OpenSurvey:
    """A workspace's own survey, open or closed. Raises NotFound, also for another workspace's."""
    found = find_published(session, key)
    if found is None or found.survey.workspace_id != workspace_id:
        raise NotFound(
            "survey.unknown",
            N_("The workspace has no survey %(key)s."),
            hint=N_("soundings survey create makes one."),
            key=key[:80],
        )
    return found
