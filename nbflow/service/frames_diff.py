"""How one frame became another: columns, then rows by what names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

_KEYS = 3  # columns at the front that are tried as what names a row
_NAMED = 3  # rows, columns that are named


def frame_changes(one: pa.Table, other: pa.Table) -> str:
    """What differs, in words; "" for the same columns, types and values in the same order.

    Rows are matched by the fewest columns at the front that name each row once in both frames, at most `_KEYS` of
    them; where there are none, by their place.
    """
    if one.schema.equals(other.schema) and one.equals(other):
        return ""
    said = _column_changes(one, other)
    shared = [name for name in one.column_names if name in other.column_names]
    said += _row_changes(one.select(shared), other.select(shared)) if shared else []
    return ", ".join(said) or "other metadata (index, attributes) only"


def _column_changes(one: pa.Table, other: pa.Table) -> list[str]:
    said = [f"column {name} added" for name in other.column_names if name not in one.column_names]
    said += [f"column {name} removed" for name in one.column_names if name not in other.column_names]
    for name in one.column_names:
        if name in other.column_names and one.schema.field(name).type != other.schema.field(name).type:
            said.append(f"column {name} {one.schema.field(name).type} → {other.schema.field(name).type}")
    return said


def _row_changes(one: pa.Table, other: pa.Table) -> list[str]:
    before, after = _rows(one), _rows(other)
    keys = _key_columns(before, after, one.num_columns)
    if keys is None:
        return _by_place(before, after, one.column_names)
    named, other_named = ({row[:keys]: row for row in rows} for rows in (before, after))
    added = [key for key in other_named if key not in named]
    removed = [key for key in named if key not in other_named]
    changed = [key for key, row in named.items() if key in other_named and other_named[key] != row]
    names = ", ".join(one.column_names[:keys])
    said = [
        _counted(len(rows), what, rows, names)
        for rows, what in ((added, "added"), (removed, "removed"))
        if rows
    ]
    if changed:
        columns = [
            name
            for place, name in enumerate(one.column_names)
            if any(named[key][place] != other_named[key][place] for key in changed)
        ]
        said.append(f"{_counted(len(changed), 'changed', changed, names)} in {_some(columns)}")
    if not said and before != after:
        said.append("the same rows in another order")
    return said


def _by_place(
    before: Sequence[tuple[str, ...]], after: Sequence[tuple[str, ...]], names: list[str]
) -> list[str]:
    changed = sum(row != now for row, now in zip(before, after, strict=False))
    more = len(after) - len(before)
    said = [f"{abs(more)} row{'s' if abs(more) > 1 else ''} {'more' if more > 0 else 'less'}"] if more else []
    if changed:
        columns = [
            name
            for place, name in enumerate(names)
            if any(row[place] != now[place] for row, now in zip(before, after, strict=False))
        ]
        said.append(f"{changed} row{'s' if changed > 1 else ''} changed in {_some(columns)}")
    return said


def _rows(table: pa.Table) -> list[tuple[str, ...]]:
    """The rows with each value as text: NaN is the same as itself, and what can't be hashed can be compared."""
    columns = [[repr(value) for value in column.to_pylist()] for column in table.columns]
    return list(zip(*columns, strict=True))


def _key_columns(
    before: Sequence[tuple[str, ...]], after: Sequence[tuple[str, ...]], width: int
) -> int | None:
    for count in range(1, min(_KEYS, width - 1) + 1):
        if all(len({row[:count] for row in rows}) == len(rows) for rows in (before, after)):
            return count
    return None


def _counted(count: int, what: str, keys: Sequence[tuple[str, ...]], names: str) -> str:
    """«2 rows added (day 3, 4)»."""
    shown = ", ".join("/".join(key) for key in keys[:_NAMED])
    more = ", …" if len(keys) > _NAMED else ""
    return f"{count} row{'s' if count > 1 else ''} {what} ({names} {shown}{more})"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")
