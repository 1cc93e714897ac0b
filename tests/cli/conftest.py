"""Notebooks made of cells, and the command line as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

if TYPE_CHECKING:
    from pathlib import Path

COMMAND = [sys.executable, "-m", "nbflow"]


def write_notebook(path: Path, *cells: str) -> Path:
    """A notebook of code cells; `# …` headings are markdown, `#parameters` tags the cell."""
    nodes = []
    for source in cells:
        if source.startswith("# "):
            nodes.append(new_markdown_cell(source))
        else:
            tagged = source.startswith("#parameters")
            nodes.append(new_code_cell(source, metadata={"tags": ["parameters"]} if tagged else {}))
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=nodes), path)
    return path


@dataclass(frozen=True)
class Answer:
    """How a command ended and what it printed."""

    status: int
    out: str
    err: str

    @property
    def all(self) -> str:
        return self.out + self.err

    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Project:
    """A folder with notebooks, and `nbflow` called in it."""

    folder: Path

    def notebook(self, name: str, *cells: str) -> Path:
        return write_notebook(self.folder / name, *cells)

    def nbflow(self, *arguments: str | Path, **environment: str) -> Answer:
        done = subprocess.run(
            [*COMMAND, *map(str, arguments)],
            cwd=self.folder,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        answer = Answer(done.returncode, done.stdout, done.stderr)
        assert 'File "' not in answer.err, f"a traceback of ours:\n{answer.err}"
        return answer

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def states(self, dag: str, date: str = "latest") -> dict[str, str]:
        shown = self.nbflow("show", dag, date, "--json").json()
        return {task["task_id"]: task["state"] for task in shown["tasks"]}

    def tries(self, dag: str, date: str = "latest") -> dict[str, int]:
        shown = self.nbflow("show", dag, date, "--json").json()
        return {task["task_id"]: task["try_number"] for task in shown["tasks"]}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)
