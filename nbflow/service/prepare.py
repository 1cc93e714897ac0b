"""From a try the machine wants to the request the executor gets: inputs fetched, folders made."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nbflow.errors import XComError
from nbflow.model.environment import OWN, Environment
from nbflow.model.run import TaskKey
from nbflow.model.state import TaskState
from nbflow.model.work import INPUTS_FOLDER, TaskRequest
from nbflow.model.xcom import RETURN_VALUE, Form, XComValue, item_key, names_together

if TYPE_CHECKING:
    from collections.abc import Mapping, Set
    from pathlib import Path

    from nbflow.model.flow import Flow
    from nbflow.model.run import Interval, RunKey
    from nbflow.service.handed import HandedOn
    from nbflow.store.source import XComReader

_NO_ITEM = """\
try {number} of `{task_id}`, which found what it is mapped over, left no item {index}. Clear the task: it then \
finds its items anew."""
_WHY_UNSET = {
    TaskState.SKIPPED: "was skipped",
    TaskState.FAILED: "failed",
    TaskState.UPSTREAM_FAILED: "did not run, because a task before it failed",
    TaskState.SUCCESS: "ran, but did not define it",
}
_NOTHING = XComValue(key=RETURN_VALUE, form=Form.JSON, kind="NoneType", text="null", size=4, preview="None")
"""What an instance gave whose last line has no value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRun:
    """What every try of one run has in common.

    Attributes:
        flow: the notebook as read.
        notebook: its nbformat JSON without outputs.
        interval: the run's data interval.
        label: the run as people read it (`2026-02-17`).
        params: the values of the notebook's parameters that differ from its defaults.
        given: those among them that were given for this run.
        cwd: where the cells run: the notebook's folder.
        environment: where and how they run, as whoever asked for the run wants.
        modules: see `TaskRequest`.
    """

    flow: Flow
    notebook: Mapping[str, object]
    interval: Interval
    label: str
    params: Mapping[str, object]
    cwd: Path
    given: Mapping[str, object] = field(default_factory=dict[str, object])
    environment: Environment = OWN
    modules: Path | None = None


Source = tuple[TaskKey, int]
"""A task instance and which of its tries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A try that is to be made: who, which try, from whose values, where it leaves everything.

    Attributes:
        producers: task id → (state, try number) of every task that may give it a value.
        previous_success: the interval of the latest earlier run that has succeeded by now.
        collected: of those producers that are mapped and know their items: the instances that succeeded, in map
            order, each with its try.
        item: of an instance of a mapped task: whose try found the items.
    """

    run: OpenRun
    key: TaskKey
    try_number: int
    token: str
    folder: Path
    producers: Mapping[str, tuple[TaskState, int]]
    exchange: Path | None
    previous_success: Interval | None
    collected: Mapping[str, tuple[Source, ...]] = field(default_factory=dict[str, tuple[Source, ...]])
    item: Source | None = None


def request_of(attempt: Attempt, xcoms: XComReader, handed: HandedOn) -> TaskRequest:
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
    collected: dict[str, tuple[XComValue, ...]] = {}
    for name, producers in run.flow.producers.get(task_id, {}).items():
        producer = next((p for p in producers if name in _keys(attempt, p, xcoms, handed, known)), None)
        if producer is None:
            missing[name] = _why_unset(attempt, producers)
        elif producer in attempt.collected:
            collected[name] = _collected(attempt, producer, xcoms, handed)
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
        execution_timeout=run.flow.tasks[task_id].execution_timeout or run.environment.execution_timeout,
        exchange=attempt.exchange,
        python=run.environment.python,
        environment=run.environment.variables,
        kernel=run.environment.kernel,
        modules=run.modules,
        collected=collected,
        item=_item(attempt, xcoms, handed),
    )


def _keys(
    attempt: Attempt, producer: str, xcoms: XComReader, handed: HandedOn, known: dict[str, frozenset[str]]
) -> frozenset[str]:
    """What a producer's try handed on, hidden keys too; nothing unless it succeeded."""
    if producer not in known:
        known[producer] = _asked(attempt, producer, xcoms, handed)
    return known[producer]


def _asked(attempt: Attempt, producer: str, xcoms: XComReader, handed: HandedOn) -> frozenset[str]:
    state, number = attempt.producers[producer]
    if producer in attempt.collected:
        return frozenset({attempt.run.flow.tasks[producer].collect})
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
    xcoms: XComReader,
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


def _collected(attempt: Attempt, producer: str, xcoms: XComReader, handed: HandedOn) -> tuple[XComValue, ...]:
    """The return values of a mapped task's instances that succeeded, in map order."""
    run, folder = attempt.key.run, attempt.folder / INPUTS_FOLDER
    sources = attempt.collected[producer]
    known = {task: handed.get(task, number, RETURN_VALUE, folder) for task, number in sources}
    unknown = {task: number for task, number in sources if known[task] is None}
    if unknown:
        folder.mkdir(exist_ok=True)
        known |= _stored(run, producer, unknown, xcoms, folder)
    return tuple(known[task] or _NOTHING for task, _ in sources)


def _stored(
    run: RunKey, producer: str, tries: Mapping[TaskKey, int], xcoms: XComReader, folder: Path
) -> dict[TaskKey, XComValue | None]:
    """The return values of these tries of a mapped task's instances: those that still count all at once."""
    listed = xcoms.list_values(run.dag_id, run.run_id, producer, RETURN_VALUE)
    counts = {value.task: value.current for value in listed if tries.get(value.task) == value.try_number}
    places = [task.map_index for task, current in counts.items() if current]
    found = xcoms.pull(run.dag_id, run.run_id, [producer], RETURN_VALUE, map_indexes=places, folder=folder)
    earlier = {
        task: xcoms.get(task, RETURN_VALUE, try_number=tries[task], folder=folder)
        for task, current in counts.items()
        if not current
    }
    return dict.fromkeys(tries) | dict(found) | earlier


def _item(attempt: Attempt, xcoms: XComReader, handed: HandedOn) -> XComValue | None:
    """What this instance of a mapped task is about; None for any other task."""
    if attempt.item is None:
        return None
    task, number = attempt.item
    key, folder = item_key(attempt.key.map_index), attempt.folder / INPUTS_FOLDER
    found = handed.get(task, number, key, folder)
    if found is None:
        folder.mkdir(exist_ok=True)
        found = xcoms.get(task, key, try_number=number, folder=folder)
    if found is None:
        raise XComError(_NO_ITEM.format(index=attempt.key.map_index, task_id=task.task_id, number=number))
    return found


def _why_unset(attempt: Attempt, producers: tuple[str, ...]) -> str:
    said = [f"task '{p}' {_WHY_UNSET.get(attempt.producers[p][0], 'has not run')}" for p in producers]
    return ", ".join(said)
