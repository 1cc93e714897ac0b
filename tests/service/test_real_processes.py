"""The rule, through real task processes: fifty random notebooks in one scheduler, two tasks at a time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, given, settings
from random_notebooks import COMPARED, RandomNotebook, notebooks, plain, run, top_to_bottom

from nbflow.codec import decode
from nbflow.execute.local import LocalExecutor
from nbflow.model.cell import Role
from nbflow.model.run import Interval, RunKey, RunType, TaskKey
from nbflow.model.state import RunState
from nbflow.parse.flow import flow_of
from nbflow.service.open_run import openings, register
from nbflow.service.orders import Orders
from nbflow.service.scheduler import Scheduler
from nbflow.service.session import owned_home
from nbflow.service.submit import new
from nbflow.service.workflow import Workflow
from nbflow.store.home import Home
from nbflow.store.notebooks import without_outputs
from nbflow.store.xcom import XComStore

if TYPE_CHECKING:
    from pathlib import Path

    from nbflow.model.flow import Flow

COUNT = 50
AT = datetime(2026, 1, 1, tzinfo=UTC)
DAY = Interval(logical_date=AT, start=AT, end=AT, due=AT)


def some_notebooks() -> list[RandomNotebook]:
    found: list[RandomNotebook] = []

    @settings(
        max_examples=COUNT, phases=[Phase.generate], database=None, suppress_health_check=list(HealthCheck)
    )
    @given(notebooks())
    def collect(notebook: RandomNotebook) -> None:
        found.append(notebook)

    collect()
    return found


def shared_names(flow: Flow, notebook: RandomNotebook) -> dict[str, Any]:
    """What shared cells define: what values by reference refer to."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for cell in flow.cells:
        if cell.role is Role.SHARED:
            run(notebook.cells[cell.index].code, namespace)
    return namespace


def test_fifty_random_notebooks_give_the_values_of_top_to_bottom(tmp_path: Path) -> None:
    home = Home(tmp_path / ".nbflow", tmp_path)
    made = [(flow_of(nb.node(), f"random_{i}.ipynb"), nb) for i, nb in enumerate(some_notebooks())]
    executor = LocalExecutor(2)
    with owned_home(home, what="pytest") as state, XComStore.open(home.root) as xcoms:
        scheduler = Scheduler(
            home,
            state,
            xcoms,
            executor,
            parallelism=2,
            exchange=None,
            listener=lambda moves: None,
            orders=Orders(state),
        )
        runs = []
        for flow, notebook in made:
            workflow = Workflow(flow=flow, notebook=without_outputs(notebook.node()), cwd=tmp_path)
            todo = [new(flow, DAY, run_type=RunType.MANUAL, params={})]
            register(state, workflow, todo)
            runs += openings(state, workflow, todo)
        scheduler.open(runs)
        try:
            scheduler.run_until_idle()
        finally:
            scheduler.close()
            executor.close()

        compared = 0
        for flow, notebook in made:
            run_key = RunKey(flow.dag.dag_id, "2026-01-01T00:00:00Z")
            record = state.run(run_key)
            assert record is not None
            reasons = [f"{one.key.task_id}: {one.reason}" for one in state.instances(run_key)]
            assert record.state is RunState.SUCCESS, f"{reasons}\n{notebook}"
            expected = top_to_bottom(notebook)
            for task_id, names in flow.exports.items():
                after = expected[flow.cells_of(task_id)[-1].index]
                for name in names & set(COMPARED):
                    value = xcoms.get(TaskKey(run_key, task_id), name, folder=tmp_path)
                    if value is not None:
                        found = decode(value, namespace=shared_names(flow, notebook))
                        assert plain(found) == after.get(name), f"{task_id} {name}\n{notebook}"
                        compared += 1
        assert compared > COUNT, "the notebooks hand values on"
