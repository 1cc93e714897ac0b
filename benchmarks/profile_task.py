"""Where each millisecond of a task goes: owner, host and child, seen from inside.

    python benchmarks/profile_task.py [--tries 100]

Two measurements; medians over many tries of a task that adds two numbers and hands the sum on:

* **host and child**: this process takes the part of a host. It forks children as a host does and runs their
  tries one by one.
* **owner**: a chain of such tasks through the real scheduler, stores and hosts, one at a time.

A row is the time inside functions of that name, without that of the rows indented below it where those are
called within it. Times of the child and of the host overlap: while the one works, the other waits.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import inspect
import json
import shutil
import socket
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbformat.v4 import new_code_cell, new_notebook

from nbflow.model.run import Interval, RunKey, RunType, TaskKey, run_id_of
from nbflow.parse.flow import flow_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbformat import NotebookNode

    from nbflow.model.work import TaskRequest

DAY = datetime(2026, 1, 1, tzinfo=UTC)
INTERVAL = Interval(logical_date=DAY, start=DAY, end=DAY + timedelta(days=1), due=DAY + timedelta(days=1))
OURS, LIBRARY, SYSTEM = "nbflow", "library", "system"


class Spans:
    """How long named pieces took in each try, in seconds."""

    def __init__(self) -> None:
        self.now: dict[str, float] = {}
        self.tries: list[dict[str, float]] = []

    def add(self, name: str, seconds: float) -> None:
        """To what the piece took in this try so far."""
        self.now[name] = self.now.get(name, 0.0) + seconds

    def end_try(self) -> None:
        """The next try begins."""
        self.tries.append(self.now)
        self.now = {}

    def wrap(self, owner: Any, attribute: str, name: str) -> None:  # noqa: ANN401
        """Note the time of every call of a function, whatever kind it is."""
        found = inspect.getattr_static(owner, attribute)
        function = found.__func__ if isinstance(found, classmethod) else found

        @functools.wraps(function)
        def called(*args: Any, **options: Any) -> Any:  # noqa: ANN401
            began = time.perf_counter()
            try:
                return function(*args, **options)
            finally:
                self.add(name, time.perf_counter() - began)

        @functools.wraps(function)
        async def awaited(*args: Any, **options: Any) -> Any:  # noqa: ANN401
            began = time.perf_counter()
            try:
                return await function(*args, **options)
            finally:
                self.add(name, time.perf_counter() - began)

        wrapped = awaited if inspect.iscoroutinefunction(function) else called
        setattr(owner, attribute, classmethod(wrapped) if isinstance(found, classmethod) else wrapped)

    def median(self, name: str) -> float:
        """In milliseconds a try; 0 for a piece that never was."""
        return 1000 * statistics.median([spans.get(name, 0.0) for spans in self.tries] or [0.0])


def chain(length: int) -> NotebookNode:
    """A notebook of tasks that pass a number."""
    cells = ["%%dag profiled\nschedule = '@daily'\nstart_date = 2026-01-01", "%%task t0\nx0 = 1"]
    cells += [f"%%task t{i}\nx{i} = x{i - 1} + 1" for i in range(1, length)]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return new_notebook(cells=[new_code_cell(cell) for cell in cells], metadata={"kernelspec": kernel})


def print_rows(spans: Spans, rows: Sequence[tuple[int, str, str, str]]) -> None:
    """A table: each row's own time and whose it is; what it is made of stands below it, indented."""
    for place, (depth, name, whose, what) in enumerate(rows):
        inner = 0.0
        for below in rows[place + 1 :]:
            if below[0] <= depth:
                break
            if below[0] == depth + 1:
                inner += spans.median(below[1])
        own = max(0.0, spans.median(name) - inner)
        print(f"| {'&nbsp;&nbsp;' * depth}{what} | {own:.2f} | {whose} |")


