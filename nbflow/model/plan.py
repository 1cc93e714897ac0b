"""What the state machine has to know of a version of a DAG."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from nbflow.model.task import TaskKind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from nbflow.model.graph import Graph
    from nbflow.model.task import TaskSpec


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the machine has to know of one version of a DAG. Runs of a version share it.

    Attributes:
        tasks: the tasks by id.
        graph: who follows whom.
        weights: each task's effective priority weight (see `plan.slots.weights`).
        max_active_runs, max_active_tasks: see `DagSpec`.
        dagrun_timeout: elapsed time from a run's start; None for no limit.
        fail_fast, max_consecutive_failed_runs, deadline: see `DagSpec`.
    """

    tasks: Mapping[str, TaskSpec]
    graph: Graph
    weights: Mapping[str, int]
    max_active_runs: int = 16
    max_active_tasks: int = 16
    dagrun_timeout: timedelta | None = None
    fail_fast: bool = False
    max_consecutive_failed_runs: int = 0
    deadline: timedelta | None = None

    @cached_property
    def teardowns(self) -> frozenset[str]:
        """The tasks that clean up."""
        return frozenset(task_id for task_id, spec in self.tasks.items() if spec.kind is TaskKind.TEARDOWN)

    @cached_property
    def heeding_past(self) -> frozenset[str]:
        """The tasks that look at the previous run."""
        return frozenset(task_id for task_id, spec in self.tasks.items() if spec.heeds_past)
