"""Periods and buckets of workspace-local dates. Pure calendar: the caller says what today is."""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal, get_args

import narwhals as nw

from analytics import options
from analytics.errors import ArgumentError, FrameError
from analytics.frames import is_null, open_frame

Grain = Literal["day", "week", "month", "quarter"]
DAY = timedelta(days=1)


@dataclass(frozen=True, order=True)
class Period:
    """Workspace dates from `start` to `end`, both inclusive.

    >>> Period(date(2026, 2, 1), date(2026, 2, 28)).days
    28
    """

    start: date
    end: date

    def __post_init__(self) -> None:
        _check_date("start", self.start)
        _check_date("end", self.end)
        if self.end < self.start:
            raise ArgumentError("end", f"{self.end} is before {self.start}", hint="swap them")

    @property
    def days(self) -> int:
        """How many dates it has."""
        return (self.end - self.start).days + 1


def previous(period: Period) -> Period:
    """The period to compare `period` with.

    One that begins on the first of a month is counted in calendar months: whole months have as
    many whole months before them, 1-17 May has 1-17 April. Any other has as many days just
    before it.

    >>> previous(Period(date(2026, 3, 1), date(2026, 3, 31)))
    Period(start=datetime.date(2026, 2, 1), end=datetime.date(2026, 2, 28))
    >>> previous(Period(date(2026, 3, 9), date(2026, 3, 15)))
    Period(start=datetime.date(2026, 3, 2), end=datetime.date(2026, 3, 8))
    """
    _check_period(period)
    return _before(period, whole=period)


def to_date(period: Period, today: date) -> tuple[Period, Period]:
    """(`period` up to today, the same part of the one before it).

    A period that is over, or has not begun, is taken whole. The part of a month is aligned by
    the day of the month (the end of a month with the end of a month), that of any other
    period by the number of days.

    >>> now, then = to_date(Period(date(2026, 4, 1), date(2026, 6, 30)), date(2026, 5, 17))
    >>> str(now.end), str(then.start), str(then.end)
    ('2026-05-17', '2026-01-01', '2026-02-17')
    """
    _check_period(period)
    _check_date("today", today)
    if not period.start <= today < period.end:
        return period, previous(period)
    part = Period(period.start, today)
    return part, _before(part, whole=period)


def choose_grain(period: Period) -> Grain:
    """The grain that draws a period in about 5 to 40 points: at most 31 days by day, half a
    year by week, three years by month, more by quarter.

    >>> choose_grain(Period(date(2025, 1, 1), date(2025, 12, 31)))
    'month'
    """
    _check_period(period)
    limits: tuple[tuple[int, Grain], ...] = ((31, "day"), (184, "week"), (1096, "month"))
    return next((grain for days, grain in limits if period.days <= days), "quarter")


def bucket_start(day: date, grain: Grain) -> date:
    """The first date of the bucket that holds `day`; weeks begin on Monday (ISO 8601).

    >>> str(bucket_start(date(2026, 1, 1), "week"))
    '2025-12-29'
    """
    _check(grain)
    _check_date("day", day)
    if grain == "day":
        return day
    if grain == "week":
        return day - day.weekday() * DAY
    month = day.month if grain == "month" else day.month - (day.month - 1) % 3
    return date(day.year, month, 1)


def buckets(period: Period, *, grain: Grain) -> Iterator[date]:
    """The start of each bucket that a period touches, in order: the axis of a trend.

    >>> [str(day) for day in buckets(Period(date(2026, 1, 30), date(2026, 3, 1)), grain="month")]
    ['2026-01-01', '2026-02-01', '2026-03-01']
    """
    _check_period(period)
    start = bucket_start(period.start, grain)
    longest = {"day": 1, "week": 7, "month": 31, "quarter": 92}[grain]
    while start <= period.end:
        yield start
        if start > date.max - longest * DAY:
            return
        start = bucket_start(start + longest * DAY, grain)


