"""People's SQL over a project, and its results as files."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from asked_home import AskedHome, asked_home

from nbflow.errors import AddressError, OptionError, SqlError
from nbflow.service.serving import owned_xcoms
from nbflow.service.sql import ask, asked_tables, table_of
from nbflow.service.sql_file import check_name, json_rows, write_file
from nbflow.store.home import Home
from nbflow.store.xcom import XComStore

if TYPE_CHECKING:
    from pathlib import Path

ODD = (
    "SELECT 1 n, 2.5 x, 'a,\"b\"' s, NULL nothing, DATE '2026-01-01' d, [1, NULL] l, {'a': 'ä'} m, "
    "TIMESTAMPTZ '2026-01-01 12:00+09' t, 'ab'::BLOB b, 'nan'::DOUBLE nan, sum(i) total FROM range(4) r(i)"
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> AskedHome:
    made = asked_home(tmp_path_factory.mktemp("project"))
    with XComStore.open(made.home.root) as store:
        for day in (1, 2):
            made.hand_on(store, pa.table({"n": [day] * 3}), day=day)
    made.add_runs(1, 2)
    return made


def test_a_query_over_all_dates_with_and_without_an_owner(made: AskedHome) -> None:
    sql = "SELECT ds, sum(n) total, any_value(state) state FROM xcom.flights.clean__df JOIN runs USING (run_id, ds) GROUP BY ds ORDER BY ds"
    expected = [
        {"ds": "2026-01-01", "total": 3, "state": "success"},
        {"ds": "2026-01-02", "total": 6, "state": "success"},
    ]
    assert ask(made.home, sql, table_of).to_pylist() == expected
    with owned_xcoms(made.home) as xcoms:
        assert ask(made.home, sql, table_of).to_pylist() == expected
        made.hand_on(xcoms, pa.table({"n": [1]}), day=3, task="later")
        assert [table.name for table in asked_tables(made.home)] == [
            "xcom.flights.clean__df",
            "xcom.flights.later__df",
            "runs",
            "task_instances",
        ]


def test_columns_of_one_name_get_numbers(made: AskedHome) -> None:
    found = ask(made.home, "SELECT 1 n, 2 n, 3 n_1, 4 n", table_of)
    assert found.to_pylist() == [{"n": 1, "n_1": 2, "n_1_1": 3, "n_2": 4}]


def test_a_project_without_runs_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(AddressError, match=r"knows no runs yet.*nbflow run NOTEBOOK\.ipynb"):
        ask(Home(tmp_path / ".nbflow", tmp_path), "SELECT 1", table_of)
    assert list(tmp_path.iterdir()) == []


def test_no_time_is_refused(made: AskedHome) -> None:
    with pytest.raises(OptionError, match="--timeout takes seconds"):
        ask(made.home, "SELECT 1", table_of, timeout=0)


def test_values_of_every_kind_become_json(made: AskedHome) -> None:
    (found,) = ask(made.home, ODD, lambda _, batches: list(json_rows(batches)))
    assert found == {
        "n": 1,
        "x": 2.5,
        "s": 'a,"b"',
        "nothing": None,
        "d": "2026-01-01",
        "l": [1, None],
        "m": {"a": "ä"},
        "t": "2026-01-01T03:00:00+00:00",
        "b": "6162",
        "nan": "nan",
        "total": 6,
    }


def written(made: AskedHome, path: Path, sql: str) -> int:
    return ask(made.home, sql, lambda schema, batches: write_file(path, schema, batches))


@pytest.mark.parametrize("sql", [ODD, "SELECT 1 n WHERE false"], ids=["a row", "no row"])
def test_files_hold_the_whole_result(made: AskedHome, tmp_path: Path, sql: str) -> None:
    table = ask(made.home, sql, table_of)
    rows = ask(made.home, sql, lambda _, batches: list(json_rows(batches)))
    for suffix in (".parquet", ".CSV", ".arrow", ".json"):
        assert written(made, tmp_path / f"out{suffix}", sql) == table.num_rows
    assert pq.read_table(tmp_path / "out.parquet").drop_columns(
        ["nan"] if rows else []
    ) == table.drop_columns(["nan"] if rows else [])
    with pa.memory_map(str(tmp_path / "out.arrow")) as source:
        assert pa.ipc.open_file(source).read_all().schema == table.schema
    assert json.loads((tmp_path / "out.json").read_text("utf-8")) == rows
    with (tmp_path / "out.CSV").open(newline="", encoding="utf-8") as file:
        read = list(csv.DictReader(file))
    assert [(row["n"], row.get("m", "")) for row in read] == [("1", '{"a": "ä"}')] * len(rows)


def test_a_file_is_replaced_when_the_new_one_is_whole_and_not_before(made: AskedHome, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("before")
    with pytest.raises(SqlError, match="late"):
        written(made, path, "SELECT error('late') FROM range(500000) t(i) WHERE i > 400000")
    assert (path.read_text(), [entry.name for entry in tmp_path.iterdir()]) == ("before", ["out.csv"])
    assert written(made, path, "SELECT 1 n") == 1
    assert (path.read_text(), [entry.name for entry in tmp_path.iterdir()]) == ("n\n1\n", ["out.csv"])


def test_what_a_format_can_not_hold_is_said(made: AskedHome, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"out\.parquet can't hold this result .*\.arrow file"):
        written(made, tmp_path / "out.parquet", "SELECT union_value(a := 1) u")


@pytest.mark.parametrize("name", ["out", "out.xlsx", "out.parquet.gz"])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(OptionError, match=r"\.parquet, \.csv, \.arrow or \.json"):
        check_name(tmp_path / name)
