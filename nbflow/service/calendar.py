"""The runs that schedules make: what is due now, and when something next will be."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from nbflow.model.run import RunKey, run_id_of
from nbflow.model.schedule import read_schedule
from nbflow.plan.missed import left_out, next_run
from nbflow.plan.timetable import Timetable

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from nbflow.model.dag import DagSpec
    from nbflow.model.run import Interval

_SECOND = timedelta(seconds=1)
_ROOM = 16
MOST_COUNTED = 10_000  # of intervals that are passed over


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A run that a schedule makes now.

    Attributes:
        run: its key; it takes a place until it is said to be over.
        interval: what it is about.
        left_out: how many intervals were passed over since the one before, counted to `MOST_COUNTED`.
    """

    run: RunKey
    interval: Interval
    left_out: int


@dataclass(slots=True)
class _Entry:
    dag: DagSpec
    table: Timetable
    last: Interval | None
    planned: datetime | None = None
    open: set[RunKey] = field(default_factory=set["RunKey"])


class Calendar:
    """The schedules of a home, looked at with the wall clock after every wake.

    It keeps no account of time: what is due is asked anew each time, from the latest interval that has a
    run. So a machine that was asleep, or a clock that was put forward, makes what the policy for missed runs
    says; and where the clock is put back, nothing is made twice or held back.
    """

    def __init__(self, last_made: Callable[[str, datetime], Interval | None]) -> None:
        """Begin with no schedules.

        Args:
            last_made: the latest interval, due by then, that a DAG's schedule has made a run for.
        """
        self._last_made = last_made
        self._entries: dict[str, _Entry] = {}
        self._heap: list[tuple[datetime, str]] = []
        self._full: set[str] = set()
        self._seen: datetime | None = None

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def next_due(self) -> datetime | None:
        """When there may be a run to make; None where no schedule has one."""
        return self._heap[0][0] if self._heap else None

    def put(self, dag: DagSpec, at: datetime) -> None:
        """Follow a DAG's schedule, or its new version.

        Raises:
            DateError, ValueError: the schedule can't be followed.
        """
        before = self._entries.pop(dag.dag_id, None)
        if dag.schedule is None:
            return
        table = Timetable(
            schedule=read_schedule(dag.schedule),
            timezone=dag.timezone,
            kind=dag.timetable,
            start_date=dag.start_date,
            end_date=dag.end_date,
        )
        entry = _Entry(dag, table, self._last_made(dag.dag_id, at))
        if before is not None:
            entry.open = before.open
        self._entries[dag.dag_id] = entry
        self._plan(dag.dag_id, at)

    def drop(self, dag_id: str) -> None:
        """Follow a DAG's schedule no more."""
        self._entries.pop(dag_id, None)
        self._full.discard(dag_id)

    def due(self, at: datetime) -> list[Due]:
        """The runs to make now, for each DAG in order; at most as many as its `max_active_runs` leaves room for."""
        if self._seen is not None and at < self._seen - _SECOND:  # the clock was put back
            self._begin_again(at)
        self._seen = at
        found: list[Due] = []
        while self._heap and self._heap[0][0] <= at:
            planned, dag_id = heapq.heappop(self._heap)
            entry = self._entries.get(dag_id)
            if entry is None or entry.planned != planned:
                continue  # it has been planned anew since
            made = self._make(entry, at)
            entry.planned = None
            if made is not None:
                found.append(made)
            if dag_id not in self._full:
                self._plan(dag_id, at)
        return found

    def opened(self, run: RunKey) -> None:
        """A run that another scheduler's calendar made is open: it takes a place."""
        entry = self._entries.get(run.dag_id)
        if entry is not None:
            entry.open.add(run)

    def closed(self, run: RunKey, at: datetime) -> None:
        """A run is over."""
        entry = self._entries.get(run.dag_id)
        if entry is None:
            return
        entry.open.discard(run)
        # With @continuous the next run begins where this one ended, so it is known only now.
        if run.dag_id in self._full or entry.dag.max_active_runs == 1:
            self._full.discard(run.dag_id)
            self._plan(run.dag_id, at)

    def _make(self, entry: _Entry, at: datetime) -> Due | None:
        dag = entry.dag
        interval = next_run(dag, entry.table, last=entry.last, now=at)
        if interval is None or interval.due > at:
            return None
        if len(entry.open) >= dag.max_active_runs:
            self._full.add(dag.dag_id)
            return None
        last, entry.last = entry.last, interval
        passed = 0 if last is None else left_out(entry.table, last, interval, most=MOST_COUNTED)
        run = RunKey(dag.dag_id, run_id_of(interval.logical_date))
        entry.open.add(run)
        return Due(run=run, interval=interval, left_out=passed)

    def _plan(self, dag_id: str, at: datetime) -> None:
        entry = self._entries[dag_id]
        interval = next_run(entry.dag, entry.table, last=entry.last, now=at)
        due = None if interval is None else interval.due
        planned, entry.planned = entry.planned, due
        if due is None or due == planned:
            return
        heapq.heappush(self._heap, (due, dag_id))
        if len(self._heap) > 2 * len(self._entries) + _ROOM:  # mostly of plans that were changed since
            self._heap = [(one.planned, of) for of, one in self._entries.items() if one.planned is not None]
            heapq.heapify(self._heap)

    def _begin_again(self, at: datetime) -> None:
        self._heap.clear()
        self._full.clear()
        for dag_id, entry in self._entries.items():
            entry.planned = None
            entry.last = self._last_made(dag_id, at)
            self._plan(dag_id, at)
