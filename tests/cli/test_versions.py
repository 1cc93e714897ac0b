"""Versions as people see them: old runs drawn as they were, stale squares, `nbflow versions`."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from cli.conftest import write_notebook
from click.testing import CliRunner

from nbflow.cli import nbflow
from nbflow.errors import AddressError, OptionError
from nbflow.service.api import RunRequest, prepare
from nbflow.service.open_run import register
from nbflow.service.session import owned_home
from nbflow.service.submit import new
from nbflow.service.workflow import read_workflow

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import Project

DAILY = '%%dag n\nschedule = "@daily"'
BEFORE = (
    DAILY,
    "import tools\nimport helpers",
    "%%task load\nx = tools.V",
    "%%task clean\ny = helpers.twice(x)\nprint(y)",
    "%%task report --after none\nprint(3)",
)
AFTER = (*BEFORE[:3], BEFORE[3] + "\nprint('done')", "%%task send --after none\nprint(4)")
MODULES = {"helpers.py": "from tools import V\ndef twice(x):\n    return 2 * x\n", "tools.py": "V = 1\n"}


def out(*arguments: str | Path) -> str:
    """What a command prints, run in this process."""
    result = CliRunner().invoke(nbflow, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def write(folder: Path, cells: tuple[str, ...], modules: dict[str, str]) -> None:
    write_notebook(folder / "n.ipynb", *cells)
    for name, source in modules.items():
        (folder / name).write_text(source)


def test_an_edited_module_makes_squares_stale_everywhere_and_the_same_ones_run_again(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.folder)
    write(project.folder, BEFORE, MODULES)
    assert project.nbflow("run", "n.ipynb", "2026-01-01").status == 0
    assert "stale" not in out("show", "n") + out("list", "n") + out(
        "clear", "n", "latest", "--stale", "--dry-run"
    )

    (project.folder / "helpers.py").write_text(MODULES["helpers.py"].replace("2", "3"))
    shown = json.loads(out("show", "n", "--json"))
    assert {task["task_id"]: task["stale"] for task in shown["tasks"]} == {
        "load": True,  # the cell that imports both stands for it too
        "clean": True,
        "report": False,
    }
    assert shown["since"] == "module helpers.py changed"
    (run,) = json.loads(out("grid", "n", "--json"))["runs"]
    assert [task for task, square in run["tasks"].items() if square["stale"]] == ["load", "clean"]
    assert re.findall(r"^(\w+) +■(\*?)$", out("grid", "n"), re.MULTILINE) == [
        ("load", "*"),
        ("clean", "*"),
        ("report", ""),
    ]
    assert "notched: code has changed since" in svg(project.folder)
    assert json.loads(out("list", "n", "--json"))[0]["stale"] == ["clean", "load"]
    assert "2 stale" in out("list", "n")
    cleared = json.loads(out("clear", "n", "latest", "--stale", "--dry-run", "--json"))
    assert [row["task_id"] for row in cleared] == ["load", "clean"]

    original = project.nbflow("clear", "n", "latest", "clean", "--original")
    assert original.status == 0, original.all
    assert project.nbflow("logs", "n", "latest", "clean").out == "2\n", "the module as it was stored"
    assert "helpers.py has changed since this version was stored" in out("show", "n")
    again = project.nbflow("run", "n.ipynb", "2026-01-01", "--stale")
    assert again.status == 0, again.all
    assert project.nbflow("logs", "n", "latest", "clean").out == "3\n"
    assert project.tries("n") == {"load": 2, "clean": 3, "report": 1}
    assert "stale" not in out("show", "n")


def svg(folder: Path) -> str:
    out("grid", "n", "--svg", folder / "grid.svg")
    return (folder / "grid.svg").read_text("utf-8")


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose DAG `n` has a run of 1 January by its first version; the notebook is a later one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NBFLOW_HOME", raising=False)
    write(tmp_path, BEFORE, MODULES)
    store(tmp_path, "2026-01-01")
    write(tmp_path, AFTER, {"tools.py": "V = 5\n"})
    return tmp_path


def store(folder: Path, date: str) -> None:
    """Have the home know a run of the notebook as it is, of which nothing has run."""
    prepared = prepare(RunRequest(notebook=folder / "n.ipynb", date=date))
    workflow = read_workflow(folder / "n.ipynb")
    with owned_home(prepared.home, what="pytest") as state:
        todo = [
            new(workflow.flow, interval, run_type=prepared.run_type, params={})
            for interval in prepared.intervals
        ]
        register(state, workflow, todo)


def test_an_old_run_is_shown_as_it_was_with_what_has_changed_since(old: Path) -> None:
    shown = out("show", "n", "2026-01-01")
    assert re.search(
        r"^ran version [0-9a-f]{8}, 1 version ago; since then: task clean changed, task report removed, "
        r"task send new, module tools.py changed$",
        shown,
        re.MULTILINE,
    )
    rows = json.loads(out("show", "n", "2026-01-01", "--json"))["tasks"]
    assert [row["task_id"] for row in rows] == ["load", "clean", "report"]
    notebook = json.loads(out("show", "n", "2026-01-01", "--notebook"))
    assert [cell["source"] for cell in notebook["cells"]] == list(BEFORE)
    assert out("show", "n", "latest", "--notebook", "-o", old / "was.ipynb").strip() == str(old / "was.ipynb")
    assert json.loads((old / "was.ipynb").read_text("utf-8")) == notebook


def test_an_old_run_s_graph_is_that_of_its_version(old: Path) -> None:
    graph = json.loads(out("graph", "n", "2026-01-01", "--json"))
    assert [task["task_id"] for task in graph["tasks"]] == ["load", "clean", "report"]
    assert {task["state"] for task in graph["tasks"]} == {"none"}
    now = json.loads(out("graph", "n", "--json"))
    assert [task["task_id"] for task in now["tasks"]] == ["load", "clean", "send"]
    assert now["version"] != graph["version"]
    assert f"drawn as it ran, by version {graph['version'][:8]}" in out("graph", "n", "latest")
    assert "drawn as it ran" not in out("graph", "n")
    assert "report" in out("graph", "n", "latest", "--dot")


def test_the_grid_shows_what_is_no_longer_there_below_the_rest_and_blanks_where_nothing_was(
    old: Path,
) -> None:
    store(old, "2026-01-02")
    lines = out("grid", "n").splitlines()
    assert [line.rstrip() for line in lines[1:5]] == [
        "load    ·  ·",
        "clean   ·  ·",
        "send       ·",
        "report  ·",
    ]
    assert "no longer in the notebook: report" in lines
    assert json.loads(out("grid", "n", "--json"))["removed"] == ["report"]
    picture = svg(old)
    assert "no longer in the notebook: report" in picture
    assert "nbf-quiet" in re.search(r"<text[^>]*>report", picture)[0]  # type: ignore[index]


def test_versions_lists_shows_and_writes_them(old: Path) -> None:
    latest, first = json.loads(out("versions", "n", "--json"))
    assert (latest["saved"], latest["created"], latest["runs"]) == (True, None, 0)
    assert latest["since"] == {
        "added": ["send"],
        "removed": ["report"],
        "changed": ["clean"],
        "shared": False,
        "options": False,
        "modules": {"tools.py": "changed"},
    }
    assert (first["saved"], first["runs"], first["since"]) == (False, 1, None)
    listed = out("versions", "n.ipynb")
    assert re.search(
        rf"^{latest['version'][:8]} +not run yet +0 +saved +task clean changed", listed, re.MULTILINE
    )
    short = first["version"][:8]
    assert "modules  helpers.py, tools.py" in out("versions", "n", short)
    files = ["n.ipynb", "helpers.py", "tools.py"]
    assert out("versions", "n", short, "-o", "was", "--dry-run").split() == [f"was/{file}" for file in files]
    assert not (old / "was").exists()
    assert json.loads(out("versions", "n", short, "-o", "was", "--json"))["files"] == [
        f"was/{f}" for f in files
    ]
    assert (old / "was" / "tools.py").read_text() == MODULES["tools.py"]


def test_versions_are_compared_cell_by_cell(old: Path) -> None:
    assert out("versions", "n", "--diff").splitlines() == [
        "cell 4 (task clean): changed",
        "@@ -1,3 +1,4 @@",
        " %%task clean",
        " y = helpers.twice(x)",
        " print(y)",
        "+print('done')",
        "cell 5 (task report): removed",
        "@@ -1,2 +0,0 @@",
        "-%%task report --after none",
        "-print(3)",
        "cell 5 (task send): new",
        "@@ -0,0 +1,2 @@",
        "+%%task send --after none",
        "+print(4)",
        "tools.py: changed",
        "@@ -1 +1 @@",
        "-V = 1",
        "+V = 5",
    ]
    found = json.loads(out("versions", "n", "--diff", "saved", "2026-01-01", "--json"))
    assert [(one["what"], one["how"]) for one in found["differences"]][-1] == ("tools.py", "changed")
    assert "one version" in out("versions", "n", "--diff", "2026-01-01", "latest")


def test_what_a_module_holds_does_nothing_to_a_terminal(old: Path) -> None:
    (old / "tools.py").write_text("V = 5 # \x1b]0;title\x07 [bold]\u202e\n")
    shown = out("versions", "n", "--diff")
    assert r"+V = 5 # \x1b]0;title\x07 [bold]\u202e" in shown
    assert "\x1b" not in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("versions", "n", "aaaa", "bbbb"), "two versions are for --diff"),
        (("versions", "n", "-o", "x"), "-o FOLDER writes one version"),
        (("versions", "n", "saved", "--diff", "-o", "x"), "-o FOLDER writes one version"),
        (("show", "n", "latest", "-o", "x"), "give --notebook with it"),
    ],
)
def test_a_call_that_makes_no_sense_is_refused(old: Path, arguments: tuple[str, ...], said: str) -> None:
    result = CliRunner().invoke(nbflow, list(arguments))
    assert result.exit_code == 2
    assert said in result.output


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        (("versions", "n", "00000000"), AddressError, "the home has no version 00000000 of n"),
        (("versions", "n", "published"), AddressError, "no version of n is published"),
        (("versions", "n", "latest", "-o", "."), OptionError, "is there already"),
    ],
)
def test_what_is_not_there_is_said(
    old: Path, arguments: tuple[str, ...], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        CliRunner().invoke(nbflow, list(arguments), catch_exceptions=False)
