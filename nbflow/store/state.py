"""state.sqlite: runs, task instances, tries and their moves. Rows become values here, nowhere else."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from nbflow.errors import HomeError, StoreTooNew
from nbflow.model.messages import Move, RunMove
from nbflow.store import rows
from nbflow.store.schema import migrate
from nbflow.store.sql import queries

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from nbflow.model.record import DagRecord, InstanceRecord, RunRecord, Transition, TryRecord
    from nbflow.model.run import Interval, RunKey, RunType, TaskKey
    from nbflow.model.work import TaskOutcome

_OTHER_OWNER = """\
{path} now belongs to another nbflow process ({owner}); this one writes nothing more."""
_UNWRITABLE = """\
{path} cannot be written ({why}). What was stored before is safe: once that is put right, the same command goes on."""
_DAMAGED = "{path} cannot be read ({why}). It is left as it is; move it away to start with an empty one."


class StateStore:
    """One connection to state.sqlite. Reads for anybody; writes for the owner, in transactions."""

    def __init__(self, path: Path) -> None:
        """Open, create or migrate the file.

        Raises:
            StoreTooNew: a newer nbflow wrote it.
            HomeError: it is damaged or cannot be opened.
        """
        self.path = path
        self._sql = queries("state.sql")
        self._epoch: int | None = None
        try:
            self._db = sqlite3.connect(path, isolation_level=None, timeout=30, check_same_thread=False)
        except sqlite3.DatabaseError as error:
            raise HomeError(_DAMAGED.format(path=path, why=error)) from error
        self._db.row_factory = sqlite3.Row
        try:
            migrate(self._db, path)
        except sqlite3.OperationalError as error:  # locked, read-only, no room: the file itself is sound
            self._db.close()
            raise HomeError(_UNWRITABLE.format(path=path, why=error)) from error
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise HomeError(_DAMAGED.format(path=path, why=error)) from error
        except StoreTooNew:
            self._db.close()
            raise

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Owning and writing

    def take_ownership(self, what: str, at: datetime) -> None:
        """Become the one process that writes; whoever was it before is shut out.

        Args:
            what: the command that holds the home, shown to others.
            at: now.
        """
        values = {"pid": os.getpid(), "host": socket.gethostname(), "what": what, "at": rows.stamp(at)}
        with self._transaction():
            self._epoch = self._db.execute(self._sql["take_ownership"], values).fetchone()[0]

    def owner(self) -> str:
        """Who holds the home, in words: «nbflow run flights.ipynb (process 4711 on hal, since …)»."""
        row = self._db.execute(self._sql["owner"]).fetchone()
        if row is None:
            return "nobody"
        return f"{row['what']} (process {row['pid']} on {row['host']}, since {row['since'][:19]} UTC)"

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One transaction of the owner: all of it is stored, or nothing.

        Raises:
            HomeError: another process owns the home by now.
        """
        with self._transaction():
            if self._db.execute(self._sql["epoch"]).fetchone()[0] != self._epoch:
                raise HomeError(_OTHER_OWNER.format(path=self.path, owner=self.owner()))
            yield

    def save_dag(
        self, dag_id: str, *, path: Path, version: str, timezone: str, notebook: str, at: datetime
    ) -> None:
        """Remember a notebook: where it is, and this version of it (JSON without outputs)."""
        values = {"dag_id": dag_id, "version": version, "at": rows.stamp(at)}
        self._db.execute(self._sql["save_version"], {**values, "notebook": notebook})
        self._db.execute(self._sql["save_dag"], {**values, "path": str(path), "timezone": timezone})

    def save_run(
        self,
        key: RunKey,
        *,
        interval: Interval,
        run_type: RunType,
        variant: str,
        params: Mapping[str, object],
        version: str,
        max_tries: Mapping[str, int],
        at: datetime,
    ) -> None:
        """Add a run with its task instances, or note the version that an old one goes on with."""
        self._db.execute(
            self._sql["save_run"],
            {
                "dag_id": key.dag_id,
                "run_id": key.run_id,
                "logical_date": rows.stamp(interval.logical_date),
                "interval_start": rows.stamp(interval.start),
                "interval_end": rows.stamp(interval.end),
                "due": rows.stamp(interval.due),
                "run_type": run_type.value,
                "variant": variant,
                "params": json.dumps(params, default=str),
                "version": version,
                "at": rows.stamp(at),
            },
        )
        self._db.executemany(
            self._sql["add_instance"],
            [
                {
                    "dag_id": key.dag_id,
                    "run_id": key.run_id,
                    "task_id": task,
                    "map_index": -1,
                    "max_tries": tries,
                }
                for task, tries in max_tries.items()
            ],
        )

    def record(self, moves: Iterable[Move | RunMove]) -> None:
        """Store moves: the new states, and each with its time and reason in the history."""
        for move in moves:
            values: dict[str, object] = {
                "at": rows.stamp(move.at),
                "old": move.old.value,
                "new": move.new.value,
                "state": move.new.value,
                "reason": move.reason,
            }
            if isinstance(move, RunMove):
                values |= {"dag_id": move.run.dag_id, "run_id": move.run.run_id}
                values |= {"task_id": None, "map_index": -1, "try_number": 0}
                self._db.execute(self._sql["move_run"], values)
            else:
                values |= rows.key_values(move.key)
                values |= {
                    "try_number": move.instance.try_number,
                    "max_tries": move.instance.max_tries,
                    "losses": move.instance.losses,
                }
                self._db.execute(self._sql["move_instance"], values)
            self._db.execute(self._sql["add_transition"], values)

    def add_try(
        self,
        key: TaskKey,
        try_number: int,
        *,
        token: str,
        code_hash: str,
        version: str,
        folder: str,
        at: datetime,
    ) -> None:
        """A try is about to be handed to the executor. `folder` is relative to the home."""
        values = {
            **rows.key_values(key),
            "try_number": try_number,
            "token": token,
            "code_hash": code_hash,
            "version": version,
            "folder": folder,
            "at": rows.stamp(at),
        }
        self._db.execute(self._sql["add_try"], values)
        self._db.execute(self._sql["stamp_instance"], values)

    def start_try(self, token: str, *, process_group: int, at: datetime) -> None:
        """Its process runs."""
        values = {"token": token, "process_group": process_group, "at": rows.stamp(at)}
        self._db.execute(self._sql["start_try"], values)

    def end_try(self, outcome: TaskOutcome) -> None:
        """It is over."""
        self._db.execute(
            self._sql["end_try"],
            {
                "token": outcome.token,
                "result": outcome.result.value,
                "reason": outcome.reason,
                "error": rows.error_json(outcome.error),
                "notes": json.dumps(outcome.notes),
                "engine": outcome.engine,
                "started": rows.stamp(outcome.started),
                "ended": rows.stamp(outcome.ended),
            },
        )

    def lose_open_tries(self, at: datetime) -> None:
        """End what no outcome has ended: whoever ran it no longer holds the home."""
        values = {"reason": "its scheduler ended before it did", "at": rows.stamp(at)}
        self._db.execute(self._sql["lose_open_tries"], values)

    # Reading

    def dags(self) -> list[DagRecord]:
        """Every DAG the home knows, by name."""
        return [rows.dag(row) for row in self._db.execute(self._sql["dags"])]

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
        """The run's task instances, in the order of the notebook when they were added."""
        values = {"dag_id": run.dag_id, "run_id": run.run_id}
        return [rows.instance(row) for row in self._db.execute(self._sql["instances"], values)]

    def tries(self, key: TaskKey) -> list[TryRecord]:
        """The task instance's tries, first to latest."""
        return [
            rows.try_(row, self.path.parent)
            for row in self._db.execute(self._sql["tries"], rows.key_values(key))
        ]

    def notes(self, run: RunKey) -> dict[str, tuple[str, ...]]:
        """Task id → the notes of its latest try, for the tasks of a run that have any."""
        values = {"dag_id": run.dag_id, "run_id": run.run_id}
        return {
            row["task_id"]: tuple(json.loads(row["notes"]))
            for row in self._db.execute(self._sql["notes"], values)
        }

    def transitions(self, run: RunKey) -> list[Transition]:
        """The run's moves, as they happened."""
        values = {"dag_id": run.dag_id, "run_id": run.run_id}
        return [rows.transition(row) for row in self._db.execute(self._sql["transitions"], values)]

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._commit()
            except BaseException:
                if self._db.in_transaction:  # SQLite itself rolls back when the disk is full
                    self._db.execute("ROLLBACK")
                raise
        except sqlite3.OperationalError as error:
            raise HomeError(_UNWRITABLE.format(path=self.path, why=error)) from error

    def _commit(self) -> None:
        """Have the disk take it: what a turn waits for."""
        self._db.execute("COMMIT")
