"""Plain papermill, one kernel: the whole work is one notebook, a cell a task. No isolation, no states."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING

import papermill
from notebook import write
from session import Sample, Session, command, found, main, serve, timed, warm
from work import DATES, STEPS, dates, write_result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def write_whole(folder: Path, name: str) -> None:
    """One notebook: the parameter, a cell a task, the result."""
    steps = STEPS[name]
    cells = ["ds = ''", *(step.code for step in steps), write_result(steps[-1])]
    write(folder / f"{name}.ipynb", cells, parameters=True)


def execute(folder: Path, name: str, day: str) -> None:
    """One run in this process."""
    papermill.execute_notebook(
        folder / f"{name}.ipynb",
        folder / f"{name}-{day}.ipynb",
        parameters={"ds": day},
        cwd=folder,
        progress_bar=False,
    )


def warm_run(name: str) -> Callable[[Path, int], Iterator[Sample]]:
    """Runs one after another in one process; each starts its kernel."""

    def measure(folder: Path, count: int) -> Iterator[Sample]:
        write_whole(folder, name)
        yield from warm(folder, dates(count + 1), lambda day: execute(folder, name, day))

    return measure


def cold_run(name: str) -> Callable[[Path, int], Iterator[Sample]]:
    """The `papermill` command."""

    def measure(folder: Path, count: int) -> Iterator[Sample]:
        write_whole(folder, name)
        for day in dates(count):
            words = ["papermill", f"{name}.ipynb", f"{name}-{day}.ipynb", "-p", "ds", day]
            yield Sample(measured=command(folder, words), results=found(folder, [day]))

    return measure


def play(session: Session) -> None:
    """Do the session's works."""

    def backfill(folder: Path, _: int) -> Iterator[Sample]:
        write_whole(folder, "chain")
        days = dates(DATES)
        with ProcessPoolExecutor(session.at_once, mp_context=get_context("spawn")) as pool:
            warm_up = [f"warm-{number}" for number in range(session.at_once)]
            list(pool.map(execute, [folder] * len(warm_up), ["chain"] * len(warm_up), warm_up))
            took = timed(lambda: list(pool.map(execute, [folder] * DATES, ["chain"] * DATES, days)))
        yield Sample(measured=took, results=found(folder, days))

    serve(
        session,
        {
            "chain": warm_run("chain"),
            "fan": warm_run("fan"),
            "dates": backfill,
            "cold": cold_run("one"),
            "cold-chain": cold_run("chain"),
            "cold-fan": cold_run("fan"),
        },
    )


if __name__ == "__main__":
    main(play)
