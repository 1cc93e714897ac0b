"""nbflow: `nbflow run` on one notebook; a run's times are those that `nbflow list --json` gives."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from memory import further_task
from notebook import write
from session import Sample, Session, command, found, main, serve
from work import DATES, FLIGHT_DATES, HOLDERS, STEPS, dates, hold, write_result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DAG = """\
%%dag {name}
schedule = "@daily"
start_date = 2026-01-01
max_active_runs = {runs}"""
FLIGHTS = Path(__file__).parents[2] / "notebooks" / "flights.ipynb"
FLIGHTS_QUERY = "SELECT count(DISTINCT date), sum(departures) FROM delays"
FLIGHTS_EXPECTED = (FLIGHT_DATES, 26_483)  # January 2013: 27,004 flights, 521 of them cancelled


def play(session: Session) -> None:
    """Do the session's works with `nbflow`, adding the session's words to each `nbflow run`."""
    os.environ.pop("NBFLOW_HOME", None)  # each folder gets a home of its own

    def run(folder: Path, notebook: str, *words: str) -> float:
        return command(folder, ["nbflow", "run", notebook, *session.words, *words])

    def runs(folder: Path, name: str, count: int, at_once: int) -> Iterator[tuple[str, float, float]]:
        """Date, start and end (in seconds) of the runs of `count` dates in one `nbflow run`."""
        write_flow(folder, name, runs=at_once)
        days = dates(count)
        run(folder, f"{name}.ipynb", "--start-date", days[0], "--end-date", days[-1])
        listed = subprocess.run(
            [Path(sys.executable).with_name("nbflow"), "list", name, "--json"],
            cwd=folder,
            capture_output=True,
            check=True,
        )
        for row in json.loads(listed.stdout):
            yield row["date"], seconds(row["started"]), seconds(row["ended"])

    def warm(name: str) -> Callable[[Path, int], Iterator[Sample]]:
        """Dates one after another; the first warms up."""

        def measure(folder: Path, count: int) -> Iterator[Sample]:
            for day, began, ended in sorted(runs(folder, name, count + 1, at_once=1))[1:]:
                yield Sample(measured=ended - began, results=found(folder, [day]))

        return measure

    def backfill(folder: Path, _: int) -> Iterator[Sample]:
        rows = list(runs(folder, "chain", DATES, at_once=16))
        took = max(ended for *_, ended in rows) - min(began for _, began, _ in rows)
        yield Sample(measured=took, results=found(folder, dates(DATES)))

    def cold(name: str) -> Callable[[Path, int], Iterator[Sample]]:
        def measure(folder: Path, count: int) -> Iterator[Sample]:
            write_flow(folder, name, runs=16)
            for day in dates(count):
                yield Sample(measured=run(folder, f"{name}.ipynb", day), results=found(folder, [day]))

        return measure

    def flights(folder: Path, _: int) -> Iterator[Sample]:
        shutil.copy(FLIGHTS, folder)
        words = ("--start-date", "2013-01-01", "--end-date", f"2013-01-{FLIGHT_DATES}")
        took = run(folder, FLIGHTS.name, *words)
        with closing(sqlite3.connect(folder / "flights.sqlite")) as database:
            loaded = database.execute(FLIGHTS_QUERY).fetchone()
        if loaded != FLIGHTS_EXPECTED:
            raise ValueError(f"the table holds {loaded}, not {FLIGHTS_EXPECTED}")
        yield Sample(measured=took)

    def memory(folder: Path, _: int) -> Iterator[Sample]:
        def start(place: Path, count: int) -> Callable[[], None]:
            cells = [f"%%task hold_{i} --after none\n{hold(i)}" for i in range(count)]
            write(place / "hold.ipynb", cells)
            words = ["nbflow", "run", "hold.ipynb", *session.words, "--parallelism", str(HOLDERS)]
            program = Path(sys.executable).with_name("nbflow")
            started = subprocess.Popen([program, *words[1:]], cwd=place, stdout=subprocess.DEVNULL)
            return lambda: ended_well(started)

        yield Sample(measured=further_task(folder, start))

    works = {
        "chain": warm("chain"),
        "fan": warm("fan"),
        "dates": backfill,
        "cold": cold("one"),
        "cold-chain": cold("chain"),
        "cold-fan": cold("fan"),
        "flights": flights,
        "memory": memory,
    }
    serve(session, works)


def write_flow(folder: Path, name: str, *, runs: int) -> None:
    """One notebook with all tasks of a work; its last cell writes the result."""
    steps = STEPS[name]
    cells = [DAG.format(name=name, runs=runs)]
    cells += [f"%%task {step.name}\n{step.code}" for step in steps]
    cells.append(write_result(steps[-1]))
    write(folder / f"{name}.ipynb", cells)


def seconds(stamp: str) -> float:
    """An ISO time as seconds."""
    return datetime.fromisoformat(stamp).timestamp()


def ended_well(started: subprocess.Popen[bytes]) -> None:
    """Wait for a command; an error if it failed."""
    if started.wait():
        raise RuntimeError(f"`{started.args}` ended with {started.returncode}")


if __name__ == "__main__":
    main(play)
