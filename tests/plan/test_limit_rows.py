"""Rows of semantics.md, Order and limits, and Clear, mark, backfill, that the machine's other tests leave open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plan.world import START, keyed, plan, world

from nbflow.model.dag import DagSpec
from nbflow.model.instance import Instance
from nbflow.model.messages import Cleared, ClockTicked, Marked, PauseSet
from nbflow.model.run import RunKey, TaskKey
from nbflow.model.state import RunState, TaskState
from nbflow.model.task import SensorMode, TaskKind, TaskSpec
from nbflow.model.work import Result
from nbflow.plan.slots import Slots

if TYPE_CHECKING:
    from random import Random

MINUTE = timedelta(minutes=1)


def spec(task_id: str = "a", **more: object) -> TaskSpec:
    return TaskSpec(task_id=task_id, **more)  # type: ignore[arg-type]


def specs(*found: TaskSpec) -> dict[str, TaskSpec]:
    return {one.task_id: one for one in found}


# Order and limits


def test_without_a_word_sixteen_runs_and_sixteen_tasks_of_a_dag_run_at_once() -> None:
    silent, the_plan = DagSpec(dag_id="d"), plan(alone="a")
    assert (silent.max_active_runs, silent.max_active_tasks) == (16, 16)
    assert (the_plan.max_active_runs, the_plan.max_active_tasks) == (16, 16)
    w = world(parallelism=99)
    for day in range(20):
        w.open(plan(alone="a b"), day=day)
    assert len(w.launched) == 16
    assert list(w.runs.values()).count(RunState.RUNNING) == 16


def test_max_active_tasks_counts_over_all_runs_of_the_dag() -> None:
    w = world(parallelism=99)
    for day in range(3):
        w.open(plan(alone="a b", max_active_tasks=3), day=day)
    assert len(w.launched) == 3


@dataclass(frozen=True)
class Ready:
    """A task instance that waits for a slot; tasks of one place in the notebook are one task."""

    weight: int
    day: int
    place: int
    index: int


@given(
    st.sets(st.builds(Ready, st.integers(1, 2), st.integers(0, 2), st.integers(0, 1), st.integers(0, 2))),
    st.randoms(),
)
def test_ready_tasks_start_by_weight_then_logical_date_then_place_and_map_index(
    ready: set[Ready], chance: Random
) -> None:
    in_order = sorted(ready, key=lambda one: (-one.weight, one.day, one.place, one.index))
    slots = Slots(parallelism=len(ready))
    keys = {
        TaskKey(RunKey("d", str(one.day)), f"t{one.weight}{one.place}", one.index): one for one in in_order
    }
    for key in chance.sample([*keys], len(keys)):
        one, date = keys[key], START + timedelta(days=keys[key].day)
        slots.add(key, spec(key.task_id), weight=one.weight, logical_date=date, place=one.place)
    assert [keys[key] for key in slots.take(lambda _: True)] == in_order


def test_a_weight_counts_each_descendant_once() -> None:
    assert plan("a>b a>c b>d c>d").weights == {"a": 4, "b": 2, "c": 2, "d": 1}


# Clear, mark


def test_what_runs_below_a_cleared_task_is_stopped_and_waits_for_it() -> None:
    w = world()
    run = w.open(plan("a>b"))
    w.end("a")
    tasks = {keyed(run, "a"): "cleared", keyed(run, "b"): "it is under way"}
    w.tell(Cleared(at=w.at, run=run, tasks=tasks))
    assert w.states[keyed(run, "b")] is TaskState.RESTARTING
    assert w.halted == {keyed(run, "b")}
    assert (keyed(run, "a"), 2) in w.launched
    w.end("b", Result.STOPPED)
    assert w.waiting == ["a"]
    w.end("a")
    assert w.launched == [(keyed(run, "b"), 2)]


@pytest.mark.parametrize("state", [RunState.SUCCESS, RunState.FAILED])
def test_a_finished_run_in_which_something_is_cleared_goes_back_to_queued_first(state: RunState) -> None:
    w = world()
    w.tell(PauseSet(at=START, dag_id="dag", paused=True))
    done = {"a": Instance(state=TaskState.SUCCESS, try_number=1)}
    run = w.open(plan(alone="a"), instances=done, state=state, again={"a": "cleared"})
    assert w.runs[run] is RunState.QUEUED
    w.tell(PauseSet(at=START, dag_id="dag", paused=False))
    assert w.launched == [(keyed(run, "a"), 2)]


@pytest.mark.parametrize(("retries", "tries"), [(0, 1), (0, 4), (2, 1), (2, 3), (5, 0)])
def test_cleared_it_has_the_tries_so_far_and_one_with_all_its_retries(retries: int, tries: int) -> None:
    w = world()
    stood = {"a": Instance(state=TaskState.FAILED, try_number=tries, max_tries=tries)}
    the_plan = plan(specs=specs(spec(retries=retries, retry_delay=timedelta())))
    run = w.open(the_plan, instances=stood, state=RunState.FAILED, again={"a": "cleared"})
    made = 0
    while w.launched:
        made += 1
        w.end("a", Result.FAILED)
        w.tell(ClockTicked(at=w.at))
    assert made == 1 + retries
    assert w.tries[keyed(run, "a")] == tries + made


@dataclass(frozen=True)
class Mark:
    name: str
    mark: TaskState
    picture: str  # of a ─▶ b ─▶ c, x ─▶ y; what had failed below the marked task is decided anew


MARKS = [
    Mark("success lets run what had not", TaskState.SUCCESS, "a=success b=queued c=none x=failed y=upstream_failed"),
    Mark("failed stops it again", TaskState.FAILED, "a=failed b=upstream_failed c=upstream_failed x=failed y=upstream_failed"),
]  # fmt: skip


@pytest.mark.parametrize("case", MARKS, ids=lambda case: case.name)
@pytest.mark.parametrize(
    "was", [{"a": Result.FAILED}, {"b": Result.FAILED}], ids=["it failed", "one below failed"]
)
def test_what_had_failed_below_a_marked_task_is_cleared(case: Mark, was: dict[str, Result]) -> None:
    w = world()
    run = w.open(plan("a>b b>c x>y", alone="long"))
    w.end("x", Result.FAILED)
    for task in ("a", "b"):
        if task in w.waiting:
            w.end(task, was.get(task, Result.SUCCESS))
    w.tell(Marked(at=w.at, run=run, tasks={keyed(run, "a"): case.mark}, reason=f"marked {case.mark}"))
    assert w.picture(run).replace(" long=queued", "") == case.picture


# pause


def test_while_a_dag_is_paused_no_run_starts_no_retry_and_no_reschedule_but_a_poke_goes_on() -> None:
    w = world()
    poke = spec("poke", kind=TaskKind.SENSOR)
    look = spec("look", kind=TaskKind.SENSOR, mode=SensorMode.RESCHEDULE)
    w.open(plan(specs=specs(poke, look, spec("again", retries=1, retry_delay=MINUTE))))
    w.tell(PauseSet(at=w.at, dag_id="dag", paused=True))
    later = w.open(plan(alone="a"), day=1)
    w.end("poke", Result.WAITING)
    w.end("look", Result.WAITING)
    w.end("again", Result.FAILED)
    w.pass_time(minutes=2)
    assert w.waiting == ["poke"], "what runs finishes"
    assert w.runs[later] is RunState.QUEUED
    w.tell(PauseSet(at=w.at, dag_id="dag", paused=False))
    assert sorted(w.waiting) == ["a", "again", "look", "poke"]
