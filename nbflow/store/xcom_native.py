"""Frames into DuckDB's own tables, and out of them.

Who meets no frame never imports this: pyarrow takes longer than a short run.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from nbflow.errors import XComError
from nbflow.store.sql import queries
from nbflow.store.xcom_columns import Frame, column, frame_table, placed
from nbflow.store.xcom_frame import from_stored, stored_schema, to_stored
from nbflow.store.xcom_rows import FrameRefused, first_row
from nbflow.store.xcom_target import empty

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from duckdb import DuckDBPyConnection
    from pyarrow.ipc import RecordBatchFileWriter

    from nbflow.store.xcom_rows import RowsOf
    from nbflow.store.xcom_statements import Statements
    from nbflow.store.xcom_target import Target

_BATCH_ROWS = 100_000  # at most, and so many that they are about as large as
_BATCH_BYTES = 64 << 20
_VECTOR_ROWS = 2_048  # what DuckDB has to have in memory at once of a table, and how much that may be:
_VECTOR_BYTES = 128 << 20  # with less than 1 GB to use, a commit of more can fail
_FEWER = 16  # times, where a batch has more text in a column than Arrow can point at (2 GiB)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFrame:
    """Where a frame's rows lie.

    Attributes:
        kind: its columns and their places.
        is_new: whether its key had no such frame before.
        schema: the frame's Arrow schema, serialised.
        row_count: of the frame.
    """

    kind: Frame
    is_new: bool
    schema: bytes
    row_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameRows:
    """What there is to know of a stored frame in order to read it.

    Attributes:
        value_id: whose rows they are.
        table_id: the number of the native table.
        places: which of the table's columns its own are; None: the first ones, in order.
        schema: the frame's own, serialised.
        row_count: how many rows there have to be; None: nobody knows.
        size: bytes of the file that was stored.
    """

    value_id: int
    table_id: int
    places: tuple[int, ...] | None
    schema: bytes
    row_count: int | None
    size: int

    def rows_at_once(self) -> int:
        """Rows that are about as large together as a batch should be."""
        if not self.row_count:
            return _BATCH_ROWS
        return max(1, min(_BATCH_ROWS, self.row_count * _BATCH_BYTES // max(self.size, 1)))


def store_frame(
    cursor: DuckDBPyConnection,
    statements: Statements,
    key_id: int,
    kinds: Sequence[Frame],
    rows_of: RowsOf,
    path: Path,
) -> StoredFrame | None:
    """Add the rows of an Arrow file to the native table of its key.

    Args:
        cursor: in a transaction.
        statements: parsed before.
        key_id: the key.
        kinds: of frame that the key has had.
        rows_of: what goes into each row.
        path: the file.

    Returns:
        Where they are; None where DuckDB would not give them back exactly, or rows are too large for it:
        nothing is stored then.

    Raises:
        FrameRefused: DuckDB does not take them.
    """
    with pa.memory_map(str(path)) as source:
        table = pa.ipc.open_file(source).read_all()
        stored = stored_schema(table.schema)
        if stored is None or _is_heavy(table):
            return None
        bare = pa.schema([field.remove_metadata() for field in table.schema])
        known = next((kind for kind in kinds if kind.schema.equals(bare)), None)
        cursor.register("source", to_stored(table, stored))
        try:
            kind = known or _new_kind(cursor, key_id, kinds, bare)
            query = queries("xcom.sql")["add_frame_rows"]
            columns = ", ".join(map(column, kind.places))
            query = query.format(table=frame_table(kind.table_id), columns=columns)
            cursor.execute(statements.of(cursor, query), asdict(rows_of))
        except duckdb.Error as error:
            raise FrameRefused(path) from error
        cursor.unregister("source")
    schema = table.schema.serialize().to_pybytes()
    return StoredFrame(kind=kind, is_new=known is None, schema=schema, row_count=table.num_rows)


def fetch_frame(cursor: DuckDBPyConnection, frame: FrameRows, target: Target) -> None:
    """Write a frame as an Arrow file, whatever the target had before.

    Raises:
        XComError: there are more rows or less than there have to be.
    """
    query = "read_frame_rows"
    batch_rows = frame.rows_at_once()
    while True:
        try:
            rows = _copy(cursor, query, frame, batch_rows, target)
            break
        except _OutOfOrderError:
            query = "read_frame_rows_sorted"
        except OSError as error:  # DuckDB's own, in the words of Arrow's C interface
            if "maximum total string size" not in str(error) or batch_rows == 1:
                raise
            batch_rows = max(1, batch_rows // _FEWER)
    if frame.row_count is not None and rows != frame.row_count:
        msg = f"{frame.row_count:,} rows were stored and {rows:,} were found. Run its task again"
        raise XComError(msg)


def _is_heavy(table: pa.Table) -> bool:
    """Whether some rows, of texts of megabytes, are more than DuckDB should have to hold at once."""
    if table.nbytes <= _VECTOR_BYTES:
        return False
    starts = range(0, table.num_rows, _VECTOR_ROWS)
    return any(table.slice(start, _VECTOR_ROWS).nbytes > _VECTOR_BYTES for start in starts)


class _OutOfOrderError(Exception):
    """The rows did not come in the table's order; they have to be sorted."""


