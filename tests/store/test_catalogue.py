"""What `nbflow sql` lists can be asked for, as it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from asked_home import asked_home

from nbflow.store.catalogue import AskedTable, known_tables
from nbflow.store.people import Question
from nbflow.store.xcom import XComStore

if TYPE_CHECKING:
    from pathlib import Path

# DAG, task and name; how its view is written, and the view of the name alone.
NAMES = {
    "plain": ("flights", "clean", "df", "xcom.flights.clean__df", "xcom.flights.df"),
    "a return value": ("flights", "daily", "return_value", "xcom.flights.daily", None),
    "capitals": ("Flights", "Clean", "df", "xcom.Flights.Clean__df", "xcom.Flights.df"),
    "spaces and quotes": (
        'my "dag"',
        "it's",
        "a b",
        'xcom."my ""dag"""."it\'s__a b"',
        'xcom."my ""dag"""."a b"',
    ),
    "other scripts": ("운항", "정리", "표", 'xcom."운항"."정리__표"', 'xcom."운항"."표"'),
    "a word of SQL": ("order", "select", "return_value", 'xcom."order"."select"', None),
    "dots and dashes": ("a.b", "c-d", "e.csv", 'xcom."a.b"."c-d__e.csv"', 'xcom."a.b"."e.csv"'),
    "a digit first": ("2024", "1st", "return_value", 'xcom."2024"."1st"', None),
    "a schema of our own": ("nbflow", "runs", "return_value", "xcom.nbflow_2.runs", None),
    "a task of the same name": ("flights", "df", "df", "xcom.flights.df__df", "xcom.flights.df"),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_listed_name_can_be_selected_from(tmp_path: Path, name: str) -> None:
    dag, task, key, long, short = NAMES[name]
    made = asked_home(tmp_path)
    with XComStore.open(made.home.root) as store:
        made.hand_on(store, pa.table({"n": [1, 2]}), day=1, dag=dag, task=task, key=key)
        made.hand_on(store, pa.table({"n": [3]}), day=3, dag=dag, task=task, key=key)
        guests = store.guests(made.home.state)
        found = guests.tables()[0]
        for written in filter(None, (long, short)):
            with guests.answer(Question(sql=f"FROM {written}")) as (schema, batches):
                assert sum(batch.num_rows for batch in batches) == 3
                assert [column for column, _ in found.columns] == schema.names
        with store._connection.cursor() as cursor:
            assert known_tables(cursor) == [short or long, "runs", "task_instances"]
    assert found.name == (short or long)
    assert (found.dates, found.first, found.last) == (2, "2026-01-01", "2026-01-03")


def test_a_name_alone_is_listed_only_where_it_says_what_is_meant(tmp_path: Path) -> None:
    made = asked_home(tmp_path)
    with XComStore.open(made.home.root) as store, store._connection.cursor() as cursor:
        for task, key in (
            ("clean", "df"),
            ("clean", "n"),
            ("sum", "DF"),
            ("n", "return_value"),
            ("sum", "mean"),
        ):
            made.hand_on(store, pa.table({"n": [1]}), day=1, task=task, key=key)
        assert known_tables(cursor)[:-2] == [
            "xcom.flights.clean__df",
            "xcom.flights.clean__n",
            "xcom.flights.mean",
            "xcom.flights.n",
            "xcom.flights.sum__DF",
        ]
        made.hand_on(store, pa.table({"n": [2], "m": [3]}), day=2, task="sum", key="mean")
        assert cursor.execute("SELECT m FROM flights.mean ORDER BY ds").fetchall() == [(None,), (3,)]
        # A task called so comes: its value isn't shown yet, and the other one's no more.
        made.hand_on(store, 7, task="mean", key="return_value", show=False)
        assert "xcom.flights.sum__mean" in known_tables(cursor)
        assert "xcom.flights.mean" not in known_tables(cursor)
        store.show()
        assert cursor.execute("SELECT value FROM flights.mean").fetchall() == [("7",)]


def test_a_home_without_xcoms_lists_runs_and_task_instances(tmp_path: Path) -> None:
    made = asked_home(tmp_path)
    with XComStore.open(made.home.root) as store:
        tables = store.guests(made.home.state).tables()
    assert [(table.name, table.dates) for table in tables] == [("runs", None), ("task_instances", None)]


def test_a_listing_survives_the_wire() -> None:
    table = AskedTable(
        name="xcom.a.b", columns=(("n", "BIGINT"),), dates=2, first="2026-01-01", last="2026-01-02"
    )
    assert AskedTable.from_json(table.to_json()) == table
