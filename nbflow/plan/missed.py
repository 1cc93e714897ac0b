"""The runs a schedule is about to make, and those it leaves out after the machine slept or nobody scheduled.

Source: semantics.md, Time, missed runs. The wall clock after each wake says what is due; sleeps are never
counted.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import islice, takewhile
from typing import TYPE_CHECKING

from nbflow.model.dag import MissedRuns
from nbflow.plan.timetable import forthcoming, latest_complete, starting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from nbflow.model.dag import DagSpec
    from nbflow.model.run import Interval
    from nbflow.plan.timetable import Timetable

_INSTANT = timedelta(microseconds=1)


def coming(dag: DagSpec, table: Timetable, *, last: Interval | None, now: datetime) -> Iterator[Interval]:
    """The runs a schedule makes, in order, as far as is known now; arguments as for `next_run`."""
    policy = dag.missed_policy
    catchup = dag.catchup if last is None else policy is not MissedRuns.LATEST
    if policy is MissedRuns.SKIP and dag.max_lateness is not None:
        too_late = latest_complete(table, now - dag.max_lateness - _INSTANT)
        if too_late is not None and (last is None or too_late.start > last.start):
            last = too_late
    return forthcoming(table, catchup=catchup, now=now, last=last)


def next_run(dag: DagSpec, table: Timetable, *, last: Interval | None, now: datetime) -> Interval | None:
    """The run a schedule makes next; it may be due already.

    Args:
        dag: says what becomes of missed runs.
        table: of the DAG.
        last: the latest interval that the schedule has made a run for; None for none yet.
        now: aware.

    Returns:
        None where no run follows, or none is known before an open one has ended (`@continuous`).
    """
    return next(coming(dag, table, last=last, now=now), None)


def left_out(table: Timetable, last: Interval, run: Interval, *, most: int) -> int:
    """How many intervals a schedule passes over from one run to the next, counted to `most`.

    Args:
        table: of the DAG.
        last: the interval of the run before.
        run: that of the run it makes now.
        most: no more than so many are counted.
    """
    between = takewhile(lambda it: it.start < run.start, starting(table, last.start + _INSTANT))
    return sum(1 for _ in islice(between, most))
