"""One pandas column as an Arrow array, and what it takes to rebuild it exactly.

An allow-list: a dtype that is not named here is not carried by Arrow. Missing values become nulls,
so that SQL skips them; each dtype has one kind of missing value to give back.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from nbflow.codec.zone import zone_of, zone_spec

if TYPE_CHECKING:
    from collections.abc import Mapping

Spec = dict[str, Any]
"""How to rebuild a column: plain JSON types with one of the keys numpy, zone, masked, string, arrow,
category, object."""

_UNITS = ("s", "ms", "us", "ns")
_NUMPY = frozenset(
    {"bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"}
    | {"float16", "float32", "float64"}
    | {f"{kind}64[{unit}]" for kind in ("datetime", "timedelta") for unit in _UNITS}
)
_MASKED = frozenset(
    {"Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64"}
    | {"Float32", "Float64", "boolean"}
)


def write_column(values: Any) -> tuple[pa.ChunkedArray, Spec] | None:  # noqa: ANN401 (any pandas array)
    """The values of a Series' or Index' `.array` in Arrow; None where Arrow would not be exact."""
    if type(values) is pd.arrays.NumpyExtensionArray:
        values = values.to_numpy()
    dtype = values.dtype
    try:
        found = _write(values, dtype)
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        return None
    if found is None:
        return None
    array, spec = found
    column = array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])
    again = read_column(column.slice(0, 0), spec).dtype
    return (column, spec) if again == dtype and type(again) is type(dtype) else None


def read_column(column: pa.ChunkedArray, spec: Mapping[str, Any]) -> pd.Series[Any]:
    """The inverse of `write_column`, with the default index and no name."""
    if "numpy" in spec:
        return pd.Series(column.to_numpy(), dtype=np.dtype(spec["numpy"]), copy=True)
    if "zone" in spec:
        return _read_zone(column, spec)
    if "category" in spec:
        return _read_category(column, spec)
    if "object" in spec:
        return _read_object(column, spec)
    dtype: Any
    if "masked" in spec:
        dtype = pd.api.types.pandas_dtype(spec["masked"])
    elif "string" in spec:
        dtype = _string_dtype(spec)
    else:
        dtype = pd.ArrowDtype(column.type)
    return pd.Series(dtype.__from_arrow__(column), dtype=dtype)


def _write(values: Any, dtype: Any) -> tuple[pa.Array | pa.ChunkedArray, Spec] | None:  # noqa: ANN401
    if isinstance(dtype, np.dtype):
        if dtype.kind == "O":
            return _write_object(np.asarray(values, dtype=object))
        if str(dtype) not in _NUMPY or not dtype.isnative:
            return None
        return pa.array(np.asarray(values), from_pandas=True), {"numpy": str(dtype)}
    if isinstance(dtype, pd.DatetimeTZDtype):
        return _write_zone(values, dtype)
    if isinstance(dtype, pd.CategoricalDtype):
        return _write_category(values, dtype)
    if isinstance(dtype, pd.StringDtype):
        return pa.array(values), _string_spec(dtype)
    if isinstance(dtype, pd.ArrowDtype):
        return pa.array(values), {"arrow": str(dtype.pyarrow_dtype)}
    if str(dtype) in _MASKED:
        if dtype.kind == "f" and np.isnan(values.to_numpy(np.float64, na_value=0.0)).any():
            return None  # pandas would write its NaN as null
        return pa.array(values), {"masked": str(dtype)}
    return None


def _string_spec(dtype: pd.StringDtype) -> Spec:
    missing = "NA" if dtype.na_value is pd.NA else "nan"
    return {"string": dtype.storage, "missing": missing}


def _string_dtype(spec: Mapping[str, Any]) -> pd.StringDtype:
    if spec["missing"] == "NA":
        return pd.StringDtype(spec["string"])
    return pd.StringDtype(spec["string"], na_value=np.nan)


def _write_zone(values: Any, dtype: pd.DatetimeTZDtype) -> tuple[pa.Array, Spec] | None:  # noqa: ANN401
    spec = zone_spec(dtype.tz)
    if spec is None:
        return None
    naive = pa.array(values.tz_convert(None).to_numpy())
    return naive.view(pa.timestamp(dtype.unit, tz=spec["zone"])), spec


def _read_zone(column: pa.ChunkedArray, spec: Mapping[str, Any]) -> pd.Series[Any]:
    naive = pd.Series(column.cast(pa.timestamp(column.type.unit)).to_numpy(), copy=True)
    return naive.dt.tz_localize(dt.UTC).dt.tz_convert(zone_of(spec))


def _write_object(values: np.ndarray[Any, Any]) -> tuple[pa.Array | pa.ChunkedArray, Spec] | None:
    kinds = set(map(type, values))
    some = kinds - {type(None)}
    if some <= {str}:
        return pa.array(values, type=pa.string()), {"object": "str", "missing": "None"}
    if some == {dt.date}:
        return pa.array(values, type=pa.date32()), {"object": "date", "missing": "None"}
    if kinds == {str, float} and all(item != item for item in values if type(item) is float):  # noqa: PLR0124 (NaN)
        return pa.array(values, type=pa.string(), from_pandas=True), {"object": "str", "missing": "nan"}
    return None


def _read_object(column: pa.ChunkedArray, spec: Mapping[str, Any]) -> pd.Series[Any]:
    values = np.empty(len(column), dtype=object)
    values[:] = column.to_pylist()
    if spec["missing"] == "nan":
        values[column.is_null().to_numpy()] = np.nan
    return pd.Series(values, dtype=object)


def _write_category(values: Any, dtype: pd.CategoricalDtype) -> tuple[pa.Array, Spec] | None:  # noqa: ANN401
    categories = dtype.categories
    if categories is None or categories.name is not None or type(categories) is not pd.Index:
        return None
    written = write_column(categories.array)
    if written is None or written[0].null_count:
        return None
    names, spec = written
    if not (
        pa.types.is_string(names.type) or pa.types.is_large_string(names.type) or names.type == pa.int64()
    ):
        return None
    codes = np.asarray(values.codes)
    array = pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes == -1), names.combine_chunks())
    listed = {"category": names.to_pylist(), "of": spec, "ordered": bool(dtype.ordered)}
    return array.dictionary_decode(), listed


def _read_category(column: pa.ChunkedArray, spec: Mapping[str, Any]) -> pd.Series[Any]:
    names = pa.array(spec["category"], type=column.type)
    categories = pd.Index(read_column(pa.chunked_array([names]), spec["of"]))
    codes = pc.call_function("index_in", [column], pc.SetLookupOptions(names)).fill_null(-1).to_numpy()
    dtype = pd.CategoricalDtype(categories, ordered=spec["ordered"])
    return pd.Series(pd.Categorical.from_codes(codes, dtype=dtype))
