"""Ticks across changes of the clock: each change of 2000 to 2037 in twenty zones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice, pairwise, takewhile
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbflow.model.schedule import read_schedule
from nbflow.plan.ticks import tick_before, ticks

BERLIN, LORD_HOWE = "Europe/Berlin", "Australia/Lord_Howe"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@dataclass(frozen=True)
class Ticks:
    name: str
    schedule: str
    start: str  # UTC
    expected: tuple[str, ...]  # UTC, of the same year
    timezone: str = "UTC"
    anchor: str | None = None


CASES = [
    Ticks("daily", "@daily", "2013-01-01T00:00", ("01-01T00:00", "01-02T00:00")),
    Ticks("start inside of a day", "@daily", "2013-01-01T09:00", ("01-02T00:00",)),
    Ticks("hourly", "@hourly", "2026-01-01T00:30", ("01-01T01:00", "01-01T02:00")),
    Ticks("weekly begins on Sunday", "@weekly", "2026-11-16T00:00", ("11-22T00:00",)),
    Ticks("monthly", "@monthly", "2026-01-02T00:00", ("02-01T00:00", "03-01T00:00")),
    Ticks("quarterly", "@quarterly", "2026-01-02T00:00", ("04-01T00:00", "07-01T00:00")),
    Ticks("yearly", "@yearly", "2026-01-01T00:00", ("01-01T00:00",)),
    Ticks("six fields, seconds first", "30 0 6 * * *", "2026-01-01T00:00", ("01-01T06:00:30",)),
    Ticks("every ten seconds", "*/10 * * * * *", "2026-01-01T00:00:05", ("01-01T00:00:10", "01-01T00:00:20")),
    Ticks("a month and a day by name", "0 6 * NOV MON", "2026-11-21T00:00", ("11-23T06:00", "11-30T06:00")),
    Ticks("names in lower case", "0 6 * nov mon-tue", "2026-11-21T00:00", ("11-23T06:00", "11-24T06:00")),
    Ticks("the last day of the month", "0 0 L * *", "2026-01-15T00:00", ("01-31T00:00", "02-28T00:00")),
    Ticks("the last Friday", "0 0 * * L5", "2026-11-01T00:00", ("11-27T00:00", "12-25T00:00")),
    Ticks("the third Friday", "0 0 * * 5#3", "2026-11-01T00:00", ("11-20T00:00", "12-18T00:00")),
    Ticks("the third Friday by name", "0 0 * * FRI#3", "2026-11-01T00:00", ("11-20T00:00", "12-18T00:00")),
    Ticks("the weekday nearest to the 15th", "0 0 15W * *", "2026-11-01T00:00", ("11-16T00:00",)),
    Ticks("a range with a step", "0 8-12/2 * * *", "2026-11-01T09:00", ("11-01T10:00", "11-01T12:00")),
    Ticks("Sunday is 7 as well", "0 0 * * 7", "2026-11-16T00:00", ("11-22T00:00",)),
    Ticks("a step as long as its field", "*/60 * * * *", "2026-11-16T00:30", ("11-16T01:00", "11-16T02:00")),
    Ticks("day of month or of week", "0 0 13 * FRI", "2026-12-05T00:00", ("12-11T00:00", "12-13T00:00")),
    Ticks("a leap day", "0 0 29 2 *", "2028-01-01T00:00", ("02-29T00:00",)),
    Ticks(
        "a duration is aligned to the start date",
        "2d",
        "2026-01-02T00:00",
        ("01-03T06:00", "01-05T06:00"),
        anchor="2026-01-01T06:00",
    ),
    Ticks(
        "a duration without a start date is aligned to midnight of 2000",
        "6h",
        "2026-01-01T01:30",
        ("01-01T06:00", "01-01T12:00"),
    ),
    Ticks("ISO duration", "PT15M", "2026-01-01T00:00", ("01-01T00:00", "01-01T00:15")),
    Ticks(
        "a duration is elapsed time whatever the clock on the wall shows",
        "1d",
        "2026-07-01T00:00",
        ("07-01T23:00", "07-02T23:00"),
        BERLIN,
    ),
    Ticks(
        "a skipped time keeps the offset from before: 02:30 becomes 03:30 summer time",
        "30 2 * * *",
        "2026-03-28T12:00",
        ("03-29T01:30", "03-30T00:30"),
        BERLIN,
    ),
    Ticks(
        "a skipped time that becomes one that is named as well fires once",
        "30 2,3 * * *",
        "2026-03-28T12:00",
        ("03-29T01:30", "03-30T00:30"),
        BERLIN,
    ),
    Ticks(
        "a time that occurs twice fires once, on the second",
        "30 2 * * *",
        "2026-10-24T12:00",
        ("10-25T01:30", "10-26T01:30"),
        BERLIN,
    ),
    Ticks(
        "all times of the doubled hour fire on the second",
        "*/20 2 * * *",
        "2026-10-25T00:30",
        ("10-25T01:00", "10-25T01:20", "10-25T01:40", "10-26T01:00"),
        BERLIN,
    ),
    Ticks(
        "hourly steps in elapsed time through autumn",
        "@hourly",
        "2026-10-24T23:00",
        ("10-24T23:00", "10-25T00:00", "10-25T01:00", "10-25T02:00"),
        BERLIN,
    ),
    Ticks(
        "and through spring",
        "0 0-23 * * *",
        "2026-03-28T23:00",
        ("03-28T23:00", "03-29T00:00", "03-29T01:00", "03-29T02:00"),
        BERLIN,
    ),
    Ticks(
        "an hourly line of one weekday follows the clock of that day",
        "0 * * * 1",
        "2026-03-23T22:00",
        ("03-23T22:00", "03-29T22:00", "03-29T23:00"),
        BERLIN,
    ),
    Ticks(
        "Lord Howe, spring: the clock goes from 02:00 to 02:30",
        "15 2 * * *",
        "2026-10-02T20:00",
        ("10-03T15:45", "10-04T15:15"),
        LORD_HOWE,
    ),
    Ticks(
        "Lord Howe, spring: a skipped time may come after a later one",
        "20,30 2 * * *",
        "2026-10-02T20:00",
        ("10-03T15:30", "10-03T15:50", "10-04T15:20", "10-04T15:30"),
        LORD_HOWE,
    ),
    Ticks(
        "Lord Howe, autumn: the clock goes from 02:00 to 01:30, whose minutes occur twice",
        "45 1 * * *",
        "2026-04-03T20:00",
        ("04-04T15:15", "04-05T15:15"),
        LORD_HOWE,
    ),
    Ticks(
        "Lord Howe, autumn: hourly never waits for more than an hour",
        "@hourly",
        "2026-04-04T14:00",
        ("04-04T14:00", "04-04T15:00", "04-04T15:30", "04-04T16:30"),
        LORD_HOWE,
    ),
    Ticks(
        "Lord Howe, spring: nor in spring",
        "@hourly",
        "2026-10-03T14:30",
        ("10-03T14:30", "10-03T15:30", "10-03T16:00", "10-03T17:00"),
        LORD_HOWE,
    ),
    Ticks(
        "Samoa skipped a whole day",
        "0 12 * * *",
        "2011-12-29T00:00",
        ("12-29T22:00", "12-30T22:00", "12-31T22:00"),
        "Pacific/Apia",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_schedule_ticks_as_the_table_says(case: Ticks) -> None:
    anchor = utc(case.anchor) if case.anchor else None
    found = ticks(read_schedule(case.schedule), timezone=case.timezone, start=utc(case.start), anchor=anchor)
    expected = [utc(f"{case.start[:4]}-{text}") for text in case.expected]
    assert list(islice(found, len(expected))) == expected


def test_once_ticks_at_its_start_date_and_continuous_never_by_itself() -> None:
    start = utc("2026-01-01")
    once, continuous = read_schedule("@once"), read_schedule("@continuous")
    assert list(ticks(once, timezone="UTC", start=start, anchor=start + DAY)) == [start + DAY]
    assert list(ticks(once, timezone="UTC", start=start, anchor=start - DAY)) == []
    assert list(ticks(once, timezone="UTC", start=start)) == []
    assert list(ticks(continuous, timezone="UTC", start=start, anchor=start)) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@daily", "2026-11-20T00:00"),
        ("0 8 * * *", "2026-11-20T08:00"),  # the moment itself counts
        ("@yearly", "2026-01-01T00:00"),
        ("0 0 29 2 *", "2024-02-29T00:00"),
        ("0 0 29 2 MON#5", "2016-02-29T00:00"),
        ("5h", "2026-11-20T05:00"),
        ("@continuous", None),
        ("@once", None),
    ],
)
def test_the_tick_before_is_the_last_that_has_passed(text: str, expected: str | None) -> None:
    found = tick_before(read_schedule(text), timezone="UTC", moment=utc("2026-11-20T08:00"))
    assert found == (expected and utc(expected))


ZONES = [
    BERLIN,
    LORD_HOWE,
    "Africa/Cairo",
    "Africa/Casablanca",  # standard time in Ramadan
    "America/Asuncion",  # changes at midnight
    "America/Caracas",  # by half an hour, once
    "America/Havana",
    "America/New_York",
    "America/Sao_Paulo",
    "America/Scoresbysund",
    "America/St_Johns",  # changed at one past midnight
    "Antarctica/Troll",  # by two hours
    "Asia/Amman",
    "Asia/Pyongyang",
    "Asia/Tehran",
    "Europe/Dublin",  # negative daylight saving in winter
    "Europe/Istanbul",
    "Pacific/Apia",  # skipped a day
    "Pacific/Auckland",
    "Pacific/Chatham",
]


@cache
def changes(timezone: str) -> tuple[datetime, ...]:
    """When the zone's clock changed or will, in UTC, to the second."""
    zone, found = ZoneInfo(timezone), []
    week, moment = timedelta(days=7), datetime(2000, 1, 1, tzinfo=UTC)
    while moment.year < 2038:
        before, after = moment, moment + week
        if offset(before, zone) != offset(after, zone):
            while after - before > timedelta(seconds=1):
                middle = before + (after - before) // 2
                if offset(middle, zone) == offset(before, zone):
                    before = middle
                else:
                    after = middle
            found.append(after.replace(microsecond=0))
        moment += week
    return tuple(found)


