"""What a home answers its tasks: variables, connections, how other DAGs stand, that one be run."""

from __future__ import annotations

from concurrent.futures import Future
from concurrent.futures import TimeoutError as NoAnswer
from threading import Lock
from typing import TYPE_CHECKING, Self

from nbflow.errors import OutsideError
from nbflow.model.outside import Standing
from nbflow.model.run import RunKey, TaskKey, run_id_of
from nbflow.service.bodies import triggered
from nbflow.store.state import StateStore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nbflow.model.outside import StateQuery, TriggerQuery
    from nbflow.store.home import Home

    Ask = Callable[[str, Mapping[str, object]], Future[Mapping[str, object]]]

_PATIENCE = 30.0  # seconds
_REMEMBERED = 10_000  # what was asked for; before that it is forgotten, as those tries have long ended
_SILENT = "nbflow had no time to trigger {dag_id}: it is ending. The task runs again when its run goes on."


class Answers:
    """Answers from a home's store, on the threads of whoever asks. A context manager."""

    def __init__(self, home: Home) -> None:
        self._state = StateStore(home.state)
        self._lock = Lock()  # one connection for all threads

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._state.close()

    def variable(self, key: str) -> str | None:
        """See `Outside`."""
        with self._lock:
            return self._state.settings.variables().get(key)

    def connection(self, conn_id: str) -> str | None:
        """See `Outside`."""
        with self._lock:
            return self._state.settings.connections().get(conn_id)

    def standing(self, query: StateQuery) -> Standing | None:
        """See `Outside`."""
        return self.standing_of(RunKey(query.dag_id, run_id_of(query.logical_date)), query.task_id)

    def standing_of(self, run: RunKey, task_id: str | None = None) -> Standing | None:
        """How a run, or a task of it, stands in the store; None where there is none yet."""
        with self._lock:
            return standing_in(self._state, run, task_id)


class Owner(Answers):
    """Answers for the owner of a home, who can trigger runs.

    Attributes:
        ask: has a command obeyed (`Scheduler.ask`); set before the first task runs.
    """

    ask: Ask

    def __init__(self, home: Home) -> None:
        super().__init__(home)
        self._asked: dict[tuple[TaskKey | None, int, str, str], None] = {}

    def trigger(self, query: TriggerQuery) -> Standing:
        """See `Outside`. A run that failed goes on once for each try that asks."""
        asked = (query.asked_by, query.try_number, query.dag_id, run_id_of(query.logical_date))
        again = asked not in self._asked
        self._asked[asked] = None
        if len(self._asked) > _REMEMBERED:
            del self._asked[next(iter(self._asked))]
        body = triggered(
            query.dag_id,
            query.logical_date,
            query.conf,
            again=again,
            path=self._beside(query),
        )
        try:
            answer = self.ask("trigger", body).result(_PATIENCE)
        except NoAnswer:
            raise OutsideError(_SILENT.format(dag_id=query.dag_id)) from None
        if "error" in answer:
            raise OutsideError(str(answer["error"]))
        found = self.standing_of(RunKey(query.dag_id, str(answer["run_id"])))
        if found is None:
            raise OutsideError(_SILENT.format(dag_id=query.dag_id))
        return found

    def _beside(self, query: TriggerQuery) -> str:
        """The notebook of a DAG that the home doesn't know yet, where it lies beside the one that asks."""
        if query.asked_by is None:
            return ""
        with self._lock:
            paths = {record.dag_id: record.path for record in self._state.dags()}
        if query.dag_id in paths or query.asked_by.run.dag_id not in paths:
            return ""
        path = paths[query.asked_by.run.dag_id].with_name(f"{query.dag_id}.ipynb")
        return str(path) if path.is_file() else ""


def standing_in(state: StateStore, run: RunKey, task_id: str | None) -> Standing | None:
    """How a run, or a task of it, stands in the store; None where there is no such run or task yet."""
    record = state.run(run)
    if record is None:
        return None
    if task_id is None:
        return Standing(run_id=run.run_id, state=record.state.value, reason=record.reason)
    wanted = TaskKey(run, task_id)
    for instance in state.instances(run):
        if instance.key == wanted:
            return Standing(run_id=run.run_id, state=instance.state.value, reason=instance.reason)
    return None
