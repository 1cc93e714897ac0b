"""What two runs handed on, side by side by value; and what their cells printed."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from nbflow.errors import XComError
from nbflow.model.xcom import Form
from nbflow.service.board_outputs import outputs_of
from nbflow.service.frames_diff import frame_changes
from nbflow.service.lookup import find_run, find_task, label_of, name_of, open_state
from nbflow.service.pickles_diff import same_values
from nbflow.service.versions import run_flow
from nbflow.store.reading import reading_xcoms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import pyarrow as pa

    from nbflow.model.record import RunRecord
    from nbflow.model.run import TaskKey
    from nbflow.model.xcom import XComValue
    from nbflow.service.lookup import Target
    from nbflow.store.source import XComReader
    from nbflow.store.state import StateStore
    from nbflow.store.xcom_rows import StoredXCom

    Read = Callable[[XComValue], object]

SAME, CHANGED, UNKNOWN, ONLY_FIRST, ONLY_SECOND = (
    "same",
    "changed",
    "unknown",
    "only in the first",
    "only in the second",
)
OUTPUTS = "(outputs)"
_WIDEST = 120  # characters of a value
_LARGEST = 500_000_000  # bytes of frames that are compared
_MOST = 1e300  # of a whole number that is subtracted as a float

_Place = tuple[str, int, str]  # task id, map index, key


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueDiff:
    """One value of two runs.

    Attributes:
        task: the task instance, as people write it (`clean[3]`).
        key: what it was handed on under; `OUTPUTS` for what its cells printed.
        verdict: `SAME`, `CHANGED`, `ONLY_FIRST`, `ONLY_SECOND`, or `UNKNOWN` of two pickles that differ where nothing
            tells whether what they hold does.
        said: what differs, in words: «3 → 4 (+1)», «2 rows added, 1 changed».
    """

    task: str
    key: str
    verdict: str
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDiff:
    """Two runs, by their labels, and what differs: in the order of tasks, then keys."""

    first: str
    second: str
    values: tuple[ValueDiff, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """How values are compared: `read` makes the object of a pickle, `key` names the rows of frames."""

    read: Read
    key: Sequence[str]


def diff(
    target: Target, first: str, second: str, task: str | None = None, *, read: Read, key: Sequence[str] = ()
) -> RunDiff:
    """What two runs of a DAG handed on, compared by value.

    Frames are compared row by row: see `frame_changes`. Pickles that differ are read, and their values compared.

    Args:
        target: the DAG.
        first: one run: a date, `latest` or a run id.
        second: the other.
        task: `clean`, or `clean[3]`; None: all of them.
        read: makes the object of a pickle, where its classes are to be had; raises XComError.
        key: columns that name each row of a frame; for frames that have them all.

    Raises:
        AddressError: there is no such run or task.
        DateError: a date is none.
        HomeHeld: something that is no nbflow has the XCom file open.
    """
    with open_state(target) as state:
        runs = [find_run(state, target, text) for text in (first, second)]
        known = {record.key.task_id for run in runs for record in state.instances(run.key)}
        wanted = None if task is None else find_task(target, runs[0], task, known)
        places = {task_id: place for place, task_id in enumerate(target.flow.tasks)}
        found = [
            *_values(target, runs, wanted, _Way(read=read, key=key)),
            *_outputs(state, target, runs, wanted),
        ]
    found.sort(
        key=lambda one: (places.get(one.task.partition("[")[0], len(places)), one.task, one.key == OUTPUTS)
    )
    labels = [label_of(run, target.timezone) for run in runs]
    return RunDiff(first=labels[0], second=labels[1], values=tuple(found))


def _values(target: Target, runs: list[RunRecord], wanted: TaskKey | None, way: _Way) -> Iterator[ValueDiff]:
    if not target.home.xcom.exists():
        return
    with reading_xcoms(target.home) as xcoms:
        sides = [_current(xcoms, target, run, wanted) for run in runs]
        for place in dict.fromkeys([*sides[0], *sides[1]]):
            one, other = sides[0].get(place), sides[1].get(place)
            task = place[0] if place[1] < 0 else f"{place[0]}[{place[1]}]"
            if one is None or other is None:
                there = other if one is None else one
                verdict = ONLY_SECOND if one is None else ONLY_FIRST
                said = "" if there is None else _short(there.preview)
                yield ValueDiff(task=task, key=place[2], verdict=verdict, said=said)
            else:
                verdict, said = _compared(xcoms, one, other, way)
                yield ValueDiff(task=task, key=place[2], verdict=verdict, said=said)


def _current(
    xcoms: XComReader, target: Target, run: RunRecord, wanted: TaskKey | None
) -> dict[_Place, StoredXCom]:
    task_id = None if wanted is None else wanted.task_id
    found = xcoms.list_values(target.dag_id, run.key.run_id, task_id)
    return {
        (value.task.task_id, value.task.map_index, value.key): value
        for value in found
        if value.current and (wanted is None or wanted.map_index in (-1, value.task.map_index))
    }


def _compared(xcoms: XComReader, one: StoredXCom, other: StoredXCom, way: _Way) -> tuple[str, str]:
    """The verdict, and what differs."""
    if one.form is not other.form:
        return CHANGED, f"{one.kind} → {other.kind}: {_short(one.preview)} → {_short(other.preview)}"
    if one.form is not Form.JSON and one.size + other.size > _LARGEST:
        return UNKNOWN, f"{_short(one.preview)} → {_short(other.preview)} (too large to compare)"
    with TemporaryDirectory() as folder:
        first = _fetched(xcoms, one, Path(folder) / "first")
        second = _fetched(xcoms, other, Path(folder) / "second")
        if first is None or second is None:  # cleaned up since the listing
            return UNKNOWN, "not there any more"
        return _difference(first, second, way)


def _fetched(xcoms: XComReader, value: StoredXCom, folder: Path) -> XComValue | None:
    folder.mkdir()
    return xcoms.get(value.task, value.key, try_number=value.try_number, folder=folder)


def _difference(one: XComValue, other: XComValue, way: _Way) -> tuple[str, str]:
    kinds = "" if one.kind == other.kind else f"{one.kind} → {other.kind}: "
    verdict = CHANGED
    match one.form:
        case Form.JSON:
            said = plain_change(json.loads(one.text or "null"), json.loads(other.text or "null"))
        case Form.ARROW:
            said = frame_changes(_table(one), _table(other), way.key)
        case Form.PICKLE:
            verdict, said = _pickles(one, other, way.read)
    if not kinds and not said:
        return SAME, ""
    return verdict, f"{kinds}{said or 'the same values'}"


def _pickles(one: XComValue, other: XComValue, read: Read) -> tuple[str, str]:
    paths = [value.path for value in (one, other) if value.path is not None]
    if len(paths) == 2 and paths[0].read_bytes() == paths[1].read_bytes():
        return SAME, ""
    try:
        same = same_values(read(one), read(other), size=max(one.size, other.size))
    except XComError as error:
        return UNKNOWN, f"the pickles differ, and can't be read here: {_short(str(error))}"
    shown = (_short(one.preview), _short(other.preview))
    told = f"{shown[0]} → {shown[1]}" if shown[0] != shown[1] else f"{shown[0]}: what it holds"
    if same is None:
        return (
            UNKNOWN,
            f"the pickles of {told.removesuffix(': what it holds')} differ; nothing tells whether it does",
        )
    return (SAME, "") if same else (CHANGED, told)


def plain_change(one: object, other: object) -> str:
    """How one JSON value became another: «3 → 4 (+1)», «2 of 5 items: b: 1 → 2»; "" for the same."""
    if _json(one) == _json(other):
        return ""
    if _is_number(one) and _is_number(other):
        return _number_change(float(one), float(other), one, other)  # type: ignore[arg-type] both are numbers
    if isinstance(one, dict) and isinstance(other, dict):
        return _items_change(one, other)
    if isinstance(one, list) and isinstance(other, list):
        return _items_change(dict(enumerate(one)), dict(enumerate(other)))
    return f"{_short(_json(one))} → {_short(_json(other))}"


def _number_change(one: float, other: float, was: object, now: object) -> str:
    step = other - one
    if not math.isfinite(step):
        return f"{was} → {now}"
    part = f", {100 * step / abs(one):+.3g} %" if one else ""
    return f"{was} → {now} ({step:+.6g}{part})"


def _items_change(one: dict[Any, object], other: dict[Any, object]) -> str:
    differ = [
        key
        for key in dict.fromkeys([*one, *other])
        if _json(one.get(key)) != _json(other.get(key)) or (key in one) != (key in other)
    ]
    first = differ[0]
    if first in one and first in other:
        said = f"{first}: {_short(_json(one[first]))} → {_short(_json(other[first]))}"
    else:
        said = f"{first} {'added' if first in other else 'removed'}"
    return f"{len(differ)} of {len({*one, *other})} items differ: {said}" + (", …" if len(differ) > 1 else "")


def _is_number(value: object) -> bool:
    """Whether it can be subtracted as a float: a whole number may be too large for one."""
    if isinstance(value, int) and not isinstance(value, bool):
        return abs(value) < _MOST
    return isinstance(value, float)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _table(value: XComValue) -> pa.Table:
    import pyarrow as pa

    with pa.OSFile(str(value.path)) as file, pa.ipc.open_file(file) as reader:
        return reader.read_all()


def _outputs(
    state: StateStore, target: Target, runs: list[RunRecord], wanted: TaskKey | None
) -> Iterator[ValueDiff]:
    """What the tasks' own cells printed and drew; those that printed the same are left out."""
    sides = [_printed(state, target, run, wanted) for run in runs]
    for task in dict.fromkeys([*sides[0], *sides[1]]):
        one, other = sides[0].get(task, {}), sides[1].get(task, {})
        differ = [number for number in dict.fromkeys([*one, *other]) if one.get(number) != other.get(number)]
        if differ:
            cells = ", ".join(str(number) for number in differ)
            said = f"cell {cells}" if len(differ) == 1 else f"cells {cells}"
            yield ValueDiff(task=task, key=OUTPUTS, verdict=CHANGED, said=said)


def _printed(
    state: StateStore, target: Target, run: RunRecord, wanted: TaskKey | None
) -> dict[str, dict[int | None, str]]:
    """Task instance → cell number → all that its latest try printed there, as one text."""
    flow = run_flow(state, target, run)
    found: dict[str, dict[int | None, str]] = {}
    for key in _instances(state, run, wanted):
        tries = state.tries(key)
        if tries:
            cells = outputs_of(tries[-1].folder, flow, key.task_id)
            found[name_of(key)] = {cell["cell"]: _json(cell["outputs"]) for cell in cells if cell["own"]}
    return found


def _instances(state: StateStore, run: RunRecord, wanted: TaskKey | None) -> Iterable[TaskKey]:
    for record in state.instances(run.key):
        key = record.key
        if wanted is None or (key.task_id == wanted.task_id and wanted.map_index in (-1, key.map_index)):
            yield key


def _short(text: str) -> str:
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"
