"""What a try handed on, as a page shows it: frames as tables, numbers over all dates."""

from __future__ import annotations

import math
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from nbflow.model.xcom import RETURN_VALUE, Form
from nbflow.store.reading import reading_xcoms

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pyarrow as pa

    from nbflow.model.run import TaskKey
    from nbflow.service.lookup import Target
    from nbflow.store.source import XComReader
    from nbflow.store.xcom_rows import StoredXCom

Json = dict[str, Any]

ROWS = 50  # of a frame
COLUMNS = 60
_LARGEST = 100_000_000  # bytes of a frame that is read for a look at it
_WIDEST = 300  # characters of a cell
_EXACT = 2**53  # whole numbers up to here are the same in a page
_PATIENCE = 3.0  # seconds for an owner that begins or ends


def values_of(target: Target, key: TaskKey, try_number: int, *, labels: Mapping[str, str]) -> list[Json]:
    """What a try handed on, by key: `kind`, `preview` and `size` (bytes); `frame` of a frame, its first rows;
    `spark` of a number, [label, number] of every run that has one under this key, oldest first.

    Args:
        target: the DAG.
        key: the task instance.
        try_number: which of its tries.
        labels: run id → label, of the runs that count for `spark`, oldest first.

    Raises:
        HomeHeld: something that is no nbflow has the XCom file open.
    """
    if not target.home.xcom.exists():
        return []
    with reading_xcoms(target.home, patience=_PATIENCE) as xcoms:
        of_task = xcoms.list_values(target.dag_id, None, key.task_id)
        return [
            {
                "key": value.key,
                "kind": value.kind,
                "preview": value.preview,
                "size": value.size,
                "frame": _frame(xcoms, value) if value.form is Form.ARROW else None,
                "spark": None if number(value) is None else spark(of_task, value.key, labels),
            }
            for value in of_task
            if value.task == key and value.try_number == try_number
        ]


def numbers_of(target: Target, task_id: str, *, labels: Mapping[str, str]) -> tuple[str, dict[str, float]]:
    """A number for each run that a task handed on one: under which key, and run id → number.

    The return value where that is a number, else the first key that has any; "" where none has.

    Raises:
        HomeHeld: see `values_of`.
    """
    if not target.home.xcom.exists():
        return "", {}
    with reading_xcoms(target.home, patience=_PATIENCE) as xcoms:
        of_task = xcoms.list_values(target.dag_id, None, task_id)
    found: dict[str, dict[str, float]] = {}
    for value in of_task:
        said = number(value)
        run_id = value.task.run.run_id
        if said is not None and value.current and value.task.map_index < 0 and run_id in labels:
            found.setdefault(value.key, {})[run_id] = said
    if not found:
        return "", {}
    key = RETURN_VALUE if RETURN_VALUE in found else next(iter(found))
    return key, found[key]


def number(value: StoredXCom) -> float | None:
    """A handed-on number, from its preview; None for what is none, or none a page could draw."""
    plain = value.kind in ("int", "float") or value.kind.startswith(("numpy.", "decimal."))
    if value.form is not Form.JSON or not plain:
        return None
    try:
        found = float(value.preview)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def spark(of_task: Iterable[StoredXCom], key: str, labels: Mapping[str, str]) -> list[tuple[str, float]]:
    """[label, number] of each run in which a task has handed on a number under this key, oldest run first."""
    found: dict[str, float] = {}
    for value in of_task:
        said = number(value) if value.key == key and value.current and value.task.map_index < 0 else None
        if said is not None:
            found[value.task.run.run_id] = said
    return [(label, found[run_id]) for run_id, label in labels.items() if run_id in found]


def middle(numbers: Sequence[float]) -> float | None:
    """Their median, None of none."""
    return median(numbers) if numbers else None


def _frame(xcoms: XComReader, value: StoredXCom) -> Json | None:
    """A frame's first rows; None where it is too large for a look, or not there."""
    if value.size > _LARGEST:
        return None
    import pyarrow as pa

    with TemporaryDirectory() as folder:
        found = xcoms.get(value.task, value.key, try_number=value.try_number, folder=Path(folder))
        if found is None or found.path is None:
            return None
        with pa.OSFile(str(found.path)) as file, pa.ipc.open_file(file) as reader:
            return frame_json(reader.read_all())


def frame_json(table: pa.Table) -> Json:
    """A frame as JSON: `columns` (`name`, `dtype`: Arrow's), the first `rows` of `total`. What JSON has no way to say
    is text.
    """
    shown = table.slice(0, ROWS).select(list(range(min(table.num_columns, COLUMNS))))
    columns = [column.to_pylist() for column in shown.columns]
    return {
        "columns": [{"name": field.name, "dtype": str(field.type)} for field in shown.schema],
        "rows": [[_cell(column[row]) for column in columns] for row in range(shown.num_rows)],
        "total": table.num_rows,
    }


def _cell(value: object) -> object:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) <= _EXACT:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    text = str(value)
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"
