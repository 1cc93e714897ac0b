"""Arrow frames in DuckDB's own tables: which types come back exactly, and how.

Columns are stored as c0, c1, … in the frame's order, because DuckDB's names do not tell `a` from `A`.
Some types are stored as another one of the same bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable

_COLUMN_LIMIT = 1_000


def stored_schema(schema: pa.Schema) -> pa.Schema | None:
    """The columns a frame is stored with (c0, c1, …); None if DuckDB would not give it back exactly."""
    types = [stored_type(field.type) for field in schema]
    known = [kind for kind in types if kind is not None]
    if len(known) < len(types) or not 0 < len(types) <= _COLUMN_LIMIT:
        return None
    return pa.schema([(f"c{place}", kind) for place, kind in enumerate(known)])


def stored_type(kind: pa.DataType) -> pa.DataType | None:
    """The type whose values DuckDB gives back exactly and that stands for `kind`; None if none does.

    A moment with a zone is stored as the same moment in UTC without one (DuckDB would cut its
    nanoseconds), a duration as its number of units.
    """
    if pa.types.is_timestamp(kind):
        return pa.timestamp(kind.unit)
    if pa.types.is_duration(kind):
        return pa.int64()
    if pa.types.is_float16(kind):
        return pa.float32()
    return kind if _is_exact(kind) else None


def _is_exact(kind: pa.DataType) -> bool:
    if pa.types.is_decimal128(kind):
        return 0 <= kind.scale <= kind.precision
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return kind.value_field.nullable and _is_exact(kind.value_type)
    if pa.types.is_struct(kind):
        fields = [kind.field(place) for place in range(kind.num_fields)]
        names = {field.name.casefold() for field in fields}
        distinct = 0 < len(names) == len(fields) and "" not in names
        return distinct and all(field.nullable and _is_exact(field.type) for field in fields)
    return (
        (pa.types.is_primitive(kind) and not _is_inexact(kind))
        or pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
    )


def _is_inexact(kind: pa.DataType) -> bool:
    """Of the primitive types, those that DuckDB has not, cuts, or (a zone) replaces."""
    if pa.types.is_timestamp(kind):
        return kind.tz is not None
    return (
        pa.types.is_float16(kind)
        or pa.types.is_date64(kind)
        or pa.types.is_duration(kind)
        or pa.types.is_interval(kind)
        or pa.types.is_decimal(kind)
    )


def to_stored(table: pa.Table, stored: pa.Schema) -> pa.Table:
    """The frame as it is inserted, with the columns c0, c1 and so on."""
    columns = [
        pa.chunked_array([_as(chunk, kind) for chunk in column.chunks], type=kind)
        for column, kind in zip(table.columns, stored.types, strict=True)
    ]
    return pa.table(columns, names=stored.names)


def from_stored(columns: Iterable[pa.Array], schema: pa.Schema) -> pa.RecordBatch:
    """The inverse of `to_stored` for some rows; `schema` is the frame's own, with its metadata."""
    own = [_as(column, kind) for column, kind in zip(columns, schema.types, strict=True)]
    return pa.RecordBatch.from_arrays(own, schema=schema)


def _as(array: pa.Array, kind: pa.DataType) -> pa.Array:
    if array.type == kind:
        return array
    if any(pa.types.is_timestamp(t) or pa.types.is_duration(t) for t in (array.type, kind)):
        return array.view(kind)  # the same 64 bits, under another name
    return array.cast(kind)
