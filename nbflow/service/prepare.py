"""From a try the machine wants to the request the executor gets: inputs fetched, folders made."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbflow.model.run import TaskKey
from nbflow.model.state import TaskState
from nbflow.model.work import INPUTS_FOLDER, TaskRequest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from nbflow.model.flow import Flow
    from nbflow.model.run import Interval
    from nbflow.model.xcom import XComValue
    from nbflow.store.xcom import XComStore

_WHY_UNSET = {
    TaskState.SKIPPED: "was skipped",
    TaskState.FAILED: "failed",
    TaskState.UPSTREAM_FAILED: "did not run, because a task before it failed",
    TaskState.SUCCESS: "ran, but did not define it",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRun:
    """What every try of one run has in common.

    Attributes:
        flow: the notebook as read.
        notebook: its nbformat JSON without outputs.
        interval: the run's data interval.
        label: the run as people read it (`2026-02-17`).
        params: the values of the notebook's parameters that differ from its defaults.
        previous_success: the interval of the latest earlier run that succeeded.
        cwd: where the cells run: the notebook's folder.
    """

    flow: Flow
    notebook: Mapping[str, object]
    interval: Interval
    label: str
    params: Mapping[str, object]
    previous_success: Interval | None
    cwd: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A try that is to be made: who, which try, from whose values, where it leaves everything.

    Attributes:
        producers: task id → (state, try number) of every task that may give it a value.
    """

    run: OpenRun
    key: TaskKey
    try_number: int
    token: str
    folder: Path
    producers: Mapping[str, tuple[TaskState, int]]
    exchange: Path | None


def request_of(attempt: Attempt, xcoms: XComStore) -> TaskRequest:
    """The request for a try; its inputs are read from the store into the try's folder."""
    run, task_id = attempt.run, attempt.key.task_id
    inputs_folder = attempt.folder / INPUTS_FOLDER
    shutil.rmtree(attempt.folder, ignore_errors=True)  # left by a home whose state was thrown away
    inputs_folder.mkdir(parents=True)
    inputs: dict[str, XComValue] = {}
    missing: dict[str, str] = {}
    for name, producers in run.flow.producers.get(task_id, {}).items():
        value = _nearest(attempt, name, producers, xcoms, inputs_folder)
        if value is not None:
            inputs[name] = value
        else:
            missing[name] = _why_unset(attempt, producers)
    return TaskRequest(
        key=attempt.key,
        try_number=attempt.try_number,
        token=attempt.token,
        flow=run.flow,
        notebook=run.notebook,
        interval=run.interval,
        timezone=run.flow.dag.timezone,
        params=run.params,
        inputs=inputs,
        missing=missing,
        cwd=run.cwd,
        folder=attempt.folder,
        previous_success=run.previous_success,
        execution_timeout=run.flow.tasks[task_id].execution_timeout,
        exchange=attempt.exchange,
    )


def _nearest(
    attempt: Attempt, name: str, producers: tuple[str, ...], xcoms: XComStore, folder: Path
) -> XComValue | None:
    """The value of the nearest producer that ran and defined the name."""
    for producer in producers:
        state, try_number = attempt.producers[producer]
        if state is not TaskState.SUCCESS:
            continue
        value = xcoms.get(TaskKey(attempt.key.run, producer), name, try_number=try_number, folder=folder)
        if value is not None:
            return value
    return None


def _why_unset(attempt: Attempt, producers: tuple[str, ...]) -> str:
    said = [f"task '{p}' {_WHY_UNSET.get(attempt.producers[p][0], 'has not run')}" for p in producers]
    return ", ".join(said)
