"""The graph of a flow: as DOT text and as a picture; for a terminal see `graph_text`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nbflow.model.flow import EdgeKind
from nbflow.model.printable import printable
from nbflow.model.state import TaskState
from nbflow.widgets.graph_text import text
from nbflow.widgets.labels import free_places
from nbflow.widgets.layout import Box, lay_out
from nbflow.widgets.look import LEGEND_ORDER, LOOKS, words
from nbflow.widgets.outline import MOST_OPEN, outline
from nbflow.widgets.svg import (
    as_image,
    clean,
    document,
    element,
    number,
    shorten,
    square,
    text_width,
    words_at,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import graphviz

    from nbflow.model.flow import Flow
    from nbflow.widgets.layout import Wire
    from nbflow.widgets.outline import Link, Node

__all__ = ["dot", "html", "svg", "text"]

_MARGIN = 6.0
_NODE_HEIGHT = 30.0
_KIND_HEIGHT = 42.0  # with a second line that names the kind
_WIDEST_NAME = 260.0
_WIDEST_LABEL = 150.0
_LABEL_SIZE = 10.0
_FAINT = 0.35  # of an edge that runs across others
_DASHES = {EdgeKind.VARIABLE: None, EdgeKind.DECLARED: None, EdgeKind.POSITION: "4 3"}


def dot(flow: Flow, states: Mapping[str, TaskState] | None = None) -> str:
    """The graph as DOT text, for Graphviz and everything that reads its language.

    Args:
        flow: the notebook as read.
        states: task id → state, to colour by; None for the bare graph.
    """
    import graphviz

    graph = graphviz.Digraph(
        _name(flow.dag.dag_id, "dag"),
        graph_attr={"rankdir": "LR", "bgcolor": "transparent"},
        node_attr={
            "shape": "box",
            "style": "rounded,filled",
            "fontname": "Helvetica",
            "fillcolor": "#f6f8fa",
            "color": "#8c959f",
        },
        edge_attr={"fontname": "Courier", "fontsize": "10", "color": "#6a737d", "fontcolor": "#6a737d"},
    )
    identifier = {task: _name(task, f"task {index}") for index, task in enumerate(flow.tasks)}
    drawn = outline(flow, ())

    def add_node(into: graphviz.Digraph, node: Node) -> None:
        task = node.name
        state = (states or {}).get(task)
        label, more = task, {}
        if state is not None:
            look = LOOKS[state]
            label = task if look.glyph == "■" else f"{look.glyph} {task}"
            more = {"fillcolor": f"{look.light}55", "color": look.light}
        more["tooltip"] = _said(_tip(flow, node, state))
        into.node(identifier[task], label=_said(label), **more)

    def add_group(into: graphviz.Digraph, path: str) -> None:
        inside = graphviz.Digraph(f"cluster_{list(drawn.groups).index(path)}")
        inside.attr(label=_said(_own(path)), style="rounded", color="#8c959f", fontname="Helvetica")
        for node in drawn.groups[path]:
            add_node(inside, node)
        for other in drawn.groups:
            if other.rpartition(".")[0] == path:
                add_group(inside, other)
        into.subgraph(inside)

    for node in drawn.nodes:
        if not node.group:
            add_node(graph, node)
    for path in drawn.groups:
        if path.rpartition(".")[0] not in drawn.groups:
            add_group(graph, path)
    for edge in flow.edges:
        more = {"style": "dashed"} if edge.kind is EdgeKind.POSITION else {}
        if edge.kind is EdgeKind.VARIABLE:
            more["label"] = _said(", ".join(sorted(edge.names)))
        more["tooltip"] = _said(edge.reason)
        graph.edge(identifier[edge.upstream], identifier[edge.downstream], **more)
    return graph.source


def svg(flow: Flow, states: Mapping[str, TaskState] | None = None, *, dark: bool | None = None) -> str:
    """The graph as a picture, left to right.

    Edges that carry variables are solid and named, declared ones solid, those by position dashed;
    hovering shows each edge's reason. Of more than `outline.MOST_OPEN` tasks each group is one box, and no
    edge is named.

    Args:
        flow: the notebook as read.
        states: task id → state, to colour by; None for the bare graph.
        dark: for a dark or a light page; None follows the page (see `look.stylesheet`).
    """
    drawn = outline(flow)
    labels = [_label(link) if len(flow.tasks) <= MOST_OPEN else "" for link in drawn.links]
    sizes = [(text_width(label, _LABEL_SIZE, mono=True) + 8, 14.0) if label else None for label in labels]
    layout = lay_out(
        {node.key: _node_size(flow, node, with_square=states is not None) for node in drawn.nodes},
        [(link.start.key, link.end.key, size) for link, size in zip(drawn.links, sizes, strict=True)],
        drawn.clusters,
    )
    obstacles = [*layout.nodes.values(), *(_title_box(path, box) for path, box in layout.clusters.items())]
    places = free_places(layout.wires, sizes, obstacles)
    parts = [_cluster(path, layout.clusters[path]) for path in drawn.groups]
    parts += [_edge(link, wire) for link, wire in zip(drawn.links, layout.wires, strict=True)]
    # Above all lines, so that none strikes a name through.
    parts += [
        words_at(
            place[0],
            place[1] + 3.3,
            label,
            classes="nbf-quiet nbf-small nbf-mono",
            anchor="middle",
            tip=link.reason,
        )
        for link, label, place in zip(drawn.links, labels, places, strict=True)
        if place is not None
    ]
    parts += [_node(flow, node, layout.nodes[node.key], _state_of(node, states)) for node in drawn.nodes]
    return document(
        [element("g", *parts, transform=f"translate({number(_MARGIN)} {number(_MARGIN)})")],
        width=layout.width + 2 * _MARGIN,
        height=layout.height + 2 * _MARGIN,
        name=f"Graph of {flow.dag.dag_id}",
        description=text(flow, states),
        dark=dark,
    )


def html(flow: Flow, states: Mapping[str, TaskState] | None = None) -> str:
    """The picture for a notebook's output: shows in untrusted notebooks too."""
    return as_image(svg(flow, states), f"Graph of {flow.dag.dag_id}")


