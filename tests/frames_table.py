"""Frames, series and arrays of every kind that people hand on, and how each is carried.

One table for the codecs by themselves and for the way through the store; it holds for pandas 2 and 3.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

from nbflow.model.xcom import Form

if TYPE_CHECKING:
    from collections.abc import Callable

A, P = Form.ARROW, Form.PICKLE
UNITS = ("s", "ms", "us", "ns")
NAIVE = dt.datetime(2026, 1, 1)
DAYS = pd.date_range("2026-01-01", periods=3, freq="D")
ROME = ZoneInfo("Europe/Rome")
STR = pd.StringDtype(na_value=np.nan)  # what pandas 3 makes of text


@dataclass(frozen=True)
class Case:
    """A value, made anew each time, and the form it is carried in."""

    name: str
    make: Callable[[], Any]
    form: Form


def frame(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame(columns)


def column(values: Any, dtype: Any = None) -> Callable[[], pd.DataFrame]:
    return lambda: pd.DataFrame({"x": pd.Series(values, dtype=dtype)})


def indexed(index: Any) -> Callable[[], pd.DataFrame]:
    return lambda: pd.DataFrame({"x": range(len(index))}, index=index)


def labelled(columns: Any) -> Callable[[], pd.DataFrame]:
    return lambda: pd.DataFrame([range(len(columns))], columns=columns)


def arrow(values: Any, kind: pa.DataType) -> Callable[[], pd.DataFrame]:
    return column(values, pd.ArrowDtype(kind))


def with_attrs(attrs: dict[Any, Any]) -> pd.DataFrame:
    made = frame(x=[1])
    made.attrs.update(attrs)
    return made


def with_freq(index: pd.DatetimeIndex) -> Callable[[], pd.DataFrame]:
    return indexed(index)


def masked_floats() -> pd.DataFrame:
    return pd.DataFrame({"x": pd.arrays.FloatingArray(np.array([np.nan, 1.0]), np.array([False, True]))})


PANDAS_DTYPES = [
    *(Case(t, column([1, 0, 3], t), A) for t in ("bool", "int8", "int16", "int32", "int64")),
    *(Case(t, column([1, 0, 3], t), A) for t in ("uint8", "uint16", "uint32", "uint64")),
    *(Case(t, column([1.5, np.nan, -0.0, np.inf, -np.inf], t), A) for t in ("float16", "float32", "float64")),
    Case("int64-extremes", column([2**63 - 1, -(2**63)], "int64"), A),
    Case("uint64-extremes", column([2**64 - 1, 0], "uint64"), A),
    Case("float64-extremes", column([5e-324, 1.7976931348623157e308, 0.1 + 0.2], "float64"), A),
    *(
        Case(f"datetime-{u}", column(["2026-01-01", None, "1677-09-22"], f"datetime64[{u}]"), A)
        for u in UNITS
    ),
    Case("datetime-far", column(np.array([-(10**15), 10**14], "M8[s]")), A),
    *(Case(f"timedelta-{u}", column([1, None, -1], f"timedelta64[{u}]"), A) for u in UNITS),
    *(Case(t, column([1, None, 0], t), A) for t in ("Int8", "Int16", "Int32", "Int64")),
    *(Case(t, column([1, None, 0], t), A) for t in ("UInt8", "UInt16", "UInt32", "UInt64")),
    *(Case(t, column([1, None, -0.0], t), A) for t in ("Float32", "Float64")),
    Case("masked-boolean", column([True, None, False], "boolean"), A),
    Case("masked-float-with-nan", masked_floats, P),
    Case("zone", column(["2026-01-01", None], "datetime64[us, Europe/Berlin]"), A),
    Case("zone-ns", column(["2026-07-01", None], "datetime64[ns, Asia/Kathmandu]"), A),
    Case(
        "zone-s-in-the-fold",
        column(pd.to_datetime([1761442200, 1761445800], unit="s").tz_localize("UTC").tz_convert(ROME)),
        A,
    ),
    Case("zone-utc", column(["2026-01-01", None], "datetime64[us, UTC]"), A),
    Case("zone-utc-of-zoneinfo", column(pd.to_datetime(["2026-01-01"]).tz_localize(ZoneInfo("UTC"))), A),
    Case("zone-fixed-offset", column(pd.to_datetime(["2026-01-01T00:00:00+05:00", None])), A),
    Case("zone-fixed-offset-west", column(pd.to_datetime(["2026-01-01T00:00:00-03:30"])), A),
    Case(
        "zone-offset-of-seconds",
        column(pd.to_datetime(["2026-01-01"]).tz_localize(dt.timezone(dt.timedelta(seconds=1)))),
        P,
    ),
    Case(
        "zone-named-offset",
        column(pd.to_datetime(["2026-01-01"]).tz_localize(dt.timezone(dt.timedelta(hours=1), "X"))),
        P,
    ),
    Case("big-endian", column(np.array([1, 2], ">i8")), P),
    Case("complex", column([1j, complex("nan")], "complex128"), P),
    Case("longdouble", column(np.array([1, 2], np.longdouble)), P),
    Case("str", column(["a", None, "추출\x00", ""], STR), A),
    Case("string-python", column(["a", None], pd.StringDtype("python")), A),
    Case("string-pyarrow", column(["a", None], pd.StringDtype("pyarrow")), A),
    Case("object-text", column(["a", None, "c"], object), A),
    Case("object-text-nan", column(["a", np.nan, "c"], object), A),
    Case("object-none-only", column([None, None], object), A),
    Case("object-nan-only", column([np.nan, np.nan], object), P),
    Case("object-na", column(["a", pd.NA], object), P),
    Case("object-nat", column([pd.NaT, pd.NaT], object), P),
    Case("object-four-kinds-of-missing", column(["a", None, np.nan, pd.NA, pd.NaT], object), P),
    Case("object-numpy-text", column([np.str_("a")], object), P),
    Case("object-dates", column([dt.date(2026, 1, 1), None], object), A),
    Case("object-datetimes", column([NAIVE, None], object), P),
    Case("object-datetime-and-date", column([dt.date(2026, 1, 1), NAIVE], object), P),
    Case("object-times", column([dt.time(6), None], object), P),
    Case("object-bytes", column([b"\x00\xff", b""], object), P),
    Case("object-decimals", column([Decimal("1.10"), Decimal("NaN")], object), P),
    Case("object-booleans", column([True, False, None], object), P),
    Case("object-integers", column([1, 2**70], object), P),
    Case("object-mixed", column(["a", 1, 2.5, [3], {"k": None}], object), P),
    Case("object-lists", column([[1], [2, None], None], object), P),
    Case("object-dicts", column([{"b": 1, "a": 2}], object), P),
    Case("object-arrays", column([np.array([1.0]), np.array([2, 3])], object), P),
    Case("object-lone-surrogate", column(["\ud800"], object), P),
    Case("category", column(["b", "a", None, "b"], pd.CategoricalDtype(["z", "b", "a"])), A),
    Case("category-ordered", column(["b", "a"], pd.CategoricalDtype(["b", "a"], ordered=True)), A),
    Case("category-integers", column([3, 1, 3], "category"), A),
    Case("category-object", column(["a"], pd.CategoricalDtype(pd.Index(["a"], dtype=object))), A),
    Case("category-dates", column(list(DAYS), "category"), P),
    Case("category-intervals", column(pd.cut([1, 5, 9], 3)), P),
    Case("category-empty", column([None, None], "category"), P),
    Case("category-of-200", column([f"c{n}" for n in range(200)], "category"), A),
    Case("period", column(["2026-01", None], "period[M]"), P),
    Case("interval", column([pd.Interval(0, 1, closed="left"), None], "interval"), P),
    Case("sparse", column([0, 0, 1], "Sparse[int64]"), P),
    Case("sparse-nan", column([np.nan, 1.0], "Sparse[float64]"), P),
    Case("arrow-int", column([1, None], "int64[pyarrow]"), A),
    Case("arrow-bool", column([True, None], "bool[pyarrow]"), A),
    Case("arrow-double", column([1.5, None], "double[pyarrow]"), A),
    Case("arrow-text", arrow(["a", None], pa.string()), A),
    Case("arrow-large-text", arrow(["a", None], pa.large_string()), A),
    Case("arrow-binary", arrow([b"\x00", None], pa.binary()), A),
    Case("arrow-decimal", arrow([Decimal("1.10"), None], pa.decimal128(10, 2)), A),
    Case("arrow-date", arrow([dt.date(2026, 1, 1), None], pa.date32()), A),
    Case("arrow-time", arrow([dt.time(6), None], pa.time64("us")), A),
    Case("arrow-duration", arrow([dt.timedelta(1), None], pa.duration("ms")), A),
    Case("arrow-timestamp", arrow([NAIVE, None], pa.timestamp("ms")), A),
    Case("arrow-timestamp-zone", arrow([None], pa.timestamp("ms", "Europe/Berlin")), A),
    Case("arrow-list", arrow([[1, None], None], pa.list_(pa.int64())), A),
    Case("arrow-struct", arrow([{"a": 1}, None], pa.struct([("a", pa.int64())])), A),
    Case("arrow-list-of-structs", arrow([[{"a": "b"}], []], pa.list_(pa.struct([("a", pa.string())]))), A),
    Case("arrow-map", arrow([[("a", 1)], None], pa.map_(pa.string(), pa.int64())), A),
    Case("arrow-dictionary", arrow(["a", "b", "a"], pa.dictionary(pa.int8(), pa.string())), A),
    Case("arrow-null", arrow([None, None], pa.null()), A),
]
PANDAS_SHAPES = [
    Case("no-rows", lambda: frame(a=[1], b=["x"]).iloc[:0], A),
    Case("no-columns", lambda: pd.DataFrame(index=[1, 2]), P),
    Case("nothing", pd.DataFrame, P),
    Case("no-rows-with-dates", lambda: pd.DataFrame({"x": [1, 2, 3]}, index=DAYS).iloc[:0], A),
    Case("range-from-5", indexed(pd.RangeIndex(5, 8)), A),
    Case("range-in-steps", lambda: frame(x=[1, 2, 3, 4]).iloc[::2], A),
    Case("range-backwards", lambda: frame(x=[1, 2, 3]).iloc[::-1], A),
    Case("range-named", indexed(pd.RangeIndex(3, name="n")), A),
    Case("index-of-numbers", lambda: frame(x=[1, 2]).set_axis([5, 3]), A),
    Case("index-of-floats", indexed(pd.Index([1.5, np.nan])), A),
    Case("index-of-booleans", indexed(pd.Index([True, False])), A),
    Case("index-of-int8", indexed(pd.Index([1, 2], dtype="int8")), A),
    Case("index-nullable", indexed(pd.Index([1, None], dtype="Int64")), A),
    Case("index-of-objects", indexed(pd.Index([1, "a", None], dtype=object)), P),
    Case("index-of-tuples", indexed(pd.Index([("a", 1), ("b", 2)], tupleize_cols=False)), P),
    Case("named-index", lambda: frame(k=["b", "a"], x=[1, 2]).set_index("k"), A),
    Case("index-named-as-a-column", lambda: frame(x=[1, 2]).set_axis(pd.Index([7, 8], name="x")), A),
    Case("index-with-a-number-for-name", lambda: frame(x=[1]).set_axis(pd.Index([7], name=0)), A),
    Case("index-with-a-numpy-name", lambda: frame(x=[1]).set_axis(pd.Index([7], name=np.int64(0))), P),
    Case("index-with-a-tuple-for-name", lambda: frame(x=[1]).set_axis(pd.Index([7], name=(1, 2))), P),
    Case("duplicate-index", lambda: frame(x=[1, 2]).set_axis([0, 0]), A),
    Case("dates-with-freq", indexed(DAYS), A),
    Case("dates-by-month-end", indexed(pd.date_range("2026-01-31", periods=3, freq="ME")), A),
    Case("dates-by-business-day", indexed(pd.bdate_range("2026-01-01", periods=5)), A),
    Case("dates-by-15-minutes", indexed(pd.date_range("2026-01-01", periods=3, freq="15min", unit="s")), A),
    Case("dates-without-freq", indexed(DAYS[[0, 2]]), A),
    Case("dates-one-with-freq", indexed(DAYS[:1]), A),
    Case("dates-with-zone", indexed(DAYS.tz_localize("Asia/Seoul")), A),
    Case(
        "dates-across-a-change-of-clocks",
        indexed(pd.date_range("2026-10-24", periods=3, freq="D", tz="Europe/Rome")),
        A,
    ),
    Case("timedeltas", indexed(DAYS - DAYS[0]), A),
    Case("timedeltas-by-hour", indexed(pd.timedelta_range("1h", periods=3, freq="h")), A),
    Case("category-index", indexed(pd.CategoricalIndex(["a"], ["b", "a"])), A),
    Case("period-index", indexed(pd.period_range("2026", periods=1)), P),
    Case("interval-index", indexed(pd.interval_range(0, 2)), P),
    Case("multi-index", lambda: frame(a=["x", "x", "y"], b=[2, 1, 2], v=[1, 2, 3]).set_index(["a", "b"]), A),
    Case("multi-index-unnamed", indexed(pd.MultiIndex.from_product([["a", "b"], [1, 2]])), A),
    Case("multi-index-with-dates", indexed(pd.MultiIndex.from_product([DAYS, [1, 2]], names=["d", None])), P),
    Case("multi-index-missing", indexed(pd.MultiIndex.from_tuples([("a", 1.0), (None, np.nan)])), A),
    Case(
        "multi-index-not-sorted", indexed(pd.MultiIndex(levels=[["b", "a"]], codes=[[0, 1]], names=["k"])), P
    ),
    Case(
        "multi-index-unused-levels",
        lambda: frame(a=["x", "y"], b=[1, 2], v=[1, 2]).set_index(["a", "b"]).iloc[1:],
        P,
    ),
    Case(
        "multi-index-of-categories",
        lambda: frame(a=pd.Categorical(["x", "y"]), b=[1, 2], v=[1, 2]).set_index(["a", "b"]),
        A,
    ),
    Case("grouped", lambda: frame(a=["x", "x"], b=[1, 2], v=[1, 2]).groupby(["a", "b"]).sum(), A),
    Case(
        "pivoted",
        lambda: frame(a=["x", "y"], b=[1, 2], v=[1, 2]).pivot_table(index="a", columns="b", values="v"),
        P,
    ),
    Case("described", lambda: frame(x=[1, 2, 3], y=[1.5, 2.5, 3.5]).describe(), A),
    Case("columns-duplicate", labelled(["a", "a"]), P),
    Case("columns-case-duplicate", labelled(["A", "a"]), A),
    Case("columns-numbered", lambda: pd.DataFrame([[1, 2]]), P),
    Case("columns-of-integers", labelled([10, 20]), P),
    Case("columns-mixed", labelled(["a", 1, None]), P),
    Case("columns-of-dates", labelled(DAYS), P),
    Case("columns-of-categories", labelled(pd.CategoricalIndex(["a", "b"])), P),
    Case("columns-in-levels", labelled(pd.MultiIndex.from_tuples([("a", "b"), ("a", "c")])), P),
    Case("columns-named", lambda: frame(x=[1]).rename_axis(columns="what"), A),
    Case("columns-of-objects", lambda: frame(x=[1]).set_axis(pd.Index(["x"], dtype=object), axis=1), A),
    Case("columns-in-any-script", labelled(["추출 ''\"", "", "ds", "value_id", "rowid", "c0", "try"]), A),
    Case("columns-many", lambda: pd.DataFrame(np.arange(300).reshape(1, -1)).add_prefix("c"), A),
    Case("rows-out-of-order", lambda: frame(x=[3, 1, 2], y=["c", "a", "b"]).sort_values("x"), A),
    Case("strided", lambda: pd.DataFrame(np.arange(12).reshape(3, 4), columns=list("abcd"))[["d", "a"]], A),
    Case("attrs-plain", lambda: with_attrs({"source": "sensor", "n": 1, "of": [1, {"a": None}]}), A),
    Case("attrs-beyond-json", lambda: with_attrs({"when": DAYS[0], 1: (2,)}), P),
    Case("flags", lambda: frame(x=[1]).set_flags(allows_duplicate_labels=False), P),
    Case("series", lambda: pd.Series([1.5, np.nan], name="x"), A),
    Case("series-unnamed", lambda: pd.Series(["a", None]), A),
    Case("series-empty", lambda: pd.Series([], dtype="float64", name="x"), A),
    Case("series-named-by-a-number", lambda: pd.Series([1], name=7), A),
    Case("series-named-by-a-tuple", lambda: pd.Series([1], name=("a", 1)), P),
    Case("series-named-by-a-date", lambda: pd.Series([1], name=DAYS[0]), P),
    Case("series-by-date", lambda: pd.Series([1, 2, 3], index=DAYS, name="x"), A),
    Case("series-named-as-its-index", lambda: pd.Series([1], name="a", index=pd.Index([1], name="a")), A),
    Case("series-of-levels", lambda: frame(a=[1, 1], b=["x", "y"]).groupby(["a", "b"]).size(), A),
    Case("series-of-categories", lambda: pd.Series(["a", "b"], dtype="category"), A),
    Case("series-with-attrs", lambda: with_attrs({"a": 1})["x"], A),
    Case("an-index", lambda: pd.Index(["a", "b"], name="k"), P),
    Case("a-range", lambda: pd.RangeIndex(3), P),
    Case("dates-alone", lambda: DAYS, P),
    Case("levels-alone", lambda: pd.MultiIndex.from_product([["a"], [1, 2]]), P),
    Case("an-array-of-pandas", lambda: pd.array([1, None], "Int64"), P),
]
PANDAS = PANDAS_DTYPES + PANDAS_SHAPES


def frozen(array: Any) -> Any:
    array.flags.writeable = False
    return array


def memmap() -> Any:
    with tempfile.TemporaryDirectory() as folder:
        return np.memmap(Path(folder) / "m", dtype="f8", mode="w+", shape=(3,))


NUMPY = [
    *(Case(t, lambda t=t: np.array([1, 0, 1], dtype=t), A) for t in ("bool", "int8", "int64", "uint8", "uint64")),
    *(Case(t, lambda t=t: np.array([1.5, np.nan, -0.0, np.inf], dtype=t), A) for t in ("float16", "float32", "float64")),
    *(Case(f"datetime-{u}", lambda u=u: np.array(["2026-01-01", "NaT"], dtype=f"M8[{u}]"), A) for u in UNITS),
    *(Case(f"datetime-{u}", lambda u=u: np.array(["2026-01-01", "NaT"], dtype=f"M8[{u}]"), P) for u in "YMWDhm"),
    Case("datetime-in-steps", lambda: np.array(["2026-01-01"], dtype="M8[25s]"), P),
    Case("timedelta", lambda: np.array([1, -2, "NaT"], dtype="m8[us]"), A),
    Case("timedelta-generic", lambda: np.array([1, 2], dtype="m8"), P),
    Case("strided", lambda: np.arange(10)[::3], A),
    Case("backwards", lambda: np.arange(10)[::-1], A),
    Case("empty", lambda: np.array([], dtype="f4"), A),
    Case("read-only", lambda: frozen(np.arange(6.0)), A),
    Case("a-million", lambda: np.arange(1_000_000), A),
    Case("matrix", lambda: np.arange(6.0).reshape(2, 3), P),
    Case("matrix-read-only", lambda: frozen(np.arange(6.0).reshape(2, 3)), P),
    Case("fortran", lambda: np.asfortranarray(np.arange(6).reshape(2, 3)), P),
    Case("three-dimensions-fortran", lambda: np.asfortranarray(np.arange(24).reshape(2, 3, 4)), P),
    Case("no-items", lambda: np.empty((0, 3)), P),
    Case("zero-dimensions", lambda: np.array(5), P),
    Case("text", lambda: np.array(["a", "bc"]), P),
    Case("text-of-any-length", lambda: np.array(["a", "bc"], dtype=np.dtypes.StringDType()), P),
    Case("bytes", lambda: np.array([b"a", b"bc"]), P),
    Case("objects", lambda: np.array([1, "a", None, np.nan, Decimal("1.1")], dtype=object), P),
    Case("big-endian", lambda: np.array([1, 2], dtype=">i4"), P),
    Case("records", lambda: np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]), P),
    Case("records-aligned", lambda: np.array([(1, 2.0)], dtype=np.dtype([("a", "i1"), ("b", "f8")], align=True)), P),
    Case("record-array", lambda: np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]).view(np.recarray), P),
    Case("complex", lambda: np.array([1j, -0.0]), P),
    Case("longdouble", lambda: np.array([1, 2], np.longdouble), P),
    Case("masked", lambda: np.ma.masked_array([1, 2], mask=[True, False], fill_value=7), P),
    Case("matrix-class", lambda: np.array([[1, 2]]).view(np.matrix), P),
    Case("memory-mapped", memmap, P),
    Case("with-metadata", lambda: np.array([1], dtype=np.dtype("i8", metadata={"unit": "m"})), P),
]  # fmt: skip

NESTED = pl.DataFrame({"x": [[{"a": 1, "b": "c"}], None, []]})


def polars(values: Any, dtype: Any = None) -> Callable[[], pl.DataFrame]:
    return lambda: pl.DataFrame({"x": pl.Series(values, dtype=dtype)})


POLARS = [
    Case("mixed", lambda: pl.DataFrame({"a": [1, None], "b": ["x", None], "A": [1.5, float("nan")]}), A),
    *(Case(t.__name__, polars([1, None, 0], t), A) for t in (pl.Int8, pl.Int16, pl.Int32, pl.Int64)),
    *(Case(t.__name__, polars([1, None, 0], t), A) for t in (pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64)),
    *(Case(t.__name__, polars([1.5, None, float("nan"), -0.0, float("inf")], t), A) for t in (pl.Float32, pl.Float64)),
    Case("Boolean", polars([True, None]), A),
    Case("String", polars(["a", None, "", "추출\x00"]), A),
    Case("Binary", polars([b"\x00", None, b""]), A),
    Case("Int128", polars([2**100], pl.Int128), P),
    Case("Date", polars([dt.date(2026, 1, 1), None]), A),
    Case("Time", polars([dt.time(6, 0, 0, 1), None]), A),
    *(Case(f"Duration-{u}", polars([dt.timedelta(days=-1), None], pl.Duration(u)), A) for u in ("ms", "us", "ns")),
    *(Case(f"Datetime-{u}", polars([NAIVE, None], pl.Datetime(u)), A) for u in ("ms", "us", "ns")),
    Case("Datetime-zone", lambda: pl.DataFrame({"x": pl.Series([NAIVE, None]).dt.replace_time_zone("Asia/Seoul")}), A),
    Case("Datetime-zone-ns", lambda: pl.DataFrame(schema={"d": pl.Datetime("ns", "Europe/Berlin")}), A),
    Case("Decimal", polars([Decimal("1.10"), None], pl.Decimal(10, 2)), A),
    Case("Categorical", polars(["b", "a", None], pl.Categorical), A),
    Case("Enum", polars(["b", None], pl.Enum(["c", "b"])), A),
    Case("Null", lambda: pl.DataFrame({"x": [None, None]}), A),
    Case("List", polars([[1, None], None, []]), A),
    Case("Array", polars([[1, 2], None], pl.Array(pl.Int64, 2)), A),
    Case("Struct", polars([{"a": 1, "b": None}, None]), A),
    Case("nested", lambda: NESTED, A),
    Case("List-of-Categorical", polars([["a"]], pl.List(pl.Categorical)), A),
    Case("no-rows", lambda: pl.DataFrame(schema={"a": pl.Int8, "b": pl.String}), A),
    Case("no-columns", pl.DataFrame, P),
    Case("case-duplicate-columns", lambda: pl.DataFrame({"a": [1], "A": ["x"]}), A),
    Case("columns-in-any-script", lambda: pl.DataFrame({"추출 ''\"": [1], "": [2], "ds": ["x"], "rowid": [1]}), A),
    Case("in-two-chunks", lambda: pl.concat([pl.DataFrame({"x": [1]}), pl.DataFrame({"x": [2]})], rechunk=False), A),
    Case("series", lambda: pl.Series("x", [1, None]), A),
    Case("series-unnamed", lambda: pl.Series(["a"]), A),
    Case("series-of-categories", lambda: pl.Series("c", ["b", "a"], dtype=pl.Categorical), A),
    Case("lazy", lambda: pl.DataFrame({"x": [1, 2]}).lazy().filter(pl.col("x") > 1), P),
]  # fmt: skip

META = pa.schema([pa.field("a", pa.int64(), nullable=False, metadata={"k": "v"})], metadata={"m": "n"})


def table(array: Any) -> Callable[[], pa.Table]:
    return lambda: pa.table({"a": array})


UNION = pa.UnionArray.from_dense(
    pa.array([0, 1], pa.int8()), pa.array([0, 0], pa.int32()), [pa.array([1]), pa.array(["x"])]
)
ARROW = [
    Case("mixed", lambda: pa.table({"a": [1, None], "b": ["x", None], "c": [1.5, float("nan")]}), A),
    Case("metadata", lambda: pa.table({"a": [1]}, schema=META), A),
    Case("metadata-of-pandas", lambda: pa.Table.from_pandas(frame(x=[1])), A),
    Case("duplicate-names", lambda: pa.table([[1], [2]], names=["a", "a"]), A),
    Case("case-duplicate-names", lambda: pa.table([[1], [2]], names=["a", "A"]), A),
    Case("chunks", lambda: pa.table({"a": pa.chunked_array([[1, 2], [], [3]])}), A),
    Case("sliced", lambda: pa.table({"a": list(range(10)), "b": list("abcdefghij")}).slice(3, 4), A),
    Case("dictionary", table(pa.array(["x", "y", None]).dictionary_encode()), A),
    Case("dictionary-ordered", table(pa.DictionaryArray.from_arrays([0, 1], ["b", "a"], ordered=True)), A),
    Case("dictionary-unused", table(pa.DictionaryArray.from_arrays(pa.array([1], pa.int8()), ["b", "a"])), A),
    Case("run-end", table(pa.RunEndEncodedArray.from_arrays([2, 3], [1, None])), A),
    Case("large-list", table(pa.array([[1], None], pa.large_list(pa.int64()))), A),
    Case("large-text", table(pa.array(["a", None], pa.large_string())), A),
    Case("large-binary", table(pa.array([b"a", None], pa.large_binary())), A),
    Case("text-view", table(pa.array(["x", "a text of more than twelve"], pa.string_view())), A),
    Case("binary-view", table(pa.array([b"x"], pa.binary_view())), A),
    Case("list-view", table(pa.array([[1], None], pa.list_view(pa.int64()))), A),
    Case("fixed-list", table(pa.array([[1, 2], None], pa.list_(pa.int64(), 2))), A),
    Case("fixed-binary", table(pa.array([b"ab", None], pa.binary(2))), A),
    Case("map", table(pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int64()))), A),
    Case("map-sorted", table(pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64(), keys_sorted=True))), A),
    Case("union", table(UNION), A),
    Case("struct-of-a-required-field", table(pa.array([{"a": 1}], pa.struct([pa.field("a", pa.int64(), nullable=False)]))), A),
    Case("null", table(pa.nulls(2)), A),
    Case("half-float", table(pa.array([np.float16(1.5), None])), A),
    Case("decimal-32", table(pa.array([Decimal("1.1")], pa.decimal32(5, 2))), A),
    Case("decimal-256", table(pa.array([Decimal("1.1")], pa.decimal256(50, 2))), A),
    Case("date-64", table(pa.array([NAIVE], pa.date64())), A),
    Case("interval", table(pa.array([pa.MonthDayNano([1, 2, 3])])), A),
    Case("zone", table(pa.array([NAIVE], pa.timestamp("ns", "+05:30"))), A),
    Case("extension", table(pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"0123456789abcdef"], pa.binary(16)))), P),
    Case("no-rows", META.empty_table, A),
    Case("no-columns", lambda: pa.table({}), P),
    Case("batch", lambda: pa.RecordBatch.from_pydict({"a": [1, 2]}), A),
    Case("batch-no-rows", lambda: pa.RecordBatch.from_pylist([], schema=META), A),
    Case("array", lambda: pa.array([1, None]), P),
    Case("chunked-array", lambda: pa.chunked_array([[1], [2]]), P),
    Case("schema", lambda: META, P),
]  # fmt: skip

LIBRARIES = {"pandas": PANDAS, "numpy": NUMPY, "polars": POLARS, "pyarrow": ARROW}
EVERY_CASE = [(f"{library}-{case.name}", case) for library, cases in LIBRARIES.items() for case in cases]
