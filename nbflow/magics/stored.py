"""What the store knows of a notebook's runs, for a person's kernel."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from nbflow.codec import decode
from nbflow.errors import AddressError
from nbflow.service.lookup import find_run, open_state
from nbflow.service.versions import run_flow
from nbflow.service.views import grid_view
from nbflow.service.views import run_states as states_of
from nbflow.store.reading import reading_xcoms

if TYPE_CHECKING:
    from nbflow.model.flow import Flow
    from nbflow.model.grid import GridView
    from nbflow.model.state import TaskState
    from nbflow.service.lookup import Target


def stored_grid(target: Target, *, last: int) -> GridView:
    """The grid of a DAG's latest runs.

    Raises:
        AddressError: it has not run yet.
    """
    with open_state(target) as state:
        return grid_view(state, target.flow, last=last)


def run_graph(target: Target, run: str) -> tuple[Flow, dict[str, TaskState]]:
    """The workflow that a run ran, and task id → state in it.

    Args:
        target: the DAG.
        run: a date, `latest`, or a run id.

    Raises:
        AddressError, DateError: it has no such run.
    """
    with open_state(target) as state:
        found = find_run(state, target, run)
        return run_flow(state, target, found), states_of(state.instances(found.key))


def stored_xcom(
    target: Target,
    *,
    dag_id: str,
    run_id: str,
    task_id: str,
    key: str,
    include_prior_dates: bool,
    namespace: dict[str, object],
) -> object:
    """What a task of a stored run handed on; a list where it has several instances.

    Args:
        target: the kernel's DAG; its home is read.
        dag_id: the DAG that is asked about.
        run_id: the run.
        task_id: the task.
        key: the name the value was handed on under.
        include_prior_dates: whether an earlier run may answer.
        namespace: where what shared cells define is looked up.

    Raises:
        AddressError: there is no such value.
        HomeHeld: something that is no nbflow has the file open.
    """
    if target.home.xcom.exists():
        with TemporaryDirectory() as folder, reading_xcoms(target.home) as store:
            found = store.pull(
                dag_id, run_id, [task_id], key, include_prior_dates=include_prior_dates, folder=Path(folder)
            )
            values = [decode(value, namespace=namespace) for _, value in found]
        if values:
            return values[0] if len(values) == 1 and found[0][0].map_index < 0 else values
    raise AddressError(f"no {key!r} of task {task_id!r} is stored for run {run_id} of {dag_id}")
