"""Timetables: each row of semantics.md, Time, that says when runs are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbflow.errors import DateError
from nbflow.model.dag import TimetableKind
from nbflow.model.run import Interval
from nbflow.model.schedule import read_schedule
from nbflow.plan.timetable import Timetable, intervals, latest_complete, starting, superseded_at, upcoming

BERLIN = "Europe/Berlin"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def utc(text: str) -> datetime:
    """`2026-11-20`, `2026-11-20T06:00`, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def interval(start: str, end: str = "") -> Interval:
    """From start to end; without an end, a tick."""
    begin, finish = utc(start), utc(end or start)
    return Interval(logical_date=begin, start=begin, end=finish, due=finish)


def written(found: list[Interval]) -> list[str]:
    """`11-20T00:00/11-21T00:00`, in UTC."""
    return [f"{one.start:%m-%dT%H:%M}/{one.end:%m-%dT%H:%M}" for one in found]


NOW = "2026-11-20T08:30"


@dataclass(frozen=True)
class Case:
    name: str
    schedule: str | timedelta | None
    expected: list[str]  # of 2026, UTC
    start: str | None = None
    end: str | None = None
    catchup: bool = False
    last: Interval | None = None
    kind: str = "interval"
    timezone: str = "UTC"
    now: str = NOW
    count: int = 2


FIRST_WITH_CATCHUP = [
    Case(
        "the first tick at start_date",
        "@daily",
        ["11-01T00:00/11-02T00:00", "11-02T00:00/11-03T00:00"],
        start="2026-11-01",
        catchup=True,
    ),
    Case(
        "the first tick after start_date",
        "@daily",
        ["11-02T00:00/11-03T00:00", "11-03T00:00/11-04T00:00"],
        start="2026-11-01T00:01",
        catchup=True,
    ),
    Case(
        "a duration begins at start_date itself",
        "6h",
        ["11-01T01:23/11-01T07:23", "11-01T07:23/11-01T13:23"],
        start="2026-11-01T01:23",
        catchup=True,
    ),
    Case(
        "a timedelta is a duration",
        timedelta(hours=6),
        ["11-01T01:23/11-01T07:23", "11-01T07:23/11-01T13:23"],
        start="2026-11-01T01:23",
        catchup=True,
    ),
    Case(
        "a start_date to come",
        "@weekly",
        ["12-06T00:00/12-13T00:00", "12-13T00:00/12-20T00:00"],
        start="2026-12-01",
        catchup=True,
    ),
    Case(
        "without a start_date there is nothing to catch up from",
        "@daily",
        ["11-19T00:00/11-20T00:00", "11-20T00:00/11-21T00:00"],
        catchup=True,
    ),
]

FIRST_WITHOUT_CATCHUP = [
    Case(
        "only the latest interval that has ended",
        "@daily",
        ["11-19T00:00/11-20T00:00", "11-20T00:00/11-21T00:00"],
        start="2026-11-01",
    ),
    Case(
        "one that ends now has ended",
        "@daily",
        ["11-19T00:00/11-20T00:00", "11-20T00:00/11-21T00:00"],
        start="2026-11-01",
        now="2026-11-20",
    ),
    Case(
        "one that ends in a moment has not",
        "@daily",
        ["11-18T00:00/11-19T00:00", "11-19T00:00/11-20T00:00"],
        start="2026-11-01",
        now="2026-11-19T23:59:59",
    ),
    Case(
        "never before the aligned start_date",
        "@daily",
        ["11-20T00:00/11-21T00:00", "11-21T00:00/11-22T00:00"],
        start="2026-11-19T06:00",
    ),
    Case("a start_date to come", "@daily", ["12-02T00:00/12-03T00:00"], start="2026-12-01T12:00", count=1),
    Case(
        "a duration stays aligned to start_date",
        "6h",
        ["11-20T01:23/11-20T07:23", "11-20T07:23/11-20T13:23"],
        start="2026-11-01T01:23",
    ),
    Case("a weekly one", "0 6 * * MON", ["11-09T06:00/11-16T06:00"], start="2026-01-01", count=1),
    Case("a rare one", "0 0 29 2 *", ["02-29T00:00/02-29T00:00"], start="2016-01-01", count=1),
    Case("no start_date", "@hourly", ["11-20T07:00/11-20T08:00"], count=1),
    Case(
        "on the clock of the DAG's zone",
        "@daily",
        ["11-18T23:00/11-19T23:00", "11-19T23:00/11-20T23:00"],
        timezone=BERLIN,
    ),
]

