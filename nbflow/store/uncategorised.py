"""ENUMs in results as plain texts: streams of Arrow Flight have no dictionaries."""

from __future__ import annotations

import pyarrow as pa


def uncategorised(schema: pa.Schema) -> pa.Schema:
    """The schema with the values' own type in place of every dictionary, however deep; itself where there is none."""
    fields = [field.with_type(_plain(field.type)) for field in schema]
    plain = pa.schema(fields, metadata=schema.metadata)
    return schema if plain == schema else plain


def _plain(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(kind):
        return _plain(kind.value_type)
    if pa.types.is_map(kind):
        return pa.map_(_plain(kind.key_type), _plain(kind.item_type))
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(_plain(kind.value_type)))
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(kind.value_field.with_type(_plain(kind.value_type)), kind.list_size)
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_plain(field.type)) for field in kind])
    return kind
