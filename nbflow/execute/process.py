"""What the process of a kernel or host needs beside its Python code: its parent, descriptors, crashes, end."""

from __future__ import annotations

import os
import signal
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ctypes

_SET_DEATH_SIGNAL = 1  # prctl's PR_SET_PDEATHSIG
_COLLAPSE = 25  # madvise's MADV_COLLAPSE
_HUGE = 2 << 20  # bytes of a huge page


def end_with_parent(parent: int | None = None) -> None:
    """Have this process killed when the thread that started it ends (Linux; elsewhere nothing).

    Args:
        parent: who should be the parent; when it is somebody else by now, this process ends at once.
    """
    if not sys.platform.startswith("linux"):
        return
    libc().prctl(_SET_DEATH_SIGNAL, signal.SIGKILL)
    if parent is not None and os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


@cache
def libc() -> ctypes.CDLL:
    """The C library of this process."""
    import ctypes

    return ctypes.CDLL(None)


def use_huge_pages() -> None:
    """Have the memory of this process lie in pages of 2 MB as far as it can: a fork is then a third shorter,
    for it copies an entry for each page. Nothing happens where the system can't (before Linux 6.1).
    """
    import ctypes

    advise = libc().madvise
    advise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    for line in Path("/proc/self/maps").read_text("ascii", "replace").splitlines():
        places, rights, _, _, file, *name = line.split(maxsplit=5)
        if rights == "rw-p" and file == "0" and (not name or name == ["[heap]"]):
            first, last = (int(place, 16) for place in places.split("-"))
            first, last = first + -first % _HUGE, last - last % _HUGE
            if first < last:
                advise(first, last - first, _COLLAPSE)


def let_output_through() -> None:
    """Wait until ipykernel's threads have read what subprocesses and C code wrote to the descriptors.

    Else it would come after the cell, when nobody takes it any more.
    """
    import fcntl
    import struct
    import termios
    import time

    for _ in range(100):
        time.sleep(0.0005)  # the reading threads get the interpreter
        try:
            waiting = [fcntl.ioctl(descriptor, termios.FIONREAD, b"\0" * 4) for descriptor in (1, 2)]
        except OSError:
            return  # they are no pipes
        if not any(struct.unpack("i", count)[0] for count in waiting):
            return


def leave_sockets_open() -> None:
    """Have the kernel not close its sockets one by one when it exits: the system does that.

    ipykernel stops the thread that prints while the thread that was asked to shut down still flushes its
    output; now and then each waits for the other, for ten seconds.
    """
    import atexit

    from ipykernel.kernelapp import IPKernelApp

    atexit.unregister(IPKernelApp.instance().close)


def tell_of_crashes(hang: Path, timeout: float | None) -> None:
    """Have a crash's traceback written where the host reads it, and a hang's into a file.

    The second is for a kernel that doesn't answer the timeout's interrupt. A thread without Python in it
    writes it, so that it works in a call that never comes back.

    Args:
        hang: the file.
        timeout: seconds from now to the interrupt, None for never.
    """
    import faulthandler

    faulthandler.enable(file=sys.stderr)  # its descriptor: the default one is a pipe into this process
    if timeout is not None:
        file = hang.open("w", encoding="utf-8")
        faulthandler.dump_traceback_later(timeout + 2.0, file=file)


def exit_words(status: int) -> str:
    """«exit status 3», «killed by signal 9 (SIGKILL)»."""
    if status >= 0:
        return f"exit status {status}"
    name = signal.Signals(-status).name if -status in set(signal.Signals) else "unknown"
    return f"killed by signal {-status} ({name})"
