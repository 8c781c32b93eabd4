"""Writing profiles and reading ages. Nothing here commits or reads the clock."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from survey_app.customers.models import Customer
from survey_app.db import insert_or_skip

AGE_BANDS = ("<18", "18-24", "25-34", "35-44", "45-54", "55-64", "65+")
_BAND_STARTS = (18, 25, 35, 45, 55, 65)
EARLIEST_BIRTH_YEAR = 1900
FACTS = ("country", "birth_year", "gender")
AT_ONCE = 5000  # keys in one query: databases bound the number of parameters


def age_band(birth_year: int | None, on: date) -> str | None:
    """The band of the age reached in that year; None without a birth year."""
    if birth_year is None:
        return None
    age = on.year - birth_year
    return AGE_BANDS[sum(age >= start for start in _BAND_STARTS)]


def customers_by_key(
    session: Session, workspace_id: int, keys: Iterable[str]
) -> dict[str, Customer]:
    """The profiles that exist under these keys."""
    wanted = sorted(set(keys))
    found: dict[str, Customer] = {}
    for start in range(0, len(wanted), AT_ONCE):
        part = session.scalars(
            sa.select(Customer).where(
                Customer.workspace_id == workspace_id,
                Customer.key.in_(wanted[start : start + AT_ONCE]),
            )
        )
        found.update((customer.key, customer) for customer in part)
    return found


def write_profiles(
    session: Session,
    workspace_id: int,
    profiles: Mapping[str, Mapping[str, object]],
    *,
    now: datetime,
) -> dict[str, Customer]:
    """Create or complete profiles from a trusted source, by customer key.

    `profiles` maps a key to `country`, `birth_year`, `gender`; a None leaves what is known. Two
    writers of the same newcomer at once make one profile.
    """
    found = customers_by_key(session, workspace_id, profiles)
    # In key order: two writers that wait for each other's keys never wait in a circle.
    missing = sorted(profiles.keys() - found.keys())
    if missing:
        common = {"workspace_id": workspace_id, "created_at": now, "updated_at": now}
        rows = [common | {"key": key} | _facts(profiles[key]) for key in missing]
        insert = insert_or_skip(
            session, Customer, index_elements=[Customer.workspace_id, Customer.key]
        )
        session.execute(insert, rows)
        found |= customers_by_key(session, workspace_id, missing)
    for key in sorted(profiles):
        customer = found[key]
        for name, value in _facts(profiles[key]).items():
            if value is not None and getattr(customer, name) != value:
                setattr(customer, name, value)
                customer.updated_at = now
    session.flush()  # what is looked up next sees the facts
    return found


def _facts(profile: Mapping[str, object]) -> dict[str, object]:
    """The three facts, None where one is not told: rows of one statement have the same columns."""
    return {name: profile.get(name) for name in FACTS}
