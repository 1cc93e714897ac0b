"""Plain papermill, one kernel per task: a notebook per task, written by hand, values passed in files.

Run as a command with `--once WORK DATE` it is what a user would write to run the work once.
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import papermill
from memory import further_task
from notebook import write, write_each
from session import Sample, Session, command, found, main, serve, timed, warm
from work import DATES, HOLDERS, STEPS, dates, hold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def execute(folder: Path, task: str, day: str) -> None:
    """One task's notebook in a kernel of its own."""
    papermill.execute_notebook(
        folder / f"{task}.ipynb",
        folder / f"{task}-{day}.ipynb",
        parameters={"ds": day},
        cwd=folder,
        progress_bar=False,
    )


def run(folder: Path, name: str, day: str, pool: ProcessPoolExecutor | None = None) -> None:
    """One run: the tasks in order; those of the fan's middle side by side where there is a pool."""
    tasks = [step.name for step in STEPS[name]]
    if pool is None:
        for task in tasks:
            execute(folder, task, day)
        return
    execute(folder, tasks[0], day)
    middle = tasks[1:-1]
    list(pool.map(execute, [folder] * len(middle), middle, [day] * len(middle)))
    execute(folder, tasks[-1], day)


def processes(count: int) -> ProcessPoolExecutor:
    """Worker processes: papermill's own part of the work is Python too, so threads would be slower."""
    return ProcessPoolExecutor(count, mp_context=get_context("spawn"))


def play(session: Session) -> None:
    """Do the session's works."""

    def chain(folder: Path, count: int) -> Iterator[Sample]:
        write_each(folder, STEPS["chain"])
        yield from warm(folder, dates(count + 1), lambda day: run(folder, "chain", day))

    def fan(folder: Path, count: int) -> Iterator[Sample]:
        write_each(folder, STEPS["fan"])
        with processes(session.at_once) as pool:
            yield from warm(folder, dates(count + 1), lambda day: run(folder, "fan", day, pool))

    def backfill(folder: Path, _: int) -> Iterator[Sample]:
        write_each(folder, STEPS["chain"])
        days = dates(DATES)
        with processes(session.at_once) as pool:
            warm_up = [f"warm-{number}" for number in range(session.at_once)]
            list(pool.map(execute, [folder] * len(warm_up), ["t1"] * len(warm_up), warm_up))
            took = timed(lambda: list(pool.map(run, [folder] * DATES, ["chain"] * DATES, days)))
        yield Sample(measured=took, results=found(folder, days))

    def cold(name: str) -> Callable[[Path, int], Iterator[Sample]]:
        def measure(folder: Path, count: int) -> Iterator[Sample]:
            write_each(folder, STEPS[name])
            for day in dates(count):
                words = [sys.executable, __file__, "--once", name, day, str(session.at_once)]
                yield Sample(measured=command(folder, words), results=found(folder, [day]))

        return measure

    def memory(folder: Path, _: int) -> Iterator[Sample]:
        # Threads of one process here: the kernels are what each task adds, a worker's papermill is not.
        with ThreadPoolExecutor(HOLDERS) as pool:

            def start(place: Path, count: int) -> Callable[[], None]:
                for number in range(count):
                    write(place / f"hold{number}.ipynb", ["ds = ''", hold(number)], parameters=True)
                begun = [pool.submit(execute, place, f"hold{number}", "x") for number in range(count)]
                return lambda: [task.result() for task in begun] and None

            yield Sample(measured=further_task(folder, start))

    works = {"chain": chain, "fan": fan, "dates": backfill, "memory": memory}
    works |= {"cold": cold("one"), "cold-chain": cold("chain"), "cold-fan": cold("fan")}
    serve(session, works)


def once(name: str, day: str, at_once: int) -> None:
    """The work once, in the folder this is called in."""
    if name != "fan":
        run(Path.cwd(), name, day)
        return
    with processes(at_once) as pool:
        run(Path.cwd(), name, day, pool)


if __name__ == "__main__":
    if sys.argv[1] == "--once":
        once(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        main(play)
