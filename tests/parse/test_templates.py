"""Templates in cells of other languages, and what tasks pull from one another by id."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from nbformat import v4

from nbflow.errors import FlowError
from nbflow.execute.macros import FILTERS
from nbflow.model.flow import EdgeKind, Flow
from nbflow.model.problem import Problem, Severity
from nbflow.parse.flow import flow_of
from nbflow.parse.templates import TEMPLATE_FILTERS, expressions


def flow(*cells: str) -> Flow:
    return flow_of(v4.new_notebook(cells=[v4.new_code_cell(source) for source in cells]), "n.ipynb")


def problems(*cells: str) -> list[Problem]:
    try:
        found = flow(*cells).problems
    except FlowError as error:
        found = error.problems
    return [problem for problem in found if problem.code != "position"]


A = "%%task a\nx = 1\nx"
PULLS = {
    "a literal id": ("%%task b --after none\nti.xcom_pull('a')", True),
    "by keyword": ("%%task b --after none\nti.xcom_pull(task_ids='a', key='k')", True),
    "one of several": ("%%task b --after none\nti.xcom_pull(['a', 'c'])", True),
    "in a function it calls": ("%%task b --after none\nget()", True),
    "of this DAG by name": ("%%task b --after none\nti.xcom_pull('a', dag_id='n')", True),
    "in a template": ("%%task b --after none\n%%bash\necho {{ ti.xcom_pull('a') }}", True),
    "in a template by keyword": (
        '%%task b --after none\n%%sql\nSELECT {{ ti.xcom_pull(task_ids="a") | int }}',
        True,
    ),
    "an id that is computed": ("%%task b --after none\nti.xcom_pull('a'.lower())", False),
    "of another DAG": ("%%task b --after none\nti.xcom_pull('a', dag_id='other')", False),
    "of another run": ("%%task b --after none\nti.xcom_pull('a', run_id='r')", False),
    "of itself": ("%%task b --after none\nti.xcom_pull()", False),
    "in text outside of a template": ("%%task b --after none\n%%bash\necho xcom_pull('a')", False),
    "in a template that is not rendered": (
        "%%task b --after none --no-template\n%%bash\necho {{ ti.xcom_pull('a') }}",
        False,
    ),
    "in a Python cell's text": ("%%task b --after none\nprint(\"{{ ti.xcom_pull('a') }}\")", False),
}


@pytest.mark.parametrize("name", PULLS)
def test_a_task_follows_those_it_pulls_from_by_id(name: str) -> None:
    source, follows = PULLS[name]
    shared = "def get():\n    return ti.xcom_pull('a')"
    edges = flow(shared, A, "%%task c\nx", source).edges
    found = [edge for edge in edges if edge.upstream == "a" and edge.downstream == "b"]
    assert [edge.kind for edge in found] == ([EdgeKind.DECLARED] if follows else [])
    assert all(edge.reason.startswith("`b` pulls an XCom of `a` in cell 4") for edge in found)


def test_the_edge_says_where_it_pulls() -> None:
    (edge,) = flow(A, "%%task b\n%%bash\n\necho {{ ti.xcom_pull('a') }}").edges
    assert edge.reason == "`b` pulls an XCom of `a` in cell 2, line 4"


def test_a_pull_from_what_follows_is_a_cycle() -> None:
    with pytest.raises(FlowError, match="these tasks wait for one another"):
        flow("%%task a\nti.xcom_pull('b')\nx = 1", "%%task b\nx")


def test_a_pull_from_no_task_is_warned_of() -> None:
    (problem,) = problems("%%task load\n1", "%%task b --after load\n\nti.xcom_pull('laod')")
    assert (problem.code, problem.severity) == ("unknown-pull", Severity.WARNING)
    assert (problem.cell, problem.line) == (2, 3)
    assert "`laod`, which is no task here. Did you mean load?" in problem.message


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    cells: tuple[str, ...]
    code: str
    line: int
    says: str
    severity: Severity = Severity.WARNING


WRONG = [
    Case(
        "a variable of the notebook",
        ("table = 't'", "%%task a\n%%sql\nSELECT *\nFROM {{ table }}"),
        "template-name",
        4,
        "reads `table`, which no template knows",
    ),
    Case(
        "a misspelt name",
        ("%%task a\n%%bash\necho {{ params }} {{ logical_dat }}",),
        "template-name",
        3,
        "Did you mean logical_date?",
    ),
    Case(
        "no template at all",
        ("%%task a\n%%bash\ndocker ps --format '{{.Names}}'",),
        "bad-template",
        3,
        "--no-template on the task's line",
        Severity.ERROR,
    ),
    Case(
        "an unknown filter",
        ("%%task a\n%%bash\necho\necho {{ ds | twice }}",),
        "bad-template",
        4,
        "No filter named 'twice'",
        Severity.ERROR,
    ),
    Case(
        "an open block",
        ("%%task a\n%%bash\n{% if ds %}\necho",),
        "bad-template",
        3,
        "can't be read",
        Severity.ERROR,
    ),
]


@pytest.mark.parametrize("case", WRONG, ids=lambda case: case.name)
def test_what_is_wrong_is_said_at_its_line(case: Case) -> None:
    (problem,) = problems(*case.cells)
    assert (problem.code, problem.severity, problem.line) == (case.code, case.severity, case.line), str(
        problem
    )
    assert case.says in problem.message


FINE = {
    "the names of a run": "%%task a\n%%bash\necho {{ ds }} {{ params.x }} {{ var.value.k }} {{ conn.db }} {{ macros.ds_add(ds, 1) }}",
    "filters": "%%task a\n%%bash\necho {{ ds | upper }} {{ logical_date | ds_nodash }}",
    "a loop and its names": "%%task a\n%%bash\n{% for i in range(3) %}{% set j = i %}{{ i }}{{ j }}{% endfor %}",
    "the shell's own": "%%task a\n%%bash\necho ${#array[@]} ${x%.*} ${x%%.*} {a,b}",
    "not rendered": "%%task a --no-template\n%%bash\ndocker ps --format '{{.Names}}'",
    "another language": "%%task a\n%%perl\nmy %h = ({{ }});",
    "raw": "%%task a\n%%bash\n{% raw %}{{.Names}}{% endraw %}",
    "the item of a mapped task": "%%task a --map 'p in [1]'\n%%bash\necho {{ p }}",
}


@pytest.mark.parametrize("name", FINE)
def test_is_fine(name: str) -> None:
    assert [str(problem) for problem in problems(FINE[name])] == []


def test_a_macro_of_the_dag_is_known() -> None:
    top = "%%dag\nuser_defined_macros = { twice = 'double' }"
    assert problems(top, "def double(x):\n    return 2 * x", "%%task a\n%%bash\necho {{ twice(2) }}") == []


def test_the_filters_that_are_known_are_those_that_are_there() -> None:
    assert set(TEMPLATE_FILTERS) == set(FILTERS)


def test_a_name_of_the_notebook_in_a_template_makes_no_edge() -> None:
    found = flow("%%task a\nx = 1", "%%task b\ny = 2", "%%task c\n%%bash\necho {{ x }}")
    assert [(edge.upstream, edge.downstream, edge.kind) for edge in found.edges] == [
        ("a", "b", EdgeKind.POSITION),
        ("b", "c", EdgeKind.POSITION),
    ]


def test_where_templates_are_left_alone_the_magic_may_read_the_notebooks_names() -> None:
    found = flow("%%task a\nt = 'x'", "%%task b --no-template\n%%sql\nSELECT * FROM {{ t }}")
    assert [edge.names for edge in found.edges] == [{"t"}]


def test_expressions_come_with_the_line_of_their_cell() -> None:
    body = "\n%%sql db\nSELECT {{ a }},\n  {{ b\n}} {% if c %}"
    assert [(text.strip(), line) for text, line in expressions(body)] == [("a", 3), ("b", 4), ("if c", 5)]


def test_rendering_or_not_changes_the_code_where_there_is_a_template() -> None:
    def hashed(line: str, body: str) -> str:
        return flow(f"%%task a {line}\n%%bash\n{body}").code_hashes["a"]

    assert hashed("", "echo {{ ds }}") != hashed("--no-template", "echo {{ ds }}")
    assert hashed("", "echo") == hashed("--no-template", "echo")
