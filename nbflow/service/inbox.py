"""Everything that happens to a scheduler arrives here: what tries do, what is stored, who wants what."""

from __future__ import annotations

import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import Empty
from typing import TYPE_CHECKING, cast

from nbflow.execute.local import Finished, Started

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from queue import SimpleQueue

    from nbflow.execute.local import LocalExecutor
    from nbflow.model.work import TaskOutcome

_COMPANY = 0.02  # seconds a start waits for what may be stored together with it


@dataclass(frozen=True, slots=True)
class StopRequest:
    """Somebody wants the scheduler to end; the second time at once."""

    reason: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A task of this session wants something done that other processes ask for by a command."""

    verb: str
    body: Mapping[str, object]
    answer: Future[Mapping[str, object]] = field(default_factory=Future)


class Inbox:
    """The executor's queue, which others put their messages into as well."""

    def __init__(
        self,
        executor: LocalExecutor,
        *,
        finished: Callable[[TaskOutcome], object | None],
        passed_over: Callable[[Started], bool],
    ) -> None:
        """Begin to listen.

        Args:
            executor: whose events come here.
            finished: told of outcomes at once, from `messages`; what it returns is among those in their place.
            passed_over: whether a start is nobody's business.
        """
        self._queue = cast("SimpleQueue[object]", executor.events)
        self._finished = finished
        self._passed_over = passed_over

    def put(self, message: object) -> None:
        """Leave a message. For any thread, and for signal handlers."""
        self._queue.put(message)

    def messages(self, timeout: float) -> list[object]:
        """What has arrived, after waiting for the first of it.

        A start alone waits a little for company: the end of a short try, or another start.

        Args:
            timeout: seconds; then the list is empty.
        """
        messages: list[object] = []
        until = time.monotonic() + timeout
        while True:
            try:
                message = self._queue.get(timeout=max(until - time.monotonic(), 0))
                while True:
                    if isinstance(message, Finished):
                        message = self._finished(message.outcome)
                    if message is not None and not (
                        isinstance(message, Started) and self._passed_over(message)
                    ):
                        messages.append(message)
                    message = self._queue.get(timeout=0)
            except Empty:
                pass
            if not all(isinstance(message, Started) for message in messages):
                return messages
            if messages:
                until = min(until, time.monotonic() + _COMPANY)
            if time.monotonic() >= until:
                return messages
