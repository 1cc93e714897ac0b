"""The XCom store of a home: what tasks handed on, in DuckDB, by try.

DuckDB lets one process hold the file. The owner of the home keeps an `XComStore` open for its life;
others open it briefly. It must never be inherited by a fork: a child that closes it damages the file.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

import duckdb

from nbflow.errors import HomeError
from nbflow.model.xcom import HIDDEN
from nbflow.store.sql import queries
from nbflow.store.xcom_commit import Writer
from nbflow.store.xcom_fetch import Fetcher
from nbflow.store.xcom_file import XCOM_FILE, open_file
from nbflow.store.xcom_listing import listed
from nbflow.store.xcom_rows import FrameRefused, StoredXCom, TryXComs
from nbflow.store.xcom_statements import Statements
from nbflow.store.xcom_target import files_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from nbflow.model.run import RunKey, TaskKey
    from nbflow.model.xcom import XComValue
    from nbflow.store.guests import Guests
    from nbflow.store.xcom_target import Place

__all__ = ["StoredXCom", "TryXComs", "XComStore", "open_briefly"]

_LONG_LOG = 1 << 20  # bytes
_REFUSED = """\
DuckDB cannot use the XCom file of {home}: {why}. It is left as it is: once the disk has room again, or a sound \
copy of the file is put back, the same command goes on; or move it away, and clear the tasks whose values are missed"""


class XComStore:
    """The open XCom file of one home. May be used from several threads."""

    def __init__(self, home: Path, connection: DuckDBPyConnection, *, read_only: bool = False) -> None:
        self._home = home
        self._connection = connection
        self._read_only = read_only
        self._guests: Guests | None = None
        self._inviting = threading.Lock()
        self._writing = threading.Lock()
        self._writer: Writer | None = None
        self._statements = Statements()
        self._fetcher = Fetcher(home, self._statements)
        self._pid = os.getpid()

    @classmethod
    def open(cls, home: Path, *, read_only: bool = False) -> Self:
        """The store of this home (a folder that exists); made when it is new, unless read only.

        Raises:
            HomeError: another process holds the file, or it is unusable.
            StoreTooNew: a newer nbflow wrote it.
        """
        return cls(home, open_file(home, read_only=read_only), read_only=read_only)

    def close(self) -> None:
        """Write everything into the one file and let it go."""
        if self._guests is not None:
            self._guests.close()
        with self._writing:
            if self._writer is not None:
                self._writer.close()
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def guests(self, state: Path) -> Guests:
        """People's queries on this file, with the runs of this state.sqlite beside it: always the same ones."""
        from nbflow.store.guests import Guests  # who never asks doesn't need it

        with self._inviting:
            if self._guests is None:
                self._guests = Guests(self._connection, state, idle_threads=None if self._read_only else 1)
            return self._guests

    def get_ready(self) -> None:
        """Read what `commit` needs to know of the file; else the first one does."""
        with self._written():
            pass

    def commit(self, batch: Sequence[TryXComs]) -> None:
        """Store what these tries handed on, all or nothing; each becomes its task instance's current try.

        Committed again under the same token, a try replaces what it left before. Another try's values are
        never touched. Views for what was never handed on before come with `show`.
        """
        as_files: set[Path] = set()
        while True:
            try:
                with self._written() as writer:
                    writer.commit(batch, as_files)
            except FrameRefused as refused:
                as_files.add(refused.path)
            except HomeError:
                # Of memory there may be too little only because people's queries take it.
                if self._guests is None or not self._guests.make_room():
                    raise
            else:
                return

    def show(self) -> None:
        """Make the views that commits have left to be made. Nothing is lost where it isn't called any more."""
        with self._written() as writer:
            writer.show()

    def checkpoint(self) -> None:
        """Have DuckDB take its log into the file, if that is long: what is in it is in memory too, and is read
        again by whoever opens the file after a crash. In a busy hour DuckDB does so by itself, from 16 MB on.
        """
        log = self._home / f"{XCOM_FILE}.wal"
        with self._writing, self._usable():
            if log.exists() and log.stat().st_size >= _LONG_LOG:
                self._connection.execute("CHECKPOINT")

    def forget(self, keys: Iterable[TaskKey]) -> None:
        """Take their current values from these task instances (they were cleared); history stays."""
        with self._written() as writer:
            writer.forget(keys)

    def drop_runs(self, runs: Iterable[RunKey]) -> int:
        """Delete for good all that these runs handed on: every try's values, in one transaction.

        The file keeps its size, or nearly: what lay in the deleted values' place is free for new ones, so it
        grows no more as long as no more is added than deleted. The views stay, with what other runs left.

        Returns:
            How many values that were.
        """
        with self._written() as writer:
            count = writer.drop(list(runs))
            if count:
                self._connection.execute("CHECKPOINT")
            return count

    def get(
        self, task: TaskKey, key: str, *, try_number: int | None = None, folder: Path
    ) -> XComValue | None:
        """One value, as it was encoded.

        Args:
            task: which task instance.
            key: the name it was handed on under.
            try_number: of which try; None for the current one.
            folder: where a file goes, if it has one.

        Returns:
            The value; None if there is none.

        Raises:
            XComError: it is a pickle that was changed or is not signed with this home's key, or not all
                of it is there any more.
        """
        return self.get_into(files_in(folder), task, key, try_number=try_number)

    def get_into(
        self, place: Place, task: TaskKey, key: str, *, try_number: int | None = None
    ) -> XComValue | None:
        """As `get`; what its file has goes to a place of the caller's choice. In memory, `path` is None."""
        with self._snapshot() as cursor:
            return self._fetcher.get(cursor, task, key, try_number, place)

    def pull(
        self,
        dag_id: str,
        run_id: str | None,
        task_ids: Sequence[str] | None,
        key: str,
        *,
        map_indexes: Sequence[int] | None = None,
        include_prior_dates: bool = False,
        folder: Path,
    ) -> list[tuple[TaskKey, XComValue]]:
        """Current values of several tasks under one key: what Airflow's `xcom_pull` chooses from.

        Args:
            dag_id: the DAG.
            run_id: the run; None for the latest that has such a value, task by task.
            task_ids: the tasks, None for all.
            key: the name the values were handed on under.
            map_indexes: of mapped tasks, which instances; None for all.
            include_prior_dates: where the run has no value, that of the latest earlier date that has one.
            folder: where files go.

        Returns:
            Those there are, in the order of `task_ids`, then by map index.

        Raises:
            XComError: as `get`.
        """
        parameters = {
            "dag_id": dag_id,
            "run_id": run_id,
            "key": key,
            "task_ids": None if task_ids is None else list(task_ids),
            "map_indexes": None if map_indexes is None else list(map_indexes),
            "prior": include_prior_dates,
        }
        with self._snapshot() as cursor:
            query = self._statements.of(cursor, queries("xcom.sql")["pull"])
            rows = cursor.execute(query, parameters).fetchall()
            return [self._fetcher.of_row(cursor, row, files_in(folder)) for row in rows]

    def list_values(
        self,
        dag_id: str,
        run_id: str | None = None,
        task_id: str | None = None,
        key: str | None = None,
        *,
        hidden: bool = False,
    ) -> list[StoredXCom]:
        """Every stored value of the DAG, or of this run, task and key, by run, task and try.

        Args:
            dag_id: the DAG.
            run_id: the run, None for all.
            task_id: the task, None for all.
            key: the name handed on, None for all.
            hidden: whether what nbflow keeps for itself is listed too.
        """
        with self._snapshot() as cursor:
            return listed(
                cursor,
                self._statements,
                dag_id=dag_id,
                run_id=run_id,
                task_id=task_id,
                key=key,
                hidden=None if hidden else HIDDEN,
            )

    @contextmanager
    def _usable(self) -> Iterator[None]:
        if os.getpid() != self._pid:
            msg = f"the XCom store of {self._home} was opened by process {self._pid}; a fork must not use it"
            raise HomeError(msg)
        try:
            yield
        except duckdb.Error as error:  # a full disk, a damaged file
            raise HomeError(_REFUSED.format(home=self._home, why=str(error).splitlines()[0])) from error

    @contextmanager
    def _cursor(self) -> Iterator[DuckDBPyConnection]:
        with self._usable(), self._connection.cursor() as cursor:
            # In a notebook it prints into the output.
            cursor.execute(self._statements.of(cursor, queries("people.sql")["no_progress"]))
            yield cursor

    @contextmanager
    def _snapshot(self) -> Iterator[DuckDBPyConnection]:
        """For values that take several reads: a commit between them must not show."""
        with self._cursor() as cursor:
            cursor.begin()
            yield cursor
            cursor.commit()

    @contextmanager
    def _written(self) -> Iterator[Writer]:
        with self._writing, self._usable():
            writer = self._writer = self._writer or Writer(self._home, self._connection, self._statements)
            try:
                yield writer
            except BaseException:
                self._writer = None
                writer.close()
                raise


@contextmanager
def open_briefly(home: Path, *, read_only: bool = True) -> Iterator[XComStore]:
    """The store for a moment, for who does not own the home. A home without a file is an empty store.

    Raises:
        HomeError: the owner holds the file; ask again when the run has ended.
    """
    with XComStore.open(home, read_only=read_only) as store:
        yield store
