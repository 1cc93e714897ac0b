"""One thread that brings tries their inputs and hands them to the executor.

It reads where the courier writes: a try that is to be launched waits for no commit, as what it needs was stored
before.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING

from nbflow.errors import NbflowError
from nbflow.model.work import Result, TaskOutcome
from nbflow.service.clock import now
from nbflow.service.prepare import Attempt, request_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbflow.execute.local import LocalExecutor
    from nbflow.service.handed import HandedOn
    from nbflow.store.source import XComReader


@dataclass(frozen=True, slots=True)
class _Stop:
    token: str
    reason: str


class Launcher:
    """Launches and stops tries while the scheduler runs, in the order in which it is asked to."""

    def __init__(
        self,
        xcoms: XComReader,
        executor: LocalExecutor,
        *,
        handed: HandedOn,
        not_begun: Callable[[TaskOutcome], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        """Begin to work.

        Args:
            xcoms: has the inputs.
            executor: runs the tries.
            handed: has those inputs that need not be read from the store.
            not_begun: told of tries that the executor never got, as of any outcome.
            failed: told of an error, when nothing more can be done.
        """
        self._xcoms = xcoms
        self._executor = executor
        self._handed = handed
        self._not_begun = not_begun
        self._failed = failed
        self._jobs: SimpleQueue[Attempt | _Stop | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="nbflow-launcher", daemon=True)
        self._thread.start()

    def launch(self, attempt: Attempt) -> None:
        """Fetch the try's inputs and hand it to the executor."""
        self._jobs.put(attempt)

    def stop(self, token: str, reason: str) -> None:
        """Stop a try, after what was asked before has been done."""
        self._jobs.put(_Stop(token, reason))

    def close(self) -> None:
        """Do what was asked, then end. May be called again."""
        self._jobs.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                if isinstance(job, Attempt):
                    self._launch(job)
                else:
                    self._executor.stop(job.token, job.reason)
            except Exception as error:  # noqa: BLE001 the scheduler has to hear of it, whatever it is
                self._failed(error)

    def _launch(self, attempt: Attempt) -> None:
        try:
            self._executor.submit(request_of(attempt, self._xcoms, self._handed))
        except (NbflowError, OSError) as error:
            reason = f"its inputs could not be read: {error}"
            self._not_begun(_no_outcome(attempt, Result.FAIL, reason))
        except RuntimeError as error:  # no more threads; or closed, by a second Ctrl-C
            self._not_begun(_no_outcome(attempt, Result.LOST, str(error)))


def _no_outcome(attempt: Attempt, result: Result, reason: str) -> TaskOutcome:
    at = now()
    return TaskOutcome(
        token=attempt.token,
        result=result,
        reason=reason,
        error=None,
        xcoms=(),
        notes=(),
        started=at,
        ended=at,
        engine="",
    )
