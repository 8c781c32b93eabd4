"""The shape of a submission at the public door: unknown keys are errors, nothing is guessed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import jwt

from survey_app.accounts.models import Workspace
from survey_app.customers.models import GENDERS
from survey_app.customers.operations import EARLIEST_BIRTH_YEAR
from survey_app.customers.regions import UnknownCountry, find_country
from survey_app.errors import N_, FieldError, Invalid, Malformed
from survey_app.responses.models import STATUSES
from survey_app.strict_json import check_json

MAX_KEY = 200
# As RFC 9562 writes it; Python's own reader also takes braces, other digits and odd dashes.
UUID_FORM = re.compile("[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
# An answer written offline may reach us days after its token ran out.
TOKEN_LEEWAY_SECONDS = 7 * 24 * 3600
UNKNOWN_KEY = N_("This key is not known here.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What was told about the respondent, and by whom (`token`, `import` or `claim`)."""

    source: str = "claim"
    key: str | None = None
    country: str | None = None
    birth_year: int | None = None
    age_band: str | None = None
    gender: str | None = None
    stage: str | None = None

    @property
    def is_trusted(self) -> bool:
        """Whether a profile and a transition may be written from it."""
        return self.source != "claim" and self.key is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A well-formed submission, not yet checked against its survey."""

    key: str
    status: str
    answers: Mapping[str, Any]
    locale: str | None
    person: Person
    customer: Any  # as sent or as signed: part of what makes two submissions the same


def read_submission(payload: object, workspace: Workspace, *, now: datetime) -> Submission:
    """Check the shape of a submission's JSON. Raises Invalid with every wrong field."""
    if not isinstance(payload, dict):
        raise _invalid([FieldError("", "body.object", N_("Send a JSON object."))])
    allowed = {"id", "status", "answers", "locale", "customer", "token"}
    errors = [FieldError(key, "field.unknown", UNKNOWN_KEY) for key in payload.keys() - allowed]
    key = read_key(payload.get("id"))
    if key is None:
        errors.append(FieldError("id", "id.uuid", N_("Send a UUID made when the survey opened.")))
    status = payload.get("status")
    if status not in STATUSES:
        errors.append(FieldError("status", "status.unknown", N_("Send complete or partial.")))
    answers = payload.get("answers")
    if not isinstance(answers, dict):
        errors.append(FieldError("answers", "answers.object", N_("Send an object of answers.")))
    locale = payload.get("locale")
    if locale is not None and not isinstance(locale, str):
        errors.append(FieldError("locale", "locale.text", N_("Send a locale such as de.")))
    person, customer = _person(payload, workspace, now=now, errors=errors)
    if errors or key is None or not isinstance(answers, dict):
        raise _invalid(errors)
    return Submission(
        key=key,
        status=str(status),
        answers=answers,
        locale=locale,
        person=person,
        customer=customer,
    )


def nameless(submission: Submission) -> Submission:
    """The submission without who sent it: no id, whoever told it, nor anything to check a guess by.

    What was said about the person is kept as facts about this one answer; a year of birth only as
    the band that is stamped.
    """
    return replace(submission, person=replace(submission.person, key=None), customer=None)


def _invalid(errors: list[FieldError]) -> Invalid:
    return Invalid(
        "response.invalid",
        N_("The answer was understood, but something in it is wrong."),
        hint=N_("Look at the list of fields."),
        errors=sorted(errors, key=lambda error: error.field),
    )


def read_key(value: object) -> str | None:
    """A response's key in its one form, or None where it is no UUID."""
    return value.lower() if isinstance(value, str) and UUID_FORM.fullmatch(value) else None


def _person(
    payload: Mapping[str, Any], workspace: Workspace, *, now: datetime, errors: list[FieldError]
) -> tuple[Person, Any]:
    token, customer = payload.get("token"), payload.get("customer")
    if token is not None and customer is not None:
        errors.append(
            FieldError("customer", "customer.twice", N_("Send a customer or a token, not both."))
        )
    if token is not None:
        customer = _signed(token, workspace, now=now)
        if customer is None:
            errors.append(FieldError("token", "token.invalid", N_("This token is not valid.")))
            return Person(), None
    if customer is None:
        return Person(), None
    if not isinstance(customer, dict):
        errors.append(FieldError("customer", "customer.object", N_("Send an object.")))
        return Person(), None
    source = "token" if token is not None else "claim"
    return _read_person(customer, source, this_year=now.year, errors=errors), customer


def _signed(token: object, workspace: Workspace, *, now: datetime) -> Any:
    """The customer in a token signed by this workspace, or None whatever is wrong with it."""
    if not isinstance(token, str):
        return None
    try:
        claims = jwt.decode(
            token,
            workspace.token_secret,
            algorithms=["HS256"],
            audience=f"soundings:{workspace.key}",
            options={"require": ["exp", "aud"], "verify_exp": False, "verify_iat": False},
        )
        check_json(claims)
    except (jwt.PyJWTError, Malformed):
        return None
    expires = claims["exp"]
    if type(expires) not in (int, float) or expires + TOKEN_LEEWAY_SECONDS < now.timestamp():
        return None
    return claims.get("customer")


def _read_person(
    customer: Mapping[str, Any], source: str, *, this_year: int, errors: list[FieldError]
) -> Person:
    known = {"id", "country", "birth_year", "gender", "stage"}
    errors += [
        FieldError(f"customer.{key}", "field.unknown", UNKNOWN_KEY)
        for key in customer.keys() - known
    ]
    key, stage = customer.get("id"), customer.get("stage")
    for name, value in (("id", key), ("stage", stage)):
        if value is not None and not (isinstance(value, str) and 0 < len(value) <= MAX_KEY):
            errors.append(
                FieldError(
                    f"customer.{name}",
                    "customer.text",
                    N_("Send a text of 1 to %(most)s characters."),
                    {"most": MAX_KEY},
                )
            )
    country = None
    try:
        country = _country(customer.get("country"))
    except UnknownCountry:
        errors.append(
            FieldError("customer.country", "country.unknown", N_("Send a code such as FI."))
        )
    gender = customer.get("gender")
    if gender is not None and gender not in GENDERS:
        errors.append(
            FieldError("customer.gender", "gender.unknown", N_("Send female, male or other."))
        )
    year = customer.get("birth_year")
    if year is not None and (type(year) is not int or not EARLIEST_BIRTH_YEAR <= year <= this_year):
        errors.append(
            FieldError("customer.birth_year", "birth_year.range", N_("Send a year such as 1984."))
        )
    return Person(
        source=source, key=key, country=country, birth_year=year, gender=gender, stage=stage
    )


def _country(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise UnknownCountry(str(value))
    return find_country(value)
