"""Whether a value is exactly another one: types, structure, metadata, and values bit for bit.

Stricter than what the libraries' own tests call equal. Only two things don't count: which of the many NaNs
a NaN is, and how an Arrow column is cut into chunks.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa


def assert_exact(back: Any, value: Any) -> None:
    """Fail unless `back` is exactly `value`."""
    assert type(back) is type(value)
    match value:
        case pd.DataFrame():
            _same_frame(back, value)
        case pd.Series():
            assert_exact(back.name, value.name)
            _same_surroundings(back, value)
            _same_column(back.array, value.array)
        case pd.Index():
            _same_index(back, value)
        case pd.api.extensions.ExtensionArray():
            _same_column(back, value)
        case np.ndarray():
            _same_array(back, value)
        case pl.DataFrame():
            assert back.schema == value.schema
            for name in value.columns:
                assert_exact(back[name], value[name])
        case pl.Series():
            _same_polars(back, value)
        case pl.LazyFrame():
            assert back.explain() == value.explain()
            assert_exact(back.collect(), value.collect())
        case pa.Table() | pa.RecordBatch():
            assert back.schema.equals(value.schema, check_metadata=True)
            back.validate(full=True)
            for mine, its in zip(back.columns, value.columns, strict=True):
                _same_arrow(mine, its)
        case pa.Array() | pa.ChunkedArray():
            _same_arrow(back, value)
        case pa.Schema():
            assert back.equals(value, check_metadata=True)
        case dict():
            assert list(back) == list(value)
            for key, item in value.items():
                assert_exact(back[key], item)
        case list() | tuple():
            assert len(back) == len(value)
            for mine, its in zip(back, value, strict=True):
                assert_exact(mine, its)
        case _:
            _same_atom(back, value)


def _same_atom(back: Any, value: Any) -> None:
    if value is None or value is pd.NA or value is pd.NaT or isinstance(value, type):
        assert back is value
    elif isinstance(value, (float, np.floating)) and np.isnan(value):
        assert np.isnan(back)
    else:
        assert repr(back) == repr(value)
        assert bool(np.all(back == value)) or value != value  # a NaN among decimals
    for detail in ("dtype", "fold", "tzinfo", "unit", "freq"):
        assert getattr(back, detail, None) == getattr(value, detail, None)
        assert type(getattr(back, detail, None)) is type(getattr(value, detail, None))


def _same_frame(back: pd.DataFrame, value: pd.DataFrame) -> None:
    _same_surroundings(back, value)
    _same_index(back.columns, value.columns)
    for place in range(value.shape[1]):
        _same_column(back.iloc[:, place].array, value.iloc[:, place].array)


def _same_surroundings(back: Any, value: Any) -> None:
    assert back.shape == value.shape
    assert_exact(back.attrs, value.attrs)
    assert back.flags.allows_duplicate_labels == value.flags.allows_duplicate_labels
    _same_index(back.index, value.index)


def _same_index(back: Any, value: Any) -> None:
    assert type(back) is type(value)
    assert_exact(list(back.names), list(value.names))
    assert getattr(back, "freq", None) == getattr(value, "freq", None)
    if isinstance(value, pd.RangeIndex):
        assert (back.start, back.stop, back.step) == (value.start, value.stop, value.step)
    elif isinstance(value, pd.MultiIndex):
        for mine, its in zip(back.levels, value.levels, strict=True):
            _same_index(mine, its)
        for mine, its in zip(back.codes, value.codes, strict=True):
            _same_array(np.asarray(mine), np.asarray(its), layout=False)
    else:
        _same_column(back.array, value.array)


def _same_column(back: Any, value: Any) -> None:
    """Two arrays of pandas."""
    assert type(back) is type(value)
    assert back.dtype == value.dtype
    assert type(back.dtype) is type(value.dtype)
    assert len(back) == len(value)
    match value:
        case pd.Categorical():
            _same_array(np.asarray(back.codes), np.asarray(value.codes), layout=False)
            assert back.ordered is value.ordered
            if value.dtype.categories is not None:
                _same_index(back.categories, value.categories)
        case pd.arrays.DatetimeArray() | pd.arrays.TimedeltaArray() | pd.arrays.PeriodArray():
            assert back.asi8.tobytes() == value.asi8.tobytes()
            zone = getattr(value.dtype, "tz", None)
            assert type(getattr(back.dtype, "tz", None)) is type(zone)
            assert str(back.dtype) == str(value.dtype)
        case pd.arrays.IntervalArray():
            _same_index(back.left, value.left)
            _same_index(back.right, value.right)
        case pd.arrays.SparseArray():
            _same_atom(back.fill_value, value.fill_value)
            _same_array(back.sp_values, value.sp_values, layout=False)
            assert back.sp_index.equals(value.sp_index)
        case _ if isinstance(value.dtype, pd.StringDtype):
            assert (back.dtype.storage, back.dtype.na_value) == (
                value.dtype.storage,
                value.dtype.na_value,
            ) or (
                back.dtype.storage == value.dtype.storage
                and back.dtype.na_value is not pd.NA
                and value.dtype.na_value is not pd.NA
            )
            assert_exact(list(back), list(value))
        case _ if isinstance(value.dtype, pd.ArrowDtype):
            _same_arrow(pa.chunked_array(pa.array(back)), pa.chunked_array(pa.array(value)))
        case _ if hasattr(value, "_mask"):
            assert back._mask.tobytes() == value._mask.tobytes()
            _same_array(back._data[~back._mask], value._data[~value._mask], layout=False)
        case _:
            _same_array(back.to_numpy(), value.to_numpy(), layout=False)


def _same_array(back: Any, value: Any, *, layout: bool = True) -> None:
    """Two arrays of numpy; `layout`: the order in memory and whether it can be written count."""
    assert back.dtype == value.dtype
    assert back.dtype.descr == value.dtype.descr
    assert dict(back.dtype.metadata or {}) == dict(value.dtype.metadata or {})
    assert back.shape == value.shape
    if isinstance(value, np.ma.MaskedArray):
        _same_array(np.ma.getmaskarray(back), np.ma.getmaskarray(value), layout=False)
        _same_array(back.data, value.data, layout=layout)
        assert repr(back.fill_value) == repr(value.fill_value)
        return
    if layout:
        assert back.flags.writeable == value.flags.writeable
        assert back.flags.f_contiguous == value.flags.f_contiguous or not value.flags.c_contiguous
    if value.dtype.hasobject:
        assert_exact(back.tolist(), value.tolist())
    elif value.dtype.kind in "fc":
        nan = np.isnan(value)
        assert np.array_equal(np.isnan(back), nan)
        assert back[~nan].tobytes() == value[~nan].tobytes()
    else:
        assert back.tobytes() == value.tobytes()


def _same_polars(back: pl.Series, value: pl.Series) -> None:
    assert back.name == value.name
    assert back.dtype == value.dtype
    assert back.len() == value.len()
    assert_exact(back.to_list(), value.to_list())


def _same_arrow(back: Any, value: Any) -> None:
    assert back.type == value.type
    assert back.type.equals(value.type, check_metadata=True)
    assert len(back) == len(value)
    assert back.null_count == value.null_count
    back.validate(full=True)
    if pa.types.is_dictionary(value.type) and isinstance(value, pa.ChunkedArray):
        assert back.type.ordered == value.type.ordered
        assert _dictionary(back) == _dictionary(value)
    mine, its = (
        column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column for column in (back, value)
    )
    if not mine.equals(its):  # NaN is not NaN there
        assert_exact(mine.to_pylist(), its.to_pylist())
    elif pa.types.is_floating(value.type):
        _same_array(mine.to_numpy(zero_copy_only=False), its.to_numpy(zero_copy_only=False), layout=False)


def _dictionary(column: pa.ChunkedArray) -> list[Any]:
    return column.unify_dictionaries().chunk(0).dictionary.to_pylist() if column.num_chunks else []
