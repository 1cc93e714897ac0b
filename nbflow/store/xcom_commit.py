"""Writing: the values of tries into the XCom file, a few statements for any number of them."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from nbflow.model.xcom import Form
from nbflow.store.sql import queries
from nbflow.store.xcom_blob import store_file
from nbflow.store.xcom_key import home_key, signer
from nbflow.store.xcom_known import Keys, Numbers, Tries
from nbflow.store.xcom_removal import (
    remove,
    remove_unused_columns,
    supersede,
    tries_of_runs,
)
from nbflow.store.xcom_rows import RowsOf
from nbflow.store.xcom_show import end_short_views, kinds_of, show

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from nbflow.model.run import RunKey, TaskKey
    from nbflow.model.xcom import XComValue
    from nbflow.store.xcom_columns import Frame
    from nbflow.store.xcom_known import Key
    from nbflow.store.xcom_native import StoredFrame
    from nbflow.store.xcom_rows import TryXComs
    from nbflow.store.xcom_statements import Statements

_TRY = [
    *("id", "dag_id", "run_id", "task_id", "map_index"),
    *("try_number", "ds", "token", "committed", "is_current"),
]
_VALUE = [
    *("id", "try_id", "key_id", "form", "kind", "size", "preview", "wanted", "text"),
    *("frame_id", "arrow_schema", "row_count", "signature"),
]


class Writer:
    """The one connection that changes an XCom file. Once a transaction has failed it is to be closed: what
    it knows of the file may be wrong then.
    """

    def __init__(self, home: Path, connection: DuckDBPyConnection, statements: Statements) -> None:
        self._home = home
        self._statements = statements
        self._cursor = cursor = connection.cursor()
        cursor.execute("SET enable_progress_bar = false")  # in a notebook it prints into the output
        cursor.execute("PRAGMA disable_optimizer")  # a fifth of a commit, and no gain for what is done here
        self._numbers, self._keys, self._tries = Numbers(cursor), Keys(cursor), Tries(cursor, statements)
        self._kinds: dict[int, list[Frame]] = {}  # of frame, by key
        self._changed: dict[int, Key] = {}  # keys whose view is to be made anew in this transaction
        self._unshown = self._keys.without_a_view(cursor)
        # An INSERT for all rows of a transaction, planned as one for a single row.
        self._try_rows = cursor.appender("nbflow.try", columns=_TRY)
        self._value_rows = cursor.appender("nbflow.value", columns=_VALUE)
        self._chunks = cursor.appender("nbflow.chunk")

    def close(self) -> None:
        """Undo a transaction under way, and let the connection go."""
        self._try_rows.clear()
        self._value_rows.clear()
        self._chunks.clear()
        self._cursor.close()

    def commit(self, batch: Sequence[TryXComs], as_files: Collection[Path]) -> None:
        """Store the tries, all or nothing; each becomes the current one of its task instance.

        Args:
            batch: the tries; what an earlier commit left under one's token is replaced.
            as_files: Arrow files to be stored as they are, whatever their types.

        Raises:
            FrameRefused: DuckDB does not take a frame's rows.
        """
        # For each try one, for each value one and one for its key, should that be new.
        self._numbers.reserve(sum(1 + 2 * len(entry.xcoms) for entry in batch))
        self._cursor.begin()
        self._make_way(batch)
        last = {entry.key: entry for entry in batch}
        for entry in batch:
            self._add_try(entry, is_current=last[entry.key] is entry, as_files=as_files)
        for key in self._changed.values():
            show(self._cursor, self._keys, key, self._kinds_of(key))
        self._try_rows.flush()
        self._value_rows.flush()
        self._chunks.flush()
        self._cursor.commit()
        self._changed.clear()
        self._tries.trim()

    def show(self) -> None:
        """Make the views for single values of keys that had none before. A key is marked together with its
        view, so that the next writer finds those that a crash left without.
        """
        if not self._unshown:
            return
        self._cursor.begin()
        for key in self._unshown.values():
            self._cursor.execute(queries("xcom.sql")["mark_json"], {"key_id": key.number})
            key.has_json = True
            show(self._cursor, self._keys, key, self._kinds_of(key))
        self._cursor.commit()
        self._unshown.clear()

    def forget(self, keys: Iterable[TaskKey]) -> None:
        """Take their current values from these task instances; their tries stay."""
        self._cursor.begin()
        self._supersede(keys)
        self._cursor.commit()

    def drop(self, runs: Collection[RunKey]) -> int:
        """Delete all that these runs handed on; how many values that were. The tables that are empty then
        go in a transaction of their own: they may also stay.
        """
        self._cursor.begin()
        tries = tries_of_runs(self._cursor, runs)
        count = remove(self._cursor, tries) if tries else 0
        self._cursor.commit()
        self._tries.drop(runs)
        self._cursor.begin()
        for key in self._keys.of_numbers(remove_unused_columns(self._cursor)):
            self._kinds.pop(key.number, None)
            show(self._cursor, self._keys, key, self._kinds_of(key))
        self._cursor.commit()
        return count

    def _make_way(self, batch: Sequence[TryXComs]) -> None:
        """Remove what earlier commits left under these tokens; their instances have no current try then."""
        leftovers: list[int] = []
        for entry in batch:
            run = self._tries.of(entry.key.run)
            gone = run.by_token.pop(entry.token, [])
            leftovers += gone
            for numbers in run.current.values() if gone else ():
                numbers[:] = [number for number in numbers if number not in gone]
        if leftovers:
            remove(self._cursor, leftovers)
        self._supersede(entry.key for entry in batch)

    def _supersede(self, keys: Iterable[TaskKey]) -> None:
        old: list[int] = []
        for key in keys:
            old += self._tries.of(key.run).current.pop((key.task_id, key.map_index), [])
        if old:
            supersede(self._cursor, old)

    def _add_try(self, entry: TryXComs, *, is_current: bool, as_files: Collection[Path]) -> None:
        key, number = entry.key, self._numbers.take()
        instance = (key.task_id, key.map_index)
        self._try_rows.append_row(
            number,
            *(key.run.dag_id, key.run.run_id, *instance, entry.try_number, entry.ds, entry.token),
            entry.at.astimezone(UTC).replace(tzinfo=None),
            is_current,
        )
        self._tries.of(key.run).add(number, entry.token, instance, is_current=is_current)
        for value in entry.xcoms:
            rows_of = RowsOf(
                value_id=self._numbers.take(),
                is_current=is_current,
                ds=entry.ds,
                run_id=key.run.run_id,
                map_index=key.map_index,
                try_number=entry.try_number,
            )
            self._add_value(entry, number, value, rows_of, as_files)

    def _add_value(
        self, entry: TryXComs, try_id: int, value: XComValue, rows_of: RowsOf, as_files: Collection[Path]
    ) -> None:
        key = self._key(entry.key.run.dag_id, entry.key.task_id, value)
        frame = None
        signature = None
        if value.form is not Form.JSON:
            assert value.path is not None  # noqa: S101 (the other forms have a file)
            if value.form is Form.ARROW and value.path not in as_files:
                frame = self._store_frame(key, rows_of, value.path)
            if frame is None:
                signature = self._store_file(entry, value, rows_of.value_id)
        about = (value.form.value, value.kind, value.size, value.preview, value.wanted, value.text)
        rows = (None, None, None) if frame is None else (frame.kind.frame_id, frame.schema, frame.row_count)
        self._value_rows.append_row(rows_of.value_id, try_id, key.number, *about, *rows, signature)

    def _store_file(self, entry: TryXComs, value: XComValue, value_id: int) -> bytes | None:
        """Store the value's file as chunks; their signature if it is a pickle."""
        assert value.path is not None  # noqa: S101 (only JSON has none)
        sign = None
        if value.form is Form.PICKLE:
            sign = signer(home_key(self._home), entry.key, entry.try_number, value.key)
        return store_file(self._chunks, value_id, value.path, sign)

    def _key(self, dag_id: str, task_id: str, value: XComValue) -> Key:
        """The value's key; made, with a name for its view, when it is new."""
        key = self._keys.find(dag_id, task_id, value.key)
        if key is None:
            key = self._keys.new(dag_id, task_id, value.key, self._numbers.take())
            row = (key.number, dag_id, task_id, value.key, key.schema, key.view, False)
            self._cursor.execute(queries("xcom.sql")["add_key"], row)
            self._keys.add(dag_id, task_id, key)
            end_short_views(self._cursor, self._keys, key)
        if value.form is Form.JSON and not key.has_json:
            self._unshown[key.number] = key
        return key

    def _store_frame(self, key: Key, rows_of: RowsOf, path: Path) -> StoredFrame | None:
        from nbflow.store.xcom_native import store_frame

        kinds = self._kinds_of(key)
        stored = store_frame(self._cursor, self._statements, key.number, kinds, rows_of, path)
        if stored is not None and stored.is_new:
            kinds.append(stored.kind)
            self._changed[key.number] = key
        return stored

    def _kinds_of(self, key: Key) -> list[Frame]:
        """The kinds of frame that the key has had; there are as many as its notebook made in its life."""
        if key.number not in self._kinds:
            self._kinds[key.number] = kinds_of(self._cursor, key.number)
        return self._kinds[key.number]
