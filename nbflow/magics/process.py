"""The command line as a process beside the kernel."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE = 30.0  # seconds that a command may take to stop before its process is ended


def command_line(*arguments: str) -> list[str]:
    """`nbflow ARGUMENTS`, by this kernel's interpreter and so in its environment."""
    return [sys.executable, "-m", "nbflow", *arguments]


def environment() -> dict[str, str]:
    """The kernel's environment variables, for a process whose output goes into a cell as plain text.

    ipykernel sets FORCE_COLOR and its like for shell lines; a progress display would take the cell for a
    terminal and fill it with control sequences.
    """
    plain = {name: value for name, value in os.environ.items() if name not in _FOR_TERMINALS}
    return {**plain, "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1"}


def run_to_its_end(*arguments: str, cwd: Path) -> tuple[int, str]:
    """Run `nbflow ARGUMENTS` in a folder; gives its status and what it printed. An interrupt stops it."""
    # A session of its own: the front end interrupts the kernel's whole process group, and the command is to
    # hear of it once, from us.
    process = subprocess.Popen(
        command_line(*arguments),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        env=environment(),
        start_new_session=True,
    )
    with process:
        try:
            printed, _ = process.communicate()
        finally:
            stop(process)
    return process.returncode, printed


def stop(process: subprocess.Popen[str]) -> None:
    """End the process if it lives: an interrupt first, which lets it stop its tasks and say so."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGINT)
    try:
        process.wait(PATIENCE)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        process.terminate()
        process.wait()


_FOR_TERMINALS = frozenset({"FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "TTY_COMPATIBLE", "TTY_INTERACTIVE"})
