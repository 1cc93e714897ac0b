"""The views of an XCom file, made in it: `task__key` for each key, and `key` where that says what is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbflow.store.sql import queries
from nbflow.store.xcom_columns import Frame
from nbflow.store.xcom_view import quoted, view_parts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duckdb import DuckDBPyConnection

    from nbflow.store.xcom_known import Key, Keys


def kinds_of(cursor: DuckDBPyConnection, key_id: int) -> list[Frame]:
    """The kinds of frame that a key has had, oldest first."""
    rows = cursor.execute(queries("xcom.sql")["frames_of_key"], {"key_id": key_id}).fetchall()
    if not rows:
        return []
    import pyarrow as pa  # who meets no frame doesn't need it

    found: list[Frame] = []
    for frame_id, table_id, blob, places in rows:
        schema = pa.ipc.read_schema(pa.py_buffer(blob))
        own = tuple(range(len(schema)) if places is None else places)
        found.append(Frame(frame_id=frame_id, table_id=table_id, schema=schema, places=own))
    return found


def show(cursor: DuckDBPyConnection, keys: Keys, key: Key, kinds: Sequence[Frame]) -> None:
    """Make the key's views anew, over all kinds of frame. None is made for a key without any values."""
    if not kinds and not key.has_json:
        return
    sql = queries("xcom.sql")
    parts = view_parts(key.number, kinds, has_json=key.has_json)
    schema = quoted(key.schema)
    cursor.execute(sql["create_schema"].format(schema=schema))
    for view in (key.view, key.name) if keys.has_short_view(key) else (key.view,):
        cursor.execute(sql["create_view"].format(schema=schema, view=quoted(view), parts=parts))


def end_short_views(cursor: DuckDBPyConnection, keys: Keys, key: Key) -> None:
    """With a new key go the short views that would be a guess from now on: one of its name, and one that is called
    as its own view will be.
    """
    query, schema = queries("xcom.sql")["drop_view"], quoted(key.schema)
    for view in (key.view, key.name) if keys.is_second_of_its_name(key) else (key.view,):
        cursor.execute(query.format(schema=schema, view=quoted(view)))