HOST = (
    (0, "try", OURS, "the try as a whole: the rest of the host"),
    (1, "papermill", LIBRARY, "papermill prepares the notebook and keeps its record"),
    (2, "client", LIBRARY, "nbclient's client is made"),
    (2, "wait", SYSTEM, "waits for the child"),
    (2, "message", LIBRARY, "nbclient takes the child's messages"),
    (1, "write", LIBRARY, "the executed notebook is written"),
    (1, "outcome", SYSTEM, "outcome.json is written and synced"),
    (1, "end", SYSTEM, "waits for the child to end"),
)
CHILD = (
    (0, "take", LIBRARY, "ipykernel takes requests and answers"),
    (1, "run_cell", LIBRARY, "IPython runs the cells: transforms, compiles, shows"),
    (2, "bridge", OURS, "the try begins: brief, names, watch over changes"),
    (2, "inputs", OURS, "inputs are decoded and set"),
    (2, "outputs", OURS, "values are encoded and handed on"),
    (1, "send", OURS, "messages to the host"),
)
OWNER = (
    (0, "task", OURS, "from one task's end to the next one's: threads and sockets"),
    (1, "turn", OURS, "the scheduler's turns: machine and state"),
    (2, "sqlite", SYSTEM, "SQLite commits, synced"),
    (1, "commit", LIBRARY, "DuckDB stores the values, synced"),
    (1, "request", OURS, "inputs are looked up, folders made"),
    (1, "prepare", OURS, "the one-task notebook and its brief"),
    (1, "host", SYSTEM, "the host is at work"),
)


def host_and_child(tries: int, folder: Path) -> tuple[Spans, Spans]:
    """Be a host for so many tries."""
    from nbflow.execute.fork import stem

    stem.import_engine([])
    from nbflow.execute import attempt, bridge
    from nbflow.execute.engine import TaskNotebook
    from nbflow.execute.fork import child as inside
    from nbflow.execute.fork import client
    from nbflow.execute.fork.kernel import ChildKernel, ChildSession, build
    from nbflow.execute.fork.orders import Orders
    from nbflow.execute.fork.process import ChildProcess
    from nbflow.execute.request import Job, prepare

    app = build()
    host, child = Spans(), Spans()
    host.wrap(attempt.papermill, "execute_notebook", "papermill")
    host.wrap(client.ChildClient, "__init__", "client")
    host.wrap(client.ChildClient, "process_message", "message")
    host.wrap(ChildProcess, "receive", "wait")
    host.wrap(TaskNotebook, "write", "write")
    host.wrap(attempt, "write_outcome", "outcome")
    host.wrap(ChildProcess, "end", "end")
    child.wrap(ChildKernel, "take", "take")
    child.wrap(type(app.kernel.shell), "run_cell", "run_cell")
    child.wrap(ChildSession, "send", "send")
    child.wrap(bridge.TrySession, "start", "bridge")
    child.wrap(bridge.TrySession, "take_inputs", "inputs")
    child.wrap(bridge.TrySession, "give_outputs", "outputs")
    spoken = folder / "child.json"
    serve = inside.serve

    def told(*args: Any) -> None:  # noqa: ANN401
        child.now.clear()
        serve(*args)
        spoken.write_text(json.dumps(child.now))

    inside.serve = told
    ours, theirs = socket.socketpair()
    orders = Orders(theirs)
    stem.settle()
    for number in range(tries):
        job = Job.from_json(json.loads(json.dumps(prepare(request_for(folder, number)).to_json())))
        process = ChildProcess(app, orders, "forked")
        time.sleep(0.02)  # as long as a host's child waits for its try at least
        began = time.perf_counter()
        outcome = attempt.Attempt(job, process).run(lambda _: None)
        host.add("try", time.perf_counter() - began)
        process.bury()
        if outcome.result != "success":
            sys.exit(f"the try ended as {outcome.result}: {outcome.reason}")
        host.end_try()
        child.now = json.loads(spoken.read_text())
        child.end_try()
    ours.close()
    return host, child