def offset(moment: datetime, zone: ZoneInfo) -> timedelta | None:
    return moment.astimezone(zone).utcoffset()


def test_the_changes_are_found() -> None:
    assert utc("2026-03-29T01:00") in changes(BERLIN)
    assert utc("2011-12-30T10:00") in changes("Pacific/Apia")
    assert len(changes(BERLIN)) == 2 * 38
    assert sum(len(changes(zone)) for zone in ZONES) > 1000


AROUND = [  # schedule, hours looked at before and after a change, the longest wait
    ("@hourly", 4, HOUR),
    ("*/20 0-3 * * *", 4, 23 * HOUR),
    ("0,30 0,2 * * *", 14, 24 * HOUR),
    ("90m", 4, 90 * MINUTE),
    ("1d", 30, DAY),
]


@pytest.mark.parametrize("timezone", ZONES)
def test_ticks_are_the_same_from_wherever_they_are_looked_for(timezone: str) -> None:
    for change in changes(timezone):
        for text, hours, longest in AROUND:
            schedule, reach = read_schedule(text), hours * HOUR
            from_before = ticks(schedule, timezone=timezone, start=change - reach)
            found = list(takewhile(lambda tick: tick <= change + reach, from_before))  # noqa: B023
            assert found == sorted(set(found)), (change, text)
            after = [tick for tick in found if tick >= change]
            from_change = ticks(schedule, timezone=timezone, start=change)
            assert list(islice(from_change, len(after))) == after, (change, text)
            assert all(two - one <= longest for one, two in pairwise(found)), (change, text)


