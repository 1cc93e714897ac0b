"""The views people query: one per (DAG, task, key), the rows of the current try of each run.

`flights.clean__df` shows what task `clean` of the DAG `flights` handed on as `df`, `flights.clean` its
return value. Columns `ds, run_id, map_index, try` say which run a row is of (with an underscore before
them where the frame has such a column itself); moments with a zone are shown in UTC. What was carried as
a pickle, and frames of types that DuckDB has not, are not shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbflow.model.xcom import RETURN_VALUE
from nbflow.store.sql import queries

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    import pyarrow as pa

RESERVED_SCHEMAS = ("nbflow", "main", "temp", "system", "xcom", "memory", "information_schema", "pg_catalog")
_RUN_COLUMNS = (("ds", "t.ds"), ("run_id", "t.run_id"), ("map_index", "t.map_index"), ("try", "t.try_number"))
_JSON_COLUMNS = (("kind", "v.kind", "string"), ("value", "v.text::JSON", "json"))
_SECONDS = {"s": "to_seconds({})", "ms": "to_milliseconds({})", "us": "to_microseconds({})"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One native table: its number and its columns as the frames have them."""

    frame_id: int
    schema: pa.Schema


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    expression: str
    family: str


def quoted(name: str) -> str:
    """The name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def frame_table(frame_id: int) -> str:
    """The native table of that number, in the schema nbflow."""
    return f"frame_{frame_id}"


def schema_name(dag_id: str, taken: Mapping[str, str]) -> str:
    """The schema of a DAG: its own name, or with a number where DuckDB could not tell it from another.

    Args:
        dag_id: the DAG.
        taken: schema → DAG, for all there are.
    """
    known = next((schema for schema, owner in taken.items() if owner == dag_id), None)
    return known or _free(dag_id, (*RESERVED_SCHEMAS, *taken))


def view_name(task_id: str, key: str, taken: Iterable[str]) -> str:
    """`task__key`, `task` for the return value; with a number where that is taken in the schema."""
    return _free(task_id if key == RETURN_VALUE else f"{task_id}__{key}", taken)


def view_parts(key_id: int, frames: Sequence[Frame], *, has_json: bool) -> str:
    """The query of a view over all tables of a key, united by name.

    Columns of one name whose types do not fit together are shown as text.
    """
    sql = queries("xcom.sql")
    shown = [(frame, _columns(frame.schema)) for frame in frames]
    parts = [columns for _, columns in shown]
    if has_json:
        parts.append([_Column(*column) for column in _JSON_COLUMNS])
    names = {column.name.casefold() for columns in parts for column in columns}
    run_columns = ", ".join(
        f"{expression} AS {quoted(_apart(name, names))}" for name, expression in _RUN_COLUMNS
    )
    casts = _casts(parts)
    selects = [
        sql["view_frame_part"].format(
            run_columns=run_columns, columns=_select(columns, casts), table=frame_table(frame.frame_id)
        )
        for frame, columns in shown
    ]
    if has_json:
        columns = _select(parts[-1], casts)
        selects.append(sql["view_json_part"].format(run_columns=run_columns, columns=columns, key_id=key_id))
    return "\nUNION ALL BY NAME\n".join(selects)


def _columns(schema: pa.Schema) -> list[_Column]:
    import pyarrow as pa  # who shows no frames doesn't need it

    columns: list[_Column] = []
    taken: set[str] = set()
    for place, field in enumerate(schema):
        name = _free(field.name.replace("\0", "") or f"column_{place}", taken)
        taken.add(name)
        expression = f"f.c{place}"
        if pa.types.is_duration(field.type):
            expression = _SECONDS.get(field.type.unit, "to_microseconds({} // 1000)").format(expression)
        columns.append(_Column(name, expression, _family(field.type)))
    return columns


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
        for column in columns:
            families.setdefault(column.name.casefold(), set()).add(column.family)
    return {
        name: "TIMESTAMP" if all(family.startswith("timestamp") for family in found) else "VARCHAR"
        for name, found in families.items()
        if len(found) > 1
    }


def _select(columns: Iterable[_Column], casts: Mapping[str, str]) -> str:
    return ", ".join(
        f"CAST({column.expression} AS {casts[folded]}) AS {quoted(column.name)}"
        if (folded := column.name.casefold()) in casts
        else f"{column.expression} AS {quoted(column.name)}"
        for column in columns
    )


def _apart(name: str, names: Collection[str]) -> str:
    while name in names:
        name = f"_{name}"
    return name


def _free(name: str, taken: Iterable[str]) -> str:
    folded = {other.casefold() for other in taken}
    if name.casefold() not in folded:
        return name
    number = 2
    while f"{name}_{number}".casefold() in folded:
        number += 1
    return f"{name}_{number}"
