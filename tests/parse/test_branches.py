"""Branches, short circuits and what may be skipped below them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from nbformat import v4

from nbflow.errors import FlowError
from nbflow.model.problem import Problem, Severity
from nbflow.model.task import TriggerRule
from nbflow.parse.flow import flow_of

if TYPE_CHECKING:
    from nbflow.model.flow import Flow


def flow(*cells: str) -> Flow:
    return flow_of(v4.new_notebook(cells=[v4.new_code_cell(source) for source in cells]), "n.ipynb")


def warnings(*cells: str) -> list[Problem]:
    try:
        found = flow(*cells).problems
    except FlowError as error:
        found = error.problems
    return [problem for problem in found if problem.severity is not Severity.HINT]


CHOOSE = "%%task.branch choose\n'fast' if True else 'slow'"
FAST, SLOW = "%%task fast --after choose\nmodel = 1", "%%task slow --after choose\nmodel = 2"
LENIENT = "--trigger-rule none_failed_min_one_success"


def test_definitions_in_both_arms_give_edges_to_the_join() -> None:
    found = flow(CHOOSE, FAST, SLOW, f"%%task report {LENIENT}\nmodel")
    assert [(edge.upstream, edge.downstream) for edge in found.edges] == [
        ("choose", "fast"),
        ("choose", "slow"),
        ("fast", "report"),
        ("slow", "report"),
    ]
    assert found.producers["report"] == {"model": ("slow", "fast")}
    assert found.problems == ()


@dataclass(frozen=True, slots=True)
class Reach:
    """Where `x` of the last task may come from, nearest first, and whether it may come from nowhere."""

    name: str
    cells: tuple[str, ...]
    producers: tuple[str, ...]
    optional: bool = False


REACH = [
    Reach(
        "one arm defines it anew: the one above the branch counts where the other is chosen",
        (
            "%%task a\nx = 0",
            CHOOSE,
            "%%task fast --after choose\nx = 1",
            "%%task slow --after choose\n1",
            "%%task z\nx",
        ),
        ("fast", "a"),
    ),
    Reach(
        "a chain in an arm",
        (CHOOSE, "%%task fast --after choose\nx = 1", "%%task more\nx = x + 1", SLOW, "%%task z\nx"),
        ("more", "fast"),
        optional=True,
    ),
    Reach(
        "each arm defines it, but which is chosen nobody knows",
        (CHOOSE, FAST.replace("model", "x"), SLOW.replace("model", "x"), "%%task z\nx"),
        ("slow", "fast"),
        optional=True,
    ),
    Reach(
        "nested branches",
        (
            "%%task a\nx = 0",
            CHOOSE,
            "%%task.branch fast --after choose\n'f1'",
            "%%task f1 --after fast\nx = 1",
            "%%task f2 --after fast\nx = 2",
            SLOW,
            "%%task z\nx",
        ),
        ("f2", "f1", "a"),
    ),
    Reach(
        "below a short circuit",
        ("%%task a\nx = 0", "%%task.short_circuit go\nTrue", "%%task b --after go\nx = 1", "%%task z\nx"),
        ("b", "a"),
    ),
    Reach(
        "a task that is skipped but in the latest run",
        ("%%task a\nx = 0", "%%task b --latest-only\nx = 1", "%%task z\nx"),
        ("b", "a"),
    ),
    Reach(
        "a sensor that may give up",
        ("%%task a\nx = 0", "%%task.sensor s --soft-fail\nx = 1", "%%task z\nx"),
        ("s", "a"),
    ),
    Reach(
        "a rule that skips when all goes well",
        ("%%task a\nx = 0", "%%task b --after a --trigger-rule one_failed\nx = 1", "%%task z\nx"),
        ("b", "a"),
    ),
    Reach(
        "a sensor that fails when it gives up is certain",
        ("%%task a\nx = 0", "%%task.sensor s\nx = 1", "%%task z\nx"),
        ("s",),
    ),
    Reach(
        "what a branch defines itself is certain",
        ("%%task a\nx = 0", "%%task.branch b\nx = 1\n'z'", "%%task z\nx"),
        ("b",),
    ),
]


@pytest.mark.parametrize("case", REACH, ids=lambda case: case.name)
def test_a_use_reaches_every_definition_up_to_one_that_cannot_be_skipped(case: Reach) -> None:
    found = flow(*case.cells)
    assert found.producers["z"]["x"] == case.producers
    assert ("x" in found.optional["z"]) == case.optional


@dataclass(frozen=True, slots=True)
class Warned:
    name: str
    cells: tuple[str, ...]
    code: str
    cell: int
    says: str


WARNED = [
    Warned("a branch with nothing below", (CHOOSE,), "no-arms", 1, "Give them --after choose"),
    Warned(
        "a short circuit with nothing below",
        ("%%task.short_circuit go\n1",),
        "no-arms",
        1,
        "`go` skips the tasks",
    ),
    Warned(
        "an arm that isn't directly below",
        (CHOOSE, "%%task fast\n1", "%%task slow\n1"),
        "no-arm",
        1,
        "names `slow`, which doesn't stand directly below it, and only such tasks can be chosen (fast)",
    ),
    Warned("a join by data", (CHOOSE, FAST, SLOW, "%%task z\nmodel"), "join-skipped", 4, LENIENT),
    Warned(
        "a join of longer arms",
        (CHOOSE, FAST, "%%task more --after fast\nm = 1", SLOW, "%%task z --after more,slow\n1"),
        "join-skipped",
        5,
        "follows the arms fast, slow of branch `choose`",
    ),
    Warned(
        "a join that must have no skip",
        (CHOOSE, FAST, SLOW, "%%task z --trigger-rule none_skipped\nmodel"),
        "join-skipped",
        4,
        LENIENT,
    ),
    Warned(
        "an arm below another arm",
        (CHOOSE, "%%task fast --after choose\n1", "%%task slow --after choose,fast\n1"),
        "join-skipped",
        3,
        "`slow` is an arm of branch `choose` and follows its arm fast",
    ),
]


@pytest.mark.parametrize("case", WARNED, ids=lambda case: case.name)
def test_is_warned_of(case: Warned) -> None:
    (problem,) = warnings(*case.cells)
    assert (problem.code, problem.cell, problem.severity) == (case.code, case.cell, Severity.WARNING)
    assert case.says in problem.message


FINE = {
    "a join that lets skips pass": (CHOOSE, FAST, SLOW, f"%%task z {LENIENT}\nmodel"),
    "what follows such a join": (CHOOSE, FAST, SLOW, f"%%task z {LENIENT}\nr = model", "%%task end\nr"),
    "an arm that ends by itself": (CHOOSE, FAST, SLOW, "%%task end --after fast\n1"),
    "a teardown": (
        "%%task.setup up\n1",
        CHOOSE,
        FAST,
        SLOW,
        "%%task.teardown down\n1",
    ),
    "words that happen to be ids": (
        "%%task.branch choose\nd = {}\nprint('report')\nd['report']",
        "%%task fast --after choose\nx = 1",
        "%%task report --after fast\n1",
    ),
}


@pytest.mark.parametrize("name", FINE)
def test_is_fine(name: str) -> None:
    assert [str(problem) for problem in warnings(*FINE[name])] == []


@pytest.mark.parametrize("rule", TriggerRule)
def test_a_join_is_warned_of_when_its_rule_skips_it_whichever_arm_is_chosen(rule: TriggerRule) -> None:
    skips = {TriggerRule.ALL_SUCCESS, TriggerRule.NONE_SKIPPED, TriggerRule.ALL_FAILED}
    found = warnings(CHOOSE, FAST, SLOW, f"%%task z --after fast,slow --trigger-rule {rule}\n1")
    assert [problem.code for problem in found] == (["join-skipped"] if rule in skips else [])


def test_only_the_first_of_a_chain_of_joins_is_named() -> None:
    found = warnings(CHOOSE, FAST, SLOW, "%%task z\nr = model", "%%task end\nr", "%%task last\nr")
    assert [(problem.code, problem.task) for problem in found] == [("join-skipped", "z")]


def test_the_place_below_a_branch_a_sensor_or_a_setup_is_the_point_and_gets_no_hint() -> None:
    for head in (
        "%%task.branch a\n'b'",
        "%%task.sensor a\nTrue",
        "%%task.setup a\n1",
        "%%task.short_circuit a\n1",
    ):
        assert flow(head, "%%task b\n1").problems == ()


@pytest.mark.parametrize("kind", ["sensor", "branch", "short_circuit", "setup"])
def test_an_unmarked_cell_continues_a_task_of_any_kind(kind: str) -> None:
    found = flow(f"%%task.{kind} a\nx = 1", "x + 1", "%%task b --after a\n1")
    assert [cell.task_id for cell in found.cells] == ["a", "a", "b"]
