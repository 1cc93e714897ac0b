"""papermill's engine for a try: whatever runs its cells, bounded outputs, few and whole saves."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode
from nbformat import v4 as nbformat4
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, NotebookExecutionManager, papermill_engines

from nbflow.errors import NbflowError
from nbflow.execute.outcome import write_whole
from nbflow.execute.output import CellBudget, extend_stream
from nbflow.execute.process import exit_words
from nbflow.execute.task_notebook import OWN_TAGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from jupyter_client.manager import AsyncKernelManager

    from nbflow.execute.output import Log
    from nbflow.execute.request import Job

ENGINE = "nbflow"
SAVE_EVERY = 1.0  # seconds between saves while cells run, at least


class Interrupted(Exception):
    """The try was stopped between two cells."""


class KernelDidNotStart(NbflowError, RuntimeError):
    """The kernel's process ended, or stayed silent, before the first cell."""


class TaskNotebook(NotebookExecutionManager):
    """papermill's record of an execution, written to a path that is taken as it is.

    papermill saves before and after each cell, and formats paths. Here the file is replaced whole, at
    most once in `SAVE_EVERY` seconds, never for more than a twentieth of the time, and at the end.
    """

    def __init__(self, nb: NotebookNode, path: Path, source: str) -> None:
        super().__init__(nb, progress_bar=False)
        self.path = path
        self.nb.metadata.papermill["input_path"] = source
        self.nb.metadata.papermill["output_path"] = str(path)
        self._next_save = time.monotonic() + SAVE_EVERY

    def save(self, **_: object) -> None:
        """Save if it's time; `write` saves in any case."""
        if time.monotonic() >= self._next_save:
            self.write()

    def autosave_cell(self) -> None:
        """Nothing: the client's look at the kernel saves too."""

    def write(self) -> None:
        """Save now."""
        began = time.monotonic()
        write_whole(self.path, nbformat4.writes(self.nb, indent=None))  # indented it takes ten times as long
        now = time.monotonic()
        self._next_save = now + max(SAVE_EVERY, 20 * (now - began))


class TryProcess(Protocol):
    """A process that runs the cells of one try: a Jupyter kernel, or the child of a host.

    Attributes:
        pgid: its process group.
        engine: what it is and why, for the try's record.
        language_info: what it says of its language, for the notebook's metadata.
    """

    pgid: int
    engine: str
    language_info: dict[str, object]

    def start(self, job: Job) -> None:
        """Begin; `pgid` is set when this returns."""
        ...

    def client(self, notebook: TaskNotebook, run: TaskRun, kernel_name: str) -> TaskClient:
        """What runs the notebook's cells in it."""
        ...

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something in so many seconds, unless the cells are through by then."""
        ...

    def forget_timers(self) -> None:
        """The cells are through."""
        ...

    def signal(self, number: int) -> None:
        """Send a signal to the process and what it started, as far as any of it is there."""
        ...

    def exit_status(self) -> int:
        """How it ended; waits for it. Negative: by that signal."""
        ...

    def said(self) -> str:
        """What a process that has ended wrote last past Jupyter: a crash's report."""
        ...

    def report(self) -> Mapping[str, Any] | None:
        """What the bridge has said of how the try went; None when it didn't come so far."""
        ...

    def ask_to_end(self) -> None:
        """Ask it to end as a program does; `end` waits for it."""
        ...

    def end(self) -> None:
        """End it, and whatever it started."""
        ...


class TaskRun:
    """What the engine needs beside the notebook, and what it leaves.

    Attributes:
        notebook: papermill's record, once it has begun.
        cell: the cell that runs or ran last (as in the one-task notebook), None before the first.
        cut: the cells whose outputs were cut, with how much they printed.
    """

    def __init__(
        self, *, process: TryProcess, log: Log, path: Path, source: str, stopped: Callable[[], bool]
    ) -> None:
        self.process = process
        self.log = log
        self.path = path
        self.source = source
        self.stopped = stopped
        self.notebook: TaskNotebook | None = None
        self.cell: NotebookNode | None = None
        self.cut: dict[str, CellBudget] = {}


