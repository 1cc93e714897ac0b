"""The state machine: its invariants, by random DAGs with random outcomes, losses, clears, marks and pauses.

`World` checks after every event that moves are legal, rules allowed them, limits hold and tries only grow.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st
from plan.random_dags import POOLS, plans
from plan.world import START, World, world

from nbflow.model.messages import Cleared, ClockTicked, Marked, PauseSet, PoolsSet, RunMarked
from nbflow.model.run import RunKey, RunType, TaskKey
from nbflow.model.state import RunState, TaskState
from nbflow.model.task import TaskKind
from nbflow.model.work import Result

if TYPE_CHECKING:
    from random import Random

    from nbflow.model.plan import Plan

RESULTS = [Result.SUCCESS] * 5 + [Result.FAILED, Result.FAIL, Result.SKIPPED, Result.TIMED_OUT, Result.LOST]


def a_world(the_plan: Plan, parallelism: int, days: int, chance: Random) -> tuple[World, list[RunKey]]:
    w = world(parallelism)
    w.pools = dict(POOLS)
    w.tell(PoolsSet(at=START, pools=w.pools))
    order = chance.sample(range(days), days)
    kinds = chance.choices(list(RunType), k=days)
    return w, [w.open(the_plan, day=day, run_type=kind) for day, kind in zip(order, kinds, strict=True)]


def end_one(w: World, the_plan: Plan, chance: Random) -> None:
    """Some try ends in a way that its kind of task can; or its process does, and the end is told later."""
    key, try_number = chance.choice(w.launched)
    if key not in w.vacated and chance.random() < 0.3:
        w.leave(key, try_number)
        return
    spec = the_plan.tasks[key.task_id]
    # Once its process has succeeded, all that can go wrong is that its values can't be stored.
    result = chance.choice([Result.SUCCESS, Result.FAIL] if key in w.vacated else RESULTS)
    if key in w.vacated and result is Result.FAIL:
        w.end(key, result)
    elif key in w.halted and chance.random() < 0.8:
        w.end(key, Result.STOPPED)
    elif spec.kind is TaskKind.SENSOR and result is Result.SKIPPED:
        w.end(key, Result.WAITING)
    elif result is not Result.SUCCESS:
        w.end(key, result)
    elif spec.kind in (TaskKind.BRANCH, TaskKind.SHORT_CIRCUIT):
        below = the_plan.graph.downstream(key.task_id)
        chosen = chance.sample(below, chance.randint(0, len(below)))
        w.end(key, follow=tuple(chosen) if spec.kind is TaskKind.BRANCH else chance.choice([below, ()]))
    elif spec.mapped and key.map_index < 0:
        w.end(key, items=tuple(str(index) for index in range(chance.randint(0, 3))))
    else:
        w.end(key)


def pass_some(w: World, chance: Random) -> None:
    w.at = max(w.at, w.machine.next_wake or w.at) + timedelta(seconds=chance.randrange(9))
    w.tell(ClockTicked(at=w.at))


def play(w: World, the_plan: Plan, chance: Random, most: int = 10_000) -> None:
    """Let tries end and time pass until nothing more happens by itself."""
    for _ in range(most):
        if w.machine.idle:
            return
        if w.launched and chance.random() < 0.7:
            end_one(w, the_plan, chance)
        else:
            pass_some(w, chance)


@settings(max_examples=250)
@given(plans(), st.integers(1, 4), st.integers(1, 4), st.randoms(use_true_random=True))
def test_random_dags_with_random_outcomes_keep_every_invariant_and_end(
    the_plan: Plan, parallelism: int, days: int, chance: Random
) -> None:
    w, runs = a_world(the_plan, parallelism, days, chance)
    play(w, the_plan, chance)
    assert w.machine.idle
    held = w.machine.waiting()
    assert not held or the_plan.heeding_past
    for run in runs:
        assert w.runs[run].finished or run in held
    for key, state in w.states.items():
        assert state.finished or key.run in held


def interfere(w: World, the_plan: Plan, runs: list[RunKey], chance: Random) -> None:
    """A person clears, marks, pauses or changes a pool at this moment."""
    run = chance.choice(runs)
    if not w.machine.is_open(run) or w.runs[run].finished:
        return
    keys = [key for key in w.states if key.run == run]
    some = chance.sample(keys, chance.randint(1, len(keys)))
    match chance.randrange(6):
        case 0 | 1:
            w.tell(Cleared(at=w.at, run=run, tasks=dict.fromkeys(some, "cleared")))
        case 2 | 3:
            state = chance.choice([TaskState.SUCCESS, TaskState.FAILED, TaskState.SKIPPED])
            w.tell(Marked(at=w.at, run=run, tasks=dict.fromkeys(some, state), reason=f"marked {state}"))
        case 4:
            w.tell(PauseSet(at=w.at, dag_id="dag", paused=chance.random() < 0.5))
        case _:
            if chance.random() < 0.2:
                state = chance.choice([RunState.SUCCESS, RunState.FAILED])
                w.tell(RunMarked(at=w.at, run=run, state=state, reason="marked"))


@settings(max_examples=400)
@given(plans(), st.integers(1, 4), st.integers(1, 3), st.randoms(use_true_random=True))
def test_people_may_interfere_at_any_moment(
    the_plan: Plan, parallelism: int, days: int, chance: Random
) -> None:
    w, runs = a_world(the_plan, parallelism, days, chance)
    w.interfered = True
    for _ in range(30):
        play(w, the_plan, chance, most=chance.randrange(6))
        interfere(w, the_plan, runs, chance)
    w.tell(PauseSet(at=w.at, dag_id="dag", paused=False))
    play(w, the_plan, chance)
    assert w.machine.idle
    held = w.machine.waiting()
    for key, state in w.states.items():
        assert state.finished or key.run in held or gone(w, key)
    assert w.machine.slots.used == 0


def gone(w: World, key: TaskKey) -> bool:
    """Whether it is an instance that a mapped task had before it was cleared, and that has no item now."""
    return key.map_index >= 0 and TaskKey(key.run, key.task_id) not in w.expanded
