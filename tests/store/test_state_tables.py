"""`runs` and `task_instances`: state.sqlite for people's SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from asked_home import AT, asked_home

from nbflow.errors import HomeError
from nbflow.store.state_tables import STATE_TABLES, state_columns, state_table

if TYPE_CHECKING:
    from pathlib import Path


def test_a_run_is_a_row_with_its_local_date_and_its_moments_in_utc(tmp_path: Path) -> None:
    made = asked_home(tmp_path)
    made.add_runs(2, 1)
    first, second = state_table(made.home.state, "runs").to_pylist()
    assert (first["ds"], second["ds"]) == ("2026-01-01", "2026-01-02")
    assert first["run_id"] == "2025-12-31T15:00:00Z"
    assert first["logical_date"].isoformat() == "2025-12-31T15:00:00+00:00"
    assert first["data_interval_end"].isoformat() == "2026-01-01T15:00:00+00:00"
    assert (first["run_type"], first["state"], first["params"]) == (
        "backfill",
        "success",
        '{"carrier": "UA"}',
    )
    assert (first["started"], first["seconds"]) == (AT, 90.0)


def test_a_task_instance_is_a_row(tmp_path: Path) -> None:
    made = asked_home(tmp_path)
    made.add_runs(1, tasks=("load", "clean"))
    rows = state_table(made.home.state, "task_instances").to_pylist()
    assert [(row["task_id"], row["map_index"], row["state"], row["try_number"]) for row in rows] == [
        ("load", -1, "success", 1),
        ("clean", -1, "success", 1),
    ]
    assert [(row["ds"], row["seconds"], row["reason"]) for row in rows] == [("2026-01-01", 60.0, "ran")] * 2


@pytest.mark.parametrize("name", STATE_TABLES)
def test_the_columns_that_are_told_are_those_there_are(tmp_path: Path, name: str) -> None:
    made = asked_home(tmp_path)
    made.add_runs(1)
    empty = state_table(tmp_path / "none.sqlite", name)
    found = state_table(made.home.state, name)
    assert empty.schema == found.schema
    assert (empty.num_rows, found.num_rows) == (0, 1)
    kinds = {"VARCHAR": pa.string(), "INTEGER": pa.int32(), "DOUBLE": pa.float64()}
    assert [(field.name, field.type) for field in found.schema] == [
        (column, kinds.get(kind, pa.timestamp("us", "UTC"))) for column, kind in state_columns(name)
    ]


def test_a_file_that_is_no_state_is_said(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    path.write_text("no database " * 500)
    with pytest.raises(HomeError, match=r"state\.sqlite cannot be read .* so `runs` can't be asked for"):
        state_table(path, "runs")
