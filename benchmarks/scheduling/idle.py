"""What a scheduler costs that has nothing to do."""

from __future__ import annotations

import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from scheduling.figure import Figure
from scheduling.process import cpu_seconds, nbflow, notebook, scheduler

if TYPE_CHECKING:
    from collections.abc import Iterator

BAR = 1.0  # percent of a core
_QUIET = 0.05  # seconds of processor time in one second


def settle(process: int) -> None:
    """Wait until it has done what follows from its start."""
    used = -1.0
    while (now := cpu_seconds(process)) - used > _QUIET:
        used = now
        time.sleep(1)


def measure(*, notebooks: int, seconds: float) -> Iterator[Figure]:
    """The share of a core it takes with nothing due; then with all notebooks followed.

    Args:
        notebooks: how many are on the schedule.
        seconds: how long each is watched.
    """
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / ".nbflow").mkdir()
        for number in range(notebooks):
            options = f"schedule = '{number % 60} * * * *'\nstart_date = {tomorrow:%Y-%m-%d}"
            cells = [
                f"%%dag d{number}\n{options}",
                "import math",
                "%%task a\nx = 1",
                "%%task b\ny = math.sqrt(x)",
            ]
            notebook(folder / f"d{number}.ipynb", *cells)
        for title, options in (("", []), (", followed", [".", "--follow"])):
            if not options:
                nbflow(folder, "schedule", ".", "--until-idle")
            with scheduler(folder, *options) as process:
                settle(process)
                before, began = cpu_seconds(process), time.monotonic()
                time.sleep(seconds)
                used = cpu_seconds(process) - before
                share = 100 * used / (time.monotonic() - began)
            what = f"idle, {notebooks} notebooks{title}, {seconds:g} s: processor"
            yield Figure(what=what, value=share, unit="% of a core", bar=BAR)
