"""What cannot work is a clear error with exit status 2, and leaves nothing behind."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Project

GOOD = ("#parameters\ncolour = 'red'\nn = 3", "%%task load\nx = n", "%%task show\nprint(x)")


@dataclass(frozen=True)
class Case:
    name: str
    arguments: tuple[str, ...]
    says: tuple[str, ...]
    cells: tuple[str, ...] = GOOD


RUN = ("run", "n.ipynb")
CASES = [
    Case("no such file", ("run", "missing.ipynb"), ("missing.ipynb", "no such file")),
    Case("a folder", ("run", "."), ("folder",)),
    Case("unknown command", ("rnu", "n.ipynb"), ("did you mean 'run'",)),
    Case("a notebook as a command", ("n.ipynb",), ("nbflow run n.ipynb",)),
    Case("no code", RUN, ("no code",), ("# only text",)),
    Case(
        "duplicate names",
        RUN,
        ("cell 2", "`a`", "cell 1"),
        ("%%task a\nx = 1", "%%task a\ny = 2"),
    ),
    Case(
        "a cycle",
        RUN,
        ("wait for one another", "a → b", "b → a"),
        ("%%task a --after b\nx = 1", "%%task b --after a\ny = 2"),
    ),
    Case("unknown task option", RUN, ("cell 1", "--retires", "--retries"), ("%%task a --retires 3\nx = 1",)),
    Case(
        "unknown upstream",
        RUN,
        ("cell 2", "laod", "load"),
        ("%%task load\nx = 1", "%%task b --after laod\ny = 1"),
    ),
    Case(
        "a name defined only below",
        RUN,
        ("cell 1", "`x`", "cell 2"),
        ("%%task a\nprint(x)", "%%task b\nx = 1"),
    ),
    Case("a name nobody defines", RUN, ("cell 1", "`x`"), ("%%task a\nprint(x)",)),
    Case("a syntax error", RUN, ("cell 1", "line 2"), ("%%task a\nx = = 1",)),
    Case("bad TOML", RUN, ("cell 1",), ("%%dag d\nschedule = ", "%%task a\nx = 1")),
    Case("bad schedule", RUN, ("cell 1", "@dialy"), ("%%dag d\nschedule = '@dialy'", "%%task a\nx = 1")),
    Case("bad zone", RUN, ("cell 1", "Mars/Base"), ("%%dag d\ntimezone = 'Mars/Base'", "%%task a\nx = 1")),
    Case(
        "two problems at once",
        RUN,
        ("2 problems", "cell 1", "cell 2"),
        ("%%task a\nx = = 1", "%%task b --no\ny=1"),
    ),
    Case("bad date", (*RUN, "2026-13-01"), ("'2026-13-01' is not a date", "UTC")),
    Case(
        "end before start",
        (*RUN, "--start-date", "2026-01-02", "--end-date", "2026-01-01"),
        ("before", "swap"),
    ),
    Case("one end only", (*RUN, "--start-date", "2026-01-02"), ("go together",)),
    Case("a date and a range", (*RUN, "today", "--from", "2026-01-02", "--to", "2026-01-03"), ("not both",)),
    Case("a range to come", (*RUN, "--from", "2999-01-01", "--to", "2999-01-02"), ("has not ended yet",)),
    Case("a date to come", (*RUN, "2999-01-01"), ("still to come",)),
    Case("unknown parameter", (*RUN, "-p", "color", "blue"), ("'color'", "did you mean 'colour'")),
    Case("parameters that are no mapping", (*RUN, "-y", "[1, 2]"), ("mapping",)),
    Case("a parameters file that is missing", (*RUN, "-f", "none.yaml"), ("none.yaml",)),
    Case("bad timeout", (*RUN, "--execution-timeout", "soon"), ("no duration",)),
    Case("no slots", (*RUN, "--parallelism", "0"), ("--parallelism",)),
    Case("unknown option", (*RUN, "--paralelism", "2"), ("--parallelism",)),
    Case("nothing has run yet", ("grid", "n.ipynb"), ("has not run yet",)),
    Case("unknown DAG", ("grid", "nope"), ("no DAG 'nope'",)),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_is_refused_clearly(case: Case, project: Project) -> None:
    project.notebook("n.ipynb", *case.cells)
    answer = project.nbflow(*case.arguments)
    assert answer.status == 2, answer.all
    for words in case.says:
        assert words in answer.err + answer.out
    assert "Traceback" not in answer.all
    left = {path.name for path in project.folder.iterdir()}
    assert left == {"n.ipynb"}, "nothing is written for a call that was wrong"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("not json", "JSON"),
        ('{"a": 1}', "notebook"),
        ('["cells"]', "notebook"),
        ('{"cells": 3, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}', "notebook"),
    ],
)
def test_a_file_that_is_no_notebook_is_named(text: str, says: str, project: Project) -> None:
    (project.folder / "bad.ipynb").write_text(text)
    answer = project.nbflow("run", "bad.ipynb")
    assert answer.status == 2
    assert "bad.ipynb" in answer.err
    assert says in answer.err


def test_check_names_every_problem_and_exits_2(project: Project) -> None:
    project.notebook("n.ipynb", "%%task a --retires 3\nx = 1", "%%task b\nprint(nowhere)")
    answer = project.nbflow("check", "n.ipynb", "--json")
    assert answer.status == 2
    assert [problem["cell"] for problem in answer.json()["problems"]] == [1, 2]


def test_a_home_of_a_newer_nbflow_is_refused_untouched(project: Project) -> None:
    import sqlite3

    project.notebook("n.ipynb", *GOOD)
    home = project.folder / ".nbflow"
    home.mkdir()
    with sqlite3.connect(home / "state.sqlite") as raw:
        raw.execute("PRAGMA user_version = 99")
    raw.close()
    before = (home / "state.sqlite").read_bytes()
    answer = project.nbflow("run", "n.ipynb")
    assert answer.status == 2
    assert "newer nbflow" in answer.err
    assert (home / "state.sqlite").read_bytes() == before


def test_an_old_notebook_is_converted(project: Project) -> None:
    cell = {
        "cell_type": "code",
        "input": "x = 1",
        "outputs": [],
        "language": "python",
        "metadata": {},
        "collapsed": False,
    }
    old = {
        "nbformat": 3,
        "nbformat_minor": 0,
        "metadata": {"name": ""},
        "worksheets": [{"cells": [cell], "metadata": {}}],
    }
    path = Path(project.folder / "old.ipynb")
    path.write_text(json.dumps(old))
    answer = project.nbflow("check", "old.ipynb")
    assert answer.status == 0, answer.all
    assert json.loads(path.read_text()) == old
