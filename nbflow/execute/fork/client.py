"""Running a notebook's cells in a host's child: papermill's client, one message after another."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from jupyter_client.session import Session
from nbclient.client import timestamp
from nbclient.exceptions import CellExecutionComplete, DeadKernelError

from nbflow.execute.engine import TaskClient

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from jupyter_client.client import KernelClient
    from nbformat import NotebookNode

    from nbflow.execute.engine import TaskNotebook, TaskRun
    from nbflow.execute.fork.process import ChildProcess


class ChildClient(TaskClient):
    """papermill's client of a child; nbclient's own code makes the outputs of its messages."""

    def __init__(
        self, notebook: TaskNotebook, run: TaskRun, child: ChildProcess, *, kernel_name: str
    ) -> None:
        super().__init__(notebook, run, kernel_name=kernel_name)
        self._child = child
        # What nbclient's output widget answers a kernel with.
        answering = SimpleNamespace(session=_session(), shell_channel=SimpleNamespace(send=self._send))
        self.kc = cast("KernelClient", answering)

    def execute_cell(
        self,
        cell: NotebookNode,
        cell_index: int,
        execution_count: int | None = None,
        store_history: bool = True,
    ) -> NotebookNode:
        """Run one cell."""
        with self.running(cell, cell_index) as own:
            tags = cell.metadata.get("tags", ())
            if cell.cell_type != "code" or not cell.source.strip() or self.skip_cells_with_tag in tags:
                return cell
            cell.metadata["execution"] = {}
            number = self._child.execute(
                cell.source,
                cell.id,
                own=own or not store_history,
                stop_on_error="raises-exception" not in tags,
            )
            if cell_index == len(self.nb.cells) - 1:
                self._child.ask_to_end()  # when it has answered
            self.code_cells_executed += 1
            cell.outputs = []
            self.clear_before_next_output = False
            reply = self._until_idle(number, cell, cell_index)
            _finished(self._check_raise_for_error(cell, cell_index, reply))
        return cell

    def _until_idle(self, number: str, cell: NotebookNode, cell_index: int) -> dict[str, Any]:
        """Take the cell's messages up to its last; gives the reply."""
        reply: dict[str, Any] = {}
        while True:
            try:
                message = self._child.receive(self.nb_man.save)
            except DeadKernelError:
                for name, text in self._child.left_over().items():
                    self.process_message(_stream(name, text), cell, cell_index)
                raise
            if message["parent_header"]["msg_id"] != number:
                continue  # of a thread that an earlier cell started, say
            message["header"]["date"] = datetime.fromisoformat(message["header"]["date"])
            if message["channel"] == "shell":
                cell.metadata["execution"]["shell.execute_reply"] = timestamp(message)
                reply = message
                continue
            try:
                self.process_message(message, cell, cell_index)
            except CellExecutionComplete:
                return reply

    def _send(self, message: dict[str, Any]) -> None:
        header = {"msg_id": message["header"]["msg_id"], "msg_type": message["header"]["msg_type"]}
        self._child.ask(
            {
                "header": header,
                "parent_header": {},
                "metadata": message["metadata"],
                "content": message["content"],
            },
            tuple(message.get("buffers", ())),
        )


def _stream(name: str, text: str) -> dict[str, Any]:
    """The message that would have come of what was written to a descriptor."""
    return {
        "msg_type": "stream",
        "header": {"msg_type": "stream"},
        "parent_header": {},
        "metadata": {},
        "content": {"name": name, "text": text},
    }


@cache
def _session() -> Session:
    """Builds messages; none is sent through it."""
    return Session()


def _finished(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine that never waits."""
    try:
        work.send(None)
    except StopIteration:
        return
    msg = "nbclient waits for a hook that nobody has set"
    raise AssertionError(msg)
