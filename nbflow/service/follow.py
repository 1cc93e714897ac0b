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
    from nbflow.store.state_reader import StateReader

_LOOK = 0.25  # seconds between two looks at the store


class Follower:
    """Tells of the moves of some runs, each once and in order, whoever makes them.

    Attributes:
        open: those of the runs that are not over.
    """

    def __init__(
        self, state: StateReader, runs: Iterable[RunKey], *, since: int, listener: Callable[[Moves], None]
    ) -> None:
        """Tell nothing yet.

        Args:
            state: of their home.
            runs: which; the store knows them.
            since: the id of the last move that is known already.
            listener: told of every move.
        """
        self._state = state
        self._listener = listener
        self._since = since
        self._wanted = frozenset(runs)
        self._looked = False
        self.open = set(self._wanted)

    def look(self) -> None:
        """Tell what has happened since the last look."""
        if not self._looked or self._state.changed_outside():
            self._tell()
        if not self._looked:  # a run that ends from now on says so by a move
            records = {key: self._state.run(key) for key in self._wanted}
            self.open = {key for key, record in records.items() if record and not record.state.finished}
            self._looked = True

    def _tell(self) -> None:
        moves = self._state.transitions_after(self._since)
        self._since = moves[-1].id if moves else self._since
        told = tuple(_move(move) for move in moves if move.run in self._wanted)
        for move in told:
            if isinstance(move, RunMove):
                (self.open.discard if move.new.finished else self.open.add)(move.run)
        if told:
            self._listener(told)

    def until_over(self, home: Home) -> bool:
        """Tell of moves until all the runs are over; False where nobody works on them any more."""
        while self.open:
            held = is_held(home)  # before the look: what its last moves were is seen all the same
            self.look()
            if not held:
                return not self.open
            if self.open:
                time.sleep(_LOOK)
        return True


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
        Follower(state, wanted, since=since, listener=listener).until_over(home)
        return [record for key in wanted if (record := state.run(key)) is not None]


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
