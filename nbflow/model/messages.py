"""What the state machine is told (events) and what it answers (actions)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nbflow.model.state import RunState, TaskState

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from nbflow.model.graph import Graph
    from nbflow.model.run import RunKey, TaskKey
    from nbflow.model.task import TaskSpec
    from nbflow.model.work import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the machine has to know of one version of a DAG. Runs of a version share it.

    Attributes:
        tasks: the tasks by id.
        graph: who follows whom.
        weights: each task's effective priority weight (see `plan.slots.weights`).
        max_active_runs, max_active_tasks: see `DagSpec`.
        dagrun_timeout: elapsed time from a run's start; None for no limit.
    """

    tasks: Mapping[str, TaskSpec]
    graph: Graph
    weights: Mapping[str, int]
    max_active_runs: int = 16
    max_active_tasks: int = 16
    dagrun_timeout: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """A task instance as it stands in the store.

    Attributes:
        state: where it is.
        try_number: of its latest try; 0 before the first.
        max_tries: the number of its last allowed try; grows when it is cleared or a try is lost.
        losses: how many tries in a row were lost.
    """

    state: TaskState = TaskState.NONE
    try_number: int = 0
    max_tries: int = 1
    losses: int = 0


# Events. Each carries its time (aware, UTC): the machine has no clock of its own.


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOpened:
    """A run is new, or is to go on.

    Attributes:
        run: which.
        logical_date: its place in time, which orders runs.
        plan: the version it follows.
        state: where the store has it.
        instances: where the store has its task instances; those left out are new.
        again: task id → why it has to run again although it is finished.
    """

    at: datetime
    run: RunKey
    logical_date: datetime
    plan: Plan
    state: RunState = RunState.QUEUED
    instances: Mapping[str, Instance] = field(default_factory=dict[str, Instance])
    again: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class TryStarted:
    """The executor has begun a try."""

    at: datetime
    key: TaskKey
    try_number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TryEnded:
    """A try is over; its XComs are in the store already. `reason` is shown to people."""

    at: datetime
    key: TaskKey
    try_number: int
    result: Result
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StopAsked:
    """Nothing new may start; tries under way are to be stopped; runs stay to be continued."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockTicked:
    """Time has passed."""

    at: datetime


Event = RunOpened | TryStarted | TryEnded | StopAsked | ClockTicked


# Actions, in the order in which they are to be performed.


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Record that a task instance changed its state, and why."""

    at: datetime
    key: TaskKey
    old: TaskState
    new: TaskState
    reason: str
    instance: Instance


@dataclass(frozen=True, slots=True, kw_only=True)
class RunMove:
    """Record that a run changed its state, and why."""

    at: datetime
    run: RunKey
    old: RunState
    new: RunState
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """Hand a try to the executor."""

    key: TaskKey
    try_number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    """Stop a try that is under way."""

    key: TaskKey
    try_number: int
    reason: str


Action = Move | RunMove | Launch | Halt
