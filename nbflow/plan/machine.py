"""The state machine: events in, actions out. Nothing else decides what a task instance does next.

The machine keeps what it needs of every open run in memory and touches, for each event, only the
task it is about and its direct neighbours. It knows no clock (events carry their time), no file, no
process and no chance; the service stores its moves in one transaction and then performs the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from nbflow.model.instance import Instance
from nbflow.model.messages import (
    Action,
    Cleared,
    ClockTicked,
    Event,
    Marked,
    PauseSet,
    PoolsSet,
    RunMarked,
    RunOpened,
    SlotFreed,
    StopAsked,
    TryEnded,
    TryStarted,
    VersionPublished,
)
from nbflow.model.run import RunKey
from nbflow.model.state import RunState
from nbflow.plan.runs import Deadline, Runs
from nbflow.plan.tasks import Tasks
from nbflow.plan.tries import Tries

if TYPE_CHECKING:
    from datetime import datetime

    from nbflow.model.instance import Instance
    from nbflow.model.messages import Command
    from nbflow.model.run import TaskKey


class Machine:
    """The state of every open run, and the rules by which it changes."""

    def __init__(self, *, parallelism: int) -> None:
        self._actions: list[Action] = []
        self._tries = Tries(self._actions, parallelism)
        self._tasks = Tasks(self._actions, self._tries)
        self._runs = Runs(self._actions, self._tries, self._tasks)
        self.slots = self._tries.slots
        self.stopping = False

    # What can be asked

    @property
    def idle(self) -> bool:
        """Whether nothing more happens without an event from outside.

        Nothing is open, or all that is open is held by an earlier run or paused and no task runs; after a stop,
        no task runs any more.
        """
        if self._tries.in_flight:
            return False
        return self.stopping or self._runs.asleep

    @property
    def next_wake(self) -> datetime | None:
        """When the machine next wants to be told the time; None when it waits for no time."""
        return None if self.stopping else self._tries.timers.next

    def instance(self, key: TaskKey) -> Instance:
        """A task instance of an open run.

        Raises:
            KeyError: its run is not open, or has no such task.
        """
        task = self._runs.open[key.run].find(key)
        if task is None:
            raise KeyError(key)
        return task.now

    def instances(self, run: RunKey, task_id: str) -> list[Instance]:
        """The instances of a mapped task of an open run, in map order; empty where it has none.

        Raises:
            KeyError: the run is not open, or has no such task.
        """
        return [item.now for item in self._runs.open[run].tasks[task_id].items]

    def is_open(self, run: RunKey) -> bool:
        """Whether a run is open."""
        return run in self._runs.open

    def is_untouched(self, run: RunKey) -> bool:
        """Whether a run is open and nothing of it has begun: a new version counts for it."""
        found = self._runs.open.get(run)
        return found is not None and found.state is RunState.QUEUED and found.untouched

    def waiting(self) -> dict[RunKey, str]:
        """The open runs that only an event from outside can bring on, each with what it waits for."""
        return self._runs.waiting()

    def why(self, key: TaskKey, at: datetime) -> str:
        """What a task instance of an open run waits for, in words; "" when it waits for nothing."""
        return self._tasks.why(self._runs.open[key.run], key, at)

    # What it is told

    def handle(self, event: Event) -> list[Action]:
        """Take one event; give the actions that follow from it, in order."""
        match event:
            case TryEnded():
                self._tries.end(event, stopping=self.stopping)
            case TryStarted():
                self._tries.begin(event.key, event.try_number, event.at)
                return self._said()  # nothing follows from it
            case SlotFreed(key=key, try_number=try_number):
                self._tries.vacate(key, try_number)
            case RunOpened():
                self._runs.take(event)
            case ClockTicked(at=at):
                for due in self._tries.timers.due(at):
                    self._come_due(due, at)
            case VersionPublished():
                self._runs.publish(event.runs, event.plan)
            case StopAsked():
                self.stopping = True
                self._runs.stop(event.reason, event.at, graceful=event.graceful)
            case _:
                self._obey(event)
        if not self.stopping:
            self._runs.settle(event.at)
            self._start(event.at)
        return self._said()

    def _said(self) -> list[Action]:
        actions = self._actions[:]
        self._actions.clear()
        return actions

    def _obey(self, command: Command) -> None:
        """Do what a person says."""
        at = command.at
        match command:
            case Cleared(run=run, tasks=tasks):
                self._runs.clear(run, tasks, at)
            case Marked(run=run, tasks=marks, reason=reason):
                self._runs.mark(run, marks, reason, at)
            case RunMarked(run=run, state=state, reason=reason):
                self._runs.mark_run(run, state, reason, at)
            case PauseSet(dag_id=dag_id, paused=paused):
                self._runs.pause(dag_id, paused=paused)
            case PoolsSet(pools=pools):
                self._tasks.set_pools(self._runs.open.values(), pools, at)
            case _:
                assert_never(command)

    def _come_due(self, due: RunKey | TaskKey | Deadline, at: datetime) -> None:
        if isinstance(due, Deadline):
            self._runs.miss_deadline(due.run, at)
        elif isinstance(due, RunKey):
            self._runs.time_out(due, at)
        else:
            self._tries.wake(due, at)

    def _start(self, at: datetime) -> None:
        for key in self.slots.take(self._tries.is_ready):
            self._tries.launch(key, at)
