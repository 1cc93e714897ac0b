"""The rows of a board: the notebook's tasks, then those that only its runs have."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbflow.service.lookup import Target
    from nbflow.store.state import StateStore

_Known = tuple[dict[str, None], int]
# Which tasks runs have is found by going through all of them: once for each process, then only what came since.
_KNOWN: dict[tuple[str, int, str], _Known] = {}
_LOCK = threading.Lock()


def rows_of(state: StateStore, target: Target) -> tuple[str, ...]:
    """The task ids of a board's rows; the same for all boards of one version, however many runs they show."""
    place = (str(state.path), state.path.stat().st_ino, target.dag_id)
    with _LOCK:
        known, seen = _KNOWN.get(place, ({}, 0))
        found, seen = state.board.tasks_since(target.dag_id, seen)
        known = {**known, **dict.fromkeys(found)}
        _KNOWN[place] = known, seen
    tasks = target.flow.tasks
    return (*tasks, *(task_id for task_id in known if task_id not in tasks))
