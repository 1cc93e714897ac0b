"""What of state.sqlite is old enough to go, and its removal."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from nbflow.model.run import RunKey
from nbflow.store import rows
from nbflow.store.sql import queries

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OldRun:
    """A run that may go.

    Attributes:
        logical_date, ended: aware, UTC.
        timezone: of its DAG, in which it is labelled.
    """

    key: RunKey
    logical_date: datetime
    variant: str
    ended: datetime
    timezone: str


class Retention:
    """Finds and removes old rows of a home. Removing stands within a transaction of the owner (`writing`)."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._sql = queries("retention.sql")

    def old_runs(self, *, before: datetime, now: datetime) -> list[OldRun]:
        """The runs that ended before a moment and that nothing looks at any more, oldest first.

        Never one that is not over; of every DAG its latest run, its latest success and the latest that its
        schedule has made stay.
        """
        values = {"before": rows.stamp(before), "now": rows.stamp(now)}
        return [
            OldRun(
                key=RunKey(row["dag_id"], row["run_id"]),
                logical_date=rows.moment(row["logical_date"]),
                variant=row["variant"],
                ended=rows.moment(row["ended"]),
                timezone=row["timezone"],
            )
            for row in self._db.execute(self._sql["old_runs"], values)
        ]

    def finished(self, runs: Iterable[RunKey]) -> list[RunKey]:
        """Those of the runs that are there and over."""
        return [
            RunKey(row["dag_id"], row["run_id"])
            for row in self._db.execute(self._sql["finished"], _named(runs))
        ]

    def run_folders(self, runs: Iterable[RunKey] | None = None) -> set[str]:
        """The folders that hold all tries of a run, relative to the home; of all runs where none are named."""
        query = self._sql["try_folders" if runs is None else "folders"]
        values = {} if runs is None else _named(runs)
        # tries/DAG/RUN/TASK/NUMBER
        return {str(PurePosixPath(row["folder"]).parents[1]) for row in self._db.execute(query, values)}

    def remove(self, runs: Sequence[RunKey]) -> int:
        """Remove runs with their task instances, tries and history; how many tries there were."""
        values = _named(runs)
        self._db.execute(self._sql["delete_transitions"], values)
        tries = self._db.execute(self._sql["delete_tries"], values).rowcount
        self._db.execute(self._sql["delete_instances"], values)
        self._db.execute(self._sql["delete_runs"], values)
        return tries

    def remove_unused(self, *, before: datetime) -> tuple[int, int]:
        """Remove answered commands, and versions of notebooks with their modules that nothing refers to, both
        from before a moment.

        Returns:
            How many commands, how many versions.
        """
        values = {"before": rows.stamp(before)}
        commands = self._db.execute(self._sql["delete_commands"], values).rowcount
        versions = self._db.execute(self._sql["delete_versions"], values).rowcount
        self._db.execute(self._sql["delete_version_modules"])
        self._db.execute(self._sql["delete_modules"])
        return commands, versions


def _named(runs: Iterable[RunKey]) -> dict[str, object]:
    return {"runs": json.dumps([[run.dag_id, run.run_id] for run in runs])}
