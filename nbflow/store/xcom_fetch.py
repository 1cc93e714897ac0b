"""Reading: stored values as they were encoded, their files where they are wanted."""

from __future__ import annotations

from dataclasses import replace
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbflow.errors import XComError
from nbflow.model.run import RunKey, TaskKey
from nbflow.model.xcom import Form, XComValue
from nbflow.store.sql import queries
from nbflow.store.xcom_blob import fetch_file
from nbflow.store.xcom_key import home_key, signer
from nbflow.store.xcom_rows import first_row
from nbflow.store.xcom_target import size_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from nbflow.store.xcom_statements import Statements
    from nbflow.store.xcom_target import Place, Target


class Fetcher:
    """Fetches values of one home's XCom file, each within a transaction of the cursor it is given."""

    def __init__(self, home: Path, statements: Statements) -> None:
        self._home = home
        self._statements = statements
        self._keys: dict[tuple[str, str, str], int] = {}
        self._places: dict[int, tuple[int, tuple[int, ...] | None]] = {}

    def get(
        self, cursor: DuckDBPyConnection, task: TaskKey, key: str, try_number: int | None, place: Place
    ) -> XComValue | None:
        """One value: `XComStore.get_into`."""
        sql = queries("xcom.sql")
        key_id = self._key(cursor, task.run.dag_id, task.task_id, key)
        if key_id is None:
            return None
        instance = {
            "dag_id": task.run.dag_id,
            "run_id": task.run.run_id,
            "task_id": task.task_id,
            "map_index": task.map_index,
            "try_number": try_number,
        }
        query = self._statements.of(cursor, sql["find_tries"])
        tries = dict(cursor.execute(query, instance).fetchall())
        if not tries:
            return None
        query = self._statements.of(cursor, sql["get"])
        rows = cursor.execute(query, {"key_id": key_id, "tries": list(tries)}).fetchall()
        if not rows:
            return None
        try_id, *value = max(rows, key=itemgetter(0))
        return self._value(cursor, task, tries[try_id], key, tuple(value), place)

    def of_row(
        self, cursor: DuckDBPyConnection, row: tuple[Any, ...], place: Place
    ) -> tuple[TaskKey, XComValue]:
        """The value of a row of the query `pull`, and whose it is."""
        *value, try_number, map_index, run_id, dag_id, task_id, key = row
        task = TaskKey(RunKey(dag_id, run_id), task_id, map_index)
        return task, self._value(cursor, task, try_number, key, tuple(value), place)

    def _key(self, cursor: DuckDBPyConnection, dag_id: str, task_id: str, key: str) -> int | None:
        """The number of a key, asked for once: none is ever removed, or given another number."""
        names = {"dag_id": dag_id, "task_id": task_id, "key": key}
        known = self._keys.get((dag_id, task_id, key))
        if known is None:
            row = first_row(cursor, queries("xcom.sql")["find_key"], names)
            if row is None:
                return None
            known = self._keys[dag_id, task_id, key] = int(row[0])
        return known

    def _value(
        self,
        cursor: DuckDBPyConnection,
        task: TaskKey,
        try_number: int,
        key: str,
        row: tuple[Any, ...],
        place: Place,
    ) -> XComValue:
        value_id, form, kind, size, preview, wanted, text, frame_id, schema, row_count, signature = row
        value = XComValue(
            key=key, form=Form(form), kind=kind, text=text, size=size, preview=preview, wanted=wanted
        )
        if value.form is Form.JSON:
            return value
        target = place(key, value.form, size)
        path = target if isinstance(target, Path) else None
        try:
            if frame_id is not None:
                self._fetch_frame(cursor, frame_id, value_id, schema, row_count, size, target)
            else:
                pickled = value.form is Form.PICKLE
                sign = signer(home_key(self._home), task, try_number, key) if pickled else None
                fetch_file(cursor, value_id, target, sign, signature, size)
        except XComError as error:
            if path is not None:
                path.unlink(missing_ok=True)
            msg = f"`{key}` of task '{task.task_id}' in run {task.run.run_id} of '{task.run.dag_id}': {error}"
            raise XComError(msg) from error
        return replace(value, path=path, size=size_of(target))

    def _fetch_frame(
        self,
        cursor: DuckDBPyConnection,
        frame_id: int,
        value_id: int,
        schema: bytes,
        row_count: int | None,
        size: int,
        target: Target,
    ) -> None:
        from nbflow.store.xcom_native import FrameRows, fetch_frame

        table_id, places = self._place(cursor, frame_id)
        frame = FrameRows(
            value_id=value_id,
            table_id=table_id,
            places=places,
            schema=schema,
            row_count=row_count,
            size=size,
        )
        fetch_frame(cursor, frame, target)

    def _place(self, cursor: DuckDBPyConnection, frame_id: int) -> tuple[int, tuple[int, ...] | None]:
        """The table of a kind of frame and its columns there, asked for once: they never change."""
        if frame_id not in self._places:
            found = first_row(cursor, queries("xcom.sql")["find_frame"], {"frame_id": frame_id})
            if found is None:
                msg = "the table with its rows is not there any more. Run its task again"
                raise XComError(msg)
            table_id, places = found
            self._places[frame_id] = table_id, None if places is None else tuple(places)
        return self._places[frame_id]
