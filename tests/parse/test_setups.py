"""Setup and teardown tasks: who cleans up after whom, and what stands between."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat import v4

from nbflow.errors import FlowError
from nbflow.model.flow import EdgeKind, Flow
from nbflow.model.task import TaskKind
from nbflow.parse.flow import flow_of


def flow(*cells: str) -> Flow:
    return flow_of(v4.new_notebook(cells=[v4.new_code_cell(source) for source in cells]), "n.ipynb")


@dataclass(frozen=True, slots=True)
class Case:
    """Edges as `up>down`: `!` declared, `~` by position, else by a variable. Setups as `teardown=setups`."""

    name: str
    cells: tuple[str, ...]
    edges: str
    setups: str


UP, DOWN = "%%task.setup up\nc = 1", "%%task.teardown down\n1"
CASES = [
    Case("nothing between", (UP, DOWN), "up>down!", "down=up"),
    Case("one task between", (UP, "%%task w\nc", DOWN), "up>w up>down! w>down!", "down=up"),
    Case(
        "a chain: the teardown follows its last",
        (UP, "%%task v\nx = c", "%%task w\nx", DOWN),
        "up>v v>w up>down! w>down!",
        "down=up",
    ),
    Case(
        "two ends",
        (UP, "%%task v\nc", "%%task w\nc", DOWN),
        "up>v up>w up>down! v>down! w>down!",
        "down=up",
    ),
    Case(
        "a task between that nothing connects to the setup follows it",
        ("%%task load\nx = 1", UP, "%%task w\nx", DOWN),
        "load>up~ load>w up>w! up>down! w>down!",
        "down=up",
    ),
    Case("by position", (UP, "%%task v\n1", "%%task w\n1", DOWN), "up>v~ v>w~ up>down! w>down!", "down=up"),
    Case(
        "by data only",
        ("%%dag\norder = 'data'", UP, "%%task v\n1", "%%task w\n1", DOWN),
        "up>v! up>w! up>down! v>down! w>down!",
        "down=up",
    ),
    Case(
        "a task freed by --after none is outside",
        (UP, "%%task w\nc", "%%task free --after none\n1", DOWN),
        "up>w up>down! w>down!",
        "down=up",
    ),
    Case(
        "what reads a task between but stands below is not waited for",
        (UP, "%%task w\nx = c", DOWN, "%%task z\nx"),
        "up>w up>down! w>down! w>z",
        "down=up",
    ),
    Case(
        "a task below follows the teardown by position",
        (UP, DOWN, "%%task z\n1"),
        "up>down! down>z~",
        "down=up",
    ),
    Case(
        "nested pairs",
        (
            "%%task.setup a\n1",
            "%%task.setup b\n1",
            "%%task w\n1",
            "%%task.teardown y\n1",
            "%%task.teardown z\n1",
        ),
        "a>b~ b>w~ b>y! w>y! a>z! y>z!",
        "y=b z=a",
    ),
    Case(
        "a name leaves the nearest to the other",
        ("%%task.setup a\n1", "%%task.setup b\n1", "%%task.teardown y --setups b\n1", "%%task.teardown z\n1"),
        "a>b~ b>y! a>z! y>z!",
        "y=b z=a",
    ),
    Case(
        "none at all",
        ("%%task w\n1", "%%task.teardown z --setups none\n1"),
        "w>z~",
        "z=",
    ),
    Case(
        "a task between that is declared to follow the teardown",
        (UP, "%%task w --after down\n1", DOWN),
        "up>down! down>w!",
        "down=up",
    ),
    Case(
        "a task between that the setup follows",
        ("%%task.setup up --after w\n1", "%%task w --after none\n1", DOWN),
        "w>up! up>down!",
        "down=up",
    ),
]
MARKS = {EdgeKind.DECLARED: "!", EdgeKind.POSITION: "~", EdgeKind.VARIABLE: ""}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_edges(case: Case) -> None:
    found = flow(*case.cells)
    assert {f"{e.upstream}>{e.downstream}{MARKS[e.kind]}" for e in found.edges} == set(case.edges.split())
    setups = {
        f"{spec.task_id}={','.join(spec.setups)}"
        for spec in found.tasks.values()
        if spec.kind is TaskKind.TEARDOWN
    }
    assert setups == set(case.setups.split())


def test_one_teardown_may_clean_up_after_two_setups() -> None:
    found = flow(
        "%%task.setup a\n1",
        "%%task.setup b --after none\n1",
        "x = 1",
        "%%task w --after a\nx",
        "%%task.teardown z --setups a,b\n1",
    )
    assert found.tasks["z"].setups == ("a", "b")
    assert set(found.graph.upstream("w")) == {"a", "b"}
    assert set(found.graph.upstream("z")) == {"a", "b", "w"}


def test_edges_say_why() -> None:
    found = flow("%%task load\nx = 1", UP, "%%task w\nx", DOWN)
    reasons = {(edge.upstream, edge.downstream): edge.reason for edge in found.edges}
    assert reasons["up", "down"] == "`down` cleans up after `up`"
    assert reasons["w", "down"] == "`down` cleans up after `up`: it runs when `w` has finished"
    assert reasons["up", "w"] == "`w` stands between setup `up` and its teardown `down`"


WRONG = {
    "no setup": (
        ("%%task a\n1", DOWN),
        2,
        "there is no setup task above it that no other teardown has. Head",
    ),
    "a setup that another has": (
        (UP, DOWN, "%%task.teardown again\n1"),
        3,
        "no other teardown has (up each have one)",
    ),
    "an unknown one": (
        (UP, "%%task.teardown d --setups upp\n1"),
        2,
        "which is no task here. Did you mean up?",
    ),
    "no setup task": ((UP, "%%task w\n1", "%%task.teardown d --setups w\n1"), 3, "head it %%task.setup w"),
    "one below": (("%%task.teardown d --setups up\n1", UP), 1, "stands below its teardown; move it up"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_at_the_teardown(name: str) -> None:
    cells, cell, says = WRONG[name]
    with pytest.raises(FlowError) as caught:
        flow(*cells)
    (problem,) = caught.value.problems
    assert (problem.code, problem.cell, problem.line) == ("bad-setups", cell, 1)
    assert says in problem.message


def test_a_teardown_is_skippable_only_with_its_setup() -> None:
    found = flow(
        "%%task first\nx = 0",
        "%%task.setup up\n1",
        "%%task.branch b\n'w'",
        "%%task w --after b\n1",
        "%%task.teardown down\nx = 1",
        "%%task z\nx",
    )
    assert found.producers["z"] == {"x": ("down",)}


@given(data=st.data())
@settings(max_examples=60)
def test_what_stands_between_runs_after_the_setup_and_before_the_teardown(data: st.DataObject) -> None:
    cells: list[str] = []
    defined: list[str] = []
    free = 0
    for number in range(data.draw(st.integers(2, 8))):
        kinds = ["", ".setup", *([".teardown"] if free else [])]
        kind = data.draw(st.sampled_from(kinds))
        free += {"": 0, ".setup": 1, ".teardown": -1}[kind]
        reads = data.draw(st.lists(st.sampled_from(defined), max_size=2)) if defined else []
        cells.append(f"%%task{kind} t{number}\nx{number} = {reads}".replace("'", ""))
        defined.append(f"x{number}")
    found = flow(*cells)
    names = list(found.tasks)
    for teardown, spec in found.tasks.items():
        for setup in spec.setups:
            assert setup in found.graph.upstream(teardown)
            for name in names[names.index(setup) + 1 : names.index(teardown)]:
                if found.tasks[name].kind is not TaskKind.TEARDOWN:
                    assert setup in found.graph.ancestors(name)
                    assert name in found.graph.ancestors(teardown)
