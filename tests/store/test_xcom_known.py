"""What the writer knows without asking stays true: across failures, sessions, crashes and many runs."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nbflow.errors import HomeError
from nbflow.model.run import RunKey, TaskKey
from nbflow.model.xcom import Form, XComValue
from nbflow.store.xcom import TryXComs, XComStore

AT = datetime(2026, 2, 17, tzinfo=UTC)


def entry(
    text: str, *, run: str = "r", task: str = "t", number: int = 1, keys: tuple[str, ...] = ("x",)
) -> TryXComs:
    """A try that hands on this JSON text under each key; its token is its place."""
    return TryXComs(
        key=TaskKey(RunKey("d", run), task),
        try_number=number,
        ds="2026-02-17",
        token=f"{run} {task} {number}",
        xcoms=tuple(XComValue(key=key, form=Form.JSON, kind="int", text=text, size=1) for key in keys),
        at=AT,
    )


def shown(store: XComStore, view: str = "d.t__x") -> list[tuple[str, int, str]]:
    """The rows of a view: run, try, value."""
    store.show()
    return sorted(store._connection.execute(f"SELECT run_id, try, value::VARCHAR FROM {view}").fetchall())


def numbers_are_unique(store: XComStore) -> bool:
    query = (
        "SELECT id FROM nbflow.try UNION ALL SELECT id FROM nbflow.value UNION ALL SELECT id FROM nbflow.key"
    )
    rows = store._connection.execute(query).fetchall()
    return len(rows) == len(set(rows))


def test_a_later_session_knows_the_tries_and_keys_of_an_earlier_one(tmp_path: Path) -> None:
    for number in (1, 2, 2, 3):  # the second try is committed again, under its token
        with XComStore.open(tmp_path) as store:
            store.commit([entry(str(number), number=number)])
            assert shown(store) == [("r", number, str(number))]
    with XComStore.open(tmp_path) as store:
        assert [row.try_number for row in store.list_values("d")] == [1, 2, 3]
        assert numbers_are_unique(store)


def test_of_two_tries_in_one_commit_the_later_is_the_current_one(tmp_path: Path) -> None:
    with XComStore.open(tmp_path) as store:
        store.commit([entry("1"), entry("2", number=2)])
        assert shown(store) == [("r", 2, "2")]
        store.commit([entry("3", number=3)])
        assert shown(store) == [("r", 3, "3")]


def test_a_run_that_was_long_not_written_is_known_again(tmp_path: Path) -> None:
    with XComStore.open(tmp_path) as store:
        store.commit([entry("1")])
        store.commit([entry("0", run=f"other {number}") for number in range(300)])
        store.commit([entry("2", number=2)])
        assert [row for row in shown(store) if row[0] == "r"] == [("r", 2, "2")]


def test_one_commit_may_be_of_more_runs_than_are_kept(tmp_path: Path) -> None:
    runs = [f"run {number}" for number in range(100)]
    with XComStore.open(tmp_path) as store:
        store.commit([entry(str(number), run=run, number=number) for number in (1, 2) for run in runs])
        store.commit([entry("3", run=run, number=3) for run in runs])
        assert shown(store) == [(run, 3, "3") for run in sorted(runs)]


def test_after_a_commit_that_failed_nothing_of_it_is_believed(tmp_path: Path) -> None:
    with XComStore.open(tmp_path) as store:
        store.commit([entry("1")])
        gone = XComValue(key="f", form=Form.PICKLE, kind="set", path=tmp_path / "gone")
        bad = entry("2", number=2, keys=("x", "new"))
        with pytest.raises(FileNotFoundError):
            store.commit([bad, replace(bad, try_number=3, token="b", xcoms=(gone,))])
        assert shown(store) == [("r", 1, "1")]
        store.commit([bad])
        assert shown(store) == shown(store, "d.t__new") == [("r", 2, "2")]
        assert numbers_are_unique(store)


def test_a_commit_of_many_values_has_numbers_for_all(tmp_path: Path) -> None:
    with XComStore.open(tmp_path) as store:
        store.commit([entry("1", task=f"t{number}", keys=("x", "y")) for number in range(200)])
        assert len(store.list_values("d")) == 400
        assert numbers_are_unique(store)


TESTS = str(Path(__file__).parent)
CRASH = """
import os, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_xcom_known import XComStore, entry
store = XComStore.open(Path(sys.argv[1]))
store.commit([entry("1", number=int(sys.argv[2]))])
os.kill(os.getpid(), 9)
"""


def test_a_process_that_is_killed_loses_no_commit_and_no_number_comes_twice(tmp_path: Path) -> None:
    code = CRASH.format(tests=TESTS)
    for number in (1, 2, 3):
        subprocess.run([sys.executable, "-c", code, str(tmp_path), str(number)], check=False)
    with XComStore.open(tmp_path) as store:
        store.commit([entry("4", number=4)])
        assert [row.try_number for row in store.list_values("d")] == [1, 2, 3, 4]
        assert shown(store) == [("r", 4, "4")]
        assert numbers_are_unique(store)


def test_a_view_that_a_crash_prevented_comes_in_the_next_session(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", CRASH.format(tests=TESTS), str(tmp_path), "1"], check=False)
    with XComStore.open(tmp_path) as store:
        assert shown(store) == [("r", 1, "1")]


def test_a_store_that_is_closed_says_so(tmp_path: Path) -> None:
    store = XComStore.open(tmp_path)
    store.commit([entry("1")])
    store.close()
    with pytest.raises(HomeError, match="DuckDB cannot use the XCom file"):
        store.commit([entry("2", number=2)])
    store.close()


def kept(store: XComStore) -> int:
    """How many things the store keeps in memory."""
    writer = store._writer
    assert writer is not None
    runs = writer._tries._runs.values()
    parts = (writer._keys._keys, writer._kinds, writer._changed, writer._unshown)
    of_runs = sum(len(run.by_token) + len(run.current) for run in runs)
    return of_runs + len(writer._numbers._free) + sum(map(len, parts)) + len(store._fetcher._keys)


def test_what_is_kept_in_memory_does_not_grow_with_the_runs(tmp_path: Path) -> None:
    sizes: list[int] = []
    with XComStore.open(tmp_path) as store:
        for number in range(10):
            batch = [entry("1", run=f"{number} {part}", keys=("x", "y")) for part in range(40)]
            store.commit(batch)
            store.get(batch[0].key, "x", folder=tmp_path)
            store.show()
            sizes.append(kept(store) - len(store._writer._numbers._free))  # type: ignore[union-attr]
            assert len(store._writer._numbers._free) <= 256  # type: ignore[union-attr]
        assert len(store.list_values("d")) == 800
    assert len(set(sizes[2:])) == 1  # the runs that are kept and two keys
