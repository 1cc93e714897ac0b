"""pandas frames and series as Arrow tables, and back with index, labels and dtypes as they were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from nbflow.codec.pandas_column import read_column, write_column
from nbflow.codec.plain import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Meta = dict[str, Any]
_INDEXES = (pd.Index, pd.DatetimeIndex, pd.TimedeltaIndex, pd.CategoricalIndex)


def write_frame(frame: pd.DataFrame) -> tuple[pa.Table, Meta] | None:
    """The frame as a table (its columns, then its index' levels) and what rebuilds it; None where
    Arrow would not be exact: labels that are no distinct texts, and whatever `write_column` refuses.
    """
    labels = frame.columns
    names = labels.tolist()
    if type(labels) is not pd.Index or {type(name) for name in names} != {str} or not labels.is_unique:
        return None
    written_labels = write_column(labels.array)
    if written_labels is None or not frame.flags.allows_duplicate_labels:
        return None
    columns = [write_column(frame.iloc[:, place].array) for place in range(len(names))]
    index = _write_index(frame.index, taken=names)
    if index is None:
        return None
    arrays = [column[0] for column in columns if column is not None]
    if len(arrays) < len(columns):
        return None
    table = pa.table([*arrays, *index[0]], names=[*names, *index[1]["columns"]])
    return _checked(
        table,
        {
            "kind": "pandas.DataFrame",
            "columns": [column[1] for column in columns if column is not None],
            "labels": {"of": written_labels[1], "name": labels.name},
            "index": index[1],
            "attrs": frame.attrs,
        },
    )


def read_frame(table: pa.Table, meta: Mapping[str, Any]) -> pd.DataFrame:
    """The inverse of `write_frame`."""
    specs: Sequence[Mapping[str, Any]] = meta["columns"]
    names = table.column_names[: len(specs)]
    frame = pd.DataFrame({name: read_column(table.column(i), specs[i]) for i, name in enumerate(names)})
    labels = read_column(pa.chunked_array([pa.array(names, type=pa.string())]), meta["labels"]["of"])
    frame.columns = pd.Index(labels, name=meta["labels"]["name"])
    frame.index = _read_index(table.columns[len(specs) :], meta["index"])
    frame.attrs = dict(meta["attrs"])
    return frame


def write_series(series: pd.Series[Any]) -> tuple[pa.Table, Meta] | None:
    """As `write_frame`, for one column; its name is kept whatever plain value it is."""
    column = write_column(series.array)
    name = series.name if type(series.name) is str else "value"
    index = _write_index(series.index, taken=[name])
    if column is None or index is None or not series.flags.allows_duplicate_labels:
        return None
    table = pa.table([column[0], *index[0]], names=[name, *index[1]["columns"]])
    meta = {"kind": "pandas.Series", "column": column[1], "name": series.name, "index": index[1]}
    return _checked(table, meta | {"attrs": series.attrs})


def read_series(table: pa.Table, meta: Mapping[str, Any]) -> pd.Series[Any]:
    """The inverse of `write_series`."""
    series = read_column(table.column(0), meta["column"])
    series.index = _read_index(table.columns[1:], meta["index"])
    series.name = meta["name"]
    series.attrs = dict(meta["attrs"])
    return series


def _checked(table: pa.Table, meta: Meta) -> tuple[pa.Table, Meta] | None:
    return None if to_json(meta) is None else (table, meta)


def _write_index(index: pd.Index[Any], taken: Sequence[str]) -> tuple[list[pa.ChunkedArray], Meta] | None:
    names = list(index.names)
    if type(index) is pd.RangeIndex:
        return [], {"range": [index.start, index.stop, index.step], "names": names, "columns": []}
    if isinstance(index, pd.MultiIndex):
        levels = _levels(index)
        if levels is None:
            return None
    elif type(index) in _INDEXES:
        levels = [index]
    else:
        return None
    written = [write_column(level.array) for level in levels]
    arrays = [column[0] for column in written if column is not None]
    if len(arrays) < len(written):
        return None
    meta: Meta = {"levels": [column[1] for column in written if column is not None], "names": names}
    meta["multi"] = isinstance(index, pd.MultiIndex)
    meta["columns"] = _free_names(names, taken)
    freq = getattr(index, "freq", None)
    if freq is not None:
        meta["freq"] = freq.freqstr
    again = (
        _read_index(arrays, meta) if freq is not None else _read_index([a.slice(0, 0) for a in arrays], meta)
    )
    if type(again) is not type(index) or getattr(again, "freq", None) != freq:
        return None
    return arrays, meta


def _levels(index: pd.MultiIndex) -> list[pd.Index[Any]] | None:
    """The values of each level; None if the same values would make other levels or codes."""
    values = [index.get_level_values(place) for place in range(index.nlevels)]
    again = pd.MultiIndex.from_arrays(values, names=index.names)
    for old, new in zip(index.levels, again.levels, strict=True):
        same_freq = getattr(old, "freq", None) == getattr(new, "freq", None)
        if type(old) is not type(new) or old.dtype != new.dtype or not old.equals(new) or not same_freq:
            return None
    same = all(np.array_equal(old, new) for old, new in zip(index.codes, again.codes, strict=True))
    return values if same else None


def _read_index(columns: Sequence[pa.ChunkedArray], meta: Mapping[str, Any]) -> pd.Index[Any]:
    if "range" in meta:
        return pd.RangeIndex(*meta["range"], name=meta["names"][0])
    levels = [pd.Index(read_column(column, meta["levels"][i])) for i, column in enumerate(columns)]
    if meta["multi"]:
        return pd.MultiIndex.from_arrays(levels, names=meta["names"])
    index = levels[0].rename(meta["names"][0])
    if "freq" in meta:
        index.freq = meta["freq"]  # type: ignore[attr-defined] (a DatetimeIndex or TimedeltaIndex)
    return index


def _free_names(names: Sequence[object], taken: Sequence[str]) -> list[str]:
    """A column name for each index level: its own where it is a text and not taken."""
    used = set(taken)
    free: list[str] = []
    for place, name in enumerate(names):
        wanted = name if type(name) is str else ("index" if len(names) == 1 else f"level_{place}")
        while wanted in used:
            wanted += "_"
        used.add(wanted)
        free.append(wanted)
    return free