def request_for(folder: Path, number: int) -> TaskRequest:
    """A try of the chain's second task, which takes a number and hands one on."""
    from nbflow.codec import encode
    from nbflow.model.work import TaskRequest

    notebook = chain(3)
    flow = flow_of(notebook, "profiled.ipynb")
    place = folder / str(number)
    place.mkdir()
    return TaskRequest(
        key=TaskKey(RunKey("profiled", run_id_of(DAY)), "t1"),
        try_number=1,
        token=f"token {number}",
        flow=flow,
        notebook=notebook,
        interval=INTERVAL,
        timezone="UTC",
        params={},
        inputs={"x0": encode("x0", 1, folder=place, shared={})},
        missing={},
        cwd=folder,
        folder=place,
    )


def owner(tries: int, folder: Path) -> Spans:
    """Run a chain through everything, one task at a time; a try is from one task's end to the next one's."""
    from nbflow.execute import worker
    from nbflow.execute.local import LocalExecutor
    from nbflow.plan.machine import Machine
    from nbflow.service import courier, scheduler
    from nbflow.service.open_run import openings, register
    from nbflow.service.orders import Orders
    from nbflow.service.session import owned_home
    from nbflow.service.submit import new
    from nbflow.service.workflow import Workflow
    from nbflow.store.home import Home
    from nbflow.store.notebooks import without_outputs
    from nbflow.store.state import StateStore
    from nbflow.store.xcom import XComStore

    spans = Spans()
    spans.wrap(scheduler.Scheduler, "_turn", "turn")
    spans.wrap(Machine, "handle", "machine")
    spans.wrap(StateStore, "_commit", "sqlite")
    spans.wrap(XComStore, "commit", "commit")
    spans.wrap(courier, "request_of", "request")
    spans.wrap(worker, "prepare", "prepare")
    spans.wrap(worker._Host, "run", "host")
    notebook = chain(tries)
    flow = flow_of(notebook, "profiled.ipynb")
    home = Home(folder / ".nbflow", folder)
    ended: list[float] = []

    def moved(moves: Sequence[Any]) -> None:
        for move in moves:
            if getattr(move, "new", None) == "success" and hasattr(move, "key"):
                spans.add("task", time.perf_counter() - (ended[-1] if ended else time.perf_counter()))
                ended.append(time.perf_counter())
                spans.end_try()

    with owned_home(home, what="profile") as state, XComStore.open(home.root) as xcoms:
        executor = LocalExecutor(1)
        try:
            loop = scheduler.Scheduler(
                home,
                state,
                xcoms,
                executor,
                parallelism=1,
                exchange=None,
                listener=moved,
                orders=Orders(state),
            )
            todo = [new(flow, INTERVAL, run_type=RunType.MANUAL, params={})]
            workflow = Workflow(flow=flow, notebook=without_outputs(notebook), cwd=folder)
            register(state, workflow, todo)
            loop.open(openings(state, workflow, todo))
            loop.run_until_idle()
            loop.close()
        finally:
            executor.close()
    spans.tries = spans.tries[2:]  # the first waits for its host
    return spans


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--tries", type=int, default=100, help="how many tries of each kind (default: 100)")
    tries = parser.parse_args().tries
    # not a TemporaryDirectory: its clean-up would run in every child too
    place = Path(tempfile.mkdtemp())
    try:
        for name in ("owner", "host"):
            (place / name).mkdir()
        with contextlib.redirect_stdout(sys.stderr):
            host, child = host_and_child(tries, place / "host")  # first: a host has no threads and no DuckDB
            spans = owner(tries, place / "owner")
    finally:
        shutil.rmtree(place)
    for who, measured, rows in (("owner", spans, OWNER), ("host", host, HOST), ("child", child, CHILD)):
        print(f"\n| {who} | ms | whose |\n| --- | ---: | --- |")
        print_rows(measured, rows)
        print(f"| **{rows[0][3].partition(':')[0]}** | **{measured.median(rows[0][1]):.2f}** | |")


if __name__ == "__main__":
    main()
