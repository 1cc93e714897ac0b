"""The one-task notebook: the notebook's cells that a try runs, and nbflow's own around them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbflow.execute.purpose import expands
from nbflow.model.cell import Role

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from nbflow.model.cell import Cell
    from nbflow.model.work import TaskRequest

BRIDGE_TAG = "nbflow-bridge"
INPUTS_TAG = "nbflow-inputs"
OUTPUTS_TAG = "nbflow-outputs"
IMPORTS_TAG = "nbflow-imports"
INJECTED_TAG = "injected-parameters"
OWN_TAGS = frozenset({BRIDGE_TAG, INPUTS_TAG, OUTPUTS_TAG, IMPORTS_TAG, INJECTED_TAG})
_NOT_RUN: Mapping[str, Any] = {"outputs": [], "execution_count": None}


def cells_of_try(request: TaskRequest) -> tuple[Cell, ...]:
    """The notebook's cells that run for a try, in its order: a task's own, and the shared ones above its last.

    To find a mapped task's items, the shared ones above its first; for a callback, all shared ones.
    """
    flow, task_id = request.flow, request.key.task_id
    if request.callback is not None:
        chosen = flow.cells
    else:
        own = flow.cells_of(task_id)
        chosen = flow.cells[: own[0].index] if expands(request) else flow.cells[: own[-1].index + 1]
    mine = None if request.callback is not None or expands(request) else task_id
    return tuple(
        cell
        for cell in chosen
        if (cell.task_id == mine and mine is not None)
        or (cell.role in (Role.SHARED, Role.PARAMETERS) and cell.task_id is None)
    )


def task_notebook(request: TaskRequest, brief: Path) -> dict[str, Any]:
    """The one-task notebook, as JSON, before papermill has put the parameters in.

    The user's cells keep their source, id and metadata; nbflow's own are tagged.

    Args:
        request: whose task.
        brief: the path of the brief.
    """
    original: Any = request.notebook
    chosen = cells_of_try(request)
    begin = f"%load_ext nbflow.execute.bridge\n%nbflow_try {brief}"
    inputs = _inputs(request)
    statements = None if request.callback else request.flow.imports.get(request.key.task_id)
    first_own = next((n for n, cell in enumerate(chosen) if cell.task_id is not None), len(chosen))
    if first_own == 0 and not statements and not request.params:
        begin, inputs = f"{begin}\n{inputs}", ""  # nothing comes between
    cells = [_own_cell(BRIDGE_TAG, begin)]
    if request.params and not any(cell.role is Role.PARAMETERS for cell in chosen):
        cells.append(_own_cell(INJECTED_TAG, ""))  # papermill replaces it; else it would go above the bridge
    theirs = [original["cells"][cell.index] | {"id": cell.cell_id, **_NOT_RUN} for cell in chosen]
    cells += theirs[:first_own]
    if statements:
        cells.append(_own_cell(IMPORTS_TAG, statements))
    if inputs:
        cells.append(_own_cell(INPUTS_TAG, inputs))
    cells += theirs[first_own:]
    cells.append(_own_cell(OUTPUTS_TAG, _end(request)))
    metadata = {
        key: value
        for key, value in original.get("metadata", {}).items()
        if key not in ("papermill", "widgets")
    }
    metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def is_own(cell: Mapping[str, Any]) -> bool:
    """Whether nbflow added the cell of a one-task notebook."""
    return not OWN_TAGS.isdisjoint(cell.get("metadata", {}).get("tags", ()))


def _inputs(request: TaskRequest) -> str:
    """The line that sets what other tasks gave; their names are for the reader."""
    spec = request.flow.tasks.get(request.key.task_id)
    items = [] if request.item is None or spec is None else [name for over in spec.map for name in over.names]
    return " ".join(["%nbflow_inputs", *sorted({*request.inputs, *request.collected}), *items])


def _end(request: TaskRequest) -> str:
    if request.callback is not None:
        return f"%nbflow_callback {request.callback.function}"
    if not expands(request):
        return "%nbflow_outputs"
    return " ".join(
        ["%nbflow_items", *(f"--map {str(over)!r}" for over in request.flow.tasks[request.key.task_id].map)]
    )


def _own_cell(tag: str, source: str) -> dict[str, Any]:
    metadata = {"tags": [tag], "jupyter": {"source_hidden": True}}
    return {"cell_type": "code", "id": tag, "metadata": metadata, "source": source, **_NOT_RUN}
