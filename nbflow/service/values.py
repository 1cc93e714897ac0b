"""XComs for faces: listings, and single values as something that can be shown."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pyarrow as pa

from nbflow.errors import AddressError
from nbflow.model.xcom import RETURN_VALUE, Form
from nbflow.store.reading import reading_xcoms

if TYPE_CHECKING:
    from nbflow.model.record import RunRecord
    from nbflow.model.run import TaskKey
    from nbflow.model.xcom import XComValue
    from nbflow.service.lookup import Target
    from nbflow.store.xcom_rows import StoredXCom

_NO_VALUE = "task {task_id!r} handed on no {key!r}. {known}"
_NOTHING = "It handed on nothing."


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownValue:
    """A value a person asked for.

    Attributes:
        value: as stored (its file, if any, is gone by now).
        json: the value in JSON's types, for form json.
        frame: its rows, for form arrow.
    """

    value: XComValue
    json: object = None
    frame: pa.Table | None = None


def list_values(target: Target, run: RunRecord, task: TaskKey | None) -> list[StoredXCom]:
    """What the run's current tries handed on; of one task instance, where it is named (of a mapped task, all
    its instances).
    """
    with reading_xcoms(target.home) as xcoms:
        found = xcoms.list_values(target.dag_id, run.key.run_id, None if task is None else task.task_id)
    every = task is None or task.map_index < 0
    return [value for value in found if value.current and (every or value.task == task)]


def show_value(
    target: Target, task: TaskKey, key: str = RETURN_VALUE, *, try_number: int | None = None
) -> ShownValue:
    """One value; pickles are described, never loaded.

    Raises:
        AddressError: there is none; the message lists those there are.
        HomeHeld: something that is no nbflow has the file open.
    """
    with reading_xcoms(target.home) as xcoms, TemporaryDirectory() as folder:
        value = xcoms.get(task, key, try_number=try_number, folder=Path(folder))
        if value is None:
            keys = [v.key for v in xcoms.list_values(task.run.dag_id, task.run.run_id, task.task_id)]
            known = f"It handed on: {', '.join(dict.fromkeys(keys))}." if keys else _NOTHING
            raise AddressError(_NO_VALUE.format(task_id=task.task_id, key=key, known=known))
        match value.form:
            case Form.JSON:
                return ShownValue(value=value, json=json.loads(value.text or "null"))
            case Form.ARROW:
                with pa.OSFile(str(value.path)) as file, pa.ipc.open_file(file) as reader:
                    return ShownValue(value=value, frame=reader.read_all())
            case Form.PICKLE:
                return ShownValue(value=value)
