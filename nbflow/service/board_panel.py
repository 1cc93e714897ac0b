"""The panel of a square: everything there is to say of one task instance, as JSON. Times as on the board."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from nbflow.errors import AddressError, HomeError
from nbflow.model.run import RunKey, TaskKey
from nbflow.model.work import Result
from nbflow.service.board import stamp
from nbflow.service.board_log import log_after, log_end
from nbflow.service.board_outputs import outputs_of
from nbflow.service.board_over import run_labels, run_panel, task_panel
from nbflow.service.board_values import middle, values_of
from nbflow.service.lookup import label_of, name_of, open_state
from nbflow.service.submit import stale_tasks
from nbflow.service.versions import ran, run_flow
from nbflow.service.views import reason_of
from nbflow.service.why import why

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbflow.model.flow import Flow
    from nbflow.model.record import InstanceRecord, RunRecord, TryRecord
    from nbflow.service.changes import Change
    from nbflow.service.lookup import Target
    from nbflow.store.state import StateStore

__all__ = ["log_after", "run_panel", "square_panel", "task_panel"]

Json = dict[str, Any]

# Results of tries that have a square's state of another name; the reason says the rest.
_RESULTS = dict.fromkeys(
    (one.value for one in (Result.FAIL, Result.TIMED_OUT, Result.GAVE_UP, Result.LOST)), "failed"
)
_RESULTS |= {Result.WAITING.value: "up_for_reschedule"}
_RUNS = 60  # over which a duration has a median
_NO_RUN = "{dag_id} has no run {run_id} (any more)."
_NO_INSTANCE = "the run {label} of {dag_id} has no task {name}."
_NO_TRY = "{dag_id} {label} {name} has no try {number}."
_NO_VALUES = "what it handed on can't be read now: {why}"


def square_panel(
    target: Target, run_id: str, task_id: str, map_index: int = -1, try_number: int | None = None
) -> Json:
    """Everything about a task instance of a run.

    Args:
        target: the DAG.
        run_id: of the run.
        task_id: the task.
        map_index: which instance of a mapped task; -1: the task itself.
        try_number: whose outputs, log and values; None: the latest's.

    Raises:
        AddressError: there is no such run, task instance or try.
        HomeError: the home's state can't be read.
    """
    with open_state(target) as state:
        run = state.run(RunKey(target.dag_id, run_id))
        if run is None:
            raise AddressError(_NO_RUN.format(dag_id=target.dag_id, run_id=run_id))
        label = label_of(run, target.timezone)
        key = TaskKey(run.key, task_id, map_index)
        records = state.instances(run.key)
        record = next((found for found in records if found.key == key), None)
        if record is None:
            said = {"label": label, "dag_id": target.dag_id, "name": name_of(key)}
            raise AddressError(_NO_INSTANCE.format(**said))
        tries = state.tries(key)
        shown = _chosen(tries, try_number)
        if shown is None and try_number is not None:
            said = {"label": label, "dag_id": target.dag_id, "name": name_of(key), "number": try_number}
            raise AddressError(_NO_TRY.format(**said))
        flow = run_flow(state, target, run)
        reasons = why(state, target, run, key)
        labels = run_labels(state, target)
        seconds = [one.seconds for one in state.board.over_dates(target.dag_id, task_id, most=_RUNS)]
        found: Json = {
            "run_id": run_id,
            "task_id": task_id,
            "map_index": map_index,
            "label": label,
            "state": record.state.value,
            "reason": reason_of(record, records),
            "rule": reasons.rule,
            "waits": list(reasons.waits),
            "doc": flow.tasks[task_id].doc if task_id in flow.tasks else "",
            "tries": [_try(one) for one in tries],
            "try_number": None if shown is None else shown.try_number,
            "error": None if shown is None else _error(shown),
            "seconds": None if shown is None else _seconds(shown),
            "median": middle([one for one in seconds if one is not None]),
            **_neighbours(flow, task_id, records),
            "params": _params(target, run),
            "stale": _stale(state, target, run, task_id, records),
            "mapped": _instances(task_id, records),
        }
    folder = None if shown is None else shown.folder
    notebook = target.home.run_notebook(target.dag_id, label)
    return found | {
        "outputs": [] if folder is None else outputs_of(folder, flow, task_id),
        "log": {"text": "", "offset": 0, "ended": True} if shown is None else log_end(shown),
        **_values(target, key, shown, labels),
        "commands": _commands(target, label, key, shown),
        "notebook": str(notebook) if notebook.exists() else None,
    }


def _chosen(tries: Sequence[TryRecord], number: int | None) -> TryRecord | None:
    if number is None:
        return tries[-1] if tries else None
    return next((one for one in tries if one.try_number == number), None)


def _try(tried: TryRecord) -> Json:
    return {
        "number": tried.try_number,
        "result": _RESULTS.get(tried.result or "", tried.result or "running"),
        "reason": tried.reason,
        "started": stamp(tried.started),
        "ended": stamp(tried.ended),
        "seconds": _seconds(tried),
        "engine": tried.engine,
        "notes": list(tried.notes),
        "version": tried.version,
    }


def _seconds(tried: TryRecord) -> float | None:
    if tried.started is None or tried.ended is None:
        return None
    return (tried.ended - tried.started).total_seconds()


def _error(tried: TryRecord) -> Json | None:
    error = tried.error
    if error is None:
        return None
    return {"type": error.type, "message": error.message, "cell": error.cell, "line": error.line}


def _neighbours(flow: Flow, task_id: str, records: Sequence[InstanceRecord]) -> Json:
    """The tasks directly above and below, as the run ran them, with their states."""
    states = {one.key.task_id: one.state.value for one in records if one.key.map_index < 0}
    known = task_id in flow.tasks
    above = flow.graph.upstream(task_id) if known else ()
    below = flow.graph.downstream(task_id) if known else ()
    return {
        "upstream": [{"id": one, "state": states.get(one, "none")} for one in above],
        "downstream": [{"id": one, "state": states.get(one, "none")} for one in below],
    }


def _params(target: Target, run: RunRecord) -> Json:
    """The run's parameters; those that were not given by their default, as the notebook writes it."""
    return {name: param.default for name, param in target.flow.dag.params.items()} | dict(run.params)


