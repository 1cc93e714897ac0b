"""Frames into DuckDB's own tables, and out of them.

Who meets no frame never imports this: pyarrow takes longer than a short run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from nbflow.errors import XComError
from nbflow.store.sql import queries
from nbflow.store.xcom_frame import from_stored, stored_schema, to_stored
from nbflow.store.xcom_rows import FrameRefused, first_row
from nbflow.store.xcom_view import Frame, frame_table

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from duckdb import DuckDBPyConnection

_BATCH_ROWS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFrame:
    """Where a frame's rows lie.

    Attributes:
        frame_id: the number of the native table.
        is_new: whether the table was made for it.
        schema: the frame's Arrow schema, serialised.
        row_count: of the frame.
    """

    frame_id: int
    is_new: bool
    schema: bytes
    row_count: int


def store_frame(cursor: DuckDBPyConnection, key_id: int, value_id: int, path: Path) -> StoredFrame | None:
    """Add the rows of an Arrow file to the native table of its key and columns.

    Returns:
        Where they are; None where DuckDB would not give them back exactly: nothing is stored then.

    Raises:
        FrameRefused: DuckDB does not take them.
    """
    with pa.memory_map(str(path)) as source:
        table = pa.ipc.open_file(source).read_all()
        stored = stored_schema(table.schema)
        if stored is None:
            return None
        cursor.register("source", to_stored(table, stored))
        try:
            frame_id, is_new = _table(cursor, key_id, table.schema)
            query = queries("xcom.sql")["add_frame_rows"].format(table=frame_table(frame_id))
            cursor.execute(query, {"value_id": value_id})
        except duckdb.Error as error:
            raise FrameRefused(path) from error
        cursor.unregister("source")
    schema = table.schema.serialize().to_pybytes()
    return StoredFrame(frame_id=frame_id, is_new=is_new, schema=schema, row_count=table.num_rows)


def fetch_frame(
    cursor: DuckDBPyConnection,
    value_id: int,
    frame_id: int,
    schema: bytes,
    row_count: int | None,
    path: Path,
) -> None:
    """Write a frame into an Arrow file.

    Args:
        cursor: where its rows are.
        value_id: whose.
        frame_id: the number of the native table.
        schema: the frame's own, serialised.
        row_count: how many rows there have to be; None: nobody knows.
        path: the file, written over.

    Raises:
        XComError: there are more rows or less.
    """
    own = pa.ipc.read_schema(pa.py_buffer(schema))
    query = queries("xcom.sql")["read_frame_rows"].format(table=frame_table(frame_id))
    found = cursor.sql(query, params={"value_id": value_id}).to_arrow_reader(_BATCH_ROWS)
    rows = 0
    with pa.ipc.new_file(path, own) as writer:
        for batch in from_stored(found, own):
            writer.write_batch(batch)
            rows += batch.num_rows
    if row_count is not None and rows != row_count:
        msg = f"{row_count:,} rows were stored and {rows:,} were found. Run its task again"
        raise XComError(msg)


def frames_of_rows(rows: Iterable[tuple[int, bytes]]) -> list[Frame]:
    """The native tables of a key, from their numbers and serialised schemas."""
    return [Frame(frame_id=number, schema=pa.ipc.read_schema(pa.py_buffer(blob))) for number, blob in rows]


def _table(cursor: DuckDBPyConnection, key_id: int, schema: pa.Schema) -> tuple[int, bool]:
    """The number of the table for these columns, and whether it is new."""
    sql = queries("xcom.sql")
    bare = pa.schema([field.remove_metadata() for field in schema]).serialize().to_pybytes()
    names: dict[str, Any] = {"key_id": key_id, "arrow_schema": bare}
    row = first_row(cursor, sql["find_frame"], names)
    if row is not None:
        return row[0], False
    row = first_row(cursor, sql["add_frame"], names)
    assert row is not None  # noqa: S101 (the query ends in RETURNING id)
    found = cursor.execute(sql["source_columns"]).fetchall()
    columns = ", ".join(f"{name} {kind}" for name, kind, *_ in found)
    cursor.execute(sql["create_frame_table"].format(table=frame_table(row[0]), columns=columns))
    return row[0], True
