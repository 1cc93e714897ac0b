"""What is drawn of a flow: its tasks, with one node in place of each group that is shut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbflow.model.flow import EdgeKind

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from nbflow.model.flow import Edge, Flow

MOST_OPEN = 200  # tasks, beyond which all groups are shut unless somebody says which
_NAMED = 6  # edges that a merged one tells of
_LOUDEST = (EdgeKind.VARIABLE, EdgeKind.DECLARED, EdgeKind.POSITION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One box.

    Attributes:
        name: a task's id, or a group's dotted name.
        group: the open group that it stands in, "" for none.
        members: the tasks that a shut group stands for, in their order; of a task none.
    """

    name: str
    group: str
    members: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What tells it from all others: a group may be called like a task."""
        return f"{'group' if self.members else 'task'} {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One line.

    Attributes:
        start, end: the nodes that it joins.
        kind: the strongest of its edges'.
        names: the variables that go along it.
        reason: why, a line for each edge; of many the first.
    """

    start: Node
    end: Node
    kind: EdgeKind
    names: frozenset[str]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """Boxes and lines, without places.

    Attributes:
        nodes: in the order of the notebook.
        links: in the order of the flow's edges.
        groups: each open group, parents before children, with the nodes that stand directly in it.
    """

    nodes: tuple[Node, ...]
    links: tuple[Link, ...]
    groups: Mapping[str, tuple[Node, ...]]

    @property
    def clusters(self) -> dict[str, tuple[str, ...]]:
        """The groups with their nodes' keys."""
        return {path: tuple(node.key for node in nodes) for path, nodes in self.groups.items()}


def outline(flow: Flow, shut: Collection[str] | None = None) -> Outline:
    """What is drawn of a flow.

    Args:
        flow: the notebook as read.
        shut: dotted names of the groups that are one node each, with all that is in them; unknown ones are left
            alone. None: none, or all of them where there are more than `MOST_OPEN` tasks.
    """
    if shut is None:
        many = len(flow.tasks) > MOST_OPEN
        shut = {path for spec in flow.tasks.values() for path in paths(spec.group)} if many else ()
    members: dict[str, list[str]] = {}
    holder: dict[str, str] = {}
    for task_id, spec in flow.tasks.items():
        found = next((path for path in paths(spec.group) if path in shut), "")
        if found:
            members.setdefault(found, []).append(task_id)
            holder[task_id] = found
    nodes: dict[str, Node] = {}
    node_of: dict[str, Node] = {}
    for task_id, spec in flow.tasks.items():
        group = holder.get(task_id)
        if group is None:
            node = Node(name=task_id, group=spec.group)
        else:
            node = Node(name=group, group=group.rpartition(".")[0], members=tuple(members[group]))
        node_of[task_id] = nodes.setdefault(node.key, node)
    return Outline(
        nodes=tuple(nodes.values()), links=_links(flow, node_of), groups=_groups(tuple(nodes.values()))
    )


def paths(group: str) -> tuple[str, ...]:
    """`a.b.c` → `a`, `a.b`, `a.b.c`; none of ""."""
    steps = group.split(".") if group else []
    return tuple(".".join(steps[:depth]) for depth in range(1, len(steps) + 1))


def _groups(nodes: Sequence[Node]) -> Mapping[str, tuple[Node, ...]]:
    found: dict[str, list[Node]] = {}
    for node in nodes:
        for path in paths(node.group):
            found.setdefault(path, [])
        if node.group:
            found[node.group].append(node)
    return {path: tuple(own) for path, own in found.items()}


def _links(flow: Flow, node_of: Mapping[str, Node]) -> tuple[Link, ...]:
    """The edges between different nodes, those between the same two as one."""
    merged: dict[tuple[str, str], list[Edge]] = {}
    for edge in flow.edges:
        start, end = node_of[edge.upstream], node_of[edge.downstream]
        if start.key != end.key:
            merged.setdefault((start.key, end.key), []).append(edge)
    return tuple(_link(edges, node_of) for edges in merged.values())


def _link(edges: Sequence[Edge], node_of: Mapping[str, Node]) -> Link:
    first = edges[0]
    if len(edges) == 1:
        reason = first.reason
    else:
        said = [f"{one.upstream} → {one.downstream}: {one.reason}" for one in edges[:_NAMED]]
        more = len(edges) - len(said)
        reason = "\n".join([*said, *([f"and {more} more"] if more else [])])
    return Link(
        start=node_of[first.upstream],
        end=node_of[first.downstream],
        kind=min((one.kind for one in edges), key=_LOUDEST.index),
        names=frozenset[str]().union(*(one.names for one in edges)),
        reason=reason,
    )
