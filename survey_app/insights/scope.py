"""Reading the parts of a scope from an address or a command line."""

from datetime import date

from analytics import Period
from analytics.scope import DIMENSIONS
from survey_app.errors import N_, Invalid

EARLIEST, LATEST = date(2000, 1, 1), date(2099, 12, 31)
# Of one table. What hides in it is decided of all its parts first, twice as many for each more.
MOST_DIMENSIONS = 3


def check_dimensions(names: tuple[str, ...]) -> tuple[str, ...]:
    """Known dimensions, each once, at most `MOST_DIMENSIONS`. Raises Invalid."""
    unknown = [name for name in names if name not in DIMENSIONS]
    if unknown or len(set(names)) != len(names) or not names:
        raise Invalid(
            "dimension.unknown",
            N_("%(names)s is not a list of dimensions."),
            hint=N_("Use each at most once: %(known)s."),
            names=", ".join(names),
            known=", ".join(DIMENSIONS),
        )
    if len(names) > MOST_DIMENSIONS:
        raise Invalid(
            "dimension.many",
            N_("%(names)s are too many dimensions for one table."),
            hint=N_("Use at most %(most)s."),
            names=", ".join(names),
            most=MOST_DIMENSIONS,
        )
    return names


def read_day(text: str) -> date:
    """A date such as 2026-03-01. Raises Invalid."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if not EARLIEST <= day <= LATEST:
        raise Invalid(
            "date.form",
            N_("%(text)s is not a date."),
            hint=N_("Write it as 2026-03-01."),
            text=text[:40],
        )
    return day


def read_period(start: date, end: date) -> Period:
    """A period of dates. Raises Invalid when it ends before it starts."""
    if end < start:
        raise Invalid(
            "period.order",
            N_("The period ends (%(end)s) before it starts (%(start)s)."),
            hint=N_("Swap the two dates."),
            start=start.isoformat(),
            end=end.isoformat(),
        )
    return Period(start, end)
