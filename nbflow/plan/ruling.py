"""May a task of an open run start now? One verdict from everything that has a say in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbflow.model.instance import Prior
from nbflow.model.state import Decision, TaskState, Verdict
from nbflow.model.task import TaskKind
from nbflow.plan.trigger import decide, verdict

if TYPE_CHECKING:
    from datetime import datetime

    from nbflow.plan.live import LiveRun, LiveTask

_PAST_DONE = (TaskState.SUCCESS, TaskState.SKIPPED, TaskState.REMOVED, None)  # None: new to the DAG


def ruling(task: LiveTask, at: datetime) -> Verdict | None:
    """What is to become of a task in state `none`; None: it waits (`waits_for` says what for).

    In this order: what a branch or short circuit has decided, `latest_only`, the trigger rule (of a teardown:
    its setups), the previous run. Skips and failures are decided as early as they are certain; the past only
    holds back what would run.

    Args:
        task: a task instance; of an instance of a mapped task only its own item has a say.
        at: now; aware.
    """
    run, spec = task.run, task.spec
    if task.whole is not None:
        return _of_item(task)
    if skips := run.skips.get(task.key.task_id):
        return Verdict(Decision.SKIP, next(iter(skips.values())))
    if spec.latest_only and run.superseded is not None and at >= run.superseded:
        reason = f"latest_only: a later interval has ended since {run.superseded:%Y-%m-%d %H:%M} UTC"
        return Verdict(Decision.SKIP, reason)
    if spec.kind is TaskKind.TEARDOWN and spec.setups:
        said = _teardown(task)
    elif (decision := decide(spec.trigger_rule, task.upstream)) is Decision.WAIT:
        return None
    else:
        said = verdict(spec.trigger_rule, task.upstream, decision)
    if said is None or (run.prior is not None and said.decision is Decision.RUN and held_by_past(task)):
        return None
    return said


def waits_for(task: LiveTask, at: datetime) -> str:
    """What a task in state `none` waits for, in words."""
    said = ruling(task, at)
    if said is not None:
        return said.reason
    if decide(task.spec.trigger_rule, task.upstream) is Decision.WAIT or task.spec.kind is TaskKind.TEARDOWN:
        return verdict(task.spec.trigger_rule, task.upstream).reason
    return held_by_past(task)


def held_by_past(task: LiveTask) -> str:
    """Why the previous run holds a task back; "" when it doesn't.

    The same task there must be success or skipped; with `wait_for_downstream` the tasks directly below it
    there too. No previous run, or a task that it hasn't, holds nothing (semantics.md, depends_on_past).
    """
    prior = task.run.prior
    if not task.spec.heeds_past or prior is None:
        return ""
    watched = [task.key.task_id]
    if task.spec.wait_for_downstream:
        watched += [below.key.task_id for below in task.down]
    for task_id in watched:
        state = state_in(prior, task_id)
        if state not in _PAST_DONE:
            rule = "wait_for_downstream" if task_id != task.key.task_id else "depends_on_past"
            prior_id = run_id_in(prior)
            # Of a state that may change by itself nothing is said: the words are kept while the run waits.
            ended = f", which is {state}" if state is None or state.finished else ""
            return f"waits for `{task_id}` of the previous run {prior_id}{ended} ({rule})"
    return ""


def state_in(prior: LiveRun | Prior, task_id: str) -> TaskState | None:
    """Where a task of a run before stands; None when that run has no such task."""
    return prior.states.get(task_id) if isinstance(prior, Prior) else prior.state_of(task_id)


def run_id_in(prior: LiveRun | Prior) -> str:
    """The id of a run before."""
    return prior.run.run_id if isinstance(prior, Prior) else prior.key.run_id


def _of_item(task: LiveTask) -> Verdict | None:
    whole = task.whole
    assert whole is not None  # noqa: S101 the caller has asked
    if whole.now.state is not TaskState.RUNNING:
        return None
    return Verdict(Decision.RUN, f"item {task.key.map_index + 1} of {len(whole.items)}")


def _teardown(task: LiveTask) -> Verdict | None:
    """A teardown runs when what stands before it has finished, whatever happened, if its setups succeeded."""
    setups = {task_id: task.run.state_of(task_id) for task_id in task.spec.setups}
    for task_id, state in setups.items():
        if state in (TaskState.FAILED, TaskState.UPSTREAM_FAILED):
            return Verdict(Decision.UPSTREAM_FAILED, f"its setup `{task_id}` is {state}")
        if state in (TaskState.SKIPPED, TaskState.REMOVED):
            return Verdict(Decision.SKIP, f"its setup `{task_id}` is {state}")
    if task.upstream.waiting or any(state is not TaskState.SUCCESS for state in setups.values()):
        return None
    return Verdict(Decision.RUN, f"its setup succeeded and {task.upstream.words}")
