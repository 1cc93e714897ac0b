"""Cells → roles, edges, what is handed on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import nbformat
import pytest
from nbformat import v4

from nbflow.errors import NotebookUnreadable
from nbflow.model.cell import Role
from nbflow.model.flow import EdgeKind
from nbflow.parse.flow import default_name, flow_of, read_flow

if TYPE_CHECKING:
    from pathlib import Path

    from nbflow.model.flow import Flow

ROLES = {"T": Role.TASK, "+": Role.CONTINUES, "S": Role.SHARED, "P": Role.PARAMETERS, "x": Role.SCRATCH}
ROLES |= {"D": Role.DAG, "I": Role.INSTALL, ".": Role.TEXT}


def flow(*cells: str) -> Flow:
    """The flow of code cells; one that begins with `#: tag` is tagged so, with `# ` a markdown cell."""
    nodes = []
    for source in cells:
        first, _, rest = source.partition("\n")
        if first.startswith("#: "):
            nodes.append(v4.new_code_cell(rest, metadata={"tags": first[3:].split()}))
        elif first.startswith(("# ", "## ")):
            nodes.append(v4.new_markdown_cell(source))
        else:
            nodes.append(v4.new_code_cell(source))
    return flow_of(v4.new_notebook(cells=nodes), "folder/daily report.ipynb")


@dataclass(frozen=True, slots=True)
class Case:
    """Roles as letters; edges as `up>down` with `names`, `!` for declared, `~` for position."""

    name: str
    cells: tuple[str, ...]
    roles: str
    edges: str = ""
    optional: str = ""


CASES = [
    Case("a variable", ("%%task a\nx = 1", "%%task b\nx"), "TT", "a>b:x"),
    Case(
        "the nearest definition", ("%%task a\nx = 1", "%%task b\nx = 2", "%%task c\nx"), "TTT", "a>b~ b>c:x"
    ),
    Case(
        "an uncertain one",
        ("%%task a\nx = 1", "%%task b\nif []:\n    x = 2", "%%task c\nx"),
        "TTT",
        "a>b~ a>c:x b>c:x",
    ),
    Case("a change", ("%%task a\nx = []", "%%task b\nx.append(1)", "%%task c\nx"), "TTT", "a>b:x b>c:x"),
    Case("a change of a shared object", ("x = []", "%%task a\nx.append(1)", "%%task b\nx"), "STT", "a>b:x"),
    Case("shared settings", ("k = 1", "%%task a\nk", "%%task b\nk"), "STT", "a>b~"),
    Case(
        "a shared function reads a variable",
        ("def f():\n    return x", "%%task a\nx = 1", "%%task b\nf()"),
        "STT",
        "a>b:x",
    ),
    Case(
        "a function made in a task",
        ("%%task a\nk = 1\ndef f():\n    return k", "%%task b\nk = 2", "%%task c\nf()"),
        "TTT",
        "a>b~ a>c:f b>c:k",
    ),
    Case("an unmarked cell that reads", ("%%task a\nx = 1", "x + 1", "%%task b\nx"), "T+T", "a>b:x"),
    Case("an unmarked cell that is used", ("%%task a\nx = 1", "k = 2", "%%task b\nx + k"), "TST", "a>b:x"),
    Case(
        "an unmarked cell that prints", ("%%task a\nx = 1", "print('hello')", "%%task b\nx"), "T+T", "a>b:x"
    ),
    Case(
        "a function between", ("%%task a\nx = 1", "def f():\n    return x", "%%task b\nf()"), "TST", "a>b:x"
    ),
    Case("an override between", ("%%task a\nx = 1", "x = 2", "%%task b\nx"), "TST", "a>b~"),
    Case(
        "a conditional override between",
        ("%%task a\nx = 1", "if 1:\n    x = 2", "%%task b\nx"),
        "T+T",
        "a>b:x",
    ),
    Case(
        "a change between", ("x = []", "%%task a\nx.append(1)", "x.append(2)", "%%task b\nx"), "ST+T", "a>b:x"
    ),
    Case("going on by hand", ("%%task a\nx = 1", "%%task +\ny = 2", "%%task b\ny"), "T+T", "a>b:y"),
    Case(
        "scratch",
        ("%%task a\nx = 1", "%%scratch\nx = 2", "#: scratch\nx = 3", "%%task b\nx"),
        "TxxT",
        "a>b:x",
    ),
    Case("installs", ("%pip install a", "%%task a\nx = 1", "!pip install b", "%%task b\nx"), "ITIT", "a>b:x"),
    Case("an import is no edge", ("%%task a\nimport math", "%%task b\nmath.pi"), "TT", "a>b~"),
    Case("after", ("%%task a\n1", "%%task b\n2", "%%task c --after a\n3"), "TTT", "a>b~ a>c!"),
    Case("after what stands below", ("%%task a --after b\n1", "%%task b\n2"), "TT", "b>a!"),
    Case("after none", ("%%task a\n1", "%%task b --after none\n2"), "TT", ""),
    Case("a variable outranks after", ("%%task a\nx = 1", "%%task b --after a\nx"), "TT", "a>b:x"),
    Case("order by data", ('%%dag\norder = "data"', "%%task a\n1", "%%task b\n2"), "DTT", ""),
    Case(
        "edges by hand",
        ('%%dag\nedges = ["a >> [b, c] >> d"]', *(f"%%task {t}\n1" for t in "abcd")),
        "DTTTT",
        "a>b! a>c! b>d! c>d!",
    ),
    Case(
        "uses and exports",
        ("%%task a --exports x\nexec('x = 1')", "%%task b --uses x\nglobals()"),
        "TT",
        "a>b:x",
    ),
    Case(
        "a deleted name", ("%%task a\nx = 1", "%%task b\ndel x\nx = 2", "%%task c\nx"), "TTT", "a>b:x b>c:x"
    ),
    Case(
        "arms of a branch",
        ("%%task.branch p\n'a'", "%%task a --after p\nx = 1", "%%task b --after p\nx = 2", "%%task c\nx"),
        "TTTT",
        "p>a! p>b! a>c:x b>c:x",
        "c:x",
    ),
    Case(
        "what stood before the arms",
        ("%%task s\nx = 0", "%%task.short_circuit p\nTrue", "%%task a --after p\nx = 1", "%%task c\nx"),
        "TTTT",
        "s>p~ p>a! s>c:x a>c:x",
    ),
    Case("a use on some paths", ("%%task a\nx = 1\ny = 1", "%%task b\nif y:\n    x"), "TT", "a>b:x,y", "b:x"),
    Case(
        "SQL that reads a frame",
        ("import duckdb", "%%task a\nraw = 1", "%%task b\nduckdb.sql('from raw')"),
        "STT",
        "a>b:raw",
        "b:raw",
    ),
    Case("a shell line", ("%%task a\npath = 'b'", "%%task b\n!ls {path}"), "TT", "a>b:path", "b:path"),
    Case("names in any script", ("%%task 추출\n값 = 1", "%%task 합계\n값"), "TT", "추출>합계:값"),
    Case("parameters", ("#: parameters\nn = 1", "%%task a\nn"), "PT", ""),
    Case("a line magic header", ("%task a\nx = 1", "%task b\nx"), "TT", "a>b:x"),
    Case("no mark", ("x = 1", "x"), "T+", ""),
    Case("a comment only", ("# note\n", "#nothing", "%%task a\n1"), "..T", ""),
]


def written(flow: Flow) -> set[str]:
    marks = {EdgeKind.DECLARED: "!", EdgeKind.POSITION: "~"}
    return {
        f"{edge.upstream}>{edge.downstream}" + (marks.get(edge.kind) or ":" + ",".join(sorted(edge.names)))
        for edge in flow.edges
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_roles_and_edges(case: Case) -> None:
    found = flow(*case.cells)
    assert [cell.role for cell in found.cells] == [ROLES[letter] for letter in case.roles]
    assert written(found) == set(case.edges.split())
    optional = {f"{task}:{','.join(sorted(names))}" for task, names in found.optional.items() if names}
    assert set(case.optional.split()) <= optional
    for cell in found.cells:
        assert cell.reason
        assert (cell.task_id is not None) == (cell.role in (Role.TASK, Role.CONTINUES))


def test_producers_are_the_nearest_first_up_to_a_certain_one() -> None:
    found = flow("%%task a\nx = 1", "%%task b\nx = 2", "%%task c\nfor x in []:\n    pass", "%%task d\nx")
    assert found.producers["d"] == {"x": ("c", "b")}
    assert found.exports == {"a": frozenset(), "b": {"x"}, "c": {"x"}, "d": frozenset()}


def test_a_task_that_may_define_a_name_knows_its_value_where_a_shared_cell_gives_another() -> None:
    found = flow("x = 0", "%%task a\nx = 1", "%%task b\nif [] is None:\n    x = 2", "%%task c\nx")
    assert found.producers["b"] == {"x": ("a",)}
    assert "x" in found.optional["b"]


def test_edges_say_where_a_name_is_made_and_used() -> None:
    (edge,) = flow("%%task a\nraw = 1", "%%task b\n\nraw").edges
    assert edge.reason == "`raw`: defined in cell 1, used in cell 2, line 3"


def test_imports_of_tasks_are_repeated_where_they_are_used() -> None:
    found = flow("%%task a\nimport numpy as np\nx = 1", "%%task b\nx", "%%task c\nnp.zeros(x)")
    assert found.imports == {"c": "import numpy as np"}


def test_cells_are_numbered_as_jupyter_does() -> None:
    found = flow("# Title", "import os", "", "%%task a\n1")
    assert [cell.number for cell in found.cells] == [0, 1, 0, 2]


def test_headings_make_groups() -> None:
    found = flow(
        "# Report", "%%task a\n1", "## 1. Load data", "%%task b\n1", "### Clean", "%%task c --group X\n1"
    )
    assert [task.group for task in found.tasks.values()] == ["", "Load data", "X"]


def test_default_args_hold_unless_the_line_says_otherwise() -> None:
    found = flow(
        "%%dag\n[default_args]\nretries = 2\nretry_delay = '1m'", "%%task a --retries 5\n1", "%%task b\n1"
    )
    assert [(task.retries, task.retry_delay.seconds) for task in found.tasks.values()] == [(5, 60), (2, 60)]


def test_watched_are_names_a_later_task_reads_past_it() -> None:
    found = flow(
        "k = []", "%%task a\nx = []\nn = 1", "%%task b\nlen(x), k", "%%task c\nx.append(k)", "%%task d\nx"
    )
    assert found.watched == {"a": frozenset(), "b": {"x", "k"}, "c": frozenset(), "d": frozenset()}


def test_watched_are_instances_and_classes_of_shared_cells_too() -> None:
    found = flow(
        "class P:\n    n = 0\nclass Q:\n    pass\ndef f():\n    return P",
        "%%task a\np = P()",
        "%%task b\nlen(p)",
        "%%task c\nf()",
        "%%task d --after c\nP",
    )
    assert found.watched == {"a": {"P"}, "b": {"P"}, "c": {"P"}, "d": frozenset()}
    found = flow("class P:\n    n = 0", "%%task a\np = P()", "%%task b\nlen(p)", "%%task c\np")
    assert found.watched["b"] == {"P", "p"}


def test_parameters_keep_their_source() -> None:
    found = flow(
        "#: parameters\nn: int = 3  # how many\nname = 'a' # type: str # who", "%%task a\nn"
    ).dag.params
    assert {name: (p.default, p.annotation, p.help) for name, p in found.items()} == {
        "n": ("3", "int", "how many"),
        "name": ("'a'", "str", "who"),
    }


def test_a_hash_changes_with_what_the_task_stands_on_and_nothing_else() -> None:
    cells = [
        "def f():\n    return 1",
        "def g():\n    return 1",
        "%%task a\nx = f()",
        "%%task b\nx",
        "%%task c --after none\n1",
    ]
    before = flow(*cells).code_hashes

    def changed(place: int, source: str) -> set[str]:
        after = flow(*cells[:place], source, *cells[place + 1 :]).code_hashes
        return {task for task in before if before[task] != after[task]}

    assert changed(0, "def f():\n    return 2") == {"a", "b"}
    assert changed(1, "def g():\n    return 2") == set()
    assert changed(2, "%%task a\nx = f() + 1") == {"a", "b"}
    assert changed(2, "%%task a --retries 3\nx = f()  ") == set()
    assert changed(3, "%%task b\nx + 1") == {"b"}
    assert changed(4, "%%task c --after none\nprint(x)") == {"c"}


def test_a_task_that_must_hand_on_another_name_is_stale_but_not_what_follows_it() -> None:
    before = flow("%%task a\nx = 1\ny = 2", "%%task b\nx", "%%task c --after none\n1").code_hashes
    after = flow("%%task a\nx = 1\ny = 2", "%%task b\nx", "%%task c --after none\ny").code_hashes
    assert {task for task in before if before[task] != after[task]} == {"a", "c"}


def test_the_version_changes_with_sources_and_headings_but_not_with_prose_or_outputs() -> None:
    version = flow("# A", "%%task a\n1").version
    assert flow("# A\nsome prose", "%%task a\n1").version == version
    assert flow("# A", "%%task a\n2").version != version
    assert flow("# A", "## B", "%%task a\n1").version != version


def test_the_dag_is_called_after_the_file() -> None:
    assert flow("%%task a\n1").dag.dag_id == "daily_report"
    assert flow("%%dag mine", "%%task a\n1").dag.dag_id == "mine"
    assert flow("%dag mine --owner me", "%%task a\n1").dag.owner == "me"
    assert default_name("a/추출 {1}.ipynb") == "추출__1_"
    assert default_name(".ipynb") == "notebook"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "the file is empty"),
        ("x = 1", "not JSON (line 1"),
        ("[]", "the JSON is no object"),
        ("{}", "the JSON has no cells"),
        ('{"cells": 3, "nbformat": 4}', "cells are no list"),
        ('{"cells": [], "nbformat": 4, "metadata": {}}', "no code cells"),
        ('{"cells": [], "nbformat": 9, "metadata": {}}', "Upgrade nbflow"),
        (
            '{"cells": [{"cell_type": "code", "source": "# only", "metadata": {}}], "nbformat": 4}',
            "only comments",
        ),
    ],
)
def test_what_is_no_notebook_is_said_so(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "a {b} 추출.ipynb"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(NotebookUnreadable) as error:
        read_flow(path)
    assert says in str(error.value)
    assert str(path) in str(error.value)


def test_missing_files_folders_and_binary_files_are_said_so(tmp_path: Path) -> None:
    (tmp_path / "binary.ipynb").write_bytes(b"\x80\xff\x00")
    for name, says in {"none.ipynb": "no such file", "": "a folder", "binary.ipynb": "no text file"}.items():
        with pytest.raises(NotebookUnreadable, match=says):
            read_flow(tmp_path / name)


@pytest.mark.parametrize(
    "metadata",
    [
        {"kernelspec": {"name": "ir", "language": "R", "display_name": "R"}},
        {"language_info": {"name": "R"}},
        {"kernelspec": {"name": "ir", "display_name": "R"}, "language_info": {"name": "R"}},
    ],
)
def test_another_language_is_said_so(metadata: dict[str, object]) -> None:
    notebook = v4.new_notebook(cells=[v4.new_code_cell("x <- c(1, 2)")], metadata=metadata)
    with pytest.raises(NotebookUnreadable, match=r"language is R.*; nbflow runs Python notebooks only"):
        flow_of(notebook, "r.ipynb")


def test_a_kernel_of_its_own_is_hinted_at() -> None:
    def codes(name: str) -> list[str]:
        spec = {"kernelspec": {"name": name, "language": "python", "display_name": name}}
        notebook = v4.new_notebook(cells=[v4.new_code_cell("%%task a\n1")], metadata=spec)
        return [problem.code for problem in flow_of(notebook, "n.ipynb").problems]

    assert codes("python3") == []
    assert codes("conda-env-x") == ["kernel"]


def test_a_cell_of_20_000_lines_is_read() -> None:
    lines = "\n".join(f"v{i} = [{i}]\nv{i}.append({i})" for i in range(10_000))
    assert list(flow(f"%%task a\n{lines}", "%%task b\nv7").exports["a"]) == ["v7"]


def test_older_notebooks_are_converted(tmp_path: Path) -> None:
    notebook = nbformat.v3.new_notebook(
        worksheets=[nbformat.v3.new_worksheet(cells=[nbformat.v3.new_code_cell("%%task a\nx = 1")])]
    )
    path = tmp_path / "old.ipynb"
    path.write_text(nbformat.v3.writes_json(notebook), encoding="utf-8")
    assert list(read_flow(path).tasks) == ["a"]


def test_code_that_is_added_to_a_container_counts_like_the_code_in_it_before() -> None:
    found = flow("%%task n\nn = 0", "%%task h\nh = [lambda: 1]\nh += [lambda: n]", "%%task z\nz = h[1]()")
    assert dict(found.producers["h"]) == {}
    assert dict(found.producers["z"]) == {"h": ("h",), "n": ("n",)}


def test_an_unmarked_cell_that_touches_what_a_task_deleted_continues_the_task_above() -> None:
    found = flow(
        "n = 0",
        "%%task a\ndel n",
        "%%task b\nx = 1",
        "try:\n    n\nexcept NameError:\n    n = -1",
        "%%task c\nn",
    )
    assert found.cells[3].task_id == "b"
    assert found.cells[3].reason == "reads `n`, which task a deletes in cell 2"
    assert set(found.producers["c"]["n"]) == {"b"}
