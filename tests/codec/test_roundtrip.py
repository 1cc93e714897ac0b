"""What goes through a codec comes back exactly: same types, same structure, same content."""

from __future__ import annotations

import datetime as dt
import math
from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from nbflow.codec import decode, encode
from nbflow.model.xcom import Form, XComValue

if TYPE_CHECKING:
    from pathlib import Path

Pair = namedtuple("Pair", "left right")
J, P = Form.JSON, Form.PICKLE
ROME = ZoneInfo("Europe/Rome")
NAIVE = dt.datetime(2026, 2, 17, 6, 0, 0, 1)


@dataclass(frozen=True)
class Case:
    name: str
    value: Any
    form: Form
    kind: str | None = None
    text: str | None = None


shared_list: list[object] = [1]
deep: list[object] = []
for _ in range(200):
    deep = [deep]

PLAIN = [
    Case("none", None, J, "NoneType", "null"),
    Case("bool", True, J, "bool", "true"),
    Case("int", 42, J, "int", "42"),
    Case("big-int", 10**100, J, "int"),
    Case("int-beyond-the-limit-of-digits", 1 << 20_000, P),
    Case("float", 0.1 + 0.2, J, "float", "0.30000000000000004"),
    Case("minus-zero", -0.0, J, "float", "-0.0"),
    Case("infinity", -math.inf, J, "float", '"-inf"'),
    Case("nan", math.nan, J, "float", '"nan"'),
    Case("text-in-any-script", "추출 \x00 \n \U0001f600", J, "str"),
    Case("lone-surrogates", "\ud83d\ude00", P, "str"),
    Case(
        "dict-keeps-its-order",
        {"b": 1, "a": [None, {"c": 1.5}]},
        J,
        "dict",
        '{"b": 1, "a": [null, {"c": 1.5}]}',
    ),
    Case("empty-containers", {"a": [], "b": {}}, J),
    Case("int-keys", {1: "a"}, P, "dict"),
    Case("nan-inside", [1.0, math.nan], P),
    Case("tuple-inside", {"a": (1, 2)}, P),
    Case("true-is-not-one", [True, 1, 1.0], J),
    Case("very-deep", deep, P),
    Case("very-long", list(range(500_000)), P),
    Case("str-subclass", type("Name", (str,), {})("x"), P),
    Case("ordered-dict", OrderedDict(a=1), P),
    Case("named-tuple", Pair(1, 2), P),
    Case("tuple", (1, "a", [None]), J, "tuple", '[1, "a", [null]]'),
    Case("tuple-of-tuples", ((1,), (2,)), P),
    Case("set", {1, 2}, P, "set"),
    Case("bytes", b"\x00\xff", P, "bytes"),
    Case("complex", 1 + 2j, P),
]
SCALARS = [
    Case("date", dt.date(2026, 2, 17), J, "datetime.date", '"2026-02-17"'),
    Case("time", dt.time(6, 30, 0, 5), J, "datetime.time"),
    Case("naive-datetime", NAIVE, J, "datetime.datetime"),
    Case("naive-datetime-in-the-fold", NAIVE.replace(fold=1), P),
    Case("utc-datetime", dt.datetime(2026, 2, 17, tzinfo=dt.UTC), J, text='"2026-02-17T00:00:00+00:00"'),
    Case(
        "zoneinfo-datetime",
        dt.datetime(2026, 7, 1, tzinfo=ROME),
        J,
        text='"2026-07-01T00:00:00+02:00[Europe/Rome]"',
    ),
    Case("zoneinfo-datetime-in-the-fold", dt.datetime(2026, 10, 25, 2, 30, tzinfo=ROME, fold=1), J),
    Case("zoneinfo-utc", dt.datetime(2026, 2, 17, tzinfo=ZoneInfo("UTC")), J),
    Case("fixed-offset", dt.datetime(2026, 2, 17, tzinfo=dt.timezone(dt.timedelta(hours=5, minutes=30))), J),
    Case("named-offset", dt.datetime(2026, 2, 17, tzinfo=dt.timezone(dt.timedelta(hours=5), "IST")), P),
    Case("timedelta", dt.timedelta(days=1, microseconds=5), J, "datetime.timedelta", "86400.000005"),
    Case("negative-timedelta", dt.timedelta(microseconds=-1), J, text="-0.000001"),
    Case("longest-timedelta", dt.timedelta.max, J),
    Case("decimal", Decimal("1.10"), J, "decimal.Decimal", "1.10"),
    Case("decimal-exponent", Decimal("1E+5"), J),
    Case("decimal-nan", Decimal("NaN"), J, text='"NaN"'),
    Case("numpy-int", np.int64(-5), J, "numpy.int64", "-5"),
    Case("numpy-uint64", np.uint64(2**64 - 1), J, "numpy.uint64", "18446744073709551615"),
    Case("numpy-float", np.float64(0.1), J, "numpy.float64", "0.1"),
    Case("numpy-float32", np.float32(0.1), J, "numpy.float32"),
    Case("numpy-float16-nan", np.float16("nan"), J, text='"nan"'),
    Case("numpy-bool", np.bool_(True), J, text="true"),
    Case("numpy-longdouble", np.longdouble("0.1"), P),
    Case("numpy-complex", np.complex128(1j), P),
    Case("numpy-str", np.str_("a"), P),
    Case("numpy-datetime", np.datetime64("2026-02-17T01:02:03.000000004"), J, "numpy.datetime64[ns]"),
    Case("numpy-date", np.datetime64("2026-02-17"), J, "numpy.datetime64[D]"),
    Case("numpy-nat", np.datetime64("NaT", "s"), J),
    Case("numpy-datetime-in-steps", np.datetime64("2026-02-17T00:00", "25m"), P),
    Case("numpy-timedelta", np.timedelta64(5, "s"), P),
    Case("timestamp", pd.Timestamp("2026-02-17"), J, f"pandas.Timestamp[{pd.Timestamp('2026-02-17').unit}]"),
    Case("timestamp-ns", pd.Timestamp("2026-02-17T00:00:00.000000001"), J, "pandas.Timestamp[ns]"),
    Case("timestamp-s", pd.Timestamp("2026-02-17").as_unit("s"), J, "pandas.Timestamp[s]"),
    Case("timestamp-rome", pd.Timestamp("2026-07-01", tz=ROME), J),
    Case("timestamp-utc", pd.Timestamp("2026-07-01", tz="UTC"), J),
    Case("timestamp-in-the-fold", pd.Timestamp("2026-10-25T00:30:00Z").tz_convert(ROME), J),
    Case("timestamp-missing", pd.NaT, P),
]


