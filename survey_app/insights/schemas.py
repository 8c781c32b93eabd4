"""The page's address as one immutable value: every state of *Perception* is a URL."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from werkzeug.datastructures import MultiDict

from analytics import Period, to_date
from analytics.scope import Scope
from survey_app.accounts.models import Workspace
from survey_app.errors import N_, Invalid
from survey_app.insights.scope import read_day, read_period

# Parameter of the address -> dimension.
FILTERS: Mapping[str, str] = {
    "country": "country",
    "language": "language",
    "stage": "stage",
    "band": "age_band",
}
PANELS = ("language", "age_band", "gender", "channel", "country")
COMPARISONS = ("previous", "year", "none")
MAX_VALUES = 50  # of a filter


@dataclass(frozen=True, slots=True, kw_only=True)
class PerceptionQuery:
    """What the page shows: a scope, the panel's dimension and what to compare with."""

    scope: Scope
    by: str
    compare: str
    today: date

    @property
    def compared(self) -> tuple[Period, Period | None]:
        """The period up to today, and the same part of the earlier one (None: no comparison)."""
        now, then = to_date(self.scope.period, self.today)
        if self.compare == "year":
            then = Period(_year_earlier(now.start), _year_earlier(now.end))
        # Of two periods that share days the same answers would be compared with themselves.
        if self.compare == "none" or then.end >= now.start:
            return now, None
        return now, then


def read_query(
    args: MultiDict[str, str],
    workspace: Workspace,
    *,
    today: date,
    panels: tuple[str, ...] = PANELS,
) -> PerceptionQuery:
    """The page's query from its address; what is missing has a default.

    `panels` are the dimensions that it may be broken down by.

    Raises Invalid for a date, panel or comparison that does not exist, and more values of a filter
    than `MAX_VALUES`.
    """
    start = read_day(args["from"]) if args.get("from") else _year_back(today)
    end = read_day(args["to"]) if args.get("to") else today
    filters = {
        dimension: values
        for name, dimension in FILTERS.items()
        if (values := _values(args.getlist(name), dimension))
    }
    scope = Scope(
        workspace=workspace.id,
        zone=workspace.zone,
        period=read_period(start, end),
        filters=filters,
        respondent_floor=workspace.score_floor,
    )
    return PerceptionQuery(
        scope=scope,
        by=choice(args.get("by"), panels),
        compare=choice(args.get("compare"), COMPARISONS),
        today=today,
    )


def presets(today: date) -> Mapping[str, Period]:
    """Periods that are one click away, by code."""
    return {
        "30d": Period(today - timedelta(days=29), today),
        "90d": Period(today - timedelta(days=89), today),
        "12m": Period(_year_back(today), today),
        "24m": Period(_year_back(today).replace(year=_year_back(today).year - 1), today),
    }


def choice(text: str | None, known: tuple[str, ...]) -> str:
    """One of the known ones, the first where none is chosen. Raises Invalid."""
    if text and text not in known:
        raise Invalid(
            "choice.unknown",
            N_("%(text)s is not a choice here."),
            hint=N_("Use one of %(known)s."),
            text=text[:40],
            known=", ".join(known),
        )
    return text or known[0]


def _values(texts: list[str], dimension: str) -> tuple[str, ...]:
    values = tuple(sorted(set(texts) - {""}))
    if len(values) > MAX_VALUES:
        raise Invalid(
            "filter.many",
            N_("%(count)s values of %(dimension)s are too many for one filter."),
            hint=N_("Use at most %(most)s, or another filter."),
            count=len(values),
            dimension=dimension,
            most=MAX_VALUES,
        )
    return values


def _year_back(day: date) -> date:
    """The first day of the twelve months of which this day's month is the last."""
    if day.month == 12:
        return date(day.year, 1, 1)
    return date(day.year - 1, day.month + 1, 1)


def _year_earlier(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:  # 29 February
        return day.replace(year=day.year - 1, day=28)
