"""Which task instances are meant, and why each of them is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from service.conftest import CODE, day

from nbflow.errors import AddressError
from nbflow.model.run import Interval, RunKey, TaskKey
from nbflow.model.state import RunState, TaskState
from nbflow.model.xcom import Form, XComValue
from nbflow.service.choosing import Choice, chosen_to_clear, chosen_to_mark
from nbflow.service.lookup import Target
from nbflow.store.home import find_home
from nbflow.store.xcom import TryXComs, XComStore

if TYPE_CHECKING:
    from service.conftest import Written

    from nbflow.model.flow import Flow
    from nbflow.service.choosing import Chosen

# a → b, a → c, b → d; d in a group.
CELLS = (
    "%%task a\nx = 1",
    "%%task b\ny = x",
    "%%task c --after a\n3",
    "%%task d --group last.part\ny",
)
DONE = {"a": "S", "b": "S", "c": "S", "d": "S"}
BROKEN = {"a": "S", "b": "F", "c": "S", "d": "U"}


@dataclass(frozen=True)
class Case:
    name: str
    choice: Choice
    meant: dict[str, str]  # date of January → tasks
    states: dict[str, str] = field(default_factory=lambda: DONE)


CASES = [
    Case("no task: all of them", Choice(date="2026-01-02"), {"2": "abcd"}),
    Case("a task alone", Choice(date="2026-01-02", tasks=("b",)), {"2": "b"}),
    Case("with what is above", Choice(date="2026-01-02", tasks=("b",), upstream=True), {"2": "ab"}),
    Case("with what is below", Choice(date="2026-01-02", tasks=("b",), downstream=True), {"2": "bd"}),
    Case("what did not run because of it", Choice(date="2026-01-02", tasks=("b",)), {"2": "bd"}, BROKEN),
    Case("only what failed", Choice(date="2026-01-02", only_failed=True), {"2": "bd"}, BROKEN),
    Case("only what succeeded", Choice(date="2026-01-02", states=frozenset({TaskState.SUCCESS})), {"2": "ac"}, BROKEN),
    Case("only what runs: nothing", Choice(date="2026-01-02", only_running=True), {}),
    Case("a group", Choice(date="2026-01-02", groups=("last",)), {"2": "d"}),
    Case("earlier runs too", Choice(date="2026-01-02", tasks=("c",), past=True), {"1": "c", "2": "c"}),
    Case("later runs too", Choice(date="2026-01-02", tasks=("c",), future=True), {"2": "c", "3": "c"}),
    Case("a stretch", Choice(start="2026-01-01", end="2026-01-02", tasks=("c",)), {"1": "c", "2": "c"}),
    Case("a stretch without end", Choice(start="2026-01-03", tasks=("c",)), {"3": "c"}),
    Case("the latest", Choice(date="latest", tasks=("c",)), {"3": "c"}),
    Case("nothing has changed", Choice(date="latest", stale=True), {}),
]  # fmt: skip


def target(written: Written, flow: Flow) -> Target:
    home = find_home(written.folder)
    return Target(home=home, dag_id="n", path=written.folder / "n.ipynb", timezone="UTC", flow=flow)


def shown(chosen: list[Chosen]) -> dict[str, str]:
    return {one.label[-1]: "".join(key.task_id for key in one.tasks) for one in chosen}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_cleared(case: Case, written: Written) -> None:
    flow = written.flow(*CELLS)
    ended = RunState.FAILED if "F" in case.states.values() else RunState.SUCCESS
    for number in (1, 2, 3):
        written.run(flow, day(number), case.states, ended)
    chosen = chosen_to_clear(written.state, target(written, flow), case.choice)
    assert shown(chosen) == case.meant
    assert all(reason for one in chosen for reason in one.tasks.values()), "each with its reason"


def test_what_has_changed_is_stale_with_what_stands_on_it(written: Written) -> None:
    run = written.run(written.flow(*CELLS), day(1), DONE, RunState.SUCCESS)
    commit(written, run, day(1), "a", "x")
    flow = written.flow(CELLS[0], "%%task b\ny = x + 1", *CELLS[2:])
    chosen = chosen_to_clear(written.state, target(written, flow), Choice(date="latest", stale=True))
    assert shown(chosen) == {"1": "bd"}


def test_what_has_changed_above_runs_first_unless_it_is_to_be_kept(written: Written) -> None:
    run = written.run(written.flow(*CELLS), day(1), BROKEN, RunState.FAILED)
    commit(written, run, day(1), "a", "x")
    flow = written.flow("%%task a\nx = 2", *CELLS[1:])
    there = target(written, flow)
    chosen = chosen_to_clear(written.state, there, Choice(date="latest", tasks=("d",)))
    assert shown(chosen) == {"1": "abd"}
    assert chosen[0].tasks[TaskKey(run, "a")] == (
        "its code, or code it stands on, has changed, and `d` below it runs again"
    )
    kept = chosen_to_clear(written.state, there, Choice(date="latest", tasks=("d",), keep_stale=True))
    assert shown(kept) == {"1": "d"}


def commit(written: Written, run: RunKey, interval: Interval, task_id: str, *names: str) -> None:
    """The values that a task's first try handed on."""
    values = tuple(XComValue(key=name, form=Form.JSON, kind="int", text="1", size=1) for name in names)
    key, token = TaskKey(run, task_id), f"{run.run_id} {task_id}"
    with XComStore.open(written.folder / ".nbflow") as xcoms:
        xcoms.commit(
            [TryXComs(key=key, try_number=1, token=token, ds="2026-01-01", xcoms=values, at=interval.end)]
        )