FOLLOWING = [
    Case(
        "catchup goes on in order",
        "@daily",
        ["11-11T00:00/11-12T00:00", "11-12T00:00/11-13T00:00"],
        start="2026-11-01",
        catchup=True,
        last=interval("2026-11-10", "2026-11-11"),
    ),
    Case(
        "catchup goes on without a start_date too",
        "@daily",
        ["11-11T00:00/11-12T00:00"],
        catchup=True,
        last=interval("2026-11-10", "2026-11-11"),
        count=1,
    ),
    Case(
        "without catchup those that were missed are passed over",
        "@daily",
        ["11-19T00:00/11-20T00:00", "11-20T00:00/11-21T00:00"],
        start="2026-11-01",
        last=interval("2026-11-10", "2026-11-11"),
    ),
    Case(
        "without catchup the one after the latest is to come",
        "@daily",
        ["11-20T00:00/11-21T00:00", "11-21T00:00/11-22T00:00"],
        start="2026-11-01",
        last=interval("2026-11-19", "2026-11-20"),
    ),
    Case(
        "start_date has been moved forward",
        "@daily",
        ["11-15T00:00/11-16T00:00"],
        start="2026-11-15",
        catchup=True,
        last=interval("2026-11-10", "2026-11-11"),
        count=1,
    ),
    Case(
        "the schedule was another: no data is left out",
        "0 6 * * *",
        ["11-10T06:00/11-11T06:00", "11-11T06:00/11-12T06:00"],
        start="2026-11-01",
        catchup=True,
        last=interval("2026-11-10", "2026-11-11"),
    ),
    Case(
        "the schedule was shorter: no interval starts before the last one did",
        "@weekly",
        ["11-15T00:00/11-22T00:00"],
        start="2026-11-01",
        catchup=True,
        last=interval("2026-11-10", "2026-11-11"),
        count=1,
    ),
]

ENDING = [
    Case(
        "end_date counts for the start of the interval, and is inclusive",
        "@daily",
        ["11-19T00:00/11-20T00:00", "11-20T00:00/11-21T00:00"],
        start="2026-11-19",
        end="2026-11-20",
        catchup=True,
        count=9,
    ),
    Case("nothing after it", "@daily", [], start="2026-11-01", end="2026-11-10", count=9),
    Case(
        "nothing after the last",
        "@daily",
        [],
        start="2026-11-01",
        end="2026-11-10",
        catchup=True,
        last=interval("2026-11-10", "2026-11-11"),
    ),
    Case("ends before it starts", "@daily", [], start="2026-11-10", end="2026-11-01", catchup=True),
    Case("once", "@once", [], start="2026-11-10", end="2026-11-01"),
    Case("continuous", "@continuous", [], end="2026-11-10", last=interval("2026-11-10", "2026-11-11")),
]

