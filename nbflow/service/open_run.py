"""From a notebook and what is to be done with its runs to runs that the scheduler can open."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from nbflow.errors import AddressError
from nbflow.model.instance import Instance, Prior
from nbflow.model.messages import RunOpened
from nbflow.model.plan import Plan
from nbflow.model.run import RunType
from nbflow.parse.flow import flow_of
from nbflow.parse.notebook_file import load
from nbflow.plan.slots import weights
from nbflow.plan.timetable import superseded_at
from nbflow.service.clock import now
from nbflow.service.dates import with_start
from nbflow.service.params import run_params
from nbflow.service.prepare import OpenRun
from nbflow.service.views import run_states
from nbflow.store.notebooks import without_outputs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from nbflow.model.flow import Flow
    from nbflow.model.record import DagRecord, InstanceRecord, RunRecord
    from nbflow.model.run import RunKey
    from nbflow.service.submit import Submission
    from nbflow.store.state import StateStore
    from nbflow.store.state_reader import StateReader

Opening = tuple[OpenRun, RunOpened]
_NO_VERSION = "the home of {dag_id} has no notebook of version {version}: leave --original out."


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """A notebook as its runs need it.

    Attributes:
        flow: as read.
        notebook: its JSON without outputs.
        cwd: where its cells run: its folder.
        kernel: the kernelspec of a Jupyter kernel to run them in, "" for the fastest way that fits.
        max_active_runs: instead of the DAG's own; None: that.
    """

    flow: Flow
    notebook: Mapping[str, object]
    cwd: Path
    kernel: str = ""
    max_active_runs: int | None = None


def read_workflow(path: Path, record: DagRecord | None = None) -> Workflow:
    """The notebook as saved; `record` as for `dated`.

    Raises:
        NotebookUnreadable, FlowError: it cannot be read as a workflow.
    """
    notebook = load(path)
    flow = dated(flow_of(notebook, str(path)), record)
    return Workflow(flow=flow, notebook=without_outputs(notebook), cwd=path.resolve().parent)


def stored_workflow(state: StateReader, record: DagRecord, version: str) -> Workflow:
    """The notebook as it was at a stored version, for its place of today.

    Raises:
        AddressError: the home has no such version.
    """
    stored = state.notebook(record.dag_id, version)
    if stored is None:
        raise AddressError(_NO_VERSION.format(dag_id=record.dag_id, version=version[:12]))
    notebook = json.loads(stored)
    flow = dated(flow_of(notebook, str(record.path)), record)
    return Workflow(flow=flow, notebook=notebook, cwd=record.path.resolve().parent)


def dated(flow: Flow, record: DagRecord | None) -> Flow:
    """The notebook with its start date as a date, also where it writes it relative ("14 days ago").

    Args:
        flow: as read.
        record: of the DAG in its home; None where that doesn't know it yet.
    """
    pinned = None if record is None else record.start_date
    return replace(flow, dag=with_start(flow.dag, pinned, now=now()))


def register(state: StateStore, workflow: Workflow, todo: Sequence[Submission]) -> None:
    """Have the store know the notebook, and the runs that are new."""
    dag = workflow.flow.dag
    with state.writing():
        state.save_dag(
            dag.dag_id,
            path=Path(workflow.flow.path).resolve(),
            version=workflow.flow.version,
            timezone=dag.timezone,
            notebook=json.dumps(workflow.notebook),
            at=now(),
            paused=dag.is_paused_upon_creation,
            start_date=with_start(dag, None, now=now()).start_date,
        )
        for submission in todo:
            state.save_run(
                submission.key,
                interval=submission.interval,
                run_type=submission.run_type,
                variant=submission.variant,
                params=submission.params,
                version=workflow.flow.version,
                max_tries={task_id: 1 + spec.retries for task_id, spec in workflow.flow.tasks.items()},
                at=now(),
            )


def openings(
    state: StateStore,
    workflow: Workflow,
    todo: Sequence[Submission],
    *,
    is_open: Callable[[RunKey], bool] = lambda _: False,
) -> list[Opening]:
    """What the scheduler opens for these submissions, which the store knows already.

    Args:
        state: has what became of earlier runs.
        workflow: the notebook.
        todo: opened together, in order of date.
        is_open: whether the scheduler has a run open: it knows better than the store how that stands.
    """
    plan = plan_of(workflow.flow)
    if workflow.max_active_runs is not None:
        plan = replace(plan, max_active_runs=workflow.max_active_runs)
    together = {submission.key for submission in todo}
    found: list[Opening] = []
    for submission in todo:
        dag_id, date = submission.key.dag_id, submission.interval.logical_date
        # Only what some task or rule asks for: there may be thousands of runs.
        heeds = not submission.variant and any(spec.heeds_past for spec in plan.tasks.values())
        before = state.prior_run(dag_id, date) if heeds else None
        if before is not None and (before.key in together or is_open(before.key)):
            before = None
        event = replace(
            opened(submission, plan, now()),
            prior=None if before is None else prior_of(state, before),
            superseded=_superseded(workflow.flow, submission),
            failed_before=state.failed_before(dag_id, date) if plan.max_consecutive_failed_runs else 0,
        )
        found.append((open_run(workflow, submission), event))
    return found


def open_run(workflow: Workflow, submission: Submission) -> OpenRun:
    """What all tries of a run have in common."""
    dag = workflow.flow.dag
    return OpenRun(
        flow=workflow.flow,
        notebook=workflow.notebook,
        interval=submission.interval,
        label=submission.label,
        params=run_params(dag, submission.params, submission.interval.logical_date),
        cwd=workflow.cwd,
        kernel=workflow.kernel,
    )


def plan_of(flow: Flow) -> Plan:
    """What the machine has to know of a notebook."""
    dag = flow.dag
    return Plan(
        tasks=flow.tasks,
        graph=flow.graph,
        weights=weights(flow.tasks, flow.graph),
        max_active_runs=dag.max_active_runs,
        max_active_tasks=dag.max_active_tasks,
        dagrun_timeout=dag.dagrun_timeout,
        fail_fast=dag.fail_fast,
        max_consecutive_failed_runs=dag.max_consecutive_failed_runs,
        deadline=dag.deadline,
    )


def opened(submission: Submission, plan: Plan, at: datetime) -> RunOpened:
    """The event that starts a submission, or lets it go on, of a DAG without a past."""
    return RunOpened(
        at=at,
        run=submission.key,
        logical_date=submission.interval.logical_date,
        plan=plan,
        state=submission.state,
        instances={record.key: instance_of(record) for record in submission.instances},
        again=submission.again,
        run_type=RunType.MANUAL if submission.variant else submission.run_type,
    )


def instance_of(record: InstanceRecord) -> Instance:
    """A task instance as the machine wants it."""
    return Instance(
        state=record.state,
        try_number=record.try_number,
        max_tries=record.max_tries,
        losses=record.losses,
        looks=record.looks,
        first_look=record.first_look,
        follow=record.follow,
        items=record.items,
        label=record.label,
    )


def prior_of(state: StateStore, run: RunRecord) -> Prior:
    """A run that another one looks back at."""
    states = run_states(state.instances(run.key))
    return Prior(run=run.key, logical_date=run.interval.logical_date, states=states)


def _superseded(flow: Flow, submission: Submission) -> datetime | None:
    """From when on a run's interval is no longer the latest; asked only where a task wants to know."""
    if submission.run_type is RunType.MANUAL or not any(spec.latest_only for spec in flow.tasks.values()):
        return None
    dag = flow.dag
    return superseded_at(
        dag.schedule,
        submission.interval,
        timezone=dag.timezone,
        kind=dag.timetable,
        anchor=dag.start_date,
        end_date=dag.end_date,
    )
