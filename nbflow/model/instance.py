"""Task instances as the state machine and the store pass them to one another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from nbflow.model.state import TaskState

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from nbflow.model.run import RunKey


class Instance(NamedTuple):
    """A task instance as it stands in the store.

    Attributes:
        state: where it is.
        try_number: of its latest try; 0 before the first.
        max_tries: the number of its last allowed try; grows when it is cleared or a try is lost.
        losses: how many tries in a row were lost.
        looks: of a sensor, or a task that waits for another run: how often its latest try has looked; 0: the next
            launch begins a new try.
        first_look: of a sensor: when the first look of all its tries was, since it was last cleared; aware, UTC.
        follow: of a branch or short circuit that has succeeded: the tasks directly below that are to run.
        items: of a mapped task that knows its items: how many; its own state then is that of all its instances
            together.
        label: of an instance of a mapped task: its name, or "".
    """

    state: TaskState = TaskState.NONE
    try_number: int = 0
    max_tries: int = 1
    losses: int = 0
    looks: int = 0
    first_look: datetime | None = None
    follow: tuple[str, ...] | None = None
    items: int | None = None
    label: str = ""

    def changed(self, **changes: Any) -> Instance:  # noqa: ANN401 the fields' own types
        """The same with some fields changed."""
        return self._replace(**changes)

    def in_state(self, state: TaskState, *, tries: int = 0) -> Instance:
        """The same in another state, with so many more tries: what the machine does most."""
        return Instance(state, self.try_number + tries, *self[2:])


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """A run before another one, as the store has it.

    Attributes:
        run: which.
        logical_date: its place in time.
        states: of its tasks (of a mapped one, of all its instances together).
    """

    run: RunKey
    logical_date: datetime
    states: Mapping[str, TaskState]
