"""What a try is for: run a task's cells, find a mapped task's items, or tell a callback."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from nbflow.model.task import MapOver, TaskKind
from nbflow.model.work import Callback
from nbflow.model.xcom import XComValue

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nbflow.model.work import TaskRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """What a try is for, and what decides how it ends.

    Attributes:
        kind: of the task.
        cell: the number and id of the task's first cell, for messages; None without a task.
        below: the tasks directly below it, in the notebook's order.
        expand: what is to be gone through to find the task's items, instead of running its cells; else empty.
        label: a Jinja template that names an item, or "".
        item: of an instance of a mapped task: its item.
        collected: the names that are lists of return values of a mapped task's instances.
        wanted: whether the return value is one of such a list: it is kept, whatever it is.
        callback: what is to be called instead of running cells.
        no_template: whether `{{ }}` in the task's own cells stays as written.
        filters, macros: of templates: name there → name in the notebook.
    """

    kind: TaskKind = TaskKind.TASK
    cell: tuple[int, str] | None = None
    below: tuple[str, ...] = ()
    expand: tuple[MapOver, ...] = ()
    label: str = ""
    item: XComValue | None = None
    collected: Mapping[str, tuple[XComValue, ...]] = field(default_factory=dict[str, "tuple[XComValue, ...]"])
    wanted: bool = False
    callback: Callback | None = None
    no_template: bool = False
    filters: Mapping[str, str] = field(default_factory=dict[str, str])
    macros: Mapping[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def of(cls, request: TaskRequest) -> Purpose:
        """What a request's try is for."""
        dag, task_id = request.flow.dag, request.key.task_id
        if request.callback is not None:
            return cls(
                callback=request.callback,
                filters=dag.user_defined_filters,
                macros=dag.user_defined_macros,
            )
        spec = request.flow.tasks[task_id]
        first = request.flow.cells_of(task_id)[0]
        return cls(
            kind=spec.kind,
            cell=(first.number, first.cell_id),
            below=request.flow.graph.downstream(task_id),
            expand=spec.map if expands(request) else (),
            label=spec.label,
            item=request.item,
            collected=request.collected,
            wanted=request.item is not None and bool(spec.collect),
            no_template=spec.no_template,
            filters=dag.user_defined_filters,
            macros=dag.user_defined_macros,
        )

    def to_json(self) -> dict[str, object]:
        """Plain JSON types; without what is as by default."""
        found: dict[str, object] = {
            "kind": self.kind.value,
            "cell": self.cell,
            "below": list(self.below),
            "expand": [[list(over.names), over.expression] for over in self.expand],
            "label": self.label,
            "item": None if self.item is None else self.item.to_json(),
            "collected": {
                name: [value.to_json() for value in values] for name, values in self.collected.items()
            },
            "wanted": self.wanted,
            "callback": None if self.callback is None else asdict(self.callback),
            "no_template": self.no_template,
            "filters": dict(self.filters),
            "macros": dict(self.macros),
        }
        return {name: value for name, value in found.items() if value}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Purpose:
        """The inverse of `to_json`."""
        fields = dict(data)
        readers: dict[str, Callable[[Any], Any]] = {
            "kind": TaskKind,
            "cell": tuple,
            "below": tuple,
            "expand": lambda maps: tuple(
                MapOver(names=tuple(names), expression=expression) for names, expression in maps
            ),
            "item": XComValue.from_json,
            "collected": lambda found: {
                name: tuple(XComValue.from_json(value) for value in values) for name, values in found.items()
            },
            "callback": lambda found: Callback(**found),
        }
        return cls(
            **{name: readers[name](value) if name in readers else value for name, value in fields.items()}
        )


def expands(request: TaskRequest) -> bool:
    """Whether a try finds a mapped task's items instead of running its cells."""
    spec = request.flow.tasks.get(request.key.task_id)
    return request.callback is None and request.item is None and spec is not None and spec.mapped
