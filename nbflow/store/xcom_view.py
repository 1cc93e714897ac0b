"""The views people query: one per (DAG, task, key), the rows of the current try of each run.

`flights.clean__df` shows what task `clean` of the DAG `flights` handed on as `df`, `flights.clean` its
return value, and `flights.df` is `clean`'s where no other task hands on a `df`. Columns `ds, run_id,
map_index, try` say which run a row is of (with an underscore before them where the frame has such a column
itself); moments with a zone are shown in UTC. What was carried as a pickle, and frames of types that DuckDB
has not, are not shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbflow.model.xcom import RETURN_VALUE
from nbflow.store.sql import queries
from nbflow.store.xcom_columns import column, frame_table, free_name, shown_names

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    import pyarrow as pa

    from nbflow.store.xcom_columns import Frame

RESERVED_SCHEMAS = ("nbflow", "main", "temp", "system", "xcom", "memory", "information_schema", "pg_catalog")
_RUN_COLUMNS = (("ds", "r.ds"), ("run_id", "r.run_id"), ("map_index", "r.map_index"), ("try", "r.try_number"))
_JSON_COLUMNS = (("kind", "v.kind", "string"), ("value", "v.text::JSON", "json"))
_SECONDS = {"s": "to_seconds({})", "ms": "to_milliseconds({})", "us": "to_microseconds({})"}


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of a view: the expressions of which at most one is not NULL, and the families they are of."""

    name: str
    expressions: tuple[str, ...]
    families: frozenset[str]


def quoted(name: str) -> str:
    """The name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def schema_name(dag_id: str, taken: Mapping[str, str]) -> str:
    """The schema of a DAG: its own name, or with a number where DuckDB could not tell it from another.

    Args:
        dag_id: the DAG.
        taken: schema → DAG, for all there are.
    """
    known = next((schema for schema, owner in taken.items() if owner == dag_id), None)
    return known or free_name(dag_id, (*RESERVED_SCHEMAS, *taken))


def view_name(task_id: str, key: str, taken: Iterable[str]) -> str:
    """`task__key`, `task` for the return value; with a number where that is taken in the schema."""
    return free_name(task_id if key == RETURN_VALUE else f"{task_id}__{key}", taken)


def view_parts(key_id: int, frames: Sequence[Frame], *, has_json: bool) -> str:
    """The query of a view over all that a key has had, united by name.

    Columns of one name whose types do not fit together are shown as text.
    """
    sql = queries("xcom.sql")
    tables: dict[int, list[Frame]] = {}
    for frame in frames:
        tables.setdefault(frame.table_id, []).append(frame)
    shown = {table_id: _columns(of) for table_id, of in tables.items()}
    parts = list(shown.values())
    if has_json:
        parts.append([_Column(name, (text,), frozenset({family})) for name, text, family in _JSON_COLUMNS])
    names = {column.name.casefold() for columns in parts for column in columns}
    run_columns = ", ".join(
        f"{expression} AS {quoted(_apart(name, names))}" for name, expression in _RUN_COLUMNS
    )
    casts = _casts(parts)
    selects = [
        sql["view_frame_part"].format(
            run_columns=run_columns, columns=_select(columns, casts), table=frame_table(table_id)
        )
        for table_id, columns in shown.items()
    ]
    if has_json:
        columns = _select(parts[-1], casts)
        selects.append(sql["view_json_part"].format(run_columns=run_columns, columns=columns, key_id=key_id))
    return "\nUNION ALL BY NAME\n".join(selects)


def _columns(frames: Iterable[Frame]) -> list[_Column]:
    """The columns of one table, in the order in which they came."""
    found: dict[str, _Column] = {}
    for frame in frames:
        for name, field, place in zip(shown_names(frame.schema), frame.schema, frame.places, strict=True):
            known = found.setdefault(name.casefold(), _Column(name, (), frozenset()))
            expression = _expression(place, field.type)
            if expression not in known.expressions:
                families = known.families | {_family(field.type)}
                expressions = (*known.expressions, expression)
                found[name.casefold()] = _Column(known.name, expressions, families)
    return list(found.values())


def _expression(place: int, kind: pa.DataType) -> str:
    import pyarrow as pa  # who shows no frames doesn't need it

    text = f"r.{column(place)}"
    if pa.types.is_duration(kind):
        return _SECONDS.get(kind.unit, "to_microseconds({} // 1000)").format(text)
    return text


def _family(kind: pa.DataType) -> str:
    """Types of one family are united as they are; DuckDB finds the type that holds them."""
    import pyarrow as pa

    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    if pa.types.is_timestamp(kind):
        return f"timestamp[{kind.unit}]"
    if pa.types.is_duration(kind):
        return "duration"
    if pa.types.is_time(kind):
        return "time"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return "string"
    return str(kind)


def _casts(parts: Iterable[Iterable[_Column]]) -> Mapping[str, str]:
    """For each name (folded) that needs it, the type it is shown as."""
    families: dict[str, set[str]] = {}
    for columns in parts:
        for shown in columns:
            families.setdefault(shown.name.casefold(), set()).update(shown.families)
    return {
        name: "TIMESTAMP" if all(family.startswith("timestamp") for family in found) else "VARCHAR"
        for name, found in families.items()
        if len(found) > 1
    }


def _select(columns: Iterable[_Column], casts: Mapping[str, str]) -> str:
    return ", ".join(f"{_united(shown, casts)} AS {quoted(shown.name)}" for shown in columns)


def _united(shown: _Column, casts: Mapping[str, str]) -> str:
    cast = casts.get(shown.name.casefold())
    parts = [text if cast is None else f"CAST({text} AS {cast})" for text in shown.expressions]
    return parts[0] if len(parts) == 1 else f"coalesce({', '.join(parts)})"


def _apart(name: str, names: Collection[str]) -> str:
    while name in names:
        name = f"_{name}"
    return name
