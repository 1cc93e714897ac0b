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
_Place = tuple[str, str]  # schema and name
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedTable:
    """A table people can query.

    Attributes:
        name: as it is written in SQL, quoted where need be, the short one where there are two:
            `xcom.flights.delays`.
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
    write = _writer(cursor)
    rows = cursor.execute(queries("people.sql")["dates"]).fetchall()
    dates = {(schema, view): row for schema, view, *row in rows}
    found = [
        AskedTable(
            name=write(*place),
            columns=columns,
            **dict(zip(("dates", "first", "last"), dates.get(view, (0, "", "")), strict=True)),
        )
        for place, (view, columns) in _views(cursor).items()
    ]
    return found + [AskedTable(name=name, columns=tuple(state_columns(name))) for name in STATE_TABLES]


def known_tables(cursor: DuckDBPyConnection) -> list[str]:
    """Their names."""
    write = _writer(cursor)
    return [*(write(*place) for place in _views(cursor)), *STATE_TABLES]


def _views(cursor: DuckDBPyConnection) -> dict[_Place, tuple[_Place, tuple[tuple[str, str], ...]]]:
    """What people are told of: the place of each view, or of the short one instead; the view's; its columns."""
    sql = queries("people.sql")
    columns: dict[_Place, list[tuple[str, str]]] = {}
    for schema, view, name, kind in cursor.execute(sql["views"]).fetchall():
        columns.setdefault((schema, view), []).append((name, kind))
    rows = cursor.execute(sql["short_views"]).fetchall()
    short = {(schema, name): (schema, view) for schema, name, view in rows}
    told = sorted(columns.keys() - set(short.values()))
    return {place: (short.get(place, place), tuple(columns[place])) for place in told}


def _writer(cursor: DuckDBPyConnection) -> Callable[[str, str], str]:
    """How a view is written in SQL: names are quoted where DuckDB wants it. It knows no case."""
    reserved = {word for (word,) in cursor.execute(queries("people.sql")["reserved"]).fetchall()}

    def identifier(name: str) -> str:
        plain = _PLAIN.fullmatch(name.lower()) and name.lower() not in reserved
        return name if plain else quoted(name)

    return lambda schema, view: f"{CATALOG}.{identifier(schema)}.{identifier(view)}"
