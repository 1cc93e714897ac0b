"""Which finished task instances have to run again when a run goes on."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from nbflow.model.state import TaskState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbflow.model.graph import Graph


# How the reason begins of whatever a run's timeout skipped: it tells such skips from decided ones.
RUN_TIMED_OUT = "the run took longer than its dagrun_timeout"


class Reprocess(StrEnum):
    """What is done again of runs that exist already; Airflow's names."""

    NONE = "none"  # nothing
    FAILED = "failed"  # what failed or was stopped, and what is stale beside it
    COMPLETED = "completed"  # everything


def continuation(
    graph: Graph,
    states: Mapping[str, TaskState],
    *,
    stale: frozenset[str],
    timed_out: frozenset[str] = frozenset(),
    everything: bool = False,
) -> dict[str, str]:
    """The finished task instances that must run again, each with the reason.

    Args:
        graph: of the DAG as it is now.
        states: of the run's task instances; tasks that are missing are new.
        stale: tasks whose code, or the code they stand on, has changed since their latest try.
        timed_out: tasks that were skipped because their run took too long.
        everything: whether all of them run again.

    Returns:
        Task id → reason, upstream first. What stands on a task that runs again runs again too.
    """
    again: dict[str, str] = {}
    for task_id in graph.order:
        state = states.get(task_id, TaskState.NONE)
        if not state.finished:
            continue
        redone = [up for up in graph.upstream(task_id) if up in again]
        if everything:
            again[task_id] = "asked to run everything again"
        elif state is TaskState.FAILED:
            again[task_id] = "it failed before"
        elif state is TaskState.UPSTREAM_FAILED:
            again[task_id] = "a task before it had failed"
        elif task_id in timed_out:
            again[task_id] = "its run had taken too long"
        elif task_id in stale:
            again[task_id] = "its code, or code it stands on, has changed"
        elif redone:
            again[task_id] = f"{', '.join(redone)} runs again"
    return again
