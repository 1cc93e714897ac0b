"""`ti`, the task instance that a cell can talk to; Airflow's signatures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbflow.errors import XComError
from nbflow.model.xcom import RETURN_VALUE, check_pushed_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from nbflow.execute.exchange import XComQuery
    from nbflow.model.run import TaskKey
    from nbflow.model.xcom import XComValue


class TaskInstance:
    """The running try, as `ti`.

    Attributes:
        dag_id, run_id, task_id, map_index, try_number: which one it is.
        pushed: what `xcom_push` was given so far, by key.
    """

    def __init__(
        self, key: TaskKey, try_number: int, exchange: Path | None, decode: Callable[[XComValue], object]
    ) -> None:
        self.dag_id = key.run.dag_id
        self.run_id = key.run.run_id
        self.task_id = key.task_id
        self.map_index = key.map_index
        self.try_number = try_number
        self.pushed: dict[str, object] = {}
        self._exchange = exchange
        self._decode = decode

    def xcom_push(self, key: str, value: object) -> None:
        """Hand on `value` under `key`; the last push of a key counts. Stored when the task succeeds."""
        check_pushed_key(key)
        self.pushed[key] = value

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
        """The value another task pushed or returned in this run.

        Args:
            task_ids: one task's id: its value (the list of its instances' values where it is mapped);
                several: a list, in their order; None: this task.
            dag_id: the DAG, None for this one.
            key: what it was pushed under, the return value by default.
            include_prior_dates: whether an earlier run may answer where this one has no value.
            map_indexes: which instances of a mapped task; None for all.
            default: what stands for a value that isn't there.
            run_id: the run, None for this one.

        Raises:
            XComError: nbflow doesn't answer, or can't read the value.
        """
        if task_ids is not None and not isinstance(task_ids, str):
            return [
                self.xcom_pull(
                    task_id,
                    dag_id,
                    key,
                    include_prior_dates,
                    map_indexes=map_indexes,
                    default=default,
                    run_id=run_id,
                )
                for task_id in task_ids
            ]
        task_id = self.task_id if task_ids is None else task_ids
        here = (dag_id or self.dag_id, run_id or self.run_id, task_id) == (
            self.dag_id,
            self.run_id,
            self.task_id,
        )
        if here and map_indexes in (None, self.map_index) and key in self.pushed:
            return self.pushed[key]
        from nbflow.execute.exchange import XComQuery

        single = isinstance(map_indexes, int)
        wanted = (
            None if map_indexes is None else (map_indexes,) if isinstance(map_indexes, int) else map_indexes
        )
        values = self._ask(
            XComQuery(
                dag_id=dag_id or self.dag_id,
                run_id=run_id or self.run_id,
                task_id=task_id,
                key=key,
                map_indexes=None if wanted is None else tuple(wanted),
                include_prior_dates=include_prior_dates,
            )
        )
        if not values:
            return default
        decoded = [self._decode(value) for value in values]
        return decoded[0] if len(decoded) == 1 and (single or map_indexes is None) else decoded

    def _ask(self, query: XComQuery) -> Sequence[XComValue]:
        if self._exchange is None:
            msg = f"xcom_pull of {query.key!r} from task {query.task_id!r}: no nbflow process stands behind this try"
            raise XComError(msg)
        from nbflow.execute.exchange import ask

        return ask(self._exchange, query)

    def __repr__(self) -> str:
        return f"<ti {self.dag_id} {self.run_id} {self.task_id} try {self.try_number}>"
