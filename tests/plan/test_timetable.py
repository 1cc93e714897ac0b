"""Schedules: what they mean, what is refused, and that intervals tile time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbflow.errors import DateError
from nbflow.model.schedule import read_schedule
from nbflow.plan.timetable import days, intervals, latest_complete, ticks

BERLIN = "Europe/Berlin"


@dataclass(frozen=True)
class Ticks:
    name: str
    schedule: str
    start: str
    expected: tuple[str, ...]
    timezone: str = "UTC"
    anchor: str | None = None


CASES = [
    Ticks("daily", "@daily", "2013-01-01T00:00", ("2013-01-01T00:00", "2013-01-02T00:00")),
    Ticks("start inside of a day", "@daily", "2013-01-01T09:00", ("2013-01-02T00:00",)),
    Ticks("weekly begins on Sunday", "@weekly", "2026-11-16T00:00", ("2026-11-22T00:00",)),
    Ticks("quarterly", "@quarterly", "2026-01-02T00:00", ("2026-04-01T00:00", "2026-07-01T00:00")),
    Ticks("six fields, seconds first", "30 0 6 * * *", "2026-01-01T00:00", ("2026-01-01T06:00:30",)),
    Ticks(
        "a duration is aligned to the start date",
        "2d",
        "2026-01-02T00:00",
        ("2026-01-03T06:00", "2026-01-05T06:00"),
        anchor="2026-01-01T06:00",
    ),
    Ticks(
        "a duration without a start date is aligned to midnight of 2000",
        "6h",
        "2026-01-01T01:30",
        ("2026-01-01T06:00", "2026-01-01T12:00"),
    ),
    Ticks(
        "a duration is elapsed time whatever the clock on the wall shows",
        "1d",
        "2026-07-01T00:00",
        ("2026-07-01T23:00", "2026-07-02T23:00"),
        BERLIN,
    ),
    Ticks(
        "before a change of the clock the same wall time comes once",
        "*/20 2 * * *",
        "2026-10-25T00:30",
        ("2026-10-25T01:00", "2026-10-25T01:20", "2026-10-25T01:40", "2026-10-26T01:00"),
        BERLIN,
    ),
    Ticks("ISO duration", "PT15M", "2026-01-01T00:00", ("2026-01-01T00:00", "2026-01-01T00:15")),
    Ticks(
        "a skipped time keeps the offset from before",
        "30 2 * * *",
        "2026-03-28T12:00",
        ("2026-03-29T01:30", "2026-03-30T00:30"),
        BERLIN,
    ),
    Ticks(
        "a time that occurs twice fires once, on the second",
        "30 2 * * *",
        "2026-10-24T12:00",
        ("2026-10-25T01:30", "2026-10-26T01:30"),
        BERLIN,
    ),
    Ticks(
        "hourly steps in elapsed time through autumn",
        "@hourly",
        "2026-10-24T23:00",
        ("2026-10-24T23:00", "2026-10-25T00:00", "2026-10-25T01:00", "2026-10-25T02:00"),
        BERLIN,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_schedule_ticks_as_the_table_says(case: Ticks) -> None:
    start = datetime.fromisoformat(case.start).replace(tzinfo=UTC)
    anchor = datetime.fromisoformat(case.anchor).replace(tzinfo=UTC) if case.anchor else None
    found = ticks(read_schedule(case.schedule), timezone=case.timezone, start=start, anchor=anchor)
    got = [tick for tick, _ in zip(found, case.expected, strict=False)]
    assert got == [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in case.expected]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@dialy",
        "* * *",
        "61 * * * *",
        "0 0 30 2 *",
        "*/100 * * * *",
        "*/0 * * * *",
        "0s",
        "tomorrow",
        "a b c d e",
    ],
)
def test_what_is_no_schedule_is_refused_with_the_ways_to_write_one(text: str) -> None:
    with pytest.raises(DateError, match=r"cron line of 5 fields"):
        read_schedule(text)


SCHEDULES = [
    "@daily",
    "@hourly",
    "@weekly",
    "30 2 * * *",
    "0 6 * * 1-5",
    "*/20 * * * *",
    "0 */5 * * *",
    "90m",
    "1d",
]
ZONES = [
    "UTC",
    BERLIN,
    "America/New_York",
    "Asia/Seoul",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
]


@given(
    st.sampled_from(SCHEDULES),
    st.sampled_from(ZONES),
    st.datetimes(datetime(2000, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC)),
)
def test_intervals_tile_without_gap_or_overlap(schedule: str, timezone: str, start: datetime) -> None:
    found = intervals(read_schedule(schedule), timezone=timezone, start=start, last=start + timedelta(days=9))
    assert all(interval.start < interval.end for interval in found)
    assert all(one.end == next_one.start for one, next_one in pairwise(found))


def test_a_day_in_the_zone_has_23_or_25_hours_where_the_clock_changes() -> None:
    zone = ZoneInfo(BERLIN)
    spring = days(
        timezone=BERLIN, start=datetime(2026, 3, 29, tzinfo=zone), last=datetime(2026, 3, 29, tzinfo=zone)
    )
    autumn = days(
        timezone=BERLIN, start=datetime(2026, 10, 25, tzinfo=zone), last=datetime(2026, 10, 25, tzinfo=zone)
    )
    assert [i.end - i.start for i in spring + autumn] == [timedelta(hours=23), timedelta(hours=25)]


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("@daily", "2026-11-19T00:00"),
        ("@yearly", "2025-01-01T00:00"),
        ("0 0 29 2 *", "2020-02-29T00:00"),
        ("6h", "2026-11-20T00:00"),
        ("* * * * *", "2026-11-20T07:59"),
    ],
)
def test_the_latest_complete_interval_has_ended(schedule: str, expected: str) -> None:
    now = datetime(2026, 11, 20, 8, tzinfo=UTC)
    found = latest_complete(read_schedule(schedule), timezone="UTC", now=now, anchor=None)
    assert found.start == datetime.fromisoformat(expected).replace(tzinfo=UTC)
    assert found.end <= now


def test_the_latest_interval_of_a_duration_is_one_that_a_backfill_finds() -> None:
    now = datetime(2026, 7, 20, 8, tzinfo=UTC)
    schedule, anchor = read_schedule("7h"), datetime(2026, 1, 1, tzinfo=ZoneInfo(BERLIN))
    found = latest_complete(schedule, timezone=BERLIN, now=now, anchor=anchor)
    start = now - timedelta(days=1)
    assert found in intervals(schedule, timezone=BERLIN, start=start, last=now, anchor=anchor)
