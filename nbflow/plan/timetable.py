"""Timetables: from a schedule to the data intervals of its runs (semantics.md, Time)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise, takewhile
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from nbflow.errors import DateError
from nbflow.model.dag import TimetableKind
from nbflow.model.run import Interval
from nbflow.model.schedule import Continuous, Cron, Every, Once, Schedule, read_schedule
from nbflow.plan.ticks import tick_before, ticks

if TYPE_CHECKING:
    from collections.abc import Iterator

_INSTANT = timedelta(microseconds=1)
_SECOND = timedelta(seconds=1)

_NAIVE = "{what} {moment} has no time zone; for {zone} write {moment}{offset}, or tzinfo=ZoneInfo({zone!r})."
_FAR = "{what} {moment} is out of reach: timetables know the years 1900 to 2999."
_NO_ZONE = "{zone!r} is no time zone; write an IANA name such as Europe/Berlin or UTC."


@dataclass(frozen=True, slots=True, kw_only=True)
class Timetable:
    """A schedule with everything else that says when a DAG's runs are.

    Attributes:
        schedule: what ticks.
        timezone: IANA name; cron is read on its clock.
        kind: whether two ticks bound a run's data interval, or a run is about one tick.
        start_date: no interval starts before it, and durations are aligned to it; aware, None for no bound.
        end_date: the last moment an interval may start at (inclusive); aware, None for no bound.

    Raises:
        DateError: the zone is none, or a date is naive or out of reach.
    """

    schedule: Schedule
    timezone: str
    kind: TimetableKind = TimetableKind.INTERVAL
    start_date: datetime | None = None
    end_date: datetime | None = None

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError) as error:
            raise DateError(_NO_ZONE.format(zone=self.timezone)) from error
        for name in ("start_date", "end_date"):
            if (moment := getattr(self, name)) is not None:
                object.__setattr__(self, name, _checked(moment, name, self.timezone))


def upcoming(
    schedule: str | timedelta | Schedule | None,
    *,
    timezone: str,
    kind: TimetableKind | str = TimetableKind.INTERVAL,
    start_date: datetime | None,
    end_date: datetime | None = None,
    catchup: bool,
    now: datetime,
    last: Interval | None = None,
    count: int = 1,
) -> list[Interval]:
    """The next intervals a schedule makes runs for, in order; some may be due by `now` already.

    With catchup they go on from `last`, or begin with the first at or after `start_date`. Without, they
    begin with the latest one that has ended by `now`, unless `last` or `start_date` is later. `@once` is
    there until it has been, whatever catchup says; `@continuous` has one at a time, from where `last`
    ended, once it has.

    Args:
        schedule: as written or read; None for a DAG without one.
        timezone: IANA name of the DAG's zone.
        kind: `interval` or `trigger`.
        start_date: aware; None for a DAG without one: there is nothing to catch up from, and durations
            are aligned to midnight of 2000-01-01 in the zone.
        end_date: inclusive on data_interval_start, aware.
        catchup: whether intervals that have passed are run.
        now: aware.
        last: the latest interval that the schedule has made a run for; None for none yet. One of an
            earlier schedule, whose end is no tick, is followed by the interval its end falls into.
        count: how many at most.

    Returns:
        At most `count` intervals; fewer where the schedule or `end_date` allows no more.

    Raises:
        DateError: the schedule or zone is not understood, or a date is naive or out of reach.
    """
    parsed = read_schedule(schedule) if isinstance(schedule, str | timedelta) else schedule
    table = Timetable(
        schedule=parsed or Once(),  # without a schedule the dates are checked all the same
        timezone=timezone,
        kind=TimetableKind(kind),
        start_date=start_date,
        end_date=end_date,
    )
    found = forthcoming(table, catchup=catchup, now=now, last=last)
    return [] if parsed is None else list(islice(found, count))


def forthcoming(
    table: Timetable, *, catchup: bool, now: datetime, last: Interval | None
) -> Iterator[Interval]:
    """What `upcoming` answers, one after the other; without end where the schedule has none."""
    now = _checked(now, "now", table.timezone)
    match table.schedule:
        case Once():
            found = iter([] if last else [_exact(table.start_date or now.replace(microsecond=0))])
        case Continuous():
            found = _continued(table, now, last)
        case Cron() | Every():
            found = starting(table, _beginning(table, now, last, catchup=catchup))
    return takewhile(lambda interval: _within(table, interval), found)


def starting(table: Timetable, moment: datetime) -> Iterator[Interval]:
    """The intervals that start at `moment` (aware) or later, within the timetable's dates, in order.

    Those of a cron line or a duration never end where there is no end date; `@once` without a start date
    and `@continuous` have none that is known beforehand.

    Raises:
        DateError: `moment` is naive or out of reach.
    """
    moment = _checked(moment, "the date", table.timezone)
    start = max(moment, table.start_date or moment)
    found = ticks(table.schedule, timezone=table.timezone, start=start, anchor=table.start_date)
    if table.kind is TimetableKind.TRIGGER or isinstance(table.schedule, Once):
        every = (_exact(tick) for tick in found)
    else:
        every = (
            Interval(logical_date=begin, start=begin, end=end, due=end) for begin, end in pairwise(found)
        )
    return takewhile(lambda interval: _within(table, interval), every)


def intervals(table: Timetable, first: datetime, last: datetime) -> list[Interval]:
    """The intervals that start in `first` to `last`, both inclusive and aware, in order."""
    return list(takewhile(lambda interval: interval.start <= last, starting(table, first)))


def latest_complete(table: Timetable, now: datetime) -> Interval | None:
    """The latest interval within the timetable's dates that has ended by `now` (aware); None for none."""
    tick = _tick_before(table, now)
    if tick is None:
        return None
    exact = table.kind is TimetableKind.TRIGGER or isinstance(table.schedule, Once)
    start = tick if exact else _tick_before(table, tick - _INSTANT)
    if start is not None and table.end_date is not None and start > table.end_date:
        start = _tick_before(table, table.end_date)
    if start is None or start < (table.start_date or start):
        return None
    return next(starting(table, start), None)


