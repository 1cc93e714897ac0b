"""`runs` and `task_instances`: state.sqlite as Arrow tables, beside the XComs in people's SQL.

Both have `dag_id`, `run_id` and `ds` (the run's date in the DAG's zone) like the views of XComs, so that they join.
Moments are `TIMESTAMP WITH TIME ZONE`, shown in UTC; `seconds` is the time between `started` and `ended`.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from nbflow.errors import HomeError
from nbflow.store.rows import moment
from nbflow.store.sql import queries

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import pyarrow as pa

STATE_TABLES = ("runs", "task_instances")
_UNREADABLE = "{path} cannot be read ({why}), so `{name}` can't be asked for"
_MOMENTS = frozenset(
    {"logical_date", "data_interval_start", "data_interval_end", "created", "started", "ended"}
)
_NUMBERS = frozenset({"map_index", "try_number", "max_tries"})
# The columns of the queries in people.sql; `timezone` is not shown, `ds` and `seconds` are added.
_COLUMNS = {
    "runs": (
        *("dag_id", "run_id", "logical_date", "timezone", "data_interval_start", "data_interval_end"),
        *("run_type", "state", "variant", "params", "reason", "created", "started", "ended"),
    ),
    "task_instances": (
        *("dag_id", "run_id", "logical_date", "timezone", "task_id", "map_index", "label", "state"),
        *("try_number", "max_tries", "reason", "started", "ended"),
    ),
}


def state_table(path: Path, name: str) -> pa.Table:
    """One of `STATE_TABLES`, as state.sqlite has it now; empty where there is no such file.

    Args:
        path: of state.sqlite, at this nbflow's version.
        name: which table.

    Raises:
        HomeError: the file can't be read.
    """
    rows: Sequence[tuple[object, ...]] = []
    if path.exists():
        try:
            with closing(sqlite3.connect(path, timeout=30)) as db:
                db.execute("PRAGMA query_only = 1")
                rows = db.execute(queries("people.sql")[name]).fetchall()
        except sqlite3.Error as error:
            raise HomeError(_UNREADABLE.format(path=path, why=error, name=name)) from error
    columns = _COLUMNS[name]
    values = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    return _arrow(dict(zip(columns, values, strict=True)))


def state_columns(name: str) -> list[tuple[str, str]]:
    """The columns of one of `STATE_TABLES` with their types in DuckDB's words, in order."""
    known = {"int32": "INTEGER", "string": "VARCHAR", "double": "DOUBLE"}
    empty = _arrow(dict.fromkeys(_COLUMNS[name], ()))
    return [(field.name, known.get(str(field.type), "TIMESTAMP WITH TIME ZONE")) for field in empty.schema]


def _arrow(columns: dict[str, Sequence[object]]) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    utc = pa.timestamp("us", "UTC")
    dates = _dates(zip(columns["logical_date"], columns["timezone"], strict=True))
    found: dict[str, pa.Array] = {}
    for name, values in columns.items():
        if name in _MOMENTS:
            found[name] = pa.array(values, pa.string()).cast(utc)
        elif name != "timezone":
            found[name] = pa.array(values, pa.int32() if name in _NUMBERS else pa.string())
        if name == "run_id":
            found["ds"] = pa.array(dates, pa.string())
    took = pc.call_function("subtract", [found["ended"], found["started"]])
    found["seconds"] = pc.call_function("divide", [took.cast(pa.int64()).cast(pa.float64()), pa.scalar(1e6)])
    return pa.table(found)


def _dates(moments: Iterable[tuple[object, object]]) -> list[str]:
    """The local date of each moment in its zone, as `ds` has it."""

    @cache
    def date(text: str, zone: str) -> str:
        return f"{moment(text).astimezone(ZoneInfo(zone)):%Y-%m-%d}"

    return [date(str(text), str(zone)) for text, zone in moments]
