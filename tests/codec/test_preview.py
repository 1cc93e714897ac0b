from __future__ import annotations

import datetime as dt
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from nbflow.codec.preview import preview


class Loud:
    def __repr__(self) -> str:
        raise AssertionError("asked for its repr")


@dataclass(frozen=True)
class Case:
    name: str
    value: object
    line: str


FRAME = {"year": [2013], "month": [1], "day": [1]}
CASES = [
    Case("int", 42, "42"),
    Case("text", "abc", "'abc'"),
    Case("lines", "a\nb", r"'a\nb'"),
    Case("huge-int", 1 << 20_000, "an integer of 20001 bits"),
    Case("list", [1, "a", None], "[1, 'a', None]"),
    Case("long-list", list(range(100)), "[0, 1, 2, 3, 4, 5, 6, 7, … 100 in all]"),
    Case("dict", {"a": {"b": [1]}}, "{'a': {'b': [1]}}"),
    Case("set", {1}, "{1}"),
    Case("empty-set", set(), "set()"),
    Case("one-tuple", (1,), "(1,)"),
    Case("date", dt.date(2026, 2, 17), "2026-02-17"),
    Case("frame", pd.DataFrame(FRAME), "DataFrame 1 × 3: year, month, day"),
    Case("polars", pl.DataFrame(FRAME), "DataFrame 1 × 3: year, month, day"),
    Case("arrow", pa.table(FRAME), "Table 1 × 3: year, month, day"),
    Case("batch", pa.RecordBatch.from_pydict(FRAME), "RecordBatch 1 × 3: year, month, day"),
    Case("wide", pd.DataFrame(np.zeros((2, 12))), "DataFrame 2 × 12: 0, 1, 2, 3, 4, 5, 6, 7, …"),
    Case("series", pd.Series([1], name="n"), "Series 1, int64: n"),
    Case("array", np.zeros((3, 4)), "ndarray 3 × 4 float64"),
    Case("numpy-scalar", np.float64(1.5), "1.5"),
    Case(
        "labels-that-fail",
        pd.DataFrame([[1]], columns=pd.Index([Loud()], dtype=object)),
        "<pandas.DataFrame>",
    ),
    Case("grouped", pd.DataFrame(FRAME).groupby("year"), "<pandas.DataFrameGroupBy>"),
    Case("object", Loud(), "<test_preview.Loud>"),
    Case("object-inside", [Loud()], "[<test_preview.Loud>]"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_preview_is_one_short_line(case: Case) -> None:
    assert preview(case.value).replace(__name__, "test_preview") == case.line


def test_a_preview_has_at_most_200_characters() -> None:
    assert len(preview(["x" * 150] * 5)) == 200


def test_the_codec_imports_no_library_of_frames() -> None:
    code = (
        "import sys, nbflow.codec; "
        "print([m for m in ('pandas', 'polars', 'numpy', 'pyarrow', 'cloudpickle') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
