"""The memory of everything a tool runs: the proportional set size (PSS) of a tree of processes.

PSS counts a page that n processes share as a n-th in each, so sums over processes are true.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from work import HOLDERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PR_SET_CHILD_SUBREAPER = 36
READY_SECONDS = 180
SETTLE_SECONDS = 2


def keep_orphans() -> None:
    """Make this process the parent of every descendant whose own parent ends, so that none gets lost."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def descendants(root: int) -> Iterator[int]:
    """The processes below `root`, parents first."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(folder.name))
    waiting = children.get(root, [])
    while waiting:
        process = waiting.pop()
        yield process
        waiting.extend(children.get(process, []))


def pss(process: int) -> int:
    """Bytes of one process; 0 once it has ended."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def all_pss() -> int:
    """Bytes of this process and all below it."""
    return sum(pss(process) for process in (os.getpid(), *descendants(os.getpid())))


def end_descendants() -> None:
    """Stop whatever is left below this process: asked first, then by force."""
    for number, seconds in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 2.0)):
        for process in descendants(os.getpid()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            if not list(descendants(os.getpid())):
                return
            time.sleep(0.05)


def holding(folder: Path, count: int, start: Callable[[Path], Callable[[], None]]) -> int:
    """Bytes in use while `count` tasks hold still.

    Args:
        folder: empty; the tasks leave their `holds-N.txt` here and end when `go` appears.
        count: how many tasks will hold.
        start: begins them and returns at once, with a function that waits for their end.
    """
    folder.mkdir(parents=True)
    wait = start(folder)
    limit = time.monotonic() + READY_SECONDS
    try:
        while len(list(folder.glob("holds-*.txt"))) < count:
            if time.monotonic() > limit:
                raise TimeoutError(f"not {count} tasks at once within {READY_SECONDS} s")
            time.sleep(0.05)
        time.sleep(SETTLE_SECONDS)
        used = all_pss()
    finally:
        (folder / "go").touch()
    wait()
    return used


def further_task(folder: Path, start: Callable[[Path, int], Callable[[], None]]) -> float:
    """MB that each further task adds: all processes with `HOLDERS` tasks, less those with one."""
    sizes = [
        holding(folder / f"{count}-at-once", count, lambda place, count=count: start(place, count))
        for count in (1, HOLDERS)
    ]
    return (sizes[1] - sizes[0]) / (HOLDERS - 1) / 1e6
