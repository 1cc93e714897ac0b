"""The run grid as a value: what the pictures, the terminal and `--json` show alike."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from nbflow.model.run import RunType, local_label

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from nbflow.model.state import RunState, TaskState

_MOST_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class GridColumn:
    """One run.

    Attributes:
        run_id: its id.
        logical_date: aware, in the DAG's zone (so that `.date()` is the date people typed).
        state: of the run.
        seconds: how long it has taken from its start to its end (or to now), None before it started
            and while it is stopped.
        type: what started it.
    """

    run_id: str
    logical_date: datetime
    state: RunState
    seconds: float | None = None
    type: RunType = RunType.MANUAL

    def __post_init__(self) -> None:
        if self.logical_date.tzinfo is None:
            msg = f"the logical date {self.logical_date.isoformat()} of run {self.run_id} has no time zone"
            raise ValueError(msg)

    @property
    def label(self) -> str:
        """As an address has it (see `run_label`)."""
        return local_label(self.logical_date, self.run_id.partition("~")[2])


@dataclass(frozen=True, slots=True, kw_only=True)
class GridSquare:
    """One task of one run.

    Attributes:
        state: of the task instance.
        try_number: of its latest try, 0 before the first.
        seconds: how long that try took (or has taken), None before it started.
        reason: why it is in its state, in words; "" when there is nothing to say.
        stale: whether its code has changed since that try.
        root: whether it failed by itself: what it dragged along is shown quieter.
        notes: warnings about that try, one sentence each.
    """

    state: TaskState
    try_number: int = 0
    seconds: float | None = None
    reason: str = ""
    stale: bool = False
    root: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GridView:
    """Tasks down, runs across.

    Attributes:
        dag_id: the DAG's name.
        title: one line above the grid («59 of 60 · failed: 17 Feb `clean`»); "" for none.
        tasks: task ids, in the order of the rows.
        removed: those of them that only older versions of the notebook have.
        groups: the group of each task that has one; nested names are joined by dots.
        columns: the runs, oldest first.
        squares: (task id, run id) → square; a pair that is missing has no task instance (yet).
        today: the date to mark, in the DAG's zone; None for no mark.
        older: how many older runs are left out.
    """

    dag_id: str
    title: str = ""
    tasks: tuple[str, ...] = ()
    removed: frozenset[str] = frozenset()
    groups: Mapping[str, str] = field(default_factory=dict[str, str])
    columns: tuple[GridColumn, ...] = ()
    squares: Mapping[tuple[str, str], GridSquare] = field(default_factory=dict[tuple[str, str], GridSquare])
    today: date | None = None
    older: int = 0

    @property
    def removed_words(self) -> str:
        """«no longer in the notebook: x, y»; "" where every row is there still."""
        gone = [task for task in self.tasks if task in self.removed]
        more = f" and {len(gone) - _MOST_NAMED} more" if len(gone) > _MOST_NAMED else ""
        return f"no longer in the notebook: {', '.join(gone[:_MOST_NAMED])}{more}" if gone else ""

    def last(self, count: int) -> GridView:
        """The same view with its newest `count` columns; the others are counted as older."""
        if count >= len(self.columns):
            return self
        columns = self.columns[len(self.columns) - count :]
        kept = {column.run_id for column in columns}
        return replace(
            self,
            columns=columns,
            squares={place: square for place, square in self.squares.items() if place[1] in kept},
            older=self.older + len(self.columns) - len(columns),
        )
