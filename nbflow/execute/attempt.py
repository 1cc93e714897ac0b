"""One try, run by papermill in this process with another one beside it for the cells."""

from __future__ import annotations

import json
import logging
import signal
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import papermill
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError
from papermill.iorw import papermill_io

from nbflow.execute.brief import HANG_FILE
from nbflow.execute.engine import ENGINE, Interrupted, KernelDidNotStart, TaskRun
from nbflow.execute.outcome import error_from_json, goes_on_from, write_outcome
from nbflow.execute.output import LOG_LIMIT, STREAM_LIMIT, Log, plain
from nbflow.execute.place import dumped_line
from nbflow.execute.process import exit_words
from nbflow.model.work import LOG_FILE, NOTEBOOK_FILE, ErrorPlace, Result, TaskOutcome
from nbflow.model.xcom import XComValue

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nbflow.execute.engine import TryProcess
    from nbflow.execute.request import Job

_NO_NBFLOW = """\
the Python of the kernel {kernel!r} has no nbflow, or another version of it. Install it there \
(`python -m pip install nbflow` with that Python), or run without --kernel."""
_SCHEME = "nbflow:"  # of papermill's paths
INTERRUPT_GRACE = 5.0  # seconds between the interrupt and the kill
logging.getLogger("papermill").setLevel(logging.CRITICAL)  # what it would say is in the outcome


