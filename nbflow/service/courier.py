"""One thread that takes what tries hand on to the XCom store.

DuckDB works while the scheduler goes on. Outcomes that wait together are committed together, and an
outcome is reported to the scheduler only when its XComs are safe.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from nbflow.errors import HomeError, NbflowError
from nbflow.execute.outcome import tidy
from nbflow.model.work import INPUTS_FOLDER, Result, TaskOutcome
from nbflow.store.xcom import TryXComs

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbflow.model.run import RunKey
    from nbflow.service.handed import HandedOn
    from nbflow.service.prepare import Attempt
    from nbflow.store.xcom import XComStore


_PAUSE = 0.005  # seconds without a job, after which there is time for what somebody may soon ask for
_QUIET = 0.5  # and for what nobody waits for


@dataclass(frozen=True, slots=True)
class Delivered:
    """An outcome whose XComs are in the store (or that has none)."""

    outcome: TaskOutcome


@dataclass(frozen=True, slots=True)
class _Over:
    run: RunKey


_Job = TaskOutcome | _Over


class Courier:
    """Writes into the XCom store while the scheduler runs."""

    def __init__(
        self,
        xcoms: XComStore,
        report: Callable[[Delivered | BaseException], None],
        *,
        handed: HandedOn,
    ) -> None:
        """Begin to work.

        Args:
            xcoms: open for writing.
            report: told of each outcome once it is safe; of an error, when nothing more can be done.
            handed: keeps what is stored at hand for the tries that follow.
        """
        self._xcoms = xcoms
        self._handed = handed
        self._report = report
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._attempts: dict[str, Attempt] = {}
        self._unsettled = True
        self._thread = threading.Thread(target=self._work, name="nbflow-courier", daemon=True)
        self._thread.start()

    def expect(self, attempt: Attempt) -> None:
        """There is going to be an outcome of this try."""
        self._attempts[attempt.token] = attempt

    def deliver(self, outcome: TaskOutcome) -> None:
        """Commit the XComs of an expected outcome and report it."""
        self._jobs.put(outcome)

    def forget(self, run: RunKey) -> None:
        """No try of this run is going to be launched any more."""
        self._jobs.put(_Over(run))

    def close(self) -> None:
        """Do what was asked, then end. May be called again."""
        self._jobs.put(None)
        self._thread.join()
        self._handed.close()

    def _work(self) -> None:
        try:
            self._xcoms.get_ready()
        except HomeError:
            pass  # it is said of the first try that needs the store
        except Exception as error:  # noqa: BLE001 as below
            self._report(error)
        while True:
            jobs = [self._next()]
            while True:
                try:
                    jobs.append(self._jobs.get_nowait())
                except Empty:
                    break
            try:
                self._commit([job for job in jobs if isinstance(job, TaskOutcome)])
                for job in jobs:
                    if isinstance(job, _Over):
                        self._handed.forget(job.run)
            except Exception as error:  # noqa: BLE001 the scheduler has to hear of it, whatever it is
                self._report(error)
            if None in jobs:
                self._try(self._xcoms.show)
                return

    def _next(self) -> _Job | None:
        """The next job. Views of what is new are made when there is time for it; the log goes when it is quiet."""
        if self._unsettled:
            for pause, work in ((_PAUSE, self._xcoms.show), (_QUIET, self._xcoms.checkpoint)):
                try:
                    return self._jobs.get(timeout=pause)
                except Empty:
                    self._try(work)
            self._unsettled = False
        return self._jobs.get()

    @staticmethod
    def _try(work: Callable[[], None]) -> None:
        with suppress(HomeError):  # the values are safe, and it is tried again after the next commit
            work()

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
        done: list[Attempt] = []
        for outcome in outcomes:
            attempt = self._attempts.pop(outcome.token, None)
            if outcome.token in failed:
                reason = f"its values could not be stored: {failed[outcome.token]}"
                outcome = replace(outcome, result=Result.FAIL, reason=reason, xcoms=())
            elif outcome.result is Result.SUCCESS and attempt is not None:
                self._handed.keep(attempt.key, attempt.try_number, attempt.token, outcome.xcoms)
                if _left_files(outcome) or (attempt.folder / INPUTS_FOLDER).exists():
                    done.append(attempt)
            self._report(Delivered(outcome))
        for attempt in done:
            tidy(attempt.folder)  # its values are in the store; a failed try keeps its inputs

    def _store(self, outcomes: list[TaskOutcome]) -> None:
        if outcomes:
            self._unsettled = True
            self._xcoms.commit([_values(self._attempts[outcome.token], outcome) for outcome in outcomes])


def _left_files(outcome: TaskOutcome) -> bool:
    """Whether encoded values may lie in the try's folder: those it hands on, or one that a note speaks of."""
    return bool(outcome.notes) or any(value.path is not None for value in outcome.xcoms)


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