TRIGGER = [
    Case(
        "catchup: from the first tick on",
        "0 6 * * *",
        ["11-02T06:00/11-02T06:00", "11-03T06:00/11-03T06:00"],
        start="2026-11-01T07:00",
        catchup=True,
        kind="trigger",
    ),
    Case(
        "no catchup: the latest tick",
        "0 6 * * *",
        ["11-20T06:00/11-20T06:00", "11-21T06:00/11-21T06:00"],
        start="2026-11-01",
        kind="trigger",
    ),
    Case(
        "after the last",
        "0 6 * * *",
        ["11-21T06:00/11-21T06:00"],
        last=interval("2026-11-20T06:00"),
        kind="trigger",
        count=1,
    ),
    Case(
        "a duration",
        "6h",
        ["11-20T07:23/11-20T07:23", "11-20T13:23/11-20T13:23"],
        start="2026-11-01T01:23",
        kind="trigger",
    ),
    Case(
        "end_date is inclusive",
        "0 6 * * *",
        ["11-20T06:00/11-20T06:00"],
        end="2026-11-20T06:00",
        kind="trigger",
        count=9,
    ),
]

ONCE = [
    Case("at start_date", "@once", ["11-01T00:00/11-01T00:00"], start="2026-11-01", count=9),
    Case("whatever catchup says", "@once", ["11-01T00:00/11-01T00:00"], start="2026-11-01", catchup=True),
    Case("also one to come", "@once", ["12-01T00:00/12-01T00:00"], start="2026-12-01", count=9),
    Case("else now", "@once", ["11-20T08:30/11-20T08:30"], count=9),
    Case("not again", "@once", [], start="2026-11-01", last=interval("2026-11-01")),
]

CONTINUOUS = [
    Case("from start_date to now", "@continuous", ["11-01T00:00/11-20T08:30"], start="2026-11-01", count=9),
    Case(
        "from where the last ended to now",
        "@continuous",
        ["11-20T08:00/11-20T08:30"],
        start="2026-11-01",
        last=interval("2026-11-01", "2026-11-20T08:00"),
        count=9,
    ),
    Case(
        "none while the last has not ended",
        "@continuous",
        [],
        last=interval("2026-11-20T08:00", "2026-11-20T09:00"),
    ),
    Case(
        "trigger: now",
        "@continuous",
        ["11-20T08:30/11-20T08:30"],
        last=interval("2026-11-20T08:00"),
        kind="trigger",
    ),
    Case("trigger: a start_date to come", "@continuous", ["12-01T00:00/12-01T00:00"], start="2026-12-01", kind="trigger"),
]  # fmt: skip

NONE = [Case("no schedule", None, [], start="2026-11-01", catchup=True)]

GROUPS = {
    "first run, catchup": FIRST_WITH_CATCHUP,
    "first run, no catchup": FIRST_WITHOUT_CATCHUP,
    "following": FOLLOWING,
    "end_date": ENDING,
    "trigger": TRIGGER,
    "once": ONCE,
    "continuous": CONTINUOUS,
    "none": NONE,
}


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=f"{group}: {case.name}") for group, cases in GROUPS.items() for case in cases],
)
def test_upcoming_answers_as_the_table_says(case: Case) -> None:
    found = upcoming(
        case.schedule,
        timezone=case.timezone,
        kind=case.kind,
        start_date=utc(case.start) if case.start else None,
        end_date=utc(case.end) if case.end else None,
        catchup=case.catchup,
        now=utc(case.now),
        last=case.last,
        count=case.count,
    )
    assert written(found) == case.expected
    for one in found:
        assert one.logical_date == one.start
        assert one.due == one.end


def test_the_rare_one_is_that_of_the_right_year() -> None:
    (found,) = upcoming(
        "0 0 29 2 *", timezone="UTC", start_date=utc("2016-01-01"), catchup=False, now=utc(NOW)
    )
    assert (found.start, found.end) == (utc("2020-02-29"), utc("2024-02-29"))


def test_a_schedule_that_was_read_already_is_taken() -> None:
    both = [
        upcoming(schedule, timezone="UTC", start_date=None, catchup=False, now=utc(NOW), count=3)
        for schedule in ("6h", read_schedule("6h"))
    ]
    assert both[0] == both[1]