class Attempt:
    """A try in this process. `run` runs it; `stop` ends it early, from any thread.

    Args:
        job: what is to be run.
        process: that runs its cells; not started yet.
    """

    def __init__(self, job: Job, process: TryProcess) -> None:
        self._job = job
        self._folder = Path(job.folder)
        self._process = process
        self._lock = threading.Lock()
        self._stopped: tuple[Result, str] | None = None
        self._begun = False
        self._over = False

    def stop(self, result: Result, reason: str) -> None:
        """Interrupt the cell that runs, kill the process if it doesn't end within `INTERRUPT_GRACE`.

        The first call counts; none does once the cells are through.
        """
        with self._lock:
            if self._stopped is not None or self._over:
                return
            self._stopped = (result, reason)
            if self._begun:
                self._interrupt()

    def kill(self) -> None:
        """Kill the process now; nobody waits for the outcome."""
        if self._begun:
            self._process.signal(signal.SIGKILL)

    def run(self, started: Callable[[int], None]) -> TaskOutcome:
        """Run the try to its end; its outcome is on disk when this returns.

        Args:
            started: told the process group once it is there.
        """
        began = datetime.now(UTC)
        job, process = self._job, self._process
        log = Log(self._folder / LOG_FILE)
        process.start(job)
        self._begun = True
        started(process.pgid)
        with self._lock:
            if self._stopped is not None:
                self._interrupt()
            if job.timeout is not None:
                said = f"execution_timeout of {job.timeout:g} s passed"
                process.after(job.timeout, lambda: self.stop(Result.TIMED_OUT, said))
        run = TaskRun(
            process=process,
            log=log,
            path=self._folder / NOTEBOOK_FILE,
            source=job.source,
            stopped=lambda: self._stopped is not None,
        )
        failure = self._execute(run)
        with self._lock:
            self._over = True
            process.forget_timers()
        process.ask_to_end()
        if run.notebook is not None:
            run.notebook.write()
        outcome = self._outcome(run, failure, began)
        crash = process.said() if isinstance(failure, (DeadKernelError, KernelDidNotStart)) else ""
        log.close(plain(crash) + _last_words(run, outcome))
        write_outcome(outcome, self._folder)
        process.end()
        return outcome

    def _execute(self, run: TaskRun) -> Exception | None:
        try:
            papermill.execute_notebook(
                _given(self._job.notebook),
                None,
                parameters=dict(self._job.parameters),
                engine_name=ENGINE,
                kernel_name=self._job.kernel,
                language="python",
                progress_bar=False,
                run=run,
            )
        except (PapermillExecutionError, DeadKernelError, KernelDidNotStart, Interrupted) as error:
            return error
        return None

    def _interrupt(self) -> None:
        self._process.signal(signal.SIGINT)
        self._process.after(INTERRUPT_GRACE, lambda: self._process.signal(signal.SIGKILL))

    def _outcome(self, run: TaskRun, failure: Exception | None, began: datetime) -> TaskOutcome:
        report = self._process.report()
        error = error_from_json(report["error"]) if report else None
        xcoms: tuple[XComValue, ...] = ()
        if self._stopped is not None:
            result, reason = self._stopped
            error = self._stopped_place(run, error, reason)
            reason = f"{reason} ({_where(error)})" if _where(error) else reason
        elif report is not None:
            result, reason = Result(report["result"]), report["reason"]
            xcoms = tuple(XComValue.from_json(value) for value in report["xcoms"])
        elif isinstance(failure, DeadKernelError):
            result, reason, error = self._died(run)
        elif isinstance(failure, KernelDidNotStart):
            result, reason = Result.LOST, str(failure)
        elif isinstance(failure, PapermillExecutionError):
            error = ErrorPlace(type=str(failure.ename), message=str(failure.evalue))
            result, reason = Result.FAILED, str(error)
            if "'nbflow" in error.message and error.type == "ModuleNotFoundError":
                result, reason = Result.FAIL, _NO_NBFLOW.format(kernel=self._job.kernel)
        else:
            result, reason = Result.FAILED, "the kernel ended its cells without a report"
        return TaskOutcome(
            token=self._job.token,
            result=result,
            reason=reason,
            error=error,
            xcoms=xcoms,
            notes=(*(report["notes"] if report else ()), *self._cuts(run)),
            started=began,
            ended=datetime.now(UTC),
            engine=self._process.engine,
            **(goes_on_from(report) if report is not None and self._stopped is None else {}),
        )

    def _died(self, run: TaskRun) -> tuple[Result, str, ErrorPlace]:
        """A kernel that a signal killed is lost; one that ended by itself was asked to, by its cell."""
        status = self._process.exit_status()
        place = self._place(run, "DeadKernelError", "")
        if status < 0:
            reason = f"the kernel was {exit_words(status)}"
            result = Result.LOST
        else:
            reason = (
                f"the kernel ended itself with {exit_words(status)}, before its task had handed on its values"
            )
            result = Result.FAILED
        error = ErrorPlace(
            type="DeadKernelError", message=reason, cell=place.cell, cell_id=place.cell_id, line=place.line
        )
        return result, f"{reason} ({_where(error)})" if _where(error) else reason, error

    def _stopped_place(self, run: TaskRun, reported: ErrorPlace | None, reason: str) -> ErrorPlace:
        """Where the try was when it was stopped: as the kernel says, else as its watchdog wrote down."""
        kind = (
            "TimeoutError" if self._stopped and self._stopped[0] is Result.TIMED_OUT else "KeyboardInterrupt"
        )
        if reported is not None:
            return ErrorPlace(
                type=kind, message=reason, cell=reported.cell, cell_id=reported.cell_id, line=reported.line
            )
        return self._place(run, kind, reason)

    def _place(self, run: TaskRun, kind: str, message: str) -> ErrorPlace:
        cell_id = None if run.cell is None else run.cell.id
        number = self._job.numbers.get(cell_id) if cell_id else None
        if number is None:
            return ErrorPlace(type=kind, message=message)
        hang = self._folder / HANG_FILE
        line = dumped_line(hang.read_text(encoding="utf-8", errors="replace")) if hang.exists() else None
        return ErrorPlace(type=kind, message=message, cell=number, cell_id=cell_id, line=line)

    def _cuts(self, run: TaskRun) -> list[str]:
        notes: list[str] = []
        for cell_id, budget in run.cut.items():
            number = self._job.numbers.get(cell_id)
            cell = "a cell" if number is None else f"cell {number}"
            if budget.dropped:
                printed = STREAM_LIMIT + budget.dropped
                notes.append(
                    f"{cell} printed {printed:,} characters; the notebook keeps the first {STREAM_LIMIT:,}"
                )
            if budget.data_dropped:
                notes.append(
                    f"{cell} displayed more than a notebook can hold; {budget.data_dropped} left out"
                )
        if run.log.dropped:
            total = LOG_LIMIT + run.log.dropped
            notes.append(f"the try printed {total:,} bytes; its log keeps the first {LOG_LIMIT:,}")
        return notes


class _Given:
    """papermill's way to a notebook that is at hand as JSON; its own writes a node and reads it again."""

    notebook = ""

    def read(self, _path: str) -> str:
        """The notebook's text."""
        return self.notebook

    def pretty_path(self, path: str) -> str:
        """For papermill's log."""
        return path


_HAND = _Given()
papermill_io.register(_SCHEME, _HAND)


def _given(notebook: Mapping[str, object]) -> str:
    """The path under which papermill finds it, until the next one is given."""
    _HAND.notebook = json.dumps(notebook)
    return f"{_SCHEME}notebook.ipynb"


def _where(error: ErrorPlace | None) -> str:
    if error is None or error.cell is None:
        return ""
    return f"cell {error.cell}" + (f", line {error.line}" if error.line else "")


def _last_words(run: TaskRun, outcome: TaskOutcome) -> str:
    """What stands at the end of the log: the traceback as plain text, else the reason."""
    cells = [] if run.notebook is None else run.notebook.nb.cells
    for cell in cells:
        for output in cell.get("outputs", ()):
            if output.output_type == "error":
                return "\n" + plain("\n".join(output.traceback)) + "\n"
    return "" if outcome.result is Result.SUCCESS else f"\n{outcome.reason}\n"
