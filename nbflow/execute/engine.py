"""papermill's engine for a try: a kernel of its own, bounded outputs, few and whole saves."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from jupyter_core.utils import run_sync
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode
from nbformat import v4 as nbformat4
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, NotebookExecutionManager, papermill_engines

from nbflow.execute.kernel import exit_words
from nbflow.execute.outcome import write_whole
from nbflow.execute.output import CellBudget, extend_stream
from nbflow.execute.request import OWN_TAGS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nbflow.execute.kernel import TaskKernel
    from nbflow.execute.output import Log

ENGINE = "nbflow"
SAVE_EVERY = 1.0  # seconds between saves while cells run, at least
ALIVE_EVERY = 0.05  # seconds between looks at whether the kernel lives


class Interrupted(Exception):
    """The try was stopped between two cells."""


class TaskNotebook(NotebookExecutionManager):
    """papermill's record of an execution, written to a path that is taken as it is.

    papermill saves before and after each cell, and formats paths. Here the file is replaced whole, at
    most once in `SAVE_EVERY` seconds and never for more than a twentieth of the time.
    """

    def __init__(self, nb: NotebookNode, path: Path, source: str) -> None:
        super().__init__(nb, progress_bar=False)
        self.path = path
        self.nb.metadata.papermill["input_path"] = source
        self.nb.metadata.papermill["output_path"] = str(path)
        self._next_save = 0.0

    def save(self, **_: object) -> None:
        """Save if it's time; `write` saves in any case."""
        if time.monotonic() >= self._next_save:
            self.write()

    def autosave_cell(self) -> None:
        """Nothing: the client's look at the kernel saves too."""

    def write(self) -> None:
        """Save now."""
        began = time.monotonic()
        write_whole(self.path, nbformat4.writes(self.nb))
        now = time.monotonic()
        self._next_save = now + max(SAVE_EVERY, 20 * (now - began))


class TaskRun:
    """What the engine needs beside the notebook, and what it leaves.

    Attributes:
        notebook: papermill's record, once it has begun.
        cell: the cell that runs or ran last (as in the one-task notebook), None before the first.
        cut: the cells whose outputs were cut, with how much they printed.
    """

    def __init__(
        self, *, kernel: TaskKernel, log: Log, path: Path, source: str, stopped: Callable[[], bool]
    ) -> None:
        self.kernel = kernel
        self.log = log
        self.path = path
        self.source = source
        self.stopped = stopped
        self.notebook: TaskNotebook | None = None
        self.cell: NotebookNode | None = None
        self.cut: dict[str, CellBudget] = {}


class KernelEngine(Engine):
    """Runs a notebook in a kernel that has been started for it."""

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
        """Run the cells in the kernel of `run`."""
        TaskClient(nb_man, run, kernel_name=kernel_name).execute()


class TaskClient(PapermillNotebookClient):
    """papermill's client, with outputs that go to the log and are kept within bounds."""

    def __init__(self, nb_man: NotebookExecutionManager, run: TaskRun, *, kernel_name: str) -> None:
        super().__init__(nb_man, km=run.kernel.manager, iopub_timeout=3600, kernel_name=kernel_name)
        self.kc = run.kernel.client
        self._run = run
        self._budget = CellBudget()

    def execute(self, **_: object) -> NotebookNode:
        """Run all cells, up to the first that fails."""
        self.reset_execution_trackers()
        run_sync(self._run.kernel.ready)()
        self.papermill_execute_cells()
        self.nb.metadata["language_info"] = self._run.kernel.language_info
        self.set_widgets_metadata()
        return self.nb

    async def async_execute_cell(
        self,
        cell: NotebookNode,
        cell_index: int,
        execution_count: int | None = None,
        store_history: bool = True,
    ) -> NotebookNode:
        """Run one cell; a kernel that dies in it leaves an error output there. Only the user's cells count."""
        own = not OWN_TAGS.isdisjoint(cell.metadata.get("tags", ()))
        if self._run.stopped():
            raise Interrupted
        if cell.cell_type == "code":
            self._run.cell = cell
            self._run.kernel.client.cell_id = cell.id
            self._budget = CellBudget()
        try:
            return await super().async_execute_cell(
                cell, cell_index, execution_count, store_history and not own
            )
        except DeadKernelError as error:
            died = f"the kernel died: {exit_words(self._run.kernel.process.wait())}"
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

    execute_cell = run_sync(async_execute_cell)

    async def _async_poll_kernel_alive(self) -> None:
        # nbclient looks once a second
        while True:
            await asyncio.sleep(ALIVE_EVERY)
            if self._run.kernel.process.poll() is not None:
                if self.task_poll_for_reply is not None:
                    self.task_poll_for_reply.cancel()
                return
            self.nb_man.save()

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


papermill_engines.register(ENGINE, KernelEngine)