def _name(text: str, otherwise: str) -> str:
    """A node name that needs no care: DOT reads colons as ports and backslashes as escapes."""
    return text if re.fullmatch(r"\w[\w.-]*", text) else otherwise


def _said(text: str) -> str:
    """A text as DOT says it: no escapes, no HTML, nothing a terminal would obey."""
    import graphviz

    return graphviz.escape(printable(text, lines=True))


def _own(path: str) -> str:
    return path.rpartition(".")[2]


def _label(link: Link) -> str:
    return shorten(", ".join(sorted(link.names)), _WIDEST_LABEL, _LABEL_SIZE, mono=True)


def _state_of(node: Node, states: Mapping[str, TaskState] | None) -> TaskState | None:
    """A node's state: of a shut group the one that needs a person most; None for a bare graph."""
    if states is None:
        return None
    found = [states.get(task, TaskState.NONE) for task in node.members or (node.name,)]
    return min(found, key=LEGEND_ORDER.index)


def _names(flow: Flow, node: Node) -> tuple[str, str]:
    """A node's name and its second line, "" for none."""
    if node.members:
        return shorten(_own(node.name), _WIDEST_NAME), f"{len(node.members)} tasks"
    return shorten(node.name, _WIDEST_NAME), flow.tasks[node.name].kind_words


def _node_size(flow: Flow, node: Node, *, with_square: bool) -> tuple[float, float]:
    name, kind = _names(flow, node)
    widest = max(text_width(name), text_width(kind, 10) if kind else 0)
    return widest + (46 if with_square else 26), _KIND_HEIGHT if kind else _NODE_HEIGHT


def _tip(flow: Flow, node: Node, state: TaskState | None) -> str:
    head = node.name if state is None else f"{node.name} · {words(state)}"
    more = ", ".join(node.members) if node.members else flow.tasks[node.name].doc
    return f"{head}\n{more}" if more else head


def _node(flow: Flow, node: Node, box: Box, state: TaskState | None) -> str:
    middle = box.y + box.height / 2
    name, kind = _names(flow, node)
    frame = {"x": box.x + 0.5, "y": box.y + 0.5, "width": box.width - 1, "height": box.height - 1, "rx": 7.0}
    tone = "nbf-paper" if state is None else f"nbf-{state.value}"
    left = box.x + (13 if state is None else 34)
    parts = [
        element("title", clean(_tip(flow, node, state))),
        element("rect", **frame, class_=tone, fill_opacity=0.13, stroke_width=1.2, stroke_opacity=0.9),
    ]
    if state is not None:
        parts.append(square(box.x + 10, middle - 8, state))
    parts.append(words_at(left, middle + (-1.5 if kind else 4.2), name))
    if kind:
        parts.append(words_at(left, middle + 11.5, kind, classes="nbf-quiet nbf-small"))
    return element("g", *parts)


def _title(path: str, box: Box) -> str:
    return shorten(_own(path), box.width - 16, 10.5)


def _title_box(path: str, box: Box) -> Box:
    return Box(x=box.x + 9, y=box.y + 5, width=text_width(_title(path, box), 10.5) + 6, height=15)


def _cluster(path: str, box: Box) -> str:
    return element(
        "g",
        element(
            "rect",
            x=box.x + 0.5,
            y=box.y + 0.5,
            width=box.width - 1,
            height=box.height - 1,
            rx=10,
            class_="nbf-paper",
            fill_opacity=0.07,
            stroke_opacity=0.45,
        ),
        words_at(
            box.x + 11,
            box.y + 16,
            _title(path, box),
            classes="nbf-quiet nbf-small nbf-strong",
            tip=path,
        ),
    )


def _edge(link: Link, wire: Wire) -> str:
    start, *rest = wire.points
    curve = f"M{number(start[0])} {number(start[1])}C" + " ".join(f"{number(x)} {number(y)}" for x, y in rest)
    end, tip = wire.points[-1], wire.tip
    # The head is a triangle from the curve's end to the tip, 3 px to each side.
    length = ((tip[0] - end[0]) ** 2 + (tip[1] - end[1]) ** 2) ** 0.5 or 1.0
    across = ((end[1] - tip[1]) / length * 3, (tip[0] - end[0]) / length * 3)
    corners = [tip, (end[0] + across[0], end[1] + across[1]), (end[0] - across[0], end[1] - across[1])]
    reason = f"{link.start.name} → {link.end.name}\n{link.reason}"
    parts = [
        element("title", clean(reason)),
        element("path", d=curve, fill="none", stroke="transparent", stroke_width=9),
        element(
            "path",
            d=curve,
            fill="none",
            class_="nbf-line",
            stroke_width=1.2,
            stroke_dasharray=_DASHES[link.kind],
        ),
        element(
            "path", d="M" + "L".join(f"{number(x)} {number(y)}" for x, y in corners) + "Z", class_="nbf-head"
        ),
    ]
    return element("g", *parts, opacity=_FAINT if wire.loose else None)
