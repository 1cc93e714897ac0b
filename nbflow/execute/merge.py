"""A run's one executed notebook, put together from its tasks' notebooks. All of them are plain JSON here."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from nbflow.execute.task_notebook import INJECTED_TAG

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from nbflow.model.flow import Flow

_Json = dict[str, Any]


def merge_outputs(
    flow: Flow,
    notebook: Mapping[str, Any],
    tries: Mapping[str, Mapping[str, Any]],
    *,
    output_path: Path | str | None = None,
) -> _Json:
    """The notebook as if its tasks had run in it: each task's outputs in its own cells.

    A cell that no try ran has no outputs. A shared cell shows what the first task to run it printed.
    Execution counts are the cells' numbers, as errors and logs name them. papermill's metadata is that of
    the run as a whole, and the cell with the injected parameters stands where papermill puts it.

    Args:
        flow: the notebook as read.
        notebook: its nbformat JSON; left as it is.
        tries: for each task that ran, the executed notebook of its latest try; left as they are, and the
            result shares outputs with them.
        output_path: where the result will lie, for the metadata.
    """
    ordered = sorted(tries.values(), key=_start)
    executed: dict[str, Mapping[str, Any]] = {}
    for attempt in ordered:
        for cell in attempt["cells"]:
            if cell["cell_type"] == "code" and _ran(cell):
                executed.setdefault(cell["id"], cell)
    with_ids = notebook.get("nbformat_minor", 0) >= 5
    cells: list[_Json] = []
    for known, original in zip(flow.cells, notebook["cells"], strict=True):
        cell = _without(original, "papermill")
        if with_ids:
            cell["id"] = known.cell_id
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
            if (source := executed.get(known.cell_id)) is not None:
                _fill(cell, source, known.number)
        cells.append(cell)
    _inject(cells, ordered, with_ids=with_ids)
    metadata = {**notebook.get("metadata", {}), "papermill": _metadata(ordered, flow.path, output_path)}
    found = (attempt["metadata"].get("language_info") for attempt in ordered)
    if (language := next((info for info in found if info is not None), None)) is not None:
        metadata["language_info"] = language
    if state := _widgets(ordered):
        metadata["widgets"] = state
    return {**notebook, "metadata": metadata, "cells": cells}


def _about(holder: Mapping[str, Any]) -> Mapping[str, Any]:
    """What papermill says of a notebook or cell."""
    return holder["metadata"].get("papermill", {})


def _ran(cell: Mapping[str, Any]) -> bool:
    return _about(cell).get("start_time") is not None


def _start(attempt: Mapping[str, Any]) -> str:
    return _about(attempt).get("start_time") or "~"  # never begun: last


def _without(cell: Mapping[str, Any], name: str) -> _Json:
    """The cell, with metadata of its own that lack this name."""
    kept = {key: value for key, value in cell.get("metadata", {}).items() if key != name}
    return {**cell, "metadata": kept}


def _fill(cell: _Json, source: Mapping[str, Any], number: int) -> None:
    cell["outputs"] = [
        {**output, "execution_count": number or None} if output["output_type"] == "execute_result" else output
        for output in source["outputs"]
    ]
    cell["execution_count"] = number or None
    cell["metadata"]["papermill"] = _about(source)


def _inject(cells: list[_Json], attempts: Sequence[Mapping[str, Any]], *, with_ids: bool) -> None:
    """Put in the cell with the injected parameters, in the place of an older one, else where papermill would."""
    found = next(
        (cell for attempt in attempts for cell in attempt["cells"] if _tagged(cell, INJECTED_TAG)), None
    )
    if found is None:
        return
    cell = {**found, "execution_count": None}
    if not with_ids:
        cell.pop("id", None)
    old = next((index for index, other in enumerate(cells) if _tagged(other, INJECTED_TAG)), None)
    if old is not None:
        cells[old] = cell
        return
    parameters = next((index for index, other in enumerate(cells) if _tagged(other, "parameters")), -1)
    cells.insert(parameters + 1, cell)


def _tagged(cell: Mapping[str, Any], tag: str) -> bool:
    return tag in cell["metadata"].get("tags", ())


def _metadata(attempts: Sequence[Mapping[str, Any]], source: str, output_path: Path | str | None) -> _Json:
    """Papermill's metadata of the run: from the first start to the last end."""
    found = [about for attempt in attempts if (about := _about(attempt))]
    start = min(_present(found, "start_time"), default=None)
    end = max(_present(found, "end_time"), default=None)
    duration = None
    if start is not None and end is not None:
        duration = (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
    return {
        **({} if not found else {"version": found[0].get("version"), "environment_variables": {}}),
        "default_parameters": {},
        "parameters": found[0].get("parameters", {}) if found else {},
        "input_path": source,
        "output_path": None if output_path is None else str(output_path),
        "start_time": start,
        "end_time": end,
        "duration": duration,
        "exception": any(metadata.get("exception") for metadata in found) or None,
    }


def _present(found: Iterable[Mapping[str, Any]], key: str) -> list[str]:
    return [metadata[key] for metadata in found if metadata.get(key) is not None]


def _widgets(attempts: Sequence[Mapping[str, Any]]) -> _Json:
    """The stored widget states of all tries in one; ids are unique."""
    merged: _Json = {}
    for attempt in attempts:
        for kind, content in attempt["metadata"].get("widgets", {}).items():
            whole = merged.setdefault(kind, {**content, "state": {}})
            whole["state"].update(content["state"])
    return merged
