"""A scheduler as a process of its own, and what the system says of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from nbformat import write
from nbformat.v4 import new_code_cell, new_notebook

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = (sys.executable, "-m", "nbflow")
_TICKS = os.sysconf("SC_CLK_TCK")


def notebook(path: Path, *cells: str) -> None:
    """Write a notebook of these code cells."""
    write(new_notebook(cells=[new_code_cell(cell) for cell in cells]), path)


def nbflow(folder: Path, *arguments: str) -> str:
    """Have `nbflow` do something in a folder; what it says.

    Raises:
        SystemExit: it fails.
    """
    done = subprocess.run([*COMMAND, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"nbflow {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


@contextmanager
def scheduler(folder: Path, *arguments: str) -> Iterator[int]:
    """A scheduler of the folder's home, while the block lasts; its process id, once it has begun."""
    journal = folder / ".nbflow" / "scheduler.log"
    before = journal.stat().st_size if journal.exists() else 0
    process = subprocess.Popen(
        [*COMMAND, "schedule", *arguments],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while not (journal.exists() and "scheduler begins" in journal.read_text("utf-8")[before:]):
            if process.poll() is not None:
                sys.exit(f"nbflow schedule ended with {process.returncode}")
            time.sleep(0.05)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def cpu_seconds(process: int) -> float:
    """The processor time a process has used, its children's apart."""
    fields = Path(f"/proc/{process}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS  # utime, stime: proc_pid_stat(5)