def test_a_producer_runs_too_when_the_code_now_needs_what_its_try_did_not_keep(written: Written) -> None:
    run = written.run(written.flow(*CODE), day(1), {"a": "S", "b": "F", "c": "S"}, RunState.FAILED)
    commit(written, run, day(1), "a", "x")
    flow = written.flow("%%task a\nx = 1\nz = 2", "%%task b\ny = x + z", CODE[2])
    chosen = chosen_to_clear(
        written.state, target(written, flow), Choice(date="latest", tasks=("b",), keep_stale=True)
    )
    assert shown(chosen) == {"1": "ab"}
    assert chosen[0].tasks[TaskKey(run, "a")] == "`b` needs `z` now, which its latest try did not hand on"


def test_a_producer_that_kept_what_is_needed_stays(written: Written) -> None:
    run = written.run(written.flow(*CODE), day(1), {"a": "S", "b": "F", "c": "S"}, RunState.FAILED)
    commit(written, run, day(1), "a", "x")
    flow = written.flow(CODE[0], "%%task b\ny = x * 2", CODE[2])
    chosen = chosen_to_clear(written.state, target(written, flow), Choice(date="latest", tasks=("b",)))
    assert shown(chosen) == {"1": "b"}


def test_what_is_to_be_marked_is_what_is_not_so_yet_also_where_nothing_has_begun(written: Written) -> None:
    flow = written.flow(*CELLS)
    written.run(flow, day(1), {"a": "S", "b": "F", "c": ".", "d": "U"}, RunState.FAILED)
    there = target(written, flow)
    assert shown(chosen_to_mark(written.state, there, Choice(date="latest"), TaskState.SUCCESS)) == {
        "1": "bcd"
    }
    failed = chosen_to_mark(written.state, there, Choice(date="latest", tasks=("b",)), TaskState.FAILED)
    assert failed == [], "it has failed already"


def test_marking_a_task_leaves_its_setup_and_teardown_and_clearing_takes_them_with_it(
    written: Written,
) -> None:
    flow = written.flow("%%task.setup up\n1", "%%task work\n2", "%%task.teardown down\n3")
    written.run(flow, day(1), {"up": "S", "work": "F", "down": "S"}, RunState.FAILED)
    there, choice = target(written, flow), Choice(date="latest", tasks=("work",))
    assert shown(chosen_to_mark(written.state, there, choice, TaskState.SUCCESS)) == {"1": "work"}
    assert shown(chosen_to_clear(written.state, there, choice)) == {"1": "upworkdown"}


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (Choice(), "name a DATE"),
        (Choice(date="2026-02-01"), "no run '2026-02-01'"),
        (Choice(start="2026-02-01", end="2026-02-03"), "no run from 2026-02-01 to 2026-02-03"),
        (Choice(date="latest", tasks=("bb",)), "no task 'bb'"),
        (Choice(date="latest", groups=("lost",)), r"no task group 'lost'\. Its groups: last\.part"),
    ],
    ids=["nothing", "no run", "no stretch", "no task", "no group"],
)
def test_what_is_not_there_is_named(written: Written, choice: Choice, message: str) -> None:
    flow = written.flow(*CELLS)
    written.run(flow, day(1), DONE, RunState.SUCCESS)
    with pytest.raises(AddressError, match=message):
        chosen_to_clear(written.state, target(written, flow), choice)
