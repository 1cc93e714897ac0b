"""Timetables: from a schedule to the data intervals of its runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from nbflow.model.run import Interval
from nbflow.model.schedule import Cron, Every, Schedule, read_schedule

if TYPE_CHECKING:
    from collections.abc import Iterator


def ticks(
    schedule: Schedule, *, timezone: str, start: datetime, anchor: datetime | None = None
) -> Iterator[datetime]:
    """The schedule's ticks from `start` on (inclusive, aware), in UTC, without end.

    Args:
        schedule: of the DAG.
        timezone: of the DAG.
        start: the first tick is at or after it.
        anchor: the DAG's start date, which a duration is aligned to; None: midnight of 2000-01-01 in
            the zone.
    """
    start = start.astimezone(UTC)
    match schedule:
        case Every(step=step):
            origin = _origin(anchor, timezone)
            tick = origin - ((origin - start) // step) * step
            while True:
                yield tick
                tick += step
        case Cron():
            zone = ZoneInfo(timezone)
            moment = start - timedelta(microseconds=1)
            while True:
                moment = schedule.next_after(moment, zone)
                yield moment


def intervals(
    schedule: Schedule, *, timezone: str, start: datetime, last: datetime, anchor: datetime | None = None
) -> list[Interval]:
    """The data intervals that start in `start` to `last`, both inclusive and aware, in order.

    `anchor` as for `ticks`.
    """
    edges = pairwise(ticks(schedule, timezone=timezone, start=start, anchor=anchor))
    inside = takewhile(lambda pair: pair[0] <= last, edges)
    return [Interval(logical_date=begin, start=begin, end=end, due=end) for begin, end in inside]


def days(*, timezone: str, start: datetime, last: datetime) -> list[Interval]:
    """One interval for each local day: what a DAG without schedule is backfilled by."""
    return intervals(read_schedule("@daily"), timezone=timezone, start=start, last=last)


def latest_complete(schedule: Schedule, *, timezone: str, now: datetime, anchor: datetime | None) -> Interval:
    """The latest interval that has ended by `now`.

    Args:
        schedule: of the DAG.
        timezone: of the DAG.
        now: aware.
        anchor: as for `ticks`.
    """
    match schedule:
        case Every(step=step):
            origin = _origin(anchor, timezone)
            start = origin + ((now - origin) // step - 1) * step
            return Interval(logical_date=start, start=start, end=start + step, due=start + step)
        case Cron():
            back = timedelta(days=2)
            while True:  # look back further until two ticks have passed: cron lines can be rare
                found = intervals(schedule, timezone=timezone, start=now - back, last=now)
                complete = [interval for interval in found if interval.end <= now]
                if complete:
                    return complete[-1]
                back *= 8


def _origin(anchor: datetime | None, timezone: str) -> datetime:
    """Where durations are counted from; in UTC, because they are elapsed time."""
    return (anchor or datetime(2000, 1, 1, tzinfo=ZoneInfo(timezone))).astimezone(UTC)
