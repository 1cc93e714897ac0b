"""Which version of a notebook its schedule runs, and which notebooks are on the schedule."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbflow.errors import AddressError, NbflowError, OptionError
from nbflow.service.clock import now
from nbflow.service.lookup import known_dag
from nbflow.service.open_run import register
from nbflow.service.params import check_params
from nbflow.service.workflow import Workflow, open_options, read_workflow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from nbflow.model.dag import DagSpec
    from nbflow.model.record import DagRecord
    from nbflow.store.home import Home
    from nbflow.store.state import StateStore

_NO_SCHEDULE = """\
{dag_id} has no schedule. Write schedule = "@daily" in %%dag, or give one: nbflow schedule {name} --cron '0 6 * * *'"""
_SAYS_ITSELF = """\
{dag_id} says {keys} in its own %%dag: change it there (what the notebook says comes first), or leave --{flag} out."""
_TAKEN = """\
the DAG {dag_id!r} is the notebook {other}, which keeps the name. Give this one another: %%dag NAME in a cell of \
its own."""
_NOT_SCHEDULED = "{dag_id} is not on the schedule: nbflow schedule {name}"
_MOVED = "its notebook, {path}, now holds the DAG {other!r}; the version published before goes on"
PARAMS = "params"  # among the options: values of the notebook's parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRequest:
    """What a person asks for with `nbflow schedule`.

    Attributes:
        paths: of notebooks, absolute.
        follow: whether every sound save of theirs is published.
        options: of `%%dag`, for notebooks that don't say them themselves; `params` among them has values of
            the notebook's parameters.
        environment: where and how their runs run, as `Environment.to_json` gives it.
    """

    paths: tuple[Path, ...]
    follow: bool
    options: Mapping[str, Any]
    environment: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """The body of the command `schedule`."""
        return {
            "paths": [str(path) for path in self.paths],
            "follow": self.follow,
            "options": dict(self.options),
            "environment": dict(self.environment),
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> ScheduleRequest:
        """The inverse of `to_json`."""
        paths = tuple(map(Path, body["paths"]))
        return cls(
            paths=paths, follow=body["follow"], options=body["options"], environment=body["environment"]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """What became of one notebook.

    Attributes:
        path: its file.
        dag_id: "" where it couldn't be read so far.
        error: why it is not on the schedule as saved; "" where it is.
        version: the one that is published now, None for none.
        was: the one that was published before.
    """

    path: Path
    dag_id: str
    error: str = ""
    version: str | None = None
    was: str | None = None

    def to_json(self) -> dict[str, Any]:
        """In JSON's types."""
        return {
            "path": str(self.path),
            "dag_id": self.dag_id,
            "error": self.error,
            "version": self.version,
            "was": self.was,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Placed:
        """The inverse of `to_json`."""
        return cls(**{**data, "path": Path(data["path"])})


def put_on_schedule(state: StateStore, request: ScheduleRequest) -> list[Placed]:
    """Publish notebooks and have their schedules make runs. One that can't be doesn't stop the others: what is
    wrong with it is stored, and what was published of it before goes on.
    """
    return [_put(state, path, request) for path in request.paths]


def take_off_schedule(state: StateStore, dag_ids: Iterable[str]) -> None:
    """Have the schedules of these DAGs make no more runs.

    Raises:
        AddressError: one of them is not on the schedule; then nothing is changed.
    """
    wanted = list(dag_ids)
    for dag_id in wanted:
        record = state.dag(dag_id)
        if record is None or record.scheduled is None:
            name = dag_id if record is None else record.path.name
            raise AddressError(_NOT_SCHEDULED.format(dag_id=dag_id, name=name))
    with state.writing():
        for dag_id in wanted:
            state.schedules.take_off(dag_id)


def publish(state: StateStore, record: DagRecord) -> Workflow:
    """Have a DAG's schedule run its notebook as saved.

    Raises:
        NbflowError: it can't be read as this DAG; that is stored, and the version published before goes on.
    """
    try:
        workflow = read_workflow(record.path, record)
        other = workflow.flow.dag.dag_id
        if other != record.dag_id:
            raise AddressError(_MOVED.format(path=record.path, other=other))
    except NbflowError as error:
        with state.writing():
            state.schedules.set_error(record.path, record.dag_id, str(error), now())
        raise
    register(state, workflow, [])
    with state.writing():
        state.schedules.publish(record.dag_id, workflow.flow.version)
        state.schedules.drop_error(record.path)
    return workflow


def preview(home: Home, request: ScheduleRequest) -> list[Placed]:
    """What `put_on_schedule` would come to, without writing anything."""
    found: list[Placed] = []
    for path in request.paths:
        placed, _ = _checked(path, request, lambda dag_id: known_dag(home, dag_id))
        found.append(placed)
    return found


def _put(state: StateStore, path: Path, request: ScheduleRequest) -> Placed:
    placed, workflow = _checked(path, request, state.dag)
    if workflow is None:
        with state.writing():
            state.schedules.set_error(path, placed.dag_id, placed.error, now())
        return placed
    register(state, workflow, [])
    with state.writing():
        state.schedules.put(
            placed.dag_id,
            follow=request.follow,
            options=request.options,
            environment=request.environment,
            at=now(),
        )
        state.schedules.publish(placed.dag_id, workflow.flow.version)
        state.schedules.drop_error(path)
    return placed


def _checked(
    path: Path, request: ScheduleRequest, record_of: Callable[[str], DagRecord | None]
) -> tuple[Placed, Workflow | None]:
    """What becomes of a notebook, and the notebook where it can be scheduled."""
    dag_id = ""
    try:
        written = read_workflow(path).flow.dag
        dag_id = written.dag_id
        record = record_of(dag_id)
        _check_name(dag_id, path, record)
        _check_options(written, path, request.options)
        workflow = read_workflow(path, record, options=request.options)
        check_params(workflow.flow.dag, request.options.get(PARAMS, {}))
    except NbflowError as error:
        return Placed(path=path, dag_id=dag_id, error=str(error)), None
    was = None if record is None or record.scheduled is None else record.published
    return Placed(path=path, dag_id=dag_id, version=workflow.flow.version, was=was), workflow


def _check_name(dag_id: str, path: Path, record: DagRecord | None) -> None:
    """The notebook that has a name keeps it, as long as it is there."""
    if record is not None and record.path != path and record.path.exists():
        raise NbflowError(_TAKEN.format(dag_id=dag_id, other=record.path))


def _check_options(written: DagSpec, path: Path, options: Mapping[str, Any]) -> None:
    given = {key for key in options if key != PARAMS}
    if said := sorted(given - open_options(written, options).keys()):
        keys, flag = ", ".join(said), said[0].replace("_", "-")
        raise OptionError(_SAYS_ITSELF.format(dag_id=written.dag_id, keys=keys, flag=flag))
    if written.schedule is None and "schedule" not in options:
        raise OptionError(_NO_SCHEDULE.format(dag_id=written.dag_id, name=path.name))
