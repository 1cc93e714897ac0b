"""What the end of a try makes of its task instance."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple, assert_never

from nbflow.model.instance import Instance
from nbflow.model.state import TaskState
from nbflow.model.task import SensorMode, TaskKind
from nbflow.model.work import Result
from nbflow.plan.retry import MAX_LOSSES, wait

if TYPE_CHECKING:
    from datetime import datetime

    from nbflow.model.messages import TryEnded
    from nbflow.model.task import TaskSpec

_RETRYABLE = (Result.FAILED, Result.TIMED_OUT)


class Conclusion(NamedTuple):
    """What is to be done with a task instance whose try has ended.

    Attributes:
        now: the instance from here on, in its old state.
        state: where it goes; None: it stays and keeps its slot (a sensor that pokes).
        reason: in words.
        due: when it gets on, where it waits for a time.
    """

    now: Instance
    state: TaskState | None
    reason: str
    due: datetime | None = None


def conclude(spec: TaskSpec, now: Instance, event: TryEnded, *, goes_on: bool) -> Conclusion:
    """The conclusion from a result (semantics.md, Task states: retries, sensors, lost tries).

    Args:
        spec: of the task.
        now: where the instance stands.
        event: how its try ended.
        goes_on: whether its run does: in one that has ended nothing is tried again.
    """
    reason = event.reason
    if event.result is Result.SUCCESS and event.follow is None:  # as nearly all do
        return Conclusion(now, TaskState.SUCCESS, reason)

    def becomes(state: TaskState, why: str = reason, due: datetime | None = None) -> Conclusion:
        return Conclusion(now=now, state=state, reason=why, due=due)

    failed = TaskState.SKIPPED if spec.kind is TaskKind.SENSOR and spec.soft_fail else TaskState.FAILED
    match event.result:
        case Result.SUCCESS:
            now = now.changed(follow=event.follow)
            return becomes(TaskState.SUCCESS)
        case Result.SKIPPED | Result.STOPPED:
            return becomes(TaskState.SKIPPED)
        case Result.WAITING:
            return _waiting(spec, now, event, failed) if goes_on else becomes(TaskState.SKIPPED)
        case Result.FAILED | Result.TIMED_OUT if now.try_number < now.max_tries and goes_on:
            due = event.at + wait(spec, event.key, now.try_number)
            again = f"{reason}; try {now.try_number + 1} of {now.max_tries} at {due:%H:%M:%S} UTC"
            now = now.changed(looks=0)
            return becomes(TaskState.UP_FOR_RETRY, again, due)
        case Result.FAILED:
            return becomes(TaskState.FAILED)
        case Result.FAIL | Result.TIMED_OUT | Result.GAVE_UP:
            return becomes(failed, f"{reason} (soft_fail)" if failed is TaskState.SKIPPED else reason)
        case Result.LOST if now.losses < MAX_LOSSES and goes_on:
            now = now.changed(max_tries=now.max_tries + 1, losses=now.losses + 1, looks=0)
            return becomes(
                TaskState.SCHEDULED, f"lost ({reason}): runs again, loss {now.losses} of {MAX_LOSSES}"
            )
        case Result.LOST:
            return becomes(TaskState.FAILED, f"lost {now.losses + 1} times, last: {reason}")
        case _:
            assert_never(event.result)


def undecided(now: Instance, result: Result) -> bool:
    """Whether a try that ended during a stop decides nothing about its task instance."""
    retryable = result in _RETRYABLE and now.try_number < now.max_tries
    return retryable or result in (Result.STOPPED, Result.LOST, Result.WAITING)


def look_interval(spec: TaskSpec, looks: int) -> timedelta:
    """The wait between look `looks` (from 1) of a sensor and the next: `poke_interval`, with
    `exponential_backoff` doubled with each look, never above `max_wait`.
    """
    if not spec.exponential_backoff:
        return spec.poke_interval
    longest = spec.max_wait or timedelta(days=365)
    return min(spec.poke_interval * 2 ** min(looks - 1, 40), longest)


def cleared(now: Instance, spec: TaskSpec) -> Instance:
    """A task instance that is to run again with all its retries; its tries so far stay counted."""
    return now.changed(
        max_tries=now.try_number + 1 + spec.retries,
        losses=0,
        looks=0,
        first_look=None,
        follow=None,
        items=None,
    )


def resumed(now: Instance, again: str | None, spec: TaskSpec) -> Conclusion | None:
    """How a task instance of an earlier session goes on.

    Args:
        now: where the store has it.
        again: why it must run again although it is finished; None: it need not.
        spec: its task as it is now.

    Returns:
        The instance with the tries it may still make, and why it goes back to `none`, or has failed; None where
        it stays.
    """

    def back(found: Instance, reason: str) -> Conclusion:
        return Conclusion(found, TaskState.NONE, reason)

    match now.state:
        case TaskState.REMOVED:
            return back(cleared(now, spec), "the notebook has it again")
        case _ if again is not None:
            return back(cleared(now, spec), again)
        case TaskState.RUNNING if now.items is not None:
            return None  # its instances go on
        case TaskState.RESTARTING:
            return back(cleared(now, spec), "it was being stopped when its scheduler ended")
        case TaskState.QUEUED:  # no loss, and no retry is used up; a sensor goes on with the try it has
            found = now.changed(max_tries=now.max_tries + (now.looks == 0))
            return back(found, "it had not begun when its scheduler ended")
        case TaskState.RUNNING if spec.kind is TaskKind.SENSOR:  # a look costs nothing; it may wait for weeks
            return back(now, "it was looking when its scheduler ended")
        case TaskState.RUNNING if now.losses >= MAX_LOSSES:
            reason = f"lost {now.losses + 1} times, last: its scheduler ended before it did"
            return Conclusion(now, TaskState.FAILED, reason)
        case TaskState.RUNNING:
            now = now.changed(max_tries=now.max_tries + 1, losses=now.losses + 1, looks=0)
            said = f"runs again, loss {now.losses} of {MAX_LOSSES}"
            return back(now, f"lost (its scheduler ended before it did): {said}")
        case state if not state.finished and state is not TaskState.NONE:
            return back(now, "it was waiting when its scheduler ended")
        case _:
            return None


def first_of(stored: Instance | None, spec: TaskSpec) -> Instance:
    """The instance as stored; one that never ran has the tries its task has now."""
    if stored is None or (stored.state is TaskState.NONE and stored.try_number == 0):
        return Instance(max_tries=1 + spec.retries, label="" if stored is None else stored.label)
    return stored


def _waiting(spec: TaskSpec, now: Instance, event: TryEnded, failed: TaskState) -> Conclusion:
    sensor = spec.kind is TaskKind.SENSOR
    first = now.first_look or event.at
    if sensor and event.at - first > spec.timeout:
        since = f"it looked {now.looks} times since {first:%Y-%m-%d %H:%M:%S} UTC"
        reason = f"its timeout of {spec.timeout} has passed; {since}"
        soft = failed is TaskState.SKIPPED
        return Conclusion(now=now, state=failed, reason=f"{reason} (soft_fail)" if soft else reason)
    interval = event.again_after if event.again_after is not None else look_interval(spec, now.looks)
    due = event.at + interval
    stays = sensor and spec.mode is SensorMode.POKE and event.again_after is None
    state = None if stays else TaskState.UP_FOR_RESCHEDULE
    now = now.changed(looks=max(now.looks, 1))  # the next look belongs to the same try
    return Conclusion(
        now=now, state=state, reason=f"{event.reason}; looks again at {due:%H:%M:%S} UTC", due=due
    )
