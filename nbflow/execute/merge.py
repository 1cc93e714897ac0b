"""A run's one executed notebook, put together from its tasks' notebooks."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime
from typing import TYPE_CHECKING, Any

from nbflow.execute.request import INJECTED_TAG, node_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from nbformat import NotebookNode

    from nbflow.model.flow import Flow


def merge_outputs(
    flow: Flow,
    notebook: Mapping[str, object],
    tries: Mapping[str, NotebookNode],
    *,
    output_path: Path | str | None = None,
) -> NotebookNode:
    """The notebook as if its tasks had run in it: each task's outputs in its own cells.

    A cell that no try ran has no outputs. A shared cell shows what the first task to run it printed.
    Execution counts are the cells' numbers, as errors and logs name them. papermill's metadata is that of
    the run as a whole, and the cell with the injected parameters stands where papermill puts it.

    Args:
        flow: the notebook as read.
        notebook: its nbformat JSON; left as it is.
        tries: for each task that ran, the executed notebook of its latest try.
        output_path: where the result will lie, for the metadata.
    """
    merged = node_of(notebook)
    ordered = sorted(tries.values(), key=_start)
    executed: dict[str, NotebookNode] = {}
    for attempt in ordered:
        for cell in attempt.cells:
            if cell.cell_type == "code" and _ran(cell):
                executed.setdefault(cell.id, cell)
    for known, cell in zip(flow.cells, merged.cells, strict=True):
        if merged.nbformat_minor >= 5:
            cell.id = known.cell_id
        cell.metadata.pop("papermill", None)
        if cell.cell_type != "code":
            continue
        cell.outputs, cell.execution_count = [], None
        if (source := executed.get(known.cell_id)) is not None:
            _fill(cell, source, known.number)
    _inject(merged.cells, ordered, with_ids=merged.nbformat_minor >= 5)
    merged.metadata["papermill"] = _metadata(ordered, flow.path, output_path)
    language = next(
        (attempt.metadata.language_info for attempt in ordered if "language_info" in attempt.metadata), None
    )
    if language is not None:
        merged.metadata["language_info"] = language
    if state := _widgets(ordered):
        merged.metadata["widgets"] = state
    return merged


def _ran(cell: NotebookNode) -> bool:
    return cell.metadata.get("papermill", {}).get("start_time") is not None


def _start(attempt: NotebookNode) -> str:
    return attempt.metadata.get("papermill", {}).get("start_time") or "~"  # never begun: last


def _fill(cell: NotebookNode, source: NotebookNode, number: int) -> None:
    cell.outputs = deepcopy(source.outputs)
    cell.execution_count = number or None
    for output in cell.outputs:
        if output.output_type == "execute_result":
            output.execution_count = number or None
    cell.metadata["papermill"] = deepcopy(source.metadata.papermill)


def _inject(cells: list[NotebookNode], attempts: Sequence[NotebookNode], *, with_ids: bool) -> None:
    """Put in the cell with the injected parameters, in the place of an older one, else where papermill would."""
    found = next(
        (cell for attempt in attempts for cell in attempt.cells if _tagged(cell, INJECTED_TAG)), None
    )
    if found is None:
        return
    cell = deepcopy(found)
    cell.execution_count = None
    if not with_ids:
        cell.pop("id", None)
    old = next((index for index, other in enumerate(cells) if _tagged(other, INJECTED_TAG)), None)
    if old is not None:
        cells[old] = cell
        return
    parameters = next((index for index, other in enumerate(cells) if _tagged(other, "parameters")), -1)
    cells.insert(parameters + 1, cell)


def _tagged(cell: NotebookNode, tag: str) -> bool:
    return tag in cell.metadata.get("tags", ())


def _metadata(
    attempts: Sequence[NotebookNode], source: str, output_path: Path | str | None
) -> dict[str, Any]:
    """Papermill's metadata of the run: from the first start to the last end."""
    found = [attempt.metadata.papermill for attempt in attempts if "papermill" in attempt.metadata]
    start = min(_present(found, "start_time"), default=None)
    end = max(_present(found, "end_time"), default=None)
    duration = None
    if start is not None and end is not None:
        duration = (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
    return {
        **({} if not found else {"version": found[0].get("version"), "environment_variables": {}}),
        "default_parameters": {},
        "parameters": deepcopy(found[0].get("parameters", {})) if found else {},
        "input_path": source,
        "output_path": None if output_path is None else str(output_path),
        "start_time": start,
        "end_time": end,
        "duration": duration,
        "exception": any(metadata.get("exception") for metadata in found) or None,
    }


def _present(found: Iterable[Mapping[str, Any]], key: str) -> list[str]:
    return [metadata[key] for metadata in found if metadata.get(key) is not None]


def _widgets(attempts: Sequence[NotebookNode]) -> dict[str, Any]:
    """The stored widget states of all tries in one; ids are unique."""
    merged: dict[str, Any] = {}
    for attempt in attempts:
        for kind, content in attempt.metadata.get("widgets", {}).items():
            whole = merged.setdefault(kind, {**deepcopy(content), "state": {}})
            whole["state"].update(deepcopy(content["state"]))
    return merged
