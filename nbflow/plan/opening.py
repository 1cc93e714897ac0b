"""A run as the store has it becomes one that the machine moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbflow.model.messages import Move
from nbflow.model.run import TaskKey
from nbflow.model.state import TaskState
from nbflow.plan.conclusion import first_of, resumed
from nbflow.plan.live import LiveRun, LiveTask, decision_words, skipped_below
from nbflow.plan.trigger import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from nbflow.model.instance import Instance
    from nbflow.model.messages import RunOpened


def fill(run: LiveRun, instances: Mapping[TaskKey, Instance]) -> None:
    """Give a run its task instances as the store has them; those that are missing are new."""
    plan = run.plan
    run.tasks = {}
    for task_id in plan.graph.order:
        key = TaskKey(run.key, task_id)
        spec, up = plan.tasks[task_id], plan.graph.upstream(task_id)
        run.tasks[task_id] = LiveTask(key, spec, run, first_of(instances.get(key), spec), Tally(len(up)))
    for task in run.tasks.values():
        task.down = tuple(run.tasks[below] for below in plan.graph.downstream(task.key.task_id))
    for key in sorted(key for key in instances if key.map_index >= 0):
        task = run.tasks.get(key.task_id)
        if task is not None and task.spec.mapped:
            item = LiveTask(key, task.spec, run, instances[key], Tally(0))
            if key.map_index < (task.now.items or 0):
                item.whole = task
                task.items = [*task.items, item]
            else:
                task.spare = [*task.spare, item]
    run.unfinished = len(run.tasks)


def resume(
    run: LiveRun, event: RunOpened, record: Callable[[LiveTask, TaskState, str, datetime], None]
) -> None:
    """Bring what an earlier session left unfinished, and what has to run again, back to `none`.

    Of a mapped task that has to run again every instance does; of one that has to find its items anew, an
    instance that had ended keeps what it came to.

    Args:
        run: filled.
        event: says what has to run again, and when this is.
        record: told of each move.
    """
    if not event.instances:
        return

    def back(task: LiveTask, again: str | None) -> None:
        if task.key in event.landed:
            if task.now.state is TaskState.QUEUED:
                record(task, TaskState.RUNNING, "the executor started it", event.at)
            return
        found = resumed(task.now, again, task.spec)
        if found is not None:
            task.now = found.now
            if found.state is not None and task.now.state is not found.state:
                record(task, found.state, found.reason, event.at)

    for task in run.tasks.values():
        again = event.again.get(task.key)
        for item in (*task.items, *task.spare):
            if item.now.state is not TaskState.REMOVED:
                back(item, event.again.get(item.key, again))
        task.left = sum(not item.now.state.finished for item in task.items)
        if task.left and task.now.state.finished and again is None:
            record(task, TaskState.NONE, "some of its instances run again", event.at)
            record(task, TaskState.RUNNING, "some of its instances run again", event.at)
            continue
        back(task, again)
        if not task.expanded:
            task.spare, task.items = [*task.items, *task.spare], []
            for item in task.spare:
                item.whole = None
    run.count()
    for task in run.tasks.values():
        for below in skipped_below(run, task):
            run.skips.setdefault(below, {})[task.key.task_id] = decision_words(task)


def removals(run: LiveRun, event: RunOpened) -> list[Move]:
    """The moves of task instances whose tasks the notebook no longer has."""
    reason = "the notebook no longer has this task"
    return [
        Move(
            at=event.at,
            key=key,
            old=instance.state,
            new=TaskState.REMOVED,
            reason=reason,
            instance=instance.in_state(TaskState.REMOVED),
        )
        for key, instance in event.instances.items()
        if key.task_id not in run.tasks and instance.state is not TaskState.REMOVED
    ]
