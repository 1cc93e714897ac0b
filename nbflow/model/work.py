"""The seam between deciding and executing: a description of a try goes in, its outcome comes out."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta
    from pathlib import Path

    from nbflow.model.flow import Flow
    from nbflow.model.run import Interval, TaskKey
    from nbflow.model.xcom import XComValue


class Result(StrEnum):
    """How a try ended."""

    SUCCESS = "success"
    FAILED = "failed"  # an error in a cell; retryable
    FAIL = "fail"  # nbflow.Fail, or a value that can't be carried: no retry
    SKIPPED = "skipped"  # nbflow.Skip
    TIMED_OUT = "timed_out"  # execution_timeout; retryable
    STOPPED = "stopped"  # a person or the service stopped it
    LOST = "lost"  # its process died under it
    WAITING = "waiting"  # a sensor's value was false, or the cell waits for another run: look again later
    GAVE_UP = "gave_up"  # a sensor's timeout has passed (made by the machine, not by processes)


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorPlace:
    """What went wrong in a try, and where.

    Attributes:
        type, message: of the exception (`KeyError`, `'x'`).
        cell: the cell's number (see `Cell.number`), None outside of the notebook's cells.
        cell_id: nbformat's id of it, None likewise.
        line: the line in that cell, from 1, None if unknown.
    """

    type: str
    message: str
    cell: int | None = None
    cell_id: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        head = self.message.strip().splitlines()[0] if self.message.strip() else ""
        text = f"{self.type}: {head}" if head else self.type
        if self.cell is None:
            return text
        return f"{text} (cell {self.cell}" + (f", line {self.line})" if self.line else ")")


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """A function of the notebook that is to be told of something, in a process of its own.

    Attributes:
        function: its name.
        event: which option names it (`on_failure_callback`).
        state: the state that the run or task instance has come to.
        reason: why, in words.
        exception: the error of the try («KeyError: 'x' (cell 9, line 2)»), or "".
    """

    function: str
    event: str
    state: str
    reason: str = ""
    exception: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRequest:
    """One try to be executed.

    Attributes:
        key: which task instance.
        try_number: from 1.
        token: unique for this try; an outcome with another token is refused.
        flow: the notebook as read.
        notebook: its nbformat JSON (v4 as a dict), outputs stripped.
        interval: the run's data interval.
        timezone: IANA name of the DAG's zone, for `ds` and friends.
        params: parameter values that replace the defaults (plain Python values).
        inputs: name → encoded value, for each needed name some producer gave.
        missing: name → why it is unset (no producer gave it).
        cwd: the notebook's folder: where its cells run.
        folder: the try's own folder (exists, empty); everything the try leaves goes here.
        previous_success: the data interval of the DAG's latest earlier run that succeeded, or None.
        execution_timeout: elapsed time for the try; None for no limit.
        exchange: path of the Unix socket that answers `xcom_pull`, or None.
        python: the interpreter to run with, "" for that of the process that runs it.
        environment: what is different from that process's environment variables; None: it is not to be set.
        kernel: the kernelspec of a real Jupyter kernel to run in, "" for the fastest way that fits.
        collected: name → the encoded return values of a mapped task's instances, in map order: the name's value is
            their list.
        item: of an instance of a mapped task: its item, a dict from name to value. A mapped task's try without one
            (`map_index` -1) doesn't run its cells: it goes through what is mapped over and hands on the items, each
            under `item_key(index)`.
        callback: instead of a task's cells, call this function of the notebook (`execute.callback`); the key's
            `task_id` is "" where it is about the run as a whole.
        modules: a folder with the project-local modules of the version that runs, as they lie below the notebook's
            folder: they count where the files there have changed since. None: the files there count.
    """

    key: TaskKey
    try_number: int
    token: str
    flow: Flow
    notebook: Mapping[str, object]
    interval: Interval
    timezone: str
    params: Mapping[str, object]
    inputs: Mapping[str, XComValue]
    missing: Mapping[str, str]
    cwd: Path
    folder: Path
    previous_success: Interval | None = None
    execution_timeout: timedelta | None = None
    exchange: Path | None = None
    python: str = ""
    environment: Mapping[str, str | None] = field(default_factory=dict[str, str | None])
    kernel: str = ""
    collected: Mapping[str, tuple[XComValue, ...]] = field(default_factory=dict[str, "tuple[XComValue, ...]"])
    item: XComValue | None = None
    callback: Callback | None = None
    modules: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskOutcome:
    """How a try ended and what it left.

    Attributes:
        token: of the request.
        result: how it ended.
        reason: one line for people («KeyError: 'x' (cell 9, line 2)», «killed by signal 9»).
        error: where it went wrong, None unless something did.
        xcoms: what it handed on; complete only on success.
        notes: warnings about the try (undeclared changes, output cut), one sentence each.
        started, ended: aware, UTC.
        engine: what executed it and why, for the try's record.
        follow: of a branch or short circuit that succeeded: the tasks directly below that are to run; None
            otherwise.
        items: of a mapped task's try that found its items: their labels, in order; None otherwise.
        again_after: of a `WAITING` one: when to look again, elapsed time; None: the sensor's own interval.
    """

    token: str
    result: Result
    reason: str
    error: ErrorPlace | None
    xcoms: tuple[XComValue, ...]
    notes: tuple[str, ...]
    started: datetime
    ended: datetime
    engine: str = "papermill, a kernel of its own"
    follow: tuple[str, ...] | None = None
    items: tuple[str, ...] | None = None
    again_after: timedelta | None = None


NOTEBOOK_FILE = "notebook.ipynb"  # in a try's folder: the executed one-task notebook
LOG_FILE = "log.txt"  # everything the try printed, as it came, and the traceback
INPUTS_FOLDER = "inputs"  # the encoded inputs
STAGING_FOLDER = "staging"  # the encoded outputs, fsynced before the outcome is reported
FAILURE_FOLDER = "failure"  # of a failed try: the serialisable variables at the point of failure
