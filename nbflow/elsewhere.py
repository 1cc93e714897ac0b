"""Other DAGs, from a task's cell: have one run, or look how one stands."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, cast
from zoneinfo import ZoneInfo

from nbflow.current import current, current_outside
from nbflow.errors import DateError, OutsideError, ParameterError, WaitAgain
from nbflow.model.outside import StateQuery, TriggerQuery
from nbflow.model.run import RunKey, TaskKey
from nbflow.model.state import RunState, TaskState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbflow.model.outside import Standing

_FAILED = frozenset({TaskState.FAILED.value, TaskState.UPSTREAM_FAILED.value})
_NAIVE = "logical_date {moment} has no time zone: write {moment}+00:00, or a date such as 2026-02-17"


def trigger_dag(
    dag_id: str,
    *,
    conf: Mapping[str, object] | None = None,
    logical_date: datetime | date | str | None = None,
    wait: bool = True,
    poke_interval: timedelta | float = timedelta(seconds=5),
) -> str:
    """Have a DAG run, and wait until that run has succeeded.

    A DAG has one run per logical date: one that is there already is taken as it is, however often a task asks.
    Waiting holds no process: the try ends, and after each `poke_interval` the task's cells run again from the
    start, until the run is over. So keep this call in a task of its own.

    Args:
        dag_id: of the DAG; the home has to know it.
        conf: values of its parameters, which JSON can carry.
        logical_date: of the run; a text or date is read in the zone of the DAG that asks; None: that of this
            run.
        wait: whether to wait for its end. Otherwise the call returns as soon as the run is there.
        poke_interval: between two looks; a number is seconds.

    Returns:
        The run's id.

    Raises:
        OutsideError: the run failed, or can't be had; the message names it.
        ParameterError: `conf` is no mapping from names.
    """
    if conf is not None and not all(isinstance(name, str) for name in conf):
        msg = f"trigger_dag({dag_id!r}): conf is a dict from parameter names to values, and got {conf!r}"
        raise ParameterError(msg)
    outside = current_outside("trigger_dag")
    key = RunKey(str(current("dag_id")), str(current("run_id")))
    query = TriggerQuery(
        dag_id=dag_id,
        logical_date=_moment(logical_date),
        conf=dict(conf or {}),
        asked_by=TaskKey(key, str(current("task_id")), cast("int", current("map_index"))),
        try_number=cast("int", current("try_number")),
        wait=wait,
    )
    standing = outside.trigger(query)
    if not wait or standing.state == RunState.SUCCESS.value:
        return standing.run_id
    if standing.state == RunState.FAILED.value:
        raise OutsideError(_has_failed(f"run {standing.run_id} of {dag_id}", standing))
    seconds = poke_interval.total_seconds() if isinstance(poke_interval, timedelta) else float(poke_interval)
    raise WaitAgain(seconds, f"waits for run {standing.run_id} of {dag_id}, which is {standing.state}")


def external_task(
    dag_id: str, task_id: str | None = None, *, logical_date: datetime | date | str | None = None
) -> bool:
    """Whether another DAG's task, or its whole run, has succeeded; for the last line of a `%%task.sensor`.

    Args:
        dag_id: of the other DAG.
        task_id: of its task; None: the run as a whole.
        logical_date: of its run; a text or date is read in the zone of the DAG that asks; None: that of this
            run.

    Returns:
        True once it has succeeded; False before, also where there is no such run yet.

    Raises:
        OutsideError: it failed; the message names it.
    """
    outside = current_outside("external_task")
    standing = outside.standing(
        StateQuery(dag_id=dag_id, task_id=task_id, logical_date=_moment(logical_date))
    )
    if standing is None:
        return False
    if standing.state in _FAILED:
        what = f"run {standing.run_id} of {dag_id}"
        raise OutsideError(_has_failed(f"task {task_id!r} of {what}" if task_id else what, standing))
    return standing.state == TaskState.SUCCESS.value


def _has_failed(what: str, standing: Standing) -> str:
    why = f": {standing.reason}" if standing.reason else ""
    return f"{what} has failed{why}. Repair and clear it, then clear this task."


def _moment(logical_date: datetime | date | str | None) -> datetime:
    """The instant that is meant, in UTC.

    Raises:
        DateError: a text that is no date, or a datetime without zone.
    """
    here = cast("datetime", current("logical_date"))
    if logical_date is None:
        return here.astimezone(UTC)
    zone = here.tzinfo or ZoneInfo("UTC")
    if isinstance(logical_date, str):
        try:
            moment = datetime.fromisoformat(logical_date)
        except ValueError:
            msg = f"logical_date {logical_date!r} is no date; write 2026-02-17 or 2026-02-17T06:00"
            raise DateError(msg) from None
        moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
    elif isinstance(logical_date, datetime):
        moment = logical_date
        if moment.tzinfo is None:
            raise DateError(_NAIVE.format(moment=moment.isoformat()))
    else:
        moment = datetime.combine(logical_date, datetime.min.time(), tzinfo=zone)
    return moment.astimezone(UTC)
