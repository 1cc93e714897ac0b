"""What is wrong or doubtful in a notebook, and where."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from nbformat import v4

from nbflow.errors import FlowError
from nbflow.model.problem import Problem, Severity
from nbflow.parse.flow import flow_of


def problems(*cells: str) -> tuple[Problem, ...]:
    notebook = v4.new_notebook(cells=[v4.new_code_cell(source) for source in cells])
    try:
        return flow_of(notebook, "n.ipynb").problems
    except FlowError as error:
        return error.problems


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    cells: tuple[str, ...]
    code: str
    cell: int | None
    line: int | None
    says: str
    severity: Severity = Severity.ERROR


W, H = Severity.WARNING, Severity.HINT
CASES = [
    Case(
        "nobody defines it",
        ("%%task a\nfilm = 1", "%%task b\nfilms"),
        "undefined-name",
        2,
        2,
        "Did you mean film?",
    ),
    Case(
        "a shared cell reads what nobody defines",
        ("x = k", "%%task a\nx"),
        "undefined-name",
        1,
        1,
        "this shared cell reads `k`",
    ),
    Case(
        "defined below",
        ("%%task a\nx", "%%task b\nx = 1"),
        "defined-below",
        1,
        2,
        "only cell 2, further down",
    ),
    Case(
        "defined below in the same task",
        ("%%task a\nx", "%%task +\nx = 1"),
        "defined-below",
        1,
        2,
        "Move that cell up",
    ),
    Case(
        "only in a scratch cell",
        ("%%scratch\nx = 1", "%%task a\nx"),
        "undefined-name",
        2,
        2,
        "Scratch cell 1 does",
    ),
    Case(
        "deleted",
        ("%%task a\nx = 1", "%%task b\ndel x", "%%task c\nx"),
        "deleted-name",
        3,
        2,
        "cell 2 has deleted",
    ),
    Case(
        "on some paths",
        ("%%task a\nif []:\n    x", "%%task b\n1"),
        "undefined-name",
        1,
        3,
        "on some paths",
        W,
    ),
    Case(
        "by a function's body", ("def f():\n    return k", "%%task a\nf()"), "undefined-name", 2, 2, "`k`", W
    ),
    Case("no Python", ("%%task a\nx = 1\ny = = 2",), "syntax-error", 1, 3, "y = = 2"),
    Case("two of one name", ("%%task a\n1", "%%task a\n2"), "duplicate-task", 2, 1, "the one of cell 1"),
    Case(
        "a cycle",
        ("%%task a --after b\nx = 1", "%%task b\nx"),
        "cycle",
        None,
        None,
        "a → b (`x`), b → a (declared)",
    ),
    Case(
        "after nobody",
        ("%%task load\n1", "%%task b --after laod\n2"),
        "unknown-task",
        2,
        1,
        "Did you mean load?",
    ),
    Case("after itself", ("%%task a --after a\n1",), "unknown-task", 1, 1, "of itself"),
    Case(
        "edges with nobody",
        ('%%dag\nedges = ["a >> x"]', "%%task a\n1"),
        "unknown-task",
        None,
        None,
        "`x`, which is no task",
    ),
    Case("no chain", ('%%dag\nedges = ["a > x"]', "%%task a\n1"), "bad-dag", 1, 2, "write a >> b"),
    Case("no TOML", ("%%dag\nowner = \n", "%%task a\n1"), "bad-dag", 1, 2, "no TOML"),
    Case(
        "an unknown option of the dag",
        ("%%dag\nshedule = 'x'", "%%task a\n1"),
        "unknown-option",
        1,
        2,
        "Did you mean schedule?",
    ),
    Case(
        "a wrong value of the dag",
        ("%%dag\ncatchup = 'yes'", "%%task a\n1"),
        "bad-dag",
        1,
        2,
        "neither true nor false",
    ),
    Case("no zone", ("%%dag\ntimezone = 'Berlin'", "%%task a\n1"), "bad-dag", 1, 2, "Europe/Berlin"),
    Case(
        "end before start",
        ("%%dag\nstart_date = 2026-02-01\nend_date = 2026-01-01", "%%task a\n1"),
        "bad-dag",
        1,
        None,
        "swap them",
    ),
    Case(
        "no such date parameter",
        ("%%dag\ndate_param = 'day'", "%%task a\n1"),
        "bad-dag",
        1,
        None,
        "no parameter",
    ),
    Case("two dags", ("%%dag a", "%%dag b", "%%task a\n1"), "two-dags", 2, None, "cell 1 has the first"),
    Case(
        "default args",
        ("%%dag\n[default_args]\nretrys = 1", "%%task a\n1"),
        "bad-dag",
        1,
        2,
        "Did you mean retries?",
    ),
    Case(
        "a wrong %dag line",
        ("x = 1\n%dag --shedule @daily", "%%task a\nx"),
        "unknown-option",
        1,
        2,
        "schedule",
    ),
    Case(
        "nothing to go on with", ("%%task +\n1", "%%task a\n1"), "nothing-to-continue", 1, 1, "there is none"
    ),
    Case("a header's problem", ("%%task a --retrys 1\n1",), "unknown-option", 1, 1, "--retries"),
    Case("exec", ("%%task a\nexec('x = 1')", "%%task b\n1"), "hidden-names", 1, 2, "--exports", W),
    Case(
        "a star import",
        ("from os import *", "%%task a\npath"),
        "star-import",
        1,
        None,
        "may define any name",
        W,
    ),
    Case("the working folder", ("%%task a\n%cd x", "%%task b\n1"), "process-state", 1, 2, "task `b`", W),
    Case(
        "the environment",
        ("import os", "%%task a\nos.environ['x'] = 'y'", "%%task b\nos.getcwd()"),
        "process-state",
        2,
        2,
        "shared cell above",
        W,
    ),
    Case(
        "a seed",
        ("import random", "%%task a\nrandom.seed(1)", "%%task b\nrandom.random()"),
        "process-state",
        2,
        2,
        "random.seed",
        W,
    ),
    Case(
        "two names",
        ("%%task a\nx = []\ny = x", "%%task b\ny.append(1)", "%%task c\nx"),
        "two-names",
        2,
        2,
        "share an object since cell 1",
        W,
    ),
    Case(
        "a name of another task's object",
        ("%%task a\nd = f = []", "%%task b\nother = d", "%%task c\nother.append(1)", "%%task e\nd"),
        "two-names",
        3,
        2,
        "share an object since cell 2",
        W,
    ),
    Case(
        "a part of a shared object",
        ("C = {'a': {}}", "%%task a\nsub = C['a']", "%%task b\nsub['n'] = 5", "%%task c\nC"),
        "two-names",
        3,
        2,
        "reads `C` without the change",
        W,
    ),
    Case(
        "the whole is changed",
        ("%%task a\nC = {'a': []}", "%%task b\nsub = C['a']", "%%task c\nC['a'].append(1)", "%%task e\nsub"),
        "two-names",
        3,
        2,
        "reads `sub` without",
        W,
    ),
    Case(
        "what a function gives",
        (
            "%%task a\nr = {'a': {}}",
            "def get(n):\n    return r[n]",
            "%%task b\nx = get('a')",
            "%%task c\nx['k'] = 1",
            "%%task e\nr",
        ),
        "two-names",
        4,
        2,
        "reads `r` without",
        W,
    ),
    Case(
        "what is put into another",
        (
            "%%task a\nroot, child = open, open",
            "%%task b\nroot.kids.append(child)",
            "%%task c\nchild.v = 5",
            "%%task e\nroot.kids[0].v",
        ),
        "two-names",
        3,
        2,
        "reads `root` without",
        W,
    ),
    Case(
        "a seed in a shared cell",
        (
            "import numpy as np\nnp.random.seed(42)",
            "%%task a\nnp.random.rand(2)",
            "%%task b\nnp.random.rand(2)",
        ),
        "random-state",
        1,
        2,
        "`a` (cell 2), `b` (cell 3)",
        W,
    ),
    Case(
        "a seed in a function",
        (
            "import random\ndef seed_all():\n    random.seed(1)\ndef draw(df):\n    return df.sample(3)",
            "seed_all()",
            "%%task a\ndf = draw(open)",
            "%%task b\nrandom.choice([1])",
        ),
        "random-state",
        2,
        3,
        "Pass random_state",
        W,
    ),
    Case(
        "a class that is changed",
        ("class C:\n    n = 0", "%%task a\nC.n = 1", "%%task b\nC.n"),
        "shared-code",
        2,
        None,
        "every task has its own",
        W,
    ),
    Case(
        "a random generator",
        (
            "import numpy as np\nrng = np.random.default_rng(1)",
            "%%task a\nrng.random()",
            "%%task b\nrng.random()",
        ),
        "advanced-twice",
        1,
        2,
        "each of the tasks a, b",
        W,
    ),
    Case(
        "a random generator of a task",
        (
            "%%task a\nimport random\nrng = random.Random(1)",
            "%%task b\nrng.random()",
            "%%task c\nrng.random()",
        ),
        "advanced-twice",
        1,
        3,
        "each of the tasks b, c",
        W,
    ),
    Case(
        "perhaps deleted",
        ("%%task a\nx = 1", "%%task b\nif []:\n    del x", "%%task c\nx"),
        "perhaps-deleted",
        2,
        None,
        "task `c` reads it",
        W,
    ),
    Case(
        "a join that is always skipped",
        ("%%task.branch p\n'a'", "%%task a --after p\n1", "%%task b --after p\n1", "%%task c --after a,b\n1"),
        "join-skipped",
        4,
        None,
        "none_failed_min_one_success",
        W,
    ),
    Case(
        "only its place", ("%%task a\n1", "%%task b\n2"), "position", 2, None, "--after none lets both run", H
    ),
    Case("no mark", ("x = 1",), "one-task", None, None, "nbflow suggest", H),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_is_found(case: Case) -> None:
    found = [problem for problem in problems(*case.cells) if problem.code == case.code]
    assert found, [str(problem) for problem in problems(*case.cells)]
    assert (found[0].cell, found[0].line, found[0].severity) == (case.cell, case.line, case.severity)
    assert case.says in found[0].message


FINE = {
    "names nbflow sets": ("%%task a\nprint(ds, params)",),
    "names IPython sets": ("%%task a\ndisplay(_)\nget_ipython()",),
    "guarded": ("%%task a\ntry:\n    x\nexcept NameError:\n    x = 1",),
    "after a star import": ("from os import *", "%%task a\nsep"),
    "in a comprehension": ("%%task a\n[x for x in range(3)]",),
    "environment in a shared cell": ("import os\nos.environ['x'] = 'y'", "%%task a\nos.environ['x']"),
    "a seed in each task": (
        "import random\nrandom.seed(1)",
        "%%task a\nrandom.seed(2)\nrandom.random()",
        "%%task b --after a\nrandom.seed(3)\nrandom.random()",
    ),
    "a random state": (
        "import random\nrandom.seed(1)",
        "%%task a\ndf = open\ndf.sample(1, random_state=1)",
        "%%task b\ndf.sample(2, random_state=2), random.random()",
    ),
    "a part that nobody reads": (
        "C = {'a': {}}",
        "%%task a\nsub = C['a']",
        "%%task b\nsub['n'] = 5",
        "%%task c --after none\nC = 1\nC",
    ),
    "a copy": ("%%task a\nd = [1]", "%%task b\ne = d.copy()", "%%task c\ne.append(1)", "%%task f\nd"),
    "an import that only functions use": (
        "%%task a\nimport math\nx = 1",
        "def f():\n    return math.pi",
        "%%task b\nf() + x",
    ),
}


@pytest.mark.parametrize("name", FINE)
def test_is_fine(name: str) -> None:
    assert [
        str(problem) for problem in problems(*FINE[name]) if problem.code not in ("position", "star-import")
    ] == []


def test_all_problems_come_at_once_in_order_of_the_cells() -> None:
    found = problems(
        "%%dag\nowner = 1\nshedule = 2",
        "%%task a --retrys 1\nx",
        "%%task a\ny = = 1",
        "%%task b --after c\nz",
    )
    assert [problem.cell for problem in found] == sorted(problem.cell or 0 for problem in found)
    assert {problem.code for problem in found} == {
        "unknown-option",
        "undefined-name",
        "duplicate-task",
        "syntax-error",
        "unknown-task",
    }


def test_no_message_ends_twice() -> None:
    for cells in [
        ("%%dag\nschedule = '@dayli'", "%%task a\n1"),
        ("%%dag\ntimezone = 'Europe/Berln'", "%%task a\n1"),
        ("%%task a --trigger-rule all_sucess\n1",),
    ]:
        (problem,) = problems(*cells)
        assert not problem.message.endswith(("..", "?.")), problem.message


def test_the_message_of_all_names_the_file() -> None:
    with pytest.raises(FlowError, match=r"n\.ipynb: 1 problem\n  cell 1, line 2: task `a` reads `x`"):
        flow_of(v4.new_notebook(cells=[v4.new_code_cell("%%task a\nx")]), "n.ipynb")
