"""Where the tasks and edges of a graph go: Graphviz's `dot`, inside this process.

Graphviz is given boxes of fixed sizes and no text. It then loads no fonts: the same graph gets the
same places on every machine, and fontconfig has nothing to complain about on the terminal.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from nbflow.widgets.loose import detour, lanes, loose_edges

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence, Set

Point = tuple[float, float]
Edge = tuple[str, str, tuple[float, float] | None]

_POINTS_PER_INCH = 72
# Graphviz keeps state in globals: one layout at a time.
_ONE_AT_A_TIME = threading.Lock()
_MANY = 200  # nodes, beyond which Graphviz looks less long for the best order and place
_EDGE = 2.0  # px above the highest lane
_HASTE = {"mclimit": "0.3", "nslimit": "1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle: its upper left corner and its size, px."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """The way of an edge.

    Attributes:
        points: a start point, then three points for each cubic Bézier segment.
        tip: where its arrowhead ends.
        label: the middle of its label; None without one.
        loose: it has no part in the layout and runs across what lies between: drawn faintly (see `loose`).
    """

    points: tuple[Point, ...]
    tip: Point
    label: Point | None
    loose: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Everything's place; y grows downwards.

    Attributes:
        width, height: of the whole, px.
        nodes: a box for each node.
        clusters: a box for each cluster.
        wires: for each edge as given, in that order.
    """

    width: float
    height: float
    nodes: Mapping[str, Box]
    clusters: Mapping[str, Box]
    wires: tuple[Wire, ...]


def lay_out(
    nodes: Mapping[str, tuple[float, float]],
    edges: Sequence[Edge],
    clusters: Mapping[str, tuple[str, ...]],
    *,
    cluster_header: float = 18,
) -> Layout:
    """Places for a left-to-right drawing.

    Args:
        nodes: name → width and height, px.
        edges: (upstream, downstream, width and height of its label or None).
        clusters: dotted name → its own nodes; `a.b` lies inside `a`.
        cluster_header: the height to keep free for a cluster's title, px.
    """
    loose = loose_edges(list(nodes), [(upstream, downstream) for upstream, downstream, _ in edges])
    tight = {at: edge for at, edge in enumerate(edges) if at not in loose}
    source = _skeleton(nodes, tight, clusters, cluster_header)
    import pygraphviz

    with _ONE_AT_A_TIME:
        graph = pygraphviz.AGraph(string=source)
        try:
            drawn = graph.draw(format="json0", prog="dot")
        finally:
            graph.close()
    layout, wires = _read(json.loads(drawn or b"{}"), list(nodes), list(clusters))
    if not loose:
        return replace(layout, wires=tuple(wires[at] for at in range(len(edges))))
    return _with_loose(layout, wires, edges, loose)


def _with_loose(layout: Layout, wires: Mapping[int, Wire], edges: Sequence[Edge], loose: Set[int]) -> Layout:
    """A layout moved down by the lanes above it, in which its loose edges run, and with them."""
    above = lanes(edges[at][0] for at in sorted(loose))
    room = max(above.values()) + _EDGE
    nodes = {name: replace(box, y=box.y + room) for name, box in layout.nodes.items()}
    every = {at: _lowered(wire, room) for at, wire in wires.items()}
    for at in loose:
        start, end = nodes[edges[at][0]], nodes[edges[at][1]]
        tip = (end.x, end.y + end.height / 2)
        points = detour(
            (start.x + start.width, start.y + start.height / 2), tip, top=room - above[edges[at][0]]
        )
        every[at] = Wire(points=points, tip=tip, label=None, loose=True)
    return Layout(
        width=layout.width,
        height=layout.height + room,
        nodes=nodes,
        clusters={name: replace(box, y=box.y + room) for name, box in layout.clusters.items()},
        wires=tuple(every[at] for at in range(len(edges))),
    )


def _lowered(wire: Wire, by: float) -> Wire:
    return replace(
        wire,
        points=tuple((x, y + by) for x, y in wire.points),
        tip=(wire.tip[0], wire.tip[1] + by),
        label=None if wire.label is None else (wire.label[0], wire.label[1] + by),
    )


