"""A turn: what has happened goes into the machine; what follows is stored in one transaction, then performed."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from nbflow.errors import HomeError
from nbflow.execute.local import Started
from nbflow.model.messages import (
    Halt,
    Launch,
    Move,
    PauseSet,
    RunMove,
    SlotFreed,
    StopAsked,
    TryEnded,
    TryStarted,
    VersionPublished,
)
from nbflow.model.run import RunType
from nbflow.model.work import Result
from nbflow.plan.machine import Machine
from nbflow.service.callbacks import Callbacks
from nbflow.service.clock import now
from nbflow.service.courier import Courier, Delivered
from nbflow.service.handed import HandedOn
from nbflow.service.inbox import Inbox
from nbflow.service.launcher import Launcher
from nbflow.service.notebooks import ExecutedNotebooks
from nbflow.service.open_run import plan_of, renewed
from nbflow.service.recovery import outcome_left_by
from nbflow.service.tries import Tries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from nbflow.execute.local import LocalExecutor
    from nbflow.model.messages import Action, Event
    from nbflow.model.run import RunKey
    from nbflow.model.work import TaskOutcome
    from nbflow.service.open_run import Opening
    from nbflow.service.prepare import Attempt, OpenRun
    from nbflow.service.workflow import Workflow
    from nbflow.store.home import Home
    from nbflow.store.state import StateStore
    from nbflow.store.xcom import XComStore

Moves = tuple[Move | RunMove, ...]

_SUPERSEDED = "its scheduler ended, and its task has changed or runs again"


class Turns:
    """The one place that changes the state of runs. Of one thread: the scheduler's.

    Attributes:
        machine: decides.
        inbox: what has happened and was not yet taken.
    """

    def __init__(
        self,
        home: Home,
        state: StateStore,
        xcoms: XComStore,
        executor: LocalExecutor,
        *,
        parallelism: int,
        exchange: Path | None,
        listener: Callable[[Moves], None],
        closed: Callable[[RunKey], None],
    ) -> None:
        """Begin with nothing open; arguments as for `Scheduler`, and `closed` is told of runs that are over."""
        self._home = home.root
        self._state = state
        self._listener = listener
        self._closed = closed
        self._callbacks = Callbacks(home, executor)
        self.inbox = Inbox(
            executor, finished=self._finished, passed_over=lambda start: self._callbacks.owns(start.token)
        )
        self.machine = Machine(parallelism=parallelism)
        self._tries = Tries(home, state, self.machine, exchange=exchange)
        handed = HandedOn(home.handed)
        self._courier = Courier(xcoms, self.inbox.put, handed=handed)
        self._launcher = Launcher(
            xcoms, executor, handed=handed, not_begun=self._courier.deliver, failed=self.inbox.put
        )
        self._written = ExecutedNotebooks(home, self.inbox.put)
        self._runs: dict[RunKey, OpenRun] = {}

    @property
    def idle(self) -> bool:
        """Whether nothing more happens without a message from outside."""
        return self.machine.idle and not self._callbacks.busy

    def take(self, messages: Sequence[object]) -> None:
        """Take what has happened: events of the machine, and what the executor and the courier tell."""
        errors = {
            self._tries.of(message.outcome.token)[0]: str(message.outcome.error)
            for message in messages
            if isinstance(message, Delivered) and message.outcome.error is not None
        }
        events = [self._event(message) for message in messages]
        actions = [action for event in events for action in self.machine.handle(event)]
        started = [message for message in messages if isinstance(message, Started)]
        ended = [message.outcome for message in messages if isinstance(message, Delivered)]
        if started or ended or actions:
            with self._state.writing():
                for start in started:
                    self._state.start_try(start.token, process_group=start.pgid, at=start.at)
                for outcome in ended:
                    self._state.end_try(outcome)
                self._state.record(actions)
                attempts = [self._begin(action) for action in actions if isinstance(action, Launch)]
            self._perform(actions, attempts)
            self._callbacks.tell(actions, self._runs, errors)
            self._let_go(actions)

    def open(self, runs: Sequence[Opening]) -> None:
        """Add runs; they are in the store already."""
        new = [(run, event) for run, event in runs if not self.machine.is_open(event.run)]
        for run, event in new:
            self._runs[event.run] = run
        dags = dict.fromkeys(event.run.dag_id for _, event in runs)
        paused = [dag_id for dag_id in dags if (known := self._state.dag(dag_id)) and known.paused]
        events: list[Event] = [PauseSet(at=now(), dag_id=dag_id, paused=True) for dag_id in paused]
        self.take([*events, *(event for _, event in runs)])
        self._adopt(new)

    def publish(self, workflow: Workflow) -> None:
        """Runs that a DAG's schedule has made and of which nothing has begun follow its new version."""
        dag_id, flow = workflow.flow.dag.dag_id, workflow.flow
        fresh = [
            key
            for key in self._runs
            if key.dag_id == dag_id
            and self.machine.is_untouched(key)
            and (run := self._state.run(key)) is not None
            and run.run_type is RunType.SCHEDULED
        ]
        if not fresh:
            return
        for key in fresh:
            self._runs[key] = renewed(self._runs[key], workflow, self._home)
        with self._state.writing():
            for key in fresh:
                self._state.schedules.renew(
                    key, flow.version, {t: 1 + s.retries for t, s in flow.tasks.items()}
                )
        self.take([VersionPublished(at=now(), runs=frozenset(fresh), plan=plan_of(flow))])

    def stop(self, reason: str, *, graceful: bool) -> None:
        """Start nothing more; what runs is stopped, or may end."""
        self.take([StopAsked(at=now(), reason=reason, graceful=graceful)])

    def close(self) -> None:
        """Finish what is still to be written.

        Raises:
            HomeError: the executed notebook of some run could not be written; everything else is stored.
        """
        self._launcher.close()
        self._courier.close()
        failures = self._written.close()
        for message in self.inbox.messages(0):
            if isinstance(message, BaseException):
                raise message
        if failures:
            raise HomeError("\n".join(failures))

    def _adopt(self, runs: Iterable[Opening]) -> None:
        """Have the outcomes of tries told that ended while nobody was there."""
        opened = {event.run: (run, event.landed) for run, event in runs}
        for tried in self._state.schedules.open_tries() if opened else ():
            if tried.key.run not in opened or self._tries.token(tried.key) == tried.token:
                continue
            run, landed = opened[tried.key.run]
            outcome = outcome_left_by(tried)
            if outcome is not None and tried.key in landed:
                self._courier.expect(self._tries.adopt(tried, run))
                self._courier.deliver(outcome)
            else:
                with self._state.writing():
                    self._state.schedules.lose(tried.token, _SUPERSEDED, now())

    def _finished(self, outcome: TaskOutcome) -> SlotFreed | None:
        """Take an outcome to the store; what the machine is told of it before it is there."""
        if self._callbacks.owns(outcome.token):
            self._callbacks.ended(outcome)
            return None
        self._courier.deliver(outcome)
        if outcome.result is not Result.SUCCESS:
            return None  # nothing of it is stored in the XCom file: it is told of at once
        key, try_number = self._tries.of(outcome.token)
        return SlotFreed(at=now(), key=key, try_number=try_number)

    def _perform(self, actions: Sequence[Action], attempts: Iterable[Attempt]) -> None:
        """Do what the machine wants done, now that it is stored."""
        for attempt in attempts:
            self._courier.expect(attempt)
            self._launcher.launch(attempt)
        for action in actions:
            # A try that ended in this same turn has nothing left to stop.
            if isinstance(action, Halt) and (token := self._tries.token(action.key)) is not None:
                self._launcher.stop(token, action.reason)
        moves = tuple(action for action in actions if isinstance(action, Move | RunMove))
        for run in self._written.over(moves, busy=self._tries.runs()):
            self._courier.forget(run)
            self._written.write(self._runs[run], run, self._state.instances(run))
        if moves:
            self._listener(moves)

    def _let_go(self, actions: Iterable[Action]) -> None:
        """Forget runs that are over: a scheduler lives for months."""
        for action in actions:
            match action:
                case RunMove(run=run):
                    key = run
                case Move(key=task):
                    key = task.run
                case _:
                    continue
            if self.machine.is_open(key) or self._written.waits_for(key):
                continue
            if self._runs.pop(key, None) is not None:
                self._closed(key)

    def _begin(self, action: Launch) -> Attempt:
        return self._tries.begin(action, self._runs[action.key.run])

    def _event(self, message: object) -> Event:
        """The machine's event for a message."""
        match message:
            case Started(token=token, at=at):
                key, try_number = self._tries.of(token)
                return TryStarted(at=at, key=key, try_number=try_number)
            case Delivered(outcome=outcome):
                key, try_number = self._tries.end(outcome.token)
                return TryEnded(
                    at=now(),
                    key=key,
                    try_number=try_number,
                    result=outcome.result,
                    reason=outcome.reason or "its cells ran to the end",
                    follow=outcome.follow,
                    items=outcome.items,
                    again_after=outcome.again_after,
                )
            case BaseException():
                raise message
            case _:
                return cast("Event", message)
