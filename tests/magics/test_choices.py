"""Which cells don't run by hand, by what branches and short circuits have chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import nbformat
import pytest

from nbflow.magics.choices import Choices
from nbflow.model.task import TaskKind
from nbflow.parse.flow import flow_of

if TYPE_CHECKING:
    from nbflow.model.flow import Flow

CELLS = [
    "%%task.branch choose\n'slow'",
    "%%task fast --after choose\nmodel = 1",
    "%%task faster --after fast\n1",
    "%%task slow --after choose\nmodel = 2",
    "%%task report --after fast,slow --trigger-rule none_failed_min_one_success\n1",
    "%%task strict --after fast,slow\n1",
    "%%task.short_circuit gate --after none\n0",
    "%%task first --after gate\n1",
    "%%task last --after first --trigger-rule all_done\n1",
    "%%task alarm --after none --trigger-rule one_failed\n1",
]


@pytest.fixture(scope="module")
def flow() -> Flow:
    cells = [nbformat.v4.new_code_cell(cell, id=f"cell-{n}") for n, cell in enumerate(CELLS)]
    return flow_of(nbformat.v4.new_notebook(cells=cells), "choices.ipynb")


def left_out(choices: Choices, flow: Flow) -> set[str]:
    return {task for task in flow.tasks if choices.why_not(task, after=(), flow=flow) is not None}


def test_nothing_is_left_out_before_anything_has_chosen(flow: Flow) -> None:
    assert left_out(Choices(), flow) == set()


def test_a_branch_leaves_out_the_other_arm_as_far_as_rules_say(flow: Flow) -> None:
    choices = Choices()
    choices.take(TaskKind.BRANCH, "choose", ("slow",), respect_trigger_rules=False)
    assert left_out(choices, flow) == {"fast", "faster", "strict"}
    assert choices.why_not("fast", after=(), flow=flow) == (
        "branch `choose` chose `slow`. To change that run `choose` again, or choose a date with %dag --date."
    )
    assert (choices.why_not("faster", after=(), flow=flow) or "").startswith(
        "`fast` above it did not run: branch"
    )


def test_the_branch_may_choose_anew_or_not_at_all(flow: Flow) -> None:
    choices = Choices()
    choices.take(TaskKind.BRANCH, "choose", ("slow",), respect_trigger_rules=False)
    choices.take(TaskKind.BRANCH, "choose", (), respect_trigger_rules=False)
    assert left_out(choices, flow) == {"fast", "faster", "slow", "report", "strict"}
    assert "chose none of the tasks below it" in (choices.why_not("slow", after=(), flow=flow) or "")
    choices.pass_over("choose")
    assert left_out(choices, flow) == set()


@pytest.mark.parametrize(("respect", "skipped"), [(False, {"first", "last"}), (True, {"first"})])
def test_a_false_short_circuit_leaves_out_everything_below_unless_rules_are_respected(
    flow: Flow, respect: bool, skipped: set[str]
) -> None:
    choices = Choices()
    choices.take(TaskKind.SHORT_CIRCUIT, "gate", (), respect_trigger_rules=respect)
    assert left_out(choices, flow) == skipped
    assert "the value of short circuit `gate` was false" in (
        choices.why_not("first", after=(), flow=flow) or ""
    )
    choices.take(TaskKind.SHORT_CIRCUIT, "gate", ("first",), respect_trigger_rules=respect)
    assert left_out(choices, flow) == set()


def test_another_date_forgets_all_choices(flow: Flow) -> None:
    choices = Choices()
    choices.take(TaskKind.BRANCH, "choose", (), respect_trigger_rules=False)
    choices.forget()
    assert left_out(choices, flow) == set()


def test_without_a_saved_notebook_the_cells_own_line_counts() -> None:
    choices = Choices()
    choices.take(TaskKind.BRANCH, "choose", ("slow",), respect_trigger_rules=False)
    assert choices.why_not("fast", after=("choose",), flow=None) is not None
    assert choices.why_not("slow", after=("choose",), flow=None) is None
    assert choices.why_not("other", after=(), flow=None) is None
