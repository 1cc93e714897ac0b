"""What people may ask in SQL: to be shown what is there, and nothing else.

DuckDB's own fences (a read-only transaction, no access to files) leave holes: some table functions read the
store's own file behind its back, and closing it then drops the lock that keeps other processes out. So the
functions that may stand after FROM are named here.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import duckdb

from nbflow.errors import SqlError
from nbflow.store.sql import queries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from duckdb import DuckDBPyConnection, Statement

TIMEOUT = 60.0  # seconds
_TABLE_FUNCTIONS = frozenset(
    {
        *("range", "generate_series", "unnest", "repeat", "repeat_row", "json_each", "json_tree"),
        *("histogram", "histogram_values", "pg_timezone_names", "pragma_version"),
        *("duckdb_columns", "duckdb_functions", "duckdb_keywords", "duckdb_schemas", "duckdb_tables"),
        *("duckdb_types", "duckdb_views"),
    }
)
_OWN_FILE = "xcom.duckdb"

_NOTHING = "there is no query: write one, such as  SELECT * FROM runs LIMIT 10"
_SEVERAL = "one query at a time, please; these are {count}"
_NOT_READING = """\
{kind} is refused: here people only read. A query begins with SELECT, FROM, WITH, VALUES, DESCRIBE, SUMMARIZE or SHOW."""
_PIVOT = "a PIVOT must say its columns: PIVOT … ON column IN ('this', 'that') …"
_FUNCTION = "`{name}` is refused after FROM: a query reads what tasks handed on, `runs` and `task_instances`, no files."


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a person asks.

    Attributes:
        sql: one reading statement of DuckDB.
        timeout: seconds until it is stopped.
        number: distinguishes it from all others, so that it can be stopped.
    """

    sql: str
    timeout: float = TIMEOUT
    number: str = field(default_factory=lambda: secrets.token_hex(8))


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A statement that only reads what is there.

    Attributes:
        statement: as DuckDB has parsed it; it may be executed on any connection, and again.
        tables: the names of tables it asks for without a schema, in lower case.
    """

    statement: Statement
    tables: frozenset[str]


def check(cursor: DuckDBPyConnection, sql: str) -> Query:
    """Accept a query that only reads what is there.

    Raises:
        SqlError: it is none, or none that DuckDB understands.
    """
    try:
        statements = cursor.extract_statements(sql)
    except duckdb.Error as error:
        raise SqlError(str(error)) from error
    if not statements:
        raise SqlError(_NOTHING)
    if statements[0].type == duckdb.StatementType.MULTI:
        raise SqlError(_PIVOT)
    if len(statements) > 1:
        raise SqlError(_SEVERAL.format(count=len(statements)))
    if statements[0].type != duckdb.StatementType.SELECT:
        raise SqlError(_NOT_READING.format(kind=statements[0].type.name))
    rows = cursor.execute(queries("people.sql")["syntax_tree"], {"sql": sql}).fetchall()
    tree = json.loads(rows[0][0])
    if tree["error"]:
        raise SqlError(tree["error_message"])
    return Query(statement=statements[0], tables=frozenset(_tables(tree)))


def _tables(tree: object) -> Iterator[str]:
    """The tables of a query named without a schema.

    Raises:
        SqlError: it reads from what isn't allowed.
    """
    todo: list[Any] = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, list):
            todo += node
        elif isinstance(node, dict):
            todo += node.values()
            match node.get("type"):
                case "TABLE_FUNCTION":
                    name = node["function"]["qualified_name"]["path"][-1]
                    if name.lower() not in _TABLE_FUNCTIONS:
                        raise SqlError(_FUNCTION.format(name=name))
                case "BASE_TABLE":
                    path = node["qualified_name"]["path"]
                    if any(_OWN_FILE in part.lower() for part in path):  # DuckDB takes it for the file
                        raise SqlError(_FUNCTION.format(name=".".join(path)))
                    if len(path) == 1:
                        yield path[0].lower()
                case _:
                    pass
