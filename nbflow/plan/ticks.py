"""Ticks: the instants a schedule names, across changes of the clock.

A tick is the same one from wherever it is looked for: `ticks` from a later start is the rest of `ticks`
from an earlier one.
"""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from itertools import takewhile
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from nbflow.model.schedule import Continuous, Cron, Every, Once, Schedule

if TYPE_CHECKING:
    from collections.abc import Iterator

_INSTANT = timedelta(microseconds=1)
_HOUR = timedelta(hours=1)
# No clock is ever put forward or back by more than a day (Pacific/Apia, 30 December 2011).
_AROUND = timedelta(hours=26)
_FIRST_YEAR, _LAST_YEAR = 1900, 9990  # datetime ends with 9999


def ticks(
    schedule: Schedule, *, timezone: str, start: datetime, anchor: datetime | None = None
) -> Iterator[datetime]:
    """The schedule's ticks from `start` on (inclusive, aware), in order, in UTC.

    Cron lines and durations go on without end, `@once` has the one tick at its anchor, `@continuous` none:
    its runs begin when others end.

    Args:
        schedule: of the DAG.
        timezone: of the DAG.
        start: the first tick is at or after it.
        anchor: the DAG's start date, which a duration is aligned to; None: midnight of 2000-01-01 in
            the zone.
    """
    start = start.astimezone(UTC)
    match schedule:
        case Cron():
            yield from _cron_ticks(schedule, ZoneInfo(timezone), start)
        case Every(step=step):
            origin = _origin(anchor, timezone)
            tick = origin - ((origin - start) // step) * step
            while tick.year < _LAST_YEAR:
                yield tick
                tick += step
        case Once():
            if anchor is not None and anchor >= start:
                yield anchor.astimezone(UTC)
        case Continuous():
            return


def tick_before(
    schedule: Schedule, *, timezone: str, moment: datetime, anchor: datetime | None = None
) -> datetime | None:
    """The last tick at or before `moment` (aware), in UTC; None where there is none since 1900.

    The other arguments are those of `ticks`.
    """
    match schedule:
        case Cron():
            back = timedelta(minutes=2)  # cron lines can be rare: look back further until a tick has passed
            while (start := moment - back).year >= _FIRST_YEAR:
                found = ticks(schedule, timezone=timezone, start=start)
                if last := deque(takewhile(lambda tick: tick <= moment, found), maxlen=1):
                    return last[0]
                back *= 8
            return None
        case Every(step=step):
            origin = _origin(anchor, timezone)
            return origin + ((moment - origin) // step) * step
        case Once():
            return anchor.astimezone(UTC) if anchor is not None and anchor <= moment else None
        case Continuous():
            return None


def _origin(anchor: datetime | None, timezone: str) -> datetime:
    """Where durations are counted from; in UTC, because they are elapsed time."""
    return (anchor or datetime(2000, 1, 1, tzinfo=ZoneInfo(timezone))).astimezone(UTC)


def _cron_ticks(cron: Cron, zone: ZoneInfo, start: datetime) -> Iterator[datetime]:
    """Wall-clock times in their order, as instants in theirs.

    The orders differ around a change: 02:20, which the clock skips, comes after 02:30 where it is put
    forward by half an hour. So an instant waits until no later wall-clock time can come before it.
    """
    from croniter import croniter  # a run without a schedule doesn't need it

    lowest = (start + min(_offsets(start, zone))).replace(tzinfo=None)
    clock = croniter(cron.line, lowest - _INSTANT)
    waiting: list[datetime] = []
    last = start - _INSTANT
    while (naive := clock.get_next(datetime)).year < _LAST_YEAR:
        for instant in _instants(naive, zone, elapsed=cron.elapsed):
            heappush(waiting, instant)
        while waiting and (waiting[0] + max(_offsets(waiting[0], zone))).replace(tzinfo=None) <= naive:
            tick = heappop(waiting)
            if tick > last:
                yield tick
                last = tick


def _instants(naive: datetime, zone: ZoneInfo, *, elapsed: bool) -> tuple[datetime, ...]:
    """What a wall-clock time stands for, in UTC (semantics.md, DST).

    A time that is skipped keeps the offset from before. One that occurs twice stands for the second,
    and for both where the line steps in elapsed time.
    """
    first, second = (naive.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first > second:  # skipped: fold 0 reads it by the offset from before, which is the later instant
        return (first,)
    if first < second:
        return (first, second) if elapsed else (second,)
    if elapsed:
        # Lord Howe's clock goes back by half an hour only: one hour after 01:00 it shows 01:30, not 02:00
        # or 01:00 again. What is left of that hour on the old clock still counts.
        back = _offset(first - _HOUR, zone) - _offset(first, zone)
        if timedelta() < back < _HOUR and _offset(first - back, zone) == _offset(first, zone):
            return (first - back, first)
    return (first,)


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


def _offsets(moment: datetime, zone: ZoneInfo) -> tuple[timedelta, ...]:
    """The zone's offsets from UTC shortly before, at and shortly after a moment."""
    return tuple(_offset(near, zone) for near in (moment - _AROUND, moment, moment + _AROUND))
