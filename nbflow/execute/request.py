"""A request made ready to run: the one-task notebook, and the brief that the kernel reads."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbflow.errors import NotebookUnreadable
from nbflow.execute.brief import BRIEF_FILE, Brief, CellPlace, CellText, Export, LaterTask, Ties
from nbflow.execute.outcome import write_whole
from nbflow.execute.purpose import Purpose, expands
from nbflow.execute.task_notebook import cells_of_try, is_own, task_notebook

if TYPE_CHECKING:
    from collections.abc import Mapping, Set

    from nbflow.model.cell import Cell
    from nbflow.model.flow import Flow
    from nbflow.model.work import TaskRequest

PYTHON = frozenset({"", "python", "python3", "ipython"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a host needs to run one try; plain JSON types all through.

    Attributes:
        token: of the request.
        notebook: the one-task notebook (nbformat 4).
        parameters: what papermill injects.
        source: the notebook's own path, for papermill's metadata.
        numbers: cell id → the cell's number in its notebook.
        folder, cwd: of the request.
        environment: what is different from the host's environment variables; None: it is not to be set.
        timeout: seconds the try may take from the kernel's start, None for no limit.
        kernel: the kernelspec of the kernel it runs in, if it runs in one.
        why: why it does.
    """

    token: str
    notebook: Mapping[str, object]
    parameters: Mapping[str, object]
    source: str
    numbers: Mapping[str, int]
    folder: str
    cwd: str
    environment: Mapping[str, str | None]
    timeout: float | None
    kernel: str
    why: str = ""

    def to_json(self) -> dict[str, Any]:
        """For the pipe to a host."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Job:
        """The inverse of `to_json`."""
        return cls(**data)


def prepare(request: TaskRequest) -> Job:
    """Write the kernel's brief into the try's folder, and say what a host has to run.

    Raises:
        NotebookUnreadable: the notebook is in another language than Python, or its folder is gone.
    """
    language = language_of(request.notebook)
    if language not in PYTHON:
        msg = (
            f"{request.flow.path}: the notebook is written in {language}; nbflow runs Python notebooks. "
            f"Choose a Python kernel in Jupyter (Kernel, Change kernel) if it is one."
        )
        raise NotebookUnreadable(msg)
    if not request.cwd.is_dir():
        msg = f"{request.flow.path}: the notebook's folder {request.cwd} is gone, and its cells run there"
        raise NotebookUnreadable(msg)
    path = request.folder / BRIEF_FILE
    notebook = task_notebook(request, path)
    brief = brief_of(request, own_cells=frozenset(cell["id"] for cell in notebook["cells"] if is_own(cell)))
    write_whole(path, json.dumps(brief.to_json(), ensure_ascii=False))
    parameters = json.loads(json.dumps(dict(request.params), default=str))
    return Job(
        token=request.token,
        notebook=notebook,
        parameters=parameters,
        source=request.flow.path,
        numbers={cell.cell_id: cell.number for cell in brief.cells},
        folder=str(request.folder),
        cwd=str(request.cwd),
        environment=dict(request.environment),
        timeout=brief.timeout,
        kernel=request.kernel or "python3",
    )


def language_of(notebook: Mapping[str, Any]) -> str:
    """The language a notebook says it is written in, in small letters, or ""."""
    metadata = notebook.get("metadata", {})
    language = metadata.get("kernelspec", {}).get("language") or metadata.get("language_info", {}).get("name")
    return str(language or "").lower()


def brief_of(request: TaskRequest, *, own_cells: frozenset[str]) -> Brief:
    """What the kernel is told of a request; `own_cells` are the ids of the cells nbflow added."""
    flow, task_id = request.flow, request.key.task_id
    cells = cells_of_try(request)
    runs = request.callback is None and not expands(request)  # the task's own cells
    hands_on = flow.exports.get(task_id, frozenset()) if runs and request.item is None else frozenset[str]()
    watched = flow.watched.get(task_id, frozenset()) if runs else frozenset[str]()
    shared = frozenset[str]().union(*(cell.names.defines for cell in cells if cell.task_id is None))
    # What the task changes in place has a state of its own by now: it goes as a value.
    changed = frozenset[str]().union(*(cell.names.mutates for cell in flow.cells_of(task_id)))
    timeout = request.execution_timeout
    return Brief(
        key=request.key,
        try_number=request.try_number,
        token=request.token,
        interval=request.interval,
        timezone=request.timezone,
        previous_success=request.previous_success,
        params={**_defaults(flow), **request.params},
        parameters=frozenset(flow.dag.params),
        inputs=request.inputs,
        missing=request.missing,
        assigned=frozenset[str]().union(*(cell.names.defines for cell in flow.cells)),
        shared=shared - changed,
        cells=tuple(
            CellPlace(cell_id=cell.cell_id, number=cell.number, own=cell.task_id is not None)
            for cell in cells
        ),
        others=_others(request),
        own_cells=own_cells,
        exports=tuple(_export(flow, task_id, name) for name in sorted(hands_on)),
        watched={name: _used(flow, task_id, name) for name in sorted(watched)},
        strict=flow.dag.strict,
        ties=_ties(flow, task_id, cells, changed) if runs else Ties(),
        folder=request.folder,
        exchange=request.exchange,
        timeout=None if timeout is None else timeout.total_seconds(),
        modules=request.modules,
        purpose=Purpose.of(request),
    )


def _others(request: TaskRequest) -> tuple[CellText, ...]:
    """The cells above of other tasks whose functions may come as values."""
    flow, task_id = request.flow, request.key.task_id
    nodes: Any = request.notebook["cells"]
    own = flow.cells_of(task_id)
    last = own[-1].index if own else 0
    found: list[CellText] = []
    for cell in flow.cells[:last]:
        if cell.task_id is not None and cell.task_id != task_id and cell.names.deferred:
            source = nodes[cell.index]["source"]
            text = source if isinstance(source, str) else "".join(source)
            found.append(
                CellText(cell_id=cell.cell_id, number=cell.number, task_id=cell.task_id, source=text)
            )
    return tuple(found)


def _used(flow: Flow, task_id: str, name: str) -> str:
    """Where a task uses a name first, in words."""
    own = flow.cells_of(task_id)
    cell = next((cell for cell in own if name in cell.names.uses), own[0])
    return f"cell {cell.number} (task {task_id!r})"


def _ties(flow: Flow, task_id: str, cells: tuple[Cell, ...], changed: frozenset[str]) -> Ties:
    origins: dict[str, str] = {}
    for cell in cells:
        if cell.task_id is None:
            code = cell.names.deferred.keys() | cell.names.imports.keys()
            origins |= dict.fromkeys(cell.names.defines - code, f"cell {cell.number} gives each task anew")
    producers = flow.producers.get(task_id, {})
    origins |= {name: f"came from task {tasks[0]!r}" for name, tasks in producers.items()}
    names = origins.keys() | flow.exports.get(task_id, frozenset())
    return Ties(
        origins=origins,
        given=frozenset(producers),
        changes=changed,
        later=_later(flow, task_id, names),
    )


def _later(flow: Flow, task_id: str, names: Set[str]) -> tuple[LaterTask, ...]:
    """The tasks below a task that take some of the names."""
    below: dict[str, list[Cell]] = {}
    for cell in flow.cells:
        if cell.task_id == task_id:
            below.clear()
        elif cell.task_id is not None:
            below.setdefault(cell.task_id, []).append(cell)
    found: list[LaterTask] = []
    for other, cells in below.items():
        used = frozenset[str]().union(*(cell.names.uses for cell in cells))
        changes = frozenset[str]().union(*(cell.names.mutates for cell in cells))
        # What shared cells give has no producer.
        takes = frozenset((flow.producers.get(other, {}).keys() | used) & names)
        if takes:
            gives = flow.exports.get(other, frozenset()) & names
            found.append(LaterTask(task_id=other, takes=takes, gives=gives, changes=changes & names))
    return tuple(found)


def _export(flow: Flow, task_id: str, name: str) -> Export:
    """Where a name is made and where it is wanted, in words."""
    own = flow.cells_of(task_id)
    made = [cell for cell in own if name in cell.names.defines or name in cell.names.mutates] or list(
        own[-1:]
    )
    for other, needs in flow.producers.items():
        if task_id in needs.get(name, ()):
            for cell in flow.cells_of(other):
                if name in cell.names.uses:
                    line = cell.names.lines.get(name)
                    place = f"cell {cell.number}" + (f", line {line}" if line else "")
                    return Export(
                        name=name,
                        made=f"cell {made[-1].number} (task {task_id!r})",
                        wanted=f"{place} (task {other!r})",
                    )
    return Export(name=name, made=f"cell {made[-1].number} (task {task_id!r})", wanted="a later task")


def _defaults(flow: Flow) -> dict[str, object]:
    """The parameters' defaults, as far as their text is a literal."""
    found: dict[str, object] = {}
    for name, param in flow.dag.params.items():
        try:
            found[name] = ast.literal_eval(param.default)
        except (ValueError, SyntaxError):
            found[name] = None  # an expression: the parameters cell gives it
    return found
