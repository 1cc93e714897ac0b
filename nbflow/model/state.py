"""The states a task instance and a run can be in, and the legal moves between them."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

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

    # Plain attributes, and a hash without Python code: the machine asks for little else.
    __hash__ = str.__hash__
    finished: bool
    """Whether it stays as it is until somebody clears it."""
    moving: bool
    """Whether it leads on by itself."""
    holds_slot: bool
    """Whether it takes a place of the executor."""


class RunState(StrEnum):
    """States of a DAG run."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"

    finished: bool
    """Whether it stays as it is until somebody clears or continues it."""


for _run_state in RunState:
    _run_state.finished = _run_state in (RunState.SUCCESS, RunState.FAILED)


_T = TaskState
FINISHED = frozenset({_T.SUCCESS, _T.FAILED, _T.SKIPPED, _T.UPSTREAM_FAILED, _T.REMOVED})
for _state in TaskState:
    _state.finished = _state in FINISHED
    _state.moving = not _state.finished and _state is not _T.NONE
    _state.holds_slot = _state in (_T.QUEUED, _T.RUNNING, _T.RESTARTING)

_DECIDED = frozenset({_T.SUCCESS, _T.FAILED, _T.SKIPPED})  # also by a person, at any time

TASK_MOVES: Mapping[TaskState, frozenset[TaskState]] = {
    _T.NONE: _DECIDED
    | {
        _T.SCHEDULED,
        _T.UPSTREAM_FAILED,
        _T.REMOVED,
        _T.RUNNING,  # a mapped task some of whose instances run again
    },
    _T.SCHEDULED: _DECIDED | {_T.QUEUED, _T.NONE, _T.REMOVED},
    _T.QUEUED: _DECIDED | {_T.RUNNING, _T.SCHEDULED, _T.NONE, _T.RESTARTING, _T.REMOVED},
    _T.RUNNING: _DECIDED
    | {
        _T.UPSTREAM_FAILED,  # a mapped task whose instances are
        _T.UP_FOR_RETRY,
        _T.UP_FOR_RESCHEDULE,
        _T.SCHEDULED,  # lost: runs again without using up a retry
        _T.RESTARTING,
        _T.NONE,  # stopped by a person: nothing is decided
        _T.REMOVED,
    },
    _T.RESTARTING: _DECIDED | {_T.NONE, _T.SCHEDULED, _T.REMOVED},
    _T.UP_FOR_RETRY: _DECIDED | {_T.SCHEDULED, _T.NONE, _T.REMOVED},
    _T.UP_FOR_RESCHEDULE: _DECIDED | {_T.SCHEDULED, _T.NONE, _T.REMOVED},
    _T.SUCCESS: frozenset({_T.NONE, _T.FAILED, _T.SKIPPED, _T.REMOVED}),
    _T.FAILED: frozenset({_T.NONE, _T.SUCCESS, _T.SKIPPED, _T.REMOVED}),
    _T.SKIPPED: frozenset({_T.NONE, _T.SUCCESS, _T.FAILED, _T.REMOVED}),
    _T.UPSTREAM_FAILED: frozenset({_T.NONE, _T.SUCCESS, _T.FAILED, _T.SKIPPED, _T.REMOVED}),
    _T.REMOVED: frozenset({_T.NONE}),
}

RUN_MOVES: Mapping[RunState, frozenset[RunState]] = {
    RunState.QUEUED: frozenset({RunState.RUNNING, RunState.SUCCESS, RunState.FAILED}),
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


class Verdict(NamedTuple):
    """A decision with its reason in words: the grid, the command line and the log print it."""

    decision: Decision
    reason: str
