"""After a scheduler that died, and before one that ends: what counts, what runs again, what may end."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from plan.world import START, keyed, plan, world

from nbflow.model.instance import Instance, Prior
from nbflow.model.messages import StopAsked, TryEnded
from nbflow.model.run import RunKey, RunType
from nbflow.model.state import RunState, TaskState
from nbflow.model.task import TaskKind, TaskSpec
from nbflow.model.work import Result

RUN = RunKey("dag", "day 000")
RUNNING = Instance(state=TaskState.RUNNING, try_number=2, max_tries=2)


QUEUED = Instance(state=TaskState.QUEUED, try_number=1, max_tries=2)


@dataclass(frozen=True)
class Case:
    name: str
    found: Instance
    state: TaskState
    try_number: int
    max_tries: int
    losses: int = 0
    kind: TaskKind = TaskKind.TASK
    retries: int = 0


CASES = [
    Case("running: lost, without using up a retry", RUNNING, TaskState.QUEUED, 3, 3, losses=1),
    Case("for the third time", RUNNING.changed(losses=2), TaskState.QUEUED, 3, 3, losses=3),
    Case("for the fourth time: failed", RUNNING.changed(losses=3), TaskState.FAILED, 2, 2, losses=3),
    Case("queued: no loss", RUNNING.in_state(TaskState.QUEUED), TaskState.QUEUED, 3, 3),
    Case("queued with a retry left: none is used up", QUEUED, TaskState.QUEUED, 2, 3),
    Case(
        "a sensor that had not looked", QUEUED.changed(looks=1), TaskState.QUEUED, 1, 2, kind=TaskKind.SENSOR
    ),
    Case("being stopped: no loss", RUNNING.in_state(TaskState.RESTARTING), TaskState.QUEUED, 3, 3),
    Case(
        "being stopped, to run again: with all its retries",
        RUNNING.in_state(TaskState.RESTARTING),
        TaskState.QUEUED,
        3,
        5,
        retries=2,
    ),
    Case("waiting for a retry", RUNNING.in_state(TaskState.UP_FOR_RETRY), TaskState.QUEUED, 3, 2),
    Case("a sensor that was looking", RUNNING.changed(looks=5), TaskState.QUEUED, 2, 2, kind=TaskKind.SENSOR),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_a_dead_scheduler_left_goes_on(case: Case) -> None:
    w = world()
    spec = TaskSpec(task_id="a", kind=case.kind, retries=case.retries)
    run = w.open(plan(alone="a", specs={"a": spec}), instances={"a": case.found}, state=RunState.RUNNING)
    key = keyed(run, "a")
    assert w.states[key] is case.state
    if not case.state.finished:
        now = w.machine.instance(key)
        assert (now.try_number, now.max_tries, now.losses) == (case.try_number, case.max_tries, case.losses)


def landed(*, found: TaskState = TaskState.RUNNING, parallelism: int = 8) -> tuple:
    w = world(parallelism)
    instances = {"a": Instance(state=found, try_number=1, max_tries=1)}
    key = keyed(RUN, "a")
    w.open(plan("a>b", alone="c"), instances=instances, state=RunState.RUNNING, landed=frozenset({key}))
    return w, key


@pytest.mark.parametrize("found", [TaskState.RUNNING, TaskState.QUEUED])
def test_a_try_that_ended_unheard_counts_as_it_ended(found: TaskState) -> None:
    w, key = landed(found=found)
    assert w.waiting == ["c"]
    assert w.states[key] is TaskState.RUNNING
    w.tell(TryEnded(at=w.at, key=key, try_number=1, result=Result.SUCCESS, reason="done"))
    assert w.waiting == ["c", "b"]
    w.finish_all()
    assert w.runs[RUN] is RunState.SUCCESS
    assert w.machine.idle


def test_until_its_end_is_told_it_holds_its_place_and_the_machine_waits() -> None:
    w, key = landed(parallelism=1)
    assert w.waiting == []
    assert not w.machine.idle
    w.tell(TryEnded(at=w.at, key=key, try_number=1, result=Result.SUCCESS, reason="done"))
    assert len(w.waiting) == 1


def test_a_graceful_stop_lets_what_runs_end_and_starts_nothing() -> None:
    w = world()
    run = w.open(plan("a>b"))
    w.tell(StopAsked(at=w.at, reason="stopped", graceful=True))
    assert not w.halted
    assert not w.machine.idle
    w.end("a")
    assert w.machine.idle
    assert w.picture(run) == "a=success b=none"
    assert w.runs[run] is RunState.QUEUED


def test_asked_again_it_stops_what_runs() -> None:
    w = world()
    run = w.open(plan("a>b"))
    w.tell(StopAsked(at=w.at, reason="stopped", graceful=True))
    w.tell(StopAsked(at=w.at, reason="stopped again"))
    assert w.halted == {keyed(run, "a")}
    w.end("a", Result.STOPPED)
    assert w.picture(run) == "a=none b=none"


def test_a_run_before_that_is_open_by_now_counts_as_it_stands_now() -> None:
    w = world()
    the_plan = plan(alone="a", specs={"a": TaskSpec(task_id="a", depends_on_past=True)})
    first = w.open(the_plan, 0, run_type=RunType.SCHEDULED)
    stored = Prior(run=first, logical_date=START, states={"a": TaskState.NONE})
    second = w.open(the_plan, 1, run_type=RunType.SCHEDULED, prior=stored)
    w.end("a")
    w.finish_all()
    assert w.runs == {first: RunState.SUCCESS, second: RunState.SUCCESS}
