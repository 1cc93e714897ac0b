"""Trying one task out: nothing of it is stored."""

from __future__ import annotations

import secrets
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from nbflow.errors import AddressError, OutsideError
from nbflow.execute.local import run_task
from nbflow.model.run import RunKey, TaskKey, run_id_of, run_label
from nbflow.model.state import TaskState
from nbflow.model.work import LOG_FILE, Result
from nbflow.model.xcom import item_key
from nbflow.service.clock import now
from nbflow.service.dates import one_interval, read_date
from nbflow.service.handed import HandedOn
from nbflow.service.lookup import check_task, known_dag, split_instance
from nbflow.service.outside import Answers
from nbflow.service.params import check_params, run_params, stored_params
from nbflow.service.prepare import Attempt, OpenRun, request_of
from nbflow.service.pull import answering
from nbflow.service.workflow import dated, read_workflow
from nbflow.store.home import Home, find_home
from nbflow.store.reading import reading_xcoms
from nbflow.store.state import StateStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from nbflow.model.outside import Standing, TriggerQuery
    from nbflow.model.record import InstanceRecord
    from nbflow.model.work import TaskOutcome, TaskRequest
    from nbflow.model.xcom import XComValue
    from nbflow.service.workflow import Workflow

_TELL = 0.1  # seconds between two looks at what the task prints
_NO_ITEM = "{task_id} has {count} items, [0] to [{last}]; there is no {task_id}[{index}]."
_NO_ITEMS = "{task_id} has no items: it would be skipped."
_NO_TRIGGER = "nbflow test triggers no other DAG; {dag_id} has no run of {run_id} yet."


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """How trying a task out went.

    Attributes:
        name: what was tried (`n 2026-02-17 clean[3]`).
        outcome: how it ended; its files are gone by now.
    """

    name: str
    outcome: TaskOutcome


class _Trying(Answers):
    """What a task that is tried out may ask; it triggers nothing."""

    def trigger(self, query: TriggerQuery) -> Standing:
        """How the run stands, if it is there."""
        run_id = run_id_of(query.logical_date)
        found = self.standing_of(RunKey(query.dag_id, run_id))
        if found is None:
            raise OutsideError(_NO_TRIGGER.format(dag_id=query.dag_id, run_id=run_id))
        return found


def try_out(
    notebook: Path, date: str, task: str, params: Mapping[str, object], tell: Callable[[bytes], None]
) -> Trial:
    """Run one task of a date, from the values that the run of that date has where there is one.

    Args:
        notebook: the file, as saved.
        date: as typed; it names the interval that starts on it.
        task: `clean`, or `clean[3]` of a mapped one; `clean` of a mapped one finds its items only.
        params: values of the notebook's parameters, beside those of the run.
        tell: given what the task prints, as it comes.

    Raises:
        NbflowError: the call is wrong, or a run holds the values.
    """
    home = find_home(notebook)
    workflow = read_workflow(notebook)
    flow = workflow.flow
    workflow = replace(workflow, flow=dated(flow, known_dag(home, flow.dag.dag_id)))
    check_params(flow.dag, params)
    task_id, index = split_instance(task, flow.tasks)
    check_task(
        flow.dag.dag_id, task if index >= 0 and not _mapped(workflow, task_id) else task_id, flow.tasks
    )
    zone = flow.dag.timezone
    interval = one_interval(workflow.flow.dag, read_date(date, timezone=zone, now=now()), now=now())
    key = TaskKey(RunKey(flow.dag.dag_id, run_id_of(interval.logical_date)), task_id, index)
    label = run_label(interval.logical_date, zone)
    with _bench(home) as bench:
        given = {**bench.params(key.run), **stored_params(params)}
        run = OpenRun(
            flow=workflow.flow,
            notebook=workflow.notebook,
            interval=interval,
            label=label,
            params=run_params(flow.dag, given, interval.logical_date),
            cwd=workflow.cwd,
        )
        item = None
        if index >= 0:
            item = _item(bench, workflow, run, key)
        request = bench.request(run, key)
        if item is not None:
            request = replace(request, item=item)
        outcome = _told(request, tell)
    return Trial(name=f"{flow.dag.dag_id} {label} {task}", outcome=outcome)


def _mapped(workflow: Workflow, task_id: str) -> bool:
    spec = workflow.flow.tasks.get(task_id)
    return spec is not None and spec.mapped


