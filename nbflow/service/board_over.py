"""The panels of a run, with its tasks over time, and of a task, over its runs. Times as on the board."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from nbflow.errors import AddressError, HomeError
from nbflow.model.run import RunKey, run_label
from nbflow.service.board import LAST, stamp
from nbflow.service.board_outputs import first_image
from nbflow.service.board_values import middle, numbers_of
from nbflow.service.lookup import check_task, label_of, open_state
from nbflow.service.versions import ran
from nbflow.service.views import standing
from nbflow.store.home import is_held

if TYPE_CHECKING:
    from nbflow.service.lookup import Target
    from nbflow.store.state import StateStore

Json = dict[str, Any]

_NO_RUN = "{dag_id} has no run {run_id} (any more)."
_MOST_RUNS = 1000  # of which numbers are shown


def run_panel(target: Target, run_id: str) -> Json:
    """Everything about a run: state, parameters, version, and `gantt`: when each task instance ran.

    Raises:
        AddressError: there is no such run.
    """
    with open_state(target) as state:
        run = state.run(RunKey(target.dag_id, run_id))
        if run is None:
            raise AddressError(_NO_RUN.format(dag_id=target.dag_id, run_id=run_id))
        records = state.instances(run.key)
        dag = state.dag(target.dag_id)
        version = ran(state, target, run)
    label = label_of(run, target.timezone)
    notebook = target.home.run_notebook(target.dag_id, label)
    paused = dag is not None and dag.paused
    shown, reason = standing(run, held=is_held(target.home), paused=paused)
    return {
        "run_id": run_id,
        "label": label,
        "state": run.state.value,
        "shown": shown,
        "reason": reason,
        "type": run.run_type.value,
        "params": {name: param.default for name, param in target.flow.dag.params.items()} | dict(run.params),
        "data_interval_start": stamp(run.interval.start),
        "data_interval_end": stamp(run.interval.end),
        "due": stamp(run.interval.due),
        "started": stamp(run.started),
        "ended": stamp(run.ended),
        "version": run.version,
        "version_said": str(version),
        "gantt": [
            {
                "task_id": one.key.task_id,
                "map_index": one.key.map_index,
                "label": one.label,
                "start": stamp(one.started),
                "end": stamp(one.ended),
                "state": one.state.value,
                "try": one.try_number,
            }
            for one in records
            if one.started is not None
        ],
        "counts": dict(Counter(one.state.value for one in records if one.key.map_index < 0)),
        "notebook": str(notebook) if notebook.exists() else None,
    }


def task_panel(target: Target, task_id: str, last: int = LAST) -> Json:
    """A task over the DAG's latest runs: state, `seconds`, the `number` it handed on (under `key`) and the first
    `image` it drew, a data URI, for each.

    Raises:
        AddressError: no run has such a task, nor has the notebook.
    """
    with open_state(target) as state:
        found = state.board.over_dates(target.dag_id, task_id, most=last)
        labels = run_labels(state, target)
    if not found:
        check_task(target.dag_id, task_id, target.flow.tasks)
    try:
        key, numbers = numbers_of(target, task_id, labels=labels)
    except HomeError:  # somebody has the file open: the pictures are worth seeing
        key, numbers = "", {}
    spec = target.flow.tasks.get(task_id)
    return {
        "task_id": task_id,
        "kind": "" if spec is None else spec.kind_words,
        "doc": "" if spec is None else spec.doc,
        "key": key,
        "median": middle([one.seconds for one in found if one.seconds is not None]),
        "runs": [
            {
                "run_id": one.run_id,
                "label": run_label(one.logical_date, target.timezone, one.variant),
                "state": one.state.value,
                "seconds": one.seconds,
                "number": numbers.get(one.run_id),
                "image": None if one.folder is None else first_image(one.folder),
            }
            for one in found
        ],
    }


def run_labels(state: StateStore, target: Target) -> dict[str, str]:
    """Run id → label of the DAG's latest ordinary runs, oldest first: those whose numbers stand side by side."""
    return {
        run.run_id: run_label(run.logical_date, target.timezone)
        for run in state.board.runs(target.dag_id, most=_MOST_RUNS)
        if not run.variant
    }
