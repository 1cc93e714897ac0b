"""Rows of state.sqlite to values and back."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from nbflow.model.record import DagRecord, InstanceRecord, RunRecord, Transition, TryRecord
from nbflow.model.run import Interval, RunKey, RunType, TaskKey
from nbflow.model.state import RunState, TaskState
from nbflow.model.work import ErrorPlace

if TYPE_CHECKING:
    from sqlite3 import Row


def stamp(moment: datetime) -> str:
    """An instant as the tables have it: UTC, microseconds, sorting as text."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[: -len("+00:00")] + "Z"


def moment(text: str) -> datetime:
    """The inverse of `stamp`."""
    return datetime.fromisoformat(text)


def _maybe(text: str | None) -> datetime | None:
    return None if text is None else moment(text)


def key_values(key: TaskKey) -> dict[str, object]:
    """A task instance's key as named parameters."""
    return {
        "dag_id": key.run.dag_id,
        "run_id": key.run.run_id,
        "task_id": key.task_id,
        "map_index": key.map_index,
    }


def error_json(error: ErrorPlace | None) -> str | None:
    """Where a try went wrong, as the table has it."""
    return None if error is None else json.dumps(asdict(error))


def dag(row: Row) -> DagRecord:
    """A row of `dag`."""
    return DagRecord(
        dag_id=row["dag_id"],
        path=Path(row["path"]),
        version=row["version"],
        timezone=row["timezone"],
        created=moment(row["created"]),
    )


def interval(row: Row) -> Interval:
    """The interval columns of a row of `run`."""
    return Interval(
        logical_date=moment(row["logical_date"]),
        start=moment(row["interval_start"]),
        end=moment(row["interval_end"]),
        due=moment(row["due"]),
    )


def run(row: Row) -> RunRecord:
    """A row of `run`."""
    return RunRecord(
        key=RunKey(row["dag_id"], row["run_id"]),
        interval=interval(row),
        run_type=RunType(row["run_type"]),
        state=RunState(row["state"]),
        variant=row["variant"],
        params=json.loads(row["params"]),
        version=row["version"],
        reason=row["reason"],
        created=moment(row["created"]),
        started=_maybe(row["started"]),
        ended=_maybe(row["ended"]),
    )


def _task_key(row: Row) -> TaskKey:
    return TaskKey(RunKey(row["dag_id"], row["run_id"]), row["task_id"], row["map_index"])


def instance(row: Row) -> InstanceRecord:
    """A row of `task_instance`."""
    return InstanceRecord(
        key=_task_key(row),
        state=TaskState(row["state"]),
        try_number=row["try_number"],
        max_tries=row["max_tries"],
        losses=row["losses"],
        reason=row["reason"],
        code_hash=row["code_hash"],
        started=_maybe(row["started"]),
        ended=_maybe(row["ended"]),
    )


def try_(row: Row, home: Path) -> TryRecord:
    """A row of `try`; its folder becomes absolute."""
    return TryRecord(
        key=_task_key(row),
        try_number=row["try_number"],
        token=row["token"],
        result=row["result"],
        reason=row["reason"],
        error=None if row["error"] is None else ErrorPlace(**json.loads(row["error"])),
        process_group=row["process_group"],
        engine=row["engine"],
        code_hash=row["code_hash"],
        version=row["version"],
        folder=home / row["folder"],
        created=moment(row["created"]),
        started=_maybe(row["started"]),
        ended=_maybe(row["ended"]),
        notes=tuple(json.loads(row["notes"])),
    )


def transition(row: Row) -> Transition:
    """A row of `transition`."""
    return Transition(
        at=moment(row["at"]),
        task_id=row["task_id"],
        map_index=row["map_index"],
        try_number=row["try_number"],
        old=row["old"],
        new=row["new"],
        reason=row["reason"],
    )
