"""Dates as people type them, and the intervals they name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from nbflow.errors import DateError
from nbflow.model.dag import DagSpec, TimetableKind
from nbflow.service.dates import interval_range, one_interval, read_date, timetable_of, with_start

NOW = datetime(2026, 11, 20, 3, 30, tzinfo=UTC)
BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"


@dataclass(frozen=True)
class Typed:
    name: str
    text: str
    first: str  # UTC
    length: timedelta = timedelta(days=1)
    timezone: str = "UTC"


INSTANT = timedelta()
TYPED = [
    Typed("a date is a day of the DAG's zone", "2026-02-17", "2026-02-16T23:00", timezone=BERLIN),
    Typed("a time is an instant of the DAG's zone", "2026-02-17T06:00", "2026-02-17T05:00", INSTANT, BERLIN),
    Typed("an offset wins over the zone", "2026-02-17T06:00+09:00", "2026-02-16T21:00", INSTANT, BERLIN),
    Typed("Z is UTC", "2026-02-17T06:00:00Z", "2026-02-17T06:00", INSTANT, BERLIN),
    Typed("today is the zone's day", "today", "2026-11-19T05:00", timezone=NEW_YORK),
    Typed("yesterday", "Yesterday", "2026-11-18T05:00", timezone=NEW_YORK),
    Typed("days back", "-14d", "2026-11-06T00:00"),
    Typed("days back, in words", " today-14d ", "2026-11-06T00:00"),
    Typed("now", "now", "2026-11-20T03:30", INSTANT),
    Typed("a day of 23 hours", "2026-03-29", "2026-03-28T23:00", timedelta(hours=23), BERLIN),
    Typed("a day of 25 hours", "2026-10-25", "2026-10-24T22:00", timedelta(hours=25), BERLIN),
]


@pytest.mark.parametrize("case", TYPED, ids=lambda case: case.name)
def test_a_date_is_read(case: Typed) -> None:
    found = read_date(case.text, timezone=case.timezone, now=NOW)
    first = datetime.fromisoformat(case.first).replace(tzinfo=UTC)
    assert found.at == first
    instant = found.last.astimezone(UTC) - first
    assert instant == (case.length - timedelta(microseconds=1) if case.length else case.length)


@pytest.mark.parametrize("text", ["", "tomorow", "2026-13-01", "17.2.2026", "-14", "-9999999d", "2026-02-30"])
def test_what_is_no_date_is_refused_with_the_ways_to_write_one(text: str) -> None:
    with pytest.raises(DateError, match=r"Write 2026-11-20 or .*Europe/Berlin, the DAG's zone.*-14d"):
        read_date(text, timezone=BERLIN, now=NOW)


def dag(
    schedule: str | None, *, timezone: str = "UTC", start: str = "", end: str = "", trigger: bool = False
) -> DagSpec:
    def bound(text: str) -> datetime | None:
        return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(timezone)) if text else None

    return DagSpec(
        dag_id="d",
        schedule=schedule,
        timetable=TimetableKind.TRIGGER if trigger else TimetableKind.INTERVAL,
        timezone=timezone,
        start_date=bound(start),
        end_date=bound(end),
    )


@dataclass(frozen=True)
class One:
    name: str
    dag: DagSpec
    text: str | None
    start: str  # in the DAG's zone
    end: str


ONE = [
    One("the interval that starts on the date", dag("0 6 * * *"), "2026-02-17", "02-17T06", "02-18T06"),
    One("the first of several", dag("@hourly"), "2026-02-17", "02-17T00", "02-17T01"),
    One("the one at that time", dag("@hourly"), "2026-02-17T05:00", "02-17T05", "02-17T06"),
    One("no date: the latest complete", dag("@daily"), None, "11-19T00", "11-20T00"),
    One("no date: in the DAG's zone", dag("@daily", timezone=NEW_YORK), None, "11-18T00", "11-19T00"),
    One(
        "no date: the last of a DAG that has ended",
        dag("@daily", end="2026-10-31"),
        None,
        "10-31T00",
        "11-01T00",
    ),
    One(
        "no date: the last that begins before the end",
        dag("0 6 * * *", end="2026-10-31T05:00"),
        None,
        "10-30T06",
        "10-31T06",
    ),
    One("no date: an end yet to come", dag("@daily", end="2026-12-31"), None, "11-19T00", "11-20T00"),
    One("a duration stays aligned", dag("2d", start="2026-01-01"), "2026-01-03", "01-03T00", "01-05T00"),
    One("without schedule a date is a day", dag(None, timezone=BERLIN), "2026-03-29", "03-29T00", "03-30T00"),
    One("without schedule a time is an instant", dag(None), "2026-03-29T05:00", "03-29T05", "03-29T05"),
    One("without schedule and date: now", dag(None), None, "11-20T03:30", "11-20T03:30"),
    One(
        "trigger: the tick on the date", dag("0 6 * * *", trigger=True), "2026-02-17", "02-17T06", "02-17T06"
    ),
    One("trigger: the latest tick", dag("0 3 * * *", trigger=True), None, "11-20T03", "11-20T03"),
    One(
        "trigger: a duration",
        dag("2d", start="2026-01-01", trigger=True),
        "2026-01-03",
        "01-03T00",
        "01-03T00",
    ),
    One(
        "trigger: without schedule a date is a day",
        dag(None, trigger=True),
        "2026-02-17",
        "02-17T00",
        "02-18T00",
    ),
    One("once: its start date", dag("@once", start="2026-02-17T06:00"), None, "02-17T06", "02-17T06"),
    One(
        "once: a date names it", dag("@once", start="2026-02-17T06:00"), "2026-02-17", "02-17T06", "02-17T06"
    ),
    One("once without start date: now", dag("@once"), None, "11-20T03:30", "11-20T03:30"),
    One("once without start date: a date is a day", dag("@once"), "2026-02-17", "02-17T00", "02-18T00"),
    One("continuous: now", dag("@continuous", start="2026-02-17"), None, "11-20T03:30", "11-20T03:30"),
    One(
        "continuous: a date is a day",
        dag("@continuous", start="2026-02-17"),
        "2026-03-01",
        "03-01T00",
        "03-02T00",
    ),
    One("continuous: a time is an instant", dag("@continuous"), "2026-03-01T05:00", "03-01T05", "03-01T05"),
]


@pytest.mark.parametrize("case", ONE, ids=lambda case: case.name)
def test_a_single_run_is_about(case: One) -> None:
    zone = ZoneInfo(case.dag.timezone)
    moment = None if case.text is None else read_date(case.text, timezone=case.dag.timezone, now=NOW)
    found = one_interval(case.dag, moment, now=NOW)
    assert found.start == datetime.fromisoformat(f"2026-{case.start}").replace(tzinfo=zone)
    assert found.end == datetime.fromisoformat(f"2026-{case.end}").replace(tzinfo=zone)
    assert found.logical_date == found.start


@dataclass(frozen=True)
class Refused:
    name: str
    dag: DagSpec
    first: str
    last: str | None  # None: a single date
    message: str


REFUSED = [
    Refused("the wrong way round", dag("@daily"), "2026-02-02", "2026-02-01", r"end date 2026-02-01 is before.*swap"),
    Refused("nothing starts", dag("@weekly"), "2026-11-16", None, r"'@weekly' starts on .*next one starts at 2026-11-22"),
    Refused("misaligned", dag("2d", start="2026-01-01"), "2026-01-02", None, r"next one starts at 2026-01-03"),
    Refused("nothing in five minutes", dag("*/5 * * * *"), "2026-11-16T00:03", None, r"next one starts at 2026-11-16 00:05"),
    Refused("nothing left", dag("@weekly", end="2026-11-20"), "2026-11-16", "2026-11-18", r"no later one"),
    Refused("not ended", dag("@daily"), "today", "2026-12-24", r"2026-11-20 to 2026-11-21 has not ended"),
    Refused("trigger: nothing ticks", dag("0 6 * * MON", trigger=True), "2026-11-17", None, r"no run of schedule '0 6 \* \* MON' starts on 2026-11-17; the next one starts at 2026-11-23 06:00 UTC"),
    Refused("trigger: to come", dag("0 6 * * *", trigger=True), "today", "2026-11-24", r"2026-11-20 06:00 UTC is still to come"),
    Refused("once: another date", dag("@once", start="2026-02-17"), "2026-02-18", None, r"no data interval of schedule '@once' starts on 2026-02-18; the DAG has no later one"),
    Refused("once: an earlier date", dag("@once", start="2026-02-17"), "2026-02-16", None, r"2026-02-16 lies outside"),
    Refused("not begun", dag("@weekly"), "2026-11-21", "2026-12-24", r"2026-11-22 to 2026-11-29 has not ended"),
    Refused("before the start date", dag("@daily", start="2026-01-01"), "2025-12-31", None, r"2025-12-31 lies outside"),
    Refused("after the end date", dag("@daily", end="2026-01-31"), "2026-02-01", "2026-02-03", r"2026-02-01 lies outside"),
    Refused("a year nobody has", dag("@daily"), "0001-01-01", "2026-01-01", r"the date 0001-01-01.* is out of reach"),
    Refused("a year to come", dag("@daily"), "9999-01-01", "9999-12-31", r"the date 9999-01-01.* is out of reach"),
]  # fmt: skip


def intervals_of(case: Refused) -> None:
    first = read_date(case.first, timezone="UTC", now=NOW)
    if case.last is None:
        one_interval(case.dag, first, now=NOW)
    else:
        interval_range(case.dag, first, read_date(case.last, timezone="UTC", now=NOW), now=NOW)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_dates_without_an_interval_are_refused(case: Refused) -> None:
    with pytest.raises(DateError, match=case.message):
        intervals_of(case)


def test_a_dag_that_has_not_begun_has_no_latest_interval() -> None:
    with pytest.raises(DateError, match=r"d has no interval that has ended: its start_date is 2027-01-01"):
        one_interval(dag("@daily", start="2027-01-01"), None, now=NOW)


def test_a_range_is_cut_to_the_bounds_and_to_what_has_ended() -> None:
    first, last = (read_date(text, timezone="UTC", now=NOW) for text in ("2026-11-01", "2026-12-31"))
    found, left_out = interval_range(dag("@daily", start="2026-11-17"), first, last, now=NOW)
    assert [interval.start.day for interval in found] == [17, 18, 19]
    assert left_out == 1, "today has begun"


@pytest.mark.parametrize(
    "spec", [dag("@once", start="2027-01-01"), dag("0 0 1 1 *", start="2026-11-01", trigger=True)], ids=str
)
def test_a_run_about_a_moment_to_come_is_refused(spec: DagSpec) -> None:
    with pytest.raises(DateError, match="2027-01-01 is still to come"):
        one_interval(spec, None, now=NOW)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (dag("0 6 * * *", trigger=True), ["11-17T06/11-17T06", "11-18T06/11-18T06"]),
        (dag("@once", start="2026-11-17T06:00"), ["11-17T06/11-17T06"]),
        (dag("@once"), ["11-17T00/11-18T00", "11-18T00/11-19T00"]),
        (dag("@continuous", start="2026-11-18"), ["11-18T00/11-19T00"]),
        (dag(None), ["11-17T00/11-18T00", "11-18T00/11-19T00"]),
    ],
    ids=["trigger", "once", "once without start date", "continuous", "none"],
)
def test_a_range_has_the_runs_of_the_timetable_or_one_a_day(spec: DagSpec, expected: list[str]) -> None:
    first, last = (read_date(text, timezone="UTC", now=NOW) for text in ("2026-11-17", "2026-11-18"))
    found, left_out = interval_range(spec, first, last, now=NOW)
    assert [f"{one.start:%m-%dT%H}/{one.end:%m-%dT%H}" for one in found] == expected
    assert left_out == 0


def test_a_relative_start_date_is_what_it_was_at_first_and_before_that_as_seen_from_now() -> None:
    relative = replace(dag("@daily"), start_ago=timedelta(days=3))
    pinned = datetime(2026, 1, 1, tzinfo=UTC)
    assert with_start(relative, pinned, now=NOW).start_date == pinned
    assert with_start(relative, None, now=NOW).start_date == datetime(2026, 11, 17, tzinfo=UTC)
    absolute = dag("@daily", start="2026-02-02")
    assert with_start(absolute, pinned, now=NOW) is absolute
    assert timetable_of(with_start(relative, pinned, now=NOW)).start_date == pinned
