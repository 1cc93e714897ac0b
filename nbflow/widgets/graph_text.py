"""The graph of a flow for a terminal: what can run when, and what each task waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbflow.model.flow import EdgeKind
from nbflow.model.printable import printable
from nbflow.model.state import TaskState
from nbflow.widgets.look import LOOKS
from nbflow.widgets.svg import cells_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbflow.model.flow import Edge, Flow

_LEGEND = "Tasks of one step can run side by side."
_ARROWS = {
    EdgeKind.VARIABLE: ("←", "← takes (what) from"),
    EdgeKind.DECLARED: ("⇐", "⇐ was told to follow"),
    EdgeKind.POSITION: ("⇠", "⇠ stands below in the notebook"),
}


def text(flow: Flow, states: Mapping[str, TaskState] | None = None) -> str:
    """The graph as lines of text: tasks by steps, each with the tasks it follows and why.

    Args:
        flow: the notebook as read.
        states: task id → state, shown as glyphs; None for the bare graph.
    """
    steps = _steps(flow)
    incoming: dict[str, list[Edge]] = {task: [] for task in flow.tasks}
    for edge in flow.edges:
        incoming[edge.downstream].append(edge)
    names = {task: _named(flow, task) for task in flow.tasks}
    widest = max((cells_of(name) for task, name in names.items() if incoming[task]), default=0)
    digits = len(str(len(steps)))
    lines = [f"{flow.dag.dag_id}: {_count(len(flow.tasks), 'task')}, {_count(len(flow.edges), 'edge')}", ""]
    for step, tasks in enumerate(steps, 1):
        for place, task in enumerate(tasks):
            head = str(step).rjust(digits) if place == 0 else " " * digits
            mark = "" if states is None else LOOKS[states.get(task, TaskState.NONE)].glyph + " "
            line = f"{head} {_joint(place, len(tasks))} {mark}{names[task]}"
            if incoming[task]:
                pad = " " * (widest - cells_of(names[task]))
                line += f"{pad}  {', '.join(_arrow(edge) for edge in incoming[task])}"
            lines.append(line)
    kinds = [kind for kind in EdgeKind if any(edge.kind is kind for edge in flow.edges)]
    lines += ["", _LEGEND, " · ".join(_ARROWS[kind][1] for kind in kinds)]
    return printable("\n".join(lines).rstrip(), lines=True)


def _steps(flow: Flow) -> list[list[str]]:
    """The tasks by the length of the longest way to them, in the notebook's order."""
    depth: dict[str, int] = {}
    for task in flow.graph.order:
        depth[task] = 1 + max((depth[before] for before in flow.graph.upstream(task)), default=-1)
    steps: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for task in flow.tasks:
        steps[depth[task]].append(task)
    return steps


def _named(flow: Flow, task: str) -> str:
    spec = flow.tasks[task]
    name = f"{task} ({spec.kind_words})" if spec.kind_words else task
    return f"{name} [{spec.group.replace('.', ' › ')}]" if spec.group else name


def _joint(place: int, count: int) -> str:
    if count == 1:
        return "─"
    return "┬" if place == 0 else "└" if place == count - 1 else "├"


def _arrow(edge: Edge) -> str:
    arrow = f"{_ARROWS[edge.kind][0]} {edge.upstream}"
    return f"{arrow} ({', '.join(sorted(edge.names))})" if edge.names else arrow


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
