"""What is looked at: one immutable value, built at the edge from an address or a command line."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

from analytics import Period
from survey_app.errors import N_, Invalid

DIMENSIONS = (
    "country",
    "region",
    "language",
    "comment_language",
    "stage",
    "age_band",
    "gender",
    "channel",
    "survey",
    "month",
)
EARLIEST, LATEST = date(2000, 1, 1), date(2099, 12, 31)

Metric = Literal["nps", "csat", "ces"]
Filters = tuple[str, ...]  # the names of those filters of a scope that hold


@dataclass(frozen=True, slots=True)
class Breakdown:
    """A table to ask for: a metric by dimensions (none: one row), from surveys of one kind."""

    metric: Metric
    by: tuple[str, ...] = ()
    kind: str = "relational"

    @property
    def total(self) -> "Breakdown":
        """The same without dimensions."""
        return replace(self, by=())

    def over(self, *by: str) -> "Breakdown":
        """The same by other dimensions."""
        return replace(self, by=by)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """A workspace, a period of its dates (both inclusive), surveys, and filters.

    `kind` chooses surveys of one kind, since transactional and relational answers are never
    pooled; with `survey_id` it is that survey alone. `filters` maps a dimension to the values that
    count. `respondent_floor` is the workspace's privacy floor.
    """

    workspace_id: int
    period: Period
    kind: str = "relational"
    survey_id: int | None = None
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    respondent_floor: int = 5

    def nested(self) -> list[Filters]:
        """All its filters, then those of the scopes it lies in: all but each one, and none."""
        every = tuple(self.filters)
        fewer = [tuple(name for name in every if name != dropped) for dropped in every]
        return list(dict.fromkeys([every, *fewer, ()]))

    def over(self, period: Period) -> "Scope":
        """The same over another period."""
        return replace(self, period=period)

    def without(self, dimension: str) -> "Scope":
        """The same without the filter by a dimension."""
        kept = {name: values for name, values in self.filters.items() if name != dimension}
        return replace(self, filters=kept)

    def of_kind(self, kind: str) -> "Scope":
        """The same over surveys of another kind, unless one survey is chosen."""
        return self if self.survey_id else replace(self, kind=kind)


def check_dimensions(names: tuple[str, ...]) -> tuple[str, ...]:
    """Known dimensions, each once. Raises Invalid."""
    unknown = [name for name in names if name not in DIMENSIONS]
    if unknown or len(set(names)) != len(names) or not names:
        raise Invalid(
            "dimension.unknown",
            N_("%(names)s is not a list of dimensions."),
            hint=N_("Use each at most once: %(known)s."),
            names=", ".join(names),
            known=", ".join(DIMENSIONS),
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
