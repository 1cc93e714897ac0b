"""Schedules: from `@daily` or a cron line to data intervals. croniter evaluates cron."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from croniter import croniter

from nbflow.errors import DateError
from nbflow.model.duration import duration
from nbflow.model.run import Interval

if TYPE_CHECKING:
    from collections.abc import Iterator

PRESETS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@quarterly": "0 0 1 */3 *",
    "@yearly": "0 0 1 1 *",
}

_BAD_SCHEDULE = """\
schedule {text!r} is not understood ({why}). Write a cron line of 5 fields ("30 6 * * 1-5"; 6 with \
seconds first), one of {presets}, or a duration such as "6h" or "15m"."""


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron line, evaluated on the local wall clock.

    Attributes:
        line: as croniter reads it (seconds, if any, last).
        elapsed: whether it names every hour, so that it steps in elapsed time across DST changes.
    """

    line: str
    elapsed: bool

    def next_after(self, moment: datetime, zone: ZoneInfo) -> datetime:
        """The first tick after `moment` (aware), in UTC."""
        local = moment.astimezone(zone)
        # A tick of wall-clock time may map to the moment itself or before it, around a DST change.
        ticks = croniter(self.line, local.replace(tzinfo=None) - timedelta(hours=3))
        while True:
            naive = ticks.get_next(datetime)
            if self.elapsed:
                tick = (naive - (local.utcoffset() or timedelta())).replace(tzinfo=UTC)
            else:
                tick = _at_wall_clock(naive, zone)
            if tick > moment:
                return tick


@dataclass(frozen=True, slots=True)
class Every:
    """A duration: ticks of elapsed time, aligned to the start date."""

    step: timedelta


Schedule = Cron | Every


def read_schedule(text: str | timedelta) -> Schedule:
    """What a schedule says.

    Raises:
        DateError: it is not understood, or never occurs.
    """
    if isinstance(text, timedelta):
        if text <= timedelta():
            raise DateError(_bad(str(text), "a duration must be longer than nothing"))
        return Every(text)
    line = PRESETS.get(text.strip(), text.strip())
    if line.startswith("@"):
        raise DateError(_bad(text, "no such preset"))
    fields = line.split()
    if len(fields) == 1:
        try:
            return read_schedule(duration(line))
        except ValueError as error:
            raise DateError(_bad(text, "neither cron nor a duration")) from error
    if len(fields) not in (5, 6):
        raise DateError(_bad(text, f"cron has 5 or 6 fields, this has {len(fields)}"))
    steps = [int(step) for step in re.findall(r"/(\d+)", line)]
    if any(step == 0 or step > 59 for step in steps):
        raise DateError(_bad(text, "a step larger than its field never repeats"))
    if len(fields) == 6:  # croniter wants the seconds last
        fields = [*fields[1:], fields[0]]
    line = " ".join(fields)
    try:
        hours = croniter.expand(line)[0][1]
        croniter(line, datetime(2000, 1, 1, tzinfo=UTC)).get_next(datetime)
    except (ValueError, KeyError) as error:  # croniter's errors are ValueErrors
        raise DateError(_bad(text, str(error))) from error
    return Cron(line, elapsed="*" in hours or len(set(hours)) == 24)


def ticks(schedule: Schedule, *, timezone: str, start: datetime) -> Iterator[datetime]:
    """The schedule's ticks from `start` on (inclusive, aware), in UTC, without end.

    A duration's first tick is `start` itself.
    """
    start = start.astimezone(UTC)
    match schedule:
        case Every(step=step):
            while True:
                yield start
                start += step
        case Cron():
            zone = ZoneInfo(timezone)
            moment = start - timedelta(microseconds=1)
            while True:
                moment = schedule.next_after(moment, zone)
                yield moment


def intervals(schedule: Schedule, *, timezone: str, start: datetime, last: datetime) -> list[Interval]:
    """The data intervals that start in `start` to `last`, both inclusive and aware, in order."""
    edges = pairwise(ticks(schedule, timezone=timezone, start=start))
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
        anchor: the DAG's start date, which a duration is aligned to; None: 2000-01-01 in the zone.
    """
    match schedule:
        case Every(step=step):
            origin = anchor or datetime(2000, 1, 1, tzinfo=ZoneInfo(timezone))
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


def _at_wall_clock(naive: datetime, zone: ZoneInfo) -> datetime:
    """A local time in UTC: one that is skipped keeps the offset from before, one that occurs twice is
    taken at its second occurrence (semantics.md, DST).
    """
    first = naive.replace(tzinfo=zone)
    second = naive.replace(tzinfo=zone, fold=1)
    ambiguous = (second.utcoffset() or timedelta()) < (first.utcoffset() or timedelta())
    return (second if ambiguous else first).astimezone(UTC)


def _bad(text: str, why: str) -> str:
    return _BAD_SCHEDULE.format(text=text, why=why, presets=" ".join(PRESETS))
