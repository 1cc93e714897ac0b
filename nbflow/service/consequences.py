"""What else has to run when a person has tasks run again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbflow.errors import HomeError
from nbflow.model.run import TaskKey
from nbflow.model.state import TaskState
from nbflow.plan.selection import not_kept
from nbflow.service.submit import stale_tasks
from nbflow.service.views import run_states
from nbflow.store.reading import reading_xcoms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nbflow.model.flow import Flow
    from nbflow.model.record import InstanceRecord
    from nbflow.model.run import RunKey
    from nbflow.service.lookup import Target
    from nbflow.store.source import XComReader

ACTIVE = frozenset(
    {
        TaskState.SCHEDULED,
        TaskState.QUEUED,
        TaskState.RUNNING,
        TaskState.RESTARTING,
        TaskState.UP_FOR_RETRY,
        TaskState.UP_FOR_RESCHEDULE,
    }
)
"""States of what is under way."""


def held_up(
    flow: Flow, run: RunKey, states: Mapping[TaskKey, TaskState], tasks: Mapping[TaskKey, str]
) -> dict[TaskKey, str]:
    """What directly or indirectly below them had not run because they failed, or runs now on what they gave."""
    graph, again = flow.graph, {key.task_id for key in tasks}
    found: dict[TaskKey, str] = {}
    for task_id in graph.order:
        key = TaskKey(run, task_id)
        above = [up for up in graph.upstream(task_id) if up in again]
        state = states.get(key)
        if not above or task_id in again:
            continue
        if state is TaskState.UPSTREAM_FAILED:
            found[key] = f"it did not run because of `{above[0]}`, which runs again"
        elif state in ACTIVE:
            found[key] = f"it is under way, and `{above[0]}` above it runs again"
        if key in found:
            again.add(task_id)
    return found


def needed_now(
    target: Target, run: RunKey, instances: Sequence[InstanceRecord], tasks: Mapping[TaskKey, str]
) -> dict[TaskKey, str]:
    """See `needed`; nothing where the XComs can't be read now: whoever clears the tasks adds them."""
    try:
        with reading_xcoms(target.home) as xcoms:
            return needed(target.flow, run, instances, tasks, xcoms)
    except HomeError:
        return {}


def needed(
    flow: Flow,
    run: RunKey,
    instances: Sequence[InstanceRecord],
    tasks: Mapping[TaskKey, str],
    xcoms: XComReader,
) -> dict[TaskKey, str]:
    """What must run too, because the code needs a value that its latest try did not keep, each with the reason.

    Args:
        flow: the notebook as it is now.
        run: which run.
        instances: its task instances.
        tasks: those that run again.
        xcoms: what its tries handed on.
    """
    again = {key.task_id for key in tasks}
    if not stale_tasks(flow, instances) & again:  # they need what they needed before, and that was there
        return {}
    kept: dict[str, set[str]] = {}
    for value in xcoms.list_values(run.dag_id, run.run_id):
        if value.current and value.task.map_index < 0:
            kept.setdefault(value.task.task_id, set()).add(value.key)
    names = {task_id: frozenset(found) for task_id, found in kept.items()}
    names |= {task_id: frozenset({spec.collect}) for task_id, spec in flow.tasks.items() if spec.collect}
    found = not_kept(again, flow.producers, flow.optional, run_states(instances), names)
    return {TaskKey(run, task_id): reason for task_id, reason in found.items()}
