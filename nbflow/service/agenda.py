"""What a DAG's schedule will do next, and what a person should know about it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from nbflow.model.run import run_label
from nbflow.model.schedule import Continuous, Once, read_schedule
from nbflow.plan.missed import coming
from nbflow.plan.timetable import Timetable
from nbflow.service.workflow import dated
from nbflow.store.state import StateStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from nbflow.model.dag import DagSpec
    from nbflow.model.run import Interval
    from nbflow.service.lookup import Target

MOST_COUNTED = 5_000  # counting further takes seconds and tells nobody more

_NO_SCHEDULE = """\
{dag_id} has no schedule: it runs when somebody starts it. To give it one, write schedule = "@daily" \
in %%dag."""
_PAUSED = "{dag_id} is paused: nothing new of it starts."
_AHEAD = "start_date {start} is still to come; nothing is due before."
_OVER = "end_date {end} has passed: no run follows."
_NONE_LEFT = "no further run starts by end_date {end}."
_ENDING = "The last of these is the last of all: end_date is {end}."
_CATCHUP = "catchup is on: {count} due by now, from {first} on; they come first, in order."
_NO_CATCHUP = """\
catchup is off: of the runs that are due only the latest is made, {first}. For earlier ones: \
nbflow run {notebook} --start-date DATE --end-date DATE"""
_DONE = "@once: it had its one run, {date}."
_CONTINUOUS = (
    "@continuous: the run after this one begins where this one ends, so its dates are not known yet."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agenda:
    """The next runs of a DAG.

    Attributes:
        dag: whose; a relative start date is a date.
        now: when this was asked; aware.
        last: the latest interval its schedule has made a run for, or None.
        runs: the next ones, in order; some may be due already.
        due: how many are due by `now`, counted to MOST_COUNTED + 1.
        remarks: sentences for people: what is unusual about these dates.
        paused: whether the DAG is.
    """

    dag: DagSpec
    now: datetime
    last: Interval | None
    runs: tuple[Interval, ...]
    due: int
    remarks: tuple[str, ...]
    paused: bool = False


def agenda_of(target: Target, *, now: datetime, count: int) -> Agenda:
    """The next runs of a DAG, after those that its schedule has made already.

    Args:
        target: the DAG, with its notebook as saved.
        now: aware.
        count: how many runs at most.

    Raises:
        DateError: the schedule cannot be followed.
    """
    last, record = None, None
    if target.home.state.exists():
        with StateStore(target.home.state) as state:
            record = state.dag(target.dag_id)
            last = state.schedules.last(target.dag_id, now=now)
    dag = dated(target.flow, record).dag
    found = agenda(dag, notebook=target.path.name, now=now, count=count, last=last)
    if record is not None and record.paused:
        said = _PAUSED.format(dag_id=dag.dag_id)
        return replace(found, paused=True, remarks=(said, *found.remarks))
    return found


def agenda(dag: DagSpec, *, notebook: str, now: datetime, count: int, last: Interval | None = None) -> Agenda:
    """As `agenda_of`, from values alone; `notebook` is how a remark names it."""
    if dag.schedule is None:
        remarks = (_NO_SCHEDULE.format(dag_id=dag.dag_id),)
        return Agenda(dag=dag, now=now, last=last, runs=(), due=0, remarks=remarks)
    table = Timetable(
        schedule=read_schedule(dag.schedule),
        timezone=dag.timezone,
        kind=dag.timetable,
        start_date=dag.start_date,
        end_date=dag.end_date,
    )
    runs = tuple(islice(coming(dag, table, last=last, now=now), count))
    due = 0
    for interval in islice(coming(dag, table, last=last, now=now), MOST_COUNTED + 1):
        if interval.due > now:
            break
        due += 1
    found = Agenda(dag=dag, now=now, last=last, runs=runs, due=due, remarks=())
    return replace(found, remarks=tuple(_remarks(found, table, notebook=notebook, count=count)))


def _remarks(found: Agenda, table: Timetable, *, notebook: str, count: int) -> Iterator[str]:
    dag, now, runs = found.dag, found.now, found.runs

    def day(moment: datetime) -> str:
        return run_label(moment, dag.timezone)

    if dag.start_date is not None and dag.start_date > now:
        yield _AHEAD.format(start=day(dag.start_date))
    match table.schedule:
        case Once() if found.last is not None:
            yield _DONE.format(date=day(found.last.logical_date))
            return
        case Once() if runs:
            return
        case Continuous() if runs:
            yield _CONTINUOUS
            return
        case _:
            pass
    if dag.end_date is not None and len(runs) < count:
        ending = _ENDING if runs else _OVER if dag.end_date < now else _NONE_LEFT
        yield ending.format(end=day(dag.end_date))
    if not found.due:
        return
    first = day(runs[0].logical_date)
    if dag.catchup:
        number = f"more than {MOST_COUNTED:,} runs are" if found.due > MOST_COUNTED else _runs(found.due)
        yield _CATCHUP.format(count=number, first=first)
    elif found.last is None and (dag.start_date is None or dag.start_date < runs[0].start):
        yield _NO_CATCHUP.format(first=first, notebook=notebook)


def _runs(number: int) -> str:
    return "1 run is" if number == 1 else f"{number:,} runs are"
