"""Running a notebook's cells in a Jupyter kernel: nbclient's way, without its fixed waits."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from jupyter_core.utils import run_sync

from nbflow.execute.engine import TaskClient

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from nbflow.execute.engine import TaskNotebook, TaskRun
    from nbflow.execute.kernel import TaskKernel

ALIVE_EVERY = 0.05  # seconds between looks at whether the kernel lives


class KernelClient(TaskClient):
    """papermill's client of a kernel that has been started."""

    def __init__(self, notebook: TaskNotebook, run: TaskRun, kernel: TaskKernel, *, kernel_name: str) -> None:
        super().__init__(notebook, run, manager=kernel.manager, kernel_name=kernel_name)
        self.kc = kernel.connected
        self._kernel = kernel

    def execute(self, **_: object) -> NotebookNode:
        """Run all cells once the kernel answers, up to the first that fails."""
        run_sync(self._kernel.ready)()
        return super().execute()

    async def async_execute_cell(
        self,
        cell: NotebookNode,
        cell_index: int,
        execution_count: int | None = None,
        store_history: bool = True,
    ) -> NotebookNode:
        """Run one cell."""
        with self.running(cell, cell_index) as own:
            self._kernel.connected.cell_id = cell.id
            return await super().async_execute_cell(
                cell, cell_index, execution_count, store_history and not own
            )

    execute_cell = run_sync(async_execute_cell)

    async def _async_poll_kernel_alive(self) -> None:
        # nbclient looks once a second
        while True:
            await asyncio.sleep(ALIVE_EVERY)
            # An output widget's answer is sent on the socket that the reply is waited for on, and ZeroMQ then
            # may not tell that the reply has come: asking makes it look.
            await self._kernel.connected.shell_channel.socket.poll(1)
            if self._kernel.process.poll() is not None:
                if self.task_poll_for_reply is not None:
                    self.task_poll_for_reply.cancel()
                return
            self.nb_man.save()
