"""Who follows whom, as an immutable thing.

What every command asks for (the order, the neighbours, a cycle) is the standard library's work; networkx, which
takes longer to import than a small command to run, answers what few ask for.
"""

from __future__ import annotations

from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import networkx as nx


class Graph:
    """The tasks of a DAG and who follows whom. Never changes once made."""

    def __init__(self, tasks: Iterable[str], edges: Iterable[tuple[str, str]]) -> None:
        """The graph of these tasks and (upstream, downstream) pairs of them.

        Raises:
            graphlib.CycleError: the edges make a cycle (find it first: `cycle`).
        """
        self._place = {task: index for index, task in enumerate(tasks)}
        up: dict[str, list[str]] = {task: [] for task in self._place}
        down: dict[str, list[str]] = {task: [] for task in self._place}
        for upstream, downstream in dict.fromkeys(edges):
            up[downstream].append(upstream)
            down[upstream].append(downstream)
        self._up = {task: tuple(found) for task, found in up.items()}
        self._down = {task: tuple(found) for task, found in down.items()}
        self._order = _order(self._up, self._place)

    @staticmethod
    def cycle(edges: Iterable[tuple[str, str]]) -> tuple[str, ...]:
        """The task ids around one cycle among the edges, in order, from the one that an edge begins with first;
        empty when there is none.
        """
        sorter: TopologicalSorter[str] = TopologicalSorter()
        begins: list[str] = []
        for upstream, downstream in edges:
            sorter.add(downstream, upstream)
            begins.append(upstream)
        try:
            sorter.prepare()
        except CycleError as error:
            around: list[str] = error.args[1][:-1]
            at = around.index(next(task for task in begins if task in around))
            return (*around[at:], *around[:at])
        return ()

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

    @cached_property
    def _graph(self) -> nx.DiGraph[str]:
        import networkx as nx

        return nx.freeze(
            nx.from_dict_of_lists({task: list(found) for task, found in self._down.items()}, nx.DiGraph)
        )


def _order(up: Mapping[str, tuple[str, ...]], place: Mapping[str, int]) -> tuple[str, ...]:
    """Upstream first, and of several that could be next the one with the lowest place."""
    tasks = list(place)
    sorter = TopologicalSorter(up)
    sorter.prepare()
    found: list[str] = []
    ready = [place[task] for task in sorter.get_ready()]
    heapify(ready)
    while ready:
        task = tasks[heappop(ready)]
        found.append(task)
        sorter.done(task)
        for follower in sorter.get_ready():
            heappush(ready, place[follower])
    return tuple(found)
