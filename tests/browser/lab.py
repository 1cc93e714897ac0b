"""A notebook opened in JupyterLab or Notebook 7 by a real browser, and what a person does there."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import nbformat
from jupyter_process import TOKEN
from nbformat.v4 import new_code_cell, new_notebook

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from jupyter_process import Jupyter
    from playwright.sync_api import Error, Locator, Page, Request

PATIENCE = 90_000  # ms that anything may take: machines differ
KERNEL_IS = """status =>
window.jupyterapp?.shell.currentWidget?.context?.sessionContext?.session?.kernel?.status === status"""
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}


def write(path: Path, *cells: str) -> Path:
    """A notebook of these code cells, with the kernel it wants."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nodes = [new_code_cell(source, id=f"cell{number}") for number, source in enumerate(cells)]
    nbformat.write(new_notebook(cells=nodes, metadata=KERNEL), path)
    return path


def nbflow(folder: Path, *words: str, status: int = 0) -> str:
    """The command line in this folder; what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "nbflow", *words], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


def states(folder: Path, dag: str) -> dict[str, str]:
    """The runs of a DAG as the command line lists them: date → state."""
    return {
        run["date"]: run["state"]
        for run in json.loads(nbflow(folder, "list", dag, "--last", "400", "--json"))
    }


@dataclass
class Desk:
    """A page of a Jupyter front end with a notebook open.

    Attributes:
        errors: what the board's scripts threw.
        outside: what was asked of other machines.
    """

    page: Page
    server: Jupyter
    errors: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(PATIENCE)
        self.page.on("pageerror", self._threw)
        self.page.on("request", self._asked)

    def _threw(self, error: Error) -> None:
        if "blob:" in (error.stack or ""):  # a widget's module: Notebook 7 has errors of its own
            self.errors.append(str(error))

    def _asked(self, request: Request) -> None:
        if urlsplit(request.url).scheme not in {"data", "blob"} and not request.url.startswith(
            self.server.url
        ):
            self.outside.append(request.url)

    def open(self, address: str) -> None:
        """Open a notebook (`lab/tree/n.ipynb`, `notebooks/n.ipynb`) and wait for its kernel."""
        self.page.goto(f"{self.server.url}{address}?token={TOKEN}")
        self.page.wait_for_selector(".jp-Notebook .jp-CodeCell")
        self.wait_idle()

    def wait_idle(self) -> None:
        """Until the kernel has nothing to do."""
        self.page.wait_for_function(KERNEL_IS, arg="idle")

    def command(self, name: str) -> None:
        """A command of the front end, such as `notebook:run-all-cells`; without waiting for its end."""
        self.page.evaluate("name => { window.jupyterapp.commands.execute(name); }", name)

    def board(self) -> Locator:
        """The board that `%nbflow` has shown."""
        found = self.page.locator(".nbf-board").first
        found.wait_for()
        return found

    def cell(self, number: int) -> Locator:
        """A cell of the notebook, from 0."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(number)

    def edit(self, number: int, source: str) -> None:
        """Put other code into a cell, as typing does."""
        editor = self.cell(number).locator(".cm-content")
        editor.click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(source)

    def bar(self, run_id: str, state: str) -> Locator:
        """The bar of a run, if it is in this state."""
        return self.board().locator(f'rect.bar[data-run="{run_id}"].r-{state}')

    def hide_app(self) -> None:
        """As it is where nobody asked for `expose_app_in_browser`."""
        self.page.evaluate("() => { delete window.jupyterapp; delete window.jupyterlab; }")

    def wait_for(self, holds: Callable[[], bool]) -> None:
        """Until something outside of the page holds."""
        until = time.monotonic() + PATIENCE / 1000
        while not holds():
            assert time.monotonic() < until
            self.page.wait_for_timeout(50)
