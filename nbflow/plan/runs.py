"""The state machine's half that opens, holds and ends runs."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbflow.model.messages import Action, MissDeadline, PauseDag, RunMove
from nbflow.model.state import RunState, TaskState, check_run_move
from nbflow.plan.live import Lane, LiveRun
from nbflow.plan.opening import fill, removals, resume
from nbflow.plan.past import Past
from nbflow.plan.ruling import held_by_past, waits_for
from nbflow.plan.selection import RUN_TIMED_OUT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from nbflow.model.messages import RunOpened
    from nbflow.model.plan import Plan
    from nbflow.model.run import RunKey, TaskKey
    from nbflow.plan.tasks import Tasks
    from nbflow.plan.tries import Tries

_BAD = (TaskState.FAILED, TaskState.UPSTREAM_FAILED)


@dataclass(frozen=True, slots=True)
class Deadline:
    """The time by which a run should be over."""

    run: RunKey


class Runs:
    """The open runs."""

    def __init__(self, actions: list[Action], tries: Tries, tasks: Tasks) -> None:
        self._actions = actions
        self._tries = tries
        self._tasks = tasks
        self.open = tries.open
        self._past = Past()
        self._active: Counter[Lane] = Counter()  # runs in state running
        self._waiting: dict[Lane, list[tuple[bool, float, int, RunKey]]] = {}  # queued runs, a heap
        self._count = itertools.count()
        self._has_room: set[str] = set()  # DAGs of which a queued run may be able to start
        self._failed_in_a_row: dict[str, int] = {}

    # What can be asked

    @property
    def asleep(self) -> bool:
        """Whether every open run waits for something outside: an earlier run, or its DAG being unpaused."""
        paused = self._tries.slots.paused
        return all(run.held or run.key.dag_id in paused for run in self.open.values())

    def waiting(self) -> dict[RunKey, str]:
        """The runs that only an event from outside can bring on, each with what it waits for."""
        paused = self._tries.slots.paused
        return {
            key: run.held or f"{key.dag_id} is paused"
            for key, run in self.open.items()
            if run.held or key.dag_id in paused
        }

    # Opening

    def take(self, event: RunOpened) -> None:
        """A run is new, or is to go on."""
        if event.run in self.open:
            self.clear(event.run, event.again, event.at)
            return
        dag_id, at = event.run.dag_id, event.at
        run = LiveRun(event.run, event.logical_date, event.run_type, event.plan, event.state)
        run.superseded = event.superseded
        run.backfill, run.latest_first = event.backfill, event.latest_first
        fill(run, event.instances)
        resume(run, event, self._tries.moves.record)
        self.open[run.key] = run
        for key in event.landed:
            self._tries.land_late(key)
        self._past.enter(run, event.prior)
        if run.state.finished:
            self._move_run(run, RunState.QUEUED, "goes on", at)
        elif run.state is RunState.RUNNING:
            self._move_run(run, RunState.QUEUED, "its scheduler had ended", at)
        self._tries.slots.limit(dag_id, run.plan.max_active_tasks)
        self._failed_in_a_row.setdefault(dag_id, event.failed_before)
        if run.plan.deadline is not None:
            self._tries.timers.set(at + run.plan.deadline, Deadline(run.key))
        self._queue(run)
        self._actions += removals(run, event)

    def publish(self, runs: Iterable[RunKey], plan: Plan) -> None:
        """Runs of which nothing has begun follow a new version."""
        for key in runs:
            run = self.open.get(key)
            if run is not None and run.state is RunState.QUEUED and run.untouched:
                run.plan = plan
                fill(run, {task.key: task.now for task in run.tasks.values()})
                self._tries.moves.touched.extend(run.tasks.values())

    # What people ask for

    def clear(self, key: RunKey, tasks: Mapping[TaskKey, str], at: datetime) -> None:
        """Task instances of an open run are to run again."""
        run = self.open.get(key)
        for task_key, reason in tasks.items() if run is not None else ():
            task = run.find(task_key) if run else None
            if task is not None:
                self._tasks.clear(task, reason, at)

    def mark(self, key: RunKey, tasks: Mapping[TaskKey, TaskState], reason: str, at: datetime) -> None:
        """Task instances of an open run have ended as somebody says; what had failed below them runs again."""
        run = self.open.get(key)
        if run is None:
            return
        marked = [(task, state) for task_key, state in tasks.items() if (task := run.find(task_key))]
        for task, state in marked:
            self._tasks.mark(task, state, reason, at)
        named = {task.key.task_id for task, _ in marked}
        below = frozenset[str]().union(*(run.plan.graph.descendants(task_id) for task_id in named))
        for task_id in run.plan.graph.order:
            task = run.tasks[task_id]
            if task_id in below - named and task.now.state in _BAD:
                self._tasks.clear(task, f"a task above it was {reason}", at)

    def mark_run(self, key: RunKey, state: RunState, reason: str, at: datetime) -> None:
        """An open run has ended as somebody says."""
        run = self.open.get(key)
        if run is None:
            return
        run.sentence = (state, reason)
        for task in list(run.everything()):
            if task.expanded and task.items:
                continue  # its instances decide it
            if state is RunState.SUCCESS and task.now.state is not TaskState.SUCCESS:
                self._tasks.mark(task, TaskState.SUCCESS, reason, at)
            elif state is RunState.FAILED and not task.now.state.finished:
                ends = TaskState.FAILED if task.holds_slot else TaskState.SKIPPED
                self._tasks.mark(task, ends, reason, at)
        self._tries.moves.loose[run] = None

    def pause(self, dag_id: str, *, paused: bool) -> None:
        """Queue nothing new of a DAG, or go on with it."""
        self._tries.slots.pause(dag_id, paused=paused)
        self._has_room.add(dag_id)

    def stop(self, reason: str, at: datetime, *, graceful: bool) -> None:
        """The scheduler is to end: what runs is stopped, or may end; every run stays one that can go on."""
        for run in self.open.values():
            for task in list(run.everything()):
                if task.holds_slot:
                    if not (graceful and task.flying):
                        self._tries.interrupt(task, reason, at)
                elif (
                    not task.now.state.finished and task.now.state is not TaskState.NONE and not task.expanded
                ):
                    self._tries.moves.move(task, TaskState.NONE, reason, at)
            if run.state is RunState.RUNNING:
                self._move_run(run, RunState.QUEUED, reason, at)

    # Time

    def time_out(self, key: RunKey, at: datetime) -> None:
        """A run has taken too long (semantics.md, dagrun_timeout)."""
        run = self.open.get(key)
        if run is None or run.state is not RunState.RUNNING:
            return
        reason = f"{RUN_TIMED_OUT} of {run.plan.dagrun_timeout}"
        run.sentence = (RunState.FAILED, reason)
        for task in list(run.everything()):
            if task.holds_slot:
                self._tries.halt(task, TaskState.SKIPPED, reason, at)
            elif not task.now.state.finished and not task.expanded:
                self._tries.moves.move(task, TaskState.SKIPPED, reason, at)
        if run.state is RunState.RUNNING:
            self._finish(run, RunState.FAILED, reason, at)

    def miss_deadline(self, key: RunKey, at: datetime) -> None:
        """A run's deadline has come."""
        if key in self.open and not self.open[key].state.finished:
            self._actions.append(MissDeadline(at=at, run=key))

    # Decisions

    def settle(self, at: datetime) -> None:
        """Let everything follow from what is new: rules, ends of runs, and runs that get room."""
        moves = self._tries.moves
        while moves.touched or moves.failed or moves.loose or self._has_room:
            for run in self._tasks.settle(at):
                run.held = ""
                self._queue(run)
            loose, moves.loose = moves.loose, {}
            for run in loose:
                self._close_or_hold(run, at)
            for dag_id in sorted(self._has_room):
                self._admit(Lane(dag_id, backfill=False), at)
                self._admit(Lane(dag_id, backfill=True), at)
            self._has_room.clear()

    def _queue(self, run: LiveRun) -> None:
        place = run.logical_date.timestamp() * (-1 if run.latest_first else 1)
        entry = (run.latest_first, place, next(self._count), run.key)
        heapq.heappush(self._waiting.setdefault(run.lane, []), entry)
        self._has_room.add(run.key.dag_id)

    def _admit(self, lane: Lane, at: datetime) -> None:
        """Start queued runs while the DAG has room for them: the earliest logical date first, and then, the
        latest first, those that want it so.
        """
        queue = self._waiting.get(lane, [])
        while queue and lane.dag_id not in self._tries.slots.paused:
            run = self.open.get(queue[0][-1])
            if run is None or run.state is not RunState.QUEUED or run.held:
                heapq.heappop(queue)
                continue
            if self._active[lane] >= run.plan.max_active_runs:
                return
            heapq.heappop(queue)
            self._active[lane] += 1
            self._move_run(run, RunState.RUNNING, "the DAG has room for it", at)
            if run.plan.dagrun_timeout is not None:
                self._tries.timers.set(at + run.plan.dagrun_timeout, run.key)
            self._tries.moves.touched.extend(
                task for task in run.everything() if task.now.state is TaskState.NONE
            )
            self._tries.moves.loose[run] = None

    def _close_or_hold(self, run: LiveRun, at: datetime) -> None:
        """End a run all of whose tasks are finished; let one that can't get on give its place to others."""
        if run.state is RunState.QUEUED and run.sentence is not None and not run.unfinished:
            self._move_run(run, *run.sentence, at)
            self._close(run, run.state)
        elif run.state is not RunState.RUNNING or run.moving:
            pass
        elif not run.unfinished:
            self._finish(run, *run.ending(), at)
        else:
            self._hold(run, at)

    def _hold(self, run: LiveRun, at: datetime) -> None:
        stuck = [task for task in run.tasks.values() if task.now.state is TaskState.NONE]
        past = next((why for task in stuck if (why := held_by_past(task))), "")
        if not past:
            words = "; ".join(f"`{task.key.task_id}`: {waits_for(task, at)}" for task in stuck[:3])
            reason = f"stuck: nothing of it can run ({words})"
            self._finish(run, RunState.FAILED, reason, at)
            return
        run.held = past
        self._active[run.lane] -= 1
        self._move_run(run, RunState.QUEUED, past, at)
        self._has_room.add(run.key.dag_id)

    def _finish(self, run: LiveRun, state: RunState, reason: str, at: datetime) -> None:
        dag_id = run.key.dag_id
        self._move_run(run, state, reason, at)
        self._active[run.lane] -= 1
        self._close(run, state)
        most = run.plan.max_consecutive_failed_runs
        if most and self._failed_in_a_row[dag_id] >= most and dag_id not in self._tries.slots.paused:
            said = (
                f"its last {self._failed_in_a_row[dag_id]} runs failed (max_consecutive_failed_runs = {most})"
            )
            self.pause(dag_id, paused=True)
            self._actions.append(PauseDag(at=at, dag_id=dag_id, reason=said))

    def _close(self, run: LiveRun, state: RunState) -> None:
        dag_id = run.key.dag_id
        failed = self._failed_in_a_row.get(dag_id, 0)
        self._failed_in_a_row[dag_id] = failed + 1 if state is RunState.FAILED else 0
        self._past.leave(run)
        if not run.busy:
            del self.open[run.key]
        self._has_room.add(dag_id)

    def _move_run(self, run: LiveRun, new: RunState, reason: str, at: datetime) -> None:
        check_run_move(run.state, new)
        self._actions.append(RunMove(at=at, run=run.key, old=run.state, new=new, reason=reason))
        run.state = new