def _skeleton(
    nodes: Mapping[str, tuple[float, float]],
    edges: Mapping[int, Edge],
    clusters: Mapping[str, tuple[str, ...]],
    header: float,
) -> str:
    """DOT text with sizes only. Names are replaced by n0, c0, e0, ..., which need no quoting."""
    import graphviz

    graph = graphviz.Digraph(
        graph_attr={
            "rankdir": "LR",
            "nodesep": "0.22",
            "ranksep": "0.36",
            "pad": "0",
            **(_HASTE if len(nodes) > _MANY else {}),
        },
        node_attr={"shape": "box", "fixedsize": "true", "label": ""},
        edge_attr={"arrowsize": "0.7"},
    )
    identifier = {name: f"n{index}" for index, name in enumerate(nodes)}

    def add_nodes(into: graphviz.Digraph, names: Sequence[str]) -> None:
        for name in names:
            width, height = nodes[name]
            into.node(identifier[name], width=f"{_inches(width):.4f}", height=f"{_inches(height):.4f}")

    def add_cluster(into: graphviz.Digraph, path: str) -> None:
        inside = graphviz.Digraph(f"cluster_{list(clusters).index(path)}")
        inside.attr(label=_blank(20, header), labeljust="l", margin="9")
        add_nodes(inside, clusters[path])
        for other in clusters:
            if other.rpartition(".")[0] == path:
                add_cluster(inside, other)
        into.subgraph(inside)

    grouped = {name for members in clusters.values() for name in members}
    add_nodes(graph, [name for name in nodes if name not in grouped])
    for path in clusters:
        if path.rpartition(".")[0] not in clusters:
            add_cluster(graph, path)
    for index, (upstream, downstream, label) in edges.items():
        more = {} if label is None else {"label": _blank(*label)}
        graph.edge(identifier[upstream], identifier[downstream], id=f"e{index}", **more)
    return graph.source


def _blank(width: float, height: float) -> str:
    """A label of this size without text."""
    return (
        f'<<TABLE BORDER="0" CELLPADDING="0" CELLSPACING="0" FIXEDSIZE="TRUE" '
        f'WIDTH="{round(width)}" HEIGHT="{round(height)}"><TR><TD></TD></TR></TABLE>>'
    )


def _inches(points: float) -> float:
    return points / _POINTS_PER_INCH


def _numbers(text: str) -> list[float]:
    return [float(part) for part in text.split(",")]


def _read(
    drawn: dict[str, Any], nodes: Sequence[str], clusters: Sequence[str]
) -> tuple[Layout, dict[int, Wire]]:
    """Graphviz's JSON as a value, turned upside down (its y grows upwards), and its edges by their numbers."""
    _, _, width, height = _numbers(drawn["bb"])
    node_boxes: dict[str, Box] = {}
    cluster_boxes: dict[str, Box] = {}
    for thing in drawn.get("objects", ()):
        if thing["name"].startswith("cluster_"):
            left, bottom, right, top = _numbers(thing["bb"])
            name = clusters[int(thing["name"].removeprefix("cluster_"))]
            cluster_boxes[name] = Box(x=left, y=height - top, width=right - left, height=top - bottom)
        elif "pos" in thing:
            x, y = _numbers(thing["pos"])
            w, h = (float(thing[side]) * _POINTS_PER_INCH for side in ("width", "height"))
            name = nodes[int(thing["name"].removeprefix("n"))]
            node_boxes[name] = Box(x=x - w / 2, y=height - y - h / 2, width=w, height=h)
    wires = {int(edge["id"].removeprefix("e")): _wire(edge, height) for edge in drawn.get("edges", ())}
    layout = Layout(width=width, height=height, nodes=node_boxes, clusters=cluster_boxes, wires=())
    return layout, wires


def _wire(edge: dict[str, Any], height: float) -> Wire:
    """`e,x,y x,y x,y ...`: the arrow's end, then the curve."""

    def turned(text: str) -> Point:
        x, y = _numbers(text)
        return x, height - y

    tip: Point | None = None
    points: list[Point] = []
    for part in edge["pos"].split():
        if part.startswith("e,"):
            tip = turned(part[2:])
        else:
            points.append(turned(part))
    return Wire(
        points=tuple(points),
        tip=tip or points[-1],
        label=turned(edge["lp"]) if "lp" in edge else None,
    )
