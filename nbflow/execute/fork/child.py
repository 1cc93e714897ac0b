"""The life of a child, from the fork to its end: a process of its own, whatever its host was."""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
import threading
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from nbflow.execute.fork.kernel import serve
from nbflow.execute.fork.stream import ChildStream, Outbox, watch
from nbflow.execute.process import end_with_parent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbflow.execute.fork.kernel import ChildApp
    from nbflow.execute.fork.post import Post

GONE = "gone"  # the message type of a child's last word
CRASHED = 70  # exit status of a child that could not begin


def live(
    app: ChildApp, post: Post, *, host: int, out: tuple[int, int], err: tuple[int, int], words: int
) -> NoReturn:
    """Be the child: answer the host's requests, then end as a Python program ends.

    Args:
        app: with the kernel that runs the cells.
        post: to the host.
        host: its process id.
        out: the pipe that takes the place of descriptor 1, reading end first.
        err: that of descriptor 2.
        words: a descriptor for what is written past those pipes: the report of a crash.
    """
    status = CRASHED
    try:
        os.setsid()
        end_with_parent(host)
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor, target in ((null, 0), (null, 1), (words, 2)):
            os.dup2(descriptor, target)
        _close_others({0, 1, 2, words, post.fileno(), *out, *err})
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # but while a cell runs, as ipykernel has it
        # As for any kernel; what is inherited names another's parent.
        os.environ["JPY_PARENT_PID"] = str(host)
        _draw_anew()
        _be_the_process(app, post, out, err)
        serve(app, post)
        _finish(app)
        status = 0
        app.session.tell(GONE, None)
    except EOFError:
        status = 0  # nobody is there any more to be told
    except BaseException:  # noqa: BLE001 the host reads it
        os.write(words, traceback.format_exc().encode())
    finally:
        os._exit(status)


def _be_the_process(app: ChildApp, post: Post, out: tuple[int, int], err: tuple[int, int]) -> None:
    """Make what names a process name this one, and its output go to the host."""
    app.session.begin(post)
    outbox = Outbox()
    sys.stdout = stdout = ChildStream(app.session, outbox, "stdout", reading=out[0], writing=out[1])
    sys.stderr = stderr = ChildStream(app.session, outbox, "stderr", reading=err[0], writing=err[1])
    app.iopub_thread = app.kernel.iopub_thread = outbox
    app.kernel._stdout, app.kernel._stderr = stdout, stderr
    watch(stdout, stderr)
    sys.breakpointhook = _go_on


def _go_on(*_args: object, **_options: object) -> None:
    """What `breakpoint()` does in a kernel that no debugger is connected to."""


def _draw_anew() -> None:
    """Give the global random sources states of their own; Python does `random` itself."""
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.set_state(numpy_random.RandomState().get_state())


def _close_others(kept: Iterable[int]) -> None:
    """Close every descriptor but these."""
    following = 0
    for descriptor in sorted(kept):
        if following < descriptor:  # an empty range from 0 would close everything
            os.closerange(following, descriptor)
        following = descriptor + 1
    os.closerange(following, os.sysconf("SC_OPEN_MAX"))


def _finish(app: ChildApp) -> None:
    """What the interpreter does at its end, but for tearing down its memory: the system does that.

    IPython's own exit handler closes its history and sets the shell up anew; here it is enough that temporary
    files go and that the notebook's variables do, for the sake of those who notice (open files).
    """
    shell = app.kernel.shell
    atexit.unregister(shell.atexit_operations)
    threading._shutdown()  # type: ignore[attr-defined]  (waits for threads that aren't daemons)
    atexit._run_exitfuncs()
    for path in (*shell.tempfiles, *shell.tempdirs):
        with suppress(OSError):
            path.rmdir() if path.is_dir() else path.unlink()
    shell.user_ns.clear()
    shell.user_ns_hidden.clear()
    gc.collect()
    for stream in (sys.__stdout__, sys.__stderr__):
        if stream is not None:
            stream.flush()
