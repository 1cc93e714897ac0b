"""A cell that a person runs, as part of a task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbflow.model.cell import Role
from nbflow.parse.header import HeaderKind, read_header
from nbflow.parse.spec import spec_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from IPython.core.interactiveshell import ExecutionInfo

    from nbflow.model.dag import DagSpec
    from nbflow.model.flow import Flow
    from nbflow.model.task import TaskSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class HandCell:
    """One cell of a task.

    Attributes:
        spec: the task, as its line in this kernel says it.
        begins: whether it is the task's first cell.
        first: at most so many items of a mapped task by hand (`--first`), None for all.
    """

    spec: TaskSpec
    begins: bool
    first: int | None = None


def cell_of(
    info: ExecutionInfo, *, task: str, specs: Mapping[str, TaskSpec], dag: DagSpec, flow: Flow | None
) -> HandCell | None:
    """What a cell that is about to run belongs to; None where it is no task's, or its header is wrong.

    Args:
        info: as IPython tells it.
        task: whose cell ran last: what `%%task +` continues.
        specs: the tasks whose cells ran in this kernel.
        dag: its `default_args` count.
        flow: the notebook as saved: it knows which cells without a header continue a task, by their ids.
    """
    header = None if info.raw_cell is None else read_header(info.raw_cell)
    if header is None:
        continued = _continued(info.cell_id, flow)
        return None if continued not in specs else HandCell(spec=specs[continued], begins=False)
    if header.problems:
        return None
    match header.kind:
        case HeaderKind.TASK:
            first = header.options.get("first")
            return HandCell(
                spec=spec_of(header.name, header, dag),
                begins=True,
                first=first if isinstance(first, int) else None,
            )
        case HeaderKind.CONTINUES if task in specs:
            return HandCell(spec=specs[task], begins=False)
        case _:
            return None


def _continued(cell_id: str | None, flow: Flow | None) -> str:
    """The task that a cell without a header continues, "" for none."""
    if not cell_id or flow is None:
        return ""
    found = (cell for cell in flow.cells if cell.cell_id == cell_id and cell.role is Role.CONTINUES)
    return next((cell.task_id or "" for cell in found), "")
