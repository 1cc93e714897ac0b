"""Other DAGs from a notebook that a person runs: a real home, and the command line beside the kernel."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from nbflow.errors import OutsideError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def notebook(path: Path, *cells: str) -> Path:
    nodes = [nbformat.v4.new_code_cell(cell) for cell in cells]
    nbformat.write(nbformat.v4.new_notebook(cells=nodes), path)
    return path


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    """A shell that belongs to a notebook, in a home where the DAG `other` has run once."""
    mine = notebook(tmp_path / "mine.ipynb", "%%dag mine\nschedule = '@daily'", "%%task start\n1")
    other = notebook(
        tmp_path / "other.ipynb",
        "%%dag other",
        "%%task load\nif ds == '2026-02-11':\n    raise ValueError('no data')\n'loaded'",
    )
    monkeypatch.setenv("NBFLOW_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("JPY_SESSION_NAME", str(mine))
    subprocess.run(
        [sys.executable, "-m", "nbflow", "run", str(other), "2026-02-01"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell(config=config)
    shell.run_line_magic("load_ext", "nbflow")
    yield shell
    shell.run_line_magic("unload_ext", "nbflow")


def ran(shell: InteractiveShell, cell: str) -> object:
    result = shell.run_cell(cell)
    result.raise_error()
    return result.result


def test_another_dag_is_run_and_looked_at_by_hand(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    ran(shell, "%dag --date 2026-02-10")
    assert ran(shell, "import nbflow\nnbflow.external_task('other', 'load')") is False
    capsys.readouterr()
    assert ran(shell, "nbflow.trigger_dag('other')") == "2026-02-10T00:00:00Z"
    said = capsys.readouterr().out
    assert said.startswith("nbflow trigger other 2026-02-10T00:00:00+00:00\n")
    assert "success" in said
    assert ran(shell, "nbflow.external_task('other', 'load')") is True
    with pytest.raises(OutsideError, match=r"run 2026-02-11T00:00:00Z of other has failed"):
        ran(shell, "nbflow.trigger_dag('other', logical_date='2026-02-11')")
    with pytest.raises(OutsideError, match="knows no DAG 'nowhere'"):
        ran(shell, "nbflow.trigger_dag('nowhere')")
