"""Results of people's SQL as files and as JSON, batch by batch."""

from __future__ import annotations

import csv
import json
import secrets
from decimal import Decimal
from typing import TYPE_CHECKING

from nbflow.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import TextIO

    import pyarrow as pa

_UNKNOWN = "-o {path}: the end of the file's name says what is written: {known}"
_UNFIT = "{path} can't hold this result ({why}). Cast that column to another type, or write an .arrow file"


def check_name(path: Path) -> None:
    """Accept a file whose name says in which format it is to be.

    Raises:
        OptionError: it doesn't.
    """
    if path.suffix.lower() not in _WRITERS:
        *most, last = _WRITERS
        raise OptionError(_UNKNOWN.format(path=path, known=f"{', '.join(most)} or {last}"))


def write_file(path: Path, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> int:
    """Write a result; the file is there when it is whole, and not before.

    Returns:
        How many rows it has.

    Raises:
        OptionError: the format has no such types.
    """
    import pyarrow as pa

    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        rows = _WRITERS[path.suffix.lower()](aside, schema, batches)
        aside.replace(path)
    except pa.ArrowException as error:
        raise OptionError(_UNFIT.format(path=path, why=error)) from error
    finally:
        aside.unlink(missing_ok=True)
    return rows


def write_csv(file: TextIO, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> int:
    """Write a result as CSV with a header; nested values as JSON, NULL as an empty field.

    Returns:
        How many rows it has.
    """
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(schema.names)
    rows = 0
    for batch in batches:
        columns = [column.to_pylist() for column in batch.columns]
        writer.writerows([_field(value) for value in row] for row in zip(*columns, strict=True))
        rows += batch.num_rows
    return rows


def json_rows(batches: Iterator[pa.RecordBatch]) -> Iterator[dict[str, object]]:
    """The rows of a result in JSON's types."""
    for batch in batches:
        columns = [column.to_pylist() for column in batch.columns]
        for row in zip(*columns, strict=True):
            yield {name: plain(value) for name, value in zip(batch.schema.names, row, strict=True)}


def plain(value: object) -> object:
    """A value of a result in JSON's types: moments in ISO 8601, bytes in hexadecimal digits."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if value - value == 0 else str(value)  # JSON has no nan and no inf
        case Decimal():  # what SQL makes of sums of integers
            return int(value) if value == value.to_integral_value() else float(value)
        case bytes():
            return value.hex()
        case dict():
            return {str(name): plain(item) for name, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case _:
            return value.isoformat() if hasattr(value, "isoformat") else str(value)  # pyright: ignore[reportAttributeAccessIssue]


def _field(value: object) -> object:
    if isinstance(value, Decimal):
        return str(value)
    found = plain(value)
    return json.dumps(found, ensure_ascii=False) if isinstance(found, dict | list) else found


def _write_parquet(path: Path, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> int:
    import pyarrow.parquet as pq

    rows = 0
    with pq.ParquetWriter(path, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows


def _write_csv(path: Path, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> int:
    with path.open("w", encoding="utf-8", newline="") as file:
        return write_csv(file, schema, batches)


def _write_arrow(path: Path, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> int:
    import pyarrow as pa

    rows = 0
    with pa.ipc.new_file(path, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows


def _write_json(path: Path, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> int:
    """An array of objects, a row a line."""
    rows = 0
    with path.open("w", encoding="utf-8") as file:
        file.write("[")
        for row in json_rows(batches):
            file.write(",\n" if rows else "\n")
            file.write(json.dumps(row, ensure_ascii=False))
            rows += 1
        file.write("\n]\n")
    return rows


_WRITERS: dict[str, Callable[[Path, pa.Schema, Iterator[pa.RecordBatch]], int]] = {
    ".parquet": _write_parquet,
    ".csv": _write_csv,
    ".arrow": _write_arrow,
    ".json": _write_json,
}
