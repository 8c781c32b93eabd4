"""Accepting a response: the same key is the same response, for ever.

Nothing here commits or reads the clock. Everything known about the respondent at that moment is
stamped on the row; what is learnt later never changes it.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from survey_app.accounts.operations import zone_of
from survey_app.db import insert_of
from survey_app.errors import N_, Conflict, FieldError, Gone, Invalid
from survey_app.i18n import match_locale
from survey_app.responses.models import Answer, Response
from survey_app.responses.schemas import Submission, nameless
from survey_app.responses.stamps import Arrival, check_stage, person_stamps, weigh
from survey_app.surveys.queries import OpenSurvey
from survey_app.surveys.questions import WrongAnswer

RESPONSES = Response.metadata.tables[Response.__tablename__]
INSERT_ANSWERS = sa.insert(Answer.metadata.tables[Answer.__tablename__])


@dataclass(frozen=True, slots=True)
class Receipt:
    """The acknowledgement: the response's key, when it first came, and whether it is new."""

    key: str
    received_at: datetime
    is_new: bool


@dataclass(frozen=True, slots=True)
class Checked:
    """A submission that fits its survey, with all of its row that can be known before writing."""

    asked: OpenSurvey
    submission: Submission
    arrival: Arrival
    answers: Mapping[str, int | str]
    values: Mapping[str, Any]

    @property
    def key(self) -> tuple[int, str]:
        """What makes a response one: the survey and the key that its client made."""
        return self.asked.survey.id, self.submission.key


def check_submission(
    session: Session, asked: OpenSurvey, submission: Submission, arrival: Arrival
) -> Checked:
    """Everything that can be refused or prepared without the write lock.

    To an anonymous survey nobody sends anything: who did is dropped here. Raises Invalid with every
    wrong answer, for a locale that the survey is not worded in and for an unknown stage.
    """
    answers = check_answers(asked, submission)
    if asked.survey.anonymous:
        submission = nameless(submission)
    if submission.person.stage is not None:
        check_stage(session, asked.workspace, submission.person.stage)
    day = arrival.now.astimezone(zone_of(asked.workspace)).date()
    values = {
        "workspace_id": asked.workspace.id,
        "survey_id": asked.survey.id,
        "version_id": asked.version.id,
        "key": submission.key,
        "body_hash": body_hash(submission),
        "status": submission.status,
        "received_at": arrival.now,
        "submitted_at": arrival.now,
        "day": day,
        "channel": arrival.channel,
        "locale": _locale(asked, submission),
        "has_comment": any(isinstance(value, str) for value in answers.values()),
        **weigh(submission.person, day=day, header_country=arrival.header_country),
    }
    return Checked(asked, submission, arrival, answers, values)


def accept(session: Session, checked: Checked) -> Receipt:
    """Store a submission, or recognise it.

    The first one is new; the same again is acknowledged as before; a partial one may be replaced
    or completed. Raises Conflict for another body under the key of a complete response, Gone when
    the survey is closed and the response is not known yet.
    """
    asked, submission = checked.asked, checked.submission
    is_open = asked.survey.closed_at is None
    known = None
    if submission.person.is_trusted or not is_open:
        # Before anything is written: a retry must not put a profile or a stage back.
        known = _find(session, asked, submission.key)
    if known is None and is_open:
        if _insert(session, [(checked, _with_profile(session, checked))]):
            return _new(checked)
        known = _find(session, asked, submission.key)
    if known is None:
        raise Gone("survey.closed", N_("This survey is closed."))
    if not _is_settled(known, submission, checked.values["body_hash"]):
        if not is_open:
            raise Gone("survey.closed", N_("This survey is closed."))
        _replace(session, known, checked)
    return Receipt(known.key, known.received_at, is_new=False)


def accept_new(session: Session, batch: Iterable[Checked]) -> list[Receipt | None]:
    """Store at once those that nothing has to be looked up for; `accept` is for the others.

    In the order of the batch: a receipt, or None for a key that is known or occurs twice, for a
    closed survey and for a person who may have a profile.
    """
    fresh: dict[tuple[int, str], Checked] = {}
    batch = list(batch)
    for checked in batch:
        if checked.asked.survey.closed_at is None and checked.submission.person.key is None:
            fresh.setdefault(checked.key, checked)
    ids = _insert(session, [(item, item.values) for item in fresh.values()]) if fresh else {}
    return [
        _new(checked) if checked.key in ids and fresh[checked.key] is checked else None
        for checked in batch
    ]


def _new(checked: Checked) -> Receipt:
    return Receipt(checked.submission.key, checked.arrival.now, is_new=True)


def _with_profile(session: Session, checked: Checked) -> Mapping[str, Any]:
    """The row's values, with what the person's profile knows where there may be one."""
    person = checked.submission.person
    if person.key is None:
        return checked.values
    known = person_stamps(session, checked.asked.workspace, person, checked.arrival)
    return {**checked.values, **known}


