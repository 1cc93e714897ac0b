"""Prefect 3 with its own local server, started for the session by the first flow (which only warms up).

Tasks of the fan run in Prefect's default thread pool. As a command with `--once` it is what a user would run:
the server's start is part of it.
"""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from work import DATES, LENGTH, WIDTH, dates, result_file

os.environ |= {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "PREFECT_HOME": os.environ.get("PREFECT_HOME", str(Path.cwd() / "prefect")),
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
}

from memory import further_task
from prefect import flow, task
from session import Sample, Session, command, found, main, serve, timed, warm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@task
def first() -> int:
    """The number that everything begins with."""
    return 1


@task
def add(number: int, more: int) -> int:
    """One task in the middle."""
    return number + more


@task
def add_all(numbers: list[int]) -> int:
    """The fan's last task."""
    return sum(numbers)


@task
def hold(folder: str, number: int) -> None:
    """Load pandas and hold still until the file `go` appears."""
    import pandas as pd

    frame = pd.DataFrame({"number": range(100)})
    Path(folder, f"holds-{number}.txt").write_text(str(len(frame)))
    while not Path(folder, "go").exists():
        time.sleep(0.05)


@flow
def chain(folder: str, day: str) -> None:
    """Ten tasks that hand one number along."""
    number = first()
    for _ in range(LENGTH - 1):
        number = add(number, 1)
    Path(folder, result_file(day)).write_text(str(number))


@flow
def fan(folder: str, day: str) -> None:
    """One task feeds twenty, and one gathers them."""
    base = first()
    arms = [add.submit(base, more) for more in range(WIDTH)]
    Path(folder, result_file(day)).write_text(str(add_all(arms)))


@flow
def one(folder: str, day: str) -> None:
    """One task."""
    Path(folder, result_file(day)).write_text(str(first()))


@flow
def holders(folder: str, count: int) -> None:
    """Tasks that hold still at once."""
    for begun in [hold.submit(folder, number) for number in range(count)]:
        begun.result()


FLOWS = {"chain": chain, "fan": fan, "one": one}


def warm_run(name: str) -> Callable[[Path, int], Iterator[Sample]]:
    """Flow runs one after another in this process."""

    def measure(folder: Path, count: int) -> Iterator[Sample]:
        yield from warm(folder, dates(count + 1), lambda day: FLOWS[name](str(folder), day))

    return measure


def cold_run(name: str) -> Callable[[Path, int], Iterator[Sample]]:
    """This script as a command, with the server it starts; its database exists already."""

    def measure(folder: Path, count: int) -> Iterator[Sample]:
        for place, day in enumerate(dates(count + 1)):
            took = command(folder, [sys.executable, __file__, "--once", name, day])
            if place:  # the first may have made the database
                yield Sample(measured=took, results=found(folder, [day]))

    return measure


def backfill(folder: Path, _: int) -> Iterator[Sample]:
    """As many flow runs at once as there are processors, in threads of this process."""
    chain(str(folder), "warm-up")
    days = dates(DATES)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        took = timed(lambda: list(pool.map(chain, [str(folder)] * DATES, days)))
    yield Sample(measured=took, results=found(folder, days))


def memory(folder: Path, _: int) -> Iterator[Sample]:
    """Tasks of one flow, in threads of its process."""
    one(str(folder), "warm-up")

    with ThreadPoolExecutor(1) as pool:

        def start(place: Path, count: int) -> Callable[[], None]:
            begun = pool.submit(holders, str(place), count)
            return begun.result

        yield Sample(measured=further_task(folder, start))


def play(session: Session) -> None:
    """Do the session's works."""
    works = {"chain": warm_run("chain"), "fan": warm_run("fan"), "dates": backfill, "memory": memory}
    works |= {"cold": cold_run("one"), "cold-chain": cold_run("chain"), "cold-fan": cold_run("fan")}
    serve(session, works)


if __name__ == "__main__":
    if sys.argv[1] == "--once":
        FLOWS[sys.argv[2]](str(Path.cwd()), sys.argv[3])
    else:
        main(play)
