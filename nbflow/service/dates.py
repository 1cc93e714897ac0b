"""Dates as people type them, and the data intervals they name."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from nbflow.errors import DateError
from nbflow.model.dag import TimetableKind
from nbflow.model.run import Interval
from nbflow.model.schedule import Continuous, Once, Schedule, read_schedule
from nbflow.plan.pinned import pinned_start
from nbflow.plan.timetable import Timetable, intervals, latest_complete, starting

if TYPE_CHECKING:
    from nbflow.model.dag import DagSpec

_BAD_DATE = """\
{text!r} is not a date. Write {today} or {today}T06:00 (read in {zone}, the DAG's zone), or today, \
yesterday, now, -14d."""
_BACKWARDS = "the end date {end} is before the start date {start}; swap them."
_EMPTY = "no {what} of schedule {schedule!r} starts {when}; {next}."
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


def with_start(dag: DagSpec, pinned: datetime | None, *, now: datetime) -> DagSpec:
    """The DAG with its start date as a date, also where the notebook writes it relative ("14 days ago").

    Args:
        dag: as the notebook says.
        pinned: what its relative start date meant when the DAG was first registered (`DagRecord.start_date`);
            None: it isn't registered yet, so it is seen from `now`.
        now: aware.

    Raises:
        DateError: it lies too far back.
    """
    if dag.start_ago is None:
        return dag
    return replace(
        dag, start_date=pinned or pinned_start(dag.start_ago, now=now, timezone=dag.timezone), start_ago=None
    )


def timetable_of(dag: DagSpec) -> Timetable:
    """The timetable that dates refer to: the DAG's own, or one interval a day where its runs have no dates.

    Runs have none without a schedule, with `@continuous` (each begins when another ends), and with `@once`
    without a start date (it is now).
    """
    schedule = _dated_schedule(dag)
    return Timetable(
        schedule=schedule or read_schedule("@daily"),
        timezone=dag.timezone,
        kind=dag.timetable if schedule else TimetableKind.INTERVAL,
        start_date=dag.start_date,
        end_date=dag.end_date,
    )


def one_interval(dag: DagSpec, moment: Moment | None, *, now: datetime) -> Interval:
    """The interval a single run is about.

    Args:
        dag: whose schedule, timetable and zone count.
        moment: the interval that starts on this date, at this time; None: the latest complete one
            within the DAG's start and end dates, or the present second where runs have no dates
            (`timetable_of`).
        now: aware.

    Raises:
        DateError: no interval starts there, or it is still to come.
    """
    dated = _dated_schedule(dag) is not None
    if moment is None:
        return _latest(dag, now) if dated else _exact(now.astimezone(UTC).replace(microsecond=0))
    if moment.at > now:
        raise DateError(_TO_COME.format(day=_day(moment.at, dag)))
    if not dated and not moment.whole_day:
        return _exact(moment.at)
    found = _between(dag, moment.at, moment.last)
    if not found:
        raise DateError(_nothing_starts(dag, moment.at, f"on {_day(moment.at, dag)}"))
    return found[0]


def interval_range(dag: DagSpec, first: Moment, last: Moment, *, now: datetime) -> tuple[list[Interval], int]:
    """The intervals that start between two dates, both inclusive, and have ended by `now`.

    A DAG whose runs have no dates gets one interval a day (`timetable_of`).

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
    coming = _first_from(dag, first.at)
    if coming is not None and coming.start <= last.last:
        if coming.start == coming.end:
            raise DateError(_TO_COME.format(day=_day(coming.start, dag)))
        raise DateError(_FUTURE.format(start=_day(coming.start, dag), end=_day(coming.end, dag)))
    when = f"from {_day(first.at, dag)} to {_day(last.at, dag)}"
    raise DateError(_nothing_starts(dag, first.at, when))


def _dated_schedule(dag: DagSpec) -> Schedule | None:
    """The schedule, where it says which dates runs are about; else None."""
    schedule = None if dag.schedule is None else read_schedule(dag.schedule)
    undated = isinstance(schedule, Continuous) or (isinstance(schedule, Once) and dag.start_date is None)
    return None if undated else schedule


def _exact(moment: datetime) -> Interval:
    return Interval(logical_date=moment, start=moment, end=moment, due=moment)


def _between(dag: DagSpec, first: datetime, last: datetime) -> list[Interval]:
    outside = dag.start_date is not None and last < dag.start_date
    if outside or (dag.end_date is not None and dag.end_date < first):
        bounds = {"start": _bound(dag.start_date, dag), "end": _bound(dag.end_date, dag)}
        raise DateError(_OUTSIDE.format(day=_day(first, dag), **bounds))
    return intervals(timetable_of(dag), first, last)


def _latest(dag: DagSpec, now: datetime) -> Interval:
    """The latest complete interval that starts between the DAG's start and end dates."""
    if found := latest_complete(timetable_of(dag), now):
        return found
    coming = _first_from(dag, dag.start_date or now)
    if coming is not None and coming.start == coming.end:
        raise DateError(_TO_COME.format(day=_day(coming.start, dag)))
    raise DateError(_NOTHING_YET.format(dag_id=dag.dag_id, start=_bound(dag.start_date, dag)))


def _first_from(dag: DagSpec, moment: datetime) -> Interval | None:
    """The first interval that starts then or later, whether or not the DAG has ended by then."""
    return next(starting(replace(timetable_of(dag), end_date=None), moment), None)


def _nothing_starts(dag: DagSpec, after: datetime, when: str) -> str:
    coming = _first_from(dag, after)
    if coming is None or (dag.end_date is not None and coming.start > dag.end_date):
        said = "the DAG has no later one"
    else:
        said = f"the next one starts at {_day(coming.start, dag)}"
    what = "data interval" if coming is None or coming.start < coming.end else "run"
    return _EMPTY.format(schedule=dag.schedule or "@daily", what=what, when=when, next=said)


def _bound(moment: datetime | None, dag: DagSpec) -> str:
    return "(open)" if moment is None else _day(moment, dag)


def _day(moment: datetime, dag: DagSpec) -> str:
    local = moment.astimezone(ZoneInfo(dag.timezone))
    return f"{local:%Y-%m-%d}" if local.hour == local.minute == 0 else f"{local:%Y-%m-%d %H:%M %Z}"
