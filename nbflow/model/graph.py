"""networkx behind an immutable face."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import networkx as nx


class Graph:
    """The tasks of a DAG and who follows whom. Never changes once made."""

    __slots__ = ("_down", "_graph", "_order", "_place", "_up")

    def __init__(self, graph: nx.DiGraph[str]) -> None:
        import networkx as nx  # it takes a tenth of a second: not for those who only ask for --help

        place = {task: index for index, task in enumerate(graph)}
        self._graph = nx.freeze(graph)
        self._up = {task: tuple(graph.predecessors(task)) for task in graph}
        self._down = {task: tuple(graph.successors(task)) for task in graph}
        self._place = place
        self._order = tuple(nx.lexicographical_topological_sort(graph, key=place.__getitem__))

    @classmethod
    def of(cls, tasks: Iterable[str], edges: Iterable[tuple[str, str]]) -> Graph:
        """The graph of these tasks and (upstream, downstream) pairs.

        Raises:
            networkx.NetworkXUnfeasible: the edges make a cycle (find it first: `cycle`).
        """
        import networkx as nx

        graph: nx.DiGraph[str] = nx.DiGraph()
        graph.add_nodes_from(tasks)
        graph.add_edges_from(edges)
        return cls(graph)

    @staticmethod
    def cycle(edges: Iterable[tuple[str, str]]) -> tuple[str, ...]:
        """The task ids around one cycle among the edges, in order; empty when there is none."""
        import networkx as nx

        try:
            found = nx.find_cycle(nx.DiGraph(list(edges)))
        except nx.NetworkXNoCycle:
            return ()
        return tuple(upstream for upstream, _ in found)

    @property
    def order(self) -> tuple[str, ...]:
        """All tasks, upstream first; where the edges leave it open, as in the notebook."""
        return self._order

    def place(self, task: str) -> int:
        """Where the task stands in the notebook, from 0."""
        return self._place[task]

    def upstream(self, task: str) -> tuple[str, ...]:
        """The tasks directly before this one."""
        return self._up[task]

    def downstream(self, task: str) -> tuple[str, ...]:
        """The tasks directly after this one."""
        return self._down[task]

    def ancestors(self, task: str) -> frozenset[str]:
        """Every task this one stands on, near or far."""
        import networkx as nx

        return frozenset(nx.ancestors(self._graph, task))

    def descendants(self, task: str) -> frozenset[str]:
        """Every task that stands on this one, near or far."""
        import networkx as nx

        return frozenset(nx.descendants(self._graph, task))

    @property
    def leaves(self) -> tuple[str, ...]:
        """The tasks nothing follows; they decide a run's state."""
        return tuple(task for task in self._order if not self._down[task])
