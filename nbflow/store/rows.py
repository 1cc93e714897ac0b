"""Rows of state.sqlite to values and back."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from nbflow.model.record import (
    CommandRecord,
    DagRecord,
    FailureRecord,
    ImportErrorRecord,
    InstanceRecord,
    PoolRecord,
    RunRecord,
    Transition,
    TryRecord,
)
from nbflow.model.run import Interval, RunKey, RunType, TaskKey
from nbflow.model.state import RunState, TaskState
from nbflow.model.work import ErrorPlace

if TYPE_CHECKING:
    from sqlite3 import Row

    from nbflow.model.instance import Instance
    from nbflow.model.work import TaskOutcome


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


def _error_json(error: ErrorPlace | None) -> str | None:
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
        paused=bool(row["paused"]),
        pause_reason=row["pause_reason"],
        start_date=_maybe(row["start_date"]),
        scheduled=_maybe(row["scheduled"]),
        published=row["published"],
        follow=bool(row["follow"]),
        options=json.loads(row["options"]),
        environment=json.loads(row["environment"]),
    )


def import_error(row: Row) -> ImportErrorRecord:
    """A row of `import_error`."""
    return ImportErrorRecord(
        path=Path(row["path"]), dag_id=row["dag_id"], error=row["error"], at=moment(row["at"])
    )


def interval(row: Row) -> Interval:
    """The interval columns of a row of `run`."""
    return Interval(
        logical_date=moment(row["logical_date"]),
        start=moment(row["interval_start"]),
        end=moment(row["interval_end"]),
        due=moment(row["due"]),
    )


def interval_values(given: Interval) -> dict[str, object]:
    """The inverse of `interval`, as named parameters."""
    return {
        "logical_date": stamp(given.logical_date),
        "interval_start": stamp(given.start),
        "interval_end": stamp(given.end),
        "due": stamp(given.due),
    }


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
        unattended=bool(row["unattended"]),
        environment=json.loads(row["environment"]),
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
        looks=row["looks"],
        first_look=_maybe(row["first_look"]),
        follow=None if row["follow"] is None else tuple(json.loads(row["follow"])),
        items=row["items"],
        label=row["label"],
    )


def instance_values(now: Instance) -> dict[str, object]:
    """What a move changes of a task instance beside its state, as named parameters."""
    return {
        "try_number": now.try_number,
        "max_tries": now.max_tries,
        "losses": now.losses,
        "looks": now.looks,
        "first_look": None if now.first_look is None else stamp(now.first_look),
        "follow": None if now.follow is None else json.dumps(now.follow),
        "items": now.items,
        "label": now.label,
    }


def outcome_values(outcome: TaskOutcome) -> dict[str, object]:
    """How a try ended, as named parameters."""
    return {
        "token": outcome.token,
        "result": outcome.result.value,
        "reason": outcome.reason,
        "error": _error_json(outcome.error),
        "notes": json.dumps(outcome.notes),
        "engine": outcome.engine,
        "started": stamp(outcome.started),
        "ended": stamp(outcome.ended),
    }


def failure(row: Row) -> FailureRecord:
    """A row of `failed_instances`."""
    return FailureRecord(
        instance=instance(row),
        logical_date=moment(row["logical_date"]),
        variant=row["variant"],
        error=_error(row["error"]),
    )


def _error(text: str | None) -> ErrorPlace | None:
    return None if text is None else ErrorPlace(**json.loads(text))


def command(row: Row) -> CommandRecord:
    """A row of `command`."""
    return CommandRecord(id=row["id"], at=moment(row["at"]), verb=row["verb"], body=json.loads(row["body"]))


def pool(row: Row) -> PoolRecord:
    """A row of `pool`."""
    return PoolRecord(name=row["name"], slots=row["slots"], description=row["description"])


def try_(row: Row, home: Path) -> TryRecord:
    """A row of `try`; its folder becomes absolute."""
    return TryRecord(
        key=_task_key(row),
        try_number=row["try_number"],
        token=row["token"],
        result=row["result"],
        reason=row["reason"],
        error=_error(row["error"]),
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
        id=row["id"],
        run=RunKey(row["dag_id"], row["run_id"]),
        at=moment(row["at"]),
        task_id=row["task_id"],
        map_index=row["map_index"],
        try_number=row["try_number"],
        old=row["old"],
        new=row["new"],
        reason=row["reason"],
    )
