"""The state machine's memory of one open run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from nbflow.model.run import RunKey, RunType, TaskKey
from nbflow.model.state import RunState, TaskState
from nbflow.model.task import TaskKind
from nbflow.plan.trigger import Tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from nbflow.model.instance import Instance, Prior
    from nbflow.model.plan import Plan
    from nbflow.model.task import TaskSpec


class Lane(NamedTuple):
    """Runs of a DAG that share its `max_active_runs`: its backfills, or its other runs (semantics.md, backfill)."""

    dag_id: str
    backfill: bool


@dataclass(slots=True, eq=False)
class LiveTask:
    """A task instance of an open run. A mapped task has one of its own (`map_index` -1) and one for each item.

    Attributes:
        upstream: how many task instances directly before it stand where.
        down: the tasks directly after it.
        whole: of an instance of a mapped task: the mapped task.
        items: of a mapped task that knows its items: its instances.
        spare: of a mapped task that has to find its items anew: the instances it had.
        left: of a mapped task: how many of its instances are not finished.
        flying: whether one of its tries is under way: between two looks of a sensor none is.
        due: when it gets on, where it waits for a time.
        sentence: what it is to become when its try has ended, whatever comes of that; with the reason.
    """

    key: TaskKey
    spec: TaskSpec
    run: LiveRun
    now: Instance
    upstream: Tally
    down: tuple[LiveTask, ...] = ()
    whole: LiveTask | None = None
    items: Sequence[LiveTask] = ()
    spare: Sequence[LiveTask] = ()
    left: int = 0
    flying: bool = False
    due: datetime | None = None
    sentence: tuple[TaskState, str] | None = None

    @property
    def expanded(self) -> bool:
        """Whether it is a mapped task that knows its items; then they run, and its state is theirs."""
        return self.now.items is not None

    @property
    def dormant(self) -> bool:
        """Whether it is an instance of a mapped task for which no item is known (any more)."""
        return self.key.map_index >= 0 and self.whole is None

    @property
    def moving(self) -> bool:
        """Whether it gets on by itself."""
        return self.now.state.moving and not self.expanded

    @property
    def holds_slot(self) -> bool:
        """Whether it takes a place of the executor."""
        return self.now.state.holds_slot and not self.expanded

    @property
    def counted(self) -> tuple[TaskState, ...]:
        """The states that trigger rules below it count."""
        return tuple(item.now.state for item in self.items) if self.items else (self.now.state,)


@dataclass(slots=True, eq=False)
class LiveRun:
    """An open run.

    Attributes:
        tasks: by id; instances of mapped tasks hang on theirs.
        unfinished: how many tasks are not finished.
        moving: how many task instances get on by themselves.
        prior, following: the runs before and after it among those that have a past.
        superseded: from when on its interval is no longer the latest.
        backfill, latest_first: see `RunOpened`.
        skips: task id → the branches and short circuits that skip it, each with the reason.
        sentence: how it is to end, whatever its tasks come to; with the reason.
        held: what of an earlier run it waits for, "" when it doesn't; then it is queued.
    """

    key: RunKey
    logical_date: datetime
    run_type: RunType
    plan: Plan
    state: RunState
    tasks: dict[str, LiveTask] = field(default_factory=dict[str, LiveTask])
    unfinished: int = 0
    moving: int = 0
    prior: LiveRun | Prior | None = None
    following: LiveRun | None = None
    superseded: datetime | None = None
    backfill: bool = False
    latest_first: bool = False
    skips: dict[str, dict[str, str]] = field(default_factory=dict[str, "dict[str, str]"])
    sentence: tuple[RunState, str] | None = None
    held: str = ""

    @property
    def lane(self) -> Lane:
        """Where it waits for room, and what it then takes room from."""
        return Lane(self.key.dag_id, backfill=self.backfill)

    @property
    def has_past(self) -> bool:
        """Whether it is one of the runs that `depends_on_past` looks at."""
        return self.run_type is not RunType.MANUAL

    def everything(self) -> Iterator[LiveTask]:
        """Every task instance, those of mapped tasks after their task."""
        for task in self.tasks.values():
            yield task
            yield from task.items
            yield from task.spare

    def find(self, key: TaskKey) -> LiveTask | None:
        """The task instance with this key, if there is one."""
        task = self.tasks.get(key.task_id)
        if task is None or key.map_index < 0:
            return task
        if key.map_index < len(task.items):
            return task.items[key.map_index]
        return next((item for item in task.spare if item.key.map_index == key.map_index), None)

    def state_of(self, task_id: str) -> TaskState | None:
        """Where a task stands; None when it has no such task."""
        task = self.tasks.get(task_id)
        return None if task is None else task.now.state

    def count(self) -> None:
        """Count states afresh."""
        for task in self.tasks.values():
            task.upstream = tally_of(self, task)
        self.unfinished = sum(not task.now.state.finished for task in self.tasks.values())
        self.moving = sum(task.moving for task in self.everything())

    @property
    def untouched(self) -> bool:
        """Whether nothing of it has begun."""
        return all(task.now.try_number == 0 and not task.now.state.finished for task in self.everything())

    @property
    def busy(self) -> bool:
        """Whether one of its tasks holds a slot."""
        return any(task.holds_slot for task in self.everything())

    def ending(self) -> tuple[RunState, str]:
        """How a run ends whose tasks are all finished: any leaf failed → failed, else success.

        Teardowns don't count unless they say so: what they clean up after stands for them
        (semantics.md, Task states, run state).
        """
        if self.sentence is not None:
            return self.sentence
        bad = (TaskState.FAILED, TaskState.UPSTREAM_FAILED)
        leaves = [task.key.task_id for task in self._leaves() if task.now.state in bad]
        if not leaves:
            return RunState.SUCCESS, "every leaf succeeded or was skipped"
        failed = [task_id for task_id, task in self.tasks.items() if task.now.state is TaskState.FAILED]
        return RunState.FAILED, "failed: " + ", ".join(failed or leaves)

    def _leaves(self) -> list[LiveTask]:
        if not self.plan.teardowns:
            return [self.tasks[task_id] for task_id in self.plan.graph.leaves]
        silent = {
            task_id for task_id in self.plan.teardowns if not self.tasks[task_id].spec.on_failure_fail_dagrun
        }
        return [
            task
            for task_id, task in self.tasks.items()
            if task_id not in silent and all(below.key.task_id in silent for below in task.down)
        ]


def tally_of(run: LiveRun, task: LiveTask) -> Tally:
    """The states directly before a task, counted."""
    tally = Tally(0)
    for task_id in run.plan.graph.upstream(task.key.task_id):
        for state in run.tasks[task_id].counted:
            tally.add(state)
    return tally


def skipped_below(run: LiveRun, task: LiveTask) -> Iterable[str]:
    """The tasks that a branch or short circuit which has decided skips.

    A branch: those directly below that it did not choose and that don't stand on a chosen one. A short
    circuit that is false: all that stand on it but teardowns, or with `respect_trigger_rules` those directly
    below (semantics.md, Task states, branch and short circuit).
    """
    graph, follow = run.plan.graph, task.now.follow
    if follow is None or task.now.state is not TaskState.SUCCESS:
        return ()
    task_id = task.key.task_id
    if task.spec.kind is TaskKind.SHORT_CIRCUIT:
        if follow:
            return ()
        if task.spec.respect_trigger_rules:
            return graph.downstream(task_id)
        return [below for below in graph.descendants(task_id) if below not in run.plan.teardowns]
    kept = set(follow).union(*(graph.descendants(chosen) for chosen in follow))
    return [below for below in graph.downstream(task_id) if below not in kept]


def decision_words(task: LiveTask) -> str:
    """What a branch or short circuit has decided."""
    task_id, follow = task.key.task_id, task.now.follow or ()
    if task.spec.kind is TaskKind.SHORT_CIRCUIT:
        return f"the short circuit `{task_id}` was {'true' if follow else 'false'}"
    return f"the branch `{task_id}` chose {', '.join(follow) or 'none'}"
