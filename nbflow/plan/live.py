"""The state machine's memory of one open run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from nbflow.model.messages import Instance, Plan, RunOpened
from nbflow.model.run import RunKey, TaskKey
from nbflow.model.state import RunState, TaskState
from nbflow.model.work import Result

if TYPE_CHECKING:
    from datetime import datetime

    from nbflow.model.task import TaskSpec


@dataclass(slots=True)
class LiveTask:
    """A task instance of an open run.

    Attributes:
        upstream: how many tasks directly before it stand where; kept up to date by their moves.
    """

    key: TaskKey
    now: Instance
    upstream: Counter[TaskState] = field(default_factory=Counter[TaskState])


@dataclass(slots=True)
class LiveRun:
    """An open run."""

    key: RunKey
    logical_date: datetime
    plan: Plan
    state: RunState
    tasks: dict[str, LiveTask]
    unfinished: int = 0

    @classmethod
    def of(cls, event: RunOpened) -> LiveRun:
        """The run as the event has it, before anything of it is reopened."""
        tasks = {
            task_id: LiveTask(
                TaskKey(event.run, task_id),
                _known(event.instances.get(task_id), event.plan.tasks[task_id]),
            )
            for task_id in event.plan.graph.order
        }
        return cls(event.run, event.logical_date, event.plan, event.state, tasks)

    def count(self) -> None:
        """Count states afresh, after tasks were reopened."""
        for task_id, task in self.tasks.items():
            task.upstream = Counter(self.tasks[up].now.state for up in self.plan.graph.upstream(task_id))
        self.unfinished = sum(not task.now.state.finished for task in self.tasks.values())

    def downstream(self, task: LiveTask) -> list[LiveTask]:
        """The tasks directly after this one."""
        return [self.tasks[down] for down in self.plan.graph.downstream(task.key.task_id)]

    @property
    def busy(self) -> bool:
        """Whether one of its tasks holds a slot."""
        return any(task.now.state.holds_slot for task in self.tasks.values())

    def ending(self) -> tuple[RunState, str]:
        """How a run ends whose tasks are all finished: any leaf failed → failed, else success."""
        bad = (TaskState.FAILED, TaskState.UPSTREAM_FAILED)
        leaves = [leaf for leaf in self.plan.graph.leaves if self.tasks[leaf].now.state in bad]
        if not leaves:
            return RunState.SUCCESS, "every leaf succeeded or was skipped"
        failed = [task_id for task_id, task in self.tasks.items() if task.now.state is TaskState.FAILED]
        return RunState.FAILED, "failed: " + ", ".join(failed or leaves)


def _known(stored: Instance | None, spec: TaskSpec) -> Instance:
    """The instance as stored; one that never ran has the tries its task has now."""
    if stored is None or (stored.state is TaskState.NONE and stored.try_number == 0):
        return Instance(max_tries=1 + spec.retries)
    return stored


def resumed(now: Instance, again: str | None, spec: TaskSpec) -> tuple[Instance, str] | None:
    """How a task instance of an earlier session goes on.

    Args:
        now: where the store has it.
        again: why it must run again although it is finished; None: it need not.
        spec: its task as it is now.

    Returns:
        The instance with the tries it may still make, and why it goes back to `none`; None where it stays.
    """
    match now.state:
        case TaskState.NONE:
            return None
        case TaskState.QUEUED | TaskState.RUNNING | TaskState.RESTARTING:  # lost: costs no retry
            tries = max(now.max_tries, now.try_number + 1)
            return replace(now, max_tries=tries), "it was not finished when its scheduler ended"
        case state if not state.finished:
            return now, "it was waiting when its scheduler ended"
        case _ if again is not None:
            return replace(now, max_tries=now.try_number + 1 + spec.retries, losses=0), again
        case _:
            return None


def undecided(now: Instance, result: Result) -> bool:
    """Whether a try that ended during a stop decides nothing about its task instance."""
    retryable = result in (Result.FAILED, Result.TIMED_OUT) and now.try_number < now.max_tries
    return retryable or result in (Result.STOPPED, Result.LOST)