@pytest.mark.parametrize(
    "start", ["2026-11-20T08:30", "2026-11-20T08:29:59.500", "2026-11-20T08:00", "2027-01-01", None]
)
@pytest.mark.parametrize("kind", TimetableKind)
def test_continuous_intervals_follow_one_another_with_dates_of_their_own(
    start: str | None, kind: TimetableKind
) -> None:
    now, last, dates = utc(NOW), None, []
    for _ in range(4):
        found = upcoming(
            "@continuous",
            timezone="UTC",
            kind=kind,
            start_date=utc(start) if start else None,
            catchup=False,
            now=now,
            last=last,
        )
        assert len(found) == 1
        if last is not None and kind is TimetableKind.INTERVAL:
            assert found[0].start == last.end
        last = found[0]
        dates.append(last.logical_date)
        now = max(now, last.end)
    assert len(set(dates)) == 4
    assert dates == sorted(dates)


BAD = ["@dialy", "0 0 30 2 *", "*/100 * * * *", "0 */25 * * *", "61 * * * *", "tomorrow", timedelta(0), -DAY]


@pytest.mark.parametrize("schedule", BAD, ids=str)
def test_a_bad_schedule_is_refused_at_once(schedule: str | timedelta) -> None:
    with pytest.raises(DateError, match="Write a cron line of 5 fields"):
        upcoming(schedule, timezone="UTC", start_date=utc("2026-01-01"), catchup=True, now=utc(NOW), count=0)


@pytest.mark.parametrize("name", ["start_date", "end_date", "now"])
def test_a_naive_date_is_refused_with_the_zone_to_write(name: str) -> None:
    dates = {"start_date": utc("2026-01-01"), "end_date": None, "now": utc(NOW)}
    dates[name] = datetime(2026, 7, 17, 6)
    with pytest.raises(
        DateError, match=rf"{name} 2026-07-17T06:00:00 has no .* write 2026-07-17T06:00:00\+02:00"
    ):
        upcoming("@daily", timezone=BERLIN, catchup=True, **dates)  # type: ignore[arg-type]


def test_a_zone_that_is_none_and_a_date_out_of_reach_are_refused() -> None:
    with pytest.raises(DateError, match="'Berlin' is no time zone; write an IANA name"):
        upcoming("@daily", timezone="Berlin", start_date=None, catchup=True, now=utc(NOW))
    with pytest.raises(DateError, match=r"start_date 0001-01-01.* out of reach"):
        upcoming(
            "@daily", timezone="UTC", start_date=datetime.min.replace(tzinfo=UTC), catchup=True, now=utc(NOW)
        )


SCHEDULES = ["@daily", "@hourly", "@weekly", "30 2 * * *", "0 6 * * 1-5", "*/20 * * * *", "0 */5 * * *", "0 0 L * *", "90m", "1d", "7h"]  # fmt: skip
ZONES = ["UTC", BERLIN, "America/New_York", "Asia/Seoul", "Asia/Kolkata", "Australia/Lord_Howe", "America/Sao_Paulo", "Pacific/Apia"]  # fmt: skip
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC))


@given(
    st.sampled_from(SCHEDULES),
    st.sampled_from(ZONES),
    MOMENTS,
    st.timedeltas(-9 * DAY, 40 * DAY),
    st.booleans(),
)
def test_asking_for_one_after_the_other_tiles_time_and_gives_what_asking_for_all_gives(
    schedule: str, timezone: str, start: datetime, later: timedelta, catchup: bool
) -> None:
    asked = {"timezone": timezone, "start_date": start, "catchup": catchup, "now": start + later}
    together = upcoming(schedule, count=5, **asked)  # type: ignore[arg-type]
    alone: list[Interval] = []
    for _ in together:
        alone += upcoming(schedule, last=alone[-1] if alone else None, **asked)  # type: ignore[arg-type]
    assert alone == together
    assert all(one.start < one.end for one in together)
    assert all(one.end == following.start for one, following in pairwise(together))
    assert together[0].start >= start
    if not catchup and together[0].due > start + later:
        assert together[0] == upcoming(schedule, **asked | {"catchup": True})[0]  # type: ignore[arg-type]


