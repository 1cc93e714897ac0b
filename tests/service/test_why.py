"""Why a task instance is in its state, and what it waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.conftest import AT, CODE, day
from service.test_choosing import target

from nbflow.model.instance import Instance
from nbflow.model.messages import Move
from nbflow.model.run import TaskKey
from nbflow.model.state import RunState, TaskState
from nbflow.service.why import why

if TYPE_CHECKING:
    from service.conftest import Written

    from nbflow.model.flow import Flow
    from nbflow.model.run import RunKey
    from nbflow.service.why import Why


def said(written: Written, flow: Flow, run: RunKey, task_id: str) -> Why:
    record = written.state.run(run)
    assert record is not None
    return why(written.state, target(written, flow), record, TaskKey(run, task_id))


def test_a_finished_task_waits_for_nothing_and_its_rule_is_told(written: Written) -> None:
    flow = written.flow(*CODE)
    run = written.run(
        flow, day(1), {"a": "F", "b": "U", "c": "U"}, RunState.FAILED, reasons={"a": "KeyError"}
    )
    found = said(written, flow, run, "b")
    assert found.waits == ()
    assert found.rule == "upstream_failed: 1 of 1 upstream task failed (all_success)"
    assert [(one.task_id, one.state, one.reason) for one in found.upstream] == [
        ("a", TaskState.FAILED, "KeyError")
    ]
    assert [(move.old, move.new) for move in found.moves] == [("none", "upstream_failed")]


def test_what_is_above_and_not_finished_is_waited_for(written: Written) -> None:
    flow = written.flow(*CODE)
    run = written.run(flow, day(1), {"a": ".", "b": ".", "c": "."}, RunState.RUNNING)
    assert said(written, flow, run, "b").waits == ("`a` above it is none",)


def test_a_paused_dag_and_a_queued_run_are_said_first(written: Written) -> None:
    flow = written.flow(*CODE)
    run = written.run(flow, day(1), {"a": ".", "b": ".", "c": "."}, RunState.QUEUED)
    with written.state.writing():
        written.state.pause("n", paused=True, reason="its last 2 runs failed")
    first, second = said(written, flow, run, "a").waits
    assert first == "n is paused (its last 2 runs failed): nbflow unpause n"
    assert second.startswith("its run is queued: ")


def test_the_run_before_is_waited_for_where_the_task_heeds_it(written: Written) -> None:
    flow = written.flow("%%task a --wait-for-downstream\nx = 1", "%%task b\nx")
    written.run(flow, day(1), {"a": "S", "b": "F"}, RunState.FAILED, backfill=True)
    run = written.run(flow, day(2), {"a": ".", "b": "."}, RunState.RUNNING, backfill=True)
    assert said(written, flow, run, "a").waits == (
        "`b` of the run before, 2026-01-01, is failed (depends_on_past)",
    )


def test_slots_and_pools_are_said_of_what_is_ready(written: Written) -> None:
    flow = written.flow("%%task a --pool db --pool-slots 2\n1")
    run = written.run(flow, day(1), {"a": "."}, RunState.RUNNING)
    scheduled = Instance(state=TaskState.SCHEDULED)
    with written.state.writing():
        written.state.record(
            [
                Move(
                    at=AT,
                    key=TaskKey(run, "a"),
                    old=TaskState.NONE,
                    new=TaskState.SCHEDULED,
                    reason="ready",
                    instance=scheduled,
                )
            ]
        )
    assert said(written, flow, run, "a").waits[-1] == "there is no pool `db`: nbflow pools set db SLOTS"


def test_a_task_that_left_the_notebook_still_has_its_moves(written: Written) -> None:
    run = written.run(written.flow(*CODE, "%%task gone\n1"), day(1), {"gone": "S"}, RunState.SUCCESS)
    found = said(written, written.flow(*CODE), run, "gone")
    assert found.rule == "the notebook no longer has this task"
    assert len(found.moves) == 1
