import datetime as dt
from datetime import date
from typing import Any

import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics import (
    ArgumentError,
    FrameError,
    Period,
    bucket,
    bucket_start,
    buckets,
    choose_grain,
    nps,
    previous,
    to_date,
)


def period(start: str, end: str) -> Period:
    return Period(date.fromisoformat(start), date.fromisoformat(end))


@pytest.mark.parametrize(
    "current,before",
    [
        (("2026-03-01", "2026-03-31"), ("2026-02-01", "2026-02-28")),
        (("2024-02-01", "2024-02-29"), ("2024-01-01", "2024-01-31")),
        (("2026-01-01", "2026-03-31"), ("2025-10-01", "2025-12-31")),
        (("2026-01-01", "2026-12-31"), ("2025-01-01", "2025-12-31")),
        (("2026-05-01", "2026-05-17"), ("2026-04-01", "2026-04-17")),
        (("2026-03-09", "2026-03-15"), ("2026-03-02", "2026-03-08")),
        (("2026-03-10", "2026-03-10"), ("2026-03-09", "2026-03-09")),
    ],
)
def test_the_period_before(current: tuple[str, str], before: tuple[str, str]) -> None:
    assert previous(period(*current)) == period(*before)


@pytest.mark.parametrize(
    "today,now,then",
    [
        ("2026-03-17", ("2026-03-01", "2026-03-17"), ("2026-02-01", "2026-02-17")),
        ("2026-03-30", ("2026-03-01", "2026-03-30"), ("2026-02-01", "2026-02-28")),
        ("2026-03-01", ("2026-03-01", "2026-03-01"), ("2026-02-01", "2026-02-01")),
        ("2026-03-31", ("2026-03-01", "2026-03-31"), ("2026-02-01", "2026-02-28")),
        ("2026-07-31", ("2026-03-01", "2026-03-31"), ("2026-02-01", "2026-02-28")),
        ("2026-02-01", ("2026-03-01", "2026-03-31"), ("2026-02-01", "2026-02-28")),
    ],
)
def test_a_running_month_against_the_same_days(
    today: str, now: tuple[str, str], then: tuple[str, str]
) -> None:
    month = period("2026-03-01", "2026-03-31")
    assert to_date(month, date.fromisoformat(today)) == (period(*now), period(*then))


def test_a_running_quarter_and_a_running_week() -> None:
    quarter, week = period("2026-04-01", "2026-06-30"), period("2026-03-09", "2026-03-15")
    assert to_date(quarter, date(2026, 4, 30))[1] == period("2026-01-01", "2026-01-31")
    assert to_date(week, date(2026, 3, 11))[1] == period("2026-03-02", "2026-03-04")


dates = st.dates(date(1990, 1, 1), date(2100, 1, 1))


@given(dates, st.integers(0, 800), dates)
def test_the_parts_never_overlap_and_are_alike(start: date, days: int, today: date) -> None:
    whole = Period(start, start + dt.timedelta(days))
    now, then = to_date(whole, today)
    assert now.start == whole.start
    assert then.start <= then.end < now.start
    slack = 0 if start.day != 1 else 3 + days // 100  # months differ in length
    assert abs(now.days - then.days) <= slack


@given(dates, st.integers(0, 800), st.sampled_from(["day", "week", "month", "quarter"]))
def test_buckets_cover_a_period_without_a_gap(start: date, days: int, grain: Any) -> None:
    whole = Period(start, start + dt.timedelta(days))
    axis = list(buckets(whole, grain=grain))
    every = {bucket_start(start + dt.timedelta(day), grain) for day in range(days + 1)}
    assert axis == sorted(every)


@pytest.mark.parametrize(
    "days,grain",
    [
        (1, "day"),
        (31, "day"),
        (32, "week"),
        (184, "week"),
        (185, "month"),
        (1096, "month"),
        (1097, "quarter"),
    ],
)
def test_the_grain_of_a_period(days: int, grain: str) -> None:
    start = date(2026, 1, 1)
    assert choose_grain(Period(start, start + dt.timedelta(days - 1))) == grain


DAYS = [date(2024, 12, 29), date(2024, 12, 30), date(2025, 2, 28), date(2024, 2, 29), None]


@pytest.mark.parametrize("grain", ["day", "week", "month", "quarter"])
def test_buckets_on_every_engine(make_frame: Any, grain: Any) -> None:
    frame = bucket(make_frame({"day": DAYS, "score": [9] * 5}), grain=grain)
    found = nps(frame, by=["bucket"])["bucket"].tolist()
    assert found[:-1] == sorted({bucket_start(day, grain) for day in DAYS if day})
    assert pd.isna(found[-1])


def test_pandas_timestamps_are_buckets_too() -> None:
    frame = pd.DataFrame({"day": pd.to_datetime(pd.Series(DAYS))})
    result = bucket(frame, grain="week")
    assert result["bucket"].dtype == frame["day"].dtype
    assert result["bucket"].iloc[0] == pd.Timestamp("2024-12-23")
    assert list(frame.columns) == ["day"]


@pytest.mark.parametrize(
    "frame,message",
    [
        (pd.DataFrame({"date": [1]}), "'day' is missing"),
        (pd.DataFrame({"day": ["2026-01-01"]}), "'day' holds '2026-01-01'"),
        (pl.DataFrame({"day": ["2026-01-01"]}), "'day' is of type String"),
        (pl.DataFrame({"day": [1]}), "'day' is of type Int64"),
        (pd.DataFrame({"day": pd.to_datetime(["2026-01-01"], utc=True)}), "'day' holds"),
        (pd.DataFrame({"day": [date(2026, 1, 1)], "bucket": [1]}), "'bucket' is there already"),
    ],
)
def test_what_is_no_day(frame: Any, message: str) -> None:
    with pytest.raises(FrameError, match=message):
        bucket(frame, grain="day")


def test_wrong_use() -> None:
    with pytest.raises(ArgumentError, match="grain: is 'year'"):
        bucket_start(date(2026, 1, 1), "year")  # type: ignore[arg-type]  # the point of the test
    with pytest.raises(ArgumentError, match="is before"):
        period("2026-01-02", "2026-01-01")
    with pytest.raises(ArgumentError, match="none before it"):
        previous(period("0001-01-01", "0001-01-31"))
    assert len(list(buckets(period("9999-12-01", "9999-12-31"), grain="week"))) == 5
