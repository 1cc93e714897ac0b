"""Watching runs that another process works on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from nbflow.model.instance import Instance
from nbflow.model.messages import Move, RunMove
from nbflow.model.run import TaskKey
from nbflow.model.state import RunState, TaskState
from nbflow.store.home import is_held
from nbflow.store.state import StateStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from nbflow.model.record import RunRecord, Transition
    from nbflow.model.run import RunKey
    from nbflow.service.scheduler import Moves
    from nbflow.store.home import Home

_LOOK = 0.25  # seconds between two looks at the store


def follow(
    home: Home, runs: Iterable[RunKey], *, since: int, listener: Callable[[Moves], None]
) -> list[RunRecord]:
    """Tell of the runs' moves until all of them are finished, or nobody works on them any more.

    Args:
        home: whose.
        runs: which.
        since: the id of the last move that is known already.
        listener: told of every move, in order.

    Returns:
        The runs as they stand then.
    """
    wanted = list(dict.fromkeys(runs))
    with StateStore(home.state) as state:
        while True:
            held = is_held(home)  # before the look: what its last moves were is seen all the same
            moves = state.transitions_after(since)
            since = moves[-1].id if moves else since
            told = tuple(_move(move) for move in moves if move.run in wanted)
            if told:
                listener(told)
            records = [record for key in wanted if (record := state.run(key)) is not None]
            if not held or all(record.state.finished for record in records):
                return records
            time.sleep(_LOOK)


def _move(stored: Transition) -> Move | RunMove:
    if stored.task_id is None:
        return RunMove(
            at=stored.at,
            run=stored.run,
            old=RunState(stored.old),
            new=RunState(stored.new),
            reason=stored.reason,
        )
    new = TaskState(stored.new)
    return Move(
        at=stored.at,
        key=TaskKey(stored.run, stored.task_id, stored.map_index),
        old=TaskState(stored.old),
        new=new,
        reason=stored.reason,
        instance=Instance(state=new, try_number=stored.try_number),
    )
