"""Several tries at once on this machine, each in a host of its own; hosts are started on demand and reused."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from nbflow.execute.hosts import Ground, Nursery, Soil, why_a_kernel
from nbflow.execute.outcome import write_outcome
from nbflow.execute.worker import HostProcess, Started, without_a_start
from nbflow.model.work import Result

if TYPE_CHECKING:
    from pathlib import Path

    from nbflow.model.flow import Flow
    from nbflow.model.work import TaskOutcome, TaskRequest

__all__ = ["Finished", "LocalExecutor", "Started", "run_task"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A try is over, and nothing of it runs any more."""

    outcome: TaskOutcome


def run_task(request: TaskRequest) -> TaskOutcome:
    """Run one try in processes of its own, and wait for it.

    Never raises for what the notebook does: that is in the outcome, which is on disk by then
    (`read_outcome`).
    """
    nursery = Nursery()
    host = HostProcess(nursery)
    try:
        return host.run(request, lambda _: None)
    finally:
        host.close()
        host.end()
        nursery.close()


class LocalExecutor:
    """Runs up to `parallelism` tries at once; what is submitted beyond waits its turn.

    Attributes:
        events: `Started` and `Finished`, for each submitted request one `Finished` at last.
    """

    def __init__(self, parallelism: int) -> None:
        if parallelism < 1:
            msg = f"parallelism is {parallelism}; at least one task has to run at a time"
            raise ValueError(msg)
        self._parallelism = parallelism
        self.events: queue.SimpleQueue[Started | Finished] = queue.SimpleQueue()
        self._waiting: queue.SimpleQueue[TaskRequest | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._running: dict[str, HostProcess | None] = {}  # None: submitted, not begun
        self._stopped: dict[str, str] = {}
        self._threads: list[threading.Thread] = []
        self._nursery = Nursery()
        self._hosts: list[HostProcess] = []
        self._closed = False

    def expect(self, flow: Flow, cwd: Path) -> None:
        """Begin with what tries of a notebook will need, so that the first of them need not wait for it.

        Args:
            flow: the notebook as read.
            cwd: its folder.
        """
        if not why_a_kernel(""):
            self._nursery.expect(Soil.of(flow, cwd, Ground.of("", {})))

    def submit(self, request: TaskRequest) -> None:
        """Run a try as soon as there is room.

        Raises:
            RuntimeError: the executor is closed.
        """
        with self._lock:
            if self._closed:
                msg = "the executor is closed"
                raise RuntimeError(msg)
            self._running[request.token] = None
            if len(self._threads) < min(self._parallelism, len(self._running)):
                thread = threading.Thread(target=self._work, name="nbflow-local", daemon=True)
                self._threads.append(thread)
                thread.start()
        self._waiting.put(request)

    def stop(self, token: str, reason: str) -> None:
        """Stop a try: interrupt it, kill it after 5 s. Nothing happens when it is over already."""
        with self._lock:
            if token not in self._running:
                return
            self._stopped[token] = reason
            host = self._running[token]
        if host is not None:
            host.stop(token, reason)

    def close(self) -> None:
        """End everything at once, and wait for it; tries in flight end as stopped."""
        with self._lock:
            self._closed = True
            hosts = list(self._hosts)
        for host in hosts:
            host.close()
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join()
        for host in hosts:
            host.end()
        self._nursery.close()

    def _work(self) -> None:
        host = HostProcess(self._nursery)
        with self._lock:
            self._hosts.append(host)
        while (request := self._waiting.get()) is not None:
            began = datetime.now(UTC)
            try:
                outcome = self._begin(request, host) or host.run(request, self._started)
            except Exception as error:  # noqa: BLE001 a full disk, say: whoever waits for the try must hear of it
                reason = f"the try could not be run: {type(error).__name__}: {error}"
                outcome = without_a_start(request.token, Result.LOST, reason, began)
            with self._lock:
                self._running.pop(request.token, None)
                self._stopped.pop(request.token, None)
            self.events.put(Finished(outcome=outcome))

    def _begin(self, request: TaskRequest, host: HostProcess) -> TaskOutcome | None:
        """Note that a try begins; the outcome when it was stopped before."""
        with self._lock:
            reason = "the executor was closed" if self._closed else self._stopped.get(request.token)
            if reason is None:
                self._running[request.token] = host
                return None
        outcome = without_a_start(request.token, Result.STOPPED, reason, datetime.now(UTC))
        write_outcome(outcome, request.folder)
        return outcome

    def _started(self, event: Started) -> None:
        self.events.put(event)
        with self._lock:
            reason, host = self._stopped.get(event.token), self._running.get(event.token)
        if reason is not None and host is not None:
            host.stop(event.token, reason)  # asked for before the host knew of the try
