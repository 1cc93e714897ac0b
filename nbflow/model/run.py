"""Runs and task instances: their keys, their times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo


class RunType(StrEnum):
    """What started a run."""

    SCHEDULED = "scheduled"
    MANUAL = "manual"
    BACKFILL = "backfill"


def aware(moment: datetime, what: str) -> datetime:
    """The same instant in UTC.

    Raises:
        ValueError: `moment` has no zone.
    """
    if moment.tzinfo is None:
        msg = f"{what} {moment.isoformat()} has no time zone; write {moment.isoformat()}+00:00"
        raise ValueError(msg)
    return moment.astimezone(UTC)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Interval:
    """A data interval: the stretch of time a run is about. All aware, kept in UTC.

    Attributes:
        logical_date: the run's name in time; `start` for interval schedules.
        start: inclusive.
        end: exclusive.
        due: when the run may start; `end` for interval schedules.
    """

    logical_date: datetime
    start: datetime
    end: datetime
    due: datetime

    def __post_init__(self) -> None:
        for name in ("logical_date", "start", "end", "due"):
            object.__setattr__(self, name, aware(getattr(self, name), name))
        if self.end < self.start:
            msg = f"a data interval cannot end ({self.end}) before it starts ({self.start})"
            raise ValueError(msg)


def run_id_of(logical_date: datetime, variant: str = "") -> str:
    """`2026-02-17T00:00:00Z`, or `2026-02-17T00:00:00Z~NAME` for a variant beside it."""
    stamp = aware(logical_date, "logical_date").isoformat().replace("+00:00", "Z")
    return f"{stamp}~{variant}" if variant else stamp


class RunKey(NamedTuple):
    """Which run of which DAG. A named tuple: keys are made, compared and looked up all the time."""

    dag_id: str
    run_id: str


def run_label(logical_date: datetime, timezone: str, variant: str = "") -> str:
    """How people read a run: its local date, with the time where that is not midnight.

    `2026-02-17`, `2026-02-17T06:00`, `2026-02-17T06:00:30`; the offset follows a time that occurs twice
    (`2026-10-25T02:30+0100`); `~NAME` marks a variant. Distinct runs of a DAG have distinct labels.
    """
    return local_label(logical_date.astimezone(ZoneInfo(timezone)), variant)


def local_label(local: datetime, variant: str = "") -> str:
    """`run_label` of a time that is in the DAG's zone already."""
    if (local.hour, local.minute, local.second, local.microsecond) == (0, 0, 0, 0):
        text = f"{local:%Y-%m-%d}"
    elif (local.second, local.microsecond) == (0, 0):
        text = f"{local:%Y-%m-%dT%H:%M}"
    else:
        text = local.replace(tzinfo=None).isoformat()
    if local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset():
        text += f"{local:%z}"
    return f"{text}~{variant}" if variant else text


class TaskKey(NamedTuple):
    """Which task instance: a task of a run; `map_index` is -1 where the task isn't mapped."""

    run: RunKey
    task_id: str
    map_index: int = -1
