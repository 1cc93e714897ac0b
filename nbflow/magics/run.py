"""`%nbflow run`: a run in a process of its own, watched from the cell."""

from __future__ import annotations

import subprocess
import threading
from typing import TYPE_CHECKING

from nbflow.errors import NbflowError
from nbflow.magics.process import PATIENCE, command_line, environment, stop
from nbflow.magics.stored import stored_grid
from nbflow.service.lookup import find_target
from nbflow.widgets.grid import grid_html
from nbflow.widgets.live import LiveView
from nbflow.widgets.terminal import grid_lines

if TYPE_CHECKING:
    from pathlib import Path

    from nbflow.model.grid import GridView

_EVERY = 0.5  # seconds between two looks at the store
_SHOWN_RUNS = 30


def run_live(notebook: Path, arguments: list[str]) -> None:
    """Run `nbflow run NOTEBOOK ARGUMENTS`, show the grid while it works, and a line when it has ended.

    Interrupting the kernel does what Ctrl-C does on the command line: it stops the run, or where another process
    works on that (a scheduler, say) only the watching.

    Raises:
        NbflowError: the command says that the call was wrong.
        KeyboardInterrupt: the kernel was interrupted; what became of the run has been said.
    """
    picture = _Picture(notebook)  # reads the notebook: its mistakes are found before anything starts
    # A session of its own: the front end interrupts the kernel's whole process group, and the run is to
    # hear of it once, from us.
    process = subprocess.Popen(
        command_line("run", str(notebook), *arguments),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        env=environment(),
        start_new_session=True,
    )
    printed: list[str] = []
    reader = threading.Thread(target=_collect, args=(process, printed), daemon=True)
    reader.start()
    interrupted = False
    try:
        while process.poll() is None:
            picture.look()
            reader.join(_EVERY)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        stop(process)
        reader.join(PATIENCE)
        if process.stdout is not None:
            process.stdout.close()
        # A wrong call (2) leaves nothing new to show.
        picture.finish(worth_showing=process.returncode != 2)
    text = "".join(printed).strip()
    if process.returncode == 2 and not interrupted:
        raise NbflowError(text)
    print(summary_of(text, process.returncode))
    if interrupted:
        raise KeyboardInterrupt  # the cells below are not to run


def summary_of(printed: str, status: int) -> str:
    """What `nbflow run` printed below its grid: where the executed notebooks lie and what to do next.

    All of it where it ended in another way than runs do (0: all succeeded, 1: one did not).
    """
    text = printed.strip()
    if status in (0, 1) and text:
        return text.rpartition("\n\n")[2]
    return text or f"nbflow run ended with status {status}"


class _Picture:
    """The grid in the cell's output: appears with the first run, changes when the store does."""

    def __init__(self, notebook: Path) -> None:
        self._target = find_target(str(notebook))
        self._view: GridView | None = None
        self._live: LiveView | None = None

    def look(self) -> None:
        """Show the grid as the store has it now, if that is news."""
        try:
            view = stored_grid(self._target, last=_SHOWN_RUNS)
        except NbflowError:
            return  # no home yet, or no run in it
        if view == self._view or not view.columns:
            return
        self._view = view
        if self._live is None:
            self._live = LiveView(grid_html(view), grid_lines(view))
            self._live.show()
        else:
            self._live.update(grid_html(view), grid_lines(view))

    def finish(self, *, worth_showing: bool) -> None:
        """Look once more, and leave the last picture as the cell's stored output."""
        if worth_showing:
            self.look()
        if self._live is not None:
            self._live.finish()


def _collect(process: subprocess.Popen[str], printed: list[str]) -> None:
    """Take what the process prints, so that it never waits for a reader."""
    if process.stdout is not None:
        printed.extend(process.stdout)
