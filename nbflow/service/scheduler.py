"""The loop: outcomes, times and requests go into the machine; its moves are stored, then performed."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from nbflow.errors import NbflowError
from nbflow.model.messages import ClockTicked
from nbflow.service.clock import now
from nbflow.service.inbox import Asked, StopRequest
from nbflow.service.orders import pools_set
from nbflow.service.turns import Moves, Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Future
    from datetime import datetime
    from pathlib import Path

    from nbflow.execute.local import LocalExecutor
    from nbflow.model.run import RunKey
    from nbflow.service.open_run import Opening
    from nbflow.service.orders import Orders
    from nbflow.service.planner import Planner
    from nbflow.store.home import Home
    from nbflow.store.state import StateStore
    from nbflow.store.xcom import XComStore

__all__ = ["Moves", "Scheduler"]

_LOG = logging.getLogger("nbflow.scheduler")
_POLL = 0.25  # seconds between two looks for commands of other processes
_BEAT = timedelta(seconds=10)
_OBEYING = timedelta(milliseconds=10)  # after so long, commands wait while the rest goes on
_COMMANDS = 20  # so many are read at once
_UNREADABLE = "the owner of the home can't read the command {verb!r} ({why}): it is of another nbflow."
_SLEEPS = "its session has ended; it goes on when what it waits for has come"


class Scheduler:
    """Runs what it is given, and what schedules make. The owner of the home uses one, in one thread."""

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
        orders: Orders,
        grace: timedelta = timedelta(0),
    ) -> None:
        """Begin with nothing open.

        Args:
            home: held by this process.
            state: open for writing.
            xcoms: open for writing.
            executor: runs the tries.
            parallelism: how many at once.
            exchange: the socket that answers tasks, None for none.
            listener: told of every move, once it is stored.
            orders: what commands come to.
            grace: how long tries under way may go on when it is asked to stop.
        """
        self._state = state
        self._executor = executor
        self._orders = orders
        self._grace = grace
        self._turns = Turns(
            home,
            state,
            xcoms,
            executor,
            parallelism=parallelism,
            exchange=exchange,
            listener=listener,
            closed=self._closed,
        )
        self._planner: Planner | None = None
        self._machine, self._inbox = self._turns.machine, self._turns.inbox
        self._held: Mapping[RunKey, str] = {}  # runs that wait for something outside, as the store has it
        self._stopping: StopRequest | None = None
        self._until: datetime | None = None  # when a graceful stop is over
        self._asked_more = False  # whether commands wait that have been seen
        self._last_beat = now()
        self._turns.take([pools_set(state)])

    def open(self, runs: Sequence[Opening]) -> None:
        """Add runs; they are in the store already."""
        self._turns.open(runs)
        if self._planner is not None and runs:
            self._planner.look_after([event.run for _, event in runs])

    def obey(self, verb: str, body: Mapping[str, object]) -> Mapping[str, object]:
        """Do what a command says, as far as it can be done at once.

        Returns:
            The answer: what the verb gives, or `error` with the text of what is wrong.
        """
        try:
            order = self._orders.read(verb, body, is_open=self._machine.is_open)
        except NbflowError as error:
            return {"error": str(error)}
        except (KeyError, TypeError, ValueError) as error:  # a body as another nbflow writes it
            return {"error": _UNREADABLE.format(verb=verb, why=repr(error))}
        if order.before:
            self._turns.take(order.before)
        self.open(order.runs)
        if order.events:
            self._turns.take(order.events)
        if self._planner is not None:
            for dag_id in order.scheduled:
                if (workflow := self._planner.reload(dag_id, now())) is not None:
                    self._turns.publish(workflow)
        return order.answer

    def ask(self, verb: str, body: Mapping[str, object]) -> Future[Mapping[str, object]]:
        """Have `obey` called in the scheduler's own thread. For any thread."""
        asked = Asked(verb, body)
        self._inbox.put(asked)
        return asked.answer

    def ask_to_stop(self, reason: str) -> None:
        """Start nothing more, and end when what runs has ended; asked again, stop that; then end without
        waiting. Safe in a signal handler.
        """
        self._inbox.put(StopRequest(reason))

    def run_until_idle(self) -> None:
        """Work until every run is finished or waits for something outside, or after a stop nothing runs
        any more. Commands of other processes are obeyed meanwhile.
        """
        self._obey_commands()
        while not self._turns.idle or self._asked_more:
            self._work(None)
        self._let_sleep()

    def serve(self, planner: Planner, *, until_idle: bool = False) -> None:
        """Work until somebody stops it: make the runs that schedules want, and obey commands.

        Args:
            planner: knows the schedules.
            until_idle: end as soon as nothing is due, and nothing runs or waits for a time.
        """
        self._planner = planner
        self.open(planner.unfinished())
        self._obey_commands()
        while not (self._stopping and self._turns.idle):
            if not self._stopping:
                self._make_due(planner)
                if until_idle and self._turns.idle and not planner.is_due(now()):
                    break
            self._work(planner.next_wake)
        self._let_sleep()

    def close(self) -> None:
        """Finish what is still to be written.

        Raises:
            HomeError: the executed notebook of some run could not be written; everything else is stored.
        """
        self._turns.close()

    def _work(self, wake: datetime | None) -> None:
        """Wait for something to happen, or for a time; and take it."""
        wakes = [moment for moment in (wake, self._machine.next_wake, self._until) if moment is not None]
        timeout = min([_POLL, *(max((moment - now()).total_seconds(), 0) for moment in wakes)])
        messages = self._inbox.messages(0 if self._asked_more else timeout)
        for message in messages:
            if isinstance(message, StopRequest):  # before anything that would make something start
                self._stop(message)
        happened = [message for message in messages if not isinstance(message, Asked | StopRequest)]
        self._turns.take([*happened, ClockTicked(at=now())])
        for message in messages:
            if isinstance(message, Asked):
                message.answer.set_result(self.obey(message.verb, message.body))
        if self._until is not None and now() >= self._until and self._stopping is not None:
            self._stop(self._stopping)
        if not messages:
            self._note_held()
        self._obey_commands()
        self._beat()

    def _make_due(self, planner: Planner) -> None:
        """Open the runs that schedules want by now, after what was published."""
        for workflow in planner.look(now()):
            self._turns.publish(workflow)
        runs = planner.due(now(), is_open=self._machine.is_open)
        if runs:
            self.open(runs)

    def _closed(self, run: RunKey) -> None:
        if self._planner is not None:
            self._planner.closed(run, now())

    def _stop(self, request: StopRequest) -> None:
        """The first time gracefully, where there is grace; then at once; then without waiting."""
        graceful = self._stopping is None and bool(self._grace)
        if self._machine.stopping and self._until is None:
            self._executor.close()
        self._stopping = request
        self._until = now() + self._grace if graceful else None
        self._turns.stop(request.reason, graceful=graceful)

    def _obey_commands(self) -> None:
        """Obey what other processes have asked for since the last look, and answer. Where that takes long, the
        rest waits for the next look, so that tries can begin and end in between.
        """
        if self._machine.stopping:  # whoever asks a session that is ending does it himself then
            self._asked_more = False
        if self._machine.stopping or not (self._asked_more or self._state.changed_outside()):
            return
        commands = self._state.commands.open(most=_COMMANDS)
        until = now() + _OBEYING
        left = list(commands)
        while left and now() < until:
            command = left.pop(0)
            answer = self.obey(command.verb, command.body)
            with self._state.writing():
                self._state.commands.answer(command.id, answer, now())
        self._asked_more = bool(left) or len(commands) == _COMMANDS

    def _note_held(self) -> None:
        """Have the store say of runs that don't go on what they wait for."""
        held = self._machine.waiting()
        if held == self._held:
            return
        with self._state.writing():
            for key, reason in held.items():
                if self._held.get(key) != reason:
                    self._state.note_run(key, reason)
        self._held = held

    def _beat(self) -> None:
        """Have the store say that this process is well."""
        at = now()
        if abs(at - self._last_beat) >= _BEAT:
            self._last_beat = at
            with self._state.writing():
                self._state.schedules.beat(at)

    def _let_sleep(self) -> None:
        """Leave runs that wait for something outside as ones that can go on."""
        held = {} if self._machine.stopping else self._machine.waiting()
        if held:
            self._turns.stop(_SLEEPS, graceful=False)
            self._held = {}
            with self._state.writing():
                for key, reason in held.items():
                    self._state.note_run(key, reason)
