"""What people may ask: reading, of what is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from asked_home import asked_home

from nbflow.errors import SqlError
from nbflow.store.people import Question, check
from nbflow.store.xcom import XComStore

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Any:
    made = asked_home(tmp_path_factory.mktemp("home"))
    with XComStore.open(made.home.root) as store:
        made.hand_on(store, {"a": 1}, key="sums")
        yield store


READING = {
    "select": "SELECT * FROM xcom.flights.clean__sums",
    "from": "FROM flights.clean__sums LIMIT 1",
    "with": "WITH a AS (SELECT 1 n) SELECT * FROM a",
    "values": "VALUES (1), (2)",
    "describe": "DESCRIBE flights.clean__sums",
    "summarize": "SUMMARIZE flights.clean__sums",
    "show": "SHOW ALL TABLES",
    "pivot": "PIVOT flights.clean__sums ON kind IN ('dict') USING count(*) GROUP BY ds",
    "table functions": "SELECT * FROM range(3), generate_series(1, 2), unnest([1])",
    "json": "SELECT key FROM flights.clean__sums, json_each(value)",
    "comments": "-- what there is\nSELECT 1 /* one */;",
}


@pytest.mark.parametrize("name", READING)
def test_reading_is_accepted_and_answered(store: XComStore, name: str, tmp_path: Path) -> None:
    with store.guests(tmp_path / "none").answer(Question(sql=READING[name])) as (_, batches):
        assert sum(batch.num_rows for batch in batches) >= 1


@dataclass(frozen=True)
class Refused:
    name: str
    sql: str
    said: str


REFUSED = [
    Refused("nothing", "", "there is no query"),
    Refused("a comment alone", "-- later", "there is no query"),
    Refused("two", "SELECT 1; SELECT 2", "one query at a time, please; these are 2"),
    Refused("no SQL", "SELEC 1", r"Parser Error: syntax error at or near \"SELEC\""),
    Refused("insert", "INSERT INTO nbflow.home VALUES (9)", "INSERT is refused: here people only read"),
    Refused("delete", "DELETE FROM nbflow.value", "DELETE is refused"),
    Refused("drop", "DROP SCHEMA flights CASCADE", "DROP is refused"),
    Refused("create", "CREATE TABLE t AS SELECT 1", "CREATE is refused"),
    Refused("temporary", "CREATE TEMP TABLE t AS SELECT 1", "CREATE is refused"),
    Refused("attach", "ATTACH '/tmp/other.db'", "ATTACH is refused"),
    Refused("copy to a file", "COPY flights.clean__sums TO 'out.csv'", "COPY is refused"),
    Refused("export", "EXPORT DATABASE 'out'", "EXPORT is refused"),
    Refused("settings", "SET memory_limit = '1TB'", "SET is refused"),
    Refused("pragma", "PRAGMA disable_optimizer", "refused"),
    Refused("extension", "INSTALL httpfs", "LOAD is refused"),
    Refused("transaction", "COMMIT", "TRANSACTION is refused"),
    Refused("checkpoint", "CHECKPOINT", "refused"),
    Refused("call", "CALL pragma_version()", "CALL is refused"),
    Refused("prepare", "PREPARE p AS SELECT 1", "PREPARE is refused"),
    Refused("explain, which may run", "EXPLAIN ANALYZE SELECT 1", "EXPLAIN is refused"),
    Refused("pivot that makes a type", "PIVOT flights.clean__sums ON kind", "a PIVOT must say its columns"),
    Refused("a file", "FROM read_csv('/etc/passwd')", "`read_csv` is refused after FROM"),
    Refused("the store's own file", "FROM read_blob('.nbflow/xcom.duckdb')", "`read_blob` is refused"),
    Refused("its own file by name", "FROM '.nbflow/xcom.duckdb'", "is refused after FROM"),
    Refused("a function of a schema", "FROM system.main.glob('*')", "`glob` is refused"),
    Refused(
        "deep inside", "SELECT 1 WHERE 1 IN (SELECT 1 FROM (FROM read_text('x')))", "`read_text` is refused"
    ),
    Refused("in a WITH", "WITH a AS (FROM read_text('x')) SELECT 1", "`read_text` is refused"),
    Refused("described", "DESCRIBE SELECT * FROM read_csv('x')", "`read_csv` is refused"),
    Refused("a query in a text", "FROM query('SELECT 1')", "`query` is refused"),
    Refused("a checkpoint as a table", "FROM force_checkpoint()", "`force_checkpoint` is refused"),
    Refused("a log", "FROM enable_logging()", "`enable_logging` is refused"),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_whatever_else_is_refused_before_it_runs(store: XComStore, case: Refused) -> None:
    with store._connection.cursor() as cursor, pytest.raises(SqlError, match=case.said):
        check(cursor, case.sql)


FENCED = {
    "a file by its name": ("FROM '/etc/hosts.csv'", "disabled by configuration|does not exist"),
    "the network": ("FROM 'https://example.com/x.csv'", "disabled by configuration"),
    "numbers of the store": ("SELECT nextval('nbflow.ids')", "read-only"),
    "a parameter": ("SELECT ?", "not provided"),
}


@pytest.mark.parametrize("name", FENCED)
def test_what_duckdb_itself_refuses_says_so(store: XComStore, name: str, tmp_path: Path) -> None:
    sql, said = FENCED[name]
    with (
        pytest.raises(SqlError, match=said),
        store.guests(tmp_path / "none").answer(Question(sql=sql)) as (_, batches),
    ):
        list(batches)


def test_the_names_of_tables_without_a_schema_are_told(store: XComStore) -> None:
    with store._connection.cursor() as cursor:
        query = check(
            cursor, "SELECT * FROM Runs JOIN flights.clean__sums USING (ds) WHERE ds IN (FROM task_instances)"
        )
    assert query.tables == {"runs", "task_instances"}


def test_an_unknown_table_is_answered_with_those_there_are(store: XComStore, tmp_path: Path) -> None:
    with (
        pytest.raises(SqlError) as refused,
        store.guests(tmp_path / "none").answer(Question(sql="FROM xcom.flights.cleen")),
    ):
        pass
    assert "cleen does not exist" in str(refused.value)
    assert "There are: xcom.flights.sums, runs, task_instances." in str(refused.value)
