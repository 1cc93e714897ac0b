"""What a notebook says of itself as a whole: `%%dag` and its parameters."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta


class Order(StrEnum):
    """What orders a task that has neither a variable from above nor `--after`."""

    POSITION = "position"
    DATA = "data"


class TimetableKind(StrEnum):
    """What a schedule's ticks bound."""

    INTERVAL = "interval"  # a run covers the time between two ticks, and is due at the second
    TRIGGER = "trigger"  # a run is about the tick itself


class MissedRuns(StrEnum):
    """What becomes of runs that were due while nobody scheduled: the machine was off or asleep."""

    ALL = "all"  # every one, in order
    LATEST = "latest"  # only the last one
    SKIP = "skip"  # those that are not later than max_lateness


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """One parameter of the notebook.

    Attributes:
        name: the variable's name in the cell tagged `parameters`, or the key in `[params]`.
        default: the source text of its default, as written in the notebook (Python).
        annotation: the type as written (`int`, `str`), or "".
        help: the comment beside it, or "".
        schema: JSON schema that its values must fit, beside the type (`{"minimum": 0}`).
    """

    name: str
    default: str = "None"
    annotation: str = ""
    help: str = ""
    schema: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True, kw_only=True)
class DagSpec:
    """One DAG, as `%%dag NAME` and its TOML body say it; the defaults where they are silent.

    Attributes:
        dag_id: its name; by default the notebook's file name without the suffix.
        description, owner, tags: for people.
        schedule: a cron expression, a preset, a duration as written, or None.
        timetable: whether the schedule's ticks bound intervals or are what runs are about.
        timezone: IANA name of the zone its dates are read and shown in.
        start_date, end_date: bounds of data_interval_start, aware, end inclusive; None for none.
        start_ago: `start_date = "14 days ago"`: how long before the moment the DAG is first registered its
            start_date lies, pinned then; None where start_date says it, or nothing does.
        catchup: whether a schedule starts at start_date rather than at the latest interval.
        missed_runs: what becomes of runs that were missed; None: with catchup all, else the latest, or with
            max_lateness those that are not later (`missed_policy`).
        max_lateness: how long after it is due a missed run still starts; None for no limit.
        order: what orders tasks that no variable orders.
        edges: edges written by hand, as pairs (upstream task id, downstream task id).
        strict: whether an undeclared change of a shared name fails the try.
        date_param: the parameter that is given each run's `ds`, or None.
        params: the notebook's parameters by name, in their order.
        max_active_runs: how many of its runs may be running at once.
        max_active_tasks: how many of its tasks, over all its runs, may be running at once.
        dagrun_timeout: the longest time a run may take from its start; None for no limit.
        default_args: task options for every task that doesn't say otherwise, as written.
        fail_fast: whether the first failure stops the run.
        max_consecutive_failed_runs: after so many failed runs in a row the DAG is paused; 0: never.
        is_paused_upon_creation: whether it is paused when it is first registered.
        user_defined_filters, user_defined_macros: for templates: name there → name of a function or value in
            the notebook.
        on_success_callback, on_failure_callback: names of functions in the notebook, called when a run has ended.
        deadline, on_deadline_callback: a run that is not over so long after it was queued calls this function;
            None and "" for none.
    """

    dag_id: str
    description: str = ""
    owner: str = ""
    tags: tuple[str, ...] = ()
    schedule: str | None = None
    timetable: TimetableKind = TimetableKind.INTERVAL
    timezone: str = "UTC"
    start_date: datetime | None = None
    start_ago: timedelta | None = None
    end_date: datetime | None = None
    catchup: bool = False
    missed_runs: MissedRuns | None = None
    max_lateness: timedelta | None = None
    order: Order = Order.POSITION
    edges: tuple[tuple[str, str], ...] = ()
    strict: bool = False
    date_param: str | None = None
    params: Mapping[str, Param] = field(default_factory=dict[str, Param])
    max_active_runs: int = 16
    max_active_tasks: int = 16
    dagrun_timeout: timedelta | None = None
    default_args: Mapping[str, object] = field(default_factory=dict[str, object])
    fail_fast: bool = False
    max_consecutive_failed_runs: int = 0
    is_paused_upon_creation: bool = False
    user_defined_filters: Mapping[str, str] = field(default_factory=dict[str, str])
    user_defined_macros: Mapping[str, str] = field(default_factory=dict[str, str])
    on_success_callback: str = ""
    on_failure_callback: str = ""
    deadline: timedelta | None = None
    on_deadline_callback: str = ""

    @property
    def missed_policy(self) -> MissedRuns:
        """What becomes of missed runs (semantics.md, Time, missed runs)."""
        if self.missed_runs is not None:
            return self.missed_runs
        if self.max_lateness is not None:
            return MissedRuns.SKIP
        return MissedRuns.ALL if self.catchup else MissedRuns.LATEST
