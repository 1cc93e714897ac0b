"""What commands come to, for whoever owns the home: the runs to open, the machine's events, the answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbflow.errors import AddressError, DateError, NbflowError
from nbflow.model.messages import Cleared, Event, Marked, PauseSet, PoolsSet, RunMarked
from nbflow.model.run import Interval, RunKey, RunType, TaskKey
from nbflow.model.state import RunState, TaskState
from nbflow.plan.machine import Machine
from nbflow.service import retention
from nbflow.service.admission import check_unpaused
from nbflow.service.clock import now
from nbflow.service.consequences import needed
from nbflow.service.dates import Moment, one_interval
from nbflow.service.open_run import openings, register
from nbflow.service.params import check_params
from nbflow.service.run_order import RunOrders
from nbflow.service.schedule_order import obey_schedule
from nbflow.service.submit import Standing, going_on, submissions
from nbflow.service.workflow import read_workflow, stored_workflow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from nbflow.model.record import DagRecord
    from nbflow.service.open_run import Opening
    from nbflow.service.submit import Submission
    from nbflow.service.workflow import Workflow
    from nbflow.store.state import StateStore
    from nbflow.store.xcom import XComStore

_UNKNOWN_DAG = (
    "this home knows no DAG {dag_id!r}; run its notebook once, so that it does: nbflow run NOTEBOOK"
)
_UNKNOWN_VERB = (
    "the owner of the home doesn't know the command {verb!r}: it is of another nbflow. Wait for its end."
)
_UNDER_WAY = """\
the run {run_id} is under way: what is cleared in it runs at once. Leave --no-run out, or wait for its end."""
_MOVED = (
    "the notebook of {dag_id}, {path}, now holds the DAG {other!r}. Name it {dag_id} again, or run that one."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a command comes to, in the order in which the scheduler takes it.

    Attributes:
        before: what its machine is told first.
        runs: what it opens.
        events: what its machine is told then.
        scheduled: the DAGs whose schedules are to be looked at anew.
        answer: for whoever asked.
    """

    before: Sequence[Event] = ()
    runs: Sequence[Opening] = ()
    events: Sequence[Event] = ()
    scheduled: Sequence[str] = ()
    answer: Mapping[str, object] = field(default_factory=dict[str, object])