def _stale(
    state: StateStore, target: Target, run: RunRecord, task_id: str, records: Sequence[InstanceRecord]
) -> list[str]:
    """What has changed since the task ran, in words; empty where its square isn't stale."""
    if task_id not in stale_tasks(target.flow, records):
        return []
    since = ran(state, target, run).since
    said = [] if since is None else list(_changes(since, target.flow, task_id))
    return said or ["its code has changed since"]


def _changes(since: Change, flow: Flow, task_id: str) -> list[str]:
    said = ["its own cells or options have changed"] if task_id in since.changed else []
    above = flow.graph.ancestors(task_id)
    said += [f"`{one}` above it has changed" for one in since.changed if one in above]
    said += [f"`{one}` above it is new" for one in since.added if one in above]
    said += [f"`{one}` is no longer there" for one in since.removed]
    said += ["shared cells have changed"] if since.shared else []
    said += [f"module {path} is {what}" for path, what in since.modules.items()]
    return said


def _instances(task_id: str, records: Sequence[InstanceRecord]) -> list[Json]:
    """The instances of a mapped task, by map index."""
    return [
        {"index": one.key.map_index, "label": one.label, "state": one.state.value, "reason": one.reason}
        for one in records
        if one.key.task_id == task_id and one.key.map_index >= 0
    ]


def _values(target: Target, key: TaskKey, shown: TryRecord | None, labels: dict[str, str]) -> Json:
    if shown is None:
        return {"xcoms": [], "xcoms_error": ""}
    try:
        return {"xcoms": values_of(target, key, shown.try_number, labels=labels), "xcoms_error": ""}
    except HomeError as error:  # the rest of the panel is worth seeing
        return {"xcoms": [], "xcoms_error": _NO_VALUES.format(why=error)}


def _commands(target: Target, label: str, key: TaskKey, shown: TryRecord | None) -> Json:
    """What does the same elsewhere, to be copied."""
    words = [str(target.path), label, name_of(key)]
    tried = [] if shown is None else ["--try", str(shown.try_number)]
    return {
        "test": shlex.join(["nbflow", "test", *words]),
        "logs": shlex.join(["nbflow", "logs", *words, *tried]),
        "pull": f"%nbflow pull {shlex.join(words[1:])}",
    }