@st.composite
def lines(draw: st.DrawFn) -> tuple[str, set[int], set[int]]:
    """A cron line that names minutes and hours, with both."""
    minutes = draw(st.sets(st.sampled_from(range(0, 60, 5)), min_size=1, max_size=4))
    hours = draw(st.sets(st.integers(0, 23), min_size=6, max_size=23))
    return f"{','.join(map(str, sorted(minutes)))} {','.join(map(str, sorted(hours)))} * * *", minutes, hours


@given(st.sampled_from([(zone, change) for zone in ZONES for change in changes(zone)]), lines())
def test_a_wall_clock_line_fires_as_reading_the_clock_minute_by_minute_says(
    where: tuple[str, datetime], line: tuple[str, set[int], set[int]]
) -> None:
    timezone, change = where
    zone, (text, minutes, hours) = ZoneInfo(timezone), line
    reach = 3 * HOUR
    moments = [change.replace(second=0) + number * MINUTE for number in range(-360, 361)]
    shown = {moment.astimezone(zone).replace(tzinfo=None): moment for moment in moments}  # the second wins
    first, last = min(shown), max(shown)
    before = offset(change - MINUTE, zone) or timedelta()
    expected, reading = set(), first
    while reading <= last:
        if reading.minute in minutes and reading.hour in hours:
            expected.add(shown.get(reading) or (reading - before).replace(tzinfo=UTC))
        reading += MINUTE
    found = ticks(read_schedule(text), timezone=timezone, start=change - reach)
    got = list(takewhile(lambda tick: tick <= change + reach, found))
    assert got == sorted(tick for tick in expected if change - reach <= tick <= change + reach)


@given(st.sampled_from([(zone, change) for zone in ZONES for change in changes(zone)]), st.integers(0, 59))
def test_a_line_of_every_hour_fires_whenever_the_clock_shows_its_minute(
    where: tuple[str, datetime], minute: int
) -> None:
    timezone, change = where
    zone, reach = ZoneInfo(timezone), 3 * HOUR
    found = ticks(read_schedule(f"{minute} * * * *"), timezone=timezone, start=change - reach)
    got = list(takewhile(lambda tick: tick <= change + reach, found))
    moments = [change.replace(second=0) + number * MINUTE for number in range(-180, 181)]
    shown = {moment for moment in moments if moment.astimezone(zone).minute == minute}
    assert shown <= set(got)
    assert all(two - one <= HOUR for one, two in pairwise(got)), "no hour without a run"
