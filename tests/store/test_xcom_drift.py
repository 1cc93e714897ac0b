"""A key whose frames change from date to date: each run's frame comes back as it was, SQL sees all of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from exactness import assert_exact
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbflow.codec import decode, encode
from nbflow.model.run import RunKey, TaskKey
from nbflow.store import xcom_columns
from nbflow.store.xcom import TryXComs, XComStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def entry(value: object, day: int, folder: Path, *, number: int = 1) -> TryXComs:
    date = FIRST + timedelta(days=day)
    return TryXComs(
        key=TaskKey(RunKey("dag", f"{date:%Y-%m-%d}"), "task"),
        try_number=number,
        ds=f"{date:%Y-%m-%d}",
        token=f"{day} {number}",
        xcoms=(encode("x", value, folder=folder, shared={}, namespace={}),),
        at=date,
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[XComStore]:
    with XComStore.open(tmp_path) as opened:
        yield opened


def put_all(store: XComStore, values: Sequence[object], folder: Path) -> None:
    for day, value in enumerate(values):
        store.commit([entry(value, day, folder / "in")])
    store.show()


def all_come_back(store: XComStore, values: Sequence[object], folder: Path) -> None:
    for day, value in enumerate(values):
        date = FIRST + timedelta(days=day)
        found = store.get(TaskKey(RunKey("dag", f"{date:%Y-%m-%d}"), "task"), "x", folder=folder / "out")
        assert found is not None
        assert_exact(decode(found, namespace={}), value)


def sql(store: XComStore, query: str) -> list[Any]:
    return store._connection.cursor().execute(query).fetchall()


def moments(zone: str | None, unit: str = "us") -> pd.DataFrame:
    return pd.DataFrame({"n": pd.to_datetime(["2026-01-01"]).as_unit(unit).tz_localize(zone)})


def structs(values: list[Any]) -> pa.Table:
    return pa.table({"n": pa.array(values)})


@dataclass(frozen=True)
class Drift:
    """Frames of successive dates; what a column then shows, by date, and its type in SQL."""

    name: str
    values: list[object]
    shown: list[object]
    kind: str
    column: str = "n"


DRIFTS = [
    Drift("added", [pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [2], "n": [3]})], [None, 3], "BIGINT"),
    Drift("removed", [pd.DataFrame({"a": [1], "n": [2]}), pd.DataFrame({"a": [3]})], [2, None], "BIGINT"),
    Drift("reordered", [pd.DataFrame({"n": [1], "b": [2]}), pd.DataFrame({"b": [3], "n": [4]})], [1, 4], "BIGINT"),
    Drift("came-back", [pd.DataFrame({"n": [1]}), pd.DataFrame({"b": [2]}), pd.DataFrame({"n": [3]})], [1, None, 3], "BIGINT"),
    Drift("int-to-float", [pd.DataFrame({"n": [1]}), pd.DataFrame({"n": [1.5]})], [1.0, 1.5], "DOUBLE"),
    Drift("int-to-small-int", [pd.DataFrame({"n": [2**40]}), pd.DataFrame({"n": np.array([5], "i1")})], [2**40, 5], "BIGINT"),
    Drift("int-to-nullable", [pd.DataFrame({"n": [1]}), pd.DataFrame({"n": pd.array([None], "Int64")})], [1, None], "BIGINT"),
    Drift("int-to-missing", [pd.DataFrame({"n": [1, 2]}), pd.DataFrame({"n": [1, np.nan]})], [1.0, 2.0, 1.0, None], "DOUBLE"),
    Drift("int-to-unsigned", [pd.DataFrame({"n": [-1]}), pd.DataFrame({"n": np.array([2**64 - 1], "u8")})], [-1, 2**64 - 1], "HUGEINT"),
    Drift("int-to-text", [pd.DataFrame({"n": [1]}), pd.DataFrame({"n": ["a"]})], ["1", "a"], "VARCHAR"),
    Drift("int-to-bool", [pd.DataFrame({"n": [1]}), pd.DataFrame({"n": [True]})], ["1", "true"], "VARCHAR"),
    Drift("text-to-category", [pd.DataFrame({"n": ["a"]}), pd.DataFrame({"n": pd.Categorical(["b"])})], ["a", "b"], "VARCHAR"),
    Drift("text-to-dates", [pd.DataFrame({"n": ["2026-01-01"]}), moments(None)], ["2026-01-01", "2026-01-01 00:00:00"], "VARCHAR"),
    Drift("decimals", [structs([Decimal("1.10")]), structs([Decimal("1.123")])], [Decimal("1.100"), Decimal("1.123")], "DECIMAL(4,3)"),
    Drift("zone-to-zone", [moments("UTC"), moments("Asia/Seoul")], [datetime(2026, 1, 1), datetime(2025, 12, 31, 15)], "TIMESTAMP"),
    Drift("zone-to-none", [moments("Asia/Seoul"), moments(None)], [datetime(2025, 12, 31, 15), datetime(2026, 1, 1)], "TIMESTAMP"),
    Drift("unit-to-unit", [moments(None, "s"), moments(None, "ns")], [datetime(2026, 1, 1), datetime(2026, 1, 1)], "TIMESTAMP"),
    Drift("duration-to-int", [pd.DataFrame({"n": pd.to_timedelta([90], unit="s")}), pd.DataFrame({"n": [90]})], ["00:01:30", "90"], "VARCHAR"),
    Drift("struct-with-a-field-more", [structs([{"a": 1}]), structs([{"a": 1, "b": "c"}])], ["{'a': 1}", "{'a': 1, 'b': c}"], "VARCHAR"),
    Drift("list-to-list", [structs([[1]]), structs([["a"]])], ["[1]", "[a]"], "VARCHAR"),
    Drift("scalar-to-list", [structs([1]), structs([[1, 2]])], ["1", "[1, 2]"], "VARCHAR"),
    Drift("case", [pd.DataFrame({"n": [1]}), pd.DataFrame({"N": [2]})], [1, 2], "BIGINT"),
    Drift("pandas-to-polars", [pd.DataFrame({"n": ["a"]}), pl.DataFrame({"n": ["b"]})], ["a", "b"], "VARCHAR"),
    Drift("frame-to-number", [pd.DataFrame({"value": [1.5]}), 2], ["1.5", "2"], "VARCHAR", column="value"),
    Drift("frame-to-array", [pd.DataFrame({"value": [1]}), np.array([2])], [1, 2], "BIGINT", column="value"),
    Drift("frame-to-what-sql-has-not", [pd.DataFrame({"n": [1]}), {"a set"}], [1], "BIGINT"),
]  # fmt: skip


@pytest.mark.parametrize("case", DRIFTS, ids=lambda case: case.name)
def test_frames_that_change_are_united_in_sql_and_come_back_as_they_were(
    case: Drift, store: XComStore, tmp_path: Path
) -> None:
    put_all(store, case.values, tmp_path)
    rows = sql(store, f"SELECT {case.column} FROM dag.task__x ORDER BY ds")
    assert [row[0] for row in rows] == case.shown
    types = {name: kind for name, kind, *_ in sql(store, "DESCRIBE dag.task__x")}
    assert types[case.column] == case.kind
    all_come_back(store, case.values, tmp_path)


def test_one_table_holds_all_that_a_key_has_had(store: XComStore, tmp_path: Path) -> None:
    put_all(store, [case.values[0] for case in DRIFTS], tmp_path)
    tables = "SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE 'frame#_%' ESCAPE '#'"
    assert sql(store, tables) == [(1,)]


def test_kinds_of_frame_that_come_in_one_commit_are_all_stored(store: XComStore, tmp_path: Path) -> None:
    values = [pd.DataFrame({f"c{n}": range(n * 70_000)}) for n in range(4)]
    store.commit([entry(values[0], 0, tmp_path / "in")])
    store.commit(
        [
            entry(values[1], 0, tmp_path / "in", number=2),  # supersedes the first
            *(entry(value, day, tmp_path / "in") for day, value in enumerate(values) if day),
        ]
    )
    all_come_back(store, [values[1], *values[1:]], tmp_path)
    assert sql(store, "SELECT count(*), count(c3) FROM dag.task__x") == [(490_000, 210_000)]


def test_a_commit_that_fails_after_it_added_columns_leaves_none(store: XComStore, tmp_path: Path) -> None:
    good, wide = pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [1], "b": ["x"]})
    store.commit([entry(good, 0, tmp_path / "in")])
    bad = entry({1}, 2, tmp_path / "in")
    assert bad.xcoms[0].path is not None
    bad.xcoms[0].path.unlink()
    with pytest.raises(FileNotFoundError):
        store.commit([entry(wide, 1, tmp_path / "in"), bad])
    assert [row[0] for row in sql(store, "DESCRIBE dag.task__x")][4:] == ["a"]
    store.commit([entry(wide, 1, tmp_path / "in")])
    all_come_back(store, [good, wide], tmp_path)


def test_a_table_that_is_full_is_followed_by_another(
    store: XComStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xcom_columns, "_TABLE_LIMIT", 5)
    values = [pd.DataFrame({"same": [day], f"only{day}": [day]}) for day in range(12)]
    put_all(store, values, tmp_path)
    assert sql(store, "SELECT count(*), sum(same), max(only0), max(only11) FROM dag.task__x") == [
        (12, 66, 0, 11)
    ]
    all_come_back(store, values, tmp_path)


def test_two_hundred_kinds_of_frame_are_one_view(store: XComStore, tmp_path: Path) -> None:
    values = [pd.DataFrame({"same": [day], f"only{day}": [float(day)]}) for day in range(200)]
    store.commit([entry(value, day, tmp_path / "in") for day, value in enumerate(values)])
    assert sql(store, "SELECT count(*), sum(same), sum(only7), count(only199) FROM dag.task__x") == [
        (200, 19_900, 7.0, 1)
    ]
    assert sql(store, "SELECT same, only3 FROM dag.task__x WHERE ds = '2026-01-04'") == [(3, 3.0)]
    all_come_back(store, values[:3], tmp_path)


COLUMN = st.sampled_from(
    [
        lambda: [1, 2],
        lambda: [1.5, np.nan],
        lambda: ["a", None],
        lambda: pd.array([1, None], "Int64"),
        lambda: pd.to_datetime(["2026-01-01", None]),
        lambda: pd.Categorical(["a", "b"]),
        lambda: pd.to_timedelta([1, None], unit="s"),
        lambda: [True, False],
    ]
)
FRAME = st.dictionaries(st.sampled_from(["a", "A", "b", "ds", "c d"]), COLUMN, min_size=1)


@given(frames=st.lists(FRAME, min_size=1, max_size=5))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_whatever_follows_on_whatever_every_frame_comes_back(
    frames: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("drift")
    values = [pd.DataFrame({name: make() for name, make in columns.items()}) for columns in frames]
    with XComStore.open(folder) as store:
        put_all(store, values, folder)
        all_come_back(store, values, folder)
        assert sql(store, "SELECT count(*) FROM dag.task__x") == [(2 * len(values),)]