class Orders:
    """Reads commands, for the owner of a home."""

    def __init__(self, state: StateStore, xcoms: XComStore | None = None, *, serves: bool = False) -> None:
        """Read for a home.

        Args:
            state: open for writing.
            xcoms: what tries handed on; None where only that is asked for which nothing runs at once.
            serves: whether who obeys makes the runs of schedules.
        """
        self._state = state
        self._xcoms = xcoms
        self._serves = serves
        self._asked_runs = RunOrders(state, serves=serves)

    def read(self, verb: str, body: Mapping[str, Any], *, is_open: Callable[[RunKey], bool]) -> Order:
        """What a command comes to. New runs, and what is no machine's business, are stored by then.

        Args:
            verb: `clear`, `mark`, `trigger`, `run`, `schedule`, `unschedule`, `publish`, `pause`, `pools` or `clean`.
            body: see `bodies`.
            is_open: whether the machine has a run open.

        Raises:
            NbflowError: it cannot be done; the message says what to do.
        """
        match verb:
            case "clear":
                return self._clear(body, is_open)
            case "mark":
                return self._mark(body, is_open)
            case "trigger":
                return self._trigger(body, is_open)
            case "run":
                runs, answer = self._asked_runs.begin(body, is_open=is_open)
                return Order(runs=runs, answer=answer)
            case "pause":
                return self._pause(body)
            case "schedule" | "unschedule" | "publish":
                scheduled, answer = obey_schedule(self._state, verb, body)
                return Order(scheduled=scheduled, answer=answer | {"serves": self._serves})
            case "pools":
                return Order(events=(pools_set(self._state),))
            case "clean":
                return Order(answer=retention.obey(self._state, self._xcoms, body, is_open=is_open))
            case _:
                raise NbflowError(_UNKNOWN_VERB.format(verb=verb))

    def workflow(self, dag_id: str, path: str = "") -> Workflow:
        """A DAG's notebook as saved; at `path` where the home doesn't know the DAG.

        Raises:
            AddressError: the home doesn't know the DAG, or its notebook has become another.
            NotebookUnreadable, FlowError: it cannot be read.
        """
        record = self._state.dag(dag_id)
        if record is None and not path:
            raise AddressError(_UNKNOWN_DAG.format(dag_id=dag_id))
        notebook = Path(path) if record is None else record.path
        workflow = read_workflow(notebook, record)
        if workflow.flow.dag.dag_id != dag_id:
            other = workflow.flow.dag.dag_id
            raise AddressError(_MOVED.format(dag_id=dag_id, path=notebook, other=other))
        return workflow

    def _clear(self, body: Mapping[str, Any], is_open: Callable[[RunKey], bool]) -> Order:
        by_run: dict[RunKey, dict[TaskKey, str]] = {}
        for run_id, task_id, map_index, reason in body["tasks"]:
            run = RunKey(body["dag_id"], run_id)
            by_run.setdefault(run, {})[TaskKey(run, task_id, map_index)] = reason
        under_way = {run: tasks for run, tasks in by_run.items() if is_open(run)}
        closed = {run: tasks for run, tasks in by_run.items() if not is_open(run)}
        if under_way and not body["run"]:
            raise NbflowError(_UNDER_WAY.format(run_id=next(iter(under_way)).run_id))
        runs = self._opened(body["dag_id"], closed, is_open, original=body.get("original", False))
        if not body["run"]:
            self._lay_down(body["dag_id"], runs)
            return Order()
        events = [Cleared(at=now(), run=run, tasks=tasks) for run, tasks in under_way.items()]
        return Order(runs=runs, events=events)

    def _lay_down(self, dag_id: str, runs: Sequence[Opening]) -> None:
        """Store what opening these runs comes to while nothing of the DAG may start."""
        machine = Machine(parallelism=1)
        machine.handle(PauseSet(at=now(), dag_id=dag_id, paused=True))
        with self._state.writing():
            for _, event in runs:
                self._state.record(machine.handle(event))

    def _mark(self, body: Mapping[str, Any], is_open: Callable[[RunKey], bool]) -> Order:
        dag_id, reason = body["dag_id"], body["reason"]
        by_run: dict[RunKey, dict[TaskKey, TaskState]] = {}
        for run_id, task_id, map_index, state in body["tasks"]:
            run = RunKey(dag_id, run_id)
            by_run.setdefault(run, {})[TaskKey(run, task_id, map_index)] = TaskState(state)
        events: list[Event] = [
            Marked(at=now(), run=run, tasks=tasks, reason=reason) for run, tasks in by_run.items()
        ]
        whole = {RunKey(dag_id, run_id): RunState(state) for run_id, state in body.get("runs", ())}
        if body.get("unless_over"):
            records = {run: self._state.run(run) for run in whole}
            whole = {
                run: whole[run] for run, record in records.items() if record and not record.state.finished
            }
        events += [RunMarked(at=now(), run=run, state=state, reason=reason) for run, state in whole.items()]
        closed: dict[RunKey, dict[TaskKey, str]] = {run: {} for run in (*by_run, *whole) if not is_open(run)}
        runs = self._opened(dag_id, closed, is_open)
        if not runs:
            return Order(events=events)
        # A run that is over would end again as soon as it is opened: it is held until it is marked.
        record = self._state.dag(dag_id)
        hold = PauseSet(at=now(), dag_id=dag_id, paused=True)
        release = PauseSet(at=now(), dag_id=dag_id, paused=record is not None and record.paused)
        return Order(before=(hold,), runs=runs, events=(*events, release))

    def _opened(
        self,
        dag_id: str,
        again: Mapping[RunKey, Mapping[TaskKey, str]],
        is_open: Callable[[RunKey], bool],
        *,
        original: bool = False,
    ) -> list[Opening]:
        """Runs of the store, to be opened with the notebook as saved; `original`: as each of them last ran."""
        known = self._state.dag(dag_id)
        if original and known is not None:
            return self._opened_as_they_ran(known, again, is_open)
        if not again:
            return []
        workflow = self.workflow(dag_id)
        todo: list[Submission] = []
        for run, tasks in again.items():
            record, instances = self._state.run(run), self._state.instances(run)
            if record is None:
                continue
            if tasks and self._xcoms is not None:
                tasks = {**needed(workflow.flow, run, instances, tasks, self._xcoms), **tasks}
            todo.append(going_on(record, instances, workflow.flow.dag.timezone, tasks))
        register(self._state, workflow, todo, unattended=self._serves)
        return openings(self._state, workflow, todo, is_open=is_open)

    def _opened_as_they_ran(
        self,
        known: DagRecord,
        again: Mapping[RunKey, Mapping[TaskKey, str]],
        is_open: Callable[[RunKey], bool],
    ) -> list[Opening]:
        found: list[Opening] = []
        for run, tasks in again.items():
            record, instances = self._state.run(run), self._state.instances(run)
            if record is not None:
                workflow = stored_workflow(self._state, known, record.version)
                todo = [going_on(record, instances, workflow.flow.dag.timezone, tasks)]
                found += openings(self._state, workflow, todo, is_open=is_open)
        return found

    def _trigger(self, body: Mapping[str, Any], is_open: Callable[[RunKey], bool]) -> Order:
        workflow = self.workflow(body["dag_id"], body["path"])
        flow = workflow.flow
        check_params(flow.dag, body["params"])
        (submission,) = submissions(
            flow,
            [_interval(workflow, datetime.fromisoformat(body["date"]))],
            self._state,
            run_type=RunType.MANUAL,
            params=body["params"],
        )
        key, standing = submission.key, submission.standing
        begins = standing is Standing.NEW or (standing is Standing.CONTINUES and body["again"])
        answer: dict[str, object] = {
            "run_id": key.run_id,
            "label": submission.label,
            "standing": standing.value if begins else Standing.DONE.value,
        }
        if is_open(key) or not begins:
            return Order(answer={**answer, "standing": "open" if is_open(key) else Standing.DONE.value})
        check_unpaused(self._state, flow.dag.dag_id)
        register(self._state, workflow, [submission], unattended=self._serves)
        return Order(runs=openings(self._state, workflow, [submission], is_open=is_open), answer=answer)

    def _pause(self, body: Mapping[str, Any]) -> Order:
        dag_id, pausing = body["dag_id"], bool(body["paused"])
        if self._state.dag(dag_id) is None:
            register(self._state, self.workflow(dag_id, body["path"]), [])
        with self._state.writing():
            self._state.pause(dag_id, paused=pausing, reason="")
        event = PauseSet(at=now(), dag_id=dag_id, paused=pausing)
        return Order(events=(event,), scheduled=(dag_id,))


def pools_set(state: StateStore) -> PoolsSet:
    """The event that tells the machine of the home's pools."""
    pools = state.settings.pools()
    return PoolsSet(at=now(), pools={name: pool.slots for name, pool in pools.items()})


def _interval(workflow: Workflow, date: datetime) -> Interval:
    """The data interval that starts then; where none does, that moment."""
    try:
        return one_interval(workflow.flow.dag, Moment(date, whole_day=False), now=now())
    except DateError:
        return Interval(logical_date=date, start=date, end=date, due=date)
