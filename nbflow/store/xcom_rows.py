"""What goes into the XCom store, what its listings show, and how one row is fetched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from nbflow.model.run import TaskKey
    from nbflow.model.xcom import Form, XComValue


@dataclass(frozen=True, slots=True, kw_only=True)
class TryXComs:
    """What one successful try handed on; may be nothing.

    Attributes:
        key: which task instance.
        try_number: from 1.
        ds: the run's date, as its cells saw it.
        token: of the try; committed again, it replaces what it left before, and nothing else.
        xcoms: the values, at most one per key.
        at: when the try ended, aware.
    """

    key: TaskKey
    try_number: int
    ds: str
    token: str
    xcoms: tuple[XComValue, ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsOf:
    """What each row of a native table says of the value it is of: `create_frame_table` in xcom.sql.

    Attributes:
        value_id: whose rows they are.
        is_current: whether its try is the current one of its task instance.
        ds, run_id, map_index, try_number: of that try.
    """

    value_id: int
    is_current: bool
    ds: str
    run_id: str
    map_index: int
    try_number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredXCom:
    """One line of a listing.

    Attributes:
        task: which task instance made it.
        try_number: in which try.
        current: whether that try's values are the task instance's.
        ds: the run's date.
        key, form, kind, size, preview: as of `XComValue`.
        created: when the try ended, UTC.
    """

    task: TaskKey
    try_number: int
    current: bool
    ds: str
    key: str
    form: Form
    kind: str
    size: int
    preview: str
    created: datetime


class FrameRefused(Exception):
    """DuckDB refused the rows of a frame, which ends the transaction; store it as a file instead."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(str(path))


def first_row(
    cursor: DuckDBPyConnection, query: str, parameters: Mapping[str, Any] | None = None
) -> tuple[Any, ...] | None:
    """The query's first row, None if it has none.

    All rows are fetched: DuckDB refuses other work on a connection with an unfinished result, which is
    what `fetchone` leaves.
    """
    rows = cursor.execute(query, dict(parameters or {})).fetchall()
    return rows[0] if rows else None
