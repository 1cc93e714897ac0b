"""Which queued runs get room: backfills apart from the others, in date order or the latest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plan.world import START, World, plan

from nbflow.model.messages import PauseSet
from nbflow.model.state import RunState
from nbflow.plan.machine import Machine

if TYPE_CHECKING:
    from nbflow.model.run import RunKey


def running(w: World) -> list[str]:
    return [run.run_id for run, state in w.runs.items() if state is RunState.RUNNING]


def world() -> World:
    return World(Machine(parallelism=8), parallelism=8)


def open_days(w: World, days: range, *, most: int, **more: object) -> list[RunKey]:
    the_plan = plan(alone="a", max_active_runs=most)
    return [w.open(the_plan, day, **more) for day in days]


def test_a_backfill_takes_no_room_from_the_schedule() -> None:
    w = world()
    open_days(w, range(5), most=2, backfill=True)
    open_days(w, range(10, 12), most=1)
    assert running(w) == ["day 000", "day 001", "day 010"]


def test_each_lane_goes_on_when_one_of_its_own_ends() -> None:
    w = world()
    backfill = open_days(w, range(3), most=1, backfill=True)
    others = open_days(w, range(10, 12), most=1)
    w.end(next(key for key, _ in w.launched if key.run == backfill[0]))
    assert running(w) == ["day 001", "day 010"]
    w.end(next(key for key, _ in w.launched if key.run == others[0]))
    assert running(w) == ["day 001", "day 011"]


def test_the_latest_comes_first_where_that_is_wanted_behind_those_in_order() -> None:
    w = world()
    open_days(w, range(4), most=1, backfill=True, latest_first=True)
    open_days(w, range(7, 9), most=1, backfill=True)
    order = []
    while w.launched:
        ((key, _),) = w.launched
        order.append(key.run.run_id)
        w.end(key)
    assert order == ["day 000", "day 007", "day 008", "day 003", "day 002", "day 001"]


def test_of_those_that_wait_together_the_latest_is_the_first() -> None:
    w = world()
    w.tell(PauseSet(at=START, dag_id="dag", paused=True))
    open_days(w, range(3), most=1, backfill=True, latest_first=True)
    w.tell(PauseSet(at=START, dag_id="dag", paused=False))
    assert running(w) == ["day 002"]