def bucket(frame: Any, *, grain: Grain) -> Any:
    """Add a column `bucket`, the start of the bucket of `day`; returns the frame's own kind.

    `day` holds dates, or midnights without a zone (pandas has no column of dates); `bucket`
    has the same type, null where `day` is. FrameError if `day` is missing or of another type,
    or `bucket` is taken.
    """
    _check(grain)
    data = open_frame(frame)
    schema = data.collect_schema()
    if "day" not in schema:
        raise FrameError("day", "is missing", hint="workspace dates", present=schema.names())
    if "bucket" in schema:
        raise FrameError("bucket", "is there already", hint="rename or drop it")
    dtype, start = schema["day"], _start(nw.col("day"), grain)
    if isinstance(dtype, nw.Date):
        return data.with_columns(bucket=start.cast(nw.Date())).to_native()
    if isinstance(dtype, nw.Datetime) and dtype.time_zone is None:
        return data.with_columns(bucket=start.cast(dtype)).to_native()
    if isinstance(data, nw.DataFrame) and data.implementation.is_pandas_like():
        return _bucket_objects(data, grain)
    raise FrameError("day", f"is of type {dtype}", hint="it must hold workspace dates")


def _start(day: nw.Expr, grain: Grain) -> nw.Expr:
    if grain != "week":
        return day.dt.truncate({"day": "1d", "month": "1mo", "quarter": "1q"}[grain])
    monday = day.dt.truncate("1d")  # Narwhals can't truncate to weeks: step back by weekday
    for weekday in range(2, 8):
        back = day.dt.truncate("1d").dt.offset_by(f"-{weekday - 1}d")
        numbers = [7, 0] if weekday == 7 else [weekday]  # of Spark's, Sunday comes as 0
        monday = nw.when(day.dt.weekday().is_in(numbers)).then(back).otherwise(monday)
    return monday


def _bucket_objects(data: nw.DataFrame[Any], grain: Grain) -> Any:
    """A pandas column of `datetime.date` objects, as a database driver gives them."""
    starts: list[date | None] = []
    for day in data["day"].to_list():
        if is_null(day):
            starts.append(None)
        elif isinstance(day, date) and not isinstance(day, datetime):
            starts.append(bucket_start(day, grain))
        else:
            raise FrameError("day", f"holds {day!r}", hint="it must hold workspace dates")
    native = data.to_native().copy()
    native["bucket"] = starts
    native["bucket"] = native["bucket"].astype(object)
    return native


def _before(part: Period, *, whole: Period) -> Period:
    """What `part` (`whole`, or its beginning) is compared with: shifted by the whole's size."""
    try:
        if whole.start.day != 1:
            shift = whole.days * DAY
            return Period(part.start - shift, part.end - shift)
        months = 1 + _month_number(whole.end) - _month_number(whole.start)
        return Period(_months_earlier(part.start, months), _months_earlier(part.end, months))
    except (ValueError, OverflowError) as error:  # before the year 1
        raise ArgumentError("period", f"{whole} has none before it", hint="later dates") from error


def _month_number(day: date) -> int:
    return 12 * day.year + day.month - 1


def _months_earlier(day: date, months: int) -> date:
    """The same day of an earlier month; the end of a month stays the end of a month."""
    year, month = divmod(_month_number(day) - months, 12)
    last = monthrange(year, month + 1)[1]
    at_end = day.day == monthrange(day.year, day.month)[1]
    return date(year, month + 1, last if at_end else min(day.day, last))


def _check_date(argument: str, value: object) -> None:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ArgumentError(argument, f"is {value!r}", hint="a date of the workspace")


def _check_period(value: object) -> None:
    if not isinstance(value, Period):
        raise ArgumentError("period", f"is {value!r}", hint="pass a Period")


def _check(grain: str) -> None:
    options.one_of("grain", grain, get_args(Grain))
