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
    group: str = ""
    doc: str = ""
