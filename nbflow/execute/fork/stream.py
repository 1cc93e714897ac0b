"""Standard output and error of a child: ipykernel's own stream, without the thread that waits on ZeroMQ."""

from __future__ import annotations

import codecs
import os
import select
import threading
import time
from queue import SimpleQueue
from typing import TYPE_CHECKING

from ipykernel.iostream import IOPubThread, OutStream

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_client.session import Session

_PART = 65_536  # bytes


class Outbox(IOPubThread):
    """What ipykernel's streams take for the thread that publishes: here whoever has something sends it.

    `call_later` has a thread of its own, started by the first text that is to be sent in a while.
    """

    def __init__(self) -> None:
        # not the parent's: it makes sockets
        self.io_loop = self
        self.thread = threading.Thread(daemon=True)  # never started: streams then flush in their own thread
        self._later: SimpleQueue[tuple[float, Callable[[], None]]] = SimpleQueue()
        self._timer: threading.Thread | None = None

    def schedule(self, f: Callable[[], None]) -> None:
        """Call it now."""
        f()

    def call_later(self, delay: float, callback: Callable[[], None]) -> None:
        """Call it after so many seconds, the same in every call."""
        self._later.put((time.monotonic() + delay, callback))
        if self._timer is None:
            self._timer = threading.Thread(target=self._wait, name="IOPub", daemon=True)
            self._timer.start()

    def _wait(self) -> None:
        while True:
            due, callback = self._later.get()
            time.sleep(max(0.0, due - time.monotonic()))
            callback()


class ChildStream(OutStream):
    """One of the two streams, with what reaches its descriptor by C code and subprocesses.

    Args:
        session: sends its messages.
        outbox: of the process.
        name: `stdout` or `stderr`.
        reading, writing: the ends of the pipe that takes the descriptor's place. The host holds the
            reading end too, for what a process that has crashed leaves in it.
    """

    def __init__(self, session: Session, outbox: Outbox, name: str, *, reading: int, writing: int) -> None:
        self._pipe = (reading, writing)
        self._reading, self._sending = threading.RLock(), threading.RLock()  # a signal's handler may print
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.descriptor = reading
        super().__init__(session, outbox, name, watchfd="force")  # type: ignore[arg-type] ipykernel's own word

    def _setup_stream_redirects(self, name: str) -> None:
        number = 1 if name == "stdout" else 2
        self._fid, writing = self._pipe
        self._original_stdstream_fd = number
        self._original_stdstream_copy = os.dup(number)
        os.dup2(writing, number)
        os.close(writing)
        os.set_blocking(self._fid, False)

    def flush(self) -> None:
        """Send everything so far, what the descriptor has got too: it was written before."""
        self.let_through()
        super().flush()

    def _flush(self) -> None:
        """Send what there is. Whoever comes while another thread sends waits: what that one has taken is to be
        on its way before the cell's end is.
        """
        if not self._is_master_process():  # the thread that has the lock may not have been forked
            super()._flush()
            return
        with self._sending:
            super()._flush()

    def let_through(self) -> None:
        """Take what the descriptor has got so far; a process that a cell has forked leaves it to its parent."""
        if not self._is_master_process():
            return
        with self._reading:
            while True:
                try:
                    data = os.read(self._fid, _PART)
                except BlockingIOError:
                    return
                if text := self._decoder.decode(data):
                    self.write(text)
                if len(data) < _PART:
                    return


# There is code that asks for it by this name.
ChildStream.__name__ = OutStream.__name__


def watch(*streams: ChildStream) -> None:
    """Let the output of their descriptors through while a cell is busy, in a thread."""
    known = {stream.descriptor: stream for stream in streams}
    poll = select.poll()
    for descriptor in known:
        poll.register(descriptor, select.POLLIN)

    def work() -> None:
        while True:
            for descriptor, _ in poll.poll():
                known[descriptor].let_through()

    threading.Thread(target=work, name="descriptors", daemon=True).start()
