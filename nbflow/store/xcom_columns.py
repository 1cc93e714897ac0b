"""The columns of native tables: where a frame's columns lie, and what they are called in SQL.

All frames of a key lie in one table, whatever columns they had over the dates: a column that comes with a
later date is added to the table, and is NULL in the rows before. A table for each kind of frame would be
simpler, but a view over 200 of them takes seconds to plan.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pyarrow as pa

_TABLE_LIMIT = 1_000  # columns of a table; then the next one begins


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A kind of frame that a key has had, and where its columns lie.

    Attributes:
        frame_id: its number.
        table_id: of the native table.
        schema: its columns, without metadata.
        places: for each of them, which column of the table has its values (3: `c3`).
    """

    frame_id: int
    table_id: int
    schema: pa.Schema
    places: tuple[int, ...]


def frame_table(table_id: int) -> str:
    """The native table of that number, in the schema nbflow."""
    return f"frame_{table_id}"


def column(place: int) -> str:
    """A column of a native table."""
    return f"c{place}"


def shown_names(schema: pa.Schema) -> list[str]:
    """What the columns are called in SQL: their names, with a number where DuckDB could not tell one from
    another before it.
    """
    names: list[str] = []
    for place, field in enumerate(schema):
        names.append(free_name(field.name.replace("\0", "") or f"column_{place}", names))
    return names


def placed(schema: pa.Schema, frames: Sequence[Frame]) -> tuple[int | None, tuple[int, ...], list[int]]:
    """Where the columns of a new kind of frame go: with the others of the same name and type.

    Args:
        schema: its columns.
        frames: the kinds there are of this key.

    Returns:
        The table, None for a new one; for each column its place there; the indexes of those columns for
        which the table has none yet.
    """
    table_id = max((frame.table_id for frame in frames), default=None)
    there = {key: place for frame in frames if frame.table_id == table_id for key, place in _keys(frame)}
    free = max(there.values(), default=-1) + 1
    places: list[int] = []
    added: list[int] = []
    for index, (name, field) in enumerate(zip(shown_names(schema), schema, strict=True)):
        place = there.get((name.casefold(), field.type))
        if place is None:
            place = free + len(added)
            added.append(index)
        places.append(place)
    if free + len(added) > _TABLE_LIMIT:
        every = list(range(len(places)))
        return None, tuple(every), every
    return table_id, tuple(places), added


def free_name(name: str, taken: Iterable[str]) -> str:
    """The name, with a number where DuckDB, which knows no case, would take it for one of the others."""
    folded = {other.casefold() for other in taken}
    if name.casefold() not in folded:
        return name
    number = 2
    while f"{name}_{number}".casefold() in folded:
        number += 1
    return f"{name}_{number}"


def _keys(frame: Frame) -> Iterator[tuple[tuple[str, pa.DataType], int]]:
    for name, field, place in zip(shown_names(frame.schema), frame.schema, frame.places, strict=True):
        yield (name.casefold(), field.type), place
