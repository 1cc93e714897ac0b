"""Functions that options name: callbacks, filters and macros."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from nbformat import v4

from nbflow.errors import FlowError
from nbflow.model.cell import Role
from nbflow.parse.flow import flow_of

if TYPE_CHECKING:
    from nbflow.model.flow import Flow

NOTIFY = "def notify(context):\n    print(context)"


def flow(*cells: str) -> Flow:
    return flow_of(v4.new_notebook(cells=[v4.new_code_cell(source) for source in cells]), "n.ipynb")


NAMED = {
    "by a task": ("%%task a --on-failure-callback notify\n1", NOTIFY),
    "by a task below": ("%%task a\n1", NOTIFY, "%%task b --on-retry-callback notify\n1"),
    "by the DAG": ("%%dag\non_success_callback = 'notify'", "%%task a\n1", NOTIFY),
    "by a deadline": ("%%dag\ndeadline = '2h'\non_deadline_callback = 'notify'", "%%task a\n1", NOTIFY),
    "for all tasks": ("%%dag\ndefault_args = { on_skipped_callback = 'notify' }", "%%task a\n1", NOTIFY),
    "as a filter": ("%%dag\nuser_defined_filters = ['notify']", "%%task a\n1", NOTIFY),
    "as a macro": ("%%dag\nuser_defined_macros = { tell = 'notify' }", "%%task a\n1", NOTIFY),
    "on a line": ("%dag n --on-failure-callback notify", "%%task a\n1", NOTIFY),
}


@pytest.mark.parametrize("name", NAMED)
def test_a_cell_that_defines_one_is_shared_wherever_it_stands(name: str) -> None:
    found = flow(*NAMED[name])
    (cell,) = [cell for cell in found.cells if cell.source == NOTIFY]
    assert cell.role is Role.SHARED
    assert cell.reason == "defines `notify`, which an option names"
    assert found.problems == () or {problem.code for problem in found.problems} == {"position"}


def test_the_tasks_options_keep_the_names() -> None:
    found = flow(
        "%%dag\ndefault_args = { on_success_callback = 'notify' }",
        NOTIFY,
        "%%task a --on-failure-callback notify\n1",
    )
    spec = found.tasks["a"]
    assert (spec.on_success_callback, spec.on_failure_callback) == ("notify", "notify")
    assert (spec.on_retry_callback, spec.on_skipped_callback) == ("", "")


WRONG = {
    "nobody defines it": (
        (NOTIFY, "%%task a --on-failure-callback notfy\n1"),
        2,
        1,
        "--on-failure-callback names `notfy`, which no cell defines. Did you mean notify?",
    ),
    "a task defines it": (
        ("%%task a\ndef f():\n    pass", "%%task b --on-success-callback f\n1"),
        2,
        1,
        "names `f`, which only task `a` defines (cell 1)",
    ),
    "the DAG's": (
        ("%%dag\nowner = 'me'\non_failure_callback = 'tell'", "%%task a\n1"),
        1,
        3,
        "on_failure_callback in %%dag names `tell`, which no cell defines.",
    ),
    "a filter": (
        ("%%dag\nuser_defined_filters = ['f']", "%%task a\n1"),
        1,
        2,
        "user_defined_filters in %%dag names `f`",
    ),
    "for all tasks": (
        ("%%dag\n[default_args]\non_retry_callback = 'f'", "%%task a\n1"),
        1,
        3,
        "default_args.on_retry_callback in %%dag names `f`",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_an_unknown_one_is_an_error_where_it_is_named(name: str) -> None:
    cells, cell, line, says = WRONG[name]
    with pytest.raises(FlowError) as caught:
        flow(*cells)
    (problem,) = caught.value.problems
    assert (problem.code, problem.cell, problem.line) == ("unknown-function", cell, line)
    assert says in problem.message


def test_after_a_star_import_any_name_may_be_there() -> None:
    assert list(flow("from os import *", "%%task a --on-failure-callback f\n1").tasks) == ["a"]


def test_what_is_called_when_it_has_ended_does_not_change_its_code() -> None:
    plain = flow(NOTIFY, "%%task a\n1").code_hashes
    assert flow(NOTIFY, "%%task a --on-failure-callback notify\n1").code_hashes == plain


def test_a_filter_that_templates_may_use_is_part_of_the_code() -> None:
    def hashed(filter_body: str, body: str) -> str:
        top = "%%dag\nuser_defined_filters = ['twice']"
        return flow(top, f"def twice(x):\n    return {filter_body}", f"%%task a\n{body}").code_hashes["a"]

    templated, plain = "%%bash\necho {{ ds | twice }}", "%%bash\necho"
    assert hashed("x + x", templated) != hashed("x * 2", templated)
    assert hashed("x + x", plain) == hashed("x * 2", plain)
