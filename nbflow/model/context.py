"""The names a cell can use beside its own: `ds` and its family."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from nbflow.model.run import Interval, TaskKey

CONTEXT_NAMES = (
    "ds",
    "ds_nodash",
    "ts",
    "ts_nodash",
    "logical_date",
    "data_interval_start",
    "data_interval_end",
    "prev_data_interval_start_success",
    "prev_data_interval_end_success",
    "run_id",
    "dag_id",
    "task_id",
    "try_number",
    "map_index",
    "params",
    "var",
    "conn",
    "ti",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DagRun:
    """`dag_run` in templates and callbacks: the run, by Airflow's names.

    Attributes:
        dag_id, run_id: which.
        logical_date, data_interval_start, data_interval_end: aware, in the DAG's zone.
        conf: the values of its parameters.
    """

    dag_id: str
    run_id: str
    logical_date: datetime
    data_interval_start: datetime
    data_interval_end: datetime
    conf: Mapping[str, object]

    @classmethod
    def of(cls, context: Mapping[str, object]) -> DagRun:
        """The run that these names are of (`context_of`)."""
        return cls(
            dag_id=str(context["dag_id"]),
            run_id=str(context["run_id"]),
            logical_date=cast("datetime", context["logical_date"]),
            data_interval_start=cast("datetime", context["data_interval_start"]),
            data_interval_end=cast("datetime", context["data_interval_end"]),
            conf=cast("Mapping[str, object]", context["params"]),
        )


def context_of(
    key: TaskKey,
    interval: Interval,
    *,
    timezone: str,
    try_number: int = 1,
    params: Mapping[str, object],
    previous_success: Interval | None = None,
) -> dict[str, object]:
    """The values of `CONTEXT_NAMES` for one try, but for `ti`, `var` and `conn`, which need a process around them.

    Datetimes are aware, in the DAG's zone; `ds` (`2026-02-17`) and `ts` are of the same zone, so that
    the date a person typed is the date the cell sees.
    """
    zone = ZoneInfo(timezone)

    def local(moment: datetime) -> datetime:
        return moment.astimezone(zone)

    logical_date = local(interval.logical_date)
    return {
        "ds": logical_date.strftime("%Y-%m-%d"),
        "ds_nodash": logical_date.strftime("%Y%m%d"),
        "ts": logical_date.isoformat(),
        "ts_nodash": logical_date.strftime("%Y%m%dT%H%M%S"),
        "logical_date": logical_date,
        "data_interval_start": local(interval.start),
        "data_interval_end": local(interval.end),
        "prev_data_interval_start_success": None
        if previous_success is None
        else local(previous_success.start),
        "prev_data_interval_end_success": None if previous_success is None else local(previous_success.end),
        "run_id": key.run.run_id,
        "dag_id": key.run.dag_id,
        "task_id": key.task_id,
        "try_number": try_number,
        "map_index": key.map_index,
        "params": dict(params),
    }
