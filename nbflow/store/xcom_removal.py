"""Taking values out of an XCom file: those of tries that are superseded, and those that go for good."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from nbflow.store.sql import queries
from nbflow.store.xcom_columns import column, frame_table
from nbflow.store.xcom_rows import first_row

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from duckdb import DuckDBPyConnection

    from nbflow.model.run import RunKey

_FRAME_COLUMN = re.compile(r"c\d+")


def supersede(cursor: DuckDBPyConnection, tries: Collection[int]) -> None:
    """These tries are no longer the current ones of their task instances; their values stay, by try. To be
    called in a transaction, as everything here.
    """
    sql = queries("xcom.sql")
    of_tries = {"tries": list(tries)}
    cursor.execute(sql["supersede"], of_tries)
    with _optimized(cursor):
        for (table_id,) in cursor.execute(sql["tables_of_tries"], of_tries).fetchall():
            cursor.execute(sql["supersede_frame_rows"].format(table=frame_table(table_id)), of_tries)


def remove(cursor: DuckDBPyConnection, tries: Collection[int]) -> int:
    """Delete the tries with all they handed on; how many values those were."""
    sql = queries("xcom.sql")
    of_tries = {"tries": list(tries)}
    with _optimized(cursor):
        for (table_id,) in cursor.execute(sql["tables_of_tries"], of_tries).fetchall():
            cursor.execute(sql["delete_frame_rows"].format(table=frame_table(table_id)), of_tries)
        cursor.execute(sql["delete_chunks"], of_tries)
        deleted = first_row(cursor, sql["delete_values"], of_tries)
        cursor.execute(sql["delete_tries"], of_tries)
    return 0 if deleted is None else int(deleted[0])


def tries_of_runs(cursor: DuckDBPyConnection, runs: Collection[RunKey]) -> list[int]:
    """The numbers of all tries of these runs, whatever became of them."""
    names = {"dag_ids": [run.dag_id for run in runs], "run_ids": [run.run_id for run in runs]}
    with _optimized(cursor):
        return [
            number for (number,) in cursor.execute(queries("xcom.sql")["tries_of_runs"], names).fetchall()
        ]


def remove_unused_columns(cursor: DuckDBPyConnection) -> set[int]:
    """Drop the native tables and columns that no value lies in; the keys they were of.

    The youngest kind of frame of a key stays: it is what gives the view of an emptied key its columns.
    """
    sql = queries("xcom.sql")
    with _optimized(cursor):
        unused = cursor.execute(sql["delete_unused_frames"]).fetchall()
    for table_id in {table_id for _, table_id in unused}:
        table = frame_table(table_id)
        rows = cursor.execute(sql["used_columns"], {"table_id": table_id}).fetchall()
        used = {column(place) for (place,) in rows}
        if not used:
            cursor.execute(sql["drop_frame_table"].format(table=table))
            continue
        for name, *_ in cursor.execute(sql["columns_of_table"].format(table=table)).fetchall():
            if _FRAME_COLUMN.fullmatch(name) and name not in used:
                cursor.execute(sql["drop_frame_column"].format(table=table, column=name))
    return {key_id for key_id, _ in unused}


@contextmanager
def _optimized(cursor: DuckDBPyConnection) -> Iterator[None]:
    """The writer does without DuckDB's optimizer; what looks for rows in large tables can't."""
    cursor.execute("PRAGMA enable_optimizer")
    try:
        yield
    finally:
        cursor.execute("PRAGMA disable_optimizer")
