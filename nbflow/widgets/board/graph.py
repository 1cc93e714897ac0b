"""The board's graph: what is drawn of a flow, with its places."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from nbflow.widgets.layout import lay_out
from nbflow.widgets.outline import outline, paths
from nbflow.widgets.svg import number, shorten, text_width

if TYPE_CHECKING:
    from collections.abc import Collection

    from nbflow.model.flow import Flow
    from nbflow.widgets.layout import Box, Layout, Wire
    from nbflow.widgets.outline import Link, Node

Json = dict[str, Any]

_Sized = tuple[str, float, float]  # key of a node, width, height
_WIDEST_NAME = 240.0
_HEIGHT = 30.0
_TALL = 42.0  # with a second line: a task's kind, how many tasks a group has
_ROOM = 46.0  # beside a name: the state's square and the edges
_TURN = 14.0  # beside a group's name: the sign that opens it
_STACKED = 6.0  # that a mapped task's pile sticks out
_MARGIN = 6.0


def graph(flow: Flow, shut: Collection[str] | None = None) -> Json:
    """The places of a flow's tasks and edges, left to right, px.

    Args:
        flow: the notebook as read.
        shut: groups (dotted names) that are one box each; None: as `outline` chooses.

    Returns:
        `nodes`: the tasks that are seen; `groups`: parents first, each `shut` (then with its `members`) or open;
        `edges`: `from` and `to` are a task, or a shut group where `from_group` or `to_group` says so; `path` is SVG
        path data, `tip` the point an arrowhead ends at; a `loose` one is to be drawn faintly.
    """
    drawn = outline(flow, shut)
    layout = _laid_out(
        tuple(_sized(flow, node) for node in drawn.nodes),
        tuple((link.start.key, link.end.key) for link in drawn.links),
        tuple(drawn.clusters.items()),
    )
    open_groups = [(path, layout.clusters[path], ()) for path in drawn.groups]
    shut_groups = [(node.name, layout.nodes[node.key], node.members) for node in drawn.nodes if node.members]
    groups = sorted([*open_groups, *shut_groups], key=lambda group: len(paths(group[0])))
    return {
        "width": layout.width + 2 * _MARGIN,
        "height": layout.height + 2 * _MARGIN,
        "nodes": [_task(flow, node.name, layout.nodes[node.key]) for node in drawn.nodes if not node.members],
        "edges": [_edge(link, wire) for link, wire in zip(drawn.links, layout.wires, strict=True)],
        "groups": [
            {"id": path, **_box(box), "shut": bool(members), "members": list(members)}
            for path, box, members in groups
        ],
    }


def _task(flow: Flow, task_id: str, box: Box) -> Json:
    spec = flow.tasks[task_id]
    return {
        "id": task_id,
        "label": shorten(task_id, _WIDEST_NAME),
        **_box(box),
        "kind": spec.kind_words,
        "group": spec.group,
        "mapped": spec.mapped,
        "doc": spec.doc,
    }


def _edge(link: Link, wire: Wire) -> Json:
    return {
        "from": link.start.name,
        "to": link.end.name,
        "from_group": bool(link.start.members),
        "to_group": bool(link.end.members),
        "kind": link.kind.value,
        "names": sorted(link.names),
        "why": link.reason,
        "path": _path(wire),
        "tip": [wire.tip[0] + _MARGIN, wire.tip[1] + _MARGIN],
        "loose": wire.loose,
    }


def _sized(flow: Flow, node: Node) -> _Sized:
    if node.members:
        own = node.name.rpartition(".")[2]
        return node.key, text_width(shorten(own, _WIDEST_NAME)) + _ROOM + _TURN, _TALL
    spec = flow.tasks[node.name]
    kind = spec.kind_words
    widest = max(text_width(shorten(node.name, _WIDEST_NAME)), text_width(kind, 10) if kind else 0)
    pile = _STACKED if spec.mapped else 0
    return node.key, widest + _ROOM + pile, (_TALL if kind else _HEIGHT) + pile


@lru_cache(maxsize=64)
def _laid_out(
    nodes: tuple[_Sized, ...],
    edges: tuple[tuple[str, str], ...],
    groups: tuple[tuple[str, tuple[str, ...]], ...],
) -> Layout:
    """Graphviz takes a tenth of a second for fifty tasks: the same graph is laid out once."""
    return lay_out(
        {key: (width, height) for key, width, height in nodes},
        [(upstream, downstream, None) for upstream, downstream in edges],
        dict(groups),
    )


def _box(box: Box) -> Json:
    return {"x": box.x + _MARGIN, "y": box.y + _MARGIN, "w": box.width, "h": box.height}


def _path(wire: Wire) -> str:
    start, *rest = ((x + _MARGIN, y + _MARGIN) for x, y in wire.points)
    curve = " ".join(f"{number(x)} {number(y)}" for x, y in rest)
    return f"M{number(start[0])} {number(start[1])}C{curve}"
