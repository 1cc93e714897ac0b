"""One thread between the scheduler and the XCom store: it brings inputs and takes outputs.

DuckDB works while the scheduler goes on. Outcomes that wait together are committed together, and an
outcome is reported to the scheduler only when its XComs are safe.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, assert_never
from zoneinfo import ZoneInfo

from nbflow.errors import NbflowError
from nbflow.execute.outcome import tidy
from nbflow.model.work import Result, TaskOutcome
from nbflow.service.clock import now
from nbflow.service.prepare import Attempt, request_of
from nbflow.store.xcom import TryXComs

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbflow.execute.local import LocalExecutor
    from nbflow.store.xcom import XComStore


@dataclass(frozen=True, slots=True)
class Delivered:
    """An outcome whose XComs are in the store (or that has none)."""

    outcome: TaskOutcome


@dataclass(frozen=True, slots=True)
class _Stop:
    token: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Call:
    """Anything else that reads what tries left behind."""

    work: Callable[[], None]


_Job = Attempt | TaskOutcome | _Stop | _Call


class Courier:
    """Owns the XCom store's connection while the scheduler runs."""

    def __init__(
        self, xcoms: XComStore, executor: LocalExecutor, report: Callable[[Delivered | BaseException], None]
    ) -> None:
        self._xcoms = xcoms
        self._executor = executor
        self._report = report
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._attempts: dict[str, Attempt] = {}
        self._thread = threading.Thread(target=self._work, name="nbflow-courier", daemon=True)
        self._thread.start()

    def launch(self, attempt: Attempt) -> None:
        """Fetch the try's inputs and hand it to the executor."""
        self._jobs.put(attempt)

    def deliver(self, outcome: TaskOutcome) -> None:
        """Commit the outcome's XComs and report it."""
        self._jobs.put(outcome)

    def stop(self, token: str, reason: str) -> None:
        """Stop a try, after what was asked before has been done."""
        self._jobs.put(_Stop(token, reason))

    def call(self, work: Callable[[], None]) -> None:
        """Do this in the thread, after what was asked before."""
        self._jobs.put(_Call(work))

    def close(self) -> None:
        """Do what was asked, then end. May be called again."""
        self._jobs.put(None)
        self._thread.join()

    def _work(self) -> None:
        while True:
            jobs = [self._jobs.get()]
            while True:
                try:
                    jobs.append(self._jobs.get_nowait())
                except Empty:
                    break
            try:
                self._commit([job for job in jobs if isinstance(job, TaskOutcome)])
                for job in jobs:
                    if job is not None and not isinstance(job, TaskOutcome):
                        self._do(job)
            except Exception as error:  # noqa: BLE001 the scheduler has to hear of it, whatever it is
                self._report(error)
            if None in jobs:
                return

    def _do(self, job: Attempt | _Stop | _Call) -> None:
        match job:
            case Attempt():
                try:
                    self._attempts[job.token] = job
                    self._executor.submit(request_of(job, self._xcoms))
                except (NbflowError, OSError) as error:
                    self._attempts.pop(job.token)
                    reason = f"its inputs could not be read: {error}"
                    self._report(Delivered(_not_begun(job, Result.FAIL, reason)))
                except RuntimeError as error:  # no more threads; or closed, by a second Ctrl-C
                    self._attempts.pop(job.token)
                    self._report(Delivered(_not_begun(job, Result.LOST, str(error))))
            case _Stop(token=token, reason=reason):
                self._executor.stop(token, reason)
            case _Call(work=work):
                work()
            case _:
                assert_never(job)

    def _commit(self, outcomes: list[TaskOutcome]) -> None:
        """Store the outcomes' XComs together; if that fails, each by itself, so that one bad value
        doesn't take the others with it.
        """
        good = [outcome for outcome in outcomes if outcome.result is Result.SUCCESS]
        try:
            self._store(good)
            failed: dict[str, str] = {}
        except (NbflowError, OSError):
            failed = {}
            for outcome in good:
                try:
                    self._store([outcome])
                except (NbflowError, OSError) as error:
                    failed[outcome.token] = str(error)
        for outcome in outcomes:
            attempt = self._attempts.pop(outcome.token, None)
            if outcome.result is Result.SUCCESS and outcome.token not in failed and attempt is not None:
                tidy(attempt.folder)  # its values are in the store; a failed try keeps its inputs
            if outcome.token in failed:
                reason = f"its values could not be stored: {failed[outcome.token]}"
                outcome = replace(outcome, result=Result.FAIL, reason=reason, xcoms=())
            self._report(Delivered(outcome))

    def _store(self, outcomes: list[TaskOutcome]) -> None:
        if outcomes:
            self._xcoms.commit([_values(self._attempts[outcome.token], outcome) for outcome in outcomes])


def _values(attempt: Attempt, outcome: TaskOutcome) -> TryXComs:
    zone = ZoneInfo(attempt.run.flow.dag.timezone)
    return TryXComs(
        key=attempt.key,
        try_number=attempt.try_number,
        token=attempt.token,
        ds=f"{attempt.run.interval.logical_date.astimezone(zone):%Y-%m-%d}",
        xcoms=outcome.xcoms,
        at=outcome.ended,
    )


def _not_begun(attempt: Attempt, result: Result, reason: str) -> TaskOutcome:
    return TaskOutcome(
        token=attempt.token,
        result=result,
        reason=reason,
        error=None,
        xcoms=(),
        notes=(),
        started=now(),
        ended=now(),
        engine="",
    )
