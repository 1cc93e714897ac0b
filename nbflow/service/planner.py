"""The scheduler's knowledge of schedules: which runs to make, which to go on with, which notebooks were saved."""

from __future__ import annotations

import logging
import sys
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from nbflow.errors import NbflowError
from nbflow.model.environment import Environment
from nbflow.model.run import RunType
from nbflow.service.calendar import Calendar
from nbflow.service.open_run import openings, register
from nbflow.service.publishing import PARAMS, publish
from nbflow.service.submit import Standing, going_on, submissions
from nbflow.service.workflow import stored_dag, stored_workflow

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    from nbflow.model.record import DagRecord
    from nbflow.model.run import RunKey
    from nbflow.service.calendar import Due
    from nbflow.service.open_run import Opening
    from nbflow.service.workflow import Workflow
    from nbflow.store.state import StateStore

_LOG = logging.getLogger("nbflow.scheduler")
_LOOK = timedelta(seconds=1)  # between two looks at the files that are followed

_Stamp = tuple[tuple[int, int] | None, ...]


class Planner:
    """What stands between the schedules in the store and the scheduler. One bad DAG never stops another."""

    def __init__(self, state: StateStore, at: datetime) -> None:
        """Take up the schedules as the store has them.

        Args:
            state: open for writing, of a home that this process holds.
            at: now.
        """
        self._state = state
        self._calendar = Calendar(lambda dag_id, now: state.schedules.last(dag_id, now=now))
        self._records: dict[str, DagRecord] = {}
        self._workflows: dict[str, Workflow] = {}  # those that were needed
        self._followed: dict[str, _Stamp] = {}  # as its files were when they were last looked at
        self._files: dict[str, tuple[Path, ...]] = {}  # the notebook, and its modules
        self._looked = at
        for record in state.schedules.dags():
            self._take_up(record.dag_id, at)

    def __len__(self) -> int:
        return len(self._calendar)

    @property
    def next_wake(self) -> datetime | None:
        """When there may be something to do."""
        wakes = [self._looked + _LOOK] if self._followed else []
        wakes += [self._calendar.next_due] if self._calendar.next_due is not None else []
        return min(wakes, default=None)

    def is_due(self, at: datetime) -> bool:
        """Whether there may be a run to make by now."""
        due = self._calendar.next_due
        return due is not None and due <= at

    def reload(self, dag_id: str, at: datetime) -> Workflow | None:
        """Look at a DAG's schedule anew: it was put on the schedule, published, paused, or taken off.

        Returns:
            Its published version, None where its schedule makes no runs.
        """
        record = self._take_up(dag_id, at)
        if record is None:
            return None
        try:
            return self._workflow(record)
        except (NbflowError, ValueError) as error:
            self._calendar.drop(dag_id)
            self._fail(record, error, at)
            return None

    def _take_up(self, dag_id: str, at: datetime) -> DagRecord | None:
        """Have the calendar follow a DAG's schedule as the store has it; its notebook is read when it is due.

        Returns:
            The DAG, None where its schedule makes no runs.
        """
        record = self._state.dag(dag_id)
        self._records.pop(dag_id, None)
        self._workflows.pop(dag_id, None)
        if record is None or record.scheduled is None or record.published is None:
            self._calendar.drop(dag_id)
            self._followed.pop(dag_id, None)
            return None
        if not record.follow:
            self._followed.pop(dag_id, None)
        elif dag_id not in self._followed:
            self._followed[dag_id] = ()  # it may have been saved while nobody looked
        self._records[dag_id] = record
        modules = self._state.versions.modules(dag_id, record.published) if record.follow else ()
        self._files[dag_id] = (record.path, *(record.path.resolve().parent / path for path in modules))
        try:
            if record.paused:
                self._calendar.drop(dag_id)
            else:
                self._calendar.put(stored_dag(self._state, record, record.published), at)
        except (NbflowError, ValueError) as error:
            self._calendar.drop(dag_id)
            self._fail(record, error, at)
            return None
        return record

    def _workflow(self, record: DagRecord) -> Workflow:
        """The published version of a DAG on the schedule.

        Raises:
            NbflowError: it can't be read.
        """
        assert record.published is not None  # noqa: S101 else it is not on the schedule
        found = self._workflows.get(record.dag_id)
        if found is None:
            found = self._workflows[record.dag_id] = stored_workflow(self._state, record, record.published)
        return found

    def look(self, at: datetime) -> list[Workflow]:
        """The new versions of notebooks that are followed and were saved since the last look."""
        if not timedelta(0) <= at - self._looked < _LOOK:
            self._looked = at
            changed = [dag_id for dag_id, seen in self._followed.items() if self._stamp(dag_id) != seen]
            return [workflow for dag_id in changed if (workflow := self._saved(dag_id, at)) is not None]
        return []

    def due(self, at: datetime, *, is_open: Callable[[RunKey], bool]) -> list[Opening]:
        """The runs that schedules make by now, stored already."""
        found: list[Opening] = []
        for due in self._calendar.due(at):
            record = self._records[due.run.dag_id]
            if (known := self._state.dag(record.dag_id)) is None or known.paused:
                self._calendar.drop(record.dag_id)
                continue
            try:
                found += self._made(due, record, at, is_open)
            except Exception as error:  # noqa: BLE001 a notebook's fault, whatever it is, is not another's
                self._calendar.drop(record.dag_id)
                self._fail(record, error, at)
        return found

    def unfinished(self) -> list[Opening]:
        """The runs that an earlier scheduler looked after and that are not over, each as it last ran."""
        found: list[Opening] = []
        workflows: dict[tuple[str, str], Workflow] = {}  # many runs are of one version
        for run in self._state.schedules.unfinished():
            record = self._state.dag(run.key.dag_id)
            if record is None:
                continue
            try:
                of = record.dag_id, run.version
                workflow = workflows.get(of) or stored_workflow(self._state, record, run.version)
                workflows[of] = workflow
                instances = self._state.instances(run.key)
                todo = [going_on(run, instances, workflow.flow.dag.timezone, {})]
                found += openings(self._state, workflow, todo)
            except (NbflowError, ValueError) as error:
                _LOG.exception(
                    "a run can't go on", extra={"dag_id": run.key.dag_id, "run_id": run.key.run_id}
                )
                with self._state.writing():
                    self._state.note_run(run.key, f"it can't go on: {error}")
                continue
            if run.run_type is RunType.SCHEDULED:
                self._calendar.opened(run.key)
        return found

    def look_after(self, runs: Sequence[RunKey]) -> None:
        """Have the next scheduler go on with these runs by itself, should this one die."""
        with self._state.writing():
            for run in runs:
                self._state.schedules.adopt(run)

    def closed(self, run: RunKey, at: datetime) -> None:
        """A run is over: its schedule may make the next."""
        self._calendar.closed(run, at)

    def _made(
        self, due: Due, record: DagRecord, at: datetime, is_open: Callable[[RunKey], bool]
    ) -> list[Opening]:
        workflow = self._workflow(record)
        (submission,) = submissions(
            workflow.flow,
            [due.interval],
            self._state,
            run_type=RunType.SCHEDULED,
            params=record.options.get(PARAMS, {}),  # type: ignore[arg-type]
            environment=_environment(record),
        )
        said = {"dag_id": record.dag_id, "run_id": submission.key.run_id}
        if due.left_out:
            _LOG.info("runs were missed and are left out", extra=said | {"count": due.left_out})
        if submission.standing is not Standing.NEW:  # somebody has started it already
            if not is_open(due.run):
                self._calendar.closed(due.run, at)
            return []
        _LOG.info("run is due", extra=said)
        register(self._state, workflow, [submission], unattended=True)
        return openings(self._state, workflow, [submission], is_open=is_open)

    def _saved(self, dag_id: str, at: datetime) -> Workflow | None:
        record = self._records[dag_id]
        self._followed[dag_id] = self._stamp(dag_id)
        if self._followed[dag_id][0] is None:  # gone, perhaps for a moment only, while it is replaced
            return None
        try:
            workflow = publish(self._state, record)
        except NbflowError as error:
            _LOG.warning("a save can't be published", extra={"dag_id": dag_id, "why": str(error)})
            return None
        if workflow.flow.version == record.published:
            return None
        _LOG.info("published a save", extra={"dag_id": dag_id, "version": workflow.flow.version[:12]})
        found = self.reload(dag_id, at)
        self._followed[dag_id] = self._stamp(dag_id)
        return found

    def _stamp(self, dag_id: str) -> _Stamp:
        """What changes when one of a DAG's files is saved."""
        return tuple(map(_stamp, self._files[dag_id]))

    def _fail(self, record: DagRecord, error: Exception, at: datetime) -> None:
        _LOG.error("a DAG can't be scheduled", extra={"dag_id": record.dag_id}, exc_info=error)
        with self._state.writing():
            self._state.schedules.set_error(record.path, record.dag_id, str(error), at)


def _environment(record: DagRecord) -> Environment:
    """Where a DAG's runs run: in this process's own environment, unless it was put on by another interpreter."""
    found = Environment.from_json(record.environment)
    return replace(found, python="") if found.python == sys.executable else found


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
