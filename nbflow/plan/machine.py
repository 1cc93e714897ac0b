"""The state machine: events in, actions out. Nothing else decides what a task instance does next.

The machine keeps what it needs of every open run in memory and touches, for each event, only the
task it is about and its direct neighbours. It knows no clock (events carry their time), no file, no
process and no chance; the service stores its moves in one transaction and then performs the rest.
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from dataclasses import replace
from typing import TYPE_CHECKING, assert_never

from nbflow.model.messages import (
    Action,
    ClockTicked,
    Event,
    Halt,
    Instance,
    Launch,
    Move,
    RunMove,
    RunOpened,
    StopAsked,
    TryEnded,
    TryStarted,
)
from nbflow.model.run import RunKey, TaskKey
from nbflow.model.state import Decision, RunState, TaskState, check_run_move, check_task_move
from nbflow.model.work import Result
from nbflow.plan.live import LiveRun, LiveTask, resumed, undecided
from nbflow.plan.retry import MAX_LOSSES, wait
from nbflow.plan.selection import RUN_TIMED_OUT
from nbflow.plan.slots import Slots
from nbflow.plan.timers import Timers
from nbflow.plan.trigger import Tally, verdict

if TYPE_CHECKING:
    from datetime import datetime


class Machine:
    """The state of every open run, and the rules by which it changes."""

    def __init__(self, *, parallelism: int) -> None:
        self.slots = Slots(parallelism)
        self.stopping = False
        self._runs: dict[RunKey, LiveRun] = {}
        self._active: Counter[str] = Counter()  # runs in state running, by DAG
        self._waiting: dict[str, list[tuple[datetime, RunKey]]] = {}  # queued runs, by DAG, a heap
        self._has_room: set[str] = set()  # DAGs of which a queued run may be able to start
        self._timers: Timers[RunKey | TaskKey] = Timers()
        self._actions: list[Action] = []

    # What can be asked

    @property
    def idle(self) -> bool:
        """Whether nothing is open, or (after a stop) nothing runs any more."""
        return self.slots.used == 0 if self.stopping else not self._runs

    @property
    def next_wake(self) -> datetime | None:
        """When the machine next wants to be told the time; None when it waits for no time."""
        return None if self.stopping else self._timers.next

    def instance(self, key: TaskKey) -> Instance:
        """A task instance of an open run.

        Raises:
            KeyError: its run is not open, or has no such task.
        """
        return self._runs[key.run].tasks[key.task_id].now

    # What it is told

    def handle(self, event: Event) -> list[Action]:
        """Take one event; give the actions that follow from it, in order."""
        match event:
            case RunOpened():
                self._open(event)
            case TryStarted(at=at, key=key, try_number=try_number):
                task = self._current(key, try_number)
                if task is not None and task.now.state is TaskState.QUEUED:
                    self._move(task, TaskState.RUNNING, "the executor started it", at)
            case TryEnded():
                self._end(event)
            case StopAsked(at=at, reason=reason):
                self._stop(at, reason)
            case ClockTicked(at=at):
                self._tick(at)
            case _:
                assert_never(event)
        while self._has_room:
            self._admit(self._has_room.pop(), event.at)
        self._start(event.at)
        actions, self._actions = self._actions, []
        return actions

    # Runs

    def _open(self, event: RunOpened) -> None:
        if event.run in self._runs:
            return
        run = self._runs[event.run] = LiveRun.of(event)
        for task_id, task in run.tasks.items():
            back = resumed(task.now, event.again.get(task_id), run.plan.tasks[task_id])
            if back is not None:
                task.now, reason = back
                self._record(task, TaskState.NONE, reason, event.at)
        run.count()
        if run.state.finished:
            self._move_run(run, RunState.QUEUED, "goes on", event.at)
        elif run.state is RunState.RUNNING:
            self._move_run(run, RunState.QUEUED, "its scheduler had ended", event.at)
        self.slots.limit(run.key.dag_id, run.plan.max_active_tasks)
        heapq.heappush(self._waiting.setdefault(run.key.dag_id, []), (run.logical_date, run.key))
        self._has_room.add(run.key.dag_id)

    def _admit(self, dag_id: str, at: datetime) -> None:
        """Start queued runs, earliest logical date first, while the DAG has room for them."""
        queue = self._waiting.get(dag_id, [])
        while queue and not self.stopping:
            run = self._runs[queue[0][1]]
            if self._active[dag_id] >= run.plan.max_active_runs:
                return
            heapq.heappop(queue)
            self._active[dag_id] += 1
            self._move_run(run, RunState.RUNNING, "the DAG has room for it", at)
            if run.plan.dagrun_timeout is not None:
                self._timers.set(at + run.plan.dagrun_timeout, run.key)
            touched = deque(task for task in run.tasks.values() if task.now.state is TaskState.NONE)
            self._settle(run, touched, at)

    def _close_if_done(self, run: LiveRun, at: datetime) -> None:
        if run.unfinished or run.state is not RunState.RUNNING:
            return
        self._finish_run(run, *run.ending(), at)

    def _finish_run(self, run: LiveRun, state: RunState, reason: str, at: datetime) -> None:
        self._move_run(run, state, reason, at)
        self._active[run.key.dag_id] -= 1
        if not run.busy:
            del self._runs[run.key]
        self._has_room.add(run.key.dag_id)

    # Task instances

    def _settle(self, run: LiveRun, touched: deque[LiveTask], at: datetime) -> None:
        """Apply the trigger rules to these tasks, and to what their verdicts touch in turn."""
        while touched:
            task = touched.popleft()
            if task.now.state is not TaskState.NONE or run.state is not RunState.RUNNING:
                continue
            spec = run.plan.tasks[task.key.task_id]
            said = verdict(spec.trigger_rule, Tally.of(task.upstream))
            match said.decision:
                case Decision.WAIT:
                    continue
                case Decision.RUN:
                    self._move(task, TaskState.SCHEDULED, said.reason, at)
                    self._ready(run, task)
                case Decision.SKIP:
                    self._move(task, TaskState.SKIPPED, said.reason, at)
                    touched.extend(run.downstream(task))
                case Decision.UPSTREAM_FAILED:
                    self._move(task, TaskState.UPSTREAM_FAILED, said.reason, at)
                    touched.extend(run.downstream(task))
                case _:
                    assert_never(said.decision)
        self._close_if_done(run, at)

    def _end(self, event: TryEnded) -> None:
        task = self._current(event.key, event.try_number)
        if task is None or not task.now.state.holds_slot:
            return  # a late outcome of a try that no longer counts
        run = self._runs[event.key.run]
        self.slots.give_back(event.key)
        if task.now.state is TaskState.QUEUED:
            self._move(task, TaskState.RUNNING, "the executor started it", event.at)
        if self.stopping and undecided(task.now, event.result):
            task.now = replace(task.now, max_tries=task.now.max_tries + 1)
            self._move(task, TaskState.NONE, event.reason, event.at)
            return
        self._conclude(run, task, event)
        if run.state.finished:  # a run that timed out: this was one of its last tasks
            if not run.busy:
                self._runs.pop(run.key, None)
            return
        if task.now.state.finished:
            self._settle(run, deque(run.downstream(task)), event.at)

    def _conclude(self, run: LiveRun, task: LiveTask, event: TryEnded) -> None:
        """What the result of a try makes of its task instance."""
        now, at, reason = task.now, event.at, event.reason
        goes_on = run.state is RunState.RUNNING
        match event.result:
            case Result.SUCCESS:
                self._move(task, TaskState.SUCCESS, reason, at)
            case Result.SKIPPED:
                self._move(task, TaskState.SKIPPED, reason, at)
            case Result.STOPPED:  # one that is stopped alone belongs to a timed-out run
                self._move(task, TaskState.SKIPPED, f"{RUN_TIMED_OUT}: {reason}", at)
            case Result.FAILED | Result.TIMED_OUT if now.try_number < now.max_tries and goes_on:
                due = at + wait(run.plan.tasks[event.key.task_id], event.key, now.try_number)
                next_try = f"{reason}; try {now.try_number + 1} of {now.max_tries} at {due:%H:%M:%S} UTC"
                self._move(task, TaskState.UP_FOR_RETRY, next_try, at)
                self._timers.set(due, event.key)
            case Result.FAIL | Result.FAILED | Result.TIMED_OUT:
                self._move(task, TaskState.FAILED, reason, at)
            case Result.LOST if now.losses < MAX_LOSSES and goes_on:
                task.now = replace(now, max_tries=now.max_tries + 1, losses=now.losses + 1)
                again = f"lost ({reason}): runs again, loss {now.losses + 1} of {MAX_LOSSES}"
                self._move(task, TaskState.SCHEDULED, again, at)
                self._ready(run, task)
            case Result.LOST:
                self._move(task, TaskState.FAILED, f"lost {now.losses + 1} times, last: {reason}", at)
            case _:
                assert_never(event.result)

    def _tick(self, at: datetime) -> None:
        for key in self._timers.due(at):
            if isinstance(key, RunKey):
                self._time_out(key, at)
                continue
            run = self._runs.get(key.run)
            task = run.tasks[key.task_id] if run else None
            if run and task and task.now.state is TaskState.UP_FOR_RETRY:
                self._move(task, TaskState.SCHEDULED, "its retry delay has passed", at)
                self._ready(run, task)

    def _time_out(self, key: RunKey, at: datetime) -> None:
        run = self._runs.get(key)
        if run is None or run.state is not RunState.RUNNING:
            return
        reason = f"{RUN_TIMED_OUT} of {run.plan.dagrun_timeout}"
        for task in run.tasks.values():
            if task.now.state.holds_slot:
                self._actions.append(Halt(key=task.key, try_number=task.now.try_number, reason=reason))
            elif not task.now.state.finished:
                self._move(task, TaskState.SKIPPED, reason, at)
        self._finish_run(run, RunState.FAILED, reason, at)

    def _stop(self, at: datetime, reason: str) -> None:
        self.stopping = True
        for run in self._runs.values():
            for task in run.tasks.values():
                if task.now.state.holds_slot:
                    self._actions.append(Halt(key=task.key, try_number=task.now.try_number, reason=reason))
                elif not task.now.state.finished and task.now.state is not TaskState.NONE:
                    self._move(task, TaskState.NONE, reason, at)
            if run.state is RunState.RUNNING:
                self._move_run(run, RunState.QUEUED, reason, at)

    def _start(self, at: datetime) -> None:
        if self.stopping:
            return
        for key in self.slots.take(self._is_ready):
            task = self._runs[key.run].tasks[key.task_id]
            task.now = replace(task.now, try_number=task.now.try_number + 1)
            self._move(task, TaskState.QUEUED, "a slot is free", at)
            self._actions.append(Launch(key=key, try_number=task.now.try_number))

    # Small steps

    def _move(self, task: LiveTask, new: TaskState, reason: str, at: datetime) -> None:
        """Change a task instance's state and tell the tasks after it."""
        old = task.now.state
        self._record(task, new, reason, at)
        run = self._runs[task.key.run]
        run.unfinished += old.finished - new.finished
        for other in run.downstream(task):
            other.upstream[old] -= 1
            other.upstream[new] += 1

    def _record(self, task: LiveTask, new: TaskState, reason: str, at: datetime) -> None:
        old = task.now.state
        check_task_move(old, new)
        task.now = replace(task.now, state=new)
        self._actions.append(Move(at=at, key=task.key, old=old, new=new, reason=reason, instance=task.now))

    def _move_run(self, run: LiveRun, new: RunState, reason: str, at: datetime) -> None:
        check_run_move(run.state, new)
        self._actions.append(RunMove(at=at, run=run.key, old=run.state, new=new, reason=reason))
        run.state = new

    def _ready(self, run: LiveRun, task: LiveTask) -> None:
        task_id = task.key.task_id
        place = run.plan.graph.place(task_id)
        weight = run.plan.weights[task_id]
        self.slots.add(task.key, weight=weight, logical_date=run.logical_date, place=place)

    def _is_ready(self, key: TaskKey) -> bool:
        run = self._runs.get(key.run)
        return run is not None and run.tasks[key.task_id].now.state is TaskState.SCHEDULED

    def _current(self, key: TaskKey, try_number: int) -> LiveTask | None:
        run = self._runs.get(key.run)
        task = run.tasks.get(key.task_id) if run else None
        return task if task and task.now.try_number == try_number else None
