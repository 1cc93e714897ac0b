"""One address everywhere: DAG or notebook, then a run, then a task and a try."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from service.conftest import CODE, day

from nbflow.errors import AddressError, DateError
from nbflow.model.run import TaskKey
from nbflow.model.state import RunState
from nbflow.service.lookup import find_run, find_target, find_task, find_try, label_of

if TYPE_CHECKING:
    from service.conftest import Written

SEOUL = '%%dag n\ntimezone = "Asia/Seoul"'


@dataclass(frozen=True)
class Case:
    name: str
    text: str
    label: str


CASES = [
    Case("latest", "latest", "2026-01-03T09:00~big"),
    Case("a label", "2026-01-02T09:00", "2026-01-02T09:00"),
    Case("a date", "2026-01-02", "2026-01-02T09:00"),
    Case("a variant by its label", "2026-01-03T09:00~big", "2026-01-03T09:00~big"),
    Case("a variant by its date", "2026-01-03~big", "2026-01-03T09:00~big"),
    Case("a run id", "2026-01-01T00:00:00Z", "2026-01-01T09:00"),
    Case("a time with an offset", "2026-01-01T00:00+00:00", "2026-01-01T09:00"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_run_is_found_by(case: Case, written: Written) -> None:
    flow = written.flow(SEOUL, *CODE)
    for number, variant in ((1, ""), (2, ""), (3, "big")):
        written.run(flow, day(number), {"a": "S"}, RunState.SUCCESS, variant=variant)
    target = find_target(str(written.folder / "n.ipynb"))
    assert label_of(find_run(written.state, target, case.text), target.timezone) == case.label


def test_what_is_not_there_is_refused_with_what_is(written: Written) -> None:
    flow = written.flow(*CODE)
    target = find_target(str(written.folder / "n.ipynb"))
    with pytest.raises(AddressError, match=r"n has not run yet: nbflow run n\.ipynb"):
        find_run(written.state, target, "latest")
    written.run(flow, day(1), {"a": "S", "b": ".", "c": "U"}, RunState.FAILED, reasons={"c": "a failed"})
    run = find_run(written.state, target, "latest")
    with pytest.raises(AddressError, match=r"n has no run '2026-01-02'\. Its latest runs: 2026-01-01"):
        find_run(written.state, target, "2026-01-02")
    with pytest.raises(DateError, match="'lately' is not a date"):
        find_run(written.state, target, "lately")
    with pytest.raises(AddressError, match=r"no task 'aa'; did you mean 'a'\? Its tasks: a, b, c"):
        find_task(target, run, "aa", ["a", "b", "c"])
    with pytest.raises(AddressError, match="n 2026-01-01 c has not run: a failed"):
        find_try(written.state, target, run, TaskKey(run.key, "c"), None)
    with pytest.raises(AddressError, match="n 2026-01-01 b has not run: nothing has been decided"):
        find_try(written.state, target, run, TaskKey(run.key, "b"), None)
    with pytest.raises(AddressError, match="a has no try 3; it has 1"):
        find_try(written.state, target, run, TaskKey(run.key, "a"), 3)
    with pytest.raises(AddressError, match=r"knows no DAG 'm'.*It knows: n"):
        find_target("m", folder=written.folder)


def test_a_mapped_instance_has_its_index_and_a_task_may_have_brackets(written: Written) -> None:
    run = written.state.run(written.run(written.flow(*CODE), day(1), {"a": "S"}, RunState.SUCCESS))
    assert run is not None
    target = find_target(str(written.folder / "n.ipynb"))
    assert find_task(target, run, "a[3]", ["a"]) == TaskKey(run.key, "a", 3)
    assert find_task(target, run, "a[3]", ["a", "a[3]"]) == TaskKey(run.key, "a[3]")


@pytest.mark.parametrize("now", ["missing", "broken", "of another name"])
def test_runs_can_be_looked_at_when_their_notebook_is(now: str, written: Written) -> None:
    flow = written.flow(*CODE)
    written.run(flow, day(1), {"a": "S"}, RunState.SUCCESS)
    path = written.folder / "n.ipynb"
    with written.state.writing():
        written.state.save_dag(
            "n", path=path, version="v2", timezone="UTC", notebook=path.read_text(), at=day(1).start
        )
    if now == "missing":
        path.unlink()
    elif now == "broken":
        path.write_text("{")
    else:
        written.flow("%%dag other", *CODE)
    target = find_target("n", folder=written.folder)
    assert tuple(target.flow.tasks) == ("a", "b", "c")
