"""Writing profiles and reading ages. Nothing here commits or reads the clock."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from survey_app.customers.models import Customer

AGE_BANDS = ("<18", "18-24", "25-34", "35-44", "45-54", "55-64", "65+")
_BAND_STARTS = (18, 25, 35, 45, 55, 65)
EARLIEST_BIRTH_YEAR = 1900


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
    found = session.scalars(
        sa.select(Customer).where(Customer.workspace_id == workspace_id, Customer.key.in_(wanted))
    )
    return {customer.key: customer for customer in found}


def write_profiles(
    session: Session,
    workspace_id: int,
    profiles: Mapping[str, Mapping[str, object]],
    *,
    now: datetime,
) -> dict[str, Customer]:
    """Create or complete profiles from a trusted source, by customer key.

    `profiles` maps a key to `country`, `birth_year`, `gender`; a None leaves what is known.
    """
    found = customers_by_key(session, workspace_id, profiles)
    for key, facts in profiles.items():
        customer = found.get(key)
        if customer is None:
            customer = Customer(
                workspace_id=workspace_id, key=key, created_at=now, updated_at=now
            )
            session.add(customer)
            found[key] = customer
        for name, value in facts.items():
            if value is not None and getattr(customer, name) != value:
                setattr(customer, name, value)
                customer.updated_at = now
    session.flush()  # responses refer to the new ids
    return found
