"""What there is to ask in SQL: the views of XComs, `runs` and `task_instances`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbflow.store.sql import queries
from nbflow.store.state_tables import STATE_TABLES, state_columns
from nbflow.store.xcom_view import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from duckdb import DuckDBPyConnection

CATALOG = "xcom"
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedTable:
    """A table people can query.

    Attributes:
        name: as it is written in SQL, quoted where need be: `xcom.flights.clean__df`.
        columns: name and DuckDB's type, in order.
        dates: how many dates have rows; None for what is not by date.
        first, last: the earliest and the latest of them, "" for none.
    """

    name: str
    columns: tuple[tuple[str, str], ...]
    dates: int | None = None
    first: str = ""
    last: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "name": self.name,
            "columns": [list(column) for column in self.columns],
            "dates": self.dates,
            "first": self.first,
            "last": self.last,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> AskedTable:
        """The inverse of `to_json`."""
        return cls(**{**data, "columns": tuple((name, kind) for name, kind in data["columns"])})


def asked_tables(cursor: DuckDBPyConnection) -> list[AskedTable]:
    """Every table people can query, the XComs first."""
    sql = queries("people.sql")
    write = _writer(cursor)
    dates = {(schema, view): row for schema, view, *row in cursor.execute(sql["dates"]).fetchall()}
    columns: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for schema, view, name, kind in cursor.execute(sql["views"]).fetchall():
        columns.setdefault((schema, view), []).append((name, kind))
    found = [
        AskedTable(
            name=write(*place),
            columns=tuple(of),
            **dict(zip(("dates", "first", "last"), dates.get(place, (0, "", "")), strict=True)),
        )
        for place, of in columns.items()
    ]
    return found + [AskedTable(name=name, columns=tuple(state_columns(name))) for name in STATE_TABLES]


def known_tables(cursor: DuckDBPyConnection) -> list[str]:
    """Their names."""
    write = _writer(cursor)
    rows = cursor.execute(queries("people.sql")["views"]).fetchall()
    return [*dict.fromkeys(write(schema, view) for schema, view, *_ in rows), *STATE_TABLES]


def _writer(cursor: DuckDBPyConnection) -> Callable[[str, str], str]:
    """How a view is written in SQL: names are quoted where DuckDB wants it. It knows no case."""
    reserved = {word for (word,) in cursor.execute(queries("people.sql")["reserved"]).fetchall()}

    def identifier(name: str) -> str:
        plain = _PLAIN.fullmatch(name.lower()) and name.lower() not in reserved
        return name if plain else quoted(name)

    return lambda schema, view: f"{CATALOG}.{identifier(schema)}.{identifier(view)}"
