"""Rows of the store as values: what any face may read of runs, task instances and tries."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from nbflow.model.run import Interval, RunKey, RunType, TaskKey
    from nbflow.model.state import RunState, TaskState
    from nbflow.model.work import ErrorPlace


@dataclass(frozen=True, slots=True, kw_only=True)
class DagRecord:
    """A DAG the home knows: its notebook's absolute path and latest version."""

    dag_id: str
    path: Path
    version: str
    timezone: str
    created: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """A run as the store has it. Times are aware, UTC; `started` and `ended` None until then.

    Attributes:
        variant: the name given with `--as`, or "".
        params: the values given for this run, beside the notebook's defaults.
        version: of the notebook it ran last.
    """

    key: RunKey
    interval: Interval
    run_type: RunType
    state: RunState
    variant: str
    params: Mapping[str, object]
    version: str
    reason: str
    created: datetime
    started: datetime | None
    ended: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceRecord:
    """A task instance as the store has it. `started` and `ended` are those of its latest try."""

    key: TaskKey
    state: TaskState
    try_number: int
    max_tries: int
    losses: int
    reason: str
    code_hash: str
    started: datetime | None
    ended: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TryRecord:
    """One try of a task instance.

    Attributes:
        token: unique; an outcome must bring it.
        result: how it ended (a value of `work.Result`), or None while it runs.
        process_group: of its kernel, None before it started.
        code_hash: of the task's own, shared and upstream code when it ran.
        folder: what it left: the executed notebook, log, inputs, and the variables of a failure.
        notes: warnings, one sentence each.
    """

    key: TaskKey
    try_number: int
    token: str
    result: str | None
    reason: str
    error: ErrorPlace | None
    process_group: int | None
    engine: str
    code_hash: str
    version: str
    folder: Path
    created: datetime
    started: datetime | None
    ended: datetime | None
    notes: tuple[str, ...] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One recorded move of a task instance (`task_id` None: of the run itself)."""

    at: datetime
    task_id: str | None
    map_index: int
    try_number: int
    old: str
    new: str
    reason: str
