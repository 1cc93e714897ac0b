"""Commands as JSON: what stands in the body of each verb, so that any process can leave one in the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbflow.service.params import stored_params

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from nbflow.model.run import RunKey, TaskKey
    from nbflow.model.state import RunState, TaskState

Body = dict[str, Any]


def cleared(dag_id: str, tasks: Mapping[TaskKey, str], *, run: bool = True, original: bool = False) -> Body:
    """The body of `clear`: these task instances run again, each with the reason; without `run` not yet.

    With `original` by the notebook as it was when their run last ran.
    """
    rows = [[key.run.run_id, key.task_id, key.map_index, reason] for key, reason in tasks.items()]
    return {"dag_id": dag_id, "tasks": rows, "run": run, "original": original}


def marked(dag_id: str, tasks: Iterable[TaskKey], state: TaskState, reason: str) -> Body:
    """The body of `mark`: these task instances have ended so."""
    rows = [[key.run.run_id, key.task_id, key.map_index, state.value] for key in tasks]
    return {"dag_id": dag_id, "tasks": rows, "reason": reason}


def run_marked(runs: Iterable[RunKey], state: RunState, reason: str) -> Body:
    """The body of `mark` for whole runs, of one DAG."""
    keys = list(runs)
    rows = [[key.run_id, state.value] for key in keys]
    return {"dag_id": keys[0].dag_id, "runs": rows, "tasks": [], "reason": reason}


def triggered(
    dag_id: str,
    date: datetime | None,
    params: Mapping[str, object],
    *,
    variant: str = "",
    again: bool = True,
    any_date: bool = False,
    path: str = "",
) -> Body:
    """The body of `trigger`.

    Args:
        dag_id: of the DAG.
        date: the interval that starts then; None: the latest complete one.
        params: values of its parameters.
        variant: the name of a variant beside the ordinary run.
        again: whether a run that failed goes on; else only one that is not there yet begins.
        any_date: whether a date on which none of its intervals starts will do too.
        path: of its notebook, where the home may not know it yet.
    """
    return {
        "dag_id": dag_id,
        "date": None if date is None else date.isoformat(),
        "params": stored_params(params),
        "variant": variant,
        "again": again,
        "any_date": any_date,
        "path": path,
    }


def paused(dag_id: str, *, paused: bool, path: str) -> Body:
    """The body of `pause`: the DAG is paused, or isn't any more; `path` as for `triggered`."""
    return {"dag_id": dag_id, "paused": paused, "path": path}
