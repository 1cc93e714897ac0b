"""What the board in a notebook shows, read from state.sqlite in few queries over many runs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from nbflow.model.run import RunType
from nbflow.model.state import RunState, TaskState
from nbflow.store import rows
from nbflow.store.sql import queries

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable
    from datetime import datetime
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardRun:
    """A run, as a column of the board. Times are aware, UTC."""

    run_id: str
    logical_date: datetime
    variant: str
    run_type: RunType
    state: RunState
    reason: str
    started: datetime | None
    ended: datetime | None
    due: datetime


class BoardSquare(NamedTuple):
    """A task of a run; `started` and `ended` are of its latest try, as the tables have them. A named tuple: there are
    tens of thousands.
    """

    run_id: str
    task_id: str
    state: str
    try_number: int
    code_hash: str
    started: str | None
    ended: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardFailure:
    """A task instance that failed; `error` as the table has it (see `ErrorPlace`), None: in no cell of it."""

    run_id: str
    logical_date: datetime
    variant: str
    task_id: str
    map_index: int
    reason: str
    error: dict[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskOfRun:
    """A task in one run; `folder` is that of its latest try, None before the first."""

    run_id: str
    logical_date: datetime
    variant: str
    state: TaskState
    try_number: int
    seconds: float | None
    folder: Path | None


class Board:
    """Reads for the board, on the connection of a `StateStore`."""

    def __init__(self, db: sqlite3.Connection, home: Path) -> None:
        self._db = db
        self._home = home
        self._sql = queries("board.sql")

    def runs(self, dag_id: str, *, most: int) -> list[BoardRun]:
        """The latest runs of a DAG, oldest first."""
        return [_run(row) for row in self._rows("runs", dag_id, most=most)][::-1]

    def some_runs(self, dag_id: str, run_ids: Iterable[str]) -> list[BoardRun]:
        """These runs of a DAG, oldest first."""
        return [_run(row) for row in self._rows("some_runs", dag_id, run_ids=_listed(run_ids))]

    def states(self, dag_id: str) -> dict[RunState, int]:
        """How many runs of a DAG are in each state that occurs."""
        return {RunState(state): count for state, count in self._rows("states", dag_id)}

    def due_between(self, dag_id: str, first: datetime, last: datetime) -> BoardRun | None:
        """The latest ordinary run that was due from `first` on and before `last`."""
        found = self._rows("due_since", dag_id, first=rows.stamp(first), last=rows.stamp(last))
        return next(map(_run, found), None)

    def squares(self, dag_id: str, run_ids: Iterable[str]) -> list[BoardSquare]:
        """The tasks of these runs, in no order; a mapped one is one."""
        found = self._rows("squares", dag_id, run_ids=_listed(run_ids)).fetchall()
        return list(map(BoardSquare._make, found))

    def noted(self, dag_id: str, run_ids: Iterable[str]) -> dict[tuple[str, str], int]:
        """(Run id, task id) → how many notes there are about its latest tries, where there are any."""
        found = self._rows("noted", dag_id, run_ids=_listed(run_ids))
        return {(run_id, task_id): count for run_id, task_id, count in found}

    def tasks_since(self, dag_id: str, seen: int) -> tuple[list[str], int]:
        """The tasks of a DAG that runs have, as far as they came after row `seen`, and the last row of them."""
        found = list(self._rows("tasks_since", dag_id, seen=seen))
        return [task_id for task_id, _ in found], max([seen, *(row for _, row in found)])

    def failures(self, dag_id: str, *, most: int) -> list[BoardFailure]:
        """The latest failed task instances of runs that did not succeed, the latest run first."""
        return [
            BoardFailure(
                run_id=run_id,
                logical_date=rows.moment(logical_date),
                variant=variant,
                task_id=task_id,
                map_index=map_index,
                reason=reason,
                error=None if error is None else json.loads(error),
            )
            for run_id, logical_date, variant, task_id, map_index, reason, error in self._rows(
                "failures", dag_id, most=most
            )
        ]

    def moved_since(self, dag_id: str, mark: int) -> list[str]:
        """The ids of the DAG's runs in which something has moved since the move with this id."""
        return [run_id for (run_id,) in self._rows("moved_since", dag_id, mark=mark)]

    def over_dates(self, dag_id: str, task_id: str, *, most: int) -> list[TaskOfRun]:
        """One task in the DAG's latest runs that have it, oldest first."""
        found = [
            TaskOfRun(
                run_id=run_id,
                logical_date=rows.moment(logical_date),
                variant=variant,
                state=TaskState(state),
                try_number=number,
                seconds=seconds_between(started, ended),
                folder=None if folder is None else self._home / folder,
            )
            for run_id, logical_date, variant, state, number, started, ended, folder in self._rows(
                "over_dates", dag_id, task_id=task_id, most=most
            )
        ]
        return found[::-1]

    def _rows(self, query: str, dag_id: str, **values: object) -> sqlite3.Cursor:
        """The rows as tuples: there may be tens of thousands."""
        cursor = self._db.cursor()
        cursor.row_factory = None
        return cursor.execute(self._sql[query], {"dag_id": dag_id, **values})


def _listed(run_ids: Iterable[str]) -> str:
    return json.dumps(list(run_ids))


def seconds_between(started: str | None, ended: str | None) -> float | None:
    """Of two times as the tables have them; None where one of them is missing."""
    if started is None or ended is None:
        return None
    return (rows.moment(ended) - rows.moment(started)).total_seconds()


def _run(row: tuple[Any, ...]) -> BoardRun:
    run_id, logical_date, variant, run_type, state, reason, started, ended, due = row
    return BoardRun(
        run_id=run_id,
        logical_date=rows.moment(logical_date),
        variant=variant,
        run_type=RunType(run_type),
        state=RunState(state),
        reason=reason,
        started=None if started is None else rows.moment(started),
        ended=None if ended is None else rows.moment(ended),
        due=rows.moment(due),
    )
