"""Inputs of a try out of the store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import nbformat
import pytest

from nbflow.codec import decode, encode
from nbflow.execute.handover import taken
from nbflow.model.run import Interval, RunKey, TaskKey, run_id_of
from nbflow.model.state import TaskState
from nbflow.model.xcom import together_key
from nbflow.parse.flow import flow_of
from nbflow.service.handed import HandedOn
from nbflow.service.prepare import Attempt, OpenRun, request_of
from nbflow.store.xcom import TryXComs, XComStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nbflow.model.work import TaskRequest

DAY = datetime(2026, 2, 17, tzinfo=UTC)
INTERVAL = Interval(logical_date=DAY, start=DAY, end=DAY + timedelta(days=1), due=DAY + timedelta(days=1))
CELLS = (
    "%%task make\nx = {}\ny = [x]\nz = 1",
    "%%task both\nprint(x, y, z)",
    "%%task one\nprint(y, z)",
    "%%task gone\nprint(x)",
)


class Bench:
    """A store with what `make` left in two tries, the first with other values."""

    def __init__(self, store: XComStore, folder: Path) -> None:
        self.store, self.folder = store, folder
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
        self.run = OpenRun(
            flow=flow_of(notebook, "small.ipynb"),
            notebook=notebook,
            interval=INTERVAL,
            label="2026-02-17",
            params={},
            cwd=folder,
        )
        self.key = RunKey(self.run.flow.dag.dag_id, run_id_of(DAY))
        for number in (1, 2):
            source = folder / f"in-{number}"
            source.mkdir()
            x: dict[str, int] = {"try": number}
            values = {"x": x, "y": [x], "z": number, together_key({"x", "y"}): {"x": x, "y": [x]}}
            xcoms = tuple(encode(key, value, folder=source, shared={}) for key, value in values.items())
            task = TaskKey(self.key, "make")
            entry = TryXComs(
                key=task, try_number=number, ds="2026-02-17", token=str(number), xcoms=xcoms, at=DAY
            )
            store.commit([entry])

    def request(self, task: str, *, state: TaskState = TaskState.SUCCESS, number: int = 2) -> TaskRequest:
        attempt = Attempt(
            run=self.run,
            key=TaskKey(self.key, task),
            try_number=1,
            token="t",
            folder=self.folder / task,
            producers={"make": (state, number)},
            exchange=None,
            previous_success=None,
        )
        return request_of(attempt, self.store, HandedOn(self.folder / "handed"))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with XComStore.open(tmp_path) as store:
        yield Bench(store, tmp_path)


def values_of(request: TaskRequest) -> dict[str, object]:
    return taken(request.inputs, lambda value: decode(value, namespace={}))


@pytest.mark.parametrize("number", [1, 2])
def test_names_that_share_an_object_come_together(bench: Bench, number: int) -> None:
    request = bench.request("both", number=number)
    assert {name: value.key for name, value in request.inputs.items()} == {
        "x": together_key({"x", "y"}),
        "y": together_key({"x", "y"}),
        "z": "z",
    }
    values = values_of(request)
    assert values == {"x": {"try": number}, "y": [{"try": number}], "z": number}
    assert values["y"][0] is values["x"]  # type: ignore[index]


def test_one_of_them_comes_alone(bench: Bench) -> None:
    request = bench.request("one")
    assert {name: value.key for name, value in request.inputs.items()} == {"y": "y", "z": "z"}
    assert values_of(request) == {"y": [{"try": 2}], "z": 2}


def test_a_producer_that_was_skipped_gives_nothing_and_that_is_said(bench: Bench) -> None:
    request = bench.request("gone", state=TaskState.SKIPPED)
    assert request.inputs == {}
    assert request.missing == {"x": "task 'make' was skipped"}


def test_the_value_of_several_names_is_not_listed(bench: Bench) -> None:
    dag = bench.key.dag_id
    assert {value.key for value in bench.store.list_values(dag)} == {"x", "y", "z"}
    hidden = {value.key for value in bench.store.list_values(dag, hidden=True)}
    assert hidden == {"x", "y", "z", together_key({"x", "y"})}
