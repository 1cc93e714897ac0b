"""The board's data with the graph laid out: what a page draws."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from nbflow.service import board as grid
from nbflow.service.board import LAST
from nbflow.widgets.layout import lay_out
from nbflow.widgets.svg import number, shorten, text_width

if TYPE_CHECKING:
    from nbflow.model.flow import Flow
    from nbflow.model.task import TaskSpec
    from nbflow.service.lookup import Target
    from nbflow.widgets.layout import Layout, Wire

_Node = tuple[str, float, float, str]  # task id, width, height, group
_WIDEST_NAME = 240.0
_HEIGHT = 30.0
_KIND_HEIGHT = 42.0  # with a second line that names the kind
_STACKED = 6.0  # that a mapped task's pile sticks out
_MARGIN = 6.0


def board(target: Target, *, last: int = LAST) -> dict[str, Any]:
    """As `service.board.board`, with `graph` (see `graph`)."""
    return grid.board(target, last=last) | {"graph": graph(target.flow)}


def graph(flow: Flow) -> dict[str, Any]:
    """The places of a flow's tasks and edges, left to right, px; `path` is SVG path data, `tip` the point an
    arrowhead ends at. Groups come parents first.
    """
    nodes = tuple(_node(spec) for spec in flow.tasks.values())
    pairs = tuple((edge.upstream, edge.downstream) for edge in flow.edges)
    layout = _laid_out(nodes, pairs)
    return {
        "width": layout.width + 2 * _MARGIN,
        "height": layout.height + 2 * _MARGIN,
        "nodes": [
            {
                "id": task_id,
                "label": shorten(task_id, _WIDEST_NAME),
                **_box(layout, task_id),
                "kind": spec.kind_words,
                "group": spec.group,
                "mapped": spec.mapped,
                "doc": spec.doc,
            }
            for task_id, spec in flow.tasks.items()
        ],
        "edges": [
            {
                "from": edge.upstream,
                "to": edge.downstream,
                "kind": edge.kind.value,
                "names": sorted(edge.names),
                "why": edge.reason,
                "path": _path(wire),
                "tip": [wire.tip[0] + _MARGIN, wire.tip[1] + _MARGIN],
            }
            for edge, wire in zip(flow.edges, layout.wires, strict=True)
        ],
        "groups": [
            {
                "id": group,
                "x": box.x + _MARGIN,
                "y": box.y + _MARGIN,
                "w": box.width,
                "h": box.height,
            }
            for group, box in sorted(layout.clusters.items(), key=lambda item: item[0].count("."))
        ],
    }


def _node(spec: TaskSpec) -> _Node:
    kind = spec.kind_words
    widest = max(text_width(shorten(spec.task_id, _WIDEST_NAME)), text_width(kind, 10) if kind else 0)
    stacked = _STACKED if spec.mapped else 0
    return spec.task_id, widest + 46 + stacked, (_KIND_HEIGHT if kind else _HEIGHT) + stacked, spec.group


@lru_cache(maxsize=32)
def _laid_out(nodes: tuple[_Node, ...], edges: tuple[tuple[str, str], ...]) -> Layout:
    """Graphviz takes a tenth of a second for fifty tasks: the same graph is laid out once."""
    groups: dict[str, list[str]] = {}
    for task_id, _, _, group in nodes:
        if not group:
            continue
        steps = group.split(".")
        for depth in range(1, len(steps) + 1):
            groups.setdefault(".".join(steps[:depth]), [])
        groups[group].append(task_id)
    return lay_out(
        {task_id: (width, height) for task_id, width, height, _ in nodes},
        [(upstream, downstream, None) for upstream, downstream in edges],
        {group: tuple(members) for group, members in groups.items()},
    )


def _box(layout: Layout, task_id: str) -> dict[str, float]:
    box = layout.nodes[task_id]
    return {"x": box.x + _MARGIN, "y": box.y + _MARGIN, "w": box.width, "h": box.height}


def _path(wire: Wire) -> str:
    start, *rest = ((x + _MARGIN, y + _MARGIN) for x, y in wire.points)
    curve = " ".join(f"{number(x)} {number(y)}" for x, y in rest)
    return f"M{number(start[0])} {number(start[1])}C{curve}"
