"""A notebook read as a workflow."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from nbflow.model.graph import Graph

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbflow.model.cell import Cell
    from nbflow.model.dag import DagSpec
    from nbflow.model.problem import Problem
    from nbflow.model.task import TaskSpec


class EdgeKind(StrEnum):
    """Why one task follows another."""

    VARIABLE = "variable"
    DECLARED = "declared"
    POSITION = "position"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """One task follows another. At most one edge joins two tasks; a variable outranks a
    declaration, which outranks a position.

    Attributes:
        upstream, downstream: task ids.
        kind: why.
        names: the variables that go along it (empty unless kind is variable).
        reason: «`raw`: defined in cell 3, used in cell 5, line 2».
    """

    upstream: str
    downstream: str
    kind: EdgeKind
    names: frozenset[str]
    reason: str


@dataclass(frozen=True, kw_only=True)
class Flow:
    """A notebook read as a workflow: a value, made without running anything.

    Attributes:
        path: the notebook's path as given to the reader ("" when read from memory).
        dag: what the notebook says of itself.
        cells: all cells, in order.
        tasks: the tasks by id, in the order of the notebook.
        edges: in the order of the notebook (by downstream, then upstream).
        exports: for each task the names it hands on to others.
        producers: for each task and name it needs from others, the tasks that may give it, the
            nearest above first; the value is that of the first of them that ran and defined it.
        optional: for each task, those of its needed names that it may find undefined without
            failing before it starts (no definition above is certain, or the use is conditional).
        watched: for each task, names it can see that another task or a shared cell gave and it
            doesn't declare to change, compared by fingerprint at the end of a try; instances and the
            classes of shared cells (for their own state) too.
        code_hashes: for each task a hex sha256 over its own, its shared and its upstream code, with the
            modules it imports.
        version: a hex sha256 over sources, tags and headings of the notebook, and its modules.
        problems: warnings and hints, in order of cell. (Errors are raised, all at once.)
        kernel_name: the notebook's kernelspec, "" when it has none.
        imports: for each task that needs any, the statements of other tasks' cells that it repeats,
            one a line: imports, and deletions of names that shared cells give. Run after the shared
            cells above the task's first cell and before its inputs are set. A task without any has
            no entry.
        module_names: for each task the dotted names of what its own, its shared and its upstream code may
            import; under "" those of everything that runs. Python's own modules are left out.
        modules: path, relative to the notebook's folder → source of the project-local modules among them
            and of those they import; empty as parsed (`parse.modules.with_modules`).
    """

    path: str
    dag: DagSpec
    cells: tuple[Cell, ...]
    tasks: Mapping[str, TaskSpec]
    edges: tuple[Edge, ...]
    exports: Mapping[str, frozenset[str]]
    producers: Mapping[str, Mapping[str, tuple[str, ...]]]
    optional: Mapping[str, frozenset[str]]
    watched: Mapping[str, frozenset[str]]
    code_hashes: Mapping[str, str]
    version: str
    problems: tuple[Problem, ...]
    kernel_name: str = ""
    imports: Mapping[str, str] = field(default_factory=dict[str, str])
    module_names: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    modules: Mapping[str, str] = field(default_factory=dict[str, str])

    @cached_property
    def graph(self) -> Graph:
        """The tasks and edges as an immutable graph."""
        return Graph(self.tasks, ((edge.upstream, edge.downstream) for edge in self.edges))

    def cells_of(self, task_id: str) -> tuple[Cell, ...]:
        """The task's own cells (roles task and continues), in order."""
        return tuple(cell for cell in self.cells if cell.task_id == task_id)
