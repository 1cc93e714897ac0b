"""An ordinary notebook with task lines, as a copy beside it."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import nbformat
from nbformat.v4 import new_code_cell

from nbflow.errors import OptionError
from nbflow.model.task import TaskKind
from nbflow.parse.flow import read_flow
from nbflow.parse.suggest import suggest
from nbflow.store.notebooks import write_notebook

if TYPE_CHECKING:
    from pathlib import Path

    from nbformat import NotebookNode

    from nbflow.parse.suggest import Suggestion

_NOTHING = "{path}: there is nothing to propose: {why}."
_HAS_TASKS = "it has %%task cells already (look at it with: nbflow check {path})"
_TOO_SMALL = "it is one step, which runs as one task as it is"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Task lines for a notebook, and the notebook itself as read."""

    notebook: NotebookNode
    suggestions: tuple[Suggestion, ...]


def propose(path: Path) -> Proposal:
    """Task lines for the notebook; nothing is written.

    Raises:
        NotebookUnreadable, FlowError: it cannot be read, or its cells have errors.
        OptionError: it has tasks already, or is too small to have any.
    """
    flow = read_flow(path)
    notebook = nbformat.read(path, as_version=4)
    found = suggest(notebook)
    if not found:
        headed = any(spec.kind is not TaskKind.TASK for spec in flow.tasks.values()) or len(flow.tasks) > 1
        why = _HAS_TASKS.format(path=path) if headed else _TOO_SMALL
        raise OptionError(_NOTHING.format(path=path, why=why))
    return Proposal(notebook=notebook, suggestions=tuple(found))


def write_copy(proposal: Proposal, target: Path) -> None:
    """Write the notebook with its task lines, and a first cell that loads nbflow."""
    copy = deepcopy(proposal.notebook)
    for one in proposal.suggestions:
        cell = copy.cells[one.index]
        cell.source = f"%%task {one.name}\n{cell.source}"
    loader = new_code_cell("%load_ext nbflow")
    if copy.nbformat_minor < 5:
        del loader["id"]
    copy.cells.insert(0, loader)
    write_notebook(copy, target)
