"""ipykernel's kernel without its sockets: built once in the stem, used once in each child.

It is ipykernel's own application, kernel and shell, so that a cell finds what it finds in any Jupyter
kernel. Only the ways in and out are others: requests are handed to `ChildKernel.shell_main`, and the session
sends through a `Post`.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import ipykernel_launcher
from ipykernel.displayhook import ZMQDisplayHook
from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp
from tornado.ioloop import IOLoop

from nbflow.execute.chance import chance_states
from nbflow.execute.fork.session import ChildSession

if TYPE_CHECKING:
    from ipykernel.zmqshell import ZMQInteractiveShell

    from nbflow.execute.fork.post import Post

IN_MEMORY = "--HistoryManager.hist_file=:memory:"
_BRIDGE = "nbflow.execute.bridge"
_MAGICS = frozenset({"%load_ext", "%nbflow_try", "%nbflow_inputs", "%nbflow_outputs"})
_REHEARSAL = f"%load_ext {_BRIDGE}\n0"
_IOPUB = object()  # stands for the socket that ipykernel publishes on


class ChildKernel(IPythonKernel):
    """ipykernel's kernel, whose requests come one at a time from its host."""

    shell: ZMQInteractiveShell  # type: ignore[assignment] it always has one
    session: ChildSession  # type: ignore[assignment]

    _execute_sleep = 0.0  # nothing overtakes anything on its way to the host

    # `do_execute` asks it for the main thread
    shell_channel_thread = SimpleNamespace(parent_thread=threading.main_thread())
    _supports_kernel_subshells = False  # type: ignore[assignment]

    def _abort_queues(self, subshell_id: str | None = None) -> None:
        """Nothing waits: the host sends the next cell when it has seen how this one ended."""

    @property
    def io_loop(self) -> IOLoop:
        """Tornado's face of the event loop, for whoever asks for it."""
        return IOLoop.current()

    async def take(self, message: dict[str, Any]) -> None:
        """Answer one request of the host. Output on the descriptors is let through before its end."""
        self.session.own_cell = message.pop("own_cell", False)
        if not (self.session.own_cell and self._done_at_once(message)):
            await self.shell_main(None, [b"", message])

    def _done_at_once(self, message: dict[str, Any]) -> bool:
        """Whether a cell of nbflow's magics could be done without what IPython does around a cell.

        Where one fails it is IPython's turn from that line on: it shows the error as any cell's.
        """
        if message["header"]["msg_type"] != "execute_request":
            return False
        lines = [line.partition(" ") for line in message["content"]["code"].splitlines()]
        if not all(name in _MAGICS for name, _, _ in lines):
            return False
        self.set_parent([], message)
        for number, (name, _, argument) in enumerate(lines):
            try:
                self.shell.run_line_magic(name.removeprefix("%"), argument)
            except BaseException:  # noqa: BLE001 it will come again
                message["content"]["code"] = "\n".join("".join(line) for line in lines[number:])
                return False
        self._publish_status("busy", "shell")
        self._publish_execute_input(message["content"]["code"], message, self.execution_count)
        reply = {
            "status": "ok",
            "execution_count": self.execution_count,
            "user_expressions": {},
            "payload": [],
        }
        self.session.send(None, "execute_reply", reply, message)
        self._publish_status("idle", "shell")
        return True


class ChildApp(IPKernelApp):
    """ipykernel's application; whoever asks for the running one finds it configured as in any kernel."""

    kernel: ChildKernel
    session: ChildSession
    name = IPKernelApp.name

    def init_connection_file(self) -> None:
        """There are no sockets to connect to."""

    def write_connection_file(self, **_: object) -> None:
        """As above."""

    def log_connection_info(self) -> None:
        """As above."""

    def init_poller(self) -> None:
        """The system ends a child whose host has ended."""

    def init_heartbeat(self) -> None:
        """The host sees its child end."""

    def init_sockets(self) -> None:
        """A session alone."""
        self.session = ChildSession(parent=self)
        self.iopub_socket = _IOPUB

    def init_io(self) -> None:
        """The streams are each child's own (`take_streams`)."""
        self.displayhook = ZMQDisplayHook(self.session, self.iopub_socket)
        sys.displayhook = self.displayhook
        self.patch_io()

    def init_kernel(self) -> None:
        """The kernel, without sockets."""
        self.kernel = kernel = ChildKernel.instance(
            parent=self,
            session=self.session,
            iopub_socket=self.iopub_socket,
            log=self.log,
            profile_dir=self.profile_dir,
            user_ns=self.user_ns,
        )
        self.displayhook.get_execution_count = lambda: kernel.execution_count  # type: ignore[attr-defined]


def build() -> ChildApp:
    """The one application of this process, with its kernel and shell, as `ipykernel_launcher` makes it.

    It has run the start-up files of the person's IPython profile. No thread has been started.
    """
    argv = [ipykernel_launcher.__file__, "-f", "kernel.json", IN_MEMORY]
    sys.argv = argv
    # ipykernel would import debugpy, which patches the interpreter and is of no use without a debugger.
    hidden = "debugpy" not in sys.modules
    if hidden:
        sys.modules["debugpy"] = None  # type: ignore[assignment]
    try:
        app = ChildApp.instance()
        app.initialize(argv[1:])
    finally:
        if hidden:
            del sys.modules["debugpy"]
    _touch(app)
    return app


def _touch(app: ChildApp) -> None:
    """Have the shell make what it makes when it first runs a cell: every child would."""
    shell = app.kernel.shell
    shell.display_formatter.format(0)  # type: ignore[union-attr]
    shell.transform_cell("0\n")
    shell.run_cell(_REHEARSAL, silent=True)


def _begin(app: ChildApp, cwd: str, environment: dict[str, str]) -> None:
    """Be where the notebook is, as a kernel that was started there."""
    os.environ.update(environment)
    os.chdir(cwd)
    shell = app.kernel.shell
    shell.starting_dir = cwd
    shell.user_ns["_dh"][:] = [Path(cwd)]
    if (process := sys.modules.get("multiprocessing.process")) is not None:
        # Taken when it is imported: where spawned processes look for modules.
        process.ORIGINAL_DIR = cwd  # type: ignore[attr-defined]


async def _rehearse(app: ChildApp) -> None:
    """Do once what the first cell does, so that the memory it touches is this process's own by then."""
    app.kernel.shell.extension_manager.loaded.discard(_BRIDGE)  # type: ignore[union-attr]
    await app.kernel.do_execute(_REHEARSAL, silent=True, store_history=False)
    app.kernel.shell.extension_manager.loaded.discard(_BRIDGE)  # type: ignore[union-attr]
    chance_states()


def serve(app: ChildApp, post: Post) -> None:
    """Answer the host's requests on one event loop, in this thread, until it wants no more.

    Raises:
        EOFError: the host is gone.
    """
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)

    async def work() -> None:
        await _rehearse(app)
        requests: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()

        def take() -> None:
            try:
                messages = post.receive()
            except EOFError:
                loop.remove_reader(post.fileno())
                requests.put_nowait(None)
                return
            for message in messages:
                requests.put_nowait(message)

        loop.add_reader(post.fileno(), take)
        while (message := await requests.get()) is not None:
            match message["header"]["msg_type"]:
                case "begin":
                    _begin(app, **message["content"])
                case "shutdown_request":
                    loop.remove_reader(post.fileno())
                    return
                case _:
                    await app.kernel.take(message)
        raise EOFError

    loop.run_until_complete(work())
