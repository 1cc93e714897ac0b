"""Why a task instance is in its state, and what it waits for, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbflow.model.run import RunType, TaskKey
from nbflow.model.state import RunState, TaskState
from nbflow.plan.trigger import evaluate
from nbflow.service.lookup import label_of
from nbflow.service.views import run_states

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbflow.model.record import InstanceRecord, RunRecord, Transition
    from nbflow.model.task import TaskSpec
    from nbflow.service.lookup import Target
    from nbflow.store.state import StateStore

_PASSES = (TaskState.SUCCESS, TaskState.SKIPPED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """A task directly above: where it stands, and why."""

    task_id: str
    state: TaskState
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """What is to be said of a task instance.

    Attributes:
        record: as the store has it.
        rule: what its trigger rule says of the tasks above it now: «run: 2 of 2 upstream tasks succeeded».
        upstream: the tasks directly above, in the order of the notebook.
        waits: what it waits for, one sentence each; empty when it is finished or runs.
        moves: its moves, first to latest.
    """

    record: InstanceRecord
    rule: str
    upstream: tuple[Upstream, ...]
    waits: tuple[str, ...]
    moves: tuple[Transition, ...]


def why(state: StateStore, target: Target, run: RunRecord, key: TaskKey) -> Why:
    """Why a task instance of a run is in its state."""
    records = state.instances(run.key)
    record = next(found for found in records if found.key == key)
    of_task = {found.key.task_id: found for found in records if found.key.map_index < 0}
    spec = target.flow.tasks.get(key.task_id)
    upstream: tuple[Upstream, ...] = ()
    rule = "the notebook no longer has this task"
    if spec is not None:
        above = target.flow.graph.upstream(key.task_id)
        upstream = tuple(_standing(of_task.get(task_id), task_id) for task_id in above)
        said = evaluate(spec.trigger_rule, [one.state for one in upstream])
        rule = f"{said.decision.value}: {said.reason}"
    waiting = spec is not None and not record.state.finished and record.state is not TaskState.RUNNING
    return Why(
        record=record,
        rule=rule,
        upstream=upstream,
        waits=tuple(_waits(state, target, run, record, spec, upstream)) if waiting and spec else (),
        moves=tuple(
            move
            for move in state.transitions(run.key)
            if (move.task_id, move.map_index) == (key.task_id, key.map_index)
        ),
    )


def _standing(record: InstanceRecord | None, task_id: str) -> Upstream:
    if record is None:
        return Upstream(task_id=task_id, state=TaskState.NONE, reason="it is new in the notebook")
    return Upstream(task_id=task_id, state=record.state, reason=record.reason)


def _waits(
    state: StateStore,
    target: Target,
    run: RunRecord,
    record: InstanceRecord,
    spec: TaskSpec,
    upstream: Sequence[Upstream],
) -> list[str]:
    """What keeps an unfinished task instance, from the outermost: its DAG, its run, what is above it, slots."""
    said: list[str] = []
    dag = state.dag(target.dag_id)
    if dag is not None and dag.paused:
        why_paused = f" ({dag.pause_reason})" if dag.pause_reason else ""
        said.append(f"{target.dag_id} is paused{why_paused}: nbflow unpause {target.dag_id}")
    if run.state is RunState.QUEUED:
        said.append(f"its run is queued: {run.reason or 'nobody has begun with it'}")
    elif run.state.finished:
        said.append(f"its run is over ({run.state}: {run.reason}); clear the task to have it run")
    unfinished = [one for one in upstream if not one.state.finished]
    said += [f"`{one.task_id}` above it is {one.state}" for one in unfinished]
    said += _past(state, target, run, spec)
    if record.state in (TaskState.SCHEDULED, TaskState.QUEUED):
        said += _slots(state, target, spec)
    if record.state in (TaskState.UP_FOR_RETRY, TaskState.UP_FOR_RESCHEDULE):
        said.append(record.reason)
    return said


def _past(state: StateStore, target: Target, run: RunRecord, spec: TaskSpec) -> list[str]:
    """What it waits for in the run before (semantics.md: depends_on_past, wait_for_downstream)."""
    if not spec.heeds_past or run.run_type is RunType.MANUAL or run.variant:
        return []
    before = state.prior_run(target.dag_id, run.interval.logical_date)
    if before is None:
        return []
    label, states = label_of(before, target.timezone), run_states(state.instances(before.key))
    wanted = [spec.task_id]
    if spec.wait_for_downstream:
        wanted += target.flow.graph.downstream(spec.task_id)
    return [
        f"`{task_id}` of the run before, {label}, is {states[task_id]} (depends_on_past)"
        for task_id in wanted
        if task_id in states and states[task_id] not in _PASSES
    ]


def _slots(state: StateStore, target: Target, spec: TaskSpec) -> list[str]:
    taken = state.slots_taken()
    of_dag = sum(count for (dag_id, _), count in taken.items() if dag_id == target.dag_id)
    pools = state.settings.pools()
    said = [f"{sum(taken.values())} task instances of the home run or are about to, {of_dag} of this DAG"]
    if (pool := pools.get(spec.pool)) is None:
        said.append(f"there is no pool `{spec.pool}`: nbflow pools set {spec.pool} SLOTS")
    else:
        own = sum(
            count * target.flow.tasks[task_id].pool_slots
            for (dag_id, task_id), count in taken.items()
            if dag_id == target.dag_id
            and task_id in target.flow.tasks
            and target.flow.tasks[task_id].pool == spec.pool
        )
        said.append(
            f"it takes {spec.pool_slots} of the {pool.slots} slots of pool `{spec.pool}`; "
            f"tasks of this DAG hold {own}"
        )
    return said
