"""What is looked at: one immutable value, built at the edge from an address or a command line."""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from difflib import get_close_matches
from typing import Any, Literal, TypeVar
from zoneinfo import ZoneInfo

from analytics.errors import ArgumentError
from analytics.periods import Grain, Period

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
# Those in which the answers of a batch of an anonymous survey differ: its survey and month are one.
SIDES = ("country", "region", "language", "stage", "age_band", "gender", "channel")
BUCKET = "bucket"  # over time: the start of the bucket of an answer's day
LATTICE = (*SIDES, "survey", "month", BUCKET)  # what anonymous surveys are told by
KINDS = ("relational", "transactional")
ScoreMetric = Literal["nps", "csat", "ces"]
# The scores that a metric tells apart. All that it does not are counted as the lowest of their
# class: detractors as 0, passives as 7, promoters as 9.
VALUES: Mapping[ScoreMetric, tuple[int, ...]] = {
    "nps": (0, 7, 9),
    "csat": tuple(range(1, 6)),
    "ces": tuple(range(1, 8)),
}
Filters = tuple[str, ...]  # the names of those filters of a scope that hold

Value = TypeVar("Value", bound=Hashable)


class Frozen(Mapping[Any, Value]):
    """A mapping that neither changes nor loses its order, and is hashable, as its values are.

    >>> hash(Frozen({"a": 1, "b": 2})) == hash(Frozen({"b": 2, "a": 1}))
    True
    """

    __slots__ = ("_items",)

    def __init__(self, items: Mapping[Any, Value]) -> None:
        self._items: dict[Any, Value] = dict(items)

    def __getitem__(self, key: Any) -> Value:
        return self._items[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return hash(frozenset(self._items.items()))

    def __repr__(self) -> str:
        return repr(self._items)


@dataclass(frozen=True, slots=True)
class Breakdown:
    """A table to ask for: a metric by dimensions (none: one row), from surveys of one kind.

    Raises ArgumentError for an unknown or repeated dimension, an unknown metric or kind.
    """

    metric: ScoreMetric
    by: tuple[str, ...] = ()
    kind: str = "relational"

    def __post_init__(self) -> None:
        _check_one("metric", self.metric, tuple(VALUES))
        _check_one("kind", self.kind, KINDS)
        for name in self.by:
            _check_one("by", name, (*DIMENSIONS, BUCKET))
        if len(set(self.by)) < len(self.by):
            raise ArgumentError("by", f"is {self.by}", hint="name each dimension once")

    @property
    def total(self) -> "Breakdown":
        """The same without dimensions."""
        return replace(self, by=())

    def over(self, *by: str) -> "Breakdown":
        """The same by other dimensions."""
        return replace(self, by=by)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """A workspace, a period of its dates (both inclusive), surveys, and filters; hashable.

    `zone` is the IANA time zone that the workspace's dates are told in. `kind` chooses surveys of
    one kind (None: all; only comments can be pooled), since transactional and relational answers
    are never pooled; with `survey`, a key, it is that survey alone. `filters` maps a dimension to
    the values that count (null is none of them). `compare` is the period to compare with, `weights`
    the targets of raking (dimension → value → share or number of customers; None: unweighted),
    `as_of` leaves out what was received later. `respondent_floor` is the workspace's privacy floor.
    `anonymous` lets answers to anonymous surveys count, too, where `narrowed` does.

    Raises ArgumentError, naming the argument, for a zone that does not exist, an unknown dimension
    or kind, a filter that is no collection of texts, a moment without a zone, a floor below 1.

    >>> from datetime import date
    >>> may = Period(date(2026, 5, 1), date(2026, 5, 31))
    >>> scope = Scope(workspace=1, period=may, filters={"country": ["DE"], "stage": ["adopt"]})
    >>> scope.nested()
    [('country', 'stage'), ('stage',), ('country',), ()]
    """

    workspace: int
    period: Period
    zone: str = "UTC"
    kind: str | None = "relational"
    survey: str | None = None
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    compare: Period | None = None
    weights: Mapping[str, Mapping[str | None, float]] | None = None
    as_of: datetime | None = None
    respondent_floor: int = 5
    anonymous: bool = True

    def __post_init__(self) -> None:
        _check_zone(self.zone)
        if self.kind is not None:
            _check_one("kind", self.kind, KINDS)
        if self.as_of is not None and self.as_of.utcoffset() is None:
            raise ArgumentError("as_of", f"{self.as_of} has no zone", hint="an aware datetime")
        if self.respondent_floor < 1:
            raise ArgumentError("respondent_floor", f"is {self.respondent_floor}", hint="1 or more")
        object.__setattr__(self, "filters", _filters(self.filters))
        if self.weights is not None:
            object.__setattr__(self, "weights", _weights(self.weights))

    def nested(self) -> list[Filters]:
        """All its filters, then those of the scopes it lies in: all but each one, and none."""
        every = tuple(self.filters)
        fewer = [tuple(name for name in every if name != dropped) for dropped in every]
        return list(dict.fromkeys([every, *fewer, ()]))

    def over(self, period: Period) -> "Scope":
        """The same over another period, compared with none."""
        return replace(self, period=period, compare=None)

    def earlier(self) -> "Scope | None":
        """The same over the period it is compared with, or None: what the planner is asked next."""
        return None if self.compare is None else self.over(self.compare)

    def without(self, dimension: str) -> "Scope":
        """The same without the filter by a dimension."""
        kept = {name: values for name, values in self.filters.items() if name != dimension}
        return replace(self, filters=kept)

    def of_kind(self, kind: str) -> "Scope":
        """The same over surveys of another kind, unless one survey is chosen."""
        return self if self.survey is not None else replace(self, kind=kind)

    def narrowed(self, asked: Iterable[Breakdown] = (), *, grain: Grain = "month") -> "Scope":
        """The scope as it may be asked: off the lattice it leaves anonymous surveys out.

        Off it are filters, raking weights, tables of several dimensions or of one that batches
        don't know, and days. One of them leaves the answers out of all that is asked with it, so
        that what stands together counts the same answers.
        """
        ways = [each.by for each in asked]
        is_on = not self.filters and not self.weights and all(map(_is_single, ways))
        by_day = grain == "day" and (BUCKET,) in ways
        return self if is_on and not by_day else replace(self, anonymous=False)


def _is_single(by: tuple[str, ...]) -> bool:
    return not by or (len(by) == 1 and by[0] in LATTICE)


def _filters(filters: Mapping[str, Any]) -> Frozen[tuple[str, ...]]:
    for name, values in filters.items():
        _check_one("filters", name, DIMENSIONS)
        if isinstance(values, str) or not all(isinstance(value, str) for value in values):
            raise ArgumentError("filters", f"{name!r} is {values!r}", hint="a list of texts")
    return Frozen({name: tuple(values) for name, values in filters.items()})


def _weights(weights: Mapping[str, Any]) -> Frozen[Frozen[float]]:
    for name, targets in weights.items():
        _check_one("weights", name, DIMENSIONS)
        if not isinstance(targets, Mapping):
            raise ArgumentError(
                "weights", f"{name!r} has {targets!r}", hint="map each value to its share"
            )
    return Frozen({name: Frozen(targets) for name, targets in weights.items()})


def _check_zone(zone: str) -> None:
    try:
        ZoneInfo(zone)
    except (TypeError, ValueError, OSError, KeyError) as error:
        raise ArgumentError(
            "zone", f"{zone!r} is no time zone", hint="an IANA name, as Europe/Berlin"
        ) from error


def _check_one(argument: str, value: object, known: tuple[str, ...]) -> None:
    if value in known:
        return
    near = get_close_matches(str(value), known, n=1)
    meant = f", perhaps {near[0]}" if near else ""
    raise ArgumentError(argument, f"knows no {value!r}", hint=f"one of {', '.join(known)}{meant}")
