"""From a notebook and what is to be done with its runs to runs that the scheduler can open."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from nbflow.model.instance import Instance, Prior
from nbflow.model.messages import RunOpened
from nbflow.model.plan import Plan
from nbflow.model.run import RunType
from nbflow.model.state import TaskState
from nbflow.plan.slots import weights
from nbflow.plan.timetable import superseded_at
from nbflow.service.clock import now
from nbflow.service.dates import with_start
from nbflow.service.modules import lay_out
from nbflow.service.params import run_params
from nbflow.service.prepare import OpenRun
from nbflow.service.views import run_states

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from nbflow.model.flow import Flow
    from nbflow.model.record import InstanceRecord, RunRecord, TryRecord
    from nbflow.model.run import RunKey, TaskKey
    from nbflow.service.submit import Submission
    from nbflow.service.workflow import Workflow
    from nbflow.store.state import StateStore

Opening = tuple[OpenRun, RunOpened]


def register(
    state: StateStore, workflow: Workflow, todo: Sequence[Submission], *, unattended: bool = False
) -> None:
    """Have the store know the notebook, and the runs that are new.

    `unattended`: a scheduler opens them; should it die before it comes to that, the next one does.
    """
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
        state.versions.save_modules(dag.dag_id, workflow.flow.version, workflow.flow.modules)
        for submission in todo:
            state.save_run(
                submission.key,
                interval=submission.interval,
                run_type=submission.run_type,
                variant=submission.variant,
                params=submission.params,
                version=workflow.flow.version,
                environment=submission.environment.to_json(),
                max_tries={task_id: 1 + spec.retries for task_id, spec in workflow.flow.tasks.items()},
                at=now(),
            )
            if unattended:
                state.schedules.adopt(submission.key)


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
    modules = lay_out(workflow.flow, state.path.parent) if workflow.stored else None
    together = {submission.key for submission in todo}
    left: dict[RunKey, list[TryRecord]] = {}
    for tried in state.schedules.open_tries():
        left.setdefault(tried.key.run, []).append(tried)
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
            landed=frozenset()
            if is_open(submission.key)
            else _landed(workflow.flow, submission, left.get(submission.key, ())),
        )
        found.append((replace(open_run(workflow, submission), modules=modules), event))
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
        given=submission.params,
        cwd=workflow.cwd,
        environment=submission.environment,
    )


def renewed(run: OpenRun, workflow: Workflow, home: Path) -> OpenRun:
    """A run of which nothing has begun, as a new version of its notebook has it; `home` is the folder."""
    return replace(
        run,
        flow=workflow.flow,
        notebook=workflow.notebook,
        cwd=workflow.cwd,
        params=run_params(workflow.flow.dag, run.given, run.interval.logical_date),
        modules=lay_out(workflow.flow, home) if workflow.stored else None,
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
    most = submission.environment.max_active_runs
    return RunOpened(
        at=at,
        run=submission.key,
        logical_date=submission.interval.logical_date,
        plan=plan if most is None else replace(plan, max_active_runs=most),
        state=submission.state,
        instances={record.key: instance_of(record) for record in submission.instances},
        again=submission.again,
        run_type=RunType.MANUAL if submission.variant else submission.run_type,
        backfill=submission.run_type is RunType.BACKFILL,
        latest_first=submission.environment.latest_first,
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


def _landed(flow: Flow, submission: Submission, left: Sequence[TryRecord]) -> frozenset[TaskKey]:
    """The task instances whose latest try ended while nobody was there, by the code that they have now."""
    latest = {
        instance.key: instance.try_number
        for instance in submission.instances
        if instance.state in (TaskState.QUEUED, TaskState.RUNNING) and instance.key not in submission.again
    }
    return frozenset(
        tried.key
        for tried in left
        if latest.get(tried.key) == tried.try_number
        and flow.code_hashes.get(tried.key.task_id) == tried.code_hash
    )


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
