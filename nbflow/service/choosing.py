"""Which task instances a person means with `clear` and `mark`: an address, and Airflow's selectors."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from nbflow.errors import AddressError
from nbflow.model.run import TaskKey
from nbflow.model.state import TaskState
from nbflow.model.task import TaskKind
from nbflow.plan.selection import Selection, selected, stale_above
from nbflow.service.clock import now
from nbflow.service.consequences import ACTIVE, held_up, needed_now
from nbflow.service.dates import read_date
from nbflow.service.lookup import find_run, instance_of, label_of
from nbflow.service.submit import going_on, stale_tasks
from nbflow.service.workflow import stored_workflow

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from nbflow.model.record import InstanceRecord, RunRecord
    from nbflow.service.lookup import Target
    from nbflow.service.submit import Submission
    from nbflow.store.state import StateStore

_FAILED = frozenset({TaskState.FAILED, TaskState.UPSTREAM_FAILED})
_NO_DATE = "name a DATE (2026-02-17, latest), or a stretch: --start-date and --end-date."
_NO_GROUP = "{dag_id} has no task group {group!r}. {known}"
_NONE_BETWEEN = "{dag_id} has no run from {first} to {last}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a person said of the task instances that are meant.

    Attributes:
        date: one run: a date, `latest` or a run id; None where `start` and `end` say it.
        start, end: the first and the last date of a stretch, as typed; None: no bound on that side.
        tasks: `clean`, `clean[3]`; none: all of them.
        groups: task groups.
        upstream, downstream: with all above them, all below them.
        past, future: in all earlier runs too, in all later runs too.
        only_failed, only_running, states: only those in such a state.
        stale: only those whose code has changed, and what stands on them.
        keep_stale: what has changed above those that run again stays as it is.
        original: by the notebook as it was when each run last ran.
    """

    date: str | None = None
    start: str | None = None
    end: str | None = None
    tasks: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    upstream: bool = False
    downstream: bool = False
    past: bool = False
    future: bool = False
    only_failed: bool = False
    only_running: bool = False
    states: frozenset[TaskState] = frozenset()
    stale: bool = False
    keep_stale: bool = False
    original: bool = False

    @property
    def wanted_states(self) -> frozenset[TaskState]:
        """The states asked for; empty for any."""
        found = self.states
        if self.only_failed:
            found |= _FAILED
        if self.only_running:
            found |= ACTIVE
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A run, and those of its task instances that are meant.

    Attributes:
        instances: as the store has them, all of the run.
        tasks: those that are meant, each with the reason.
    """

    run: RunRecord
    label: str
    instances: tuple[InstanceRecord, ...]
    tasks: Mapping[TaskKey, str] = field(default_factory=dict[TaskKey, str])

    @property
    def states(self) -> dict[TaskKey, TaskState]:
        """Where its task instances stand."""
        return {record.key: record.state for record in self.instances}

    def submission(self, timezone: str) -> Submission:
        """The run as one that goes on with these."""
        return going_on(self.run, self.instances, timezone, self.tasks)


def chosen_to_clear(state: StateStore, target: Target, choice: Choice) -> list[Chosen]:
    """The task instances that are to run again, run by run in order of date; runs with none are left out.

    With them: their setups and teardowns; what below them did not run because they had failed, or runs now;
    and what above them must run too, because its code has changed, or because the code below needs a value
    that its latest try did not keep.

    Raises:
        AddressError: the DAG has no such run, task or group.
        DateError: a date is none.
    """
    saved = target
    found: list[Chosen] = []
    for run in _runs(state, saved, choice):
        target = _as_it_ran(state, saved, run) if choice.original else saved
        flow = target.flow
        chosen = _chosen(state, target, run)
        stale = stale_tasks(flow, chosen.instances)
        tasks = selected(
            run.key,
            flow.tasks,
            flow.graph,
            chosen.states,
            _selection(target, chosen, choice),
            stale=stale,
        )
        if not choice.keep_stale:
            above = stale_above(flow.graph, {key.task_id for key in tasks}, stale)
            tasks |= {TaskKey(run.key, task_id): reason for task_id, reason in above.items()}
        tasks |= held_up(target.flow, run.key, chosen.states, tasks)
        tasks |= needed_now(target, run.key, chosen.instances, tasks)
        if tasks:
            found.append(_with(chosen, _in_order(tasks, chosen)))
    return found


def _as_it_ran(state: StateStore, target: Target, run: RunRecord) -> Target:
    """The target with the notebook that a run last ran."""
    record = state.dag(target.dag_id)
    assert record is not None  # noqa: S101 it has a run
    return replace(target, flow=stored_workflow(state, record, run.version).flow)


def chosen_to_mark(state: StateStore, target: Target, choice: Choice, becomes: TaskState) -> list[Chosen]:
    """The task instances that are to count as ended so, and don't yet; otherwise as `chosen_to_clear`."""
    flow = target.flow
    # Clearing a task clears what surrounds it; marking it doesn't.
    tasks = {task_id: spec for task_id, spec in flow.tasks.items() if spec.kind is not TaskKind.TEARDOWN}
    found: list[Chosen] = []
    for run in _runs(state, target, choice):
        chosen = _chosen(state, target, run)
        # What has not begun can be marked as well: to the selection it is something there is.
        there = {
            key: TaskState.SCHEDULED if now_state is TaskState.NONE else now_state
            for key, now_state in chosen.states.items()
        }
        meant = selected(
            run.key,
            tasks,
            flow.graph,
            there,
            _selection(target, chosen, choice),
            stale=stale_tasks(flow, chosen.instances),
        )
        meant = {key: reason for key, reason in meant.items() if chosen.states[key] is not becomes}
        if meant:
            found.append(_with(chosen, _in_order(meant, chosen)))
    return found


