"""Which ready task instances start now: order, slots, pools and the limits on them."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbflow.model.task import DEFAULT_POOL, DEFAULT_POOL_SLOTS, WeightRule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from nbflow.model.graph import Graph
    from nbflow.model.run import TaskKey
    from nbflow.model.task import TaskSpec

_Entry = tuple[int, "datetime", int, int, int, "TaskKey", "TaskSpec"]
_Queue = tuple[str, ...]
"""What a task instance that is ready may wait for: `("dag", id)`, `("task", dag id, task id)`,
`("pool", name, slots)`.
"""

_NO_POOL = "there is no pool `{pool}`: nbflow pools set {pool} SLOTS"
_TOO_LARGE = "it takes {need} slots and the pool `{pool}` has {slots}: nbflow pools set {pool} {need}"


def weights(tasks: Mapping[str, TaskSpec], graph: Graph) -> dict[str, int]:
    """Each task's effective priority weight (semantics.md, Order and limits): its own, and by its `weight_rule`
    that of all its descendants, of all its ancestors, or of none.
    """
    below = _sums(tasks, reversed(graph.order), graph.downstream)
    above = _sums(tasks, graph.order, graph.upstream)
    found = {WeightRule.DOWNSTREAM: below, WeightRule.UPSTREAM: above}
    return {
        task_id: spec.priority_weight
        if spec.weight_rule is WeightRule.ABSOLUTE
        else found[spec.weight_rule][task_id]
        for task_id, spec in tasks.items()
    }


def _sums(
    tasks: Mapping[str, TaskSpec],
    order: Iterator[str] | tuple[str, ...],
    beyond: Callable[[str], tuple[str, ...]],
) -> dict[str, int]:
    """The weight of each task and of all beyond it, each counted once. Sets of tasks are bits of an integer."""
    place = {task_id: index for index, task_id in enumerate(tasks)}
    plain = {spec.priority_weight for spec in tasks.values()} <= {1}
    own = [spec.priority_weight for spec in tasks.values()]
    reached: dict[str, int] = {}
    for task_id in order:
        bits = 1 << place[task_id]
        for other in beyond(task_id):
            bits |= reached[other]
        reached[task_id] = bits
    if plain:
        return {task_id: bits.bit_count() for task_id, bits in reached.items()}
    return {
        task_id: sum(own[index] for index in range(bits.bit_length()) if bits >> index & 1)
        for task_id, bits in reached.items()
    }


@dataclass(slots=True)
class _Pool:
    slots: int
    used: int = 0


class Slots:
    """Ready task instances in the order in which they start, and the places they take.

    Order: priority weight (higher first), logical date, place in the notebook, map index. One that
    does not fit is passed over, not waited on. Every operation costs O(log ready).
    """

    def __init__(self, parallelism: int) -> None:
        self.parallelism = parallelism
        self.used = 0
        self.used_by_dag: Counter[str] = Counter()
        self.paused: set[str] = set()
        self._used_by_task: Counter[tuple[str, str]] = Counter()
        self._pools = {DEFAULT_POOL: _Pool(DEFAULT_POOL_SLOTS)}
        self._limits: dict[str, int] = {}
        self._ready: list[_Entry] = []
        self._held: defaultdict[_Queue, list[_Entry]] = defaultdict(list)
        self._came_from: dict[TaskKey, _Queue] = {}
        self._vacated: set[TaskKey] = set()
        self._count = itertools.count()

    # Limits

    def limit(self, dag_id: str, max_active_tasks: int) -> None:
        """Let at most this many tasks of the DAG run at once."""
        self._limits[dag_id] = max_active_tasks

    def set_pools(self, pools: Mapping[str, int]) -> None:
        """These are the pools, with their slots; the default pool exists in any case."""
        for name in self._pools.keys() - pools.keys() - {DEFAULT_POOL}:
            self._pools[name].slots = 0
        for name, slots in pools.items():
            self._pools.setdefault(name, _Pool(slots)).slots = slots
        for queue in [queue for queue in self._held if queue[0] == "pool"]:
            self._let_in(queue, len(self._held[queue]))

    def pause(self, dag_id: str, *, paused: bool) -> None:
        """Start nothing more of a DAG, or go on with it."""
        if paused:
            self.paused.add(dag_id)
        else:
            self.paused.discard(dag_id)
            self._let_in(("paused", dag_id), len(self._held["paused", dag_id]))

    def refusal(self, spec: TaskSpec) -> str:
        """Why a task can never start, in words; "" when it can."""
        pool = self._pools.get(spec.pool)
        if pool is None or (pool.slots == 0 and pool.used == 0 and spec.pool != DEFAULT_POOL):
            return _NO_POOL.format(pool=spec.pool)
        if spec.pool_slots > pool.slots:
            return _TOO_LARGE.format(need=spec.pool_slots, pool=spec.pool, slots=pool.slots)
        return ""

    # Places

    def add(self, key: TaskKey, spec: TaskSpec, *, weight: int, logical_date: datetime, place: int) -> None:
        """A task instance is ready."""
        entry = (-weight, logical_date, place, key.map_index, next(self._count), key, spec)
        heapq.heappush(self._ready, entry)

    def take(self, still_ready: Callable[[TaskKey], bool]) -> Iterator[TaskKey]:
        """The task instances that start now; each takes its places as it is handed out.

        Args:
            still_ready: says whether a task instance added before still wants to start; others
                are dropped here, which is cheaper than looking for them when they change.
        """
        while self._ready and self.used < self.parallelism:
            entry = heapq.heappop(self._ready)
            key, spec = entry[5], entry[6]
            came_from = self._came_from.pop(key, None) if self._came_from else None
            ready = still_ready(key)
            queue = self._obstacle(key, spec) if ready else None
            if queue is not None:
                heapq.heappush(self._held[queue], entry)
            elif ready:
                self._occupy(key, spec, 1)
                yield key
                continue
            if came_from is not None and came_from != queue:
                self._let_in(came_from, 1)  # it was let in for a place that it doesn't take

    def occupy(self, key: TaskKey, spec: TaskSpec) -> None:
        """A task instance holds its places already."""
        self._occupy(key, spec, 1)

    def vacate(self, key: TaskKey) -> None:
        """A task instance no longer needs the executor; all its other places it holds until `give_back`."""
        if key not in self._vacated:
            self._vacated.add(key)
            self.used -= 1

    def give_back(self, key: TaskKey, spec: TaskSpec) -> None:
        """A task instance no longer holds its places."""
        if key in self._vacated:
            self._vacated.discard(key)
            self.used += 1
        self._occupy(key, spec, -1)
        dag_id = key.run.dag_id
        if not self._held:
            return
        self._let_in(("dag", dag_id), 1)
        if spec.max_active_tis is not None:
            self._let_in(("task", dag_id, key.task_id), 1)
        pool = self._pools[spec.pool]
        for queue in [queue for queue in self._held if queue[:2] == ("pool", spec.pool)]:
            self._let_in(queue, (pool.slots - pool.used) // int(queue[2]))

    def _occupy(self, key: TaskKey, spec: TaskSpec, by: int) -> None:
        self.used += by
        self.used_by_dag[key.run.dag_id] += by
        self._pools[spec.pool].used += by * spec.pool_slots
        if spec.max_active_tis is not None:
            self._used_by_task[key.run.dag_id, key.task_id] += by

    def _obstacle(self, key: TaskKey, spec: TaskSpec) -> _Queue | None:
        """What keeps a ready task instance from starting: the queue in which it waits for that."""
        dag_id = key.run.dag_id
        if dag_id in self.paused:
            return ("paused", dag_id)
        if self.used_by_dag[dag_id] >= self._limits.get(dag_id, self.parallelism):
            return ("dag", dag_id)
        pool = self._pools[spec.pool]
        if pool.used + spec.pool_slots > pool.slots:
            return ("pool", spec.pool, str(spec.pool_slots))
        if spec.max_active_tis is not None and self._used_by_task[dag_id, key.task_id] >= spec.max_active_tis:
            return ("task", dag_id, key.task_id)
        return None

    def obstacle(self, key: TaskKey, spec: TaskSpec) -> str:
        """What a ready task instance waits for, in words."""
        queue = self._obstacle(key, spec)
        match queue:
            case None:
                return f"waits for one of {self.parallelism} slots"
            case ("paused", dag_id):
                return f"{dag_id} is paused: nbflow unpause {dag_id}"
            case ("dag", dag_id):
                return f"max_active_tasks: {self._limits.get(dag_id)} tasks of {dag_id} run already"
            case ("task", _, task_id):
                return f"max_active_tis: {spec.max_active_tis} instances of `{task_id}` run already"
            case _:
                pool = self._pools[spec.pool]
                return f"pool `{spec.pool}`: {pool.used} of {pool.slots} slots are taken, it takes {spec.pool_slots}"

    def _let_in(self, queue: _Queue, count: int) -> None:
        """Have the first of those that wait for something tried again."""
        held = self._held.get(queue)
        while held and count > 0:
            entry = heapq.heappop(held)
            self._came_from[entry[5]] = queue
            heapq.heappush(self._ready, entry)
            count -= 1
        if held is not None and not held:
            del self._held[queue]
