"""The command line as a process beside the kernel."""

from __future__ import annotations

import os
import sys


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


_FOR_TERMINALS = frozenset({"FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "TTY_COMPATIBLE", "TTY_INTERACTIVE"})