def runs_meant(state: StateStore, target: Target, choice: Choice) -> list[Chosen]:
    """The runs a person means, as wholes."""
    return [_chosen(state, target, run) for run in _runs(state, target, choice)]


def _runs(state: StateStore, target: Target, choice: Choice) -> list[RunRecord]:
    if choice.start is not None or choice.end is not None:
        zone = target.timezone
        first = read_date(choice.start or "1970-01-01", timezone=zone, now=now())
        last = read_date(choice.end or "now", timezone=zone, now=now())
        found = state.runs_between(target.dag_id, first.at, last.last)
        if not found:
            said = {"first": choice.start or "the first", "last": choice.end or "now"}
            raise AddressError(_NONE_BETWEEN.format(dag_id=target.dag_id, **said))
        return found
    if choice.date is None:
        raise AddressError(_NO_DATE)
    run = find_run(state, target, choice.date)
    if not choice.past and not choice.future:
        return [run]
    date = run.interval.logical_date
    return [
        other
        for other in reversed(state.runs(target.dag_id))
        if other.key == run.key
        or (
            other.variant == run.variant
            and (
                (choice.past and other.interval.logical_date < date)
                or (choice.future and other.interval.logical_date > date)
            )
        )
    ]


def _chosen(state: StateStore, target: Target, run: RunRecord) -> Chosen:
    instances = tuple(i for i in state.instances(run.key) if i.key.task_id in target.flow.tasks)
    return Chosen(run=run, label=label_of(run, target.timezone), instances=instances)


def _with(chosen: Chosen, tasks: Mapping[TaskKey, str]) -> Chosen:
    return Chosen(run=chosen.run, label=chosen.label, instances=chosen.instances, tasks=tasks)


def _selection(target: Target, chosen: Chosen, choice: Choice) -> Selection:
    groups = {spec.group for spec in target.flow.tasks.values() if spec.group}
    for group in choice.groups:
        if not any(known == group or known.startswith(f"{group}.") for known in groups):
            known = f"Its groups: {', '.join(sorted(groups))}." if groups else "It has no groups."
            raise AddressError(_NO_GROUP.format(dag_id=target.dag_id, group=group, known=known))
    keys = [instance_of(target, chosen.run, text, chosen.instances) for text in choice.tasks]
    return Selection(
        tasks=tuple((key.task_id, key.map_index) for key in keys),
        groups=choice.groups,
        upstream=choice.upstream,
        downstream=choice.downstream,
        states=choice.wanted_states,
        stale=choice.stale,
    )


def _in_order(tasks: Mapping[TaskKey, str], chosen: Chosen) -> dict[TaskKey, str]:
    return {record.key: tasks[record.key] for record in chosen.instances if record.key in tasks}


def task_keys(chosen: Iterable[Chosen]) -> dict[TaskKey, str]:
    """All that is meant, in all runs."""
    return {key: reason for one in chosen for key, reason in one.tasks.items()}


def count_of(chosen: Sequence[Chosen]) -> int:
    """How many task instances are meant."""
    return sum(len(one.tasks) for one in chosen)
