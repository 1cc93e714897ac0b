"""Dates as people type them, and the data intervals they name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from nbflow.errors import DateError
from nbflow.model.run import Interval
from nbflow.model.schedule import read_schedule
from nbflow.plan.timetable import days, intervals, latest_complete, ticks

if TYPE_CHECKING:
    from nbflow.model.dag import DagSpec

_BAD_DATE = """\
{text!r} is not a date. Write {today} or {today}T06:00 (read in {zone}, the DAG's zone), or today, \
yesterday, now, -14d."""
_BACKWARDS = "the end date {end} is before the start date {start}; swap them."
_EMPTY = "no data interval of schedule {schedule!r} starts {when}; {next}."
_FUTURE = "the data interval {start} to {end} has not ended yet; its data is not complete before {end}."
_TO_COME = "{day} is still to come; a run is about data that is there."
_NOTHING_YET = "{dag_id} has no interval that has ended: its start_date is {start}."
_OUTSIDE = "{day} lies outside of the DAG's start_date {start} to end_date {end}; change them in %%dag."


@dataclass(frozen=True, slots=True)
class Moment:
    """A date a person gave: an instant, or a whole local day beginning at it."""

    at: datetime
    whole_day: bool

    @property
    def last(self) -> datetime:
        """The last instant it covers."""
        return self.at + timedelta(days=1, microseconds=-1) if self.whole_day else self.at


def read_date(text: str, *, timezone: str, now: datetime) -> Moment:
    """The date a person typed, in the DAG's zone.

    Args:
        text: `2026-02-17`, `2026-02-17T06:00` (an offset may follow), `today`, `yesterday`, `now`,
            `-14d` (or `today-14d`).
        timezone: IANA name of the DAG's zone.
        now: aware.

    Raises:
        DateError: it is none of these.
    """
    zone = ZoneInfo(timezone)
    local = now.astimezone(zone)
    word = text.strip().lower()
    if word == "now":
        return Moment(local.replace(microsecond=0), whole_day=False)
    back = {"today": 0, "yesterday": 1}.get(word)
    if back is None and (days_back := re.fullmatch(r"(?:today)?-(\d{1,6})d", word)):
        back = int(days_back[1])
    try:
        if back is not None:
            day = local.date() - timedelta(days=back)
        elif re.fullmatch(r"\d{4}-\d{2}-\d{2}", word):
            day = datetime.strptime(word, "%Y-%m-%d").date()  # noqa: DTZ007 a date has no zone
        else:
            moment = datetime.fromisoformat(text.strip())
            return Moment(moment if moment.tzinfo else moment.replace(tzinfo=zone), whole_day=False)
        return Moment(datetime(day.year, day.month, day.day, tzinfo=zone), whole_day=True)
    except (ValueError, OverflowError) as error:
        message = _BAD_DATE.format(text=text, today=f"{local:%Y-%m-%d}", zone=timezone)
        raise DateError(message) from error


def one_interval(dag: DagSpec, moment: Moment | None, *, now: datetime) -> Interval:
    """The interval a single run is about.

    Args:
        dag: whose schedule and zone count.
        moment: the interval that starts on this date, at this time; None: the latest complete one
            within the DAG's start and end dates, for a DAG without schedule the present second.
        now: aware.

    Raises:
        DateError: no interval starts there, or it is still to come.
    """
    if moment is None:
        if dag.schedule is None:
            second = now.astimezone(UTC).replace(microsecond=0)
            return Interval(logical_date=second, start=second, end=second, due=second)
        return _latest(dag, now)
    if moment.at > now:
        raise DateError(_TO_COME.format(day=_day(moment.at, dag)))
    if dag.schedule is None and not moment.whole_day:
        return Interval(logical_date=moment.at, start=moment.at, end=moment.at, due=moment.at)
    found = _between(dag, moment.at, moment.last)
    if not found:
        raise DateError(_nothing_starts(dag, moment.at, f"on {_day(moment.at, dag)}"))
    return found[0]


def interval_range(dag: DagSpec, first: Moment, last: Moment, *, now: datetime) -> tuple[list[Interval], int]:
    """The intervals that start between two dates, both inclusive, and have ended by `now`.

    A DAG without schedule gets one interval a day.

    Returns:
        The intervals, in order, and how many were left out because they have begun and not ended.

    Raises:
        DateError: the dates are the wrong way round, or no complete interval starts between them.
    """
    if last.last < first.at:
        raise DateError(_BACKWARDS.format(start=_day(first.at, dag), end=_day(last.at, dag)))
    # Those that have not begun need no list: there may be years of them.
    found = _between(dag, first.at, min(last.last, max(now, first.at)))
    complete = [interval for interval in found if interval.end <= now]
    if complete:
        return complete, len(found) - len(complete)
    upcoming = _first_from(dag, first.at)
    if upcoming.start <= last.last:
        raise DateError(_FUTURE.format(start=_day(upcoming.start, dag), end=_day(upcoming.end, dag)))
    when = f"from {_day(first.at, dag)} to {_day(last.at, dag)}"
    raise DateError(_nothing_starts(dag, first.at, when))


def _between(dag: DagSpec, asked: datetime, last: datetime) -> list[Interval]:
    start = asked
    if dag.start_date is not None:
        start = max(start, dag.start_date)
    if dag.end_date is not None:
        last = min(last, dag.end_date)
    if last < start:
        bounds = {"start": _bound(dag.start_date, dag), "end": _bound(dag.end_date, dag)}
        raise DateError(_OUTSIDE.format(day=_day(asked, dag), **bounds))
    if dag.schedule is None:
        return days(timezone=dag.timezone, start=start, last=last)
    schedule = read_schedule(dag.schedule)
    return intervals(schedule, timezone=dag.timezone, start=start, last=last, anchor=dag.start_date)


def _latest(dag: DagSpec, now: datetime) -> Interval:
    """The latest complete interval that starts between the DAG's start and end dates."""
    schedule = read_schedule(dag.schedule or "@daily")
    found = latest_complete(schedule, timezone=dag.timezone, now=now, anchor=dag.start_date)
    if dag.end_date is not None and found.start > dag.end_date:
        # The interval that contains the end date, or begins on it, ends just after it.
        after = _first_from(dag, dag.end_date + timedelta(microseconds=1))
        found = latest_complete(schedule, timezone=dag.timezone, now=after.start, anchor=dag.start_date)
    if dag.start_date is not None and found.start < dag.start_date:
        raise DateError(_NOTHING_YET.format(dag_id=dag.dag_id, start=_day(dag.start_date, dag)))
    return found


def _first_from(dag: DagSpec, moment: datetime) -> Interval:
    """The first interval that starts then or later, whether or not the DAG has ended by then."""
    start = moment if dag.start_date is None else max(moment, dag.start_date)
    schedule = read_schedule(dag.schedule or "@daily")
    begin, end = islice(ticks(schedule, timezone=dag.timezone, start=start, anchor=dag.start_date), 2)
    return Interval(logical_date=begin, start=begin, end=end, due=end)


def _nothing_starts(dag: DagSpec, after: datetime, when: str) -> str:
    following = _first_from(dag, after).start
    ended = dag.end_date is not None and following > dag.end_date
    upcoming = "the DAG has no later one" if ended else f"the next one starts at {_day(following, dag)}"
    return _EMPTY.format(schedule=dag.schedule or "@daily", when=when, next=upcoming)


def _bound(moment: datetime | None, dag: DagSpec) -> str:
    return "(open)" if moment is None else _day(moment, dag)


def _day(moment: datetime, dag: DagSpec) -> str:
    local = moment.astimezone(ZoneInfo(dag.timezone))
    return f"{local:%Y-%m-%d}" if local.hour == local.minute == 0 else f"{local:%Y-%m-%d %H:%M %Z}"
