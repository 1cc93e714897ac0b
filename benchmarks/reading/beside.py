"""Four readers and three writers beside a busy scheduler."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from scheduling.figure import Figure
from scheduling.process import notebook, scheduler

from nbflow.model.run import RunKey, TaskKey
from nbflow.service.bodies import paused, triggered
from nbflow.service.clock import now
from nbflow.service.settings import settings_of
from nbflow.service.sql import ask, table_of
from nbflow.store.home import Home, find_home
from nbflow.store.reading import reading_xcoms
from nbflow.store.state import StateStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbflow.model.record import RunRecord

READERS = ("list", "get", "sql", "state")
WRITERS = ("variable", "pause", "trigger")
BAR_MS = 50.0
PATIENCE = 20.0  # seconds for an answer

CELLS = (
    "%%dag busy\nschedule = '* * * * * *'\nmax_active_runs = 4",
    "%%task load\nimport numpy as np\nimport pandas as pd\ndf = pd.DataFrame({'n': range(10_000), 'x': np.random.rand(10_000)})",
    "%%task total\ndf.x.sum()",
    "%%task count\nlen(df)",
)
OTHER = ("%%dag other", "%%task nothing\n1")


def measure(program: Path, seconds: float, rate: float) -> Iterator[Figure]:
    """Everybody at once. `program ["one", KIND]` is how one of them is called."""
    with tempfile.TemporaryDirectory(prefix="nbflow-readers-") as name:
        folder = Path(name)
        notebook(folder / "busy.ipynb", *CELLS)
        notebook(folder / "other.ipynb", *OTHER)
        with scheduler(folder, "busy.ipynb"):
            wait_for_runs(folder)
            kinds = (*READERS, *WRITERS)
            processes = {
                kind: subprocess.Popen(
                    [
                        sys.executable,
                        str(program),
                        "one",
                        kind,
                        "--folder",
                        name,
                        "--seconds",
                        f"{seconds}",
                        "--rate",
                        f"{rate}",
                    ],
                    stdout=subprocess.PIPE,
                    text=True,
                    # As kernels and terminals have: the system shares its processors among sessions.
                    start_new_session=True,
                )
                for kind in kinds
            }
            told = {kind: json.loads(process.communicate()[0]) for kind, process in processes.items()}
        with StateStore(find_home(folder).state) as state:
            runs = len(state.runs("busy"))
    yield Figure(what=f"runs of 3 tasks in {seconds:g} s meanwhile", value=runs, unit="runs")
    for kind, found in told.items():
        for what, times in found["times"].items():
            ordered = sorted(times) or [float("nan")]
            bar = None if what.endswith("answered") else BAR_MS
            count = f"{len(times):,} in {seconds:g} s"
            yield Figure(what=f"{what}: median of {count}", value=percentile(ordered, 50), unit="ms")
            yield Figure(what=f"{what}: 99th of 100", value=percentile(ordered, 99), unit="ms", bar=bar)
        yield Figure(what=f"{kind}: errors", value=len(found["errors"]), unit="errors", bar=0)
        for error in found["errors"][:3]:
            print(f"{kind}: {error}", file=sys.stderr)


def wait_for_runs(folder: Path) -> None:
    """Until two runs have succeeded."""
    home = find_home(folder)
    while True:
        with StateStore(home.state) as state:
            if len(succeeded(state)) >= 2:
                return
        time.sleep(0.1)


def one(kind: str, folder: Path, seconds: float, rate: float) -> None:
    """One process: asks for so long, so often a second, then prints how long each question took, as JSON."""
    home = find_home(folder)
    times: dict[str, list[float]] = defaultdict(list)
    errors: list[str] = []
    act = {"list": listing, "get": frame, "sql": query, "state": runs_of, "variable": variable}.get(kind)
    with StateStore(home.state) as state:
        keys = [run.key for run in succeeded(state)]
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            began = time.perf_counter()
            try:
                if act is not None:
                    act(home, random.choice(keys))
                    times[kind].append((time.perf_counter() - began) * 1000)
                else:
                    command(state, kind, times)
            except Exception as error:  # noqa: BLE001 whatever it is, it is what is counted
                errors.append(f"{type(error).__name__}: {error}")
            time.sleep(max(began + 1 / rate - time.perf_counter(), 0))
    print(json.dumps({"times": times, "errors": errors}))


def succeeded(state: StateStore) -> list[RunRecord]:
    """Runs whose values are there."""
    return [run for run in state.runs("busy", most=100) if run.state.value == "success"]


def listing(home: Home, run: RunKey) -> None:
    """What a run handed on."""
    with reading_xcoms(home) as reader:
        assert reader.list_values(run.dag_id, run.run_id)


def frame(home: Home, run: RunKey) -> None:
    """A frame of 10,000 rows, as a file."""
    with tempfile.TemporaryDirectory() as folder, reading_xcoms(home) as reader:
        assert reader.get(TaskKey(run, "load"), "df", folder=Path(folder)) is not None


def query(home: Home, run: RunKey) -> None:
    """SQL over a run and its task instances."""
    sql = (
        f"SELECT count(*), max(n) FROM xcom.busy.load__df WHERE run_id = '{run.run_id}' "
        "UNION ALL SELECT count(*), 0 FROM runs"
    )
    assert ask(home, sql, table_of).num_rows == 2


def runs_of(home: Home, run: RunKey) -> None:
    """What a grid shows: the latest runs with their tasks."""
    with StateStore(home.state) as state:
        for record in state.runs(run.dag_id, most=30):
            state.instances(record.key)


def variable(home: Home, run: RunKey) -> None:
    """A variable is set."""
    with settings_of(home.project) as settings:
        settings.set_variable("stretch", run.run_id)


def command(state: StateStore, kind: str, times: dict[str, list[float]]) -> None:
    """A command is stored, and answered by the scheduler."""
    path = str(state.path.parent.parent / "other.ipynb")
    began = time.perf_counter()
    if kind == "pause":
        number = state.commands.add(
            "pause", paused("other", paused=bool(random.getrandbits(1)), path=path), now()
        )
    else:
        date = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=len(times["trigger, answered"]))
        number = state.commands.add("trigger", triggered("other", date, {}, again=False, path=path), now())
    times[kind].append((time.perf_counter() - began) * 1000)
    while (answer := state.commands.answer_to(number)) is None:
        if time.perf_counter() > began + PATIENCE:
            raise TimeoutError("nobody has answered")
        time.sleep(0.002)
    times[f"{kind}, answered"].append((time.perf_counter() - began) * 1000)
    if "error" in answer and "paused" not in str(answer["error"]):
        raise RuntimeError(str(answer["error"]))


def percentile(ordered: list[float], which: int) -> float:
    """The value that so many of a hundred don't exceed."""
    return ordered[min(len(ordered) * which // 100, len(ordered) - 1)]
