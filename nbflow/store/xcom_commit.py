"""Writing: the values of tries into the XCom file, a few statements for any number of them."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from nbflow.model.xcom import Form
from nbflow.store.sql import queries
from nbflow.store.xcom_blob import store_file
from nbflow.store.xcom_key import home_key, signer
from nbflow.store.xcom_known import Keys, Numbers, Tries
from nbflow.store.xcom_view import frame_table, quoted, view_parts

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from nbflow.model.run import TaskKey
    from nbflow.model.xcom import XComValue
    from nbflow.store.xcom_known import Key
    from nbflow.store.xcom_native import StoredFrame
    from nbflow.store.xcom_rows import TryXComs
    from nbflow.store.xcom_view import Frame

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

    def __init__(self, home: Path, connection: DuckDBPyConnection) -> None:
        self._home = home
        self._cursor = cursor = connection.cursor()
        cursor.execute("SET enable_progress_bar = false")  # in a notebook it prints into the output
        cursor.execute("PRAGMA disable_optimizer")  # a fifth of a commit, and no gain for what is done here
        self._numbers, self._keys, self._tries = Numbers(cursor), Keys(cursor), Tries(cursor)
        self._unshown = self._keys.without_a_view(cursor)
        # An INSERT for all rows of a transaction, planned as one for a single row.
        self._try_rows = cursor.appender("nbflow.try", columns=_TRY)
        self._value_rows = cursor.appender("nbflow.value", columns=_VALUE)

    def close(self) -> None:
        """Undo a transaction under way, and let the connection go."""
        self._try_rows.clear()
        self._value_rows.clear()
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
        self._try_rows.flush()
        self._value_rows.flush()
        self._cursor.commit()
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
            self._show(key)
        self._cursor.commit()
        self._unshown.clear()

    def forget(self, keys: Iterable[TaskKey]) -> None:
        """Take their current values from these task instances; their tries stay."""
        self._cursor.begin()
        self._supersede(keys)
        self._cursor.commit()

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
            self._remove(leftovers)
        self._supersede(entry.key for entry in batch)

    def _supersede(self, keys: Iterable[TaskKey]) -> None:
        old: list[int] = []
        for key in keys:
            old += self._tries.of(key.run).current.pop((key.task_id, key.map_index), [])
        if old:
            self._cursor.execute(queries("xcom.sql")["supersede"], {"tries": old})

    def _remove(self, tries: list[int]) -> None:
        sql, cursor = queries("xcom.sql"), self._cursor
        of_tries = {"tries": tries}
        for (frame_id,) in cursor.execute(sql["frames_of_tries"], of_tries).fetchall():
            cursor.execute(sql["delete_frame_rows"].format(table=frame_table(frame_id)), of_tries)
        for name in ("delete_chunks", "delete_values", "delete_tries"):
            cursor.execute(sql[name], of_tries)

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
            self._add_value(entry, number, value, as_files)

    def _add_value(self, entry: TryXComs, try_id: int, value: XComValue, as_files: Collection[Path]) -> None:
        key = self._key(entry.key.run.dag_id, entry.key.task_id, value)
        value_id = self._numbers.take()
        frame = None
        signature = None
        if value.form is not Form.JSON:
            assert value.path is not None  # noqa: S101 (the other forms have a file)
            if value.form is Form.ARROW and value.path not in as_files:
                frame = self._store_frame(key, value_id, value.path)
            if frame is None:
                pickled = value.form is Form.PICKLE
                place = (entry.key, entry.try_number, value.key)
                sign = signer(home_key(self._home), *place) if pickled else None
                signature = store_file(self._cursor, value_id, value.path, sign)
        about = (value.form.value, value.kind, value.size, value.preview, value.wanted, value.text)
        rows = (None, None, None) if frame is None else (frame.frame_id, frame.schema, frame.row_count)
        self._value_rows.append_row(value_id, try_id, key.number, *about, *rows, signature)

    def _key(self, dag_id: str, task_id: str, value: XComValue) -> Key:
        """The value's key; made, with a name for its view, when it is new."""
        key = self._keys.find(dag_id, task_id, value.key)
        if key is None:
            key = self._keys.new(dag_id, task_id, value.key, self._numbers.take())
            row = (key.number, dag_id, task_id, value.key, key.schema, key.view, False)
            self._cursor.execute(queries("xcom.sql")["add_key"], row)
            self._keys.add(dag_id, task_id, value.key, key)
        if value.form is Form.JSON and not key.has_json:
            self._unshown[key.number] = key
        return key

    def _store_frame(self, key: Key, value_id: int, path: Path) -> StoredFrame | None:
        from nbflow.store.xcom_native import store_frame

        stored = store_frame(self._cursor, key.number, value_id, path)
        if stored is not None and stored.is_new:
            self._show(key)
        return stored

    def _show(self, key: Key) -> None:
        """Make the key's view anew, over all tables there are now."""
        sql = queries("xcom.sql")
        frames: list[Frame] = []
        rows = self._cursor.execute(sql["frames_of_key"], {"key_id": key.number}).fetchall()
        if rows:
            from nbflow.store.xcom_native import frames_of_rows

            frames = frames_of_rows(rows)
        parts = view_parts(key.number, frames, has_json=key.has_json)
        schema, view = quoted(key.schema), quoted(key.view)
        self._cursor.execute(sql["create_schema"].format(schema=schema))
        self._cursor.execute(sql["create_view"].format(schema=schema, view=view, parts=parts))
