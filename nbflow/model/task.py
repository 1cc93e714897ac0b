"""What a task's header says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class TaskKind(StrEnum):
    """The kinds of task; all but the first are written `%%task.KIND`. Airflow's TaskFlow names."""

    TASK = "task"
    SENSOR = "sensor"
    BRANCH = "branch"
    SHORT_CIRCUIT = "short_circuit"
    SETUP = "setup"
    TEARDOWN = "teardown"


SKIPPERS = frozenset({TaskKind.BRANCH, TaskKind.SHORT_CIRCUIT})
"""Kinds whose result may skip the tasks below them."""


class SensorMode(StrEnum):
    """What a sensor does between two looks."""

    POKE = "poke"  # keeps its slot
    RESCHEDULE = "reschedule"  # frees it


class WeightRule(StrEnum):
    """What counts towards a task's priority beside its own weight; Airflow's names."""

    DOWNSTREAM = "downstream"  # all its descendants
    UPSTREAM = "upstream"  # all its ancestors
    ABSOLUTE = "absolute"  # nothing


DEFAULT_POOL = "default_pool"
"""The pool of tasks that name none."""
DEFAULT_POOL_SLOTS = 128


class TriggerRule(StrEnum):
    """When a task may run, given its upstream tasks' states (semantics of each: plan.trigger)."""

    ALL_SUCCESS = "all_success"
    ALL_FAILED = "all_failed"
    ALL_DONE = "all_done"
    ALWAYS = "always"
    ALL_SKIPPED = "all_skipped"
    ONE_SUCCESS = "one_success"
    ONE_FAILED = "one_failed"
    ONE_DONE = "one_done"
    NONE_FAILED = "none_failed"
    NONE_FAILED_MIN_ONE_SUCCESS = "none_failed_min_one_success"
    NONE_SKIPPED = "none_skipped"
    ALL_DONE_MIN_ONE_SUCCESS = "all_done_min_one_success"


@dataclass(frozen=True, slots=True, kw_only=True)
class MapOver:
    """One `--map "a, b in pairs"`.

    Attributes:
        names: what is bound for each item (`("a", "b")`).
        expression: what is gone through, as written (`pairs`).
    """

    names: tuple[str, ...]
    expression: str

    def __str__(self) -> str:
        return f"{', '.join(self.names)} in {self.expression}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSpec:
    """One task, as its `%%task` line and the DAG's `default_args` say it.

    Attributes:
        task_id: its name, unique in the DAG.
        kind: task, sensor, branch, ...
        after: ids of tasks it must follow (`--after a,b`); None when the line doesn't say, an empty
            tuple for `--after none`.
        uses: names it reads that the text doesn't show (`--uses`).
        exports: names it hands on that the text doesn't show (`--exports`).
        trigger_rule: when it may run.
        retries: how often it runs again after an ordinary failure.
        retry_delay: the wait before the first of them; elapsed time.
        retry_exponential_backoff: whether the wait doubles with each try.
        max_retry_delay: the longest wait.
        execution_timeout: the longest time one try may take; None for no limit.
        priority_weight: higher starts first among ready tasks.
        weight_rule: what is added to it.
        pool, pool_slots: the pool it draws from, and how many of its slots one instance takes.
        max_active_tis: how many of its instances, over all runs, may run at once; None for no limit.
        depends_on_past: whether it waits for itself in the previous run (success or skipped).
        wait_for_downstream: as that, and for the tasks directly below it there; implies it.
        latest_only: whether it is skipped in runs that are not of the latest interval.
        map: what it is mapped over, one instance for each item (several: of the product); empty: not mapped.
        collect: the name under which what follows gets the list of its instances' return values, or "".
        label: a Jinja template that names an instance in the grid (`{{ p }}`), or "".
        mode, poke_interval, timeout, soft_fail, exponential_backoff, max_wait: of a sensor. `timeout` counts from
            the first look; `soft_fail` makes a sensor that gives up skipped; with `exponential_backoff` the
            interval doubles with each look, up to `max_wait` (None: no cap).
        respect_trigger_rules: of a short circuit: skip only the tasks directly below it.
        setups: of a teardown: the setup tasks it cleans up after.
        on_failure_fail_dagrun: of a teardown: whether its failure fails the run.
        on_success_callback, on_failure_callback, on_retry_callback, on_skipped_callback: names of functions in
            the notebook.
        no_template: whether `{{ }}` in its cells and options stays as written.
        group: the task group it belongs to, by headings or `--group`; names joined by dots, or "".
        doc: a line about it (`--doc`), shown where it is.
    """

    task_id: str
    kind: TaskKind = TaskKind.TASK
    after: tuple[str, ...] | None = None
    uses: frozenset[str] = frozenset()
    exports: frozenset[str] = frozenset()
    trigger_rule: TriggerRule = TriggerRule.ALL_SUCCESS
    retries: int = 0
    retry_delay: timedelta = timedelta(seconds=300)
    retry_exponential_backoff: bool = False
    max_retry_delay: timedelta = timedelta(hours=24)
    execution_timeout: timedelta | None = None
    priority_weight: int = 1
    weight_rule: WeightRule = WeightRule.DOWNSTREAM
    pool: str = DEFAULT_POOL
    pool_slots: int = 1
    max_active_tis: int | None = None
    depends_on_past: bool = False
    wait_for_downstream: bool = False
    latest_only: bool = False
    map: tuple[MapOver, ...] = ()
    collect: str = ""
    label: str = ""
    mode: SensorMode = SensorMode.POKE
    poke_interval: timedelta = timedelta(seconds=60)
    timeout: timedelta = timedelta(days=7)
    soft_fail: bool = False
    exponential_backoff: bool = False
    max_wait: timedelta | None = None
    respect_trigger_rules: bool = False
    setups: tuple[str, ...] = ()
    on_failure_fail_dagrun: bool = False
    on_success_callback: str = ""
    on_failure_callback: str = ""
    on_retry_callback: str = ""
    on_skipped_callback: str = ""
    no_template: bool = False
    group: str = ""
    doc: str = ""

    @property
    def mapped(self) -> bool:
        """Whether it has an instance for each item of something."""
        return bool(self.map)

    @property
    def kind_words(self) -> str:
        """What it is, for people: «short circuit», «mapped sensor», «mapped»; "" for a plain task."""
        kind = "" if self.kind is TaskKind.TASK else self.kind.value.replace("_", " ")
        return f"mapped {kind}".strip() if self.mapped else kind

    @property
    def heeds_past(self) -> bool:
        """Whether it waits for the previous run."""
        return self.depends_on_past or self.wait_for_downstream
