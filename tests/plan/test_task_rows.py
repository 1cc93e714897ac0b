"""Rows of semantics.md, Task states, that the other tests of the machine take for granted."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plan.world import START, World, keyed, name_of, plan, world

from nbflow.model.instance import Prior
from nbflow.model.messages import Action, Event, RunMove
from nbflow.model.run import RunKey, RunType, TaskKey
from nbflow.model.state import RunState, TaskState
from nbflow.model.task import SensorMode, TaskKind, TaskSpec, TriggerRule
from nbflow.model.work import Result
from nbflow.plan.retry import wait

if TYPE_CHECKING:
    from nbflow.model.plan import Plan

MINUTE = timedelta(minutes=1)
LETTERS = {
    "S": TaskState.SUCCESS,
    "F": TaskState.FAILED,
    "U": TaskState.UPSTREAM_FAILED,
    "K": TaskState.SKIPPED,
    ".": TaskState.NONE,
}


def spec(task_id: str = "a", **more: object) -> TaskSpec:
    return TaskSpec(task_id=task_id, **more)  # type: ignore[arg-type]


def specs(*found: TaskSpec) -> dict[str, TaskSpec]:
    return {one.task_id: one for one in found}


def listening() -> tuple[World, list[RunMove]]:
    """A world, and the moves of its runs as they come."""
    w, moves = world(), list[RunMove]()
    tell = w.tell

    def told(event: Event) -> list[Action]:
        actions = tell(event)
        moves.extend(action for action in actions if isinstance(action, RunMove))
        return actions

    w.tell = told  # type: ignore[method-assign]
    return w, moves


def test_the_states_are_those_of_the_page() -> None:
    page = (
        "none → scheduled → queued → running → success | failed | skipped | up_for_retry | up_for_reschedule | "
        "upstream_failed | removed | restarting"
    )
    assert set(page.replace("→", "|").split(" | ")) == set(TaskState)


# retries, lost tries


@dataclass(frozen=True)
class Ends:
    name: str
    retries: int
    results: tuple[Result, ...]  # of one try after the other
    state: TaskState
    tries: int


ENDS = [
    Ends("an error with tries left", 1, (Result.FAILED,), TaskState.UP_FOR_RETRY, 1),
    Ends("a timeout with tries left", 1, (Result.TIMED_OUT,), TaskState.UP_FOR_RETRY, 1),
    Ends("an error without", 1, (Result.FAILED, Result.FAILED), TaskState.FAILED, 2),
    Ends("a timeout without", 0, (Result.TIMED_OUT,), TaskState.FAILED, 1),
    Ends("Fail", 5, (Result.FAIL,), TaskState.FAILED, 1),
    Ends("Skip", 5, (Result.SKIPPED,), TaskState.SKIPPED, 1),
    Ends("Skip after an error", 1, (Result.FAILED, Result.SKIPPED), TaskState.SKIPPED, 2),
    Ends("no retries unless they are asked for", spec().retries, (Result.FAILED,), TaskState.FAILED, 1),
    Ends("a loss, then an error: the retry is left", 1, (Result.LOST, Result.FAILED), TaskState.UP_FOR_RETRY, 2),
    Ends("three losses run again", 0, (Result.LOST,) * 3, TaskState.QUEUED, 4),
    Ends("the fourth fails, whatever retries are left", 5, (Result.LOST,) * 4, TaskState.FAILED, 4),
]  # fmt: skip


@pytest.mark.parametrize("case", ENDS, ids=lambda case: case.name)
def test_a_task_whose_tries_end_so_is(case: Ends) -> None:
    w = world()
    run = w.open(plan(specs=specs(spec(retries=case.retries, retry_delay=MINUTE))))
    for result in case.results:
        w.pass_time(minutes=1)
        w.end("a", result)
    assert (w.states[keyed(run, "a")], w.tries[keyed(run, "a")]) == (case.state, case.tries)


# delay


def key(dag: str = "d", task: str = "a", date: str = "2026-01-01T00:00:00Z") -> TaskKey:
    return TaskKey(RunKey(dag, date), task)


def test_the_delay_is_five_minutes_and_with_backoff_a_day_at_most() -> None:
    assert wait(spec(), key(), 1) == timedelta(seconds=300)
    assert wait(spec(retry_exponential_backoff=True), key(), 40) == timedelta(hours=24)


@given(st.integers(1, 20), st.integers(1, 10**6).map(lambda n: n / 1000))
def test_backoff_is_the_delay_doubled_by_each_try_and_a_jitter_below_that(number: int, delay: float) -> None:
    grows = spec(
        retry_delay=timedelta(seconds=delay),
        retry_exponential_backoff=True,
        max_retry_delay=timedelta(days=10**6),
    )
    base = math.ceil(delay * 2 ** (number - 1))
    assert base <= wait(grows, key(), number).total_seconds() < 2 * base


@pytest.mark.parametrize("other", [key(dag="e"), key(task="b"), key(date="2026-01-02T00:00:00Z")], ids=str)
def test_the_jitter_is_of_dag_task_date_and_try_and_the_same_tomorrow(other: TaskKey) -> None:
    grows = spec(retry_delay=timedelta(hours=1), retry_exponential_backoff=True)
    assert wait(grows, key(), 2) == wait(grows, key(), 2) != wait(grows, other, 2)
    first, second = (wait(grows, key(), number) % timedelta(hours=1) for number in (1, 2))
    assert first != second


# dagrun_timeout


def test_a_run_s_timeout_counts_from_its_start_not_from_its_queueing() -> None:
    w = world()
    the_plan = plan(alone="a", max_active_runs=1, dagrun_timeout=timedelta(hours=1))
    w.open(the_plan, day=0)
    second = w.open(the_plan, day=1)
    w.pass_time(minutes=59)
    w.end("a")
    w.pass_time(minutes=59)
    assert w.runs[second] is RunState.RUNNING
    w.pass_time(minutes=1)
    assert w.runs[second] is RunState.FAILED


def test_it_stops_what_runs_and_skips_what_waits_for_a_retry_a_look_or_a_slot() -> None:
    w = world(parallelism=2)
    there = spec("look", kind=TaskKind.SENSOR, mode=SensorMode.RESCHEDULE, priority_weight=9)
    again = spec("again", retries=1, priority_weight=8)
    the_plan = plan("busy>below", alone="late", specs=specs(there, again), dagrun_timeout=MINUTE)
    run = w.open(the_plan)
    w.end("look", Result.WAITING)
    w.end("again", Result.FAILED)
    assert sorted(w.waiting) == ["busy", "late"]
    w.end("late")
    w.pass_time(minutes=1)
    w.end("busy", Result.STOPPED)
    assert {name_of(key): state.value for key, state in w.states.items()} == {
        "again": "skipped",
        "below": "skipped",
        "busy": "skipped",
        "late": "success",
        "look": "skipped",
    }
    assert w.runs[run] is RunState.FAILED


# run state, stuck


@dataclass(frozen=True)
class Leaves:
    name: str
    edges: str
    results: dict[str, Result]  # a success where nothing is said
    state: RunState


FAILED, SKIPPED = Result.FAILED, Result.SKIPPED
LEAVES = [
    Leaves("all succeeded", "a>b", {}, RunState.SUCCESS),
    Leaves("a leaf failed", "a>b", {"b": FAILED}, RunState.FAILED),
    Leaves("a leaf is upstream_failed", "a>b", {"a": FAILED}, RunState.FAILED),
    Leaves("a leaf was skipped", "a>b", {"a": SKIPPED}, RunState.SUCCESS),
    Leaves("one leaf of two failed", "a>b a>c", {"c": FAILED}, RunState.FAILED),
    Leaves("no leaf failed, though a task above one did", "a>done", {"a": FAILED}, RunState.SUCCESS),
    Leaves("a failure beside a leaf that ran all the same", "a>b a>done", {"a": FAILED}, RunState.FAILED),
]


@pytest.mark.parametrize("case", LEAVES, ids=lambda case: case.name)
def test_the_leaves_decide_how_a_run_ends(case: Leaves) -> None:
    late = spec("done", trigger_rule=TriggerRule.ALL_DONE)
    w = world()
    run = w.open(plan(case.edges, specs=specs(late) if "done" in case.edges else None))
    while w.launched:
        w.end(w.waiting[0], case.results.get(w.waiting[0], Result.SUCCESS))
    assert w.runs[run] is case.state


def test_a_run_s_moves_have_their_time_and_their_reason() -> None:
    w, moves = listening()
    w.open(plan("a>b"))
    w.pass_time(minutes=1)
    w.finish_all()
    assert [(move.new, move.at - START) for move in moves] == [
        (RunState.RUNNING, timedelta()),
        (RunState.SUCCESS, MINUTE),
    ]
    assert all(move.reason for move in moves)


def test_a_run_in_which_nothing_can_go_on_has_failed_and_says_what_waits_for_what() -> None:
    w, moves = listening()
    w.interfered = True  # it ends with tasks that are not finished: that is what is wrong with it
    down = spec("down", kind=TaskKind.TEARDOWN, setups=("up",))
    run = w.open(plan("down>up", alone="a", specs=specs(down)))
    assert w.runs[run] is RunState.RUNNING, "something of it runs"
    w.end("a")
    assert w.runs[run] is RunState.FAILED
    assert moves[-1].reason.startswith("stuck: nothing of it can run (`down`: ")
    assert "`up`: 1 of 1 upstream task not finished (all_success)" in moves[-1].reason


def test_a_run_that_has_something_to_wait_for_is_not_stuck() -> None:
    w = world()
    run = w.open(plan(specs=specs(spec(retries=1, retry_delay=timedelta(days=9)))))
    w.end("a", Result.FAILED)
    w.pass_time(days=8)
    assert w.runs[run] is RunState.RUNNING


# depends_on_past, wait_for_downstream


def past(text: str, **more: bool) -> Plan:
    """A plan whose task `a` looks at the previous run."""
    made = plan(text, alone="a")
    return replace(made, tasks={**made.tasks, "a": spec(depends_on_past=True, **more)})


@dataclass(frozen=True)
class Before:
    name: str
    types: tuple[RunType, ...]  # of the runs of one day after the other, the last one asked about
    held: bool


SCHEDULED, BACKFILL, MANUAL = RunType.SCHEDULED, RunType.BACKFILL, RunType.MANUAL
BEFORE = [
    Before("no previous run", (SCHEDULED,), held=False),
    Before("a scheduled one", (SCHEDULED, SCHEDULED), held=True),
    Before("a backfill before a scheduled one", (BACKFILL, SCHEDULED), held=True),
    Before("a scheduled one before a backfill", (SCHEDULED, BACKFILL), held=True),
    Before("a manual run is no previous one", (MANUAL, SCHEDULED), held=False),
    Before("a manual run has none", (SCHEDULED, MANUAL), held=False),
    Before("a manual run between them is passed over", (SCHEDULED, MANUAL, SCHEDULED), held=True),
]


@pytest.mark.parametrize("case", BEFORE, ids=lambda case: case.name)
def test_the_previous_run_is_the_latest_earlier_scheduled_or_backfill_one(case: Before) -> None:
    w = world()
    runs = [w.open(past(""), day=day, run_type=kind) for day, kind in enumerate(case.types)]
    assert (w.states[keyed(runs[-1], "a")] is TaskState.NONE) is case.held
    w.end(keyed(runs[0], "a"))
    assert w.states[keyed(runs[-1], "a")] is TaskState.QUEUED or not case.held


def test_of_two_earlier_runs_the_later_counts() -> None:
    w = world()
    first, second, third = (w.open(past(""), day=day, run_type=SCHEDULED) for day in (0, 1, 5))
    w.end(keyed(first, "a"))
    assert w.states[keyed(third, "a")] is TaskState.NONE
    w.end(keyed(second, "a"))
    assert w.states[keyed(third, "a")] is TaskState.QUEUED


@pytest.mark.parametrize("letter", LETTERS)
@pytest.mark.parametrize("below", [*LETTERS, None])
def test_wait_for_downstream_wants_success_or_skipped_there_of_the_tasks_directly_below_too(
    letter: str, below: str | None
) -> None:
    states = {"a": LETTERS[letter], "c": TaskState.FAILED}
    states |= {"b": LETTERS[below]} if below is not None else {}  # b may be new to the DAG
    prior = Prior(run=RunKey("dag", "before"), logical_date=START - timedelta(days=1), states=states)
    w = world()
    w.open(past("a>b b>c", wait_for_downstream=True), run_type=SCHEDULED, prior=prior)
    assert w.waiting == (["a"] if letter in "SK" and below in ("S", "K", None) else [])
