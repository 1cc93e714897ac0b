"""What the state machine is told (events) and what it answers (actions).

Those that come with every try are named tuples: a frozen dataclass takes five times as long to make, and a
backfill makes millions. They are given by keyword all the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from nbflow.model.instance import Instance
from nbflow.model.run import RunType
from nbflow.model.state import RunState, TaskState

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from nbflow.model.instance import Prior
    from nbflow.model.plan import Plan
    from nbflow.model.run import RunKey, TaskKey
    from nbflow.model.work import Result


# Events. Each carries its time (aware, UTC): the machine has no clock of its own.


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOpened:
    """A run is new, or is to go on.

    Attributes:
        run: which.
        logical_date: its place in time, which orders runs.
        plan: the version it follows.
        state: where the store has it.
        instances: where the store has its task instances; those left out are new. Instances of mapped tasks are
            among them, by their `map_index`; of tasks that the plan no longer has, they become `removed`.
        again: the finished task instances that have to run again, each with the reason. A mapped task's own (index
            -1) has it find its items anew.
        run_type: what started it; only scheduled and backfill runs have a past and are one.
        prior: the latest earlier scheduled or backfill run, unless it is open already or there is none.
        superseded: from when on its interval is no longer the latest; None: never (a manual run).
        failed_before: how many runs in a row have failed just before.
        backfill: whether it waits and counts with the backfills of its DAG, apart from its other runs.
        latest_first: whether it waits for room behind later runs, not behind earlier ones.
        landed: task instances whose latest try has ended while nobody was there to hear it; its `TryEnded`
            follows.
    """

    at: datetime
    run: RunKey
    logical_date: datetime
    plan: Plan
    state: RunState = RunState.QUEUED
    instances: Mapping[TaskKey, Instance] = field(default_factory=dict["TaskKey", Instance])
    again: Mapping[TaskKey, str] = field(default_factory=dict["TaskKey", str])
    run_type: RunType = RunType.MANUAL
    prior: Prior | None = None
    superseded: datetime | None = None
    failed_before: int = 0
    backfill: bool = False
    latest_first: bool = False
    landed: frozenset[TaskKey] = frozenset()


class TryStarted(NamedTuple):
    """The executor has begun a try."""

    at: datetime
    key: TaskKey
    try_number: int


class SlotFreed(NamedTuple):
    """The process of a try has succeeded and is gone; its XComs are about to be stored, `TryEnded` follows.

    Its slot of the executor is free. The places that rules are about (`max_active_tasks`, `max_active_tis`, pools)
    stay taken until its end.
    """

    at: datetime
    key: TaskKey
    try_number: int


class TryEnded(NamedTuple):
    """A try is over; its XComs are in the store already.

    Attributes:
        reason: shown to people.
        follow, items, again_after: see `TaskOutcome`.
    """

    at: datetime
    key: TaskKey
    try_number: int
    result: Result
    reason: str
    follow: tuple[str, ...] | None = None
    items: tuple[str, ...] | None = None
    again_after: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleared:
    """A person wants finished or running task instances of an open run to run again.

    Attributes:
        tasks: which, each with the reason.
    """

    at: datetime
    run: RunKey
    tasks: Mapping[TaskKey, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """A person says how task instances of an open run ended.

    Attributes:
        tasks: which, each with `success`, `failed` or `skipped`.
        reason: shown to people.
    """

    at: datetime
    run: RunKey
    tasks: Mapping[TaskKey, TaskState]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunMarked:
    """A person says how an open run ended: what runs is stopped, what waits is skipped (a success) or fails."""

    at: datetime
    run: RunKey
    state: RunState
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseSet:
    """A DAG is paused, or is not any more: while it is, nothing new is queued; what runs finishes."""

    at: datetime
    dag_id: str
    paused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolsSet:
    """The pools and their slots, all of them."""

    at: datetime
    pools: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionPublished:
    """Open runs of which nothing has begun follow a new version of their notebook."""

    at: datetime
    runs: frozenset[RunKey]
    plan: Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class StopAsked:
    """Nothing new may start, and runs stay to be continued; tries under way are stopped.

    Attributes:
        graceful: tries under way may end by themselves instead.
    """

    at: datetime
    reason: str
    graceful: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockTicked:
    """Time has passed."""

    at: datetime


Command = Cleared | Marked | RunMarked | PauseSet | PoolsSet
Event = RunOpened | TryStarted | SlotFreed | TryEnded | Command | VersionPublished | StopAsked | ClockTicked


# Actions, in the order in which they are to be performed.


class Move(NamedTuple):
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


class Launch(NamedTuple):
    """Hand a try to the executor.

    Attributes:
        look: of a sensor: which look of this try, from 1; its earlier ones are over. 0 for any other task.
    """

    key: TaskKey
    try_number: int
    look: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Expand:
    """A mapped task has found its items: it gets an instance for each, in state `none`.

    Attributes:
        instances: by map index, from 0; there may be instances beyond them from before, which are `removed`.
    """

    key: TaskKey
    instances: tuple[Instance, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseDag:
    """Record that a rule has paused a DAG."""

    at: datetime
    dag_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MissDeadline:
    """Tell whoever wants to know that a run was not over at its deadline."""

    at: datetime
    run: RunKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    """Stop a try that is under way."""

    key: TaskKey
    try_number: int
    reason: str


Action = Move | RunMove | Launch | Expand | Halt | PauseDag | MissDeadline
