"""What anybody may read of state.sqlite."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from nbflow.store import rows

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from nbflow.model.record import (
        DagRecord,
        FailureRecord,
        InstanceRecord,
        RunRecord,
        Transition,
        TryRecord,
    )
    from nbflow.model.run import Interval, RunKey, TaskKey
    from nbflow.store.versions import Versions


class StateReader:
    """The reading half of `StateStore`.

    Attributes:
        versions: the versions of notebooks, with their modules.
    """

    path: Path
    versions: Versions
    _db: sqlite3.Connection
    _sql: Mapping[str, str]
    _seen: int | None = None

    def changed_outside(self) -> bool:
        """Whether another connection has written since this was last asked (the first answer is yes)."""
        version = self._db.execute("PRAGMA data_version").fetchone()[0]
        changed, self._seen = version != self._seen, version
        return changed

    def dags(self) -> list[DagRecord]:
        """Every DAG the home knows, by name."""
        return [rows.dag(row) for row in self._db.execute(self._sql["dags"])]

    def dag(self, dag_id: str) -> DagRecord | None:
        """One DAG."""
        row = self._db.execute(self._sql["dag"], {"dag_id": dag_id}).fetchone()
        return rows.dag(row) if row else None

    def notebook(self, dag_id: str, version: str) -> str | None:
        """The JSON of a stored version, None if there is no such version."""
        row = self._db.execute(self._sql["version"], {"dag_id": dag_id, "version": version}).fetchone()
        return row["notebook"] if row else None

    def run(self, key: RunKey) -> RunRecord | None:
        """One run."""
        row = self._db.execute(self._sql["run"], {"dag_id": key.dag_id, "run_id": key.run_id}).fetchone()
        return rows.run(row) if row else None

    def runs(self, dag_id: str, *, most: int = -1) -> list[RunRecord]:
        """The DAG's runs, latest logical date first; at most `most` (-1: all)."""
        return [
            rows.run(row) for row in self._db.execute(self._sql["runs"], {"dag_id": dag_id, "most": most})
        ]

    def runs_between(self, dag_id: str, first: datetime, last: datetime) -> list[RunRecord]:
        """The DAG's runs with a logical date in this stretch, both ends inclusive, in order."""
        values = {"dag_id": dag_id, "first": rows.stamp(first), "last": rows.stamp(last)}
        return [rows.run(row) for row in self._db.execute(self._sql["runs_between"], values)]

    def previous_success(self, dag_id: str, logical_date: datetime) -> Interval | None:
        """The data interval of the latest earlier run that succeeded."""
        values = {"dag_id": dag_id, "logical_date": rows.stamp(logical_date)}
        row = self._db.execute(self._sql["previous_success"], values).fetchone()
        return rows.interval(row) if row else None

    def instances(self, run: RunKey) -> list[InstanceRecord]:
        """The run's task instances, in the order of the notebook when they were added; those of a mapped task
        follow its own, by map index.
        """
        values = {"dag_id": run.dag_id, "run_id": run.run_id}
        return [rows.instance(row) for row in self._db.execute(self._sql["instances"], values)]

    def tries(self, key: TaskKey) -> list[TryRecord]:
        """The task instance's tries, first to latest."""
        return [
            rows.try_(row, self.path.parent)
            for row in self._db.execute(self._sql["tries"], rows.key_values(key))
        ]

    def notes(self, run: RunKey) -> dict[str, tuple[str, ...]]:
        """Task id → the notes of its latest try, for the tasks of a run that have any; those of a mapped task's
        instances together, each once.
        """
        values = {"dag_id": run.dag_id, "run_id": run.run_id}
        found: dict[str, dict[str, None]] = {}
        for row in self._db.execute(self._sql["notes"], values):
            found.setdefault(row["task_id"], {}).update(dict.fromkeys(json.loads(row["notes"])))
        return {task_id: tuple(notes) for task_id, notes in found.items()}

    def transitions(self, run: RunKey) -> list[Transition]:
        """The run's moves, as they happened."""
        values = {"dag_id": run.dag_id, "run_id": run.run_id}
        return [rows.transition(row) for row in self._db.execute(self._sql["transitions"], values)]

    def last_transition(self) -> int:
        """The id of the home's latest move, 0 before the first."""
        return self._db.execute(self._sql["last_transition"]).fetchone()[0]

    def transitions_after(self, number: int) -> list[Transition]:
        """The home's moves with a greater id, as they happened."""
        return [
            rows.transition(row) for row in self._db.execute(self._sql["transitions_after"], {"id": number})
        ]

    def prior_run(self, dag_id: str, logical_date: datetime) -> RunRecord | None:
        """The latest earlier scheduled or backfill run: what depends_on_past looks at."""
        values = {"dag_id": dag_id, "logical_date": rows.stamp(logical_date)}
        row = self._db.execute(self._sql["prior_run"], values).fetchone()
        return rows.run(row) if row else None

    def failed_before(self, dag_id: str, logical_date: datetime) -> int:
        """How many of the DAG's runs in a row have failed just before a date."""
        values = {"dag_id": dag_id, "logical_date": rows.stamp(logical_date)}
        return self._db.execute(self._sql["failed_before"], values).fetchone()[0]

    def failures(self, dag_id: str, first: datetime, last: datetime) -> list[FailureRecord]:
        """The DAG's failed task instances of runs in this stretch (both ends inclusive), in order of date."""
        values = {"dag_id": dag_id, "first": rows.stamp(first), "last": rows.stamp(last)}
        return [rows.failure(row) for row in self._db.execute(self._sql["failed_instances"], values)]

    def slots_taken(self) -> dict[tuple[str, str], int]:
        """(DAG id, task id) → how many of its task instances hold a place of the executor now."""
        return {
            (row["dag_id"], row["task_id"]): row["holding"]
            for row in self._db.execute(self._sql["slots_taken"])
        }
