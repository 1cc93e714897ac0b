"""What a board says of a DAG's schedule: whether it makes runs, who makes them, and the next ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from nbflow.errors import NbflowError
from nbflow.model.schedule import read_schedule
from nbflow.plan.missed import coming
from nbflow.plan.timetable import Timetable
from nbflow.service.status import SCHEDULES
from nbflow.service.workflow import dated, stored_workflow

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from nbflow.model.dag import DagSpec
    from nbflow.model.record import DagRecord
    from nbflow.model.run import Interval
    from nbflow.service.lookup import Target
    from nbflow.store.state import StateStore

_SILENT = timedelta(minutes=1)  # without a sign of life
_DAGS: dict[tuple[str, str, str, str], DagSpec] = {}  # of published versions, which don't change


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleSays:
    """What is to be said of a DAG's schedule.

    Attributes:
        record: of the DAG, None where the home doesn't know it.
        dag: what the schedule goes by, with what was said from outside; None where that can't be had.
        due: the next runs that it makes, in order; some may be due already. Empty where it makes none.
        scheduler: `alive`: whether a scheduler makes its runs; `what`: the command that holds the home, "" for none.
    """

    record: DagRecord | None = None
    dag: DagSpec | None = None
    due: tuple[Interval, ...] = ()
    scheduler: Mapping[str, Any] = field(default_factory=lambda: {"alive": False, "what": ""})

    @property
    def next_due(self) -> datetime | None:
        """When the next run is due."""
        return self.due[0].due if self.due else None


def schedule_says(state: StateStore, target: Target, *, at: datetime, most: int, held: bool) -> ScheduleSays:
    """What is to be said of a DAG's schedule now.

    Args:
        state: of its home.
        target: the DAG.
        at: now; aware.
        most: how many of the next runs.
        held: whether some process holds the home.
    """
    record = state.dag(target.dag_id)
    scheduler = _scheduler(state, at) if held else {"alive": False, "what": ""}
    if record is None:
        return ScheduleSays(dag=target.flow.dag, scheduler=scheduler)
    try:
        dag = _dag(state, target, record)
        makes = record.scheduled is not None and not record.paused
        due = _next(state, dag, at, most) if makes else ()
    except (NbflowError, ValueError):  # `nbflow next` says what is wrong with it
        return ScheduleSays(record=record, scheduler=scheduler)
    return ScheduleSays(record=record, dag=dag, due=due, scheduler=scheduler)


def _scheduler(state: StateStore, at: datetime) -> dict[str, Any]:
    owner = state.overview.owner()
    if owner is None:
        return {"alive": False, "what": ""}
    alive = owner.what.startswith(SCHEDULES) and at - owner.heartbeat < _SILENT
    return {"alive": alive, "what": owner.what, "process": owner.pid}


def _dag(state: StateStore, target: Target, record: DagRecord) -> DagSpec:
    """What the schedule goes by: the published version; without one the notebook as saved."""
    if record.published in (None, target.flow.version):
        return dated(target.flow, record).dag
    place = (str(state.path), record.dag_id, record.published, f"{record.options}{record.start_date}")
    if place not in _DAGS:
        _DAGS[place] = stored_workflow(state, record, record.published).flow.dag
    return _DAGS[place]


def _next(state: StateStore, dag: DagSpec, at: datetime, most: int) -> tuple[Interval, ...]:
    if dag.schedule is None:
        return ()
    table = Timetable(
        schedule=read_schedule(dag.schedule),
        timezone=dag.timezone,
        kind=dag.timetable,
        start_date=dag.start_date,
        end_date=dag.end_date,
    )
    last = state.schedules.last(dag.dag_id, now=at)
    return tuple(islice(coming(dag, table, last=last, now=at), most))
