"""A host as its owner sees it: a process that runs one try at a time, and may die."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from nbflow.errors import NbflowError
from nbflow.execute.hosts import Ground, Soil, why_a_kernel
from nbflow.execute.outcome import outcome_from_json, read_outcome, write_outcome
from nbflow.execute.request import prepare
from nbflow.model.work import Result, TaskOutcome

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Mapping
    from io import BufferedReader
    from pathlib import Path

    from nbflow.execute.hosts import Nursery
    from nbflow.model.work import TaskRequest

TRIES = 200  # a host is replaced after so many
_AGAIN = 3  # at most so many further hosts for a try that has not begun
START_TIMEOUT = 120.0  # seconds until a host that isn't ready is given up: an import may hang
_PATIENCE = 2.0  # seconds for a host to end by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A try's process is there.

    Attributes:
        token: of the request.
        pgid: the process group to kill if nobody can stop the try properly.
        at: aware, UTC.
    """

    token: str
    pgid: int
    at: datetime


class HostProcess:
    """A place for one try at a time: `run` from one thread, `stop` from any.

    It has a host of the kind that the last try needed, and replaces it when the next one needs another,
    when it has died, and after `TRIES` tries.
    """

    def __init__(self, nursery: Nursery) -> None:
        self._nursery = nursery
        self._lock = threading.Lock()
        self._host: _Host | None = None
        self._closed = False

    def run(self, request: TaskRequest, started: Callable[[Started], None]) -> TaskOutcome:
        """Run one try and wait for it; a host that dies under it makes it lost.

        Args:
            request: whose folder is empty, but for its inputs.
            started: told when the try's process is there.
        """
        began = datetime.now(UTC)
        why = why_a_kernel(request.kernel)
        try:
            ground = Ground.of(request.python, request.environment)
            soil = Soil.of(request.flow, request.cwd, ground) if not why else None
            job = prepare(request)
        except NbflowError as error:
            outcome = without_a_start(request.token, Result.FAIL, str(error), began)
            write_outcome(outcome, request.folder)
            return outcome
        if soil is not None and (unfit := self._nursery.unfit(soil)):
            why, soil = unfit, None
        said, again = self._nursery.said(), 0
        while True:
            host = self._living(soil or ground)
            answer = None if host is None else host.run(job.to_json() | {"why": why}, started)
            if isinstance(answer, _Unfit):
                assert soil is not None  # noqa: S101 (only hosts of a stem say so)
                why = self._nursery.give_up(soil, f"children can't be forked here: {answer.why}")
                soil = None
            elif answer is not None:
                return outcome_from_json(answer)
            elif host is None or host.began or again == _AGAIN:
                return self._lost(request.token, request.folder, began, said)
            else:
                again += 1  # it died between two tries

    def stop(self, token: str, reason: str) -> None:
        """Have the host stop a try; its outcome then comes from `run`."""
        with self._lock:
            host = self._host
        if host is not None:
            host.send({"stop": {"token": token, "reason": reason}})

    def close(self) -> None:
        """End the host and what it runs, at once; `run` then says that its try was stopped."""
        with self._lock:
            self._closed = True
            host = self._host
        if host is not None:
            host.hang_up()

    def end(self) -> None:
        """Wait for the host that `close` has told to end; nobody is in `run` any more."""
        with self._lock:
            host, self._host = self._host, None
        if host is not None:
            host.end()

    def _living(self, soil: Soil | Ground) -> _Host | None:
        """A host that suits; None once this is closed."""
        with self._lock:
            if self._closed:
                return None
            old = self._host
            if old is not None and old.soil == soil and old.tries < TRIES and old.is_there():
                return old
            if isinstance(soil, Ground):
                made = self._nursery.for_kernels(soil)
                host = None if made is None else _Host(made[0], soil, made[1])
            else:
                end = self._nursery.forked(soil)
                host = None if end is None else _Host(end, soil, None)
            self._host = host
        if old is not None:
            old.end()
        return host

    def _lost(self, token: str, folder: Path, began: datetime, said: int) -> TaskOutcome:
        """The outcome of a try whose host is gone: what it had written down, else lost."""
        with self._lock:
            host, self._host = self._host, None
            closed = self._closed
        if host is not None:
            host.end()
        left = read_outcome(folder)
        if left is not None and left.token == token:
            return left
        if closed:
            outcome = without_a_start(token, Result.STOPPED, "the executor was closed", began)
        else:
            words = self._nursery.words(since=said)
            reason = "the process that ran the try has died" + (f": {words}" if words else "")
            outcome = without_a_start(token, Result.LOST, reason, began)
        write_outcome(outcome, folder)
        return outcome


