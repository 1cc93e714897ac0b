"""A task instance changes its state, and everybody inside the machine whom it concerns hears of it."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from nbflow.model.messages import Action, Move
from nbflow.model.state import TaskState, check_task_move
from nbflow.model.task import SKIPPERS
from nbflow.plan.live import LiveRun, LiveTask, decision_words, skipped_below, tally_of
from nbflow.plan.mapped import aggregate

if TYPE_CHECKING:
    from datetime import datetime


class Moves:
    """The one place where states change.

    Attributes:
        touched: tasks about which something is new: the rules are to be asked.
        loose: runs about which something is new: they may be over.
        failed: tasks that have failed in runs that stop at the first failure.
    """

    def __init__(self, actions: list[Action]) -> None:
        self._actions = actions
        self.touched: deque[LiveTask] = deque()
        self.loose: dict[LiveRun, None] = {}
        self.failed: list[LiveTask] = []

    def move(self, task: LiveTask, new: TaskState, reason: str, at: datetime) -> None:
        """Change a task instance's state, and tell all whom it concerns."""
        old = task.now.state
        self.record(task, new, reason, at)
        run, whole = task.run, task.whole
        if task.now.items is None:
            run.moving += new.moving - old.moving
        if new.finished or old.finished:
            self._count(task, old, new)
        if task.spec.kind in SKIPPERS:
            self._decide_below(task)
        if new.finished:
            self.touched.extend((whole or task).down)
            self._touch_following(task)
            if new is TaskState.FAILED and run.plan.fail_fast:
                self.failed.append(task)
            if whole is not None and whole.left == 0:
                self._come_to(whole, at)
        elif new is TaskState.NONE:
            self.touched.append(task)
        if not new.moving:
            self.loose[run] = None

    def record(self, task: LiveTask, new: TaskState, reason: str, at: datetime) -> None:
        """Change a task instance's state, and tell nobody inside."""
        old = task.now.state
        check_task_move(old, new)
        task.now = task.now.in_state(new)
        self._actions.append(Move(at, task.key, old, new, reason, task.now))

    def remove(self, task: LiveTask, reason: str, at: datetime) -> None:
        """An instance of a mapped task for which there is no item any more: nothing below it counts it."""
        task.run.moving -= task.moving
        self.record(task, TaskState.REMOVED, reason, at)
        self.loose[task.run] = None

    def recount_below(self, task: LiveTask) -> None:
        """What stands for a mapped task in the rules below it has changed."""
        for below in task.down:
            below.upstream = tally_of(task.run, below)

    def _count(self, task: LiveTask, old: TaskState, new: TaskState) -> None:
        whole = task.whole
        if task.dormant:
            return
        if whole is None:
            task.run.unfinished += old.finished - new.finished
        else:
            whole.left += old.finished - new.finished
        if not task.items:
            for below in (whole or task).down:
                below.upstream.move(old, new)

    def _come_to(self, whole: LiveTask, at: datetime) -> None:
        """All instances of a mapped task are finished: so is it. Where it was already, a person has marked one."""
        state, reason = aggregate(whole)
        again = whole.now.state.finished and whole.now.state is not state
        if again or whole.now.state is TaskState.RUNNING:
            self.move(whole, state, reason, at)

    def _decide_below(self, task: LiveTask) -> None:
        """Note whom a branch or short circuit skips; forget it when it is to run again."""
        run, task_id = task.run, task.key.task_id
        for skips in run.skips.values():
            skips.pop(task_id, None)
        reason = decision_words(task)
        for below in skipped_below(run, task):
            run.skips.setdefault(below, {})[task_id] = reason
            self.touched.append(run.tasks[below])

    def _touch_following(self, task: LiveTask) -> None:
        """The tasks of the next run that look at this one."""
        following = task.run.following
        if following is None or not following.plan.heeding_past:
            return
        task_id = task.key.task_id
        above = following.plan.graph.upstream(task_id) if task_id in following.tasks else ()
        heeding = following.plan.heeding_past
        self.touched.extend(following.tasks[other] for other in (task_id, *above) if other in heeding)
