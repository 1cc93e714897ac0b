"""A process that runs one try after another in Jupyter kernels: `python -m nbflow.execute.kernel_host SOCKETS`.

Its standard input is a Unix socket; orders and answers are those of `fork.host`. It ends, with its kernel,
when its input ends. SOCKETS is a private folder for its kernels' sockets, which its owner removes.
"""

from __future__ import annotations

import json
import os
import queue
import socket
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbflow.execute.process import end_with_parent
from nbflow.execute.schemas import import_nbformat
from nbflow.model.work import Result

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import BinaryIO

    from nbflow.execute.attempt import Attempt


class KernelHost:
    """What the process is: a reader of orders, and one try at a time."""

    def __init__(self, orders: BinaryIO, answers: BinaryIO, sockets: Path) -> None:
        self._orders = orders
        self._answers = answers
        self._sockets = sockets
        self._jobs: queue.SimpleQueue[Mapping[str, Any]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._attempt: tuple[str, Attempt] | None = None
        self._stops: dict[str, str] = {}

    def serve(self) -> None:
        """Run what comes in, for ever."""
        self._answer({"ready": {"pid": os.getpid()}})
        threading.Thread(target=self._read, name="orders", daemon=True).start()
        from nbflow.execute.attempt import Attempt  # slow: after the reader has begun
        from nbflow.execute.kernel import TaskKernel
        from nbflow.execute.outcome import outcome_to_json
        from nbflow.execute.request import Job

        while True:
            job = Job.from_json(self._jobs.get())
            attempt = Attempt(job, TaskKernel(self._sockets, job.kernel, job.why))
            with self._lock:
                self._attempt = (job.token, attempt)
                reason = self._stops.pop(job.token, None)
            if reason is not None:
                attempt.stop(Result.STOPPED, reason)
            outcome = attempt.run(lambda pgid, token=job.token: self._started(token, pgid))
            with self._lock:
                self._attempt = None
                self._stops.clear()
            self._answer({"finished": outcome_to_json(outcome)})

    def _started(self, token: str, pgid: int) -> None:
        self._answer({"started": {"token": token, "pgid": pgid, "at": datetime.now(UTC).isoformat()}})

    def _read(self) -> None:
        for line in self._orders:
            match json.loads(line):
                case {"run": job}:
                    self._jobs.put(job)
                case {"stop": {"token": token, "reason": reason}}:
                    self._stop(token, reason)
                case other:
                    msg = f"a host doesn't know the order {other!r}"
                    raise ValueError(msg)
        with self._lock:
            attempt = self._attempt
        if attempt is not None:
            attempt[1].kill()
        os._exit(0)

    def _stop(self, token: str, reason: str) -> None:
        with self._lock:
            if self._attempt is not None and self._attempt[0] == token:
                attempt = self._attempt[1]
            else:
                self._stops[token] = reason  # its job waits, or is over
                return
        attempt.stop(Result.STOPPED, reason)

    def _answer(self, message: Mapping[str, object]) -> None:
        self._answers.write(json.dumps(message).encode() + b"\n")
        self._answers.flush()


def main() -> None:
    """Serve on the standard input; what is written to standard output goes to standard error."""
    end_with_parent()
    end = socket.socket(fileno=os.dup(0))
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)
    import_nbformat()
    KernelHost(end.makefile("rb"), end.makefile("wb"), Path(sys.argv[1])).serve()


if __name__ == "__main__":
    main()
