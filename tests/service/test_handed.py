"""Values of this session's tries, and what a launch makes of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import nbformat
import pandas as pd
import pytest

from nbflow.codec import decode, encode
from nbflow.execute.handover import taken
from nbflow.model.run import Interval, RunKey, TaskKey, run_id_of
from nbflow.model.state import TaskState
from nbflow.model.work import INPUTS_FOLDER
from nbflow.model.xcom import Form, XComValue, together_key
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
CELLS = ("%%task make\nx = 1\ny = 2", "%%task take\nprint(x, y)")
KEY = RunKey("small", run_id_of(DAY))
MAKE, TAKE = TaskKey(KEY, "make"), TaskKey(KEY, "take")


@dataclass
class Bench:
    """A home whose task `make` has handed on values: in the store, and in memory."""

    folder: Path
    store: XComStore
    handed: HandedOn

    def make(self, values: dict[str, object], number: int = 1) -> tuple[XComValue, ...]:
        """Store what a try of `make` hands on, as the courier does; its files as they were."""
        staging = self.folder / f"staging-{number}"
        staging.mkdir()
        xcoms = tuple(encode(key, value, folder=staging, shared={}) for key, value in values.items())
        self.commit(xcoms, number)
        return xcoms

    def commit(self, xcoms: tuple[XComValue, ...], number: int = 1) -> None:
        token = f"token-{number}"
        self.store.commit(
            [TryXComs(key=MAKE, try_number=number, ds="2026-02-17", token=token, xcoms=xcoms, at=DAY)]
        )
        self.handed.keep(MAKE, number, token, xcoms)

    def request(self, *, handed: HandedOn | None = None, store: XComStore | None = None) -> TaskRequest:
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
        run = OpenRun(
            flow=flow_of(notebook, "small.ipynb"),
            notebook=notebook,
            interval=INTERVAL,
            label="2026-02-17",
            params={},
            cwd=self.folder,
        )
        attempt = Attempt(
            run=run,
            key=TAKE,
            try_number=1,
            token="t",
            folder=self.folder / "tries" / "take",
            producers={"make": (TaskState.SUCCESS, 1)},
            exchange=None,
            previous_success=None,
        )
        return request_of(attempt, store or self.store, handed or self.handed)

    def files(self) -> list[str]:
        """What lies in the folder of values handed on."""
        return sorted(path.name for path in (self.folder / "handed").rglob("*") if path.is_file())


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with XComStore.open(tmp_path) as store:
        yield Bench(tmp_path, store, HandedOn(tmp_path / "handed"))


@dataclass(frozen=True)
class Handed:
    name: str
    values: dict[str, object]


SHARED: list[object] = []
CASES = [
    Handed("numbers", {"x": 1, "y": 2.5}),
    Handed("a-long-text", {"x": "추" * 100_000, "y": 1}),
    Handed("frames", {"x": pd.DataFrame({"a": [1, 2]}), "y": pd.DataFrame({"b": ["x", None]}, index=[3, 4])}),
    Handed("pickles", {"x": {1, 2}, "y": frozenset({3})}),
    Handed("one-of-two", {"y": [1, 2]}),
    Handed("nothing", {}),
    Handed(
        "a-shared-object",
        {"x": SHARED, "y": [SHARED], together_key({"x", "y"}): {"x": SHARED, "y": [SHARED]}},
    ),
]


def described(request: TaskRequest) -> dict[str, object]:
    """A request without what differs by chance: names of files, and how Arrow lays out the same rows."""
    return {
        "inputs": {name: replace(value, path=None, size=0) for name, value in request.inputs.items()},
        "in": {value.path.parent for value in request.inputs.values() if value.path is not None},
        "missing": request.missing,
        "values": taken(request.inputs, lambda value: decode(value, namespace={})),
    }


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    return value.to_dict() if isinstance(value, pd.DataFrame) else value


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_launch_from_memory_is_the_launch_after_a_restart(bench: Bench, case: Handed) -> None:
    bench.make(case.values)
    here = plain(described(bench.request()))
    after = plain(described(bench.request(handed=HandedOn(bench.folder / "new session"))))
    assert here == after
    assert set(here["values"]) == case.values.keys() & {"x", "y"}


def test_a_launch_from_memory_asks_no_store(bench: Bench) -> None:
    bench.make({"x": {1}, "y": pd.DataFrame({"a": [1]})})
    with XComStore.open(bench.folder / "tries", read_only=True) as empty:
        assert described(bench.request(store=empty))["missing"] == {}


def test_one_try_s_values_are_not_another_s(bench: Bench) -> None:
    bench.make({"x": 1, "y": 1})
    bench.make({"x": 2}, number=2)
    assert bench.handed.keys(MAKE, 1) is None
    assert bench.handed.keys(MAKE, 2) == {"x"}
    assert described(bench.request())["values"] == {"x": 1, "y": 1}  # of try 1, out of the store


def test_files_are_taken_over_and_stay_until_the_run_is_over(bench: Bench) -> None:
    xcoms = bench.make({"x": {1}, "y": {2}})
    first = bench.request()
    assert [value.path.exists() for value in xcoms if value.path] == [False, False]
    assert len(bench.files()) == 2
    bench.handed.forget(KEY)
    assert bench.files() == []
    assert described(first)["values"] == {"x": {1}, "y": {2}}  # what has been launched keeps its inputs
    assert described(bench.request())["values"] == {"x": {1}, "y": {2}}


def test_a_new_try_takes_the_place_of_the_old_one_s_files(bench: Bench) -> None:
    bench.make({"x": {1}})
    bench.make({"x": {2}}, number=2)
    assert len(bench.files()) == 1


def test_what_nobody_wants_is_left_where_it_is(bench: Bench) -> None:
    path = bench.folder / "0-return_value.pickle"
    path.write_bytes(b"1")
    bench.commit(
        (XComValue(key="return_value", form=Form.PICKLE, kind="set", path=path, size=1, wanted=False),)
    )
    assert path.exists()
    assert bench.files() == []


def test_what_a_session_that_died_left_is_removed(bench: Bench) -> None:
    bench.make({"x": {1}})
    HandedOn(bench.folder / "handed")
    assert bench.files() == []


def test_a_file_that_is_gone_is_asked_of_the_store(bench: Bench) -> None:
    bench.make({"x": {1}, "y": {2}})
    for path in (bench.folder / "handed").rglob("*.pickle"):
        path.unlink()
    request = bench.request()
    assert described(request)["values"] == {"x": {1}, "y": {2}}
    assert len(list((request.folder / INPUTS_FOLDER).iterdir())) == 2
