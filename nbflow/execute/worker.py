"""A host as its owner sees it: a process that runs one try at a time, and may die."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from nbflow.errors import NbflowError
from nbflow.execute.outcome import outcome_from_json, read_outcome, write_outcome
from nbflow.execute.request import prepare
from nbflow.execute.sockets import socket_folder
from nbflow.model.work import Result, TaskOutcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from nbflow.model.work import TaskRequest

_TAIL = 2_000  # bytes of a dead host's last words


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
    """A host as its owner sees it: `run` from one thread, `stop` from any."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._sockets = socket_folder()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 lives as long as this object
        self._lock = threading.Lock()
        self._closed = False
        self._busy = False
        self._pgid: int | None = None

    def run(self, request: TaskRequest, started: Callable[[Started], None]) -> TaskOutcome:
        """Run one try and wait for it; a host that dies under it makes it lost.

        Args:
            request: whose folder is empty, but for its inputs.
            started: told when the kernel is there.
        """
        began = datetime.now(UTC)
        try:
            job = prepare(request)
        except NbflowError as error:
            outcome = without_a_start(request.token, Result.FAIL, str(error), began)
            write_outcome(outcome, request.folder)
            return outcome
        answer = None
        self._pgid = None
        process = self._living()
        if process is not None and process.stdout is not None and self._send({"run": job.to_json()}):
            for line in process.stdout:
                match json.loads(line):
                    case {"started": {"token": token, "pgid": pgid, "at": at}}:
                        self._pgid = pgid
                        started(Started(token=token, pgid=pgid, at=datetime.fromisoformat(at)))
                    case {"finished": outcome}:
                        answer = outcome
                        break
                    case _:
                        pass
        if answer is None:
            return self._lost(request.token, request.folder, began)
        with self._lock:
            self._busy = False
        return outcome_from_json(answer)

    def stop(self, token: str, reason: str) -> None:
        """Have the host stop a try; its outcome then comes from `run`."""
        self._send({"stop": {"token": token, "reason": reason}})

    def close(self) -> None:
        """End the host and the kernel it runs, at once; `run` then says that its try was stopped."""
        with self._lock:
            self._closed = True
            process, busy = self._process, self._busy
        if process is not None:
            self._end(process)
            if not busy and process.stdout is not None:
                process.stdout.close()
        self._errors.close()
        shutil.rmtree(self._sockets, ignore_errors=True)

    def _living(self) -> subprocess.Popen[bytes] | None:
        """The host's process, started when there is none; None once the host is closed."""
        with self._lock:
            if self._closed:
                return None
            self._busy = True
            if (
                self._process is not None
                and self._process.poll() is not None
                and self._process.stdout is not None
            ):
                self._process.stdout.close()
            if self._process is None or self._process.poll() is not None:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "nbflow.execute.host", str(self._sockets)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=self._errors,
                    start_new_session=True,  # a Ctrl-C in the terminal is for the owner
                )
            return self._process

    def _send(self, message: Mapping[str, Any]) -> bool:
        with self._lock:
            if self._process is None or self._process.stdin is None or self._closed:
                return False
            try:
                self._process.stdin.write(json.dumps(message).encode() + b"\n")
                self._process.stdin.flush()
            except (BrokenPipeError, OSError):
                return False
            return True

    def _lost(self, token: str, folder: Path, began: datetime) -> TaskOutcome:
        """The outcome of a try whose host is gone: what it had written down, else lost."""
        with self._lock:
            process, self._process, self._busy = self._process, None, False
            closed = self._closed
        status = 0 if process is None else self._end(process)
        if process is not None and process.stdout is not None:
            process.stdout.close()
        left = read_outcome(folder)
        if left is not None and left.token == token:
            return left
        if closed:
            outcome = without_a_start(token, Result.STOPPED, "the executor was closed", began)
        else:
            died = f"killed by signal {-status}" if status < 0 else f"gone with exit status {status}"
            outcome = without_a_start(
                token, Result.LOST, f"the process that ran the try was {died}{self._words()}", began
            )
        write_outcome(outcome, folder)
        return outcome

    def _end(self, process: subprocess.Popen[bytes]) -> int:
        """End a host with all that belongs to it; answers with its exit status."""
        if process.stdin is not None:
            with suppress(OSError):
                process.stdin.close()  # it kills its kernel then
        try:
            status = process.wait(2)
        except subprocess.TimeoutExpired:
            process.kill()
            status = process.wait()
        if self._pgid is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._pgid, signal.SIGKILL)
        return status

    def _words(self) -> str:
        """What the host said last, on one line."""
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, size - _TAIL))
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        return f": {lines[-1]}" if lines else ""


def without_a_start(token: str, result: Result, reason: str, began: datetime) -> TaskOutcome:
    """The outcome of a try that no kernel had a say in."""
    return TaskOutcome(
        token=token,
        result=result,
        reason=reason,
        error=None,
        xcoms=(),
        notes=(),
        started=began,
        ended=datetime.now(UTC),
    )
