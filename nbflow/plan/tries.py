"""The state machine's half that starts tries and takes their ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbflow.model.messages import Action, Expand, Halt, Launch, TryEnded
from nbflow.model.state import RunState, TaskState
from nbflow.model.task import TaskKind
from nbflow.model.work import Result
from nbflow.plan.conclusion import cleared, conclude, undecided
from nbflow.plan.mapped import aggregate, instances_for
from nbflow.plan.moves import Moves
from nbflow.plan.slots import Slots
from nbflow.plan.timers import Timers

if TYPE_CHECKING:
    from datetime import datetime

    from nbflow.model.instance import Instance
    from nbflow.model.run import RunKey, TaskKey
    from nbflow.plan.live import LiveRun, LiveTask
    from nbflow.plan.runs import Deadline


class Tries:
    """The tries of all open runs.

    Attributes:
        open: the open runs.
        slots: what starts next, and the places that are taken.
        timers: what waits for a time.
        moves: where states change.
        in_flight: how many tries are under way.
    """

    def __init__(self, actions: list[Action], parallelism: int) -> None:
        self._actions = actions
        self.open: dict[RunKey, LiveRun] = {}
        self.slots = Slots(parallelism)
        self.timers: Timers[RunKey | TaskKey | Deadline] = Timers()
        self.moves = Moves(actions)
        self.in_flight = 0

    def launch(self, key: TaskKey, at: datetime) -> None:
        """Start the try of a task instance that has got its places, or the next look of its last try."""
        task = self.known(key)
        now = task.now
        if now.looks == 0:
            now = now.in_state(now.state, tries=1)
        self._fly(task, now, at)
        self.moves.move(task, TaskState.QUEUED, "a slot is free", at)
        self._actions.append(Launch(key=key, try_number=task.now.try_number, look=task.now.looks))

    def land_late(self, key: TaskKey) -> None:
        """The last try of a task instance ended while nobody was there; its end is going to be told."""
        task = self.known(key)
        task.flying = True
        self.in_flight += 1
        self.slots.occupy(task.key, task.spec)

    def begin(self, key: TaskKey, try_number: int, at: datetime) -> None:
        """The executor has begun a try."""
        task = self._current(key, try_number)
        if task is not None and task.now.state is TaskState.QUEUED:
            self.moves.move(task, TaskState.RUNNING, "the executor started it", at)

    def vacate(self, key: TaskKey, try_number: int) -> None:
        """The process of a try is gone; its end is going to be told."""
        task = self._current(key, try_number)
        if task is not None and task.flying:
            self.slots.vacate(key)

    def end(self, event: TryEnded, *, stopping: bool) -> None:
        """A try is over. One that no longer counts changes nothing."""
        task = self._current(event.key, event.try_number)
        if task is None or not task.flying:
            return
        at, run = event.at, task.run
        task.flying = False
        self.in_flight -= 1
        if task.now.state is TaskState.QUEUED:
            self.moves.move(task, TaskState.RUNNING, "the executor started it", at)
        sentence, task.sentence = task.sentence, None
        if sentence is not None and not self._stands(task, event, sentence[0]):
            self.land(task, *sentence, at)
        elif task.now.state is TaskState.RESTARTING:
            self.slots.give_back(task.key, task.spec)
            if task.dormant and run.tasks[event.key.task_id].expanded:
                self.moves.remove(task, "there are fewer items now", at)
            else:
                self.reset(task, "its try was stopped", at)
        elif stopping and undecided(task.now, event.result):
            task.now = task.now.changed(max_tries=task.now.max_tries + (task.now.looks == 0))
            self.land(task, TaskState.NONE, event.reason, at)
        elif event.items is not None and event.result is Result.SUCCESS:
            self._expand(task, event.items, at)
        else:
            self._conclude(task, event)
        if run.state.finished and not run.busy:  # one that took too long: this was its last task
            self.open.pop(run.key, None)

    def wake(self, key: TaskKey, at: datetime) -> None:
        """A task instance has waited for its time."""
        run = self.open.get(key.run)
        task = run.find(key) if run else None
        if task is None or task.due is None or task.due > at:
            return
        task.due = None
        match task.now.state:
            case TaskState.UP_FOR_RETRY:
                self.ready(task, "its retry delay has passed", at)
            case TaskState.UP_FOR_RESCHEDULE:
                self.ready(task, "it is time to look again", at)
            case TaskState.RUNNING if not task.flying:
                self._fly(task, task.now, at)
                self._actions.append(Launch(key=key, try_number=task.now.try_number, look=task.now.looks))
            case _:
                pass  # it was cleared or marked meanwhile

    def halt(self, task: LiveTask, state: TaskState, reason: str, at: datetime) -> None:
        """Stop a task instance that holds a slot; it becomes `state`, once its try has ended."""
        if task.flying:
            task.sentence = (state, reason)
            self._actions.append(Halt(key=task.key, try_number=task.now.try_number, reason=reason))
        else:
            self.land(task, state, reason, at)

    def interrupt(self, task: LiveTask, reason: str, at: datetime) -> None:
        """Stop a task instance that holds a slot, because the scheduler ends: nothing is decided about it."""
        if task.flying:
            self._actions.append(Halt(key=task.key, try_number=task.now.try_number, reason=reason))
        else:
            self.land(task, TaskState.NONE, reason, at)

    # Steps on the way

    def ready(self, task: LiveTask, reason: str, at: datetime) -> None:
        """A task instance may start as soon as there is room; one that never can fails at once."""
        self.moves.move(task, TaskState.SCHEDULED, reason, at)
        if refusal := self.slots.refusal(task.spec):
            self.moves.move(task, TaskState.FAILED, refusal, at)
            return
        plan, task_id = task.run.plan, task.key.task_id
        self.slots.add(
            task.key,
            task.spec,
            weight=plan.weights[task_id],
            logical_date=task.run.logical_date,
            place=plan.graph.place(task_id),
        )

    def land(self, task: LiveTask, state: TaskState, reason: str, at: datetime) -> None:
        """A task instance gives its slot back."""
        self.slots.give_back(task.key, task.spec)
        self.moves.move(task, state, reason, at)

    def reset(self, task: LiveTask, reason: str, at: datetime) -> None:
        """Back to `none`, with all retries; its slot is free already."""
        if task.expanded and task.now.state.moving:
            task.run.moving += 1  # it was not counted; `move` takes it off
        task.due = None
        task.now = cleared(task.now, task.spec)
        if task.now.state is not TaskState.NONE:
            self.moves.move(task, TaskState.NONE, reason, at)

    def is_ready(self, key: TaskKey) -> bool:
        """Whether a task instance still waits for a slot."""
        run = self.open.get(key.run)
        task = run.find(key) if run else None
        return task is not None and task.now.state is TaskState.SCHEDULED

    def known(self, key: TaskKey) -> LiveTask:
        """A task instance that is open for certain."""
        task = self.open[key.run].find(key)
        assert task is not None  # noqa: S101 only known ones are asked for
        return task

    def _stands(self, task: LiveTask, event: TryEnded, instead: TaskState) -> bool:
        """Whether a try that was to be stopped has succeeded before that: a limit takes nothing back, a person's
        word does.
        """
        succeeded = event.result is Result.SUCCESS and event.items is None
        return succeeded and instead is TaskState.SKIPPED and task.now.state is TaskState.RUNNING

    def _conclude(self, task: LiveTask, event: TryEnded) -> None:
        run = task.run
        said = conclude(task.spec, task.now, event, goes_on=run.state is RunState.RUNNING)
        task.now = said.now
        if said.due is not None:
            task.due = said.due
            self.timers.set(said.due, task.key)
        if said.state is None:
            return  # it keeps its slot until its next look
        if said.state is TaskState.SCHEDULED:
            self.slots.give_back(task.key, task.spec)
            self.ready(task, said.reason, event.at)
        else:
            self.land(task, said.state, said.reason, event.at)

    def _expand(self, task: LiveTask, labels: tuple[str, ...], at: datetime) -> None:
        """A mapped task has found its items."""
        self.slots.give_back(task.key, task.spec)
        task.items, removed = instances_for(task, labels)
        task.spare = removed
        task.run.moving -= 1
        task.now = task.now.changed(items=len(labels))
        for item in task.items:
            if item.now.state is TaskState.REMOVED:
                self.moves.record(item, TaskState.NONE, "there is an item for it again", at)
        self._actions.append(Expand(key=task.key, instances=tuple(item.now for item in task.items)))
        for item in removed:
            if not item.flying and item.now.state is not TaskState.REMOVED:
                self.moves.remove(item, "there are fewer items now", at)
        task.left = sum(not item.now.state.finished for item in task.items)
        if not task.items:
            self.moves.move(task, TaskState.SKIPPED, "there are no items to map over", at)
            return
        self.moves.recount_below(task)
        self.moves.touched.extend(task.items)
        if task.left == 0:  # a person has decided them meanwhile
            self.moves.move(task, *aggregate(task), at)
        self.moves.loose[task.run] = None

    def _fly(self, task: LiveTask, now: Instance, at: datetime) -> None:
        """A try, or a look, is under way."""
        if task.spec.kind is TaskKind.SENSOR:
            now = now.changed(looks=now.looks + 1, first_look=now.first_look or at)
        elif now.looks:
            now = now.changed(looks=now.looks + 1)
        task.now = now
        task.flying = True
        self.in_flight += 1

    def _current(self, key: TaskKey, try_number: int) -> LiveTask | None:
        run = self.open.get(key.run)
        task = run.find(key) if run else None
        return task if task and task.now.try_number == try_number else None
