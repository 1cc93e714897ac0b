"""What faces show of runs, as values: the grid, the headline, states of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from nbflow.model.grid import GridColumn, GridSquare, GridView
from nbflow.model.run import RunKey
from nbflow.model.state import RunState, TaskState
from nbflow.service.clock import now
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
            Tasks that only old runs know come after them.
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
            tasks.setdefault(record.key.task_id)
            squares[record.key.task_id, run_id] = GridSquare(
                state=record.state,
                try_number=record.try_number,
                seconds=_seconds(record.started, record.ended),
                reason=record.reason,
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
        f"{run.interval.logical_date.astimezone(zone):%-d %b} `{record.key.task_id}`: {_cut(record.reason)}"
        for run in reversed(runs)
        for record in instances[run.key.run_id]
        if record.state is TaskState.FAILED
    ]
    if failures:
        listed = "; ".join(failures[:_LISTED_FAILURES])
        more = len(failures) - _LISTED_FAILURES
        said.append(f"failed: {listed}" + (f"; and {more} more" if more > 0 else ""))
    return " · ".join(said)


def standing(run: RunRecord, *, held: bool) -> tuple[str, str]:
    """A run's state and reason as shown: one that nobody runs any more is *interrupted*.

    Args:
        run: which.
        held: whether some process holds the home (`store.home.is_held`).
    """
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
