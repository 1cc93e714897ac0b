"""Waits between tries."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from nbflow.model.run import RunKey, TaskKey
from nbflow.model.task import TaskSpec
from nbflow.plan.retry import wait

KEY = TaskKey(RunKey("dag", "2026-01-01T00:00:00Z"), "task")


def test_without_backoff_the_wait_is_the_delay() -> None:
    spec = TaskSpec(task_id="task", retries=3, retry_delay=timedelta(seconds=7))
    assert [wait(spec, KEY, number) for number in (1, 2, 3)] == [timedelta(seconds=7)] * 3


@given(st.integers(1, 10_000), st.floats(0, 1e6))
def test_backoff_doubles_with_a_jitter_below_itself_and_never_passes_the_cap(
    number: int, delay: float
) -> None:
    spec = TaskSpec(
        task_id="task",
        retry_delay=timedelta(seconds=delay),
        retry_exponential_backoff=True,
        max_retry_delay=timedelta(hours=1),
    )
    waited = wait(spec, KEY, number).total_seconds()
    grown = spec.retry_delay.total_seconds() * 2 ** min(number - 1, 64)
    assert min(grown, 3600) <= waited <= min(2 * grown + 2, 3600)


def test_the_jitter_depends_on_the_task_instance_and_nothing_else() -> None:
    spec = TaskSpec(task_id="task", retry_delay=timedelta(seconds=100), retry_exponential_backoff=True)
    other = TaskKey(RunKey("dag", "2026-01-02T00:00:00Z"), "task")
    assert wait(spec, KEY, 2) == wait(spec, KEY, 2) != wait(spec, other, 2)
