"""The Jupyter kernel of a try, over Unix sockets, without fixed waits."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from queue import Empty
from typing import TYPE_CHECKING, Any

import zmq.asyncio
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from jupyter_core.utils import run_sync

from nbflow.execute.brief import REPORT_FILE, TRY_VARIABLE
from nbflow.execute.engine import KernelDidNotStart
from nbflow.execute.kernelspec import kernel_spec
from nbflow.execute.orphans import note_group
from nbflow.execute.process import exit_words
from nbflow.model.environment import changed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nbflow.execute.engine import TaskNotebook, TaskRun
    from nbflow.execute.kernel_client import KernelClient
    from nbflow.execute.request import Job

START_TIMEOUT = 120.0  # seconds until a kernel that doesn't answer is given up
EXIT_GRACE = 1.0  # seconds for atexit handlers and threads, after the last cell
_SAID = 10_000  # bytes


class TaskKernelClient(AsyncKernelClient):
    """A client that says which cell it runs, as JupyterLab does.

    Attributes:
        cell_id: goes with the next `execute`.
    """

    cell_id: str = ""

    def execute(
        self,
        code: str,
        silent: bool = False,
        store_history: bool = True,
        user_expressions: dict[str, Any] | None = None,
        allow_stdin: bool | None = None,
        stop_on_error: bool = True,
    ) -> str:
        """Ask the kernel to run a cell; answers with the id of the request."""
        content = {
            "code": code,
            "silent": silent,
            "store_history": store_history,
            "user_expressions": user_expressions or {},
            "allow_stdin": bool(allow_stdin),
            "stop_on_error": stop_on_error,
        }
        message = self.session.msg("execute_request", content, metadata={"cellId": self.cell_id})
        self.shell_channel.send(message)
        return message["header"]["msg_id"]


class TaskKernel:
    """One kernel from start to end.

    Args:
        sockets: a private folder with a short path (`socket_folder`).
        name: of its kernelspec.
        why: why a kernel, for the try's record.

    Attributes:
        manager: for nbclient.
        connected: the client, once `start` has returned.
        language_info: what the kernel says of its language, once it is ready.
        pgid: its process group (and session).
        process: to ask for its exit status.
        engine: for the try's record.
    """

    connected: TaskKernelClient
    language_info: dict[str, object]
    pgid: int
    process: subprocess.Popen[bytes]

    def __init__(self, sockets: Path, name: str, why: str) -> None:
        self.engine = f"kernel {name} ({why})"
        self._timers: list[threading.Timer] = []
        self._folder = Path(tempfile.mkdtemp(prefix="", dir=sockets))
        self._said = b""
        self._silent = threading.Event()
        context = zmq.asyncio.Context.instance()
        transport = "ipc" if zmq.has("ipc") else "tcp"
        self.manager = AsyncKernelManager(
            context=context, transport=transport, connection_file=str(self._folder / "k.json")
        )
        if transport == "ipc":
            self.manager.ip = str(self._folder / "k")
        spec = kernel_spec(name)
        self.manager._kernel_spec = spec
        self._provisioner = LocalProvisioner(kernel_id="nbflow", kernel_spec=spec, parent=self.manager)
        self.manager.provisioner = self._provisioner

    def start(self, job: Job) -> None:
        """Start the process; `ready` waits for it."""
        self._try = Path(job.folder)
        environment = {**job.environment, TRY_VARIABLE: job.token}
        run_sync(self._start)(cwd=Path(job.cwd), environment=environment)
        note_group(self._try, self.pgid)

    async def _start(self, *, cwd: Path, environment: Mapping[str, str | None]) -> None:
        inherited = {**os.environ}
        inherited.pop("PYTEST_CURRENT_TEST", None)  # under it ipykernel doesn't read file descriptors
        reading, writing = os.pipe()
        try:
            await self.manager.start_kernel(
                cwd=str(cwd), env=changed(inherited, environment), stdout=subprocess.DEVNULL, stderr=writing
            )
        finally:
            os.close(writing)
            threading.Thread(target=self._listen, args=(reading,), name="stderr", daemon=True).start()
        if self._provisioner.process is None:
            msg = "the kernel's process could not be started"
            raise KernelDidNotStart(msg)
        self.process = self._provisioner.process
        self.pgid = self.process.pid
        self.connected = TaskKernelClient(
            **self.manager.get_connection_info(session=True),
            parent=self.manager,
            context=self.manager.context,
        )
        self.connected.start_channels(stdin=False, hb=False)

    def client(self, notebook: TaskNotebook, run: TaskRun, kernel_name: str) -> KernelClient:
        """What runs the notebook's cells in it."""
        from nbflow.execute.kernel_client import KernelClient

        return KernelClient(notebook, run, self, kernel_name=kernel_name)

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something in so many seconds, in a thread, unless the cells are through by then."""
        timer = threading.Timer(seconds, action)
        timer.daemon = True
        self._timers.append(timer)
        timer.start()

    def forget_timers(self) -> None:
        """The cells are through."""
        for timer in self._timers:
            timer.cancel()

    async def ready(self) -> None:
        """Wait until the kernel answers and its outputs arrive here.

        Outputs are known to arrive once one did, so there is no wait for silence: nbclient goes by each
        output's parent anyway.

        Raises:
            KernelDidNotStart: its process ended or stayed silent.
        """
        until = time.monotonic() + START_TIMEOUT
        asked: set[str] = set()
        while True:
            asked.add(self.connected.kernel_info())
            reply = await self._reply(asked, until)
            with suppress(Empty):
                await self.connected.get_iopub_msg(timeout=0.2)
                self.language_info = reply["content"]["language_info"]
                return

    async def _reply(self, asked: set[str], until: float) -> dict[str, Any]:
        while True:
            with suppress(Empty):
                reply = await self.connected.get_shell_msg(timeout=0.2)
                if reply["parent_header"].get("msg_id") in asked:
                    return reply
            if (status := self.process.poll()) is not None:
                msg = f"the kernel ended before its first cell ({exit_words(status)}); its log says why"
                raise KernelDidNotStart(msg)
            if time.monotonic() > until:
                msg = f"the kernel did not answer within {START_TIMEOUT:.0f} s"
                raise KernelDidNotStart(msg)

    def _listen(self, reading: int) -> None:
        """Keep the end of what the process writes past Jupyter: a crash's report."""
        with os.fdopen(reading, "rb", buffering=0) as stream:
            while part := stream.read(65536):
                self._said = (self._said + part)[-_SAID:]
        self._silent.set()

    def said(self) -> str:
        """What a process that has ended wrote last past Jupyter."""
        self._silent.wait(1)
        return self._said.decode("utf-8", "replace")

    def signal(self, number: int) -> None:
        """Send a signal to the kernel and what it started, if any of it is still there."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pgid, number)

    def exit_status(self) -> int:
        """How it ended; waits for it. Negative: by that signal."""
        return self.process.wait()

    def report(self) -> Mapping[str, Any] | None:
        """What the bridge has said of how the try went; None when it didn't come so far."""
        path = self._try / REPORT_FILE
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

    def ask_to_end(self) -> None:
        """Ask a kernel that lives to end; `end` waits for it."""
        if self.process.poll() is None:
            with suppress(zmq.ZMQError):
                run_sync(self.manager.request_shutdown)()

    def end(self) -> None:
        """End the kernel and everything it started.

        A kernel that was asked to end has `EXIT_GRACE` to run its atexit handlers and to wait for its
        threads: then it is killed, so that nothing of a try outlives it.
        """
        run_sync(self._end)()

    async def _end(self) -> None:
        until = time.monotonic() + EXIT_GRACE
        while self.process.poll() is None and time.monotonic() < until:
            await asyncio.sleep(0.002)
        self.signal(signal.SIGKILL)
        self.process.wait()
        self.connected.stop_channels()
        await self.manager.cleanup_resources()
        shutil.rmtree(self._folder, ignore_errors=True)