def _replace(session: Session, known: Response, checked: Checked) -> None:
    """Put a later version in the place of a partial one; when it first came stays."""
    for name, value in _with_profile(session, checked).items():
        if name not in ("received_at", "workspace_id", "survey_id", "key"):
            setattr(known, name, value)
    known.analysed_version = known.redacted_at = None
    session.execute(sa.delete(Answer).where(Answer.response_id == known.id))
    session.execute(INSERT_ANSWERS, answer_rows(checked.asked, known.id, checked.answers))


def _find(session: Session, asked: OpenSurvey, key: str) -> Response | None:
    """The stored response with this key, locked, so that two replacements come one by one."""
    return session.scalar(
        sa.select(Response)
        .where(Response.survey_id == asked.survey.id, Response.key == key)
        .with_for_update()
    )


def _is_settled(known: Response, submission: Submission, digest: str) -> bool:
    """Whether the stored response already says all of it. Raises Conflict where it contradicts."""
    if known.body_hash == digest:
        return known.status == "complete" or submission.status == "partial"
    if known.status == "complete":
        raise Conflict(
            "response.conflict",
            N_("This response is complete and says something else."),
            hint=N_("A response can't be changed; a new one needs a new id."),
        )
    return False


def body_hash(submission: Submission) -> str:
    """SHA-256 of the canonical JSON of answers, locale and customer: what sameness means."""
    said = {
        "answers": submission.answers,
        "locale": submission.locale,
        "customer": submission.customer,
    }
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def check_answers(asked: OpenSurvey, submission: Submission) -> dict[str, int | str]:
    """The given answers as stored. Raises Invalid with every field that is wrong."""
    questions = {question.key: question for question in asked.questions}
    errors = [
        FieldError(f"answers.{key}", "question.unknown", N_("The survey has no such question."))
        for key in submission.answers.keys() - questions.keys()
    ]
    answers: dict[str, int | str] = {}
    for key, question in questions.items():
        try:
            value = question.accept(submission.answers.get(key))
        except WrongAnswer as wrong:
            errors.append(wrong.error)
            continue
        if value is not None:
            answers[key] = value
        elif question.required and submission.status == "complete":
            errors.append(
                FieldError(f"answers.{key}", "answer.required", N_("Please answer this question."))
            )
    if not answers and not errors:
        errors.append(FieldError("answers", "answers.none", N_("Nothing is answered yet.")))
    if errors:
        raise Invalid(
            "response.invalid",
            N_("The answer was understood, but something in it is wrong."),
            hint=N_("Look at the list of fields."),
            errors=sorted(errors, key=lambda error: error.field),
        )
    return answers


def _locale(asked: OpenSurvey, submission: Submission) -> str:
    """The language that the survey was shown in."""
    locale = match_locale([submission.locale or asked.workspace.locale], asked.locales)
    if locale is None:
        raise Invalid(
            "response.locale",
            N_("The survey is not worded in that language."),
            errors=[FieldError("locale", "locale.unknown", N_("The survey has no such locale."))],
        )
    return locale


def _insert(
    session: Session, rows: Sequence[tuple[Checked, Mapping[str, Any]]]
) -> dict[tuple[int, str], int]:
    """Insert those of the rows whose key is new, with their answers.

    The keys must differ. Returns survey and key of each inserted one with its id.
    """
    connection = session.connection()
    insert = _insert_response(connection.dialect.name)
    inserted = connection.execute(insert, [dict(values) for _, values in rows])
    ids = {(survey_id, key): response_id for response_id, survey_id, key in inserted}
    answers = [
        answer
        for checked, _ in rows
        if checked.key in ids
        for answer in answer_rows(checked.asked, ids[checked.key], checked.answers)
    ]
    if answers:
        connection.execute(INSERT_ANSWERS, answers)
    return ids


@cache
def _insert_response(dialect: str) -> sa.Executable:
    """Built once; it passes over a response whose key is known already."""
    key = [RESPONSES.c.survey_id, RESPONSES.c.key]
    skipping = insert_of(dialect)(RESPONSES).on_conflict_do_nothing(index_elements=key)
    return skipping.returning(RESPONSES.c.id, RESPONSES.c.survey_id, RESPONSES.c.key)


def answer_rows(
    asked: OpenSurvey, response_id: int, answers: Mapping[str, int | str]
) -> list[dict[str, Any]]:
    """The rows that store these answers."""
    kinds = {question.key: question.kind for question in asked.questions}
    return [
        {
            "workspace_id": asked.workspace.id,
            "response_id": response_id,
            "question": key,
            "kind": kinds[key],
            "number": value if isinstance(value, int) else None,
            "text": value if isinstance(value, str) else None,
            "choice": None,
        }
        for key, value in answers.items()
    ]
