"""Frames and arrays as Arrow IPC files, with the metadata that rebuilds them exactly."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from nbflow.codec.plain import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pyarrow as pa

META_KEY = b"nbflow"  # in the schema's metadata: JSON with `kind` and what rebuilds the value
Meta = dict[str, Any]
_ARRAY_UNITS = frozenset({"s", "ms", "us", "ns"})


def write_table(value: object, path: Path) -> str | None:
    """Write a frame, series or array as an Arrow IPC file; the kind it decodes to.

    None where the value is none of these or Arrow would not give it back exactly; no file then.
    """
    found = _to_table(value)
    if found is None:
        return None
    import pyarrow as pa

    table, meta = found
    text = to_json(meta)
    if text is None or table.num_columns == 0:
        return None
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), META_KEY: text})
    try:
        with pa.ipc.new_file(path, table.schema) as writer:
            writer.write_table(table)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        path.unlink(missing_ok=True)
        return None
    return meta["kind"]


def read_table(path: Path) -> object:
    """The inverse of `write_table`; the file is mapped into memory, not read.

    Raises:
        LookupError: the file is not one that `write_table` of this nbflow wrote.
    """
    import pyarrow as pa

    with pa.memory_map(str(path)) as source:
        table = pa.ipc.open_file(source).read_all()
    metadata = dict(table.schema.metadata or {})
    meta: Meta = json.loads(metadata.pop(META_KEY))
    return _from_table(table.replace_schema_metadata(metadata or None), meta)


def _to_table(value: Any) -> tuple[pa.Table, Meta] | None:  # noqa: ANN401 (any value at all)
    root = type(value).__module__.partition(".")[0]
    if root not in ("pandas", "polars", "pyarrow", "numpy") or root not in sys.modules:
        return None
    kind = type(value)
    if root == "pandas":
        import pandas as pd

        from nbflow.codec.pandas_frame import write_frame, write_series

        if kind is pd.DataFrame:
            return write_frame(value)
        return write_series(value) if kind is pd.Series else None
    if root == "polars":
        import polars as pl

        from nbflow.codec.polars_frame import write_polars

        return write_polars(value) if kind in (pl.DataFrame, pl.Series) else None
    return _array_table(value) if root == "numpy" else _arrow_table(value)


def _arrow_table(value: Any) -> tuple[pa.Table, Meta] | None:  # noqa: ANN401 (something of pyarrow)
    import pyarrow as pa

    if type(value) not in (pa.Table, pa.RecordBatch) or META_KEY in (value.schema.metadata or {}):
        return None
    if any(isinstance(field.type, pa.BaseExtensionType) for field in value.schema):
        return None
    if type(value) is pa.Table:
        return value, {"kind": "pyarrow.Table"}
    return pa.Table.from_batches([value]), {"kind": "pyarrow.RecordBatch"}


def _array_table(value: Any) -> tuple[pa.Table, Meta] | None:  # noqa: ANN401 (something of numpy)
    import numpy as np
    import pyarrow as pa

    if type(value) is not np.ndarray or value.ndim != 1 or not value.dtype.isnative or value.dtype.metadata:
        return None
    if value.dtype.kind in "mM":
        unit, step = np.datetime_data(value.dtype)
        if unit not in _ARRAY_UNITS or step != 1:
            return None
    elif value.dtype.kind not in "biuf" or value.dtype.itemsize > 8:
        return None
    table = pa.table({"value": pa.array(value)})
    return table, {
        "kind": "numpy.ndarray",
        "dtype": value.dtype.str,
        "writeable": bool(value.flags.writeable),
    }


def _from_table(table: pa.Table, meta: Mapping[str, Any]) -> object:
    match meta["kind"]:
        case "pandas.DataFrame":
            from nbflow.codec.pandas_frame import read_frame

            return read_frame(table, meta)
        case "pandas.Series":
            from nbflow.codec.pandas_frame import read_series

            return read_series(table, meta)
        case "polars.DataFrame" | "polars.Series":
            from nbflow.codec.polars_frame import read_polars

            return read_polars(table, meta)
        case "pyarrow.Table":
            return table
        case "pyarrow.RecordBatch":
            return _one_batch(table)
        case "numpy.ndarray":
            import numpy as np

            array = np.array(table.column(0).to_numpy(), dtype=np.dtype(meta["dtype"]))
            array.flags.writeable = meta.get("writeable", True)
            return array
        case kind:
            msg = f"a value of kind {kind}"
            raise LookupError(msg)


def _one_batch(table: pa.Table) -> pa.RecordBatch:
    import pyarrow as pa

    batches = table.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)
