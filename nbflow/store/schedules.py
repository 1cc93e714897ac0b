"""What is on the schedule: rows of `dag`, the runs a scheduler looks after, notebooks that can't be scheduled."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from nbflow.store import rows

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from nbflow.model.record import DagRecord, ImportErrorRecord, RunRecord, TryRecord
    from nbflow.model.run import Interval, RunKey


class Schedules:
    """The schedules of a home. What changes them stands within a transaction of the owner (`writing`)."""

    def __init__(self, db: sqlite3.Connection, sql: Mapping[str, str], home: Path) -> None:
        self._db = db
        self._sql = sql
        self._home = home

    # DAGs

    def put(
        self,
        dag_id: str,
        *,
        follow: bool,
        options: Mapping[str, object],
        environment: Mapping[str, object],
        at: datetime,
    ) -> None:
        """Have a DAG's schedule make runs; see `DagRecord` for what is said of it."""
        values = {"dag_id": dag_id, "follow": follow, "at": rows.stamp(at)}
        values |= {"options": json.dumps(options), "environment": json.dumps(environment)}
        self._db.execute(self._sql["put_on_schedule"], values)

    def take_off(self, dag_id: str) -> None:
        """Have a DAG's schedule make no more runs; those under way go on."""
        self._db.execute(self._sql["take_off_schedule"], {"dag_id": dag_id})

    def publish(self, dag_id: str, version: str) -> None:
        """Have the schedule run this version, which the store has."""
        self._db.execute(self._sql["publish"], {"dag_id": dag_id, "version": version})

    def dags(self) -> list[DagRecord]:
        """The DAGs whose schedules make runs, by name."""
        return [rows.dag(row) for row in self._db.execute(self._sql["scheduled_dags"])]

    # Runs

    def last(self, dag_id: str, *, now: datetime) -> Interval | None:
        """The latest interval, due by now, that a DAG's schedule has made a run for."""
        values = {"dag_id": dag_id, "now": rows.stamp(now)}
        row = self._db.execute(self._sql["last_scheduled"], values).fetchone()
        return rows.interval(row) if row else None

    def unfinished(self) -> list[RunRecord]:
        """The runs that a scheduler looks after and that are not over, in order of date."""
        return [rows.run(row) for row in self._db.execute(self._sql["unfinished_runs"])]

    def adopt(self, run: RunKey) -> None:
        """A scheduler looks after this run from now on."""
        self._db.execute(self._sql["adopt_run"], {"dag_id": run.dag_id, "run_id": run.run_id})

    def renew(self, run: RunKey, version: str, max_tries: Mapping[str, int]) -> None:
        """A run of which nothing has begun follows another version, with these tasks and the tries they have."""
        values = {"dag_id": run.dag_id, "run_id": run.run_id}
        self._db.execute(self._sql["renew_run"], {**values, "version": version})
        tasks = [
            {**values, "task_id": task_id, "map_index": -1, "max_tries": tries}
            for task_id, tries in max_tries.items()
        ]
        self._db.executemany(self._sql["add_instance"], tasks)

    def open_tries(self) -> list[TryRecord]:
        """Tries that no outcome has ended."""
        return [rows.try_(row, self._home) for row in self._db.execute(self._sql["open_tries"])]

    def lose(self, token: str, reason: str, at: datetime) -> None:
        """A try has ended without an outcome."""
        self._db.execute(self._sql["lose_try"], {"token": token, "reason": reason, "at": rows.stamp(at)})

    def beat(self, at: datetime) -> None:
        """The owner is well."""
        self._db.execute(self._sql["beat"], {"at": rows.stamp(at)})

    # Notebooks that can't be scheduled

    def set_error(self, path: Path, dag_id: str, error: str, at: datetime) -> None:
        """Note what is wrong with a notebook; the same again keeps its time."""
        values = {"path": str(path), "dag_id": dag_id, "error": error, "at": rows.stamp(at)}
        self._db.execute(self._sql["set_import_error"], values)

    def drop_error(self, path: Path) -> None:
        """A notebook is sound again, or gone."""
        self._db.execute(self._sql["drop_import_error"], {"path": str(path)})

    def errors(self) -> list[ImportErrorRecord]:
        """The notebooks that can't be scheduled as they are, by path."""
        return [rows.import_error(row) for row in self._db.execute(self._sql["import_errors"])]
