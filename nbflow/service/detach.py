"""Starting this program once more, in a process that outlives the one that starts it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from nbflow.service.clock import now

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from nbflow.store.home import Home


def detached(home: Home, arguments: Sequence[str], *, folder: Path | None = None) -> tuple[int, Path]:
    """Start `nbflow ARGUMENTS` in a session of its own; its process id, and the file it writes to.

    Args:
        home: whose work it does.
        arguments: the words of the command.
        folder: where it starts; None: in the working directory.

    Raises:
        HomeError: the home can't be written.
    """
    home.create()
    logs = home.root / "detached"
    logs.mkdir(exist_ok=True)
    log = logs / f"{now():%Y%m%dT%H%M%S.%f}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "nbflow", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=folder,
        )
    process.returncode = 0  # nobody waits for it: not even this object, when it goes
    return process.pid, log