def there_and_back(value: object, folder: Path) -> tuple[XComValue, Any]:
    encoded = encode("x", value, folder=folder, shared={}, namespace={})
    assert XComValue.from_json(encoded.to_json()) == encoded
    return encoded, decode(encoded, namespace={})


@pytest.mark.parametrize("case", PLAIN + SCALARS, ids=lambda case: case.name)
def test_single_values_come_back_exactly(case: Case, tmp_path: Path) -> None:
    encoded, back = there_and_back(case.value, tmp_path)
    assert encoded.form is case.form
    assert case.kind in (None, encoded.kind)
    assert case.text in (None, encoded.text)
    assert type(back) is type(case.value)
    if back is not case.value and not isinstance(back, list):
        assert repr(back) == repr(case.value) if not isinstance(back, int) else back == case.value
    if isinstance(back, dt.datetime) and back is not pd.NaT:
        assert (back.fold, back.tzinfo, type(back.tzinfo)) == (
            case.value.fold,
            case.value.tzinfo,
            type(case.value.tzinfo),
        )
        assert getattr(back, "unit", None) == getattr(case.value, "unit", None)
    if isinstance(back, dict):
        assert list(back) == list(case.value)
    assert len(encoded.preview) <= 200
    assert "\n" not in encoded.preview


def test_json_gives_true_one_and_one_point_nought_their_types(tmp_path: Path) -> None:
    back = there_and_back([True, 1, 1.0], tmp_path)[1]
    assert [type(item) for item in back] == [bool, int, float]


def test_one_list_at_two_places_stays_one_list(tmp_path: Path) -> None:
    inner = [1]
    encoded, back = there_and_back({"a": inner, "b": inner}, tmp_path)
    assert encoded.form is Form.PICKLE
    assert back["a"] is back["b"]


def test_a_list_that_holds_itself_comes_back(tmp_path: Path) -> None:
    loop: list[object] = []
    loop.append(loop)
    back = there_and_back(loop, tmp_path)[1]
    assert back[0] is back


def test_names_of_files_hold_any_key_apart(tmp_path: Path) -> None:
    keys = ["a/b", "a:b", "추출", "..", "x" * 300]
    paths = [encode(key, {1}, folder=tmp_path, shared={}, namespace={}).path for key in keys]
    assert len({path for path in paths if path and path.parent == tmp_path}) == len(keys)