@dataclass(frozen=True, slots=True)
class _Bench:
    """Where tasks are tried out.

    Attributes:
        home: the project's, or an empty one.
        folder: for everything that tries leave; it goes when the trial is over.
        exchange: the socket that answers.
    """

    home: Home
    folder: Path
    exchange: Path

    def instances(self, run: RunKey) -> dict[TaskKey, InstanceRecord]:
        with StateStore(self.home.state) as state:
            return {record.key: record for record in state.instances(run)}

    def params(self, run: RunKey) -> Mapping[str, object]:
        with StateStore(self.home.state) as state:
            found = state.run(run)
        return {} if found is None else found.params

    def request(self, run: OpenRun, key: TaskKey) -> TaskRequest:
        """The request for a try, from what the store has."""
        instances = self.instances(key.run)
        flow = run.flow
        sources = {p for producers in flow.producers.get(key.task_id, {}).values() for p in producers}
        producers = {task_id: _standing(instances.get(TaskKey(key.run, task_id))) for task_id in sources}
        with StateStore(self.home.state) as state:
            before = state.previous_success(key.run.dag_id, run.interval.logical_date)
        token = secrets.token_hex(8)
        attempt = Attempt(
            run=run,
            key=replace_index(key),
            try_number=1,
            token=token,
            folder=self.folder / token,
            producers=producers,
            exchange=self.exchange,
            previous_success=before,
            collected={
                task_id: tuple(
                    (other, record.try_number)
                    for other, record in instances.items()
                    if other.task_id == task_id and other.map_index >= 0 and record.state is TaskState.SUCCESS
                )
                for task_id in sources
                if flow.tasks[task_id].mapped
                and (whole := instances.get(TaskKey(key.run, task_id))) is not None
                and whole.items is not None
            },
        )
        with reading_xcoms(self.home) as xcoms:
            request = request_of(attempt, xcoms, HandedOn(self.folder / "handed"))
        return replace(request, key=key)


def replace_index(key: TaskKey) -> TaskKey:
    """The task itself, of which this is an instance."""
    return key._replace(map_index=-1)


@contextmanager
def _bench(home: Home) -> Iterator[_Bench]:
    with TemporaryDirectory(prefix="nbflow-test-") as folder, ExitStack() as stack:
        if not home.root.exists():
            home = Home(Path(folder) / ".nbflow", Path(folder))
            home.create()
        answers = stack.enter_context(_Trying(home))
        exchange = stack.enter_context(answering(home, lambda: reading_xcoms(home), answers))
        yield _Bench(home, Path(folder), exchange)


def _standing(record: InstanceRecord | None) -> tuple[TaskState, int]:
    return (TaskState.NONE, 0) if record is None else (record.state, record.try_number)


def _item(bench: _Bench, workflow: Workflow, run: OpenRun, key: TaskKey) -> XComValue:
    """What an instance of a mapped task is about: of the run where it has found its items, else found now."""
    whole = replace_index(key)
    record = bench.instances(key.run).get(whole)
    if record is not None and record.items is not None and key.map_index < record.items:
        folder = bench.folder / "item"
        folder.mkdir(exist_ok=True)
        with reading_xcoms(bench.home) as xcoms:
            found = xcoms.get(whole, item_key(key.map_index), folder=folder)
        if found is not None:
            return found
    outcome = run_task(bench.request(run, whole))
    if outcome.result is not Result.SUCCESS:
        raise AddressError(f"{key.task_id} could not find its items: {outcome.reason}")
    items = {value.key: value for value in outcome.xcoms}
    found = items.get(item_key(key.map_index))
    if found is None:
        count = len(outcome.items or ())
        words = {"task_id": key.task_id, "index": key.map_index, "count": count, "last": count - 1}
        raise AddressError((_NO_ITEM if count else _NO_ITEMS).format(**words))
    return found


def _told(request: TaskRequest, tell: Callable[[bytes], None]) -> TaskOutcome:
    """Run the try, and tell what it prints meanwhile."""
    outcomes: list[TaskOutcome] = []
    thread = threading.Thread(target=lambda: outcomes.append(run_task(request)), name="nbflow-test")
    thread.start()
    log, told = request.folder / LOG_FILE, 0
    while True:
        over = not thread.is_alive()
        if log.exists():
            with log.open("rb") as file:
                file.seek(told)
                text = file.read()
            told += len(text)
            if text:
                tell(text)
        if over:
            return outcomes[0]
        thread.join(_TELL)
