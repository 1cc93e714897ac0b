"""The loop: outcomes, times and requests go into the machine; its moves are stored, then performed."""

from __future__ import annotations

import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import Empty
from typing import TYPE_CHECKING, cast

from nbflow.errors import HomeError
from nbflow.execute.local import Finished, Started
from nbflow.model.messages import (
    ClockTicked,
    Event,
    Halt,
    Launch,
    Move,
    RunMove,
    RunOpened,
    StopAsked,
    TryEnded,
    TryStarted,
)
from nbflow.model.run import TaskKey
from nbflow.model.state import RunState
from nbflow.plan.machine import Machine
from nbflow.service.clock import now
from nbflow.service.courier import Courier, Delivered
from nbflow.service.handed import HandedOn
from nbflow.service.notebooks import save_run_notebook
from nbflow.service.prepare import Attempt, OpenRun

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from queue import SimpleQueue

    from nbflow.execute.local import LocalExecutor
    from nbflow.model.run import RunKey
    from nbflow.model.state import TaskState
    from nbflow.store.home import Home
    from nbflow.store.state import StateStore
    from nbflow.store.xcom import XComStore

_COMPANY = 0.02  # seconds a start waits for what may be stored together with it
_LONGEST_SLEEP = 60.0  # seconds; then the wall clock is read again, which a sleeping machine has moved
_UNWRITTEN = """\
the executed notebook of {label} could not be written to {target} ({why}). The run itself is stored; what \
its tasks left lies in the home."""

Moves = tuple[Move | RunMove, ...]


