"""One address everywhere: `DAG|NOTEBOOK  DATE|latest|RUN_ID  [TASK[INDEX]]`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nbflow.errors import AddressError, FlowError
from nbflow.model.run import TaskKey, run_id_of, run_label
from nbflow.service.clock import now
from nbflow.service.dates import read_date
from nbflow.service.modules import saved_flow, stored_flow
from nbflow.service.params import guess
from nbflow.store.home import Home, find_home
from nbflow.store.state import StateStore

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nbflow.model.flow import Flow
    from nbflow.model.record import DagRecord, InstanceRecord, RunRecord, TryRecord

_NO_DAG = "{home} knows no DAG {name!r}{guess} {known} A notebook's path works too."
_NO_RUN = "{dag_id} has no run {text!r}. {known}"
_NO_RUNS = "{dag_id} has not run yet: nbflow run {path}"
_NO_TASK = "{dag_id} has no task {name!r}{guess} Its tasks: {tasks}."
_NO_INSTANCE = "{dag_id} has no task instance {text}: {task_id} is there, and {said}."
_NO_TRY = "{dag_id} {label} {task_id} has no try {number}; it has {known}."
_NOT_RUN = "{dag_id} {label} {task_id} has not run: {reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A DAG a person named, by its id or by its notebook.

    Attributes:
        home: where its runs are.
        dag_id: its id.
        path: its notebook, absolute.
        timezone: of the DAG.
        flow: the notebook as saved; the last stored version where the file is gone or broken.
    """

    home: Home
    dag_id: str
    path: Path
    timezone: str
    flow: Flow


def find_target(name: str, *, folder: Path | None = None) -> Target:
    """The DAG with this id or notebook.

    Args:
        name: a notebook's path, or the id of a DAG that the home of `folder` knows.
        folder: where to look for the home; None: the working directory.

    Raises:
        AddressError: there is none; the message lists those there are.
        NotebookUnreadable, FlowError: the notebook cannot be read as a workflow.
    """
    path = Path(name)
    if path.suffix == ".ipynb" or path.is_file():
        flow = saved_flow(path)
        return Target(
            home=find_home(path),
            dag_id=flow.dag.dag_id,
            path=path.resolve(),
            timezone=flow.dag.timezone,
            flow=flow,
        )
    return known_target(find_home(folder or Path.cwd()), name)


def known_target(home: Home, dag_id: str) -> Target:
    """The DAG with this id in a home.

    Raises:
        AddressError: the home knows none; the message lists those it knows.
        NotebookUnreadable, FlowError: its stored version cannot be read as a workflow.
    """
    found = _known_dag(dag_id, home)
    return Target(
        home=home,
        dag_id=dag_id,
        path=found.path,
        timezone=found.timezone,
        flow=_flow_of_record(home, found),
    )


def notebook_path(name: str) -> Path:
    """The notebook a person named by its path or, where no such file is, by the id of a DAG.

    Raises:
        AddressError: it is neither.
    """
    path = Path(name)
    if path.suffix == ".ipynb" or path.exists():
        return path
    return _known_dag(name, find_home(Path.cwd())).path


def _known_dag(name: str, home: Home) -> DagRecord:
    records = known_dags(home)
    for record in records:
        if record.dag_id == name:
            return record
    known = [record.dag_id for record in records]
    said = f"It knows: {', '.join(known)}." if known else "It knows none yet: nbflow run NOTEBOOK.ipynb."
    raise AddressError(_NO_DAG.format(home=home.root, name=name, guess=guess(name, known), known=said))


def known_dags(home: Home) -> list[DagRecord]:
    """The DAGs a home knows; none where there is no home yet."""
    if not home.state.exists():
        return []
    with StateStore(home.state) as state:
        return state.dags()


def known_dag(home: Home, dag_id: str) -> DagRecord | None:
    """What a home knows of a DAG; None where it doesn't know it, or there is no home yet."""
    if not home.state.exists():
        return None
    with StateStore(home.state) as state:
        return state.dag(dag_id)


def find_run(state: StateStore, target: Target, text: str) -> RunRecord:
    """The run with this date, id or variant, or the latest.

    Args:
        state: of the target's home.
        target: the DAG.
        text: `latest`, a run id, or a date in the DAG's zone; `~NAME` after it for a variant.

    Raises:
        AddressError: there is no such run; the message names the latest ones.
        DateError: the text is neither of these.
    """
    runs = state.runs(target.dag_id)
    if not runs:
        raise AddressError(_NO_RUNS.format(dag_id=target.dag_id, path=target.path.name))
    if text == "latest":
        return runs[0]
    for run in runs:
        if text in (run.key.run_id, label_of(run, target.timezone)):
            return run
    date, _, variant = text.partition("~")
    moment = read_date(date, timezone=target.timezone, now=now())
    wanted = run_id_of(moment.at, variant)
    for run in reversed(runs):
        within = moment.at <= run.interval.logical_date <= moment.last and run.variant == variant
        if run.key.run_id == wanted or within:
            return run
    latest = ", ".join(label_of(run, target.timezone) for run in runs[:5])
    said = f"Its latest runs: {latest}."
    raise AddressError(_NO_RUN.format(dag_id=target.dag_id, text=text, known=said))


