"""A process that runs one try after another, each in a child of its own; it has no threads.

It takes orders and answers on one socket, JSON lines: `{"run": Job}` and `{"stop": {"token", "reason"}}` come
in; `{"ready": {"pid"}}`, `{"started": {"token", "pgid", "at"}}` and `{"finished": TaskOutcome}` go out.
"""

from __future__ import annotations

import os
import signal
import time
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from nbflow.execute.attempt import Attempt
from nbflow.execute.fork.process import ChildProcess
from nbflow.execute.outcome import outcome_to_json
from nbflow.execute.request import Job
from nbflow.model.work import Result

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbflow.execute.fork.kernel import ChildApp
    from nbflow.execute.fork.orders import Orders

_QUICK = 0.25  # seconds of a try


def serve(app: ChildApp, orders: Orders, engine: str) -> None:
    """Run what comes in.

    Children are forked ahead of their tries, while the owner is at its own work: one, and where tries are
    quick two, so that there is always one that has come to rest.

    Raises:
        OwnerGone: the owner has ended; the child that was running has been killed.
    """
    orders.answer({"ready": {"pid": os.getpid()}})
    waiting = deque([ChildProcess(app, orders, engine)])
    child = None
    try:
        while True:
            job = Job.from_json(orders.wait())
            while not waiting[0].alive():
                waiting.popleft().bury()
                waiting.append(ChildProcess(app, orders, engine))
            child = waiting.popleft()
            began = time.monotonic()
            attempt = Attempt(job, child)
            orders.on_stop = _stopper(job.token, attempt)
            outcome = attempt.run(lambda pgid, token=job.token: _started(orders, token, pgid))
            orders.on_stop = None
            orders.answer({"finished": outcome_to_json(outcome)})
            while len(waiting) < (2 if time.monotonic() - began < _QUICK else 1):
                waiting.append(ChildProcess(app, orders, engine))
            child.bury()
            child = None
    finally:
        for process in filter(None, (child, *waiting)):
            process.signal(signal.SIGKILL)


def _stopper(token: str, attempt: Attempt) -> Callable[[str, str], None]:
    def stop(asked: str, reason: str) -> None:
        if asked == token:
            attempt.stop(Result.STOPPED, reason)

    return stop


def _started(orders: Orders, token: str, pgid: int) -> None:
    orders.answer({"started": {"token": token, "pgid": pgid, "at": datetime.now(UTC).isoformat()}})
