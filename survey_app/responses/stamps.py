"""What is stamped on a response about the person who answered, each fact with its source.

Trusted sources (a signed token, an import, the API) write the profile and the stage transition;
a claim is stamped on its one response and written nowhere else.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from survey_app.accounts.models import Workspace
from survey_app.accounts.operations import zone_of
from survey_app.customers.models import Customer
from survey_app.customers.operations import age_band, customers_by_key, write_profiles
from survey_app.customers.regions import region_of
from survey_app.errors import N_, FieldError, Invalid
from survey_app.lifecycle.operations import Move, record_transitions
from survey_app.lifecycle.queries import default_map, stage_at, stages
from survey_app.responses.schemas import Person

PROFILE_FACTS = ("country", "birth_year", "gender")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """How a submission reached us: when, through which channel, from which country if known."""

    now: datetime
    channel: str
    header_country: str | None = None


def person_stamps(
    session: Session, workspace: Workspace, person: Person, arrival: Arrival
) -> dict[str, Any]:
    """Who answered, as far as it is known at this moment; writes the profile of a trusted source.

    The stage must have been checked.
    """
    customer, known_stage = None, None
    if person.key is not None:
        customer = _profile(session, workspace, person, arrival)
    if customer is not None:
        known_stage = stage_at(session, customer.id, arrival.now)
    return weigh(
        person,
        customer=customer,
        known_stage=known_stage,
        header_country=arrival.header_country,
        day=arrival.now.astimezone(zone_of(workspace)).date(),
    )


def weigh(
    person: Person,
    *,
    day: date,
    customer: Customer | None = None,
    known_stage: str | None = None,
    header_country: str | None = None,
) -> dict[str, Any]:
    """Choose each fact: signed or imported first, then the profile, a claim, the proxy's header."""
    if person.birth_year is not None:  # it says more than a band does
        person = replace(person, age_band=age_band(person.birth_year, day))
    nobody = Person()
    trusted, claim = (nobody, person) if person.source == "claim" else (person, nobody)

    def best(name: str, known: Any, known_source: str) -> tuple[Any, str | None]:
        if (told := getattr(trusted, name)) is not None:
            return told, person.source
        if known is not None:
            return known, known_source
        claimed = getattr(claim, name)
        return claimed, None if claimed is None else "claim"

    country, country_source = best("country", customer and customer.country, "profile")
    if country is None and header_country is not None:
        country, country_source = header_country, "header"
    stage, stage_source = best("stage", known_stage, "transition")
    known_band = age_band(customer.birth_year, day) if customer else None
    band, _ = best("age_band", known_band, "profile")
    gender, _ = best("gender", customer and customer.gender, "profile")
    return {
        "customer_key": person.key,
        "customer_source": person.source if person.key else None,
        "customer_id": customer.id if customer else None,
        "country": country,
        "country_source": country_source,
        "region": region_of(country) if country else None,
        "stage": stage,
        "stage_source": stage_source,
        "age_band": band,
        "gender": gender,
    }


def _profile(
    session: Session, workspace: Workspace, person: Person, arrival: Arrival
) -> Customer | None:
    """The person's profile: written from a trusted source, only looked up for a claim."""
    key = str(person.key)
    if not person.is_trusted:
        return customers_by_key(session, workspace.id, [key]).get(key)
    facts = {name: getattr(person, name) for name in PROFILE_FACTS}
    customer = write_profiles(session, workspace.id, {key: facts}, now=arrival.now)[key]
    if person.stage is not None:
        move = Move(customer_id=customer.id, stage=person.stage, valid_from=arrival.now)
        chart = default_map(session, workspace.id)
        record_transitions(session, workspace.id, chart.id, [move], now=arrival.now)
    return customer


def check_stage(session: Session, workspace: Workspace, stage: str) -> None:
    """Raise Invalid for a stage that the workspace's map does not have."""
    keys = [item.key for item in stages(session, workspace.id)]
    if stage not in keys:
        raise Invalid(
            "response.stage",
            N_("There is no such lifecycle stage."),
            hint=N_("Use one of %(known)s."),
            known=", ".join(keys),
            errors=[FieldError("customer.stage", "stage.unknown", N_("Send a stage's key."))],
        )
