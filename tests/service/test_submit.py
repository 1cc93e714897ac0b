"""What a request comes to: which runs are new, go on, or are done, and what runs again in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from service.conftest import AT, CODE, day

from nbflow.errors import ParameterError
from nbflow.model.run import RunType
from nbflow.model.state import RunState, TaskState
from nbflow.plan.selection import RUN_TIMED_OUT, Reprocess
from nbflow.service.open_run import opened, plan_of
from nbflow.service.submit import Standing, submissions

if TYPE_CHECKING:
    from service.conftest import Written

    from nbflow.service.submit import Submission

SUCCESS, FAILED, QUEUED, RUNNING = RunState.SUCCESS, RunState.FAILED, RunState.QUEUED, RunState.RUNNING
CHANGED_B = (CODE[0], "%%task b\ny = x + 1", CODE[2])


@dataclass(frozen=True)
class Case:
    name: str
    states: dict[str, str]
    run_state: RunState
    standing: Standing
    again: str = ""
    now: tuple[str, ...] = CODE  # the notebook by now
    options: dict[str, object] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)


CASES = [
    Case("succeeded: done", {"a": "S", "b": "S", "c": "S"}, SUCCESS, Standing.DONE),
    Case("failed: what failed, and what hung on it", {"a": "S", "b": "F", "c": "S"}, FAILED, Standing.CONTINUES, "b"),
    Case("stopped: what is left", {"a": "S", "b": ".", "c": "."}, QUEUED, Standing.CONTINUES),
    Case("its process died", {"a": "S", "b": ".", "c": "."}, RUNNING, Standing.CONTINUES),
    Case("asked for nothing but what is missing", {"a": "F", "b": "U", "c": "U"}, FAILED, Standing.DONE, options={"reprocess": Reprocess.NONE}),
    Case("asked for nothing, but it was stopped", {"a": "S", "b": "."}, QUEUED, Standing.CONTINUES, options={"reprocess": Reprocess.NONE}),
    Case("asked for everything", {"a": "S", "b": "S", "c": "S"}, SUCCESS, Standing.CONTINUES, "abc", options={"reprocess": Reprocess.COMPLETED}),
    Case("succeeded, changed since", {"a": "S", "b": "S", "c": "S"}, SUCCESS, Standing.DONE, now=CHANGED_B),
    Case("succeeded, changed since, wanted", {"a": "S", "b": "S", "c": "S"}, SUCCESS, Standing.CONTINUES, "b", CHANGED_B, {"rerun_stale": True}),
    Case("failed, changed since", {"a": "S", "b": "S", "c": "F"}, FAILED, Standing.CONTINUES, "bc", CHANGED_B),
    Case("failed, changed since, kept", {"a": "S", "b": "S", "c": "F"}, FAILED, Standing.CONTINUES, "c", CHANGED_B, {"keep_stale": True}),
    Case("failed in a task that is gone: decided anew", {"a": "S", "b": "S", "c": "S", "gone": "F"}, FAILED, Standing.CONTINUES),
    Case("succeeded with a task that is gone", {"a": "S", "b": "S", "c": "S", "gone": "."}, SUCCESS, Standing.DONE),
    Case("failed before a task came", {"a": "S", "b": "F"}, FAILED, Standing.CONTINUES, "b"),
    Case("took too long: what the timeout skipped", {"a": "S", "b": "K", "c": "K"}, FAILED, Standing.CONTINUES, "b", reasons={"b": f"{RUN_TIMED_OUT} of 1:00:00"}),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_run_that_exists(case: Case, written: Written) -> None:
    before = written.flow(*CODE)
    written.run(before, day(1), case.states, case.run_state, reasons=case.reasons)
    (found,) = submissions(
        written.flow(*case.now), [day(1)], written.state, run_type=RunType.MANUAL, params={}, **case.options
    )  # type: ignore[arg-type]
    assert (found.standing, "".join(key.task_id for key in found.again)) == (case.standing, case.again)


def one(written: Written, **options: object) -> Submission:
    flow = written.flow("#parameters", *CODE)
    (found,) = submissions(flow, [day(1)], written.state, run_type=RunType.MANUAL, **options)  # type: ignore[arg-type]
    return found


def test_a_run_that_does_not_exist_is_new_whatever_is_beside_it(written: Written) -> None:
    written.run(written.flow(*CODE), day(1), {"a": "S"}, SUCCESS)
    found = one(written, params={"n": 1}, variant="big")
    assert found.standing is Standing.NEW
    assert found.label == "2026-01-01~big"
    assert found.params == {"n": 1}
    assert found.to_do == -1


@pytest.mark.parametrize(
    ("stored", "given", "accepted"),
    [({"n": 1}, {"n": 1}, True), ({"n": 1}, {}, True), ({"n": 1}, {"n": 2}, False), ({}, {"n": 1}, False)],
)
def test_a_run_keeps_its_parameters(
    written: Written, stored: dict[str, object], given: dict[str, object], *, accepted: bool
) -> None:
    written.run(written.flow(*CODE), day(1), {"a": "F"}, FAILED, params=stored)
    if accepted:
        assert one(written, params=given).params == stored
    else:
        with pytest.raises(
            ParameterError, match=r"the run of 2026-01-01 exists with other parameters.*--as NAME"
        ):
            one(written, params=given)


def test_a_run_keeps_the_interval_it_was_made_with(written: Written) -> None:
    written.run(written.flow(*CODE), day(1, hours=6), {"a": "F"}, FAILED)
    assert one(written, params={}).interval == day(1, hours=6), "its schedule was another one then"


def test_the_machine_is_told_of_all_task_instances_of_the_store(written: Written) -> None:
    flow = written.flow(*CODE)
    written.run(flow, day(1), {"a": "S", "gone": "F"}, FAILED)
    (found,) = submissions(flow, [day(1)], written.state, run_type=RunType.MANUAL, params={})
    event = opened(found, plan_of(flow), AT)
    assert {key.task_id: instance.state for key, instance in event.instances.items()} == {
        "a": TaskState.SUCCESS,
        "gone": TaskState.FAILED,
    }
    assert event.state is FAILED
