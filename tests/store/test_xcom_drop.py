"""Runs that are dropped leave nothing behind, and room for others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from nbflow.codec import decode, encode
from nbflow.model.run import RunKey, TaskKey
from nbflow.store.xcom import TryXComs, XComStore
from nbflow.store.xcom_file import XCOM_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
TABLES = ("try", "value", "chunk")


def run(day: int, dag: str = "dag") -> RunKey:
    return RunKey(dag, f"{FIRST + timedelta(days=day):%Y-%m-%dT00:00:00Z}")


def entry(key: RunKey, values: dict[str, object], folder: Path, *, number: int = 1) -> TryXComs:
    return TryXComs(
        key=TaskKey(key, "task"),
        try_number=number,
        ds=key.run_id[:10],
        token=f"{key} {number}",
        xcoms=tuple(
            encode(name, value, folder=folder, shared={}, namespace={}) for name, value in values.items()
        ),
        at=FIRST,
    )


def every_form(day: int) -> dict[str, object]:
    return {"n": day, "frame": pd.DataFrame({"x": [day, day]}), "pickle": {day}}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[XComStore]:
    with XComStore.open(tmp_path) as opened:
        yield opened


def sql(store: XComStore, query: str) -> list[Any]:
    return store._connection.cursor().execute(query).fetchall()


def counts(store: XComStore) -> dict[str, int]:
    found = {name: sql(store, f"SELECT count(*) FROM nbflow.{name}")[0][0] for name in TABLES}
    names = sql(store, "SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'frame#_%' ESCAPE '#'")
    return found | {"rows": sum(sql(store, f"SELECT count(*) FROM nbflow.{name}")[0][0] for (name,) in names)}


def value(store: XComStore, key: RunKey, name: str, folder: Path) -> object:
    found = store.get(TaskKey(key, "task"), name, folder=folder / "out")
    return None if found is None else decode(found, namespace={})


def test_all_tries_of_the_runs_go_and_nothing_else(store: XComStore, tmp_path: Path) -> None:
    for day in range(4):
        for number in (1, 2):
            store.commit([entry(run(day), every_form(day), tmp_path / "in", number=number)])
    store.commit([entry(run(0, "other"), every_form(0), tmp_path / "in")])
    store.show()
    assert counts(store) == {"try": 9, "value": 27, "chunk": 9, "rows": 18}
    assert store.drop_runs([run(0), run(2), run(9), run(3, "nobody's")]) == 12
    assert counts(store) == {"try": 5, "value": 15, "chunk": 5, "rows": 10}
    assert store.list_values("dag", run(0).run_id) == []
    assert [value(store, run(day), "n", tmp_path) for day in range(4)] == [None, 1, None, 3]
    assert value(store, run(1), "pickle", tmp_path) == {1}
    assert value(store, run(0, "other"), "pickle", tmp_path) == {0}
    for view in ("dag.task__n", "dag.task__frame"):
        assert sql(store, f"SELECT DISTINCT ds FROM {view} ORDER BY ds") == [("2026-01-02",), ("2026-01-04",)]


def test_no_runs_and_unknown_ones_are_nothing_to_do(store: XComStore, tmp_path: Path) -> None:
    store.commit([entry(run(0), every_form(0), tmp_path / "in")])
    assert store.drop_runs([]) == store.drop_runs([run(7)]) == 0
    assert counts(store)["value"] == 3


def test_a_run_that_was_dropped_can_be_run_again(store: XComStore, tmp_path: Path) -> None:
    store.commit([entry(run(0), every_form(0), tmp_path / "in")])
    store.drop_runs([run(0)])
    store.commit([entry(run(0), every_form(5), tmp_path / "in")])
    assert value(store, run(0), "n", tmp_path) == 5
    assert counts(store) == {"try": 1, "value": 3, "chunk": 1, "rows": 2}


def test_the_view_of_a_key_without_values_stays_and_is_empty(store: XComStore, tmp_path: Path) -> None:
    store.commit([entry(run(0), every_form(0), tmp_path / "in")])
    store.show()
    store.drop_runs([run(0)])
    assert sql(store, "SELECT ds, x FROM dag.task__frame") == []
    assert sql(store, "SELECT value FROM dag.task__n") == []


def test_columns_that_only_dropped_runs_had_go_from_the_table_and_the_view(
    store: XComStore, tmp_path: Path
) -> None:
    for day, name in enumerate(("old", "older", "new")):
        frame = pd.DataFrame({"same": [day], name: [day]})
        store.commit([entry(run(day), {"df": frame}, tmp_path / "in")])
    store.drop_runs([run(1)])
    assert [row[0] for row in sql(store, "DESCRIBE dag.task__df")][4:] == ["same", "old", "new"]
    store.drop_runs([run(0)])
    assert [row[0] for row in sql(store, "DESCRIBE dag.task__df")][4:] == ["same", "new"]
    store.commit([entry(run(3), {"df": pd.DataFrame({"old": ["a text now"]})}, tmp_path / "in")])
    rows = sql(store, "SELECT same, new, old FROM dag.task__df ORDER BY ds")
    assert rows == [(2, 2, None), (None, None, "a text now")]
    back = value(store, run(2), "df", tmp_path)
    assert isinstance(back, pd.DataFrame)
    assert back.to_dict("list") == {"same": [2], "new": [2]}


def test_somebody_who_reads_meanwhile_sees_what_there_was(store: XComStore, tmp_path: Path) -> None:
    for day in range(2):
        store.commit([entry(run(day), every_form(day), tmp_path / "in")])
    with store._connection.cursor() as reader:
        reader.begin()
        count = "SELECT count(*) FROM dag.task__frame"
        assert reader.execute(count).fetchall() == [(4,)]
        assert store.drop_runs([run(0)]) == 3
        assert reader.execute(count).fetchall() == [(4,)]
        reader.commit()
        assert reader.execute(count).fetchall() == [(2,)]


def test_what_is_dropped_makes_room_for_what_comes(store: XComStore, tmp_path: Path) -> None:
    chance = np.random.default_rng(1)
    sizes: list[int] = []
    for day in range(8):
        frame = pd.DataFrame({"x": chance.normal(size=200_000)})
        store.commit([entry(run(day), {"df": frame, "bytes": chance.bytes(2_000_000)}, tmp_path / "in")])
        store.drop_runs([run(day - 1)])
        sizes.append((tmp_path / XCOM_FILE).stat().st_size)
    assert max(sizes[3:]) <= 1.2 * max(sizes[:3])
