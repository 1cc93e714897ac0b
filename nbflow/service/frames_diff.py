"""How one frame became another: columns, then rows by what names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

_MOST = 2_000_000  # values of both frames that are compared one by one
_KEYS = 3  # columns at the front that are tried as what names a row
_NAMED = 3  # rows, columns that are named

_Row = tuple[str, ...]


def frame_changes(one: pa.Table, other: pa.Table, key: Sequence[str] = ()) -> str:
    """What differs, in words; "" for the same columns, types and values in the same order.

    Rows are matched by the columns of `key`, where both frames have them all. Else by the fewest columns at the front
    that name each row once in both frames, at most `_KEYS` of them; where there are none, and in frames of very many
    values, by their place. What is said tells which it was.
    """
    if one.schema.equals(other.schema) and one.equals(other):
        return ""
    said = _column_changes(one, other)
    shared = [name for name in one.column_names if name in other.column_names]
    said += _row_changes(one.select(shared), other.select(shared), key) if shared else []
    return ", ".join(said) or "other metadata (index, attributes) only"


def _column_changes(one: pa.Table, other: pa.Table) -> list[str]:
    said = [f"column {name} added" for name in other.column_names if name not in one.column_names]
    said += [f"column {name} removed" for name in one.column_names if name not in other.column_names]
    for name in one.column_names:
        if name in other.column_names and one.schema.field(name).type != other.schema.field(name).type:
            said.append(f"column {name} {one.schema.field(name).type} → {other.schema.field(name).type}")
    return said


def _row_changes(one: pa.Table, other: pa.Table, key: Sequence[str]) -> list[str]:
    known = [name for name in key if name in one.column_names]
    asked = bool(key) and len(known) == len(key)
    if asked:
        order = [*known, *(name for name in one.column_names if name not in known)]
        one, other = one.select(order), other.select(order)
    elif one.num_columns * (one.num_rows + other.num_rows) > _MOST:
        return _by_columns(one, other)
    before, after = _rows(one), _rows(other)
    if asked:
        return _by_key(before, after, one.column_names, len(known))
    keys = _key_columns(before, after, one.num_columns)
    if keys is None:
        return _by_place(before, after, one.column_names)
    return _by_key(before, after, one.column_names, keys)


def _by_key(before: Sequence[_Row], after: Sequence[_Row], columns: Sequence[str], keys: int) -> list[str]:
    """What differs of rows that their first columns name; said where these name a row twice."""
    named, other_named = (_named(rows, keys) for rows in (before, after))
    added = [key for key in other_named if key not in named]
    removed = [key for key in named if key not in other_named]
    changed = [key for key, rows in named.items() if key in other_named and other_named[key] != rows]
    names = ", ".join(columns[:keys])
    said = [
        _counted(len(rows), what, rows, names)
        for rows, what in ((added, "added"), (removed, "removed"))
        if rows
    ]
    if changed:
        differ = [
            name
            for place, name in enumerate(columns)
            if place >= keys
            and any(_column(named[key], place) != _column(other_named[key], place) for key in changed)
        ]
        within = f" in {_some(differ)}" if differ else ""
        said.append(f"{_counted(len(changed), 'changed', changed, names)}{within}")
    if not said and before != after:
        said.append("the same rows in another order")
    twice = max(len(before) - len(named), len(after) - len(other_named))
    if twice:
        said.append(f"{twice} row{'s share' if twice > 1 else ' shares'} {names} with another")
    return said


def _named(rows: Sequence[_Row], keys: int) -> dict[_Row, list[_Row]]:
    """The rows by what their first columns say; those of one name in an order of their own."""
    found: dict[_Row, list[_Row]] = {}
    for row in rows:
        found.setdefault(row[:keys], []).append(row)
    return {key: sorted(own) for key, own in found.items()}


def _column(rows: Sequence[_Row], place: int) -> list[str]:
    return [row[place] for row in rows]


def _by_columns(one: pa.Table, other: pa.Table) -> list[str]:
    """What differs of frames too long to be looked through row by row."""
    more = other.num_rows - one.num_rows
    if more:
        return [f"{abs(more)} row{'s' if abs(more) > 1 else ''} {'more' if more > 0 else 'less'}"]
    differ = [name for name in one.column_names if not one.column(name).equals(other.column(name))]
    return (
        [f"values of {_some(differ)} (too many to tell the rows; --key COLUMN tells them)"] if differ else []
    )


def _by_place(before: Sequence[_Row], after: Sequence[_Row], names: Sequence[str]) -> list[str]:
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
    return [*said[:-1], f"{said[-1]} (rows matched by their place)"] if said else []


def _rows(table: pa.Table) -> list[_Row]:
    """The rows with each value as text: NaN is the same as itself, and what can't be hashed can be compared."""
    columns = [[repr(value) for value in column.to_pylist()] for column in table.columns]
    return list(zip(*columns, strict=True))


def _key_columns(before: Sequence[_Row], after: Sequence[_Row], width: int) -> int | None:
    for count in range(1, min(_KEYS, width - 1) + 1):
        if all(len({row[:count] for row in rows}) == len(rows) for rows in (before, after)):
            return count
    return None


def _counted(count: int, what: str, keys: Sequence[_Row], names: str) -> str:
    """«2 rows added (day 3, 4)»."""
    shown = ", ".join("/".join(key) for key in keys[:_NAMED])
    more = ", …" if len(keys) > _NAMED else ""
    return f"{count} row{'s' if count > 1 else ''} {what} ({names} {shown}{more})"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")
