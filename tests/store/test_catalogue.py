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

NAMES = {
    "plain": ("flights", "clean", "df", "xcom.flights.clean__df"),
    "a return value": ("flights", "daily", "return_value", "xcom.flights.daily"),
    "capitals": ("Flights", "Clean", "df", "xcom.Flights.Clean__df"),
    "spaces and quotes": ('my "dag"', "it's", "a b", 'xcom."my ""dag"""."it\'s__a b"'),
    "other scripts": ("운항", "정리", "표", 'xcom."운항"."정리__표"'),
    "a word of SQL": ("order", "select", "return_value", 'xcom."order"."select"'),
    "dots and dashes": ("a.b", "c-d", "e.csv", 'xcom."a.b"."c-d__e.csv"'),
    "a digit first": ("2024", "1st", "return_value", 'xcom."2024"."1st"'),
    "a schema of our own": ("nbflow", "runs", "return_value", "xcom.nbflow_2.runs"),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_listed_name_can_be_selected_from(tmp_path: Path, name: str) -> None:
    dag, task, key, written = NAMES[name]
    made = asked_home(tmp_path)
    with XComStore.open(made.home.root) as store:
        made.hand_on(store, pa.table({"n": [1, 2]}), day=1, dag=dag, task=task, key=key)
        made.hand_on(store, pa.table({"n": [3]}), day=3, dag=dag, task=task, key=key)
        guests = store.guests(made.home.state)
        found = guests.tables()[0]
        with guests.answer(Question(sql=f"FROM {found.name}")) as (schema, batches):
            assert sum(batch.num_rows for batch in batches) == 3
        with store._connection.cursor() as cursor:
            assert known_tables(cursor) == [written, "runs", "task_instances"]
    assert found.name == written
    assert [column for column, _ in found.columns] == schema.names
    assert (found.dates, found.first, found.last) == (2, "2026-01-01", "2026-01-03")


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
