"""Who is told of what: the functions that a notebook names for its runs and tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from service.conftest import AT, day

from nbflow.model.instance import Instance
from nbflow.model.messages import MissDeadline, Move, RunMove
from nbflow.model.run import RunKey, TaskKey
from nbflow.model.state import RunState, TaskState
from nbflow.service.callbacks import calls
from nbflow.service.prepare import OpenRun

if TYPE_CHECKING:
    from service.conftest import Written

    from nbflow.model.messages import Action

RUN = RunKey("n", "2026-01-01T00:00:00Z")
DAG = """\
%%dag n
on_success_callback = "good"
on_failure_callback = "bad"
deadline = "1h"
on_deadline_callback = "late"
"""
OPTIONS = "--on-success-callback good --on-failure-callback bad --on-retry-callback again --on-skipped-callback left"
CELLS = (
    DAG,
    "def good(c): ...\ndef bad(c): ...\ndef late(c): ...\ndef again(c): ...\ndef left(c): ...",
    f"%%task a {OPTIONS}\n1",
    '%%task m --map "p in [1]" --on-success-callback good\np',
    "%%task quiet\n1",
)


def move(task_id: str, new: TaskState, *, index: int = -1, items: int | None = None) -> Move:
    key = TaskKey(RUN, task_id, index)
    instance = Instance(state=new, try_number=2, items=items)
    return Move(at=AT, key=key, old=TaskState.RUNNING, new=new, reason="said", instance=instance)


def run_move(new: RunState) -> RunMove:
    return RunMove(at=AT, run=RUN, old=RunState.RUNNING, new=new, reason="said")


@dataclass(frozen=True)
class Case:
    name: str
    action: Action
    told: tuple[str, str, str, str] | None  # task, event, function, state


CASES = [
    Case("a success", move("a", TaskState.SUCCESS), ("a", "on_success_callback", "good", "success")),
    Case("a failure", move("a", TaskState.FAILED), ("a", "on_failure_callback", "bad", "failed")),
    Case("a retry", move("a", TaskState.UP_FOR_RETRY), ("a", "on_retry_callback", "again", "up_for_retry")),
    Case("a skip", move("a", TaskState.SKIPPED), ("a", "on_skipped_callback", "left", "skipped")),
    Case("a start", move("a", TaskState.QUEUED), None),
    Case("a task that names nobody", move("quiet", TaskState.FAILED), None),
    Case("an instance of a mapped task", move("m", TaskState.SUCCESS, index=0), ("m", "on_success_callback", "good", "success")),
    Case("a mapped task as a whole", move("m", TaskState.SUCCESS, items=1), None),
    Case("a run's success", run_move(RunState.SUCCESS), ("", "on_success_callback", "good", "success")),
    Case("a run's failure", run_move(RunState.FAILED), ("", "on_failure_callback", "bad", "failed")),
    Case("a run that is stopped", run_move(RunState.QUEUED), None),
    Case("a deadline", MissDeadline(at=AT, run=RUN), ("", "on_deadline_callback", "late", "running")),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_who_is_told(case: Case, written: Written) -> None:
    flow = written.flow(*CELLS)
    run = OpenRun(flow=flow, notebook={}, interval=day(1), label="", params={}, cwd=written.folder)
    key = TaskKey(RUN, "a")
    found = calls([case.action], {RUN: run}, {key: "KeyError: 'x' (cell 3)"})
    told = [
        (
            call.task.task_id if call.task else "",
            call.callback.event,
            call.callback.function,
            call.callback.state,
        )
        for call in found
    ]
    assert told == ([] if case.told is None else [case.told])
    for call in found:
        assert call.callback.exception == ("KeyError: 'x' (cell 3)" if call.task == key else "")
