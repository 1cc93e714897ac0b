"""A process that runs one try after another, each in a child of its own; it has no threads.

It takes orders and answers on one socket, JSON lines: `{"run": Job}` and `{"stop": {"token", "reason"}}` come
in; `{"ready": {"pid"}}`, `{"started": {"token", "pgid", "at"}}` and `{"finished": TaskOutcome}` go out.
"""

from __future__ import annotations

import os
import signal
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


def serve(app: ChildApp, orders: Orders, engine: str) -> None:
    """Run what comes in. The child of the next try is forked ahead, while the owner is at its own work.

    Raises:
        OwnerGone: the owner has ended; the child that was running has been killed.
    """
    orders.answer({"ready": {"pid": os.getpid()}})
    child = ChildProcess(app, orders, engine)
    try:
        while True:
            job = Job.from_json(orders.wait())
            if not child.alive():
                child.bury()
                child = ChildProcess(app, orders, engine)
            attempt = Attempt(job, child)
            orders.on_stop = _stopper(job.token, attempt)
            outcome = attempt.run(lambda pgid, token=job.token: _started(orders, token, pgid))
            orders.on_stop = None
            orders.answer({"finished": outcome_to_json(outcome)})
            ended, child = child, ChildProcess(app, orders, engine)
            ended.bury()
    finally:
        child.signal(signal.SIGKILL)


def _stopper(token: str, attempt: Attempt) -> Callable[[str, str], None]:
    def stop(asked: str, reason: str) -> None:
        if asked == token:
            attempt.stop(Result.STOPPED, reason)

    return stop


def _started(orders: Orders, token: str, pgid: int) -> None:
    orders.answer({"started": {"token": token, "pgid": pgid, "at": datetime.now(UTC).isoformat()}})
