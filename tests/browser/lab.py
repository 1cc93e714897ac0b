"""A notebook opened in JupyterLab or Notebook 7 by a real browser, and what a person does there."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import uuid4

import nbformat
from jupyter_process import TOKEN
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Error

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from jupyter_process import Jupyter
    from playwright.sync_api import Locator, Page, Request

PATIENCE = 90_000  # ms that anything may take: machines differ
BROKEN = "Error displaying widget"  # as JupyterLab says it
_LOADS = 3  # of a page that lost its widgets
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
# JupyterLab remembers which notebooks were open, in a workspace: each desk has one of its own.
ADDRESSES = {"lab": "lab/workspaces/{desk}/tree/{path}", "notebook": "notebooks/{path}"}
_OPENED = "window.jupyterapp?.shell.currentWidget?.context"
_KERNEL_IDLE = f"""path => {_OPENED}?.path === path
    && {_OPENED}.sessionContext.session?.kernel?.status === "idle" """
_RUN_ALL = "() => window.jupyterapp.commands.execute('notebook:run-all-cells')"
_OUTPUTS = "() => [...document.querySelectorAll('.jp-OutputArea-output')].map(found => found.innerHTML.slice(0, 400))"
_COUNT_PRESSES = """
window.presses = 0;
addEventListener("click", event => { if (event.isTrusted) window.presses += 1; }, true);
"""


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
        said: what the front end has written into the browser's console.
    """

    page: Page
    server: Jupyter
    errors: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    name: str = field(default_factory=lambda: uuid4().hex)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(PATIENCE)
        self.page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", self._threw)
        self.page.on("request", self._asked)
        self.page.add_init_script(_COUNT_PRESSES)

    def _threw(self, error: Error) -> None:
        if "blob:" in (error.stack or ""):  # a widget's module: Notebook 7 has errors of its own
            self.errors.append(str(error))

    def _asked(self, request: Request) -> None:
        if urlsplit(request.url).scheme not in {"data", "blob"} and not request.url.startswith(
            self.server.url
        ):
            self.outside.append(request.url)

    # --- the notebook --------------------------------------------------------------------------------

    def open(self, path: Path, front: str = "lab") -> None:
        """Open a notebook below the server's root and wait for its kernel.

        Args:
            path: of the notebook.
            front: one of `ADDRESSES`.
        """
        place = path.relative_to(self.server.root).as_posix()
        address = ADDRESSES[front].format(desk=self.name, path=place)
        self.page.goto(f"{self.server.url}{address}?token={TOKEN}")
        self.page.wait_for_selector(".jp-Notebook .jp-CodeCell")
        self.page.wait_for_function(_KERNEL_IDLE, arg=place)

    def open_again(self, path: Path) -> None:
        """Open a notebook whose kernel lives, until its board is there.

        JupyterLab's widget manager looks for a model for 2 s and gives it up for lost where the kernel
        answers in the last 0.1 s of them: then a person loads the page once more, and so does this.
        """
        board, lost = self.page.locator(".nbf-board"), self.page.get_by_text(BROKEN)
        for _ in range(_LOADS):
            self.open(path)
            board.or_(lost).first.wait_for()
            if not lost.count():
                return

    def run_all(self) -> None:
        """Run all cells, to their end."""
        self.page.evaluate(_RUN_ALL)

    def begin_all(self) -> None:
        """Run all cells, without waiting for them."""
        self.page.evaluate(f"() => {{ ({_RUN_ALL})(); }}")

    def command(self, name: str) -> None:
        """A command of the front end, such as `docmanager:save`, to its end."""
        self.page.evaluate("name => window.jupyterapp.commands.execute(name)", name)

    def cell(self, number: int) -> Locator:
        """A cell of the notebook, from 0."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(number)

    def output(self, number: int) -> Locator:
        """What stands below a cell."""
        return self.cell(number).locator(".jp-OutputArea-output")

    def edit(self, number: int, source: str) -> None:
        """Put other code into a cell, as typing does."""
        self.cell(number).locator(".cm-content").click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(source)

    def told(self) -> str:
        """What stands below the cells, what the console says and the end of the server's log: for a test that failed."""
        try:
            outputs = self.page.evaluate(_OUTPUTS)
        except Error as error:
            outputs = [f"the page doesn't answer: {error}"]
        log = self.server.log.read_text("utf-8", errors="replace").splitlines()
        return "\n".join(("below the cells:", *outputs, "console:", *self.said[-40:], "server:", *log[-40:]))

    def presses(self) -> int:
        """How often the mouse has been pressed since the page was loaded."""
        return self.page.evaluate("window.presses")

    def hide_app(self) -> None:
        """As it is where nobody asked for `expose_app_in_browser`."""
        self.page.evaluate("() => { delete window.jupyterapp; delete window.jupyterlab; }")

    # --- the board -----------------------------------------------------------------------------------

    def board(self, number: int = 0) -> Locator:
        """A board that `%nbflow` has shown, from 0."""
        found = self.page.locator(".nbf-board").nth(number)
        found.wait_for()
        return found

    def lead(self) -> Locator:
        """«59 of 60 succeeded»."""
        return self.board().locator(".nbf-lead")

    def panel(self) -> Locator:
        return self.board().locator("aside.nbf-panel")

    def badge(self) -> Locator:
        """The date that the kernel's cells see."""
        return self.board().locator(".nbf-badge")

    def button(self, name: str) -> Locator:
        """A button of the board."""
        return self.board().get_by_role("button", name=name)

    def bar(self, run_id: str, state: str) -> Locator:
        """The bar of a run, if it is in this state."""
        return self.board().locator(bar(run_id, state))

    def node(self, task_id: str, letter: str) -> Locator:
        """The node of a task in the graph, if it is in this state: s, f, r, n."""
        return self.board().locator(f'.nbf-node.nbf-n-{letter}[data-node="{task_id}"]')

    def wait_for(self, holds: Callable[[], bool]) -> None:
        """Until something outside of the page holds."""
        until = time.monotonic() + PATIENCE / 1000
        while not holds():
            assert time.monotonic() < until
            self.page.wait_for_timeout(50)


def bar(run_id: str, state: str) -> str:
    """The selector of a run's bar in this state."""
    return f'rect.nbf-bar[data-run="{run_id}"].nbf-r-{state}'