def _copy(cursor: DuckDBPyConnection, query: str, frame: FrameRows, batch_rows: int, target: Target) -> int:
    """Write what the query finds into an Arrow file; the number of its rows."""
    schema = pa.ipc.read_schema(pa.py_buffer(frame.schema))
    columns = ", ".join(map(column, range(len(schema)) if frame.places is None else frame.places))
    text = queries("xcom.sql")[query].format(table=frame_table(frame.table_id), columns=columns)
    found = cursor.sql(text, params={"value_id": frame.value_id}).to_arrow_reader(batch_rows)
    with found, _sink(target) as sink, pa.ipc.new_file(sink, schema) as writer:
        return _write(writer, (from_stored(columns, schema) for columns in _ordered(found)))


@contextmanager
def _sink(target: Target) -> Iterator[pa.NativeFile | BinaryIO]:
    """The target, empty, for Arrow, which writes into files past Python."""
    empty(target)
    if isinstance(target, Path):
        with pa.OSFile(str(target), "ab") as file:
            yield file
    else:
        yield target


def _ordered(batches: Iterable[pa.RecordBatch]) -> Iterator[list[pa.Array]]:
    """The columns of each batch without the first, which are the rows' places in their table."""
    last = -1
    for batch in batches:
        places, *columns = batch.columns
        if not places:
            continue
        ascends = pc.call_function("pairwise_diff", [places])
        least = pc.call_function("min", [ascends]).as_py()
        if places[0].as_py() <= last or (least is not None and least <= 0):
            raise _OutOfOrderError
        last = places[-1].as_py()
        yield columns


def _write(writer: RecordBatchFileWriter, batches: Iterable[pa.RecordBatch]) -> int:
    """Write each batch while DuckDB makes the next one; the number of rows."""
    rows = 0
    waiting: pa.RecordBatch | None = None
    with ThreadPoolExecutor(max_workers=1) as aside:
        written = None
        for batch in batches:
            rows += batch.num_rows
            if written is not None:
                written.result()
            if waiting is not None:
                written = aside.submit(writer.write_batch, waiting)
            waiting = batch
        if written is not None:
            written.result()
        if waiting is not None:
            writer.write_batch(waiting)
    return rows


def _new_kind(cursor: DuckDBPyConnection, key_id: int, kinds: Sequence[Frame], schema: pa.Schema) -> Frame:
    """Make place for a kind of frame: columns for it, in the key's table or a new one."""
    sql = queries("xcom.sql")
    table_id, places, added = placed(schema, kinds)
    bare = schema.serialize().to_pybytes()
    names = {"key_id": key_id, "arrow_schema": bare, "table_id": table_id, "places": list(places)}
    row = first_row(cursor, sql["add_frame"], names)
    assert row is not None  # noqa: S101 (the query ends in RETURNING id)
    types = [kind for _, kind, *_ in cursor.execute(sql["source_columns"]).fetchall()]
    columns = [f"{column(places[index])} {types[index]}" for index in added]
    if table_id is None:
        table_id = row[0]
        query = sql["create_frame_table"].format(table=frame_table(table_id), columns=", ".join(columns))
        cursor.execute(query)
    else:
        for text in columns:
            cursor.execute(sql["add_frame_column"].format(table=frame_table(table_id), column=text))
    return Frame(frame_id=row[0], table_id=table_id, schema=schema, places=places)
