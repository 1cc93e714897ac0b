"""Rows of semantics.md about which try's value a task gets, and what it is told where there is none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import nbformat
import pytest

from nbflow.codec import decode, encode
from nbflow.model.run import Interval, RunKey, TaskKey, run_id_of
from nbflow.model.state import TaskState
from nbflow.parse.flow import flow_of
from nbflow.service.handed import HandedOn
from nbflow.service.prepare import Attempt, OpenRun, request_of
from nbflow.store.xcom import TryXComs, XComStore

if TYPE_CHECKING:
    from pathlib import Path

    from nbflow.model.work import TaskRequest

DAY = datetime(2026, 2, 17, tzinfo=UTC)
NEXT = DAY + timedelta(days=1)
# Both arms of a branch define `model`; `slow` stands nearer to the join.
CELLS = (
    "%%task base\nmodel = 'base'",
    "%%task.branch choose --after base\n['fast', 'slow']",
    "%%task fast --after choose\nmodel = 'fast'",
    "%%task slow --after choose\nmodel = 'slow'",
    "%%task join --trigger-rule none_failed_min_one_success\nmodel",
)
LETTERS = {
    "S": TaskState.SUCCESS,
    "F": TaskState.FAILED,
    "U": TaskState.UPSTREAM_FAILED,
    "K": TaskState.SKIPPED,
    ".": TaskState.NONE,
}
NAMES = ("base", "fast", "slow")


def joined(folder: Path, states: str, *, run: datetime = DAY, number: int = 1) -> TaskRequest:
    """The request of the join, where base, fast and slow stand so; each that succeeded has made two tries."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    flow = flow_of(notebook, "n.ipynb")
    interval = Interval(logical_date=run, start=run, end=run + timedelta(days=1), due=run + timedelta(days=1))
    key = RunKey(flow.dag.dag_id, run_id_of(run))
    standing = dict(zip(NAMES, (LETTERS[letter] for letter in states), strict=True))
    attempt = Attempt(
        run=OpenRun(flow=flow, notebook=notebook, interval=interval, label="", params={}, cwd=folder),
        key=TaskKey(key, "join"),
        try_number=1,
        token="t",
        folder=folder / f"join {run:%d} {states} {number}",
        producers={name: (state, number) for name, state in standing.items()},
        exchange=None,
        previous_success=None,
    )
    with XComStore.open(folder) as store:
        for name, state in standing.items():
            for made in (1, 2) if state is TaskState.SUCCESS else ():
                value = encode("model", f"{name} {run:%d} {made}", folder=folder, shared={})
                task, token = TaskKey(key, name), f"{run} {name} {made}"
                store.commit(
                    [TryXComs(key=task, try_number=made, ds="", token=token, xcoms=(value,), at=DAY)]
                )
        return request_of(attempt, store, HandedOn(folder / "handed"))


def model_of(request: TaskRequest) -> object:
    return decode(request.inputs["model"], namespace={})


@dataclass(frozen=True)
class Given:
    name: str
    states: str  # of base, fast, slow
    value: str


GIVEN = [
    Given("both arms ran: the nearer", "SSS", "slow 17 1"),
    Given("the nearer arm alone", "SKS", "slow 17 1"),
    Given("the other arm alone", "SSK", "fast 17 1"),
    Given("the nearer failed", "SSF", "fast 17 1"),
    Given("no arm: what stood before the branch", "SKK", "base 17 1"),
]


@pytest.mark.parametrize("case", GIVEN, ids=lambda case: case.name)
def test_a_join_gets_the_nearest_definition_whose_task_ran(case: Given, tmp_path: Path) -> None:
    assert model_of(joined(tmp_path, case.states)) == case.value


MISSING = {
    "KKK": "task 'slow' was skipped, task 'fast' was skipped, task 'base' was skipped",
    "FUU": "task 'slow' did not run, because a task before it failed, "
    "task 'fast' did not run, because a task before it failed, task 'base' failed",
    "..F": "task 'slow' failed, task 'fast' has not run, task 'base' has not run",
}


@pytest.mark.parametrize("states", MISSING)
def test_a_name_that_nobody_gave_is_unset_with_every_producer_and_why(states: str, tmp_path: Path) -> None:
    request = joined(tmp_path, states)
    assert (dict(request.inputs), request.missing["model"]) == ({}, MISSING[states])


def test_every_try_keeps_its_values_and_every_run_has_its_own(tmp_path: Path) -> None:
    asked = [joined(tmp_path, "SKK", run=run, number=number) for run in (DAY, NEXT) for number in (1, 2)]
    assert [model_of(request) for request in asked] == ["base 17 1", "base 17 2", "base 18 1", "base 18 2"]
    assert "model" in joined(tmp_path, "KKK", run=NEXT + timedelta(days=1)).missing, (
        "of other runs there are some"
    )
