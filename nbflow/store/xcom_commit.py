"""Writing: the values of tries into the XCom file, within a transaction that the caller holds."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from nbflow.model.xcom import Form
from nbflow.store.sql import queries
from nbflow.store.xcom_blob import store_file
from nbflow.store.xcom_frame import stored_schema, to_stored
from nbflow.store.xcom_key import signer
from nbflow.store.xcom_rows import first_row
from nbflow.store.xcom_view import Frame, frame_table, quoted, schema_name, view_name, view_parts

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from nbflow.model.run import TaskKey
    from nbflow.model.xcom import XComValue
    from nbflow.store.xcom_rows import TryXComs


class FrameRefused(Exception):
    """DuckDB refused the rows of a frame, which ends the transaction; store it as a file instead."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(str(path))


def remove_leftovers(cursor: DuckDBPyConnection, tokens: Sequence[str]) -> None:
    """Remove whatever tries with these tokens left in an earlier commit."""
    sql = queries("xcom.sql")
    tries = [row[0] for row in cursor.execute(sql["tries_of_tokens"], {"tokens": list(tokens)}).fetchall()]
    if not tries:
        return
    of_tries = {"tries": tries}
    for (frame_id,) in cursor.execute(sql["frames_of_tries"], of_tries).fetchall():
        cursor.execute(sql["delete_frame_rows"].format(table=frame_table(frame_id)), of_tries)
    for name in ("delete_chunks", "delete_values", "delete_tries"):
        cursor.execute(sql[name], of_tries)


def add_try(cursor: DuckDBPyConnection, entry: TryXComs, key: bytes, as_files: Collection[Path]) -> None:
    """Add a try, which becomes the current one of its task instance, and its values.

    Args:
        cursor: in a transaction.
        entry: the try.
        key: signs pickles.
        as_files: Arrow files to be stored as they are, whatever their types.

    Raises:
        FrameRefused: DuckDB does not take a frame's rows.
    """
    sql = queries("xcom.sql")
    instance = place_of(entry.key)
    cursor.execute(sql["forget"], instance)
    about = {"try_number": entry.try_number, "ds": entry.ds, "token": entry.token}
    committed = entry.at.astimezone(UTC).replace(tzinfo=None)
    try_id = _returned(cursor, "add_try", instance | about | {"committed": committed})
    for value in entry.xcoms:
        _add_value(cursor, entry, try_id, value, key, as_files)


def place_of(key: TaskKey) -> dict[str, Any]:
    """The parameters that name a task instance in queries."""
    return {
        "dag_id": key.run.dag_id,
        "run_id": key.run.run_id,
        "task_id": key.task_id,
        "map_index": key.map_index,
    }


def _add_value(
    cursor: DuckDBPyConnection,
    entry: TryXComs,
    try_id: int,
    value: XComValue,
    key: bytes,
    as_files: Collection[Path],
) -> None:
    key_id = _key_id(cursor, entry.key.run.dag_id, entry.key.task_id, value)
    row: dict[str, Any] = {
        "try_id": try_id,
        "key_id": key_id,
        "form": value.form.value,
        "kind": value.kind,
        "size": value.size,
        "preview": value.preview,
        "wanted": value.wanted,
        "text": value.text,
        "frame_id": None,
        "arrow_schema": None,
        "row_count": None,
        "signature": None,
    }
    if value.form is Form.JSON:
        _returned(cursor, "add_value", row)
        return
    assert value.path is not None  # noqa: S101 (the other forms have a file)
    if (
        value.form is Form.ARROW
        and value.path not in as_files
        and _add_frame(cursor, key_id, row, value.path)
    ):
        return
    sign = signer(key, entry.key, entry.try_number, value.key) if value.form is Form.PICKLE else None
    store_file(cursor, _returned(cursor, "add_value", row), value.path, sign)


def _key_id(cursor: DuckDBPyConnection, dag_id: str, task_id: str, value: XComValue) -> int:
    """The key's number; made, with its view's name, when it is new."""
    sql = queries("xcom.sql")
    names = {"dag_id": dag_id, "task_id": task_id, "key": value.key}
    row = first_row(cursor, sql["find_key"], names)
    if row is None:
        taken = cursor.execute(sql["view_names"]).fetchall()
        schema = schema_name(dag_id, {other: owner for owner, other, _ in taken})
        view = view_name(task_id, value.key, [name for _, other, name in taken if other == schema])
        row = (_returned(cursor, "add_key", names | {"schema_name": schema, "view_name": view}), False)
    key_id, has_json = row
    if value.form is Form.JSON and not has_json:
        cursor.execute(sql["mark_json"], {"key_id": key_id})
        _show(cursor, key_id)
    return key_id


def _add_frame(cursor: DuckDBPyConnection, key_id: int, row: dict[str, Any], path: Path) -> bool:
    """Add the file's rows to the native table for its columns; False where that would not be exact."""
    sql = queries("xcom.sql")
    with pa.memory_map(str(path)) as source:
        table = pa.ipc.open_file(source).read_all()
        stored = stored_schema(table.schema)
        if stored is None:
            return False
        cursor.register("source", to_stored(table, stored))
        try:
            frame_id = _frame_id(cursor, key_id, table.schema)
            value_id = _returned(
                cursor,
                "add_value",
                row
                | {
                    "frame_id": frame_id,
                    "arrow_schema": table.schema.serialize().to_pybytes(),
                    "row_count": table.num_rows,
                },
            )
            cursor.execute(sql["add_frame_rows"].format(table=frame_table(frame_id)), {"value_id": value_id})
        except duckdb.Error as error:
            raise FrameRefused(path) from error
        cursor.unregister("source")
    return True


def _frame_id(cursor: DuckDBPyConnection, key_id: int, schema: pa.Schema) -> int:
    sql = queries("xcom.sql")
    bare = pa.schema([field.remove_metadata() for field in schema]).serialize().to_pybytes()
    names = {"key_id": key_id, "arrow_schema": bare}
    row = first_row(cursor, sql["find_frame"], names)
    if row is not None:
        return row[0]
    frame_id = _returned(cursor, "add_frame", names)
    columns = ", ".join(
        f"{name} {kind}" for name, kind, *_ in cursor.execute(sql["source_columns"]).fetchall()
    )
    cursor.execute(sql["create_frame_table"].format(table=frame_table(frame_id), columns=columns))
    _show(cursor, key_id)
    return frame_id


def _show(cursor: DuckDBPyConnection, key_id: int) -> None:
    """Make the key's view anew, over all tables there are now."""
    sql = queries("xcom.sql")
    row = first_row(cursor, sql["key_of_view"], {"key_id": key_id})
    assert row is not None  # noqa: S101 (the caller has just found or made it)
    schema, view, has_json = row
    found = cursor.execute(sql["frames_of_key"], {"key_id": key_id}).fetchall()
    frames = [Frame(frame_id=number, schema=pa.ipc.read_schema(pa.py_buffer(blob))) for number, blob in found]
    parts = view_parts(key_id, frames, has_json=has_json)
    cursor.execute(sql["create_schema"].format(schema=quoted(schema)))
    cursor.execute(sql["create_view"].format(schema=quoted(schema), view=quoted(view), parts=parts))


def _returned(cursor: DuckDBPyConnection, name: str, parameters: dict[str, Any]) -> int:
    row = first_row(cursor, queries("xcom.sql")[name], parameters)
    assert row is not None  # noqa: S101 (the query ends in RETURNING id)
    return row[0]
