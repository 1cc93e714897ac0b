"""Frames come out of DuckDB as they went in: types, nulls, order of rows, names of columns, metadata."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from nbflow.codec import decode, encode
from nbflow.model.run import RunKey, TaskKey
from nbflow.store.xcom import TryXComs, XComStore

if TYPE_CHECKING:
    from pathlib import Path

TASK = TaskKey(RunKey("dag", "2026-02-17T00:00:00Z"), "task")
LONG = 2**63 - 1


def bits(values: list[Any], kind: pa.DataType) -> pa.Array:
    width = pa.int32() if kind.bit_width == 32 else pa.int64()
    return pa.array(values, width).view(kind)


@dataclass(frozen=True)
class Column:
    """A column, and whether it lies in a native table (else in the Arrow file itself)."""

    name: str
    array: pa.Array
    native: bool = True


UNITS = ("s", "ms", "us", "ns")
ZONES = ("UTC", "Europe/Berlin", "+05:30")
STRUCT = pa.struct([("a", pa.int64()), ("b", pa.list_(pa.string()))])
COLUMNS = [
    Column("bool", pa.array([True, None, False])),
    *(
        Column(str(t), pa.array([0, None, 127], t))
        for t in (pa.int8(), pa.int16(), pa.int32(), pa.uint8(), pa.uint32())
    ),
    Column("int64", pa.array([LONG, -LONG - 1, None])),
    Column("uint64", pa.array([2**64 - 1, 0, None], pa.uint64())),
    Column("float16", pa.array([1.5, None, float("nan"), -0.0], pa.float16())),
    Column("float32", pa.array([0.1, None, float("nan"), -0.0], pa.float32())),
    Column("float64", pa.array([0.1, None, float("nan"), -0.0, float("-inf"), 5e-324])),
    Column("string", pa.array(["a", None, "", "\0x", "추출", "x" * 100_000])),
    Column("large-string", pa.array(["a", None], pa.large_string())),
    Column("binary", pa.array([b"a\0", None, b""])),
    Column("large-binary", pa.array([b"a"], pa.large_binary())),
    Column("date32", bits([0, None, -719_162, 2_932_896], pa.date32())),
    *(Column(f"timestamp-{u}", bits([0, 1, -1, None, LONG, -LONG], pa.timestamp(u))) for u in UNITS),
    *(
        Column(f"timestamp-{u}-{z}", bits([0, 1, -1, None, 10**15], pa.timestamp(u, z)))
        for u in UNITS
        for z in ZONES
    ),
    *(Column(f"duration-{u}", bits([0, 1, -1, None, LONG, -LONG], pa.duration(u))) for u in UNITS),
    *(Column(f"time-{u}", bits([0, None, 86_399], pa.time32(u))) for u in ("s", "ms")),
    *(Column(f"time-{u}", bits([0, None, 86_399_999_999], pa.time64(u))) for u in ("us", "ns")),
    *(Column(f"decimal-{p}", pa.array([Decimal("1.10"), None], pa.decimal128(p, 2))) for p in (4, 9, 18, 38)),
    Column("list", pa.array([[1, None], None, []])),
    Column("large-list", pa.array([["a"], None, []], pa.large_list(pa.string()))),
    Column("struct", pa.array([{"a": 1, "b": ["x", None]}, None, {"a": None, "b": None}], STRUCT)),
    Column("list-of-structs", pa.array([[{"a": 1, "b": []}, None], None], pa.list_(STRUCT))),
    Column("list-of-zoned", pa.array([[0]], pa.list_(pa.timestamp("ns", "UTC"))), native=False),
    Column("struct-with-case-twins", pa.array([{"a": 1, "A": 2}]), native=False),
    Column("fixed-size-list", pa.array([[1, 2], None], pa.list_(pa.int64(), 2)), native=False),
    Column("map", pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int64())), native=False),
    Column("date64", bits([86_400_000, None], pa.date64()), native=False),
    Column("interval", pa.array([pa.MonthDayNano([1, 2, 3])]), native=False),
    Column("decimal-256", pa.array([Decimal("1.10")], pa.decimal256(50, 2)), native=False),
    Column("decimal-negative-scale", pa.array([Decimal("1E+3")], pa.decimal128(5, -2)), native=False),
    Column("dictionary", pa.array(["b", "a", None]).dictionary_encode(), native=False),
    Column("null", pa.nulls(2), native=False),
    Column("string-view", pa.array(["a"], pa.string_view()), native=False),
    Column("fixed-size-binary", pa.array([b"ab", None], pa.binary(2)), native=False),
]


def through(store: XComStore, value: object, folder: Path, number: int = 1) -> Any:
    source, target = folder / f"in-{number}", folder / f"out-{number}"
    source.mkdir()
    target.mkdir()
    encoded = encode("x", value, folder=source, shared={}, namespace={})
    at = datetime(2026, 2, 17, tzinfo=UTC)
    token = f"token-{number}"
    store.commit(
        [TryXComs(key=TASK, try_number=number, ds="2026-02-17", token=token, xcoms=(encoded,), at=at)]
    )
    found = store.get(TASK, "x", folder=target)
    assert found is not None
    assert (found.form, found.kind, found.preview) == (encoded.form, encoded.kind, encoded.preview)
    return decode(found, namespace={})


def is_native(store: XComStore) -> bool:
    return (
        store._connection.cursor().execute("SELECT frame_id FROM nbflow.value").fetchall()[0][0] is not None
    )


def same_bits(left: pa.Table, right: pa.Table) -> bool:
    def ipc(table: pa.Table) -> bytes:
        sink = pa.BufferOutputStream()
        combined = table.combine_chunks()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(pa.concat_tables([combined.slice(0, 0), combined]).combine_chunks())
        return sink.getvalue().to_pybytes()

    return ipc(left) == ipc(right) or (
        left.equals(right) or repr(left.to_pylist()) == repr(right.to_pylist())
    )


@pytest.mark.parametrize("case", COLUMNS, ids=lambda case: case.name)
def test_every_arrow_type_comes_back_exactly(case: Column, tmp_path: Path) -> None:
    field = pa.field("Column ''\"", case.array.type, metadata={"k": "v"})
    table = pa.Table.from_arrays([case.array], schema=pa.schema([field], metadata={"m": "n"}))
    with XComStore.open(tmp_path) as store:
        back = through(store, table, tmp_path)
        assert is_native(store) is case.native
    back.validate(full=True)
    assert back.schema.equals(table.schema, check_metadata=True)
    assert same_bits(back, table)


def test_a_million_rows_keep_their_order_and_their_duplicates(tmp_path: Path) -> None:
    chance = random.Random(1)
    numbers = np.array([chance.randrange(1000) for _ in range(1_000_000)])
    table = pa.table({"n": numbers, "s": pa.array([f"row {n}" for n in numbers])})
    with XComStore.open(tmp_path) as store:
        assert through(store, table.slice(0, 1000), tmp_path, 1).equals(table.slice(0, 1000))
        assert through(store, table, tmp_path, 2).equals(table)
        assert through(store, table.slice(5, 300_000), tmp_path, 3).equals(table.slice(5, 300_000))


ROW_GROUP = 122_880


@pytest.mark.parametrize("rows", [ROW_GROUP - 1, ROW_GROUP, 2 * ROW_GROUP + 1, 1_000_000])
def test_frames_of_any_length_come_back_from_the_store_that_took_them(tmp_path: Path, rows: int) -> None:
    array = np.arange(rows)
    frame = pd.DataFrame({"n": array, "day": pd.Timestamp("2026-02-17", tz="UTC")})
    with XComStore.open(tmp_path) as store:
        for number in (1, 2, 3):
            back = through(store, frame if number < 3 else array, tmp_path, number)
            assert len(back) == rows
            assert np.array_equal(back if number == 3 else back["n"], array)
            assert is_native(store)
        shown = store._connection.cursor().execute("SELECT sum(try) FROM dag.task__x").fetchall()
    assert shown == [(3 * rows,)]


def test_metadata_is_each_frame_s_own_though_they_share_a_table(tmp_path: Path) -> None:
    with XComStore.open(tmp_path) as store:
        for number, rows in enumerate(([1, 2, 3], [4], [5, 6]), start=1):
            value = pd.DataFrame({"x": rows})
            value.attrs["n"] = number
            back = through(store, value, tmp_path, number)
            assert (back.attrs, list(back.index), list(back["x"])) == (
                {"n": number},
                list(range(len(rows))),
                rows,
            )
        tables = store._connection.cursor().execute("SELECT count(*) FROM nbflow.frame").fetchall()
    assert tables == [(1,)]


def test_rows_that_duckdb_refuses_are_kept_as_a_file(tmp_path: Path) -> None:
    not_text = pa.array([b"\xff\xfe"]).view(pa.string())
    with XComStore.open(tmp_path) as store:
        back = through(store, pa.table({"x": not_text}), tmp_path)
        assert not is_native(store)
    assert back["x"].combine_chunks().view(pa.binary()).to_pylist() == [b"\xff\xfe"]
