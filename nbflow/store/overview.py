"""How a home stands as a whole: its owner, its queue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbflow.store import rows
from nbflow.store.sql import queries

if TYPE_CHECKING:
    import sqlite3
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerRecord:
    """Who holds the home, or held it last.

    Attributes:
        what: the command.
        since, heartbeat: when it took the home, and gave its last sign of life; aware, UTC.
    """

    pid: int
    host: str
    what: str
    since: datetime
    heartbeat: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """So many runs, or task instances of runs, that are not over, in one state for one reason."""

    state: str
    reason: str
    count: int


class Overview:
    """Reads how a home stands."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._sql = queries("overview.sql")

    def owner(self) -> OwnerRecord | None:
        """Who holds the home or held it last; None before the first."""
        row = self._db.execute(self._sql["owner"]).fetchone()
        if row is None:
            return None
        return OwnerRecord(
            pid=row["pid"],
            host=row["host"],
            what=row["what"],
            since=rows.moment(row["since"]),
            heartbeat=rows.moment(row["heartbeat"]),
        )

    def tasks(self) -> list[Waiting]:
        """What the runs that are not over still have to do, the most first."""
        return self._waiting("unfinished_tasks")

    def runs(self) -> list[Waiting]:
        """The runs that are not over, the most first."""
        return self._waiting("unfinished_runs")

    def oldest_waiting(self) -> datetime | None:
        """Since when the scheduled run is due that waits for its start the longest; None where none waits."""
        (due,) = self._db.execute(self._sql["oldest_waiting"]).fetchone()
        return None if due is None else rows.moment(due)

    def _waiting(self, query: str) -> list[Waiting]:
        return [
            Waiting(state=row["state"], reason=row["reason"], count=row["count"])
            for row in self._db.execute(self._sql[query])
        ]
