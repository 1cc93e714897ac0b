"""The states a task instance and a run can be in, and the legal moves between them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from nbflow.errors import IllegalMove

if TYPE_CHECKING:
    from collections.abc import Mapping


class TaskState(StrEnum):
    """States of a task instance; Airflow's names."""

    NONE = "none"
    SCHEDULED = "scheduled"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    SKIPPED = "skipped"
    UP_FOR_RETRY = "up_for_retry"
    UP_FOR_RESCHEDULE = "up_for_reschedule"
    UPSTREAM_FAILED = "upstream_failed"
    REMOVED = "removed"
    RESTARTING = "restarting"

    @property
    def finished(self) -> bool:
        """Whether it stays as it is until somebody clears it."""
        return self in FINISHED

    @property
    def holds_slot(self) -> bool:
        """Whether it takes a place of the executor."""
        return self in (TaskState.QUEUED, TaskState.RUNNING, TaskState.RESTARTING)


class RunState(StrEnum):
    """States of a DAG run."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"

    @property
    def finished(self) -> bool:
        """Whether it stays as it is until somebody clears or continues it."""
        return self in (RunState.SUCCESS, RunState.FAILED)


_T = TaskState
FINISHED = frozenset({_T.SUCCESS, _T.FAILED, _T.SKIPPED, _T.UPSTREAM_FAILED, _T.REMOVED})

TASK_MOVES: Mapping[TaskState, frozenset[TaskState]] = {
    _T.NONE: frozenset({_T.SCHEDULED, _T.SKIPPED, _T.UPSTREAM_FAILED, _T.FAILED, _T.REMOVED}),
    _T.SCHEDULED: frozenset({_T.QUEUED, _T.NONE, _T.SKIPPED, _T.FAILED, _T.REMOVED}),
    _T.QUEUED: frozenset({_T.RUNNING, _T.SCHEDULED, _T.FAILED, _T.SKIPPED, _T.NONE}),
    _T.RUNNING: frozenset(
        {
            _T.SUCCESS,
            _T.FAILED,
            _T.SKIPPED,
            _T.UP_FOR_RETRY,
            _T.UP_FOR_RESCHEDULE,
            _T.SCHEDULED,  # lost: runs again without using up a retry
            _T.RESTARTING,
            _T.NONE,  # stopped by a person: nothing is decided
        }
    ),
    _T.RESTARTING: frozenset({_T.NONE, _T.SCHEDULED, _T.FAILED}),
    _T.UP_FOR_RETRY: frozenset({_T.SCHEDULED, _T.SKIPPED, _T.FAILED, _T.NONE}),
    _T.UP_FOR_RESCHEDULE: frozenset({_T.SCHEDULED, _T.SKIPPED, _T.FAILED, _T.NONE}),
    _T.SUCCESS: frozenset({_T.NONE, _T.FAILED}),
    _T.FAILED: frozenset({_T.NONE, _T.SUCCESS}),
    _T.SKIPPED: frozenset({_T.NONE, _T.SUCCESS, _T.FAILED}),
    _T.UPSTREAM_FAILED: frozenset({_T.NONE, _T.SUCCESS, _T.FAILED}),
    _T.REMOVED: frozenset({_T.NONE}),
}

RUN_MOVES: Mapping[RunState, frozenset[RunState]] = {
    RunState.QUEUED: frozenset({RunState.RUNNING, RunState.FAILED}),
    RunState.RUNNING: frozenset({RunState.SUCCESS, RunState.FAILED, RunState.QUEUED}),
    RunState.SUCCESS: frozenset({RunState.QUEUED}),
    RunState.FAILED: frozenset({RunState.QUEUED}),
}


def check_task_move(old: TaskState, new: TaskState) -> None:
    """Accept a legal move of a task instance.

    Raises:
        IllegalMove: the table has no such move.
    """
    if new not in TASK_MOVES[old]:
        msg = f"no legal move leads a task instance from {old} to {new}"
        raise IllegalMove(msg)


def check_run_move(old: RunState, new: RunState) -> None:
    """Accept a legal move of a run.

    Raises:
        IllegalMove: the table has no such move.
    """
    if new not in RUN_MOVES[old]:
        msg = f"no legal move leads a run from {old} to {new}"
        raise IllegalMove(msg)


class Decision(StrEnum):
    """What a trigger rule says of a task now."""

    RUN = "run"
    WAIT = "wait"
    SKIP = "skip"
    UPSTREAM_FAILED = "upstream_failed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision with its reason in words: the grid, the command line and the log print it."""

    decision: Decision
    reason: str
