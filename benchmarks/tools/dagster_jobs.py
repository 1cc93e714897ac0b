"""Dagster: one job a work, its runs, events and values kept on disk as Dagster does by default.

`--word in_process` or `--word multiprocess` chooses the executor. A run's times are those of Dagster's records.
"""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from dagster import (
    DagsterInstance,
    execute_job,
    in_process_executor,
    job,
    multiprocess_executor,
    op,
    reconstructable,
)
from memory import further_task
from session import Sample, Session, command, found, main, serve, timed
from work import DATES, HOLDERS, LENGTH, WIDTH, dates, result_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Of the many-dates work, where a task takes seconds: as many dates, and the rate is of those.
DATES_OF_MULTIPROCESS = 4


@op
def first() -> int:
    """The number that everything begins with."""
    return 1


@op
def add(number: int) -> int:
    """One task of the chain."""
    return number + 1


def arm(more: int):  # noqa: ANN201 - Dagster's own type
    """One task in the middle of the fan."""

    @op(name=f"arm{more}")
    def add_more(number: int) -> int:
        return number + more

    return add_more


def leave(context, number: int) -> None:  # noqa: ANN001 - Dagster's own type
    """The number goes to the run's result file."""
    Path(context.run.tags["folder"], result_file(context.run.tags["day"])).write_text(str(number))


@op
def add_and_leave(context, number: int) -> None:  # noqa: ANN001
    """The chain's last task."""
    leave(context, number + 1)


@op
def sum_and_leave(context, numbers: list[int]) -> None:  # noqa: ANN001
    """The fan's last task."""
    leave(context, sum(numbers))


@op
def one_and_leave(context) -> None:  # noqa: ANN001
    """The only task."""
    leave(context, 1)


def holder(number: int):  # noqa: ANN201
    """A task that loads pandas and holds still until the file `go` appears."""

    @op(name=f"hold{number}")
    def hold(context) -> None:  # noqa: ANN001
        if number >= int(context.run.tags["count"]):
            return
        import pandas as pd

        frame = pd.DataFrame({"number": range(100)})
        folder = Path(context.run.tags["folder"])
        (folder / f"holds-{number}.txt").write_text(str(len(frame)))
        while not (folder / "go").exists():
            time.sleep(0.05)

    return hold


EXECUTORS = {
    "in_process": in_process_executor,
    "multiprocess": multiprocess_executor,
    "holding": multiprocess_executor.configured({"max_concurrent": HOLDERS}),
}
# Dagster's steps import this file in processes of their own: the choice travels in the environment.
EXECUTOR = EXECUTORS[os.environ.get("BENCHMARK_EXECUTOR", "in_process")]


@job(executor_def=EXECUTOR)
def chain() -> None:
    """Ten tasks that hand one number along."""
    number = first()
    for place in range(LENGTH - 2):
        number = add.alias(f"add{place}")(number)
    add_and_leave(number)


@job(executor_def=EXECUTOR)
def fan() -> None:
    """One task feeds twenty, and one gathers them."""
    base = first()
    sum_and_leave([arm(more)(base) for more in range(WIDTH)])


@job(executor_def=EXECUTOR)
def one() -> None:
    """One task."""
    one_and_leave()


@job(executor_def=EXECUTORS["holding"])
def holders() -> None:
    """Tasks that hold still at once, as many as the run's tag `count` says."""
    for number in range(HOLDERS):
        holder(number)()


JOBS = {"chain": chain, "fan": fan, "one": one, "holders": holders}


def run(folder: Path, name: str, day: str, count: int = 0) -> float:
    """Seconds of one run, by Dagster's own record."""
    tags = {"folder": str(folder), "day": day, "count": str(count)}
    with DagsterInstance.get() as instance:
        with execute_job(reconstructable(JOBS[name]), instance=instance, tags=tags) as ran:
            if not ran.success:
                raise RuntimeError("a run of Dagster failed")
            record = instance.get_run_record_by_id(ran.run_id)
        return record.end_time - record.start_time


def warm_run(name: str) -> Callable[[Path, int], Iterator[Sample]]:
    """Runs one after another in this process; the first warms up."""

    def measure(folder: Path, count: int) -> Iterator[Sample]:
        for place, day in enumerate(dates(count + 1)):
            took = run(folder, name, day)
            if place:
                yield Sample(measured=took, results=found(folder, [day]))

    return measure


def cold_run(name: str) -> Callable[[Path, int], Iterator[Sample]]:
    """`dagster job execute`."""

    def measure(folder: Path, count: int) -> Iterator[Sample]:
        for day in dates(count):
            tags = f'{{"folder": "{folder}", "day": "{day}"}}'
            dagster = Path(sys.executable).with_name("dagster")
            words = [dagster, "job", "execute", "-f", __file__, "-a", name, "--tags", tags]
            took = command(folder, words, PYTHONPATH=str(Path(__file__).parent))
            yield Sample(measured=took, results=found(folder, [day]))

    return measure


def play(session: Session) -> None:
    """Do the session's works with the executor that the session's word names."""

    def backfill(folder: Path, _: int) -> Iterator[Sample]:
        # Processes: threads of one process lock each other out for ever in Dagster's logging.
        days = dates(DATES if session.words == ("in_process",) else DATES_OF_MULTIPROCESS)
        many = len(days)
        with ProcessPoolExecutor(session.at_once, mp_context=get_context("spawn")) as pool:
            warm_up = [f"warm-{number}" for number in range(session.at_once)]
            list(pool.map(run, [folder] * len(warm_up), ["one"] * len(warm_up), warm_up))
            took = timed(lambda: list(pool.map(run, [folder] * many, ["chain"] * many, days)))
        yield Sample(measured=took, results=found(folder, days), tasks=many * LENGTH)

    def memory(folder: Path, _: int) -> Iterator[Sample]:
        if session.words == ("in_process",):
            raise RuntimeError("runs one task at a time")
        with ThreadPoolExecutor(1) as pool:

            def start(place: Path, count: int) -> Callable[[], None]:
                begun = pool.submit(run, place, "holders", "x", count)
                return lambda: begun.result() and None

            yield Sample(measured=further_task(folder, start))

    works = {"chain": warm_run("chain"), "fan": warm_run("fan"), "dates": backfill, "memory": memory}
    works |= {"cold": cold_run("one"), "cold-chain": cold_run("chain"), "cold-fan": cold_run("fan")}
    serve(session, works)


def again(session: Session) -> None:
    """Start this script once more where the environment names another executor or no home yet."""
    home = session.folder / "dagster"
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    chosen = {"DAGSTER_HOME": str(home), "BENCHMARK_EXECUTOR": session.words[0]}
    os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | chosen)


if __name__ == "__main__":
    main(play if "BENCHMARK_EXECUTOR" in os.environ else again)
