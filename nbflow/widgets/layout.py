"""Where the tasks and edges of a graph go: Graphviz's `dot`, inside this process.

Graphviz is given boxes of fixed sizes and no text. It then loads no fonts: the same graph gets the
same places on every machine, and fontconfig has nothing to complain about on the terminal.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Point = tuple[float, float]

_POINTS_PER_INCH = 72
# Graphviz keeps state in globals: one layout at a time.
_ONE_AT_A_TIME = threading.Lock()


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
    """

    points: tuple[Point, ...]
    tip: Point
    label: Point | None


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
    edges: Sequence[tuple[str, str, tuple[float, float] | None]],
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
    source = _skeleton(nodes, edges, clusters, cluster_header)
    import pygraphviz

    with _ONE_AT_A_TIME:
        graph = pygraphviz.AGraph(string=source)
        try:
            drawn = graph.draw(format="json0", prog="dot")
        finally:
            graph.close()
    return _read(json.loads(drawn or b"{}"), list(nodes), list(clusters), len(edges))


def _skeleton(
    nodes: Mapping[str, tuple[float, float]],
    edges: Sequence[tuple[str, str, tuple[float, float] | None]],
    clusters: Mapping[str, tuple[str, ...]],
    header: float,
) -> str:
    """DOT text with sizes only. Names are replaced by n0, c0, e0, ..., which need no quoting."""
    import graphviz

    graph = graphviz.Digraph(
        graph_attr={"rankdir": "LR", "nodesep": "0.22", "ranksep": "0.36", "pad": "0"},
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
    for index, (upstream, downstream, label) in enumerate(edges):
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


def _read(drawn: dict[str, Any], nodes: Sequence[str], clusters: Sequence[str], edge_count: int) -> Layout:
    """Graphviz's JSON as a value, turned upside down (its y grows upwards)."""
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
    wires: list[Wire | None] = [None] * edge_count
    for edge in drawn.get("edges", ()):
        wires[int(edge["id"].removeprefix("e"))] = _wire(edge, height)
    return Layout(
        width=width,
        height=height,
        nodes=node_boxes,
        clusters=cluster_boxes,
        wires=tuple(wire for wire in wires if wire is not None),
    )


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
