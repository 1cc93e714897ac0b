"""What a person's request to run a notebook comes to: which runs are new, go on, or are done."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from nbflow.errors import ParameterError
from nbflow.model.environment import OWN, Environment
from nbflow.model.run import Interval, RunKey, RunType, TaskKey, run_id_of, run_label
from nbflow.model.state import RunState, TaskState
from nbflow.plan.selection import RUN_ENDED, Reprocess, continuation
from nbflow.service.params import same_params

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nbflow.model.flow import Flow
    from nbflow.model.record import InstanceRecord, RunRecord
    from nbflow.store.state import StateStore

_OTHER_PARAMS = """\
the run of {label} exists with other parameters ({before}; now {now}). A run's parameters don't change: \
add --as NAME to make a variant beside it, or leave them out to go on with that run."""


class Standing(StrEnum):
    """What a request means for one run."""

    NEW = "new"
    CONTINUES = "continues"
    DONE = "done"
    OPEN = "open"  # somebody works on it already


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One run that a request is about.

    Attributes:
        standing: new, going on, done already, or under way already.
        environment: where and how its tasks run from now on.
        again: finished task instances that run again, with reasons.
        stale: tasks whose code has changed since their latest try in this run.
        instances: what the store has of it; empty for a new run.
    """

    key: RunKey
    interval: Interval
    label: str
    run_type: RunType
    variant: str
    params: Mapping[str, object]
    standing: Standing
    environment: Environment = OWN
    state: RunState = RunState.QUEUED
    again: Mapping[TaskKey, str] = field(default_factory=dict[TaskKey, str])
    stale: frozenset[str] = frozenset()
    instances: tuple[InstanceRecord, ...] = ()

    @property
    def to_do(self) -> int:
        """How many of its known tasks will run (an estimate before trigger rules); -1: all of them."""
        if self.standing is Standing.NEW:
            return -1
        unfinished = sum(not instance.state.finished for instance in self.instances)
        return unfinished + len(self.again)


def submissions(
    flow: Flow,
    intervals: Iterable[Interval],
    state: StateStore,
    *,
    run_type: RunType,
    params: Mapping[str, object],
    variant: str = "",
    reprocess: Reprocess = Reprocess.FAILED,
    rerun_stale: bool = False,
    keep_stale: bool = False,
    environment: Environment = OWN,
) -> list[Submission]:
    """What has to be done for these intervals, one submission each, in order.

    Args:
        flow: the notebook as it is now.
        intervals: one run each; a DAG has one run per logical date and variant.
        state: what has been run.
        run_type: what starts them, for those that are new.
        params: values given for them, beside the defaults, as stored (see `stored_params`).
        variant: the name of a variant beside the ordinary runs, "" for those.
        reprocess: what is done again of runs that exist.
        rerun_stale: also in succeeded runs, run the tasks whose code has changed.
        keep_stale: in runs that go on, don't.
        environment: where and how they run from now on.

    Raises:
        ParameterError: one of the runs exists with other parameters.
    """
    found: list[Submission] = []
    for interval in intervals:
        key = RunKey(flow.dag.dag_id, run_id_of(interval.logical_date, variant))
        label = run_label(interval.logical_date, flow.dag.timezone, variant)
        record = state.run(key)
        if record is None:
            begun = new(flow, interval, run_type=run_type, params=params, variant=variant)
            found.append(replace(begun, environment=environment))
            continue
        _check_params(record, label, params)
        instances = tuple(state.instances(key))
        stale = stale_tasks(flow, instances)
        again = _again(
            flow, record, instances, stale, reprocess, rerun_stale=rerun_stale, keep_stale=keep_stale
        )
        open_still = _is_open(flow, record, instances, reprocess)
        found.append(
            Submission(
                key=key,
                interval=record.interval,
                label=label,
                run_type=record.run_type,
                variant=variant,
                params=record.params,
                standing=Standing.CONTINUES if again or open_still else Standing.DONE,
                environment=environment,
                state=record.state,
                again=again,
                stale=stale,
                instances=instances,
            )
        )
    return found


def new(
    flow: Flow, interval: Interval, *, run_type: RunType, params: Mapping[str, object], variant: str = ""
) -> Submission:
    """The submission of a run that doesn't exist yet."""
    return Submission(
        key=RunKey(flow.dag.dag_id, run_id_of(interval.logical_date, variant)),
        interval=interval,
        label=run_label(interval.logical_date, flow.dag.timezone, variant),
        run_type=run_type,
        variant=variant,
        params=params,
        standing=Standing.NEW,
    )


def stale_tasks(flow: Flow, instances: Iterable[InstanceRecord]) -> frozenset[str]:
    """Tasks whose own, shared or upstream code has changed since their latest try."""
    return frozenset(
        instance.key.task_id
        for instance in instances
        if instance.state.finished
        and instance.code_hash
        and flow.code_hashes.get(instance.key.task_id, instance.code_hash) != instance.code_hash
    )


def going_on(
    record: RunRecord, instances: Iterable[InstanceRecord], timezone: str, again: Mapping[TaskKey, str]
) -> Submission:
    """The submission of a run whose task instances are to run again, by somebody's word; where it ran before."""
    return Submission(
        key=record.key,
        interval=record.interval,
        label=run_label(record.interval.logical_date, timezone, record.variant),
        run_type=record.run_type,
        variant=record.variant,
        params=record.params,
        standing=Standing.CONTINUES,
        environment=Environment.from_json(record.environment),
        state=record.state,
        again=again,
        instances=tuple(instances),
    )


def _again(
    flow: Flow,
    record: RunRecord,
    instances: tuple[InstanceRecord, ...],
    stale: frozenset[str],
    reprocess: Reprocess,
    *,
    rerun_stale: bool,
    keep_stale: bool,
) -> dict[TaskKey, str]:
    states = {instance.key: instance.state for instance in instances}
    if reprocess is Reprocess.COMPLETED:
        return continuation(flow.tasks, flow.graph, states, stale=stale, everything=True)
    succeeded = record.state is RunState.SUCCESS
    if reprocess is Reprocess.NONE or (succeeded and not rerun_stale):
        return {}
    return continuation(
        flow.tasks,
        flow.graph,
        states,
        stale=frozenset() if keep_stale else stale,
        timed_out=_cut_short(instances),
    )


def _cut_short(instances: Iterable[InstanceRecord]) -> frozenset[TaskKey]:
    """The task instances that nothing skipped but the end of their run."""
    return frozenset(
        instance.key
        for instance in instances
        if instance.state is TaskState.SKIPPED and instance.reason.startswith(RUN_ENDED)
    )


def _is_open(
    flow: Flow, record: RunRecord, instances: tuple[InstanceRecord, ...], reprocess: Reprocess
) -> bool:
    """Whether something of the run has not been decided. A failed run never is: what failed may have
    left the notebook since, or tasks may have come; then it goes on to be decided again.
    """
    if reprocess is Reprocess.NONE:  # what was stopped goes on, what is over stays
        return not record.state.finished
    return record.state is not RunState.SUCCESS or any(
        not instance.state.finished and instance.key.task_id in flow.tasks for instance in instances
    )


def _check_params(record: RunRecord, label: str, params: Mapping[str, object]) -> None:
    if params and not same_params(params, record.params):
        before = ", ".join(f"{name}={value!r}" for name, value in record.params.items()) or "the defaults"
        now = ", ".join(f"{name}={value!r}" for name, value in params.items())
        raise ParameterError(_OTHER_PARAMS.format(label=label, before=before, now=now))
