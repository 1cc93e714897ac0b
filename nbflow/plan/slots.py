"""Which ready tasks start now: priority, order and limits."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from nbflow.model.graph import Graph
    from nbflow.model.run import TaskKey
    from nbflow.model.task import TaskSpec

_Entry = tuple[int, "datetime", int, int, "TaskKey"]


def weights(tasks: Mapping[str, TaskSpec], graph: Graph) -> dict[str, int]:
    """Each task's effective priority weight: its own plus all its descendants' (Airflow's `downstream`)."""
    return {
        task_id: spec.priority_weight
        + sum(tasks[down].priority_weight for down in graph.descendants(task_id))
        for task_id, spec in tasks.items()
    }


class Slots:
    """Ready task instances in the order in which they start, and the places they take.

    Order: priority weight (higher first), logical date, place in the notebook, map index. One that
    does not fit is passed over, not waited on. Every operation costs O(log ready).
    """

    def __init__(self, parallelism: int) -> None:
        self.parallelism = parallelism
        self.used = 0
        self.used_by_dag: Counter[str] = Counter()
        self._ready: list[_Entry] = []
        self._held: defaultdict[str, list[_Entry]] = defaultdict(list)
        self._limits: dict[str, int] = {}

    def limit(self, dag_id: str, max_active_tasks: int) -> None:
        """Let at most this many tasks of the DAG run at once."""
        self._limits[dag_id] = max_active_tasks

    def add(self, key: TaskKey, *, weight: int, logical_date: datetime, place: int) -> None:
        """A task instance is ready."""
        heapq.heappush(self._ready, (-weight, logical_date, place, key.map_index, key))

    def take(self, still_ready: Callable[[TaskKey], bool]) -> Iterator[TaskKey]:
        """The task instances that start now; each takes its place as it is handed out.

        Args:
            still_ready: says whether a task instance added before still wants to start; others
                are dropped here, which is cheaper than looking for them when they change.
        """
        while self._ready and self.used < self.parallelism:
            entry = heapq.heappop(self._ready)
            dag_id = entry[-1].run.dag_id
            if not still_ready(entry[-1]):
                self._release(dag_id)  # it may have been let in from those held, in another's stead
                continue
            if self.used_by_dag[dag_id] >= self._limits.get(dag_id, self.parallelism):
                heapq.heappush(self._held[dag_id], entry)
                continue
            self.used += 1
            self.used_by_dag[dag_id] += 1
            yield entry[-1]

    def give_back(self, key: TaskKey) -> None:
        """A task instance no longer holds its place."""
        dag_id = key.run.dag_id
        self.used -= 1
        self.used_by_dag[dag_id] -= 1
        self._release(dag_id)

    def _release(self, dag_id: str) -> None:
        if self._held[dag_id]:
            heapq.heappush(self._ready, heapq.heappop(self._held[dag_id]))