def label_of(run: RunRecord, timezone: str) -> str:
    """The run as people read it: `2026-02-17`."""
    return run_label(run.interval.logical_date, timezone, run.variant)


def find_task(target: Target, run: RunRecord, text: str, known: Iterable[str]) -> TaskKey:
    """The task instance a person named: `clean`, or `clean[3]` of a mapped one.

    Raises:
        AddressError: the run has no such task.
    """
    known = list(known)
    task_id, index = split_instance(text, known)
    check_task(target.dag_id, task_id, known)
    return TaskKey(run.key, task_id, index)


def check_task(dag_id: str, task_id: str, known: Iterable[str]) -> None:
    """Say that there is no such task, and what there is.

    Raises:
        AddressError: `task_id` is none of the known ones.
    """
    names = list(known)
    if task_id not in names:
        tasks = ", ".join(names)
        raise AddressError(
            _NO_TASK.format(dag_id=dag_id, name=task_id, guess=guess(task_id, names), tasks=tasks)
        )


def split_instance(text: str, known: Iterable[str]) -> tuple[str, int]:
    """`clean[3]` as task id and map index; -1 where none is named. A task's own name may have brackets."""
    if text not in known and (mapped := re.fullmatch(r"(.+)\[(\d+)\]", text)):
        return mapped[1], int(mapped[2])
    return text, -1


def find_instance(state: StateStore, target: Target, run: RunRecord, text: str) -> TaskKey:
    """As `find_task`, of the instances that the run has.

    Raises:
        AddressError: the run has no such task, or the task no instance of that index.
    """
    return instance_of(target, run, text, state.instances(run.key))


def instance_of(target: Target, run: RunRecord, text: str, records: Sequence[InstanceRecord]) -> TaskKey:
    """As `find_instance`, of these.

    Raises:
        AddressError: the run has no such task, or the task no instance of that index.
    """
    known = list(dict.fromkeys(record.key.task_id for record in records))
    key = find_task(target, run, text, known)
    indexes = [record.key.map_index for record in records if record.key.task_id == key.task_id]
    if key.map_index in indexes:
        return key
    last = max(indexes)
    said = "it is not mapped" if last < 0 else f"it has [0] to [{last}]"
    raise AddressError(_NO_INSTANCE.format(dag_id=target.dag_id, task_id=key.task_id, text=text, said=said))


def name_of(key: TaskKey) -> str:
    """A task instance as people write it: `clean`, `clean[3]`."""
    return key.task_id if key.map_index < 0 else f"{key.task_id}[{key.map_index}]"


def find_try(
    state: StateStore, target: Target, run: RunRecord, key: TaskKey, number: int | None
) -> TryRecord:
    """A try of a task instance; its latest where no number is given.

    Raises:
        AddressError: it has no such try, or none at all.
    """
    tries = state.tries(key)
    label = label_of(run, target.timezone)
    if not tries:
        reasons = [record.reason for record in state.instances(run.key) if record.key == key]
        reason = next(iter(reasons), "") or "nothing has been decided about it"
        raise AddressError(
            _NOT_RUN.format(dag_id=target.dag_id, label=label, task_id=key.task_id, reason=reason)
        )
    if number is None:
        return tries[-1]
    for found in tries:
        if found.try_number == number:
            return found
    known = "1" if len(tries) == 1 else f"1 to {tries[-1].try_number}"
    message = _NO_TRY.format(
        dag_id=target.dag_id, label=label, task_id=key.task_id, number=number, known=known
    )
    raise AddressError(message)


def _flow_of_record(home: Home, record: DagRecord) -> Flow:
    try:
        if record.path.exists():
            flow = saved_flow(record.path)
            if flow.dag.dag_id == record.dag_id:
                return flow
    except (FlowError, ValueError):
        pass  # half-edited: the runs are still there to be looked at, by the version they ran
    with StateStore(home.state) as state:
        return stored_flow(state, record, record.version)


def open_state(target: Target) -> StateStore:
    """The state of the target's home, for reading.

    Raises:
        AddressError: nothing has run there yet.
    """
    if not target.home.state.exists():
        raise AddressError(_NO_RUNS.format(dag_id=target.dag_id, path=target.path.name))
    return StateStore(target.home.state)