@given(st.sampled_from(SCHEDULES), st.sampled_from(ZONES), MOMENTS, st.sampled_from(TimetableKind))
def test_the_latest_complete_interval_has_ended_and_the_next_has_not(
    schedule: str, timezone: str, now: datetime, kind: TimetableKind
) -> None:
    table = Timetable(schedule=read_schedule(schedule), timezone=timezone, kind=kind)
    found = latest_complete(table, now)
    assert found is not None
    assert found.end <= now
    one, following = islice(starting(table, found.start), 2)
    assert one == found
    assert following.end > now


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (None, None, "11-19T00:00/11-20T00:00"),
        ("2026-11-19", None, "11-19T00:00/11-20T00:00"),
        ("2026-11-19T01:00", None, None),
        (None, "2026-11-10", "11-10T00:00/11-11T00:00"),
        (None, "2026-11-10T12:00", "11-10T00:00/11-11T00:00"),
        ("2026-11-11", "2026-11-10", None),
        (None, "2026-12-10", "11-19T00:00/11-20T00:00"),
    ],
)
def test_the_latest_complete_interval_lies_within_the_dates(
    start: str | None, end: str | None, expected: str | None
) -> None:
    table = Timetable(
        schedule=read_schedule("@daily"),
        timezone="UTC",
        start_date=utc(start) if start else None,
        end_date=utc(end) if end else None,
    )
    found = latest_complete(table, utc(NOW))
    assert (written([found]) if found else None) == ([expected] if expected else None)


def test_a_day_in_the_zone_has_23_or_25_hours_where_the_clock_changes() -> None:
    table = Timetable(schedule=read_schedule("@daily"), timezone=BERLIN)
    days = [datetime(2026, month, day, tzinfo=ZoneInfo(BERLIN)) for month, day in ((3, 29), (10, 25))]
    found = [one for day in days for one in intervals(table, day, day)]
    assert [one.end - one.start for one in found] == [23 * HOUR, 25 * HOUR]


@dataclass(frozen=True)
class Superseded:
    name: str
    schedule: str | None
    interval: Interval
    expected: str | None
    kind: str = "interval"
    anchor: str | None = None
    end: str | None = None


SUPERSEDED = [
    Superseded("when the next interval ends", "@daily", interval("2026-11-10", "2026-11-11"), "2026-11-12"),
    Superseded("a duration", "6h", interval("2026-11-10T01:00", "2026-11-10T07:00"), "2026-11-10T13:00", anchor="2026-11-01T01:00"),
    Superseded("trigger: at the next tick", "@daily", interval("2026-11-10"), "2026-11-11", kind="trigger"),
    Superseded("a run by hand between ticks", "@daily", interval("2026-11-10T12:00"), "2026-11-12"),
    Superseded("not the last one", "@daily", interval("2026-11-10", "2026-11-11"), None, end="2026-11-10"),
    Superseded("not without schedule", None, interval("2026-11-10", "2026-11-11"), None),
    Superseded("not once", "@once", interval("2026-11-10"), None, anchor="2026-11-12"),
    Superseded("not continuous", "@continuous", interval("2026-11-10", "2026-11-11"), None),
]  # fmt: skip


@pytest.mark.parametrize("case", SUPERSEDED, ids=lambda case: case.name)
def test_a_run_is_superseded(case: Superseded) -> None:
    found = superseded_at(
        case.schedule,
        case.interval,
        timezone="UTC",
        kind=case.kind,
        anchor=utc(case.anchor) if case.anchor else None,
        end_date=utc(case.end) if case.end else None,
    )
    assert found == (case.expected and utc(case.expected))
