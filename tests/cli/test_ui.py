from __future__ import annotations

import ast
import shlex
import sys
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from cli.inside import nbflow  # noqa: F401 a fixture

from nbflow.service.dashboard import NAME, dashboard_command, write_dashboard
from nbflow.store.home import Home

if TYPE_CHECKING:
    from pathlib import Path


def _options(words: list[str]) -> dict[str, str]:
    return dict(word.removeprefix("--").split("=", 1) for word in words if word.startswith("--"))


def test_a_dry_run_prints_the_command_and_writes_nothing(nbflow: Any, tmp_path: Path) -> None:  # noqa: F811
    answer = nbflow("ui", "--dry-run", "--no-browser", "--port", "9000", "--", "--allow-root")
    assert answer.status == 0
    words = shlex.split(answer.out)
    assert words[:3] == [sys.executable, "-m", "jupyter_server"]
    assert words[-1] == "--allow-root"
    options = _options(words[:-1])
    assert options["ServerApp.port"] == "9000"
    assert options["ServerApp.open_browser"] == "False"
    assert options["ServerApp.root_dir"] == str(tmp_path)
    assert not (tmp_path / ".nbflow").exists()


def test_without_voila_it_says_what_to_install(
    nbflow: Any,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setitem(sys.modules, "voila", None)
    answer = nbflow("ui")
    assert answer.status == 2
    assert "pip install 'nbflow[ui]'" in answer.err
    assert not (tmp_path / ".nbflow").exists()


def test_the_page_may_ask_its_own_server_only(tmp_path: Path) -> None:
    words = dashboard_command(Home(tmp_path / ".nbflow", tmp_path), port=1, browser=False)
    settings = ast.literal_eval(_options(words)["ServerApp.tornado_settings"])
    policy = settings["headers"]["Content-Security-Policy"]
    assert policy.startswith("default-src 'self' ")
    assert "http" not in policy
    assert "*" not in policy


@pytest.mark.parametrize(
    ("home", "project", "root", "page"),
    [
        ("p/.nbflow", "p", "p", ".nbflow/dashboard.ipynb"),
        ("elsewhere", "p", "elsewhere", "dashboard.ipynb"),
    ],
    ids=["the home in the project", "NBFLOW_HOME elsewhere"],
)
def test_the_server_serves_the_project_where_the_home_lies_in_it(
    tmp_path: Path, home: str, project: str, root: str, page: str
) -> None:
    words = dashboard_command(Home(tmp_path / home, tmp_path / project), port=1, browser=True)
    options = _options(words)
    assert options["ServerApp.root_dir"] == str(tmp_path / root)
    assert options["ServerApp.default_url"] == f"/voila/render/{page}"


def test_the_dashboard_is_a_sound_notebook_of_this_kernel_and_lies_in_the_home(tmp_path: Path) -> None:
    home = Home(tmp_path / "it's" / ".nbflow", tmp_path / "it's")
    path = write_dashboard(home)
    assert path == home.root / NAME
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    (cell,) = notebook.cells
    call = ast.parse(cell.source).body[-1]
    assert isinstance(call, ast.Expr)
    assert isinstance(call.value, ast.Call)
    assert ast.literal_eval(call.value.args[0]) == str(home.root)
