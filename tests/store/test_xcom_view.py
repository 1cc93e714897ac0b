"""The views: what people see in SQL."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from nbflow.codec import encode
from nbflow.model.run import RunKey, TaskKey
from nbflow.store.xcom import TryXComs, XComStore

if TYPE_CHECKING:
    from pathlib import Path


class Home:
    def __init__(self, path: Path, store: XComStore) -> None:
        self.path = path
        self.store = store
        self.count = 0

    def put(
        self,
        value: object,
        *,
        dag: str = "flights",
        task: str = "clean",
        key: str = "df",
        day: int = 1,
        **place: int,
    ) -> TaskKey:
        self.count += 1
        folder = self.path / f"{self.count}"
        folder.mkdir()
        ds = f"2026-01-{day:02}"
        task_key = TaskKey(RunKey(dag, f"{ds}T00:00:00Z"), task, place.get("map_index", -1))
        value = encode(key, value, folder=folder, shared={}, namespace={})
        number = place.get("number", 1)
        at = datetime(2026, 1, 1, tzinfo=UTC)
        entry = TryXComs(key=task_key, try_number=number, ds=ds, token=f"{self.count}", xcoms=(value,), at=at)
        self.store.commit([entry])
        self.store.show()
        return task_key

    def sql(self, query: str) -> list[Any]:
        return self.store._connection.cursor().execute(query).fetchall()

    def columns(self, view: str) -> dict[str, str]:
        return {row[0]: row[1] for row in self.sql(f"DESCRIBE {view}")}


@pytest.fixture
def home(tmp_path: Path) -> Any:
    with XComStore.open(tmp_path) as store:
        yield Home(tmp_path, store)


def rows(*numbers: int) -> pd.DataFrame:
    return pd.DataFrame({"n": numbers})


def test_a_view_shows_the_current_try_of_each_run(home: Home) -> None:
    home.put(rows(1, 2), day=1)
    home.put(rows(3), day=2)
    home.put(rows(4, 4), day=2, number=2)
    gone = home.put(rows(9), day=3)
    home.store.forget([gone])
    found = home.sql("SELECT ds, run_id, map_index, try, n FROM flights.clean__df ORDER BY ds, n")
    assert found == [
        ("2026-01-01", "2026-01-01T00:00:00Z", -1, 1, 1),
        ("2026-01-01", "2026-01-01T00:00:00Z", -1, 1, 2),
        ("2026-01-02", "2026-01-02T00:00:00Z", -1, 2, 4),
        ("2026-01-02", "2026-01-02T00:00:00Z", -1, 2, 4),
    ]


def test_instances_of_a_mapped_task_are_rows_of_one_view(home: Home) -> None:
    for index in range(3):
        home.put(rows(index), map_index=index)
    assert home.sql("SELECT map_index, n FROM flights.clean__df ORDER BY n") == [(0, 0), (1, 1), (2, 2)]


def test_numbers_and_dicts_can_be_queried(home: Home) -> None:
    for day in (1, 2, 3):
        home.put(day * 1.5, day=day, key="mean")
        home.put({"a": {"b": day}}, day=day, task="sums", key="return_value")
    assert home.sql("SELECT sum(value::DOUBLE) FROM flights.clean__mean") == [(9.0,)]
    assert home.sql("SELECT sum((value->'a'->>'b')::INT), any_value(kind) FROM flights.sums") == [(6, "dict")]


def test_a_numpy_array_is_a_column(home: Home) -> None:
    home.put(np.array([1.0, 2.0]), key="a")
    assert home.sql("SELECT value FROM flights.clean__a ORDER BY value") == [(1.0,), (2.0,)]


def test_columns_that_change_are_united_by_name(home: Home) -> None:
    home.put(rows(1), day=1)
    home.put(pd.DataFrame({"extra": ["x"], "N": [2]}), day=2)
    assert home.sql("SELECT ds, n, extra FROM flights.clean__df ORDER BY ds") == [
        ("2026-01-01", 1, None),
        ("2026-01-02", 2, "x"),
    ]


@dataclass(frozen=True)
class Conflict:
    name: str
    values: list[object]
    shown: list[object]
    kind: str
    column: str = "n"
    key: str = field(default="df")


STAMPS = pd.to_datetime(["2026-01-01"])
CONFLICTS = [
    Conflict("int-and-float", [rows(1), pd.DataFrame({"n": [1.5]})], [1.0, 1.5], "DOUBLE"),
    Conflict("number-and-text", [rows(1), pd.DataFrame({"n": ["a"]})], ["1", "a"], "VARCHAR"),
    Conflict(
        "text-of-two-kinds",
        [pd.DataFrame({"n": pd.Series(["a"], dtype=t)}) for t in (object, "str")],
        ["a", "a"],
        "VARCHAR",
    ),
    Conflict(
        "moments-of-two-units",
        [pd.DataFrame({"n": STAMPS.as_unit("s")}), pd.DataFrame({"n": STAMPS.as_unit("ns")})],
        [datetime(2026, 1, 1), datetime(2026, 1, 1)],
        "TIMESTAMP",
    ),
    Conflict(
        "frame-and-number", [pd.DataFrame({"value": [1.5]}), 2], ["1.5", "2"], "VARCHAR", column="value"
    ),
]


@pytest.mark.parametrize("case", CONFLICTS, ids=lambda case: case.name)
def test_types_that_do_not_fit_are_shown_as_one_that_holds_them(home: Home, case: Conflict) -> None:
    for day, value in enumerate(case.values, start=1):
        home.put(value, day=day)
    assert [
        row[0] for row in home.sql(f"SELECT {case.column} FROM flights.clean__df ORDER BY ds")
    ] == case.shown
    assert home.columns("flights.clean__df")[case.column] == case.kind


def test_a_frame_s_own_columns_keep_their_names(home: Home) -> None:
    home.put(pd.DataFrame({"ds": ["mine"], "_ds": ["too"], "a": [1], "A": [2], "": [3]}))
    assert home.sql("SELECT __ds, ds, _ds, a, A_2, column_4, try FROM flights.clean__df") == [
        ("2026-01-01", "mine", "too", 1, 2, 3, 1)
    ]


def test_zones_and_durations_are_shown_in_utc_and_as_intervals(home: Home) -> None:
    moment = pd.to_datetime(["2026-01-01T09:00:00"]).tz_localize("Asia/Seoul")
    home.put(pd.DataFrame({"seen": moment, "took": pd.to_timedelta([90], unit="s")}))
    found = home.sql("SELECT seen::VARCHAR, took::VARCHAR FROM flights.clean__df")
    assert found == [("2026-01-01 00:00:00", "00:01:30")]


@dataclass(frozen=True)
class Named:
    name: str
    dag: str
    task: str
    key: str
    view: str


NAMES = [
    Named("spaces-and-quotes", 'my "dag"', "it's a task", "a b", '"my ""dag"""."it\'s a task__a b"'),
    Named("any-script", "추출", "задача", "データ", '"추출"."задача__データ"'),
    Named("braces", "{x}", "{0}", "{}", '"{x}"."{0}__{}"'),
    Named("reserved-schema", "main", "t", "k", "main_2.t__k"),
    Named("own-schema", "nbflow", "t", "k", "nbflow_2.t__k"),
    Named("as-the-file", "xcom", "t", "k", "xcom_2.t__k"),
    Named("return-value", "d", "select", "return_value", 'd."select"'),
]


@pytest.mark.parametrize("case", NAMES, ids=lambda case: case.name)
def test_any_name_is_quoted(home: Home, case: Named) -> None:
    home.put(rows(7), dag=case.dag, task=case.task, key=case.key)
    assert home.sql(f"SELECT n FROM {case.view}") == [(7,)]
    assert [row.key for row in home.store.list_values(case.dag)] == [case.key]


def test_names_that_duckdb_cannot_tell_apart_get_a_number(home: Home) -> None:
    home.put(rows(1), dag="Flights", task="T", key="k")
    home.put(rows(2), dag="flights", task="t", key="k")
    home.put(rows(3), dag="flights", task="T", key="k")
    home.put(rows(4), dag="flights", task="t__k", key="return_value")
    shown = [
        home.sql(f"SELECT n FROM {view}")[0][0]
        for view in ("flights.t__k", "flights_2.t__k", "flights_2.t__k_2", "flights_2.t__k_3")
    ]
    assert shown == [1, 2, 3, 4]
