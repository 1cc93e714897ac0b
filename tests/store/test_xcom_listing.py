"""A listing shows what was asked for, in order, whatever lies between in the file."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from itertools import product
from typing import TYPE_CHECKING

import duckdb
import pytest

from nbflow.model.run import RunKey, TaskKey
from nbflow.model.xcom import HIDDEN, Form, XComValue
from nbflow.store.xcom import TryXComs, XComStore
from nbflow.store.xcom_statements import Statements

if TYPE_CHECKING:
    from collections.abc import Iterator

AT = datetime(2026, 2, 17, tzinfo=UTC)
HIDDEN_KEY = f"{HIDDEN}own"
RUNS, TASKS, KEYS = ("2026-02-18", "2026-02-17"), ("b", "a"), ("y", "x", HIDDEN_KEY)


def entry(dag: str, run: str, task: str, *, index: int = -1, number: int = 1) -> TryXComs:
    values = tuple(XComValue(key=key, form=Form.JSON, kind="int", text="1", size=1) for key in KEYS)
    token = f"{dag} {run} {task} {index} {number}"
    key = TaskKey(RunKey(dag, run), task, index)
    return TryXComs(key=key, try_number=number, ds=run, token=token, xcoms=values, at=AT)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[XComStore]:
    """Two DAGs whose tries lie between one another; a mapped instance and a second try."""
    with XComStore.open(tmp_path_factory.mktemp("home")) as store:
        for run, task, dag in product(RUNS, TASKS, ("d", "other")):
            store.commit([entry(dag, run, task)])
        store.commit([entry("d", RUNS[0], "a", index=3), entry("d", RUNS[1], "b", number=2)])
        yield store


@pytest.mark.parametrize("run", [None, *RUNS, "none"])
@pytest.mark.parametrize("task", [None, *TASKS, "none"])
@pytest.mark.parametrize("key", [None, *KEYS, "none"])
@pytest.mark.parametrize("hidden", [False, True])
def test_a_listing_is_what_is_left_of_all_there_is(
    store: XComStore, run: str | None, task: str | None, key: str | None, hidden: bool
) -> None:
    left = [
        row
        for row in store.list_values("d", hidden=True)
        if run in (None, row.task.run.run_id) and task in (None, row.task.task_id) and key in (None, row.key)
    ]
    expected = left if hidden else [row for row in left if row.key != HIDDEN_KEY]
    assert store.list_values("d", run, task, key, hidden=hidden) == expected


def test_it_goes_by_run_task_instance_and_try(store: XComStore) -> None:
    rows = store.list_values("d", key="x")
    places = [(row.task.run.run_id, row.task.task_id, row.task.map_index, row.try_number) for row in rows]
    first, second = RUNS[1], RUNS[0]
    assert places == [
        (first, "a", -1, 1),
        (first, "b", -1, 1),
        (first, "b", -1, 2),
        (second, "a", -1, 1),
        (second, "a", 3, 1),
        (second, "b", -1, 1),
    ]
    assert [row.current for row in rows] == [True, False, True, True, True, True]
    assert {(row.task.run.dag_id, row.ds, row.created) for row in rows} == {("d", run, AT) for run in RUNS}


def test_values_of_a_try_are_listed_as_they_were_handed_on(store: XComStore) -> None:
    assert [row.key for row in store.list_values("d", RUNS[0], "b", hidden=True)] == list(KEYS)


def test_a_statement_is_parsed_once_and_of_many_only_the_last_are_kept() -> None:
    statements = Statements()
    with duckdb.connect(":memory:") as connection:
        assert statements.of(connection, "SELECT 1") is statements.of(connection, "SELECT 1")
        for number in range(1_000):
            statements.of(connection, f"SELECT {number + 2}")
        assert len(statements._parsed) < 1_000
        assert connection.execute(statements.of(connection, "SELECT 1001")).fetchall() == [(1001,)]


def test_one_parsed_statement_serves_all_threads_each_with_its_own_values() -> None:
    statements = Statements()
    wrong: list[object] = []
    with duckdb.connect(":memory:") as connection:

        def ask(own: int) -> None:
            with connection.cursor() as cursor:
                for number in range(100):
                    query = statements.of(cursor, "SELECT $a, $b")
                    found = cursor.execute(query, {"a": own, "b": number}).fetchall()
                    wrong.extend(row for row in found if row != (own, number))

        threads = [threading.Thread(target=ask, args=(own,)) for own in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


def test_a_text_of_several_statements_is_refused() -> None:
    with duckdb.connect(":memory:") as connection, pytest.raises(ValueError, match="too many values"):
        Statements().of(connection, "SELECT 1; SELECT 2")
