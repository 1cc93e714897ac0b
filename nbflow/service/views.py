"""What faces show of runs, as values: the grid, the headline, states of a run."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from nbflow.model.grid import GridColumn, GridSquare, GridView
from nbflow.model.run import RunKey
from nbflow.model.state import RunState, TaskState
from nbflow.service.clock import now
from nbflow.service.lookup import name_of
from nbflow.service.submit import stale_tasks

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from nbflow.model.flow import Flow
    from nbflow.model.record import InstanceRecord, RunRecord
    from nbflow.store.state import StateStore

_LISTED_FAILURES = 3
_LONGEST_REASON = 90


def grid_view(
    state: StateStore, flow: Flow, *, last: int = 30, between: tuple[datetime, datetime] | None = None
) -> GridView:
    """The run grid of a DAG.

    Args:
        state: of its home.
        flow: the notebook as it is now: its tasks make the rows, and what has changed since is stale.
            Tasks that only old runs know come after them. Where a run has no such task there is no square.
        last: how many runs, the latest ones.
        between: instead, all runs with a logical date in this stretch (inclusive, aware).
    """
    dag = flow.dag
    if between is None:
        everything = list(reversed(state.runs(dag.dag_id)))
        runs, older = everything[-last:], max(len(everything) - last, 0)
    else:
        runs, older = state.runs_between(dag.dag_id, *between), 0
    zone = ZoneInfo(dag.timezone)
    tasks = dict.fromkeys(flow.tasks)
    squares: dict[tuple[str, str], GridSquare] = {}
    instances = {run.key.run_id: state.instances(run.key) for run in runs}
    for run_id, records in instances.items():
        stale = stale_tasks(flow, records)
        notes = state.notes(RunKey(dag.dag_id, run_id))
        for record in records:
            if record.key.map_index >= 0 or record.state is TaskState.REMOVED:
                continue  # a mapped task is one square; what a run no longer has is none
            tasks.setdefault(record.key.task_id)
            squares[record.key.task_id, run_id] = GridSquare(
                state=record.state,
                try_number=record.try_number,
                seconds=_took(record, records),
                reason=reason_of(record, records),
                stale=record.key.task_id in stale,
                root=record.state is TaskState.FAILED,
                notes=notes.get(record.key.task_id, ()),
            )
    columns = tuple(
        GridColumn(
            run_id=run.key.run_id,
            logical_date=run.interval.logical_date.astimezone(zone),
            state=run.state,
            seconds=None if run.state is RunState.QUEUED else _seconds(run.started, run.ended),
            type=run.run_type,
        )
        for run in runs
    )
    return GridView(
        dag_id=dag.dag_id,
        title=headline(runs, instances, zone) + _noted(squares),
        tasks=tuple(tasks),
        removed=frozenset(tasks.keys() - flow.tasks.keys()),
        groups={task_id: spec.group for task_id, spec in flow.tasks.items() if spec.group},
        columns=columns,
        squares=squares,
        today=now().astimezone(zone).date(),
        older=older,
    )


def headline(runs: Sequence[RunRecord], instances: dict[str, list[InstanceRecord]], zone: ZoneInfo) -> str:
    """«59 of 60 succeeded · failed: 17 Feb `clean`: KeyError: 'x' (cell 9, line 2)»."""
    if not runs:
        return "no runs yet"
    counts = {state: sum(run.state is state for run in runs) for state in RunState}
    said = [f"{counts[RunState.SUCCESS]} of {len(runs)} succeeded"]
    said += [f"{counts[state]} {state}" for state in (RunState.RUNNING, RunState.QUEUED) if counts[state]]
    failures = [
        f"{run.interval.logical_date.astimezone(zone):%-d %b} `{name_of(record.key)}`: {_cut(record.reason)}"
        for run in reversed(runs)
        for record in instances[run.key.run_id]
        if record.state is TaskState.FAILED and not record.items  # its instances are said
    ]
    if failures:
        listed = "; ".join(failures[:_LISTED_FAILURES])
        more = len(failures) - _LISTED_FAILURES
        said.append(f"failed: {listed}" + (f"; and {more} more" if more > 0 else ""))
    return " · ".join(said)


def _took(record: InstanceRecord, records: Sequence[InstanceRecord]) -> float | None:
    """How long a task took, in seconds; a mapped one from its first instance to its last."""
    if not record.items:
        return _seconds(record.started, record.ended)
    of_task = [one for one in records if one.key.task_id == record.key.task_id and one.key.map_index >= 0]
    starts = [one.started for one in of_task if one.started is not None]
    ends = [one.ended for one in of_task]
    if not starts:
        return None
    return _seconds(min(starts), None if None in ends else max(end for end in ends if end is not None))


def reason_of(record: InstanceRecord, records: Sequence[InstanceRecord]) -> str:
    """Why a task is in its state; of a mapped one how its instances stand: «2 success, 1 failed»."""
    counts = instance_counts(record, records)
    return ", ".join(f"{count} {state}" for state, count in counts.items()) or record.reason


def instance_counts(record: InstanceRecord, records: Sequence[InstanceRecord]) -> dict[TaskState, int]:
    """How many of a mapped task's instances are in each state; empty for any other task."""
    if not record.items:
        return {}
    return dict(
        Counter(
            one.state
            for one in records
            if one.key.task_id == record.key.task_id
            and one.key.map_index >= 0
            and one.state is not TaskState.REMOVED
        )
    )


def standing(run: RunRecord, *, held: bool, paused: bool = False) -> tuple[str, str]:
    """A run's state and reason as shown: one that nobody runs any more is *interrupted*.

    Args:
        run: which.
        held: whether some process holds the home (`store.home.is_held`).
        paused: whether its DAG is paused.
    """
    if paused and run.state is RunState.QUEUED:
        return "paused", f"nbflow unpause {run.key.dag_id}"
    if run.state is RunState.RUNNING and not held:
        return "interrupted", "its process has ended; the same nbflow run goes on"
    return run.state.value, run.reason


def _noted(squares: dict[tuple[str, str], GridSquare]) -> str:
    tasks = dict.fromkeys(task for (task, _), square in squares.items() if square.notes)
    return f" · notes on {', '.join(tasks)}" if tasks else ""


def all_notes(state: StateStore, runs: Sequence[RunRecord]) -> dict[tuple[str, str], list[RunRecord]]:
    """(task id, note) → the runs whose latest try it is about, in order."""
    found: dict[tuple[str, str], list[RunRecord]] = {}
    for run in runs:
        for task_id, notes in state.notes(run.key).items():
            for note in notes:
                found.setdefault((task_id, note), []).append(run)
    return found


def _cut(reason: str) -> str:
    line = reason.splitlines()[0] if reason else ""
    return line if len(line) <= _LONGEST_REASON else line[: _LONGEST_REASON - 1].rstrip() + "…"


def run_states(records: Sequence[InstanceRecord]) -> dict[str, TaskState]:
    """Task id → state of one run's unmapped task instances."""
    return {record.key.task_id: record.state for record in records if record.key.map_index < 0}


def _seconds(started: datetime | None, ended: datetime | None) -> float | None:
    return None if started is None else ((ended or now()) - started).total_seconds()
