"""Commands as JSON: what stands in the body of each verb, so that any process can leave one in the store."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from nbflow.model.run import Interval
from nbflow.service.params import stored_params

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from nbflow.model.run import RunKey, RunType, TaskKey
    from nbflow.model.state import RunState, TaskState
    from nbflow.plan.selection import Reprocess

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


def run_marked(runs: Iterable[RunKey], state: RunState, reason: str, *, unless_over: bool = False) -> Body:
    """The body of `mark` for whole runs, of one DAG; `unless_over`: those that are over by then stay as they are."""
    keys = list(runs)
    rows = [[key.run_id, state.value] for key in keys]
    return {"dag_id": keys[0].dag_id, "runs": rows, "tasks": [], "reason": reason, "unless_over": unless_over}


def triggered(
    dag_id: str, date: datetime, params: Mapping[str, object], *, again: bool, path: str = ""
) -> Body:
    """The body of `trigger`: a task wants a run.

    Args:
        dag_id: of the DAG.
        date: the interval that starts then; where none of the DAG's does, that moment.
        params: values of its parameters.
        again: whether a run that failed goes on; else only one that is not there yet begins.
        path: of its notebook, where the home may not know it yet.
    """
    return {
        "dag_id": dag_id,
        "date": date.isoformat(),
        "params": stored_params(params),
        "again": again,
        "path": path,
    }


def paused(dag_id: str, *, paused: bool, path: str) -> Body:
    """The body of `pause`: the DAG is paused, or isn't any more; `path` as for `triggered`."""
    return {"dag_id": dag_id, "paused": paused, "path": path}


def run_asked(
    notebook: Path,
    dag_id: str,
    intervals: Iterable[Interval],
    *,
    request: str,
    run_type: RunType,
    params: Mapping[str, object],
    variant: str,
    reprocess: Reprocess,
    rerun_stale: bool,
    keep_stale: bool,
    asker: Mapping[str, object],
) -> Body:
    """The body of `run`: a portion of the runs that a person asks for.

    Args:
        notebook: the file.
        dag_id: what it holds.
        intervals: one run each.
        request: the same for all portions of one request: they run the same notebook.
        run_type: what the runs are, if they are new.
        params: values of its parameters, as stored.
        variant: the name of a variant beside the ordinary runs.
        reprocess: see `submit.submissions`, as for the next two.
        rerun_stale: also of succeeded runs.
        keep_stale: not of runs that go on.
        asker: see `surroundings.asked_from_here`.
    """
    return {
        "path": str(notebook.resolve()),
        "dag_id": dag_id,
        "intervals": [
            [moment.isoformat() for moment in (it.logical_date, it.start, it.end, it.due)] for it in intervals
        ],
        "request": request,
        "run_type": run_type.value,
        "params": dict(params),
        "variant": variant,
        "reprocess": reprocess.value,
        "rerun_stale": rerun_stale,
        "keep_stale": keep_stale,
        "asker": dict(asker),
    }


def interval_of(moments: Sequence[str]) -> Interval:
    """One of the `intervals` of `run_asked`."""
    logical_date, start, end, due = map(datetime.fromisoformat, moments)
    return Interval(logical_date=logical_date, start=start, end=end, due=due)