@dataclass(frozen=True, slots=True)
class StopRequest:
    """Somebody wants the scheduler to end; the second time at once."""

    reason: str


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
    ) -> None:
        self._home = home
        self._state = state
        self._executor = executor
        self._exchange = exchange
        self._listener = listener
        # Everything that happens arrives here: what tries do, what the courier has done, who wants to stop.
        self._inbox = cast("SimpleQueue[object]", executor.events)
        self._machine = Machine(parallelism=parallelism)
        self._courier = Courier(xcoms, executor, self._inbox.put, handed=HandedOn(home.handed))
        self._notebooks = ThreadPoolExecutor(1, "nbflow-notebooks")
        self._runs: dict[RunKey, OpenRun] = {}
        self._tokens: dict[TaskKey, str] = {}  # of the tries under way
        self._keys: dict[str, tuple[TaskKey, int]] = {}
        self._unsaved: dict[RunKey, None] = {}  # runs that have ended or stopped, but for some last tries
        self._failures: list[str] = []

    def open(self, runs: Sequence[tuple[OpenRun, RunOpened]]) -> None:
        """Add runs; they are in the store already."""
        for run, event in runs:
            self._runs[event.run] = run
        self._turn([event for _, event in runs])

    def ask_to_stop(self, reason: str) -> None:
        """Stop what runs and end; asked again, end without waiting. Safe in a signal handler."""
        self._inbox.put(StopRequest(reason))

    def run_until_idle(self) -> None:
        """Work until every run is finished, or after a stop nothing runs any more."""
        while not self._machine.idle:
            wake = self._machine.next_wake
            timeout = None if wake is None else min(max((wake - now()).total_seconds(), 0), _LONGEST_SLEEP)
            messages = self._messages(timeout)
            self._turn([*messages, ClockTicked(at=now())])

    def close(self) -> None:
        """Finish what is still to be written.

        Raises:
            HomeError: the executed notebook of some run could not be written; everything else is stored.
        """
        self._courier.close()
        self._notebooks.shutdown()
        for message in self._messages(0):
            if isinstance(message, BaseException):
                raise message
        failures, self._failures = self._failures, []
        if failures:
            raise HomeError("\n".join(failures))

    def _messages(self, timeout: float | None) -> list[object]:
        """What has arrived, after waiting for the first of it; outcomes are with the courier already.

        A start alone waits a little for company: the end of a short try, or another start.
        """
        messages: list[object] = []
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            try:
                message = self._inbox.get(timeout=None if until is None else max(until - time.monotonic(), 0))
                while True:
                    if isinstance(message, Finished):
                        self._courier.deliver(message.outcome)
                    else:
                        messages.append(message)
                    message = self._inbox.get(timeout=0)
            except Empty:
                pass
            if not all(isinstance(message, Started) for message in messages):
                return messages
            if messages:
                soon = time.monotonic() + _COMPANY
                until = soon if until is None else min(until, soon)
            if until is not None and time.monotonic() >= until:
                return messages

    def _turn(self, messages: Sequence[object]) -> None:
        """What has happened, and what the machine makes of it, in one transaction; then do it."""
        events = [self._event(message) for message in messages]
        actions = [action for event in events for action in self._machine.handle(event)]
        moves = tuple(action for action in actions if isinstance(action, Move | RunMove))
        started = [message for message in messages if isinstance(message, Started)]
        ended = [message.outcome for message in messages if isinstance(message, Delivered)]
        attempts: list[Attempt] = []
        if started or ended or actions:
            with self._state.writing():
                for start in started:
                    self._state.start_try(start.token, process_group=start.pgid, at=start.at)
                for outcome in ended:
                    self._state.end_try(outcome)
                self._state.record(moves)
                attempts = [self._add_try(action) for action in actions if isinstance(action, Launch)]
        for attempt in attempts:
            self._courier.launch(attempt)
        for action in actions:
            # A try that ended in this same turn has nothing left to stop.
            if isinstance(action, Halt) and action.key in self._tokens:
                self._courier.stop(self._tokens[action.key], action.reason)
        self._save_notebooks(moves)
        if moves:
            self._listener(moves)

    def _save_notebooks(self, moves: Moves) -> None:
        """Have the executed notebooks written of runs that are over, or stopped for now, once their last
        tries have ended.
        """
        over = (move.run for move in moves if isinstance(move, RunMove) and move.old is RunState.RUNNING)
        self._unsaved |= dict.fromkeys(over)
        if not self._unsaved:
            return
        busy = {key.run for key in self._tokens}
        for key in [key for key in self._unsaved if key not in busy]:
            del self._unsaved[key]
            self._courier.forget(key)
            self._notebooks.submit(self._save_notebook, key, self._latest_tries(key))

    def _latest_tries(self, key: RunKey) -> dict[str, Path]:
        run = self._runs[key]
        return {
            record.key.task_id: self._home.try_folder(
                key.dag_id, run.label, record.key.task_id, record.key.map_index, record.try_number
            )
            for record in self._state.instances(key)
            if record.try_number
        }

    def _save_notebook(self, key: RunKey, tries: Mapping[str, Path]) -> None:
        """In a thread of its own. The run has ended as it has, whether or not its notebook can be written."""
        run = self._runs[key]
        target = self._home.run_notebook(key.dag_id, run.label)
        try:
            save_run_notebook(run, tries, target)
        except (OSError, ValueError) as error:
            self._failures.append(_UNWRITTEN.format(label=run.label, target=target, why=error))
        except Exception as error:  # noqa: BLE001 the scheduler has to hear of it, whatever it is
            self._inbox.put(error)

    def _event(self, message: object) -> Event:
        """The machine's event for a message."""
        match message:
            case Started(token=token, at=at):
                key, try_number = self._keys[token]
                return TryStarted(at=at, key=key, try_number=try_number)
            case Delivered(outcome=outcome):
                key, try_number = self._keys.pop(outcome.token)
                self._tokens.pop(key, None)
                reason = outcome.reason or "its cells ran to the end"
                return TryEnded(
                    at=now(), key=key, try_number=try_number, result=outcome.result, reason=reason
                )
            case StopRequest(reason=reason):
                if self._machine.stopping:
                    self._executor.close()
                return StopAsked(at=now(), reason=reason)
            case RunOpened() | ClockTicked():
                return message
            case BaseException():
                raise message
            case _:
                msg = f"no such message: {message!r}"
                raise AssertionError(msg)

    def _add_try(self, action: Launch) -> Attempt:
        key, try_number = action.key, action.try_number
        run = self._runs[key.run]
        token = secrets.token_hex(16)
        self._tokens[key] = token
        self._keys[token] = (key, try_number)
        folder = self._home.try_folder(key.run.dag_id, run.label, key.task_id, key.map_index, try_number)
        self._state.add_try(
            key,
            try_number,
            token=token,
            code_hash=run.flow.code_hashes[key.task_id],
            version=run.flow.version,
            folder=str(folder.relative_to(self._home.root)),
            at=now(),
        )
        sources = {p for producers in run.flow.producers.get(key.task_id, {}).values() for p in producers}
        return Attempt(
            run=run,
            key=key,
            try_number=try_number,
            token=token,
            folder=folder,
            producers={task_id: self._standing(key.run, task_id) for task_id in sources},
            exchange=self._exchange,
            previous_success=self._state.previous_success(key.run.dag_id, run.interval.logical_date),
        )

    def _standing(self, run: RunKey, task_id: str) -> tuple[TaskState, int]:
        instance = self._machine.instance(TaskKey(run, task_id))
        return instance.state, instance.try_number
