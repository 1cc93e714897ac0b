"""The state machine's half that decides about task instances: by the rules, or by a person's word."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from nbflow.model.messages import Action, Halt
from nbflow.model.state import Decision, RunState, TaskState
from nbflow.model.task import TaskKind
from nbflow.plan.ruling import ruling, waits_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from nbflow.model.run import TaskKey
    from nbflow.plan.live import LiveRun, LiveTask
    from nbflow.plan.tries import Tries


class Tasks:
    """What becomes of task instances that no try decides about."""

    def __init__(self, actions: list[Action], tries: Tries) -> None:
        self._actions = actions
        self._tries = tries
        self._moves = tries.moves

    def settle(self, at: datetime) -> list[LiveRun]:
        """Apply the rules to all tasks about which something is new, and to what follows from that.

        Returns:
            Runs that were held by an earlier run and can go on.
        """
        while self._moves.failed:
            self._fail_fast(self._moves.failed.pop(), at)
        woken: dict[LiveRun, None] = {}
        while self._moves.touched:
            task = self._moves.touched.popleft()
            run = task.run
            if task.now.state is not TaskState.NONE or run.state.finished or task.dormant:
                continue
            if run.state is RunState.QUEUED:
                if run.held and ruling(task, at) is not None:
                    woken[run] = None
                continue
            said = ruling(task, at)
            if said is None:
                continue
            match said.decision:
                case Decision.RUN:
                    self._tries.ready(task, said.reason, at)
                case Decision.SKIP:
                    self._moves.move(task, TaskState.SKIPPED, said.reason, at)
                case Decision.UPSTREAM_FAILED:
                    self._moves.move(task, TaskState.UPSTREAM_FAILED, said.reason, at)
                case Decision.WAIT:
                    pass
                case _:
                    assert_never(said.decision)
        return list(woken)

    def clear(self, task: LiveTask, reason: str, at: datetime) -> None:
        """Have a task instance run again; one that runs is stopped first. A mapped task finds its items anew."""
        if task.expanded:
            for item in task.items:
                self._restart(item, reason, at)
            for item in task.items:
                item.whole = None
            task.spare, task.items = [*task.items, *task.spare], []
            self._tries.reset(task, reason, at)
            self._moves.recount_below(task)
            return
        self._restart(task, reason, at)
        whole = task.whole
        if whole is not None and whole.now.state.finished:
            self._moves.move(whole, TaskState.NONE, reason, at)
            self._moves.move(whole, TaskState.RUNNING, f"instance {task.key.map_index} runs again", at)

    def _restart(self, task: LiveTask, reason: str, at: datetime) -> None:
        if task.now.state is TaskState.REMOVED:
            return
        if not task.flying:
            if task.holds_slot:
                self._tries.slots.give_back(task.key, task.spec)
            self._tries.reset(task, reason, at)
        elif task.now.state is not TaskState.RESTARTING:
            task.sentence = None
            self._moves.move(task, TaskState.RESTARTING, reason, at)
            self._actions.append(Halt(key=task.key, try_number=task.now.try_number, reason=reason))

    def mark(self, task: LiveTask, state: TaskState, reason: str, at: datetime) -> None:
        """End a task instance as a person says."""
        if task.items:
            for item in list(task.items):
                self.mark(item, state, reason, at)
        elif task.holds_slot:
            self._tries.halt(task, state, reason, at)
        elif task.now.state not in (state, TaskState.REMOVED):
            self._moves.move(task, state, reason, at)

    def cut_short(self, run: LiveRun, reason: str, at: datetime) -> None:
        """Stop what runs of a run and skip the rest, but for teardowns."""
        for task in list(run.everything()):
            if task.holds_slot:
                if task.sentence is None:
                    self._tries.halt(task, TaskState.SKIPPED, reason, at)
            elif (
                not task.now.state.finished and not task.expanded and task.spec.kind is not TaskKind.TEARDOWN
            ):
                self._moves.move(task, TaskState.SKIPPED, reason, at)

    def set_pools(self, runs: Iterable[LiveRun], pools: Mapping[str, int], at: datetime) -> None:
        """The pools are these; a task that can never start any more fails."""
        self._tries.slots.set_pools(pools)
        for run in runs:
            for task in list(run.everything()):
                if task.now.state is TaskState.SCHEDULED and (
                    refusal := self._tries.slots.refusal(task.spec)
                ):
                    self._moves.move(task, TaskState.FAILED, refusal, at)

    def why(self, run: LiveRun, key: TaskKey, at: datetime) -> str:
        """What a task instance waits for, in words."""
        task = run.find(key)
        match None if task is None else task.now.state:
            case TaskState.NONE:
                return waits_for(self._tries.known(key), at)
            case TaskState.SCHEDULED:
                return self._tries.slots.obstacle(key, self._tries.known(key).spec)
            case _:
                return ""

    def _fail_fast(self, task: LiveTask, at: datetime) -> None:
        """A task of a run that is to stop at the first failure has failed."""
        run = task.run
        if run.sentence is None and not run.state.finished:
            run.sentence = (RunState.FAILED, f"fail_fast: `{task.key.task_id}` failed")
            self.cut_short(run, run.sentence[1], at)
