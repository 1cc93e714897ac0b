"""From a try the machine wants to the request the executor gets: inputs fetched, folders made."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbflow.model.run import TaskKey
from nbflow.model.state import TaskState
from nbflow.model.work import INPUTS_FOLDER, TaskRequest
from nbflow.model.xcom import names_together

if TYPE_CHECKING:
    from collections.abc import Mapping, Set
    from pathlib import Path

    from nbflow.model.flow import Flow
    from nbflow.model.run import Interval
    from nbflow.model.xcom import XComValue
    from nbflow.service.handed import HandedOn
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
        cwd: where the cells run: the notebook's folder.
        kernel: the kernelspec of a Jupyter kernel to run in, "" for the fastest way that fits.
    """

    flow: Flow
    notebook: Mapping[str, object]
    interval: Interval
    label: str
    params: Mapping[str, object]
    cwd: Path
    kernel: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A try that is to be made: who, which try, from whose values, where it leaves everything.

    Attributes:
        producers: task id → (state, try number) of every task that may give it a value.
        previous_success: the interval of the latest earlier run that has succeeded by now.
    """

    run: OpenRun
    key: TaskKey
    try_number: int
    token: str
    folder: Path
    producers: Mapping[str, tuple[TaskState, int]]
    exchange: Path | None
    previous_success: Interval | None


def request_of(attempt: Attempt, xcoms: XComStore, handed: HandedOn) -> TaskRequest:
    """The request for a try, whose folder is made.

    Args:
        attempt: the try.
        xcoms: has its inputs; files of them go into the try's folder.
        handed: has those of this session's tries, so that the store need not be asked.
    """
    run, task_id = attempt.run, attempt.key.task_id
    try:
        attempt.folder.mkdir(parents=True)
    except FileExistsError:  # left by a home whose state was thrown away
        shutil.rmtree(attempt.folder)
        attempt.folder.mkdir()
    inputs: dict[str, XComValue] = {}
    missing: dict[str, str] = {}
    known: dict[str, frozenset[str]] = {}
    given: dict[str, set[str]] = {}
    for name, producers in run.flow.producers.get(task_id, {}).items():
        producer = next((p for p in producers if name in _keys(attempt, p, xcoms, handed, known)), None)
        if producer is None:
            missing[name] = _why_unset(attempt, producers)
        else:
            given.setdefault(producer, set()).add(name)
    for producer, names in given.items():
        inputs |= _fetched(attempt, producer, names, known[producer], xcoms, handed)
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
        previous_success=attempt.previous_success,
        execution_timeout=run.flow.tasks[task_id].execution_timeout,
        exchange=attempt.exchange,
        kernel=run.kernel,
    )


def _keys(
    attempt: Attempt, producer: str, xcoms: XComStore, handed: HandedOn, known: dict[str, frozenset[str]]
) -> frozenset[str]:
    """What a producer's try handed on, hidden keys too; nothing unless it succeeded."""
    if producer not in known:
        known[producer] = _asked(attempt, producer, xcoms, handed)
    return known[producer]


def _asked(attempt: Attempt, producer: str, xcoms: XComStore, handed: HandedOn) -> frozenset[str]:
    state, number = attempt.producers[producer]
    if state is not TaskState.SUCCESS:
        return frozenset()
    run = attempt.key.run
    task = TaskKey(run, producer)
    keys = handed.keys(task, number)
    if keys is not None:
        return keys
    found = xcoms.list_values(run.dag_id, run.run_id, producer, hidden=True)
    return frozenset(v.key for v in found if v.task == task and v.try_number == number)


def _fetched(
    attempt: Attempt,
    producer: str,
    names: Set[str],
    keys: frozenset[str],
    xcoms: XComStore,
    handed: HandedOn,
) -> dict[str, XComValue]:
    """These names of a producer's try; two or more that share an object come in one value."""
    chosen = {name: name for name in sorted(names)}
    for key in keys:
        together = names_together(key) & names
        if len(together) > 1:
            chosen |= dict.fromkeys(together, key)
    task, number = TaskKey(attempt.key.run, producer), attempt.producers[producer][1]
    folder = attempt.folder / INPUTS_FOLDER
    values: dict[str, XComValue | None] = {}
    for key in set(chosen.values()):
        value = handed.get(task, number, key, folder)
        if value is None:
            folder.mkdir(exist_ok=True)
            value = xcoms.get(task, key, try_number=number, folder=folder)
        values[key] = value
    return {name: value for name, key in chosen.items() if (value := values[key]) is not None}


def _why_unset(attempt: Attempt, producers: tuple[str, ...]) -> str:
    said = [f"task '{p}' {_WHY_UNSET.get(attempt.producers[p][0], 'has not run')}" for p in producers]
    return ", ".join(said)
