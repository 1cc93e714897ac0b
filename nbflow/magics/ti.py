"""`ti` by hand: XComs between the cells of one kernel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbflow.model.xcom import RETURN_VALUE, check_pushed_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from nbflow.magics.items import Items


@dataclass(frozen=True, slots=True)
class XComPlace:
    """Which stored value is wanted; None for this DAG and the run of this date."""

    dag_id: str | None
    run_id: str | None
    task_id: str
    key: str
    include_prior_dates: bool


class HandTaskInstance:
    """What `ti` is in a notebook that a person runs: the same calls as in a run.

    What a cell pushes stays in the kernel and is gone with it. A pull finds what cells of this kernel
    pushed or returned; failing that, what the run of the same date has in the store.

    Attributes:
        dag_id, run_id, task_id, try_number: which one it stands for; by hand a try is always the first.
        items: what the cell of a mapped task goes through while it runs.
    """

    def __init__(self, stored: Callable[[XComPlace], object]) -> None:
        self._stored = stored
        self._values: dict[tuple[str, str], object] = {}
        self._each: dict[str, list[object]] = {}  # of mapped tasks, by their instances
        self.dag_id = self.run_id = self.task_id = ""
        self.try_number = 1
        self.items: Items | None = None

    @property
    def map_index(self) -> int:
        """Which item the cell of a mapped task is at, -1 for none."""
        return -1 if self.items is None else self.items.index

    def stand_for(self, context: Mapping[str, object]) -> None:
        """Be the task instance that these names are of (`context_of`)."""
        self.dag_id, self.run_id = str(context["dag_id"]), str(context["run_id"])

    def __repr__(self) -> str:
        return f"<ti by hand: {self.task_id or 'no task'}>"

    def xcom_push(self, key: str, value: object) -> None:
        """Hand on `value` under `key`, as the task whose cell runs; the last push of a key counts."""
        check_pushed_key(key)
        self._values[self.task_id, key] = value

    def returned(self, value: object) -> None:
        """Keep the value of the task's last expression, as a run does; None hands nothing on."""
        self._each.pop(self.task_id, None)
        if value is not None:
            self._values[self.task_id, RETURN_VALUE] = value

    def returned_each(self, values: list[object]) -> None:
        """Keep the return values of a mapped task's instances, in map order."""
        self._values[self.task_id, RETURN_VALUE] = self._each[self.task_id] = values

    def xcom_pull(
        self,
        task_ids: str | Iterable[str] | None = None,
        dag_id: str | None = None,
        key: str = RETURN_VALUE,
        include_prior_dates: bool = False,
        *,
        map_indexes: int | Iterable[int] | None = None,
        default: object = None,
        run_id: str | None = None,
    ) -> object:
        """The value another task pushed or returned: in this kernel, else in the stored run of the date.

        Args:
            task_ids: one task's id: its value; several: a list, in their order; None: this task.
            dag_id: the DAG, None for this one.
            key: what it was pushed under, the return value by default.
            include_prior_dates: whether an earlier stored run may answer.
            map_indexes: which instances of a mapped task that has run in this kernel; None for all.
            default: what stands for a value that isn't there.
            run_id: the stored run, None for this date's.
        """
        if task_ids is not None and not isinstance(task_ids, str):
            return [
                self.xcom_pull(
                    task,
                    dag_id,
                    key,
                    include_prior_dates,
                    map_indexes=map_indexes,
                    default=default,
                    run_id=run_id,
                )
                for task in task_ids
            ]
        task = self.task_id if task_ids is None else task_ids
        if dag_id is None and run_id is None and (task, key) in self._values:
            each = self._each.get(task) if key == RETURN_VALUE else None
            if each is None or map_indexes is None:
                return self._values[task, key]
            if isinstance(map_indexes, int):
                return each[map_indexes] if 0 <= map_indexes < len(each) else default
            return [each[index] for index in map_indexes if 0 <= index < len(each)]
        try:
            return self._stored(XComPlace(dag_id, run_id, task, key, include_prior_dates))
        except LookupError:
            return default
