"""What waits for a time, earliest first."""

from __future__ import annotations

import heapq
import itertools
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

K = TypeVar("K")


class Timers(Generic[K]):
    """Keys with the time each is due. Equal times come out in the order in which they were set."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, int, K]] = []
        self._count = itertools.count()

    @property
    def next(self) -> datetime | None:
        """When the earliest is due; None when nothing waits."""
        return self._heap[0][0] if self._heap else None

    def set(self, at: datetime, key: K) -> None:
        """Let the key come out once it is `at`. It may wait more than once."""
        heapq.heappush(self._heap, (at, next(self._count), key))

    def due(self, at: datetime) -> Iterator[K]:
        """Take out what is due by then; what is set meanwhile counts too."""
        while self._heap and self._heap[0][0] <= at:
            yield heapq.heappop(self._heap)[2]
