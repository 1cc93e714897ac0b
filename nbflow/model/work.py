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
        environment: environment variables beside the inherited ones.
        kernel: the kernelspec of a real Jupyter kernel to run in, "" for the fastest way that fits.
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
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    kernel: str = ""


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


NOTEBOOK_FILE = "notebook.ipynb"  # in a try's folder: the executed one-task notebook
LOG_FILE = "log.txt"  # everything the try printed, as it came, and the traceback
INPUTS_FOLDER = "inputs"  # the encoded inputs
STAGING_FOLDER = "staging"  # the encoded outputs, fsynced before the outcome is reported
FAILURE_FOLDER = "failure"  # of a failed try: the serialisable variables at the point of failure
