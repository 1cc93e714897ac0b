"""A child as its host sees it: forked ahead of its try, asked cell by cell, watched until it is gone."""

from __future__ import annotations

import os
import select
import signal
import time
from collections import deque
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from nbclient.exceptions import DeadKernelError

from nbflow.execute.brief import TRY_VARIABLE
from nbflow.execute.fork.child import live
from nbflow.execute.fork.post import Post
from nbflow.execute.orphans import note_group

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nbflow.execute.engine import TaskNotebook, TaskRun
    from nbflow.execute.fork.client import ChildClient
    from nbflow.execute.fork.kernel import ChildApp
    from nbflow.execute.fork.orders import Orders
    from nbflow.execute.request import Job

EXIT_GRACE = 1.0  # seconds for atexit handlers and threads, after the last cell
TICK = 0.25  # seconds between looks at whether the notebook is to be saved
_SAID = 10_000  # bytes


class ChildProcess:
    """One child, from the fork to its end.

    Attributes:
        pgid: its process group (and session, and process id).
        engine: what the try's record says of it.
        language_info: of the notebook's metadata.
    """

    def __init__(self, app: ChildApp, orders: Orders, engine: str) -> None:
        self.engine = engine
        self.language_info = app.kernel.language_info
        self._orders = orders
        self._timers: list[tuple[float, Callable[[], None]]] = []
        self._said = b""
        self._status: int | None = None
        self._inbox: deque[dict[str, Any]] = deque()
        self._report: Mapping[str, Any] | None = None
        self._ahead: dict[str, str] = {}
        ours, theirs = Post.pair()
        out, err, words = os.pipe(), os.pipe(), os.pipe()
        host = os.getpid()
        self.pgid = os.fork()
        if self.pgid == 0:
            live(app, theirs, host=host, out=out, err=err, words=words[1])
        theirs.close()
        for writing in (out[1], err[1], words[1]):
            os.close(writing)
        self._post = ours
        self._words = words[0]
        self._left = {"stdout": out[0], "stderr": err[0]}
        self._pidfd = os.pidfd_open(self.pgid)
        self._poll = select.poll()
        for descriptor in (ours.fileno(), self._words, self._pidfd, orders.fileno()):
            self._poll.register(descriptor, select.POLLIN)

    def alive(self) -> bool:
        """Whether it still waits for its try."""
        return not any(descriptor == self._pidfd for descriptor, _ in self._poll.poll(0))

    def start(self, job: Job) -> None:
        """Tell the child whose try it is, and have it run the first cell while papermill prepares."""
        note_group(Path(job.folder), self.pgid)
        content = {"cwd": job.cwd, "environment": {TRY_VARIABLE: job.token}}
        self.ask({"header": {"msg_type": "begin"}, "content": content})
        cells: Any = job.notebook["cells"]
        number = self.execute(cells[0]["source"], cells[0]["id"], own=True, stop_on_error=True)
        self._ahead = {cells[0]["id"]: number}

    def client(self, notebook: TaskNotebook, run: TaskRun, kernel_name: str) -> ChildClient:
        """What runs the notebook's cells in it."""
        from nbflow.execute.fork.client import ChildClient

        return ChildClient(notebook, run, self, kernel_name=kernel_name)

    def ask(self, message: Mapping[str, Any], buffers: tuple[bytes, ...] = ()) -> None:
        """Send a request."""
        with suppress(OSError):  # it has died: `receive` says so
            self._post.send(message, buffers=buffers)

    def execute(self, code: str, cell_id: str, *, own: bool, stop_on_error: bool) -> str:
        """Have a cell run; answers with the id that its messages name as their parent.

        Args:
            code: its text.
            cell_id: nbformat's id of it.
            own: whether nbflow added it: it leaves no trace in the history.
            stop_on_error: whether nothing follows a failure.
        """
        if cell_id in self._ahead:
            return self._ahead.pop(cell_id)
        number = uuid4().hex
        content = {
            "code": code,
            "silent": False,
            "store_history": not own,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": stop_on_error,
        }
        header = {
            "msg_id": number,
            "msg_type": "execute_request",
            "username": "nbflow",
            "session": "nbflow",
            "date": datetime.now(UTC),
            "version": "5.4",
        }
        self.ask(
            {
                "header": header,
                "msg_id": number,
                "msg_type": "execute_request",
                "own_cell": own,
                "parent_header": {},
                "metadata": {"cellId": cell_id},
                "content": content,
            }
        )
        return number

    def receive(self, on_tick: Callable[[], None]) -> dict[str, Any]:
        """The child's next message. What the owner orders meanwhile, and what is due, is done.

        Args:
            on_tick: called now and then while there is none.

        Raises:
            DeadKernelError: there will be none: the child has ended.
        """
        while not self._inbox:
            self._look(TICK)
            if not self._inbox:
                on_tick()
        return self._inbox.popleft()

    def _look(self, longest: float) -> None:
        """Take what comes, once something does, or for so many seconds.

        Raises:
            DeadKernelError: the child has ended, and everything it sent has been taken.
        """
        now = time.monotonic()
        for timer in [timer for timer in self._timers if timer[0] <= now]:
            self._timers.remove(timer)
            timer[1]()
        wait = min([longest, *(due - now for due, _ in self._timers)])
        ready = {descriptor for descriptor, _ in self._poll.poll(max(0.0, wait) * 1000)}
        if self._orders.fileno() in ready:
            self._orders.obey()
        if self._words in ready:
            self._listen()
        gone = self._pidfd in ready and self._post.fileno() not in ready
        if self._post.fileno() in ready:
            try:
                messages = self._post.receive()
            except EOFError:
                gone, messages = True, []
            for message in messages:
                match message["msg_type"]:
                    case "report":
                        self._report = message["content"]
                    case "gone":
                        gone = True
                    case _:
                        self._inbox.append(message)
        if gone and not self._inbox:
            raise DeadKernelError("Kernel died")

    def report(self) -> Mapping[str, Any] | None:
        """What the child has said of how its try went."""
        return self._report

    def _listen(self) -> None:
        said = os.read(self._words, 65_536)
        if not said:
            with suppress(KeyError):  # it has been seen before
                self._poll.unregister(self._words)
        self._said = (self._said + said)[-_SAID:]

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something in so many seconds, unless the cells are through by then."""
        self._timers.append((time.monotonic() + seconds, action))

    def forget_timers(self) -> None:
        """The cells are through."""
        self._timers.clear()

    def signal(self, number: int) -> None:
        """Send a signal to the child and what it started, as far as any of it is there."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pgid, number)

    def exit_status(self) -> int:
        """How it ended; waits for it. Negative: by that signal."""
        if self._status is None:
            _, status = os.waitpid(self.pgid, 0)
            self._status = os.waitstatus_to_exitcode(status)
        return self._status

    def left_over(self) -> dict[str, str]:
        """What the child's descriptors had got when it died, and nobody had read."""
        found: dict[str, str] = {}
        for name, descriptor in self._left.items():
            os.set_blocking(descriptor, False)
            with suppress(BlockingIOError):
                if data := os.read(descriptor, 1_000_000):
                    found[name] = data.decode("utf-8", "replace")
        return found

    def said(self) -> str:
        """What a child that has ended wrote last past its pipes."""
        os.set_blocking(self._words, False)
        with suppress(BlockingIOError):
            self._listen()
        return self._said.decode("utf-8", "replace")

    def ask_to_end(self) -> None:
        """Ask it to end as a program does; `end` waits for it."""
        self.ask({"header": {"msg_type": "shutdown_request"}})

    def end(self) -> None:
        """Let it end, for `EXIT_GRACE` seconds, and end whatever is left of it and of what it started."""
        until = time.monotonic() + EXIT_GRACE
        with suppress(DeadKernelError):
            while (left := until - time.monotonic()) > 0:
                self._look(left)
        self.signal(signal.SIGKILL)

    def bury(self) -> None:
        """Wait until the system has taken its memory back, and forget it."""
        self.exit_status()
        for descriptor in (self._words, self._pidfd, *self._left.values()):
            os.close(descriptor)
        self._post.close()
