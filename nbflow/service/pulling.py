"""What a try had: its inputs, its parameters and, where it failed, its variables, to be looked at elsewhere."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from nbflow.errors import AddressError
from nbflow.execute.brief import BRIEF_FILE, Brief
from nbflow.execute.capture import INDEX_FILE
from nbflow.model.run import TaskKey
from nbflow.model.state import TaskState
from nbflow.model.work import FAILURE_FOLDER, Result
from nbflow.model.xcom import XComValue
from nbflow.service.handed import HandedOn
from nbflow.service.lookup import find_instance, find_run, find_try, label_of, name_of, open_state
from nbflow.service.params import run_params
from nbflow.service.prepare import Attempt, OpenRun, request_of
from nbflow.service.versions import run_flow
from nbflow.store.reading import reading_xcoms

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nbflow.model.flow import Flow
    from nbflow.model.record import RunRecord, TryRecord
    from nbflow.service.lookup import Target
    from nbflow.store.state import StateStore

_NOTHING_KEPT = (
    "{name} of {label} kept no variables: its try {number} {what}. Leave --failed out for its inputs."
)
_AGAIN = "{task} has run again since: its values here are those of its try {number}, as this try had them"
_COLLECTED_AGAIN = "{task} has run again since: what it collected is here as this try had it"
_ANOTHER_NOTEBOOK = "the notebook that it ran is not kept: this is what the notebook as saved would be given"


@dataclass(frozen=True, slots=True, kw_only=True)
class PulledTry:
    """What a try had.

    Attributes:
        key, label, run, tried: which try.
        inputs: name → encoded value; its file goes when the block of `pulled` ends.
        collected: name → the return values of a mapped task's instances, in map order.
        item: of an instance of a mapped task, a dict from name to value.
        missing: name → why it was unset.
        params: the values that replaced the parameters' defaults.
        variables: at the point of failure, where they were asked for.
        left_out: those of them that were not kept, each with its kind and why, in words.
        notes: in what this may not be what the try had, and what has run again since, in words.
    """

    key: TaskKey
    label: str
    run: RunRecord
    tried: TryRecord
    inputs: Mapping[str, XComValue]
    collected: Mapping[str, tuple[XComValue, ...]]
    item: XComValue | None
    missing: Mapping[str, str]
    params: Mapping[str, object]
    variables: tuple[XComValue, ...] = ()
    left_out: tuple[str, ...] = field(default_factory=tuple)
    notes: tuple[str, ...] = field(default_factory=tuple)


@contextmanager
def pulled(
    target: Target, date: str, task: str, *, failed: bool = False, number: int | None = None
) -> Iterator[PulledTry]:
    """What a try had, while the block lasts.

    A try that failed has kept what it was given. What one that succeeded was given is in the XCom store, where every
    try keeps what it handed on: it comes from the tries that had succeeded when this one was made.

    Args:
        target: the DAG.
        date: of the run: a date, `latest` or a run id.
        task: `clean`, or `clean[3]` of a mapped one.
        failed: with its variables at the point of failure.
        number: which try; None: the latest.

    Raises:
        AddressError: there is no such try, or it kept no variables.
        DateError: the date is none.
        HomeHeld: something that is no nbflow has the XCom file open.
    """
    with open_state(target) as state, TemporaryDirectory(prefix="nbflow-pull-") as folder:
        run = find_run(state, target, date)
        key = find_instance(state, target, run, task)
        tried = find_try(state, target, run, key, number)
        label = label_of(run, target.timezone)
        variables, left_out = _variables(tried, label) if failed else ((), ())
        params = run_params(target.flow.dag, run.params, run.interval.logical_date)
        brief = _brief(tried)
        if brief is not None:
            inputs, missing = brief.inputs, brief.missing
            collected, item = brief.purpose.collected, brief.purpose.item
            notes: tuple[str, ...] = ()
        else:
            inputs, collected, item, missing, notes = _from_store(state, target, run, tried, Path(folder))
        yield PulledTry(
            key=key,
            label=label,
            run=run,
            tried=tried,
            inputs=inputs,
            collected=collected,
            item=item,
            missing=missing,
            params=params,
            variables=variables,
            left_out=left_out,
            notes=notes,
        )


def _brief(tried: TryRecord) -> Brief | None:
    """What the try was told, where all that it was given is still there."""
    try:
        brief = Brief.from_json(json.loads((tried.folder / BRIEF_FILE).read_text("utf-8")))
    except (OSError, ValueError, KeyError):
        return None
    purpose = brief.purpose
    values = [*brief.inputs.values(), *(one for some in purpose.collected.values() for one in some)]
    values += [] if purpose.item is None else [purpose.item]
    return brief if all(value.path is None or value.path.exists() for value in values) else None


def _from_store(
    state: StateStore, target: Target, run: RunRecord, tried: TryRecord, folder: Path
) -> tuple[
    Mapping[str, XComValue],
    Mapping[str, tuple[XComValue, ...]],
    XComValue | None,
    Mapping[str, str],
    tuple[str, ...],
]:
    """What a try was given, by the notebook that it ran; and what is to be said of that."""
    key = tried.key
    flow = run_flow(state, target, replace(run, version=tried.version))
    notes = [] if flow.version == tried.version else [_ANOTHER_NOTEBOOK]
    if key.task_id not in flow.tasks:
        return {}, {}, None, {}, tuple(notes)
    then = _Then(state, run, tried)
    with reading_xcoms(target.home) as xcoms:
        attempt = _attempt(flow, run, key, then, folder / "try")
        request = request_of(attempt, xcoms, HandedOn(folder / "handed"))
    notes += [_AGAIN.format(task=task_id, number=number) for task_id, number in then.again.items()]
    notes += [_COLLECTED_AGAIN.format(task=task_id) for task_id in then.mapped_again]
    return request.inputs, request.collected, request.item, request.missing, tuple(notes)


class _Then:
    """How the task instances of a run stood when a try of one of them was made.

    Attributes:
        again: task → its try that counted then, of those that were asked for and have run again since.
        mapped_again: mapped tasks of which an instance has.
    """

    def __init__(self, state: StateStore, run: RunRecord, tried: TryRecord) -> None:
        self._state = state
        self._at = tried.created
        self.records = {record.key: record for record in state.instances(run.key)}
        self.again: dict[str, int] = {}
        self.mapped_again: list[str] = []

    def standing(self, key: TaskKey) -> tuple[TaskState, int]:
        """State and try number."""
        record = self.records.get(key)
        if record is None:
            return TaskState.NONE, 0
        tries = self._state.tries(key)
        since = [one for one in tries if one.created > self._at]
        if not since:  # as it is now: also of an instance that a person has marked
            return record.state, record.try_number
        before = [one for one in tries if one.ended is not None and one.ended <= self._at]
        if not before:
            return TaskState.NONE, 0
        if before[-1].result != Result.SUCCESS.value:
            return TaskState.FAILED, before[-1].try_number
        if key.map_index < 0:
            self.again[key.task_id] = before[-1].try_number
        elif key.task_id not in self.mapped_again:
            self.mapped_again.append(key.task_id)
        return TaskState.SUCCESS, before[-1].try_number


def _attempt(flow: Flow, run: RunRecord, key: TaskKey, then: _Then, folder: Path) -> Attempt:
    sources = {p for producers in flow.producers.get(key.task_id, {}).values() for p in producers}

    def instances(task_id: str) -> tuple[tuple[TaskKey, int], ...]:
        places = [place for place in then.records if place.task_id == task_id and place.map_index >= 0]
        stood = [(place, *then.standing(place)) for place in places]
        return tuple((place, number) for place, state, number in stood if state is TaskState.SUCCESS)

    def knows_items(task_id: str) -> bool:
        record = then.records.get(TaskKey(run.key, task_id))
        return flow.tasks[task_id].mapped and record is not None and record.items is not None

    whole = key._replace(map_index=-1)
    return Attempt(
        run=OpenRun(
            flow=flow, notebook={}, interval=run.interval, label="", params={}, cwd=Path(flow.path).parent
        ),
        key=key,
        try_number=1,
        token="",
        folder=folder,
        producers={task_id: then.standing(TaskKey(run.key, task_id)) for task_id in sources},
        exchange=None,
        previous_success=None,
        collected={task_id: instances(task_id) for task_id in sources if knows_items(task_id)},
        item=None if key.map_index < 0 else (whole, then.standing(whole)[1]),
    )


def _variables(tried: TryRecord, label: str) -> tuple[tuple[XComValue, ...], tuple[str, ...]]:
    """The variables that a failed try kept, and what is to be said of the others.

    Raises:
        AddressError: it kept none.
    """
    folder = tried.folder / FAILURE_FOLDER
    try:
        index = json.loads((folder / INDEX_FILE).read_text("utf-8"))
    except (OSError, ValueError):
        what = "runs" if tried.result is None else f"ended as {tried.result}"
        said = {"name": name_of(tried.key), "label": label, "number": tried.try_number, "what": what}
        raise AddressError(_NOTHING_KEPT.format(**said)) from None
    values = tuple(XComValue.from_json(value) for value in index["variables"])
    left_out = tuple(f"{one['name']} ({one['kind']}): {one['why']}" for one in index["left_out"])
    return values, left_out
