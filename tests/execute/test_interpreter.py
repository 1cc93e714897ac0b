"""Tries with another interpreter: it is used with its packages, or refused before anything of them runs."""

from __future__ import annotations

import shutil
import sys
import venv
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import nbflow
from nbflow.execute.hosts import Ground
from nbflow.model.work import Result

if TYPE_CHECKING:
    from execute.conftest import Bench

WHERE = "%%task a\nimport os, sys\n(sys.prefix, os.environ.get('FOO'), os.environ.get('GONE'))"


def site_packages(environment: Path) -> Path:
    return next(environment.glob("lib/python*/site-packages"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment that has what this one has."""
    folder = tmp_path_factory.mktemp("other") / "venv"
    venv.create(folder, symlinks=True)
    here = dict.fromkeys([str(Path(nbflow.__file__).parent.parent), *sys.path])
    found = [path for path in here if Path(path).is_dir() and "lib-dynload" not in path]
    (site_packages(folder) / "ours.pth").write_text("\n".join(found))
    return folder


def python_of(environment: Path) -> str:
    return str(environment / "bin" / "python")


@pytest.mark.parametrize("kernel", ["", "python3"], ids=["forked", "in a kernel"])
def test_a_try_runs_with_the_interpreter_and_variables_it_was_asked_for_with(
    bench: Bench, other: Path, monkeypatch: pytest.MonkeyPatch, kernel: str
) -> None:
    monkeypatch.setenv("GONE", "still there")
    variables = {"FOO": "1", "GONE": None}
    left = bench.run(WHERE, python=python_of(other), environment=variables, kernel=kernel)
    assert left.outcome.result is Result.SUCCESS, left.outcome
    assert left.values["return_value"] == (str(other), "1", None)
    assert left.outcome.engine.startswith("kernel python3" if kernel else "forked")
    own = bench.run(WHERE, kernel=kernel)
    assert own.values["return_value"] == (sys.prefix, None, "still there")


def broken(folder: Path, how: str) -> str:
    """An interpreter that can't be used."""
    if how == "gone":
        return str(folder / "nowhere" / "python")
    if how == "no Python":
        return shutil.which("false") or "/bin/false"
    venv.create(folder / "venv", symlinks=True)
    if how == "another version":
        package = site_packages(folder / "venv") / "nbflow"
        package.mkdir()
        (package / "__init__.py").write_text("__version__ = '0.0.1'")
    return python_of(folder / "venv")


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("gone", "can't be used (No such file or directory)"),
        ("no Python", "can't be used (exit status 1)"),
        ("without nbflow", f"has no nbflow: {{python}} -m pip install nbflow=={nbflow.__version__}"),
        ("another version", "has nbflow 0.0.1, and its owner is nbflow"),
    ],
)
def test_an_interpreter_that_cannot_run_it_fails_the_try_before_it_begins(
    bench: Bench, tmp_path: Path, how: str, said: str
) -> None:
    python = broken(tmp_path, how)
    left = bench.run(WHERE, python=python)
    assert left.outcome.result is Result.FAIL
    assert said.format(python=python) in left.outcome.reason
    assert left.request.token not in bench.started


def test_what_is_installed_there_later_is_seen(other: Path) -> None:
    before = Ground.of(python_of(other), {})
    assert Ground.of(python_of(other), {}) == before
    (site_packages(other) / "new_package").mkdir()
    assert Ground.of(python_of(other), {}) != before
