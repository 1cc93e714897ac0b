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
    """A DAG the home knows.

    Attributes:
        path: of its notebook, absolute.
        version: the latest that has run.
        paused, pause_reason: whether nothing new of it may start, and why ("" when a person didn't say).
        start_date: as it was when the DAG was first seen: what "14 days ago" meant then.
        scheduled: since when its schedule makes runs; None: it makes none.
        published: the version that its schedule runs; None before it was ever scheduled.
        follow: whether every sound save is published.
        options: options of `%%dag` that were said from outside the notebook, as `%%dag` would have them.
        environment: of who scheduled it, as `Environment.to_json` gives it.
    """

    dag_id: str
    path: Path
    version: str
    timezone: str
    created: datetime
    paused: bool = False
    pause_reason: str = ""
    start_date: datetime | None = None
    scheduled: datetime | None = None
    published: str | None = None
    follow: bool = False
    options: Mapping[str, object] = field(default_factory=dict[str, object])
    environment: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """A run as the store has it. Times are aware, UTC; `started` and `ended` None until then.

    Attributes:
        variant: the name given with `--as`, or "".
        params: the values given for this run, beside the notebook's defaults.
        version: of the notebook it ran last.
        unattended: whether a scheduler opened it, so that the next one goes on with it by itself.
        environment: of who asked for it, as `Environment.to_json` gives it; empty: the owner's own.
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
    unattended: bool = False
    environment: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceRecord:
    """A task instance as the store has it.

    Attributes:
        started, ended: of its latest try.
        looks, first_look, follow, items, label: see `Instance`.
    """

    key: TaskKey
    state: TaskState
    try_number: int
    max_tries: int
    losses: int
    reason: str
    code_hash: str
    started: datetime | None
    ended: datetime | None
    looks: int = 0
    first_look: datetime | None = None
    follow: tuple[str, ...] | None = None
    items: int | None = None
    label: str = ""


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
class FailureRecord:
    """A failed task instance, with the place where its latest try went wrong (None: in no cell of it)."""

    instance: InstanceRecord
    logical_date: datetime
    variant: str
    error: ErrorPlace | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRecord:
    """A version of a notebook that the home has.

    Attributes:
        version: see `Flow.version`.
        created: when it was first stored; aware, UTC.
        runs: how many runs ran it last.
        latest: the latest logical date of those; None without any.
    """

    version: str
    created: datetime
    runs: int = 0
    latest: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRecord:
    """What some process asks the owner of the home to do.

    Attributes:
        verb: `clear`, `mark`, `pause`, `pools`, `trigger`.
        body: what it needs, in JSON's types.
    """

    id: int
    at: datetime
    verb: str
    body: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportErrorRecord:
    """A notebook that can't be scheduled as it is: what is wrong with it, and since when (aware, UTC).

    Attributes:
        dag_id: "" where it isn't known.
    """

    path: Path
    dag_id: str
    error: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolRecord:
    """A pool: so many slots for the tasks that name it."""

    name: str
    slots: int
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One recorded move of a task instance (`task_id` None: of the run itself).

    Attributes:
        id: grows with every move of the home.
    """

    id: int
    run: RunKey
    at: datetime
    task_id: str | None
    map_index: int
    try_number: int
    old: str
    new: str
    reason: str
