"""Frames, series and arrays come back exactly; Arrow carries what it can, pickle the rest."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal as assert_polars_equal

from nbflow.codec import decode, encode
from nbflow.model.xcom import Form

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

A, P = Form.ARROW, Form.PICKLE
ARROW_DECIMAL = pd.ArrowDtype(pa.decimal128(10, 2))
NAIVE = dt.datetime(2026, 1, 1)
DAYS = pd.date_range("2026-01-01", periods=3, freq="D")


@dataclass(frozen=True)
class Case:
    name: str
    make: Callable[[], Any]
    form: Form


def frame(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame(columns)


def column(values: list[Any], dtype: Any) -> Callable[[], pd.DataFrame]:
    return lambda: pd.DataFrame({"x": pd.Series(values, dtype=dtype)})


def with_attrs(attrs: dict[Any, Any]) -> pd.DataFrame:
    made = frame(x=[1])
    made.attrs.update(attrs)
    return made


DTYPES = [
    *(Case(f"pandas-{t}", column([1, 0, 3], t), A) for t in ("bool", "int8", "int64", "uint8", "uint64")),
    *(Case(f"pandas-{t}", column([1.5, np.nan, -0.0], t), A) for t in ("float16", "float32", "float64")),
    *(
        Case(f"pandas-datetime-{u}", column(["2026-01-01", None], f"datetime64[{u}]"), A)
        for u in ("s", "ms", "us", "ns")
    ),
    *(
        Case(f"pandas-timedelta-{u}", column([1, None], f"timedelta64[{u}]"), A)
        for u in ("s", "ms", "us", "ns")
    ),
    *(
        Case(f"pandas-{t}", column([1, None, 0], t), A)
        for t in ("Int8", "Int64", "UInt64", "boolean", "Float32")
    ),
    Case("pandas-zone", column(["2026-01-01", None], "datetime64[us, Europe/Berlin]"), A),
    Case("pandas-zone-ns", column(["2026-07-01", None], "datetime64[ns, Asia/Kathmandu]"), A),
    Case("pandas-utc", column(["2026-01-01", None], "datetime64[us, UTC]"), A),
    Case("pandas-fixed-offset", lambda: frame(x=pd.to_datetime(["2026-01-01T00:00:00+05:00"])), P),
    Case("pandas-big-endian", column([1, 2], ">i8"), P),
    Case("pandas-complex", column([1j], "complex128"), P),
    Case("pandas-str", column(["a", None, "추출\x00"], "str"), A),
    Case("pandas-string-python", column(["a", None], pd.StringDtype("python")), A),
    Case("pandas-string-pyarrow", column(["a", None], pd.StringDtype("pyarrow")), A),
    Case("pandas-object-text", column(["a", None, "c"], object), A),
    Case("pandas-object-text-nan", column(["a", np.nan, "c"], object), A),
    Case("pandas-object-none-only", column([None, None], object), A),
    Case("pandas-object-two-kinds-of-missing", column(["a", None, np.nan], object), P),
    Case("pandas-object-dates", column([dt.date(2026, 1, 1), None], object), A),
    Case("pandas-object-datetime-and-date", column([dt.date(2026, 1, 1), NAIVE], object), P),
    Case("pandas-object-mixed", column(["a", 1, 2.5, [3]], object), P),
    Case("pandas-object-decimals", column([Decimal("1.10")], object), P),
    Case("pandas-object-lone-surrogate", column(["\ud800"], object), P),
    Case("pandas-category", column(["b", "a", None, "b"], pd.CategoricalDtype(["z", "b", "a"])), A),
    Case("pandas-category-ordered", column(["b", "a"], pd.CategoricalDtype(["b", "a"], ordered=True)), A),
    Case("pandas-category-ints", column([3, 1, 3], "category"), A),
    Case("pandas-category-object", column(["a"], pd.CategoricalDtype(pd.Index(["a"], dtype=object))), A),
    Case("pandas-category-dates", column(list(DAYS), "category"), P),
    Case("pandas-category-empty", column([None, None], "category"), P),
    Case("pandas-period", column(["2026-01", None], "period[M]"), P),
    Case("pandas-interval", column([pd.Interval(0, 1)], "interval"), P),
    Case("pandas-sparse", column([0, 0, 1], "Sparse[int64]"), P),
    Case("pandas-arrow-int", column([1, None], "int64[pyarrow]"), A),
    Case("pandas-arrow-decimal", column([Decimal("1.10"), None], ARROW_DECIMAL), A),
    Case("pandas-arrow-list", column([[1, None], None], pd.ArrowDtype(pa.list_(pa.int64()))), A),
    Case("pandas-arrow-struct", column([{"a": 1}, None], pd.ArrowDtype(pa.struct([("a", pa.int64())]))), A),
    Case("pandas-arrow-timestamp", column([None], pd.ArrowDtype(pa.timestamp("ms", "Europe/Berlin"))), A),
]
STRUCTURES = [
    Case("no-rows", lambda: frame(a=[1], b=["x"]).iloc[:0], A),
    Case("no-columns", lambda: pd.DataFrame(index=[1, 2]), P),
    Case("nothing", pd.DataFrame, P),
    Case("range-index-in-steps", lambda: frame(x=[1, 2, 3, 4]).iloc[::2], A),
    Case("index-of-numbers", lambda: frame(x=[1, 2]).set_axis([5, 3]), A),
    Case("named-index", lambda: frame(k=["b", "a"], x=[1, 2]).set_index("k"), A),
    Case("index-named-as-a-column", lambda: frame(x=[1, 2]).set_axis(pd.Index([7, 8], name="x")), A),
    Case("index-with-a-number-for-name", lambda: frame(x=[1]).set_axis(pd.Index([7], name=0)), A),
    Case("index-with-a-tuple-for-name", lambda: frame(x=[1]).set_axis(pd.Index([7], name=(1, 2))), P),
    Case("dates-with-freq", lambda: pd.DataFrame({"x": [1, 2, 3]}, index=DAYS), A),
    Case("dates-without-freq", lambda: pd.DataFrame({"x": [1, 2]}, index=DAYS[[0, 2]]), A),
    Case("dates-with-zone", lambda: pd.DataFrame({"x": [1, 2, 3]}, index=DAYS.tz_localize("Asia/Seoul")), A),
    Case("timedeltas", lambda: pd.DataFrame({"x": [1, 2, 3]}, index=DAYS - DAYS[0]), A),
    Case("category-index", lambda: pd.DataFrame({"x": [1]}, index=pd.CategoricalIndex(["a"], ["b", "a"])), A),
    Case("period-index", lambda: pd.DataFrame({"x": [1]}, index=pd.period_range("2026", periods=1)), P),
    Case("multi-index", lambda: frame(a=["x", "x", "y"], b=[2, 1, 2], v=[1, 2, 3]).set_index(["a", "b"]), A),
    Case(
        "multi-index-unused-levels",
        lambda: frame(a=["x", "y"], b=[1, 2], v=[1, 2]).set_index(["a", "b"]).iloc[1:],
        P,
    ),
    Case("grouped", lambda: frame(a=["x", "x"], b=[1, 2], v=[1, 2]).groupby(["a", "b"]).sum(), A),
    Case("duplicate-index", lambda: frame(x=[1, 2]).set_axis([0, 0]), A),
    Case("duplicate-columns", lambda: pd.DataFrame([[1, 2]], columns=["a", "a"]), P),
    Case("case-duplicate-columns", lambda: pd.DataFrame([[1, "b"]], columns=["A", "a"]), A),
    Case("numbered-columns", lambda: pd.DataFrame([[1, 2]]), P),
    Case("multi-columns", lambda: pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", "b")])), P),
    Case("named-columns", lambda: frame(x=[1]).rename_axis(columns="what"), A),
    Case("object-columns", lambda: frame(x=[1]).set_axis(pd.Index(["x"], dtype=object), axis=1), A),
    Case(
        "names-in-any-script",
        lambda: pd.DataFrame({"추출 ''\"": [1], "": [2], "ds": ["x"], "nbflow_row": [1]}),
        A,
    ),
    Case("plain-attrs", lambda: with_attrs({"source": "sensor", "n": 1}), A),
    Case("attrs-beyond-json", lambda: with_attrs({"when": DAYS[0]}), P),
    Case("flags", lambda: frame(x=[1]).set_flags(allows_duplicate_labels=False), P),
    Case("many-columns", lambda: pd.DataFrame(np.arange(300).reshape(1, -1)).add_prefix("c"), A),
    Case("series", lambda: pd.Series([1.5, np.nan], name="x"), A),
    Case("series-unnamed", lambda: pd.Series(["a", None]), A),
    Case("series-named-by-a-number", lambda: pd.Series([1], name=7), A),
    Case("series-by-date", lambda: pd.Series([1, 2, 3], index=DAYS, name="x"), A),
    Case("series-named-as-its-index", lambda: pd.Series([1], name="a", index=pd.Index([1], name="a")), A),
]


@pytest.mark.parametrize("case", DTYPES + STRUCTURES, ids=lambda case: case.name)
def test_pandas_comes_back_exactly(case: Case, tmp_path: Path) -> None:
    value = case.make()
    encoded = encode("x", value, folder=tmp_path, shared={}, namespace={})
    back = decode(encoded, namespace={})
    assert encoded.form is case.form
    same_pandas(back, value)


def same_pandas(back: Any, value: Any) -> None:
    assert type(back) is type(value)
    check = (
        pd.testing.assert_frame_equal if isinstance(value, pd.DataFrame) else pd.testing.assert_series_equal
    )
    check(back, value, check_exact=True, check_freq=True, check_index_type="exact", check_flags=True)
    assert type(back.index) is type(value.index)
    assert back.index.names == value.index.names
    assert back.attrs == value.attrs
    if isinstance(value, pd.DataFrame):
        assert list(back.dtypes) == list(value.dtypes)
        assert (back.columns.dtype, back.columns.names) == (value.columns.dtype, value.columns.names)
        for place in range(value.shape[1]):
            if value.dtypes.iloc[place].kind == "O":
                old, new = value.iloc[:, place], back.iloc[:, place]
                assert [type(item) for item in new] == [type(item) for item in old]


def test_a_decoded_frame_can_be_changed(tmp_path: Path) -> None:
    value = pd.DataFrame({"i": [1, 2], "f": [1.0, 2.0], "n": pd.array([1, None], "Int64"), "d": DAYS[:2]})
    back: Any = decode(encode("x", value, folder=tmp_path, shared={}, namespace={}), namespace={})
    for name in value.columns:
        back.loc[0, name] = value.loc[1, name]
        back[name].to_numpy(copy=True)
    back["i"] += 1
    assert back["i"].tolist() == [3, 3]


def test_a_masked_float_keeps_nan_and_missing_apart(tmp_path: Path) -> None:
    value = pd.DataFrame({"x": pd.arrays.FloatingArray(np.array([np.nan, 1.0]), np.array([False, True]))})
    encoded = encode("x", value, folder=tmp_path, shared={}, namespace={})
    back: Any = decode(encoded, namespace={})
    assert encoded.form is Form.PICKLE
    assert back["x"].isna().tolist() == value["x"].isna().tolist()


ARRAYS = [
    *(
        Case(f"numpy-{t}", lambda t=t: np.array([1, 0, 1], dtype=t), A)
        for t in ("bool", "int8", "uint64", "float16")
    ),
    Case("numpy-float-nan", lambda: np.array([1.5, np.nan, -0.0, np.inf]), A),
    Case("numpy-datetime", lambda: np.array(["2026-01-01", "NaT"], dtype="M8[ns]"), A),
    Case("numpy-days", lambda: np.array(["2026-01-01", "NaT"], dtype="M8[D]"), P),
    Case("numpy-timedelta", lambda: np.array([1, 2], dtype="m8[us]"), A),
    Case("numpy-strided", lambda: np.arange(10)[::3], A),
    Case("numpy-empty", lambda: np.array([], dtype="f4"), A),
    Case("numpy-matrix", lambda: np.arange(6.0).reshape(2, 3), P),
    Case("numpy-fortran", lambda: np.asfortranarray(np.arange(6).reshape(2, 3)), P),
    Case("numpy-zero-dimensions", lambda: np.array(5), P),
    Case("numpy-text", lambda: np.array(["a", "bc"]), P),
    Case("numpy-objects", lambda: np.array([1, "a", None], dtype=object), P),
    Case("numpy-big-endian", lambda: np.array([1, 2], dtype=">i4"), P),
    Case("numpy-records", lambda: np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]), P),
    Case("numpy-complex", lambda: np.array([1j]), P),
    Case("numpy-masked", lambda: np.ma.masked_array([1, 2], mask=[True, False]), P),
]


@pytest.mark.parametrize("case", ARRAYS, ids=lambda case: case.name)
def test_numpy_arrays_come_back_exactly(case: Case, tmp_path: Path) -> None:
    value = case.make()
    encoded = encode("x", value, folder=tmp_path, shared={}, namespace={})
    back: Any = decode(encoded, namespace={})
    assert encoded.form is case.form
    assert type(back) is type(value)
    assert (back.dtype, back.shape) == (value.dtype, value.shape)
    assert back.tobytes() == value.tobytes() or value.dtype.hasobject
    assert back.tolist() == value.tolist() or value.dtype.kind in "fmM"
    assert back.flags.writeable
    assert back.flags.f_contiguous == value.flags.f_contiguous or value.ndim == 1


NESTED = pl.DataFrame({"x": [[{"a": 1, "b": "c"}], None, []]})
POLARS = [
    Case("polars", lambda: pl.DataFrame({"a": [1, None], "b": ["x", None], "A": [1.5, float("nan")]}), A),
    Case(
        "polars-numbers",
        lambda: pl.DataFrame(
            {t.__name__: pl.Series([1, None], dtype=t) for t in (pl.Int8, pl.UInt64, pl.Float32)}
        ),
        A,
    ),
    Case(
        "polars-times",
        lambda: pl.DataFrame({"d": [dt.date(2026, 1, 1)], "t": [dt.time(6)], "u": [dt.timedelta(1)]}),
        A,
    ),
    Case(
        "polars-zone",
        lambda: pl.DataFrame(schema={"d": pl.Datetime("ns", "Europe/Berlin"), "m": pl.Datetime("ms")}),
        A,
    ),
    Case("polars-nested", lambda: NESTED, A),
    Case(
        "polars-array", lambda: pl.DataFrame({"x": pl.Series([[1, 2], None], dtype=pl.Array(pl.Int64, 2))}), A
    ),
    Case("polars-binary", lambda: pl.DataFrame({"x": [b"\x00", None]}), A),
    Case(
        "polars-decimal",
        lambda: pl.DataFrame({"x": pl.Series([Decimal("1.10")], dtype=pl.Decimal(10, 2))}),
        A,
    ),
    Case(
        "polars-categorical",
        lambda: pl.DataFrame({"x": pl.Series(["b", "a", None], dtype=pl.Categorical)}),
        A,
    ),
    Case("polars-enum", lambda: pl.DataFrame({"x": pl.Series(["b", None], dtype=pl.Enum(["c", "b"]))}), A),
    Case("polars-null", lambda: pl.DataFrame({"x": [None, None]}), A),
    Case("polars-int128", lambda: pl.DataFrame({"x": pl.Series([2**100], dtype=pl.Int128)}), P),
    Case("polars-no-rows", lambda: pl.DataFrame(schema={"a": pl.Int8, "b": pl.String}), A),
    Case("polars-no-columns", pl.DataFrame, P),
    Case("polars-series", lambda: pl.Series("x", [1, None]), A),
    Case("polars-series-unnamed", lambda: pl.Series(["a"]), A),
]


@pytest.mark.parametrize("case", POLARS, ids=lambda case: case.name)
def test_polars_comes_back_exactly(case: Case, tmp_path: Path) -> None:
    value = case.make()
    encoded = encode("x", value, folder=tmp_path, shared={}, namespace={})
    back: Any = decode(encoded, namespace={})
    assert encoded.form is case.form
    assert type(back) is type(value)
    if isinstance(value, pl.Series):
        assert back.name == value.name
        back, value = back.to_frame(), value.to_frame()
    assert back.schema == value.schema
    assert_polars_equal(back, value, check_exact=True)


META = pa.schema([pa.field("a", pa.int64(), nullable=False, metadata={"k": "v"})], metadata={"m": "n"})
ARROW = [
    Case("arrow-table", lambda: pa.table({"a": [1, None], "b": ["x", None]}), A),
    Case("arrow-metadata", lambda: pa.table({"a": [1]}, schema=META), A),
    Case("arrow-duplicate-names", lambda: pa.table([[1], [2]], names=["a", "a"]), A),
    Case("arrow-dictionary", lambda: pa.table({"a": pa.array(["x", "y"]).dictionary_encode()}), A),
    Case("arrow-views", lambda: pa.table({"a": pa.array(["x"], pa.string_view())}), A),
    Case("arrow-no-rows", META.empty_table, A),
    Case("arrow-no-columns", lambda: pa.table({}), P),
    Case("arrow-batch", lambda: pa.RecordBatch.from_pydict({"a": [1, 2]}), A),
    Case("arrow-batch-no-rows", lambda: pa.RecordBatch.from_pylist([], schema=META), A),
    Case("arrow-array", lambda: pa.array([1, None]), P),
]


@pytest.mark.parametrize("case", ARROW, ids=lambda case: case.name)
def test_arrow_comes_back_exactly(case: Case, tmp_path: Path) -> None:
    value = case.make()
    encoded = encode("x", value, folder=tmp_path, shared={}, namespace={})
    back: Any = decode(encoded, namespace={})
    assert encoded.form is case.form
    assert type(back) is type(value)
    if not isinstance(value, pa.Array):
        assert back.schema.equals(value.schema, check_metadata=True)
    assert back.equals(value)


def frozen(array: Any) -> Any:
    array.flags.writeable = False
    return array


ARRAYS = {
    "plain": np.arange(6.0),
    "read-only": frozen(np.arange(6.0)),
    "read-only-matrix": frozen(np.arange(6.0).reshape(2, 3)),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "c-order": np.arange(6.0).reshape(2, 3),
    "three-dimensions-fortran": np.asfortranarray(np.arange(24).reshape(2, 3, 4)),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_keep_their_order_and_whether_they_can_be_written(name: str, tmp_path: Path) -> None:
    array = ARRAYS[name]
    back: Any = decode(encode("x", array, folder=tmp_path, shared={}), namespace={})
    assert np.array_equal(back, array)
    assert back.strides == array.strides
    assert (back.flags.writeable, back.flags.f_contiguous) == (
        array.flags.writeable,
        array.flags.f_contiguous,
    )
