"""The legal moves."""

from __future__ import annotations

import pytest

from nbflow.errors import IllegalMove
from nbflow.model.state import (
    RUN_MOVES,
    TASK_MOVES,
    RunState,
    TaskState,
    check_run_move,
    check_task_move,
)


def test_every_state_has_its_row() -> None:
    assert set(TASK_MOVES) == set(TaskState)
    assert set(RUN_MOVES) == set(RunState)


def test_a_move_outside_of_the_table_is_refused_by_name() -> None:
    with pytest.raises(IllegalMove, match="task instance from success to running"):
        check_task_move(TaskState.SUCCESS, TaskState.RUNNING)
    with pytest.raises(IllegalMove, match="run from success to running"):
        check_run_move(RunState.SUCCESS, RunState.RUNNING)


@pytest.mark.parametrize("state", TaskState)
def test_no_state_is_a_dead_end_and_none_leads_to_itself(state: TaskState) -> None:
    assert state not in TASK_MOVES[state]
    reached, todo = {state}, [state]
    while todo:
        new = TASK_MOVES[todo.pop()] - reached
        reached |= new
        todo += new
    assert reached >= set(TaskState) - {TaskState.UP_FOR_RESCHEDULE, TaskState.RESTARTING, TaskState.REMOVED}


@pytest.mark.parametrize("state", TaskState)
def test_a_task_that_holds_a_slot_is_not_finished_and_can_be_stopped(state: TaskState) -> None:
    if state.holds_slot:
        assert not state.finished
        check_task_move(state, TaskState.NONE)
        check_task_move(state, TaskState.FAILED)


@pytest.mark.parametrize("state", [state for state in RunState if state.finished])
def test_a_finished_run_can_go_on(state: RunState) -> None:
    check_run_move(state, RunState.QUEUED)
