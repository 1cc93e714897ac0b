"""How long a scheduler takes to start on a home with a long past, and to end again where nothing is due."""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from scheduling.figure import Figure
from scheduling.full_home import fill
from scheduling.process import COMMAND, nbflow, notebook

if TYPE_CHECKING:
    from collections.abc import Iterator

BAR = 1.0  # s
_DUE = "%%dag due{number}\nschedule = '@once'\nstart_date = 2026-01-01"
_TELLS = "%%task tell\nimport pathlib, time\npathlib.Path('told').write_text(str(time.time()))"


def measure(*, tries: int, rounds: int) -> Iterator[Figure]:
    """From exec to exit, and from exec to the first task's cell, beside an empty home.

    Args:
        tries: how many the home has.
        rounds: of which the median counts.
    """
    for title, count, bar in (("an empty home", 0, None), ("{count:,} tries", tries, BAR)):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
            folder = Path(name)
            began = time.perf_counter()
            size = title.format(count=fill(folder, tries=count))
            if count:
                print(f"wrote them in {time.perf_counter() - began:.0f} s", flush=True)
            else:
                notebook(
                    folder / "far.ipynb",
                    "%%dag far\nschedule = '@daily'\nstart_date = 2199-01-01",
                    "%%task t\n1",
                )
                nbflow(folder, "schedule", "far.ipynb", "--until-idle")
            nbflow(folder, "schedule", "--until-idle")
            whole = statistics.median(_whole(folder) for _ in range(rounds))
            first = statistics.median(_to_first_task(folder, number) for number in range(rounds))
        yield Figure(what=f"start to exit, nothing due, {size}", value=whole, unit="s", bar=bar)
        yield Figure(what=f"start to the first cell of a task, {size}", value=first, unit="s")


def _whole(folder: Path) -> float:
    began = time.perf_counter()
    nbflow(folder, "schedule", "--until-idle")
    return time.perf_counter() - began


def _to_first_task(folder: Path, number: int) -> float:
    path = folder / f"due{number}.ipynb"
    notebook(path, _DUE.format(number=number), _TELLS)
    began = time.time()
    subprocess.run(
        [*COMMAND, "schedule", path.name, "--until-idle"], cwd=folder, capture_output=True, check=True
    )
    return float((folder / "told").read_text()) - began