@dataclass(frozen=True, slots=True)
class _Unfit:
    """A host that can't run tries, and why."""

    why: str


class _Host:
    """One host, from the socket to its end.

    Attributes:
        soil: what it suits; for Jupyter kernels only what it was started with.
        tries: how many it was given.
        began: whether any cell of the last one may have run.
    """

    def __init__(
        self, end: socket.socket, soil: Soil | Ground, process: subprocess.Popen[bytes] | None
    ) -> None:
        self.soil = soil
        self.tries = 0
        self.began = False
        self._end = end
        self._process = process
        self._answers: BufferedReader = end.makefile("rb")
        self._sending = threading.Lock()
        self._pid: int | None = None
        self._pgid: int | None = None

    def is_there(self) -> bool:
        """Whether the host hasn't ended while nobody looked."""
        try:
            return self._end.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False

    def run(
        self, job: Mapping[str, Any], started: Callable[[Started], None]
    ) -> Mapping[str, Any] | _Unfit | None:
        """The outcome of a job, as JSON; None when the host has died under it."""
        self.tries += 1
        self.began = False
        self._pgid = None
        if not self.send({"run": job}):
            return None
        if self._pid is None:
            self._end.settimeout(START_TIMEOUT)
        try:
            return self._answer(started)
        except ConnectionResetError:
            return None
        except TimeoutError:
            return _Unfit(f"what the notebook imports was not there within {START_TIMEOUT:.0f} s")

    def _answer(self, started: Callable[[Started], None]) -> Mapping[str, Any] | _Unfit | None:
        for line in self._answers:
            match json.loads(line):
                case {"ready": {"pid": pid}}:
                    self._pid = pid
                    self._end.settimeout(None)
                case {"unfit": why}:
                    return _Unfit(why)
                case {"started": {"token": token, "pgid": pgid, "at": at}}:
                    self._pgid, self.began = pgid, True
                    started(Started(token=token, pgid=pgid, at=datetime.fromisoformat(at)))
                case {"finished": outcome}:
                    self._pgid = None
                    return outcome
                case other:
                    msg = f"a host doesn't say {other!r}"
                    raise ValueError(msg)
        return None

    def send(self, message: Mapping[str, Any]) -> bool:
        """Send an order; False when nobody takes it."""
        with self._sending:
            try:
                self._end.sendall(json.dumps(message).encode() + b"\n")
            except OSError:
                return False
            return True

    def hang_up(self) -> None:
        """Let the host find that its owner has gone; from any thread."""
        with suppress(OSError):
            self._end.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        """End the host with all that belongs to it."""
        # It ends its child first, which takes a moment; then its end of the socket is closed.
        with suppress(OSError):
            self._end.shutdown(socket.SHUT_WR)
        self._end.settimeout(_PATIENCE)
        with suppress(OSError):
            while self._end.recv(65_536):
                pass
        for pid, kill in ((self._pid, os.kill), (self._pgid, os.killpg)):
            if pid is not None:
                with suppress(ProcessLookupError, PermissionError):
                    kill(pid, signal.SIGKILL)
        self._answers.close()
        self._end.close()
        if self._process is not None:
            self._process.wait()


def without_a_start(token: str, result: Result, reason: str, began: datetime) -> TaskOutcome:
    """The outcome of a try that no process had a say in."""
    return TaskOutcome(
        token=token,
        result=result,
        reason=reason,
        error=None,
        xcoms=(),
        notes=(),
        started=began,
        ended=datetime.now(UTC),
        engine="",
    )
