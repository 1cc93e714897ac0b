"""state.sqlite: runs, task instances, tries and their moves. Rows become values here, nowhere else."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Self, assert_never

from nbflow.errors import HomeError
from nbflow.model.messages import Expand, Halt, Launch, MissDeadline, Move, PauseDag, RunMove
from nbflow.store import rows
from nbflow.store.board import Board
from nbflow.store.commands import Commands
from nbflow.store.leftovers import Leftovers
from nbflow.store.overview import Overview
from nbflow.store.retention import Retention
from nbflow.store.schedules import Schedules
from nbflow.store.schema import migrate
from nbflow.store.settings import Settings
from nbflow.store.sql import queries
from nbflow.store.state_file import connect
from nbflow.store.state_reader import StateReader
from nbflow.store.versions import Versions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from nbflow.model.instance import Instance
    from nbflow.model.messages import Action
    from nbflow.model.run import Interval, RunKey, RunType, TaskKey
    from nbflow.model.work import TaskOutcome

_OTHER_OWNER = """\
{path} now belongs to another nbflow process ({owner}); this one writes nothing more."""
_UNWRITABLE = """\
{path} cannot be written ({why}). What was stored before is safe: once that is put right, the same command goes on."""


class StateStore(StateReader):
    """One connection to state.sqlite. Reads for anybody; writes for the owner, in transactions.

    Attributes:
        settings: pools, variables and connections, which any process may change.
        commands: what other processes ask the owner to do.
        schedules: what is on the schedule.
        leftovers: what ended last.
        versions: the versions of notebooks, with their modules.
        retention: what is old enough to go.
        overview: how everything stands.
        board: what the board in a notebook shows.
    """

    def __init__(self, path: Path) -> None:
        """Open, create or migrate the file.

        Raises:
            StoreTooNew: a newer nbflow wrote it.
            HomeError: it is damaged or cannot be opened.
        """
        self.path = path
        self._sql = queries("state.sql")
        self._epoch: int | None = None
        self._db = connect(path)
        self._db.row_factory = sqlite3.Row
        try:
            migrate(self._db, path)
        except sqlite3.OperationalError as error:  # locked for too long
            self._db.close()
            raise HomeError(_UNWRITABLE.format(path=path, why=error)) from error
        except HomeError:
            self._db.close()
            raise
        self.settings = Settings(self._db, self._sql, self._transaction)
        self.commands = Commands(self._db, self._sql, self._transaction)
        self.schedules = Schedules(self._db, self._sql, path.parent)
        self.leftovers = Leftovers(self._db, self._sql, path.parent)
        self.versions = Versions(self._db)
        self.retention = Retention(self._db)
        self.overview = Overview(self._db)
        self.board = Board(self._db, path.parent)

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
        self,
        dag_id: str,
        *,
        path: Path,
        version: str,
        timezone: str,
        notebook: str,
        at: datetime,
        paused: bool = False,
        start_date: datetime | None = None,
    ) -> None:
        """Remember a notebook: where it is, and this version of it (JSON without outputs).

        `paused` and `start_date`, as seen today, count only where the DAG is new.
        """
        values = {"dag_id": dag_id, "version": version, "at": rows.stamp(at)}
        self._db.execute(self._sql["save_version"], {**values, "notebook": notebook})
        values |= {"path": str(path), "timezone": timezone, "paused": paused}
        values |= {"pause_reason": "is_paused_upon_creation" if paused else ""}
        values |= {"start_date": None if start_date is None else rows.stamp(start_date)}
        self._db.execute(self._sql["save_dag"], values)

    def pause(self, dag_id: str, *, paused: bool, reason: str) -> None:
        """Note that nothing new of a DAG may start, or that it may again."""
        values = {"dag_id": dag_id, "paused": paused, "reason": reason if paused else ""}
        self._db.execute(self._sql["pause_dag"], values)

    def note_run(self, key: RunKey, reason: str) -> None:
        """Say why a run that is not over doesn't go on."""
        self._db.execute(
            self._sql["note_run"], {"dag_id": key.dag_id, "run_id": key.run_id, "reason": reason}
        )

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
        environment: Mapping[str, object] = MappingProxyType({}),
    ) -> None:
        """Add a run with its task instances, or note the version and environment that an old one goes on with."""
        self._db.execute(
            self._sql["save_run"],
            {
                "dag_id": key.dag_id,
                "run_id": key.run_id,
                **rows.interval_values(interval),
                "run_type": run_type.value,
                "variant": variant,
                "params": json.dumps(params, default=str),
                "version": version,
                "environment": json.dumps(dict(environment)),
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

    def record(self, actions: Iterable[Action]) -> None:
        """Store what the machine has decided, in order: the new states, each move with its time and reason in
        the history, the instances of mapped tasks, DAGs that a rule has paused.
        """
        for action in actions:
            match action:
                case Move():
                    values = rows.key_values(action.key) | rows.instance_values(action.instance)
                    self._move("move_instance", action, values)
                case RunMove(run=run):
                    values = {"dag_id": run.dag_id, "run_id": run.run_id}
                    self._move(
                        "move_run", action, {**values, "task_id": None, "map_index": -1, "try_number": 0}
                    )
                case Expand(key=key, instances=instances):
                    self._expand(key, instances)
                case PauseDag(dag_id=dag_id, reason=reason):
                    self.pause(dag_id, paused=True, reason=reason)
                case Launch() | Halt() | MissDeadline():
                    pass  # done, not stored
                case _:
                    assert_never(action)

    def _expand(self, key: TaskKey, instances: Sequence[Instance]) -> None:
        """A mapped task has found its items: a row for each; those there are keep their tries."""
        self._db.execute(self._sql["set_items"], {**rows.key_values(key), "items": len(instances)})
        self._db.executemany(
            self._sql["expand_instance"],
            [
                {**rows.key_values(key._replace(map_index=index)), **rows.instance_values(instance)}
                for index, instance in enumerate(instances)
            ],
        )

    def _move(self, query: str, move: Move | RunMove, values: dict[str, object]) -> None:
        values |= {"at": rows.stamp(move.at), "old": move.old.value, "new": move.new.value}
        values |= {"state": move.new.value, "reason": move.reason}
        self._db.execute(self._sql[query], values)
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
        look: int = 0,
    ) -> None:
        """A try is about to be handed to the executor. `folder` is relative to the home.

        `look`: of a sensor, which look of this try; a later one takes the place of the one before it.
        """
        values = {
            **rows.key_values(key),
            "try_number": try_number,
            "token": token,
            "code_hash": code_hash,
            "version": version,
            "folder": folder,
            "at": rows.stamp(at),
        }
        self._db.execute(self._sql["look_again" if look > 1 else "add_try"], values)
        self._db.execute(self._sql["stamp_instance"], values)

    def start_try(self, token: str, *, process_group: int, at: datetime) -> None:
        """Its process runs."""
        values = {"token": token, "process_group": process_group, "at": rows.stamp(at)}
        self._db.execute(self._sql["start_try"], values)

    def end_try(self, outcome: TaskOutcome) -> None:
        """It is over."""
        self._db.execute(self._sql["end_try"], rows.outcome_values(outcome))

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
