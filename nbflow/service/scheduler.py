"""The loop: outcomes, times and requests go into the machine; its moves are stored, then performed."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from nbflow.errors import HomeError, NbflowError
from nbflow.execute.local import Started
from nbflow.model.messages import (
    Action,
    ClockTicked,
    Event,
    Halt,
    Launch,
    Move,
    PauseSet,
    RunMove,
    StopAsked,
    TryEnded,
    TryStarted,
)
from nbflow.plan.machine import Machine
from nbflow.service.callbacks import Callbacks
from nbflow.service.clock import now
from nbflow.service.courier import Courier, Delivered
from nbflow.service.handed import HandedOn
from nbflow.service.inbox import Asked, Inbox, StopRequest
from nbflow.service.notebooks import ExecutedNotebooks
from nbflow.service.orders import pools_set
from nbflow.service.tries import Tries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from nbflow.execute.local import LocalExecutor
    from nbflow.model.run import RunKey
    from nbflow.model.work import TaskOutcome
    from nbflow.service.open_run import Opening
    from nbflow.service.orders import Orders
    from nbflow.service.prepare import Attempt, OpenRun
    from nbflow.store.home import Home
    from nbflow.store.state import StateStore
    from nbflow.store.xcom import XComStore

_POLL = 0.25  # seconds between two looks for commands of other processes
_UNREADABLE = "the owner of the home can't read the command {verb!r} ({why}): it is of another nbflow."
_SLEEPS = "its session has ended; it goes on when what it waits for has come"

Moves = tuple[Move | RunMove, ...]


class Scheduler:
    """Runs what it is given until nothing is open. The owner of the home uses one, in one thread."""

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
        """
        self._home = home
        self._state = state
        self._executor = executor
        self._listener = listener
        self._orders = orders
        self._callbacks = Callbacks(home, executor)
        self._inbox = Inbox(
            executor, finished=self._finished, passed_over=lambda start: self._callbacks.owns(start.token)
        )
        self._machine = Machine(parallelism=parallelism)
        self._tries = Tries(home, state, self._machine, exchange=exchange)
        self._courier = Courier(xcoms, executor, self._inbox.put, handed=HandedOn(home.handed))
        self._written = ExecutedNotebooks(home, self._inbox.put)
        self._runs: dict[RunKey, OpenRun] = {}
        self._held: Mapping[RunKey, str] = {}  # runs that wait for something outside, as the store has it
        self._coming: Iterator[Opening] = iter(())
        self._most = 1
        self._fed: set[RunKey] = set()
        self._turn([pools_set(state)])

    def open(self, runs: Sequence[Opening]) -> None:
        """Add runs; they are in the store already."""
        for run, event in runs:
            self._runs[event.run] = run
        dags = dict.fromkeys(event.run.dag_id for _, event in runs)
        paused = [dag_id for dag_id in dags if (known := self._state.dag(dag_id)) and known.paused]
        events: list[Event] = [PauseSet(at=now(), dag_id=dag_id, paused=True) for dag_id in paused]
        self._turn([*events, *(event for _, event in runs)])

    def feed(self, runs: Iterable[Opening], *, most: int) -> None:
        """Add runs one after another, in the order given: the next when fewer than `most` are open."""
        self._coming = iter(runs)
        self._most = most
        self._open_next()

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
            self._turn(order.before)
        self.open(order.runs)
        if order.events:
            self._turn(order.events)
        return order.answer

    def ask(self, verb: str, body: Mapping[str, object]) -> Future[Mapping[str, object]]:
        """Have `obey` called in the scheduler's own thread. For any thread."""
        asked = Asked(verb, body)
        self._inbox.put(asked)
        return asked.answer

    def ask_to_stop(self, reason: str) -> None:
        """Stop what runs and end; asked again, end without waiting. Safe in a signal handler."""
        self._inbox.put(StopRequest(reason))

    def run_until_idle(self) -> None:
        """Work until every run is finished or waits for something outside, or after a stop nothing runs
        any more. Commands of other processes are obeyed meanwhile.
        """
        self._obey_commands()
        while not self._machine.idle or self._callbacks.busy:
            wake = self._machine.next_wake
            timeout = _POLL if wake is None else min(max((wake - now()).total_seconds(), 0), _POLL)
            messages = self._inbox.messages(timeout)
            asked = [message for message in messages if isinstance(message, Asked)]
            self._turn([*(m for m in messages if not isinstance(m, Asked)), ClockTicked(at=now())])
            for one in asked:
                one.answer.set_result(self.obey(one.verb, one.body))
            if not messages:
                self._note_held()
            self._open_next()
            self._obey_commands()
        self._let_sleep()

    def close(self) -> None:
        """Finish what is still to be written.

        Raises:
            HomeError: the executed notebook of some run could not be written; everything else is stored.
        """
        self._courier.close()
        failures = self._written.close()
        for message in self._inbox.messages(0):
            if isinstance(message, BaseException):
                raise message
        if failures:
            raise HomeError("\n".join(failures))

    def _open_next(self) -> None:
        """Open what is to come, as far as there is room for it."""
        self._fed = {key for key in self._fed if self._machine.is_open(key)}
        while not self._machine.stopping and len(self._fed) < self._most:
            opening = next(self._coming, None)
            if opening is None:
                return
            self._fed.add(opening[1].run)
            self.open([opening])

    def _obey_commands(self) -> None:
        """Obey what other processes have asked for since the last look, and answer."""
        if self._machine.stopping or not self._state.changed_outside():
            return  # whoever asks a session that is ending does it himself then
        for command in self._state.commands.open():
            answer = self.obey(command.verb, command.body)
            with self._state.writing():
                self._state.commands.answer(command.id, answer, now())

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

    def _let_sleep(self) -> None:
        """Leave runs that wait for something outside as ones that can go on."""
        held = {} if self._machine.stopping else self._machine.waiting()
        if held:
            self._turn([StopAsked(at=now(), reason=_SLEEPS)])
            self._held = {}
            with self._state.writing():
                for key, reason in held.items():
                    self._state.note_run(key, reason)

    def _finished(self, outcome: TaskOutcome) -> None:
        if self._callbacks.owns(outcome.token):
            self._callbacks.ended(outcome)
        else:
            self._courier.deliver(outcome)

    def _turn(self, messages: Sequence[object]) -> None:
        """What has happened, and what the machine makes of it, in one transaction; then do it."""
        errors = {
            self._tries.of(message.outcome.token)[0]: str(message.outcome.error)
            for message in messages
            if isinstance(message, Delivered) and message.outcome.error is not None
        }
        events = [self._event(message) for message in messages]
        actions = [action for event in events for action in self._machine.handle(event)]
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

    def _perform(self, actions: Sequence[Action], attempts: Iterable[Attempt]) -> None:
        """Do what the machine wants done, now that it is stored."""
        for attempt in attempts:
            self._courier.launch(attempt)
        for action in actions:
            # A try that ended in this same turn has nothing left to stop.
            if isinstance(action, Halt) and (token := self._tries.token(action.key)) is not None:
                self._courier.stop(token, action.reason)
        moves = tuple(action for action in actions if isinstance(action, Move | RunMove))
        for run in self._written.over(moves, busy=self._tries.runs()):
            self._courier.forget(run)
            self._written.write(self._runs[run], run, self._state.instances(run))
        if moves:
            self._listener(moves)

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
            case StopRequest(reason=reason):
                if self._machine.stopping:
                    self._executor.close()
                return StopAsked(at=now(), reason=reason)
            case BaseException():
                raise message
            case _:
                return cast("Event", message)
