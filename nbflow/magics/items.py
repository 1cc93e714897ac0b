"""A mapped task's cell by hand: it goes through the items."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from nbflow.execute.mapping import items_of, short_label
from nbflow.magics.rounds import Round, told

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nbflow.magics.progress import Progress
    from nbflow.model.task import TaskSpec


class Items(Round):
    """A mapped task's cell: it runs once for each item.

    Each time it finds the names that were there before, those that earlier cells of the task have set for this
    item, and the item's own. What it sets stays the item's, but for the last, whose new names can be looked at.

    Args:
        spec: of the task.
        namespace: the notebook's variables.
        first: at most so many items, None for all.
        before: the task's cell that ran before this one, if any did.
        begins: whether this is the task's first cell: the names that `before` has left go. Else each item goes on
            with what `before` has set for it.
        progress: is told how far it is.
        indexed: whether the name `map_index` is nbflow's to set.

    Attributes:
        items: each a dict from name to value, once it is known.
        item: the one it is at.
        finished: whether it has gone through all of them.
        by_index: the return values of those that are done.
    """

    def __init__(
        self,
        spec: TaskSpec,
        namespace: dict[str, Any],
        *,
        first: int | None,
        before: Items | None,
        begins: bool,
        progress: Progress,
        indexed: bool,
    ) -> None:
        super().__init__()
        self.items: list[dict[str, object]] = []
        self.item: Mapping[str, object] = {}
        self.finished = False
        self._spec = spec
        self._namespace = namespace
        self._first = first
        self._before = before if begins else None
        self._done = None if begins else before
        self._progress = progress
        self._set: dict[int, dict[str, object]] = {}
        self._found: dict[str, object] = {}
        self.by_index: dict[int, object] = {}
        self._indexed = indexed
        self._at: int | None = None

    @property
    def values(self) -> list[object]:
        """The return values in map order; of items whose cell said Skip there is none."""
        return [self.by_index[index] for index in sorted(self.by_index)]

    @property
    def index(self) -> int:
        """Which item it is at, -1 for none."""
        return -1 if self._at is None else self._at

    def take_back(self) -> None:
        """Remove the names that it has left to be looked at, where they still are what they were."""
        for changed in self._set.values():
            for name, value in changed.items():
                if name not in self._found and self._namespace.get(name, self) is value:
                    del self._namespace[name]

    def stop(self) -> str:
        """Where it is when an error ends it: «item 3 of 12 (p=0.1)»; "" when it is at none."""
        if self._at is None:
            return ""
        self._set[self._at] = _changed(self._found, self._namespace)
        label = short_label(self.items[self._at])
        return f"item {self._at + 1} of {len(self.items)}" + (f" ({label})" if label else "")

    def __iter__(self) -> Iterator[int]:
        """Once for each item."""
        namespace = self._namespace
        if self._before is not None:
            self._before.take_back()
        self._before, indexes = None, self._find()
        before = self._found = dict(namespace)
        for index in indexes:
            self._at, self.item = index, self.items[index]
            self._progress.reach(index, len(self.items))
            self.value, self.skipped = None, False
            self._give(index)
            yield index
            self._set[index] = _changed(before, namespace)
            if not self.skipped:
                earlier = None if self._done is None else self._done.by_index.get(index)
                self.by_index[index] = earlier if self.value is None else self.value
            _restore(namespace, before, self._set[index], keep_new=index == indexes[-1])
        self._progress.end(len(self.items))
        self._at, self.finished = None, True
        if not self.items:
            print("no items: a run skips this task")
        if len(self.items) == 1:
            self.shown = self.value

    def _find(self) -> Sequence[int]:
        """Go through what the task is mapped over, or take what its first cell has found."""
        if self._done is not None:
            self.items = self._done.items
            return sorted(self._done.by_index)
        found = told(partial(items_of, self._spec.map, self._namespace, task_id=self._spec.task_id))
        self.items = found[: self._first]
        return range(len(self.items))

    def _give(self, index: int) -> None:
        """Set the names that are this item's."""
        if self._done is not None:
            self._namespace.update(self._done._set[index])
        self._namespace.update(self.items[index])
        if self._indexed:
            self._namespace["map_index"] = index


def _changed(before: Mapping[str, object], now: Mapping[str, object]) -> dict[str, object]:
    """The names that have another value than before."""
    missing = object()
    return {name: value for name, value in now.items() if before.get(name, missing) is not value}


def _restore(
    namespace: dict[str, Any], before: Mapping[str, object], changed: Mapping[str, object], *, keep_new: bool
) -> None:
    """Give names the values they had before; those that are new go, or stay to be looked at."""
    for name in changed:
        if name not in before and not keep_new:
            namespace.pop(name, None)
    namespace.update(
        {name: value for name, value in before.items() if name in changed or name not in namespace}
    )
