"""How long it takes from the end of a try to the start of the next, as far as that is the scheduler's time.

Tries take time here, but no processes: an executor of our own ends each by a clock. All else is real: the stores with
their syncs, the machine, the threads.
"""

from __future__ import annotations

import heapq
import statistics
import tempfile
import threading
import time
from collections import deque
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from nbformat.v4 import new_code_cell, new_notebook

from nbflow.execute.local import Finished, Started
from nbflow.model.run import Interval, RunKey, RunType, TaskKey
from nbflow.model.work import Result, TaskOutcome
from nbflow.model.xcom import Form, XComValue
from nbflow.parse.flow import flow_of
from nbflow.service.open_run import openings, register
from nbflow.service.orders import Orders
from nbflow.service.scheduler import Scheduler
from nbflow.service.session import owned_home
from nbflow.service.submit import submissions
from nbflow.service.workflow import Workflow
from nbflow.store.home import Home
from nbflow.store.notebooks import without_outputs
from nbflow.store.xcom import TryXComs, XComStore
from scheduling.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbflow.model.work import TaskRequest
    from nbflow.service.open_run import Opening
    from nbflow.store.state import StateStore

MEDIAN, TAIL = 5.0, 20.0  # ms
TASKS = 50  # of a run
VALUE = XComValue(key="x", form=Form.JSON, kind="int", text="1", size=1, preview="1", wanted=True)


class TimedExecutor:
    """Ends each try after so many seconds, in a thread of its own; notes when.

    Attributes:
        ended: when each try ended, in order (`time.perf_counter`).
    """

    def __init__(self, seconds: float) -> None:
        self.events: SimpleQueue[object] = SimpleQueue()
        self.ended: deque[float] = deque()
        self._seconds = seconds
        self._due: list[tuple[float, str, TaskRequest]] = []
        self._more = threading.Condition()
        threading.Thread(target=self._work, daemon=True).start()

    def submit(self, request: TaskRequest) -> None:
        """Begin a try."""
        self.events.put(Started(token=request.token, pgid=1, at=datetime.now(UTC)))
        with self._more:
            heapq.heappush(self._due, (time.perf_counter() + self._seconds, request.token, request))
            self._more.notify()

    def stop(self, token: str, reason: str) -> None:
        """Nobody stops anything here."""

    def close(self) -> None:
        """Nothing runs on."""

    def _work(self) -> None:
        while True:
            with self._more:
                while not self._due:
                    self._more.wait()
                due, token, _ = self._due[0]
                if (left := due - time.perf_counter()) > 0:
                    self._more.wait(left)
                    continue
                heapq.heappop(self._due)
            at = datetime.now(UTC)
            outcome = TaskOutcome(
                token=token,
                result=Result.SUCCESS,
                reason="",
                error=None,
                xcoms=(VALUE,),
                notes=(),
                started=at,
                ended=at,
            )
            self.ended.append(time.perf_counter())
            self.events.put(Finished(outcome=outcome))


def measure(*, queued: int, parallelism: int, seconds: float) -> Iterator[Figure]:
    """The median and the tail, while at least so many tasks wait for a slot.

    Args:
        queued: tasks that wait all the time.
        parallelism: slots.
        seconds: how long a try takes.
    """
    with tempfile.TemporaryDirectory() as name:
        stored, launched = _run(Path(name), queued, parallelism, seconds)
    size = f"{queued:,} queued, {parallelism} slots, a value each"
    for title, waits, bars in (
        ("end of a task → next one handed to the executor", launched, (MEDIAN, TAIL)),
        ("end of a task → its values are stored", stored, (None, None)),
    ):
        tail = statistics.quantiles(waits, n=100)[98]
        yield Figure(what=f"{title}, median ({size})", value=statistics.median(waits), unit="ms", bar=bars[0])
        yield Figure(what=f"{title}, p99", value=tail, unit="ms", bar=bars[1])


def _run(folder: Path, queued: int, parallelism: int, seconds: float) -> tuple[list[float], list[float]]:
    """For each try that ended while so many waited: ms until its outcome was delivered, and until the next began.

    Each end frees one slot, so the n-th end is followed by the n-th launch after the first ones.
    """
    home, executor = Home(folder / ".nbflow", folder), TimedExecutor(seconds)
    delivered: list[float] = []
    launches: list[float] = []
    with owned_home(home, what="benchmark") as state, XComStore.open(home.root) as xcoms:
        scheduler = Scheduler(
            home,
            state,
            xcoms,
            executor,  # type: ignore[arg-type]
            parallelism=parallelism,
            exchange=None,
            listener=lambda _: None,
            orders=Orders(state),
        )
        courier: Any = scheduler._turns._courier
        submit, report = executor.submit, courier._report

        def note_launch(request: TaskRequest) -> None:
            launches.append(time.perf_counter())
            submit(request)

        def note_delivery(message: object) -> None:
            delivered.append(time.perf_counter())
            report(message)

        executor.submit, courier._report = note_launch, note_delivery  # type: ignore[method-assign]
        with closing(scheduler):
            scheduler.open(_runs(home, state, xcoms, queued))
            scheduler.run_until_idle()
    ended = list(executor.ended)[:queued]
    stored = [1000 * (after - before) for before, after in zip(ended, delivered, strict=False)]
    waits = [1000 * (after - before) for before, after in zip(ended, launches[parallelism:], strict=False)]
    return stored, waits


def _runs(home: Home, state: StateStore, xcoms: XComStore, queued: int) -> list[Opening]:
    """Runs of a DAG with twice as many tasks in all as are to wait; none needs another. Their values aren't the
    first of their names, as they are only once.
    """
    tasks = [f"t{number}" for number in range(TASKS)]
    days = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in range(-(-2 * queued // TASKS))]
    header = f"%%dag many\nmax_active_tasks = {2 * queued}\nmax_active_runs = {len(days)}"
    cells = [header, *(f"%%task {task} --after none\nx = 1" for task in tasks)]
    notebook = without_outputs(new_notebook(cells=[new_code_cell(cell) for cell in cells]))
    flow = flow_of(notebook, str(home.project / "many.ipynb"))
    intervals = [Interval(logical_date=day, start=day, end=day, due=day) for day in days]
    todo = submissions(flow, intervals, state, run_type=RunType.BACKFILL, params={})
    workflow = Workflow(flow=flow, notebook=notebook, cwd=home.project)
    register(state, workflow, todo)
    before = RunKey("many", "2025-01-01T00:00:00Z")
    xcoms.commit(
        [
            TryXComs(
                key=TaskKey(before, task),
                try_number=1,
                ds="2025-01-01",
                token=task,
                xcoms=(VALUE,),
                at=days[0],
            )
            for task in tasks
        ]
    )
    xcoms.show()
    return openings(state, workflow, todo)
