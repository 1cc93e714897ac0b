"""The rule that every other serves: a run gives the values of running from top to bottom."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_notebooks import COMPARED, RandomNotebook, notebooks, plain, run, top_to_bottom

from nbflow.codec import decode, encode
from nbflow.model.cell import Role
from nbflow.parse.flow import flow_of

if TYPE_CHECKING:
    from nbflow.model.flow import Flow
    from nbflow.model.xcom import XComValue

EXAMPLES = int(os.environ.get("NBFLOW_EXAMPLES", "2000"))


def run_task(
    flow: Flow, notebook: RandomNotebook, task: str, store: dict[tuple[str, str], XComValue], folder: Path
) -> dict[str, Any]:
    """Run one task as the executor does, in a namespace of its own; what it hands on goes into the store."""
    own = flow.cells_of(task)
    namespace: dict[str, Any] = {"__name__": "__main__"}
    shared: dict[str, Any] = {}
    changed = frozenset().union(*(cell.names.mutates for cell in own))  # not by reference: it has a new state
    for cell in flow.cells[: own[-1].index + 1]:
        if cell.index == own[0].index:
            run(flow.imports.get(task, ""), namespace)
            for name, producers in flow.producers[task].items():
                given = next(
                    (store[producer, name] for producer in producers if (producer, name) in store), None
                )
                if given is not None:
                    namespace[name] = decode(given, namespace=namespace)
                elif name not in flow.optional[task]:
                    pytest.fail(f"{task} needs {name}, which nobody gave")
        if cell.task_id == task:
            run(notebook.cells[cell.index].code, namespace)
        elif cell.role is Role.SHARED:
            run(notebook.cells[cell.index].code, namespace)
            shared |= {name: namespace[name] for name in cell.names.defines - changed if name in namespace}
    for name in sorted(flow.exports[task]):
        if name in namespace:
            store[task, name] = encode(
                name, namespace[name], folder=folder, shared=shared, namespace=namespace
            )
    return namespace


def random_order(flow: Flow, data: st.DataObject) -> list[str]:
    order: list[str] = []
    while len(order) < len(flow.tasks):
        ready = [t for t in flow.tasks if t not in order and set(flow.graph.upstream(t)) <= set(order)]
        order.append(data.draw(st.sampled_from(ready)))
    return order


def check(notebook: RandomNotebook, data: st.DataObject, folder: Path) -> None:
    expected = top_to_bottom(notebook)
    flow = flow_of(notebook.node(), "random.ipynb")
    store: dict[tuple[str, str], XComValue] = {}
    for task in random_order(flow, data):
        own = flow.cells_of(task)
        namespace = run_task(flow, notebook, task, store, folder)
        after = expected[own[-1].index]
        certain = frozenset().union(*(cell.names.defines - cell.names.may_define for cell in own))
        for name in COMPARED:
            if name in certain and name in after:
                assert plain(namespace[name]) == after[name], (task, name)
            elif name in flow.exports[task] and name in namespace:
                assert plain(namespace[name]) == after.get(name), (task, name, "may")


@given(notebook=notebooks(), data=st.data())
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
def test_tasks_in_any_order_the_edges_allow_give_the_values_of_top_to_bottom(
    notebook: RandomNotebook, data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        check(notebook, data, Path(folder))
