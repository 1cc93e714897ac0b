"""Airflow 3: scheduler, dag processor, api server and LocalExecutor, all started and warm before the clock.

What `airflow standalone` sets up, with its defaults (LocalExecutor, SQLite), less the triggerer, which these
works never use. `--at-once` is Airflow's `parallelism`. A run's times are those in Airflow's own database.
"""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from memory import further_task
from session import Sample, Session, command, found, main, serve
from work import DATES, HOLDERS, dates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

SERVICES = ("api-server", "scheduler", "dag-processor")
START_SECONDS = 180
RUN_SECONDS = 1800
AIRFLOW = Path(sys.executable).with_name("airflow")


def free_port() -> int:
    """A port that nothing listens on now."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens() -> bool:
    """Whether the api server answers; a task that starts before it does fails."""
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", int(os.environ["AIRFLOW__API__PORT"]))) == 0


def configure(home: Path, at_once: int) -> None:
    """Airflow's settings, in this process's environment: the defaults but for what is set here."""
    port = free_port()
    os.environ |= {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": str(at_once),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }


@contextmanager
def services(home: Path) -> Iterator[None]:
    """The services, started; they answer and have read the DAGs when this yields."""
    with (home / "services.log").open("wb") as log:
        running = [
            subprocess.Popen([AIRFLOW, name], stdout=log, stderr=subprocess.STDOUT) for name in SERVICES
        ]
        limit = time.monotonic() + START_SECONDS
        while not (listens() and rows(home, "SELECT dag_id FROM dag WHERE dag_id = 'hold'")):
            if time.monotonic() > limit or any(service.poll() is not None for service in running):
                tail = (home / "services.log").read_text(errors="replace")[-3000:]
                raise RuntimeError(f"Airflow's services did not start: {tail}")
            time.sleep(0.5)
        yield
        for service in running:
            service.terminate()


def rows(home: Path, query: str, values: Sequence[object] = ()) -> list[tuple[object, ...]]:
    """What Airflow's database answers."""
    with closing(sqlite3.connect(f"file:{home}/airflow.db?mode=ro", uri=True, timeout=30)) as database:
        return database.execute(query, values).fetchall()


def trigger(dag: str, run_id: str, folder: Path, **conf: object) -> None:
    """Ask for a run, by Airflow's own client."""
    from airflow.api.client.local_client import Client

    Client().trigger_dag(dag, run_id=run_id, conf={"folder": str(folder), **conf})


def wait(home: Path, run_ids: Sequence[str]) -> tuple[float, float]:
    """The start of the first and the end of the last of these runs, once all have ended; in seconds."""
    marks = ", ".join("?" * len(run_ids))
    query = f"SELECT state, start_date, end_date FROM dag_run WHERE run_id IN ({marks})"
    limit = time.monotonic() + RUN_SECONDS
    while time.monotonic() < limit:
        ended = [row for row in rows(home, query, run_ids) if row[0] in ("success", "failed")]
        if len(ended) == len(run_ids):
            if any(state != "success" for state, *_ in ended):
                raise RuntimeError("a run failed; see Airflow's logs")
            began = min(datetime.fromisoformat(str(start)).timestamp() for _, start, _ in ended)
            return began, max(datetime.fromisoformat(str(end)).timestamp() for *_, end in ended)
        time.sleep(0.1)
    raise TimeoutError(f"Airflow's runs did not end within {RUN_SECONDS} s")


def play(session: Session) -> None:
    """Start the services, do the session's works."""
    home = session.folder / "home"
    configure(home, session.at_once)

    def ran(folder: Path, dag: str, run_ids: Sequence[str]) -> float:
        for run_id in run_ids:
            trigger(dag, run_id, folder)
        began, ended = wait(home, run_ids)
        return ended - began

    def warm(dag: str) -> Callable[[Path, int], Iterator[Sample]]:
        def measure(folder: Path, count: int) -> Iterator[Sample]:
            for place, day in enumerate(dates(count + 1)):
                run_id = f"{dag}-{day}"
                took = ran(folder, dag, [run_id])
                if place:
                    yield Sample(measured=took, results=found(folder, [run_id]))

        return measure

    def backfill(folder: Path, _: int) -> Iterator[Sample]:
        run_ids = [f"dates-{day}" for day in dates(DATES)]
        yield Sample(measured=ran(folder, "chain", run_ids), results=found(folder, run_ids))

    def cold(dag: str) -> Callable[[Path, int], Iterator[Sample]]:
        def measure(folder: Path, count: int) -> Iterator[Sample]:
            for number in range(count):
                stamp = f"2026-01-01T00:00:{number:02}+00:00"
                conf = f'{{"folder": "{folder}", "name": "{number}"}}'
                words = [AIRFLOW, "dags", "test", dag, stamp, "--conf", conf]
                took = command(folder, words)
                yield Sample(measured=took, results=found(folder, [str(number)]))

        return measure

    def memory(folder: Path, _: int) -> Iterator[Sample]:
        if session.at_once < HOLDERS:
            raise RuntimeError(f"runs {session.at_once} tasks at once, {HOLDERS} are needed")

        def start(place: Path, count: int) -> Callable[[], None]:
            run_id = f"hold-{count}"
            trigger("hold", run_id, place, count=count)
            return lambda: wait(home, [run_id]) and None

        yield Sample(measured=further_task(folder, start))

    works = {"chain": warm("chain"), "fan": warm("fan"), "dates": backfill, "memory": memory}
    without_services = {"cold": cold("one"), "cold-chain": cold("chain"), "cold-fan": cold("fan")}
    (home / "dags").mkdir(parents=True)
    shutil.copy(Path(__file__).with_name("airflow_dags.py"), home / "dags")
    command(home, [AIRFLOW, "db", "migrate"])
    command(home, [AIRFLOW, "dags", "reserialize"])
    serve(session, without_services)
    if works.keys() & set(session.works):
        with services(home):
            serve(session, works)


if __name__ == "__main__":
    main(play)
