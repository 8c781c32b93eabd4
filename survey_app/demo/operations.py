"""Writing the story into a workspace, through the same doors as a real import."""

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from survey_app.accounts.models import Workspace
from survey_app.accounts.operations import create_user, create_workspace
from survey_app.customers.operations import write_profiles
from survey_app.demo.story import DemoResponse, Story, tell
from survey_app.lifecycle.operations import Move, create_default_map, record_transitions
from survey_app.responses.import_rows import Row
from survey_app.responses.imports import CHUNK, Report, Taking
from survey_app.responses.schemas import Person
from survey_app.surveys.operations import create_from_template
from survey_app.surveys.queries import OpenSurvey, survey_of_workspace

WORKSPACE = "demo"
EMAIL = "demo@example.org"
ZONE = "Europe/Berlin"


def survey_key(template: str) -> str:
    """The demo survey of a template."""
    return f"{WORKSPACE}-{template}"


def exists(session: Session) -> bool:
    """Whether the demo has been made here before."""
    return bool(session.scalar(sa.select(Workspace.id).where(Workspace.key == WORKSPACE)))


def make(session: Session, *, seed: int, responses: int, password: str, now: datetime) -> None:
    """Make the demo workspace: its owner, surveys, customers and two years of answers."""
    story = tell(seed=seed, today=now.date(), responses=responses)
    workspace = create_workspace(session, WORKSPACE, now=now, zone=ZONE)
    workspace.name = "Nordwind"
    chart = create_default_map(session, workspace.id)
    create_user(session, EMAIL, workspace=workspace, role="owner", password=password, now=now)
    for template in ("nps", "csat", "ces"):
        create_from_template(
            session, survey_key(template), workspace=workspace, template=template, now=now
        )
    _write_customers(session, workspace, chart.id, story, now=now)
    for template in ("nps", "csat", "ces"):
        asked = survey_of_workspace(session, workspace.id, survey_key(template))
        told = [item for item in story.responses if item.survey == template]
        _write_responses(session, asked, told, now=now)


def _write_customers(
    session: Session, workspace: Workspace, map_id: int, story: Story, *, now: datetime
) -> None:
    profiles = {
        customer.key: {
            "country": customer.country,
            "birth_year": customer.birth_year,
            "gender": customer.gender,
        }
        for customer in story.customers
    }
    written = write_profiles(session, workspace.id, profiles, now=now)
    moves = [
        Move(
            customer_id=written[customer.key].id,
            stage=stage,
            valid_from=datetime.combine(day, datetime.min.time(), tzinfo=now.tzinfo),
        )
        for customer in story.customers
        for stage, day in customer.transitions
    ]
    record_transitions(session, workspace.id, map_id, moves, now=now)
    session.flush()  # the answers are stamped from the transitions


def _write_responses(
    session: Session, asked: OpenSurvey, told: Iterable[DemoResponse], *, now: datetime
) -> None:
    score = asked.score_question
    if score is None:
        raise RuntimeError("a demo survey asks for exactly one score")
    rows = [
        Row(
            number=0,
            key=str(item.key),
            body_hash=str(item.key),
            submitted_at=item.submitted_at,
            answers={score.key: item.score} | ({"comment": item.comment} if item.comment else {}),
            locale=item.language,
            channel=item.channel,
            person=Person(
                source="import" if item.customer else "claim",
                key=item.customer,
                country=item.country,
                stage=None if item.customer else item.stage,
            ),
        )
        for item in told
    ]
    taking = Taking(session, asked, None, now)
    for start in range(0, len(rows), CHUNK):
        taking.take(rows[start : start + CHUNK], Report())