class TaskEngine(Engine):
    """Runs a notebook in a process that is there for it."""

    @classmethod
    def execute_notebook(  # type: ignore[override]
        cls, nb: NotebookNode, kernel_name: str, *, run: TaskRun, **_: object
    ) -> NotebookNode:
        """What `papermill.execute_notebook(engine_name="nbflow", run=...)` calls."""
        run.notebook = notebook = TaskNotebook(nb, run.path, run.source)
        notebook.notebook_start()
        try:
            cls.execute_managed_notebook(notebook, kernel_name, run=run)
        finally:
            notebook.notebook_complete()
        return notebook.nb

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: NotebookExecutionManager, kernel_name: str, *, run: TaskRun, **_: object
    ) -> None:
        """Run the cells in the process of `run`."""
        assert isinstance(nb_man, TaskNotebook)  # noqa: S101 (made above)
        run.process.client(nb_man, run, kernel_name).execute()


class TaskClient(PapermillNotebookClient):
    """papermill's client, with outputs that go to the log and are kept within bounds.

    Subclasses say how a cell gets into the process and its messages come out.
    """

    def __init__(
        self,
        notebook: TaskNotebook,
        run: TaskRun,
        *,
        kernel_name: str,
        manager: AsyncKernelManager | None = None,
    ) -> None:
        super().__init__(notebook, km=manager, iopub_timeout=3600, kernel_name=kernel_name)
        self._run = run
        self._budget = CellBudget()

    def execute(self, **_: object) -> NotebookNode:
        """Run all cells, up to the first that fails."""
        self.reset_execution_trackers()
        self.papermill_execute_cells()
        self.nb.metadata["language_info"] = self._run.process.language_info
        self.set_widgets_metadata()
        return self.nb

    @contextmanager
    def running(self, cell: NotebookNode, cell_index: int) -> Iterator[bool]:
        """Around one cell: gives whether nbflow added it, for only the user's cells count.

        A process that dies in it leaves an error output there.

        Raises:
            Interrupted: the try was stopped before.
        """
        own = not OWN_TAGS.isdisjoint(cell.metadata.get("tags", ()))
        if self._run.stopped():
            raise Interrupted
        if cell.cell_type == "code":
            self._run.cell = cell
            self._budget = CellBudget()
        try:
            yield own
        except DeadKernelError as error:
            died = f"the kernel died: {exit_words(self._run.process.exit_status())}"
            cell.outputs.append(
                nbformat4.new_output("error", ename="DeadKernelError", evalue=died, traceback=[died])
            )
            self.nb_man.cell_exception(cell, cell_index=cell_index, exception=error)
            raise
        finally:
            if own:
                cell.execution_count = None
            if self._budget.dropped or self._budget.data_dropped:
                self._run.cut[cell.id] = self._budget

    def process_message(
        self, msg: dict[str, Any], cell: NotebookNode, cell_index: int
    ) -> NotebookNode | None:
        """Take one message of the kernel: into the log, and into the cell as far as it fits."""
        content = msg["content"]
        match msg["msg_type"]:
            case "stream":
                self._run.log.write(content["text"])
                content["text"] = kept = self._budget.stream(content["text"])
                if not kept:
                    return None
                hooked = self.output_hook_stack[msg["parent_header"].get("msg_id")]
                if (
                    not hooked
                    and not self.clear_before_next_output
                    and extend_stream(cell.outputs, content["name"], kept)
                ):
                    return None
            case "display_data" | "execute_result" | "update_display_data":
                if not self._budget.fits(content["data"]):
                    content["data"] = {
                        "text/plain": "[nbflow: a display was left out: too much in this cell]"
                    }
            case _:
                pass
        return super().process_message(msg, cell, cell_index)


papermill_engines.register(ENGINE, TaskEngine)
