"""A header and the DAG's defaults → `TaskSpec`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbflow.model.task import TaskSpec
from nbflow.parse.header import Header, HeaderKind
from nbflow.parse.options import BY_FIELD, misplaced

if TYPE_CHECKING:
    from nbflow.model.dag import DagSpec


def spec_of(task_id: str, header: Header | None, dag: DagSpec, group: str = "") -> TaskSpec:
    """A task's options: those of its line, else those of `default_args` that make sense for it.

    Args:
        task_id: its name.
        header: of its cell; one that begins no task, or None, has no options.
        dag: whose `default_args`.
        group: what its headings say, unless its line says another.
    """
    if header is None or header.kind is not HeaderKind.TASK:
        header = Header(kind=HeaderKind.TASK)
    kind, mapped = header.task_kind, bool(header.maps)
    options: dict[str, Any] = {"group": group} | {
        field: value
        for field, value in dag.default_args.items()
        if misplaced(BY_FIELD[field], kind, mapped=mapped) is None
    }
    options |= {field: value for field, value in header.options.items() if not BY_FIELD[field].by_hand}
    return TaskSpec(task_id=task_id, kind=kind, **options)
