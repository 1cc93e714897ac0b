"""Mapped tasks: their instances, and what those come to together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbflow.model.instance import Instance
from nbflow.model.run import TaskKey
from nbflow.model.state import TaskState
from nbflow.plan.live import LiveTask
from nbflow.plan.trigger import Tally

if TYPE_CHECKING:
    from collections.abc import Sequence

_LISTED = 3
_ENDED = {
    TaskState.FAILED: "failed",
    TaskState.UPSTREAM_FAILED: "were stopped by a failure above",
    TaskState.SUCCESS: "succeeded",
}


def instances_for(task: LiveTask, labels: Sequence[str]) -> tuple[list[LiveTask], list[LiveTask]]:
    """The instances of a mapped task that has found its items, and those it has no item for.

    An instance that was there before keeps its tries.
    """
    items: list[LiveTask] = []
    tries = 1 + task.spec.retries
    known = {item.key.map_index: item for item in task.spare}
    for index, label in enumerate(labels):
        item = known.pop(index, None)
        if item is not None:
            item.now = item.now.changed(label=label)
        else:
            key = TaskKey(task.key.run, task.key.task_id, index)
            item = LiveTask(key, task.spec, task.run, Instance(max_tries=tries, label=label), Tally(0))
        item.whole = task
        items.append(item)
    return items, list(known.values())


def aggregate(task: LiveTask) -> tuple[TaskState, str]:
    """The state of a mapped task all of whose instances are finished, and why."""
    states = [item.now.state for item in task.items]
    for state in (TaskState.FAILED, TaskState.UPSTREAM_FAILED, TaskState.SUCCESS):
        of_it = [item for item in task.items if item.now.state is state]
        if of_it:
            return state, f"{len(of_it)} of {len(states)} instances {_ENDED[state]}{_which(of_it, state)}"
    return TaskState.SKIPPED, f"all {len(states)} instances were skipped"


def _which(items: Sequence[LiveTask], state: TaskState) -> str:
    if state is TaskState.SUCCESS:
        return ""
    named = [f"[{item.key.map_index}] {item.now.label}".rstrip() for item in items[:_LISTED]]
    more = len(items) - len(named)
    return f": {', '.join(named)}" + (f" and {more} more" if more else "")