def superseded_at(
    schedule: str | timedelta | Schedule | None,
    interval: Interval,
    *,
    timezone: str,
    kind: TimetableKind | str = TimetableKind.INTERVAL,
    anchor: datetime | None,
    end_date: datetime | None = None,
) -> datetime | None:
    """When the interval after this one has ended: a run that is not over by then is not the latest any more.

    What latest-only tasks ask. None where no other follows: no schedule, `@once`, a last interval; or where
    none is known beforehand (`@continuous`).

    Args:
        schedule: of the DAG, as for `upcoming`.
        interval: which.
        timezone: of the DAG.
        kind: of the DAG.
        anchor: the DAG's start date, which a duration is aligned to.
        end_date: of the DAG, inclusive.
    """
    parsed = read_schedule(schedule) if isinstance(schedule, str | timedelta) else schedule
    if parsed is None:
        return None
    table = Timetable(
        schedule=parsed,
        timezone=timezone,
        kind=TimetableKind(kind),
        start_date=anchor,
        end_date=end_date,
    )
    following = next(starting(table, _following(table, interval)), None)
    return None if following is None or isinstance(parsed, Once) else following.end


def _beginning(table: Timetable, now: datetime, last: Interval | None, *, catchup: bool) -> datetime:
    """From when on the intervals of a cron line or a duration become runs."""
    candidates = [table.start_date] if table.start_date else []
    if last is not None:
        candidates.append(_following(table, last))
    if not (catchup and candidates):
        # An end date that has passed doesn't make an earlier interval the latest one.
        latest = latest_complete(replace(table, end_date=None), now)
        candidates += [latest.start] if latest else []
    return max(candidates, default=now)


def _following(table: Timetable, last: Interval) -> datetime:
    """The earliest moment the interval after `last` may start at.

    Where the schedule has changed and `last` ends between two ticks, that is the earlier one, so that no
    data is left out; but every interval starts after the one before it.
    """
    if table.kind is TimetableKind.TRIGGER:
        return last.end + _INSTANT
    return max(_tick_before(table, last.end) or last.end, last.start + _INSTANT)


def _continued(table: Timetable, now: datetime, last: Interval | None) -> Iterator[Interval]:
    """The one interval of `@continuous` that can be told: from where the last ended, to now.

    It is never shorter than a second, so that logical dates differ.
    """
    second = now.replace(microsecond=0)
    if last is None:
        start = table.start_date or second - _SECOND
    elif last.end > now:
        return
    else:
        start = last.end
    if table.kind is TimetableKind.TRIGGER:
        yield _exact(max(second, start + _SECOND if last else start))
    else:
        end = max(second, start + _SECOND)
        yield Interval(logical_date=start, start=start, end=end, due=end)


def _exact(moment: datetime) -> Interval:
    """The interval of a run that is about one moment."""
    return Interval(logical_date=moment, start=moment, end=moment, due=moment)


def _within(table: Timetable, interval: Interval) -> bool:
    return table.end_date is None or interval.start <= table.end_date


def _tick_before(table: Timetable, moment: datetime) -> datetime | None:
    return tick_before(table.schedule, timezone=table.timezone, moment=moment, anchor=table.start_date)


def _checked(moment: datetime, what: str, timezone: str) -> datetime:
    """The same instant in UTC.

    Raises:
        DateError: it has no zone, or is too far away to be reckoned with.
    """
    if moment.tzinfo is None:
        offset = moment.replace(tzinfo=ZoneInfo(timezone)).isoformat()[-6:]
        raise DateError(_NAIVE.format(what=what, moment=moment.isoformat(), zone=timezone, offset=offset))
    if not 1900 <= moment.year < 3000:
        raise DateError(_FAR.format(what=what, moment=moment.isoformat()))
    return moment.astimezone(UTC)
