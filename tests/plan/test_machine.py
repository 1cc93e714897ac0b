"""The state machine: runs and retries by example, its invariants by random DAGs and outcomes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plan.random_dags import plans
from plan.world import START, plan, world

from nbflow.model.instance import Instance
from nbflow.model.messages import ClockTicked, StopAsked, TryEnded
from nbflow.model.run import RunKey, TaskKey
from nbflow.model.state import RunState, TaskState, check_task_move
from nbflow.model.task import TaskSpec
from nbflow.model.work import Result
from nbflow.plan.selection import RUN_TIMED_OUT

if TYPE_CHECKING:
    from random import Random

    from nbflow.model.plan import Plan


def test_tasks_run_after_the_ones_before_them_and_the_run_succeeds() -> None:
    w = world()
    run = w.open(plan("a>b a>c b>d c>d"))
    assert w.waiting == ["a"]
    w.end("a")
    assert w.waiting == ["b", "c"]
    w.finish_all()
    assert w.picture(run) == "a=success b=success c=success d=success"
    assert w.runs[run] is RunState.SUCCESS
    assert w.machine.idle


def test_a_failure_stops_only_what_depends_on_it() -> None:
    w = world()
    run = w.open(plan("a>b b>c", alone="x"))
    w.end("a", Result.FAILED, "KeyError: 'x'")
    w.finish_all()
    assert w.picture(run) == "a=failed b=upstream_failed c=upstream_failed x=success"
    assert w.runs[run] is RunState.FAILED


def test_a_skip_skips_what_follows_and_the_run_succeeds() -> None:
    w = world()
    run = w.open(plan("a>b"))
    w.end("a", Result.SKIPPED)
    assert w.picture(run) == "a=skipped b=skipped"
    assert w.runs[run] is RunState.SUCCESS


def test_a_failed_try_with_tries_left_waits_for_its_delay() -> None:
    w = world()
    spec = TaskSpec(task_id="a", retries=1, retry_delay=timedelta(minutes=5))
    run = w.open(plan(specs={"a": spec}))
    w.end("a", Result.FAILED, "boom")
    assert w.states[TaskKey(run, "a")] is TaskState.UP_FOR_RETRY
    assert w.machine.next_wake == START + timedelta(minutes=5)
    w.tell(ClockTicked(at=START + timedelta(minutes=4)))
    assert w.waiting == []
    w.tell(ClockTicked(at=START + timedelta(minutes=5)))
    assert w.launched == [(TaskKey(run, "a"), 2)]
    w.end("a", Result.TIMED_OUT)
    assert w.runs[run] is RunState.FAILED


def test_fail_uses_no_retries() -> None:
    w = world()
    run = w.open(plan(specs={"a": TaskSpec(task_id="a", retries=5)}))
    w.end("a", Result.FAIL)
    assert w.runs[run] is RunState.FAILED


def test_a_lost_try_costs_no_retry_but_the_fourth_loss_fails() -> None:
    w = world()
    run = w.open(plan(alone="a"))
    for _ in range(3):
        w.end("a", Result.LOST, "killed by signal 9")
        assert w.waiting == ["a"]
    w.end("a", Result.LOST, "killed by signal 9")
    assert w.picture(run) == "a=failed"
    assert "lost 4 times" in w.reasons[-1]


def test_a_late_outcome_of_an_older_try_changes_nothing() -> None:
    w = world()
    run = w.open(plan(alone="a"))
    key = TaskKey(run, "a")
    w.end("a", Result.LOST)
    late = TryEnded(at=START, key=key, try_number=1, result=Result.SUCCESS, reason="late")
    assert w.tell(late) == []
    assert w.states[key] is TaskState.QUEUED


def test_slots_go_to_the_heaviest_task_then_to_the_earliest_date() -> None:
    w = world(parallelism=1)
    the_plan = plan("long>l2 l2>l3", alone="short")
    w.open(the_plan, day=1)
    w.launched.clear()
    w = world(parallelism=1)
    w.machine.slots.parallelism = 0
    w.parallelism = 0
    w.open(the_plan, day=1)
    w.open(the_plan, day=0)
    w.machine.slots.parallelism = w.parallelism = 1
    w.tell(ClockTicked(at=START))
    order = []
    while w.launched:
        key, _ = w.launched[0]
        order.append(f"{key.task_id}{key.run.run_id[-1]}")
        w.end(key.task_id)
    assert order == ["long0", "long1", "l20", "l21", "l30", "short0", "l31", "short1"]


def test_a_task_of_a_full_dag_is_passed_over_not_waited_on() -> None:
    w = world(parallelism=4)
    w.open(plan(alone="a b c", max_active_tasks=2))
    assert len(w.launched) == 2
    w.end("a")
    assert w.waiting == ["b", "c"]


def test_runs_beyond_max_active_runs_wait_in_order_of_date() -> None:
    w = world()
    the_plan = plan(alone="a", max_active_runs=1)
    runs = [w.open(the_plan, day=day) for day in (0, 2, 1)]
    assert [w.runs[run] for run in runs] == [RunState.RUNNING, RunState.QUEUED, RunState.QUEUED]
    w.end("a")
    assert w.runs[runs[2]] is RunState.RUNNING


def test_a_run_that_takes_too_long_fails_and_what_is_left_is_skipped() -> None:
    w = world()
    run = w.open(plan("a>b", alone="c", dagrun_timeout=timedelta(hours=1)))
    w.tell(ClockTicked(at=START + timedelta(hours=1)))
    assert w.halted == {TaskKey(run, "a"), TaskKey(run, "c")}
    assert w.runs[run] is RunState.FAILED
    w.end("a", Result.STOPPED)
    w.end("c", Result.SUCCESS)
    assert w.picture(run) == "a=skipped b=skipped c=success"
    assert w.machine.idle


def test_tasks_held_back_by_the_limit_start_though_others_held_with_them_timed_out() -> None:
    w = world()
    timed = plan(alone="a b", max_active_tasks=1, dagrun_timeout=timedelta(hours=1))
    w.open(timed, day=0)
    later = w.open(plan(alone="a b", max_active_tasks=1), day=1)
    w.tell(ClockTicked(at=START + timedelta(hours=1)))
    w.end("a", Result.STOPPED)
    w.finish_all()
    assert w.picture(later) == "a=success b=success"
    assert w.machine.idle


def test_a_try_stopped_by_its_runs_timeout_is_skipped_with_that_reason() -> None:
    w = world()
    w.open(plan("a>b", dagrun_timeout=timedelta(hours=1)))
    w.tell(ClockTicked(at=START + timedelta(hours=1)))
    w.end("a", Result.STOPPED, "stopped")
    assert w.reasons[-1].startswith(RUN_TIMED_OUT)


def test_a_task_that_never_ran_has_the_retries_its_notebook_gives_it_now() -> None:
    w = world()
    spec = TaskSpec(task_id="a", retries=1, retry_delay=timedelta())
    w.open(plan(specs={"a": spec}), instances={"a": Instance(max_tries=1)})
    w.end("a", Result.FAILED)
    w.tell(ClockTicked(at=START))
    assert w.launched == [(TaskKey(RunKey("dag", "day 000"), "a"), 2)]


def test_a_stop_leaves_runs_that_can_go_on_and_uses_up_no_retry() -> None:
    w = world()
    the_plan = plan("a>b", alone="c")
    run = w.open(the_plan)
    w.tell(StopAsked(at=START, reason="stopped by Ctrl-C"))
    assert w.halted == {TaskKey(run, "a"), TaskKey(run, "c")}
    w.end("a", Result.STOPPED, "stopped by Ctrl-C")
    w.end("c", Result.SUCCESS)
    assert w.machine.idle
    assert w.picture(run) == "a=none b=none c=success"
    assert w.runs[run] is RunState.QUEUED

    again = world()
    instances = {
        "a": Instance(try_number=1, max_tries=2),
        "c": Instance(state=TaskState.SUCCESS, try_number=1),
    }
    run = again.open(the_plan, instances=instances)
    again.finish_all()
    assert again.picture(run) == "a=success b=success c=success"
    assert again.tries[TaskKey(run, "a")] == 2


def test_a_run_goes_on_after_its_process_died() -> None:
    w = world()
    instances = {
        "a": Instance(state=TaskState.RUNNING, try_number=1, max_tries=1),
        "b": Instance(state=TaskState.UP_FOR_RETRY, try_number=1, max_tries=3),
    }
    run = w.open(plan(alone="a b c"), instances=instances, state=RunState.RUNNING)
    assert sorted(w.waiting) == ["a", "b", "c"]
    w.end("a", Result.FAILED)
    assert w.states[TaskKey(run, "a")] is TaskState.FAILED


def test_what_must_run_again_starts_a_new_try_with_its_retries() -> None:
    w = world()
    spec = TaskSpec(task_id="a", retries=1, retry_delay=timedelta())
    done = Instance(state=TaskState.SUCCESS, try_number=2, max_tries=2)
    run = w.open(
        plan("a>b", specs={"a": spec, "b": TaskSpec(task_id="b")}),
        instances={"a": done, "b": Instance(state=TaskState.UPSTREAM_FAILED)},
        state=RunState.SUCCESS,
        again={"a": "its code has changed", "b": "a runs again"},
    )
    w.end("a", Result.FAILED)
    w.tell(ClockTicked(at=START))
    assert w.launched == [(TaskKey(run, "a"), 4)]
    w.finish_all()
    assert w.runs[run] is RunState.SUCCESS


def test_a_thousand_finished_runs_are_closed_without_ado() -> None:
    w = world()
    the_plan = plan("a>b")
    done = Instance(state=TaskState.SUCCESS, try_number=1)
    for day in range(1000):
        w.open(the_plan, day=day, instances={"a": done, "b": done})
    assert set(w.runs.values()) == {RunState.SUCCESS}


@settings(max_examples=150)
@given(plans(), st.integers(1, 4), st.randoms(use_true_random=True))
def test_a_stop_at_any_moment_leaves_nothing_running_and_nothing_half_decided(
    the_plan: Plan, parallelism: int, chance: Random
) -> None:
    w = world(parallelism)
    for day in range(3):
        w.open(the_plan, day=day)
    for _ in range(chance.randrange(15)):
        if w.launched:
            w.end(w.launched[0][0], chance.choice([Result.SUCCESS, Result.FAILED, Result.LOST]))
        w.at += timedelta(seconds=5)
        w.tell(ClockTicked(at=w.at))
    w.tell(StopAsked(at=w.at, reason="stopped by Ctrl-C"))
    while w.launched:
        w.end(w.launched[0][0], chance.choice([Result.STOPPED, Result.SUCCESS, Result.LOST]))
    assert w.machine.idle
    assert all(state.finished or state is TaskState.NONE for state in w.states.values())
    assert RunState.RUNNING not in w.runs.values()


@pytest.mark.parametrize("old", TaskState)
def test_every_finished_state_can_be_cleared(old: TaskState) -> None:
    if old.finished:
        check_task_move(old, TaskState.NONE)


def test_the_next_task_starts_when_a_process_is_gone_and_what_reads_its_values_when_they_are_stored() -> None:
    w = world(parallelism=1)
    w.open(plan("a>b", alone="z"))
    (first,) = w.launched
    w.leave(*first)
    assert w.waiting == ["a", "z"]
    assert w.machine.slots.used == 1
    w.end("z")
    assert w.waiting == ["a"]
    w.end("a")
    assert w.waiting == ["b"]


def test_a_process_that_is_gone_still_holds_its_pool_and_the_places_of_its_dag() -> None:
    w = world(parallelism=4)
    w.open(plan(alone="a b", max_active_tasks=1))
    (first,) = w.launched
    w.leave(*first)
    w.leave(*first)
    assert w.waiting == ["a"]
    assert w.machine.slots.used == 0
    w.end("a")
    assert w.waiting == ["b"]
