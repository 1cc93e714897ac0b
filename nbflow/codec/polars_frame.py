"""polars frames and series as Arrow tables, and back with the same schema."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Mapping

Meta = dict[str, Any]
_OLDEST = pl.CompatLevel.oldest()


def write_polars(value: pl.DataFrame | pl.Series) -> tuple[pa.Table, Meta] | None:
    """The frame as a table and what rebuilds it; None where Arrow would not give the schema back.

    Categorical and Enum columns become plain text in the table, so that SQL can read them; the schema
    that polars itself writes for them is kept beside it.
    """
    frame = value.to_frame() if isinstance(value, pl.Series) else value
    if frame.width == 0:
        return None
    try:
        schema = frame.clear().to_arrow(compat_level=_OLDEST).schema
        coded = [name for name, dtype in frame.schema.items() if isinstance(dtype, (pl.Categorical, pl.Enum))]
        table = frame.with_columns(pl.col(name).cast(pl.String) for name in coded).to_arrow(
            compat_level=_OLDEST
        )
        back = _schema(schema)
    except (pa.ArrowException, pl.exceptions.PolarsError, ValueError):
        return None
    if back != frame.schema:
        return None
    kind = "polars.Series" if isinstance(value, pl.Series) else "polars.DataFrame"
    return table, {"kind": kind, "schema": base64.b64encode(schema.serialize()).decode("ascii")}


def read_polars(table: pa.Table, meta: Mapping[str, Any]) -> pl.DataFrame | pl.Series:
    """The inverse of `write_polars`."""
    schema = _schema(pa.ipc.read_schema(pa.py_buffer(base64.b64decode(meta["schema"]))))
    frame = _frame(table)
    changed = [name for name, dtype in frame.schema.items() if dtype != schema[name]]
    frame = frame.with_columns(pl.col(name).cast(schema[name]) for name in changed)
    return frame.to_series(0) if meta["kind"] == "polars.Series" else frame


def _schema(schema: pa.Schema) -> pl.Schema:
    return _frame(schema.empty_table()).schema


def _frame(table: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 (what from_arrow gives for a table)
    frame.columns = table.column_names  # from_arrow gives an empty name another
    return frame
