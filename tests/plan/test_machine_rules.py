"""The state machine: every row of semantics.md that is about tasks and runs, by example."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from plan.world import START, World, keyed, plan, world

from nbflow.model.instance import Instance, Prior
from nbflow.model.messages import (
    Cleared,
    ClockTicked,
    Marked,
    PauseSet,
    PoolsSet,
    RunMarked,
    StopAsked,
    VersionPublished,
)
from nbflow.model.run import RunKey, RunType
from nbflow.model.state import RunState, TaskState
from nbflow.model.task import (
    MapOver,
    SensorMode,
    TaskKind,
    TaskSpec,
    TriggerRule,
    WeightRule,
)
from nbflow.model.work import Result
from nbflow.plan.slots import weights

if TYPE_CHECKING:
    from nbflow.model.plan import Plan

MINUTE = timedelta(minutes=1)


def spec(task_id: str, **more: object) -> TaskSpec:
    return TaskSpec(task_id=task_id, **more)  # type: ignore[arg-type]


def specs(*found: TaskSpec) -> dict[str, TaskSpec]:
    return {one.task_id: one for one in found}


def past(text: str, *, wait_for_downstream: bool = False) -> Plan:
    """A plan whose tasks all look at the previous run."""
    made = plan(text)
    tasks = {
        name: replace(one, depends_on_past=True, wait_for_downstream=wait_for_downstream)
        for name, one in made.tasks.items()
    }
    return replace(made, tasks=tasks)


class TestSensors:
    sensor = spec("s", kind=TaskKind.SENSOR, timeout=3 * MINUTE)

    def test_poke_holds_its_slot_between_looks(self) -> None:
        w = world(parallelism=1)
        run = w.open(plan("s>x", alone="y", specs=specs(self.sensor)))
        w.end("s", Result.WAITING)
        assert w.states[keyed(run, "s")] is TaskState.RUNNING
        assert w.waiting == []
        w.pass_time(seconds=59)
        assert w.waiting == []
        w.pass_time(seconds=1)
        assert w.launched == [(keyed(run, "s"), 1)]
        w.end("s")
        w.finish_all()
        assert w.picture(run) == "s=success x=success y=success"

    def test_reschedule_frees_it_and_the_try_stays(self) -> None:
        w = world(parallelism=1)
        run = w.open(plan("s>x", alone="y", specs=specs(replace(self.sensor, mode=SensorMode.RESCHEDULE))))
        w.end("s", Result.WAITING)
        assert w.states[keyed(run, "s")] is TaskState.UP_FOR_RESCHEDULE
        assert w.waiting == ["y"]
        w.end("y")
        w.pass_time(minutes=1)
        assert w.launched == [(keyed(run, "s"), 1)]

    @pytest.mark.parametrize("mode", SensorMode)
    def test_the_timeout_is_checked_after_a_false_look_and_counts_from_the_first(
        self, mode: SensorMode
    ) -> None:
        w = world()
        run = w.open(plan("s>x", specs=specs(replace(self.sensor, mode=mode, retries=5))))
        for _ in range(3):
            w.end("s", Result.WAITING)
            w.pass_time(minutes=1)
        assert w.waiting == ["s"]
        w.at += timedelta(seconds=1)
        w.end("s", Result.WAITING)
        assert w.picture(run) == "s=failed x=upstream_failed"  # and no retry
        assert any("timeout of 0:03:00 has passed; it looked 4 times" in reason for reason in w.reasons)

    def test_a_retry_does_not_reset_the_timeout(self) -> None:
        w = world()
        run = w.open(plan(specs=specs(replace(self.sensor, retries=1, retry_delay=2 * MINUTE))))
        w.end("s", Result.FAILED)
        w.pass_time(minutes=4)
        w.end("s", Result.WAITING)
        assert w.picture(run) == "s=failed"

    def test_soft_fail_turns_giving_up_into_skipped(self) -> None:
        w = world()
        run = w.open(plan("s>x", specs=specs(replace(self.sensor, soft_fail=True))))
        w.end("s", Result.WAITING)
        w.pass_time(minutes=4)
        w.end("s", Result.WAITING)
        assert w.picture(run) == "s=skipped x=skipped"
        assert w.runs[run] is RunState.SUCCESS

    def test_with_backoff_the_interval_doubles_up_to_max_wait(self) -> None:
        w = world()
        backoff = replace(
            self.sensor, exponential_backoff=True, max_wait=3 * MINUTE, timeout=timedelta(days=1)
        )
        w.open(plan(specs=specs(backoff)))
        waits = []
        for _ in range(4):
            w.end("s", Result.WAITING)
            due = w.machine.next_wake
            assert due is not None
            waits.append(due - w.at)
            w.at = due
            w.tell(ClockTicked(at=due))
        assert waits == [MINUTE, 2 * MINUTE, 3 * MINUTE, 3 * MINUTE]

    def test_a_stop_between_two_looks_leaves_it_to_go_on_in_the_same_try(self) -> None:
        w = world()
        run = w.open(plan(specs=specs(self.sensor)))
        w.end("s", Result.WAITING)
        w.tell(StopAsked(at=w.at, reason="stopped by Ctrl-C"))
        assert w.machine.idle
        assert w.picture(run) == "s=none"
        again = world()
        instance = Instance(try_number=1, looks=1, first_look=START)
        run = again.open(plan(specs=specs(self.sensor)), instances={"s": instance})
        assert again.launched == [(keyed(run, "s"), 1)]

    def test_a_task_that_waits_for_another_run_frees_its_slot(self) -> None:
        w = world(parallelism=1)
        run = w.open(plan(alone="a b"))
        w.end("a", Result.WAITING, again_after=timedelta(seconds=5))
        assert w.waiting == ["b"]
        w.end("b")
        w.pass_time(seconds=5)
        assert w.launched == [(keyed(run, "a"), 1)]
        w.end("a", Result.FAILED)
        assert w.picture(run) == "a=failed b=success"


class TestBranches:
    branch = spec("c", kind=TaskKind.BRANCH)
    join = spec("j", trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS)
    diamond = plan("c>f c>s f>j s>j", specs=specs(branch, join))

    @pytest.mark.parametrize(
        ("follow", "picture"),
        [
            (("f",), "c=success f=success j=success s=skipped"),
            (("f", "s"), "c=success f=success j=success s=success"),
            ((), "c=success f=skipped j=skipped s=skipped"),
        ],
    )
    def test_what_is_not_chosen_is_skipped_and_the_join_runs(
        self, follow: tuple[str, ...], picture: str
    ) -> None:
        w = world()
        run = w.open(self.diamond)
        w.end("c", follow=follow)
        w.finish_all()
        assert w.picture(run) == picture
        assert w.runs[run] is RunState.SUCCESS

    def test_a_task_below_the_branch_and_below_the_chosen_arm_is_not_skipped(self) -> None:
        w = world()
        run = w.open(plan("c>f c>j f>j", specs=specs(self.branch)))
        w.end("c", follow=("f",))
        w.finish_all()
        assert w.picture(run) == "c=success f=success j=success"

    def test_nested_branches(self) -> None:
        inner = spec("d", kind=TaskKind.BRANCH)
        w = world()
        run = w.open(plan("c>d c>x d>y d>z", specs=specs(self.branch, inner)))
        w.end("c", follow=("d",))
        w.end("d", follow=("z",))
        w.finish_all()
        assert w.picture(run) == "c=success d=success x=skipped y=skipped z=success"

    def test_a_skipped_arm_stays_skipped_when_cleared_until_the_branch_runs_again(self) -> None:
        w = world()
        instances = {
            "c": Instance(state=TaskState.SUCCESS, try_number=1, follow=("f",)),
            "f": Instance(state=TaskState.SUCCESS, try_number=1),
            "s": Instance(state=TaskState.SKIPPED),
            "j": Instance(state=TaskState.SUCCESS, try_number=1),
        }
        run = w.open(self.diamond, instances=instances, state=RunState.SUCCESS, again={"s": "cleared"})
        assert w.waiting == []
        assert w.picture(run) == "c=success f=success j=success s=skipped"
        run = w.open(
            self.diamond,
            day=1,
            instances=instances,
            state=RunState.SUCCESS,
            again=dict.fromkeys("cfsj", "cleared"),
        )
        w.end("c", follow=("s",))
        w.finish_all()
        assert "f=skipped" in w.picture(run)
        assert "s=success" in w.picture(run)

    def test_a_false_short_circuit_skips_all_that_stands_on_it_at_once(self) -> None:
        gate = spec("g", kind=TaskKind.SHORT_CIRCUIT)
        late = spec("l", trigger_rule=TriggerRule.ALL_DONE)
        w = world()
        run = w.open(plan("g>a a>l x>l", specs=specs(gate, late)))
        w.end("g", follow=())
        assert w.picture(run) == "a=skipped g=success l=skipped x=queued"

    def test_with_respect_trigger_rules_it_skips_only_the_tasks_directly_below(self) -> None:
        gate = spec("g", kind=TaskKind.SHORT_CIRCUIT, respect_trigger_rules=True)
        late = spec("l", trigger_rule=TriggerRule.ALL_DONE)
        w = world()
        run = w.open(plan("g>a a>l", specs=specs(gate, late)))
        w.end("g", follow=())
        w.finish_all()
        assert w.picture(run) == "a=skipped g=success l=success"

    def test_a_true_short_circuit_changes_nothing(self) -> None:
        w = world()
        run = w.open(plan("g>a", specs=specs(spec("g", kind=TaskKind.SHORT_CIRCUIT))))
        w.end("g", follow=("a",))
        w.finish_all()
        assert w.picture(run) == "a=success g=success"


class TestSetupAndTeardown:
    up = spec("up", kind=TaskKind.SETUP)
    down = spec("down", kind=TaskKind.TEARDOWN, setups=("up",))
    house = plan("up>work work>down up>down", specs=specs(up, down))

    def test_a_teardown_runs_whatever_happened_and_does_not_decide_the_run(self) -> None:
        w = world()
        run = w.open(self.house)
        w.end("up")
        w.end("work", Result.FAILED)
        assert w.waiting == ["down"]
        w.end("down")
        assert w.picture(run) == "down=success up=success work=failed"
        assert w.runs[run] is RunState.FAILED

    def test_its_own_failure_counts_only_where_it_says_so(self) -> None:
        for says_so in (False, True):
            down = replace(self.down, on_failure_fail_dagrun=says_so)
            w = world()
            run = w.open(plan("up>work work>down up>down", specs=specs(self.up, down)))
            w.end("up")
            w.end("work")
            w.end("down", Result.FAILED)
            assert w.runs[run] is (RunState.FAILED if says_so else RunState.SUCCESS)

    @pytest.mark.parametrize(
        ("result", "state"), [(Result.FAILED, "upstream_failed"), (Result.SKIPPED, "skipped")]
    )
    def test_it_does_not_run_where_its_setup_did_not_succeed(self, result: Result, state: str) -> None:
        w = world()
        run = w.open(self.house)
        w.end("up", result)
        assert f"down={state}" in w.picture(run)

    def test_a_short_circuit_and_fail_fast_leave_it_to_run(self) -> None:
        gate = spec("work", kind=TaskKind.SHORT_CIRCUIT)
        w = world()
        run = w.open(plan("up>work work>x x>down up>down", specs=specs(self.up, self.down, gate)))
        w.end("up")
        w.end("work", follow=())
        assert w.waiting == ["down"]
        w = world()
        run = w.open(replace(self.house, fail_fast=True))
        w.end("up")
        w.end("work", Result.FAILED)
        w.end("down")
        assert w.picture(run) == "down=success up=success work=failed"
        assert w.runs[run] is RunState.FAILED


class TestMapping:
    each = spec("m", map=(MapOver(names=("p",), expression="grid"),))

    def test_it_gets_an_instance_for_each_item_and_succeeds_when_they_have(self) -> None:
        w = world()
        run = w.open(plan("m>x", specs=specs(self.each)))
        w.end("m", items=("p=1", "p=2"))
        assert w.waiting == ["m[0]", "m[1]"]
        w.end("m[1]")
        assert w.states[keyed(run, "m")] is TaskState.RUNNING
        w.end("m[0]")
        assert w.waiting == ["x"]
        w.finish_all()
        assert w.picture(run) == "m=success x=success m[0]=success m[1]=success"
        assert w.runs[run] is RunState.SUCCESS

    def test_no_items_means_skipped(self) -> None:
        w = world()
        run = w.open(plan("m>x", specs=specs(self.each)))
        w.end("m", items=())
        assert w.picture(run) == "m=skipped x=skipped"

    def test_one_failed_instance_fails_it_and_says_which(self) -> None:
        w = world()
        run = w.open(plan("m>x", specs=specs(self.each)))
        w.end("m", items=("p=1", "p=2", "p=3"))
        w.end("m[1]", Result.FAILED)
        w.finish_all()
        assert w.states[keyed(run, "m")] is TaskState.FAILED
        assert w.states[keyed(run, "x")] is TaskState.UPSTREAM_FAILED
        assert any("1 of 3 instances failed: [1] p=2" in reason for reason in w.reasons)

    def test_rules_below_count_its_instances_one_by_one(self) -> None:
        early = spec("x", trigger_rule=TriggerRule.ONE_SUCCESS)
        w = world()
        w.open(plan("m>x", specs=specs(self.each, early)))
        w.end("m", items=("1", "2"))
        w.end("m[0]")
        assert w.waiting == ["m[1]", "x"]

    @pytest.mark.parametrize("known", [True, False], ids=["items known", "items to be found anew"])
    def test_instances_that_a_dead_process_left_under_way_run_again(self, known: bool) -> None:
        w = world()
        instances = {
            "m": Instance(state=TaskState.RUNNING, try_number=1, max_tries=1, items=3 if known else None),
            "m[0]": Instance(state=TaskState.SUCCESS, try_number=1, max_tries=1),
            "m[1]": Instance(state=TaskState.RUNNING, try_number=1, max_tries=1),
            "m[2]": Instance(state=TaskState.SCHEDULED, max_tries=1),
        }
        run = w.open(plan(specs=specs(self.each)), instances=instances, state=RunState.RUNNING)
        if not known:
            w.end("m", items=("1", "2", "3"))
        assert w.waiting == ["m[1]", "m[2]"]
        w.finish_all()
        assert w.runs[run] is RunState.SUCCESS
        assert keyed(run, "m[0]") not in w.tries

    def test_all_its_instances_run_again_with_it(self) -> None:
        w = world()
        done = Instance(state=TaskState.SUCCESS, try_number=1, max_tries=1)
        run = w.open(
            plan(specs=specs(self.each)),
            instances={"m": done.changed(items=2), "m[0]": done, "m[1]": done},
            state=RunState.SUCCESS,
            again={"m": "its code has changed"},
        )
        w.end("m", items=("1", "2"))
        assert w.launched == [(keyed(run, "m[0]"), 2), (keyed(run, "m[1]"), 2)]
        w.finish_all()
        assert w.runs[run] is RunState.SUCCESS

    def test_each_instance_has_its_own_retries(self) -> None:
        w = world()
        run = w.open(plan(specs=specs(replace(self.each, retries=1, retry_delay=timedelta()))))
        w.end("m", items=("1", "2"))
        w.end("m[0]", Result.FAILED)
        w.pass_time(seconds=1)
        assert (keyed(run, "m[0]"), 2) in w.launched
        w.finish_all()
        assert w.runs[run] is RunState.SUCCESS

    def test_max_active_tis_limits_how_many_run_at_once(self) -> None:
        w = world(parallelism=8)
        w.open(plan(alone="z", specs=specs(replace(self.each, max_active_tis=2))))
        w.end("m", items=tuple("abcdef"))
        assert w.waiting == ["z", "m[0]", "m[1]"]
        w.end("m[1]")
        assert w.waiting == ["z", "m[0]", "m[2]"]

    def test_clearing_one_instance_runs_that_one_again(self) -> None:
        w = world()
        run = w.open(plan("m>x", alone="long", specs=specs(self.each)))
        w.end("m", items=("1", "2"))
        w.end("m[0]")
        w.end("m[1]", Result.FAILED)
        w.tell(Cleared(at=w.at, run=run, tasks={keyed(run, "m[1]"): "cleared", keyed(run, "x"): "cleared"}))
        assert w.waiting == ["long", "m[1]"]
        assert w.launched[1][1] == 2
        w.finish_all()
        assert w.runs[run] is RunState.SUCCESS

    def test_clearing_all_of_it_finds_the_items_anew_and_removes_what_is_gone(self) -> None:
        w = world()
        run = w.open(plan("m>x", alone="long", specs=specs(self.each)))
        w.end("m", items=("1", "2", "3"))
        w.end("m[0]")
        w.tell(Cleared(at=w.at, run=run, tasks={keyed(run, "m"): "cleared"}))
        assert keyed(run, "m[1]") in w.halted
        assert "m" in w.waiting
        w.end("m", items=("1", "2"))
        w.end("m[1]", Result.STOPPED)
        w.end("m[2]", Result.STOPPED)
        w.finish_all()
        assert w.picture(run).endswith("m[0]=success m[1]=success m[2]=removed")
        assert w.runs[run] is RunState.SUCCESS

    def test_a_run_goes_on_with_the_instances_that_were_left(self) -> None:
        instances = {
            "m": Instance(state=TaskState.RUNNING, try_number=1, items=3),
            "m[0]": Instance(state=TaskState.SUCCESS, try_number=1),
            "m[1]": Instance(state=TaskState.RUNNING, try_number=1),
            "m[2]": Instance(),
        }
        w = world()
        run = w.open(plan("m>x", specs=specs(self.each)), instances=instances, state=RunState.RUNNING)
        assert w.waiting == ["m[1]", "m[2]"]
        w.finish_all()
        assert w.runs[run] is RunState.SUCCESS

    def test_a_finished_run_goes_on_with_the_instance_that_failed(self) -> None:
        instances = {
            "m": Instance(state=TaskState.FAILED, try_number=1, items=2),
            "m[0]": Instance(state=TaskState.SUCCESS, try_number=1),
            "m[1]": Instance(state=TaskState.FAILED, try_number=1),
            "x": Instance(state=TaskState.UPSTREAM_FAILED),
        }
        w = world()
        again = {"m[1]": "it failed before", "x": "m runs again"}
        the_plan = plan("m>x", specs=specs(self.each))
        run = w.open(the_plan, instances=instances, state=RunState.FAILED, again=again)
        assert w.launched == [(keyed(run, "m[1]"), 2)]
        w.finish_all()
        assert w.runs[run] is RunState.SUCCESS


def open_days(w: World, the_plan: Plan, *days: int, **more: object) -> list[RunKey]:
    return [w.open(the_plan, day=day, run_type=RunType.BACKFILL, **more) for day in days]


class TestThePast:
    def test_a_task_waits_for_itself_in_the_previous_run(self) -> None:
        w = world()
        first, second = open_days(w, past("a>b"), 0, 1)
        assert w.launched == [(keyed(first, "a"), 1)]
        w.end("a")
        assert sorted(w.waiting) == ["a", "b"]
        w.finish_all()
        assert w.picture(second) == "a=success b=success"

    def test_a_run_that_it_holds_gives_its_place_and_says_what_it_waits_for(self) -> None:
        w = world()
        first, second = open_days(w, replace(past("a>b"), max_active_runs=1), 0, 1)
        w.end("a", Result.FAILED)
        assert w.runs[first] is RunState.FAILED
        assert w.runs[second] is RunState.QUEUED
        assert w.machine.waiting()[second] == (
            "waits for `a` of the previous run day 000, which is failed (depends_on_past)"
        )
        assert w.machine.idle

    def test_it_goes_on_once_the_earlier_run_was_put_right(self) -> None:
        w = world()
        the_plan = past("a>b")
        first, second = open_days(w, the_plan, 0, 1)
        w.end("a", Result.FAILED)
        states = {"a": TaskState.FAILED, "b": TaskState.UPSTREAM_FAILED}
        instances = {name: Instance(state=state, try_number=1) for name, state in states.items()}
        again = dict.fromkeys("ab", "cleared")
        open_days(w, the_plan, 0, instances=instances, state=RunState.FAILED, again=again)
        w.finish_all()
        assert [w.runs[run] for run in (first, second)] == [RunState.SUCCESS, RunState.SUCCESS]

    def test_wait_for_downstream_waits_for_the_tasks_below_it_there_too(self) -> None:
        w = world()
        _, second = open_days(w, past("a>b", wait_for_downstream=True), 0, 1)
        w.end("a")
        assert w.waiting == ["b"]
        w.end("b")
        assert w.launched == [(keyed(second, "a"), 1)]

    @pytest.mark.parametrize(
        ("states", "runs"),
        [
            ({"a": TaskState.SUCCESS}, True),
            ({"a": TaskState.SKIPPED}, True),
            ({}, True),  # new to the DAG
            ({"a": TaskState.FAILED}, False),
            ({"a": TaskState.NONE}, False),
        ],
    )
    def test_a_previous_run_that_has_ended_is_looked_at_too(
        self, states: dict[str, TaskState], *, runs: bool
    ) -> None:
        w = world()
        prior = Prior(run=RunKey("dag", "before"), logical_date=START - timedelta(days=1), states=states)
        open_days(w, past("a>b"), 0, prior=prior)
        assert w.waiting == (["a"] if runs else [])

    def test_manual_runs_have_no_past_and_are_none(self) -> None:
        w = world()
        the_plan = past("a>b")
        w.open(the_plan, day=0)
        open_days(w, the_plan, 1)
        w.open(the_plan, day=2)
        assert w.waiting == ["a", "a", "a"]

    def test_a_run_put_in_between_becomes_the_previous_one(self) -> None:
        w = world()
        the_plan = past("a>b")
        _, third = open_days(w, the_plan, 0, 2)
        (second,) = open_days(w, the_plan, 1)
        w.end(keyed(RunKey("dag", "day 000"), "a"))
        assert (keyed(second, "a"), 1) in w.launched
        assert (keyed(third, "a"), 1) not in w.launched

    def test_latest_only_skips_in_all_but_the_latest_run(self) -> None:
        w = world()
        the_plan = plan("l>x", alone="y", specs=specs(spec("l", latest_only=True)))
        old = w.open(the_plan, superseded=START)
        new = w.open(the_plan, day=1, superseded=START + timedelta(days=2))
        w.finish_all()
        assert w.picture(old) == "l=skipped x=skipped y=success"
        assert w.picture(new) == "l=success x=success y=success"


class TestLimits:
    def test_a_pool_is_never_exceeded_and_smaller_tasks_pass_by(self) -> None:
        w = world()
        w.pools = {"db": 3}
        w.tell(PoolsSet(at=START, pools=w.pools))
        big = spec("big", pool="db", pool_slots=2, priority_weight=5)
        huge = spec("huge", pool="db", pool_slots=3, priority_weight=4)
        w.open(plan(specs=specs(big, huge, spec("small", pool="db"))))
        assert w.waiting == ["big", "small"]
        w.end("small")
        assert w.waiting == ["big"]
        w.end("big")
        assert w.waiting == ["huge"]

    @pytest.mark.parametrize(
        ("pool", "reason"),
        [("db", "it takes 4 slots and the pool `db` has 3"), ("dv", "there is no pool `dv`")],
    )
    def test_a_task_that_can_never_start_fails_at_once_and_says_why(self, pool: str, reason: str) -> None:
        w = world()
        w.tell(PoolsSet(at=START, pools={"db": 3}))
        run = w.open(plan("a>b", specs=specs(spec("a", pool=pool, pool_slots=4))))
        assert w.picture(run) == "a=failed b=upstream_failed"
        assert any(reason in said for said in w.reasons)

    def test_a_larger_pool_lets_waiting_tasks_in(self) -> None:
        w = world()
        w.pools = {"db": 1}
        w.tell(PoolsSet(at=START, pools=w.pools))
        w.open(plan(specs=specs(*(spec(name, pool="db") for name in "abc"))))
        assert w.waiting == ["a"]
        w.pools = {"db": 2}
        w.tell(PoolsSet(at=START, pools=w.pools))
        assert w.waiting == ["a", "b"]

    def test_a_paused_dag_queues_nothing_and_what_runs_finishes(self) -> None:
        w = world()
        run = w.open(plan("a>b"))
        w.tell(PauseSet(at=START, dag_id="dag", paused=True))
        w.end("a")
        assert w.waiting == []
        assert w.machine.idle
        assert w.machine.waiting() == {run: "dag is paused"}
        w.tell(PauseSet(at=START, dag_id="dag", paused=False))
        assert w.waiting == ["b"]
        w.finish_all()
        assert w.runs[run] is RunState.SUCCESS

    @pytest.mark.parametrize(
        ("rule", "expected"),
        [
            (WeightRule.DOWNSTREAM, {"a": 6, "b": 5, "c": 3}),
            (WeightRule.UPSTREAM, {"a": 1, "b": 3, "c": 6}),
            (WeightRule.ABSOLUTE, {"a": 1, "b": 2, "c": 3}),
        ],
    )
    def test_weight_rules(self, rule: WeightRule, expected: dict[str, int]) -> None:
        tasks = specs(
            *(spec(n, priority_weight=w, weight_rule=rule) for n, w in zip("abc", (1, 2, 3), strict=True))
        )
        assert weights(tasks, plan("a>b b>c").graph) == expected

    def test_fail_fast_stops_what_runs_and_skips_the_rest(self) -> None:
        w = world()
        run = w.open(replace(plan("a>b", alone="c"), fail_fast=True))
        w.end("a", Result.FAILED)
        assert w.halted == {keyed(run, "c")}
        w.end("c", Result.STOPPED)
        assert w.picture(run) == "a=failed b=skipped c=skipped"
        assert w.runs[run] is RunState.FAILED

    def test_after_so_many_failed_runs_in_a_row_the_dag_is_paused_and_says_so(self) -> None:
        w = world()
        the_plan = replace(plan(alone="a"), max_consecutive_failed_runs=2, max_active_runs=1)
        runs = [w.open(the_plan, day=day, failed_before=0) for day in range(5)]
        for result in (Result.FAILED, Result.SUCCESS, Result.FAILED, Result.FAILED):
            w.end("a", result)
        assert "its last 2 runs failed" in w.paused["dag"]
        assert w.waiting == []
        assert w.machine.idle
        assert w.runs[runs[4]] is RunState.QUEUED

    def test_a_missed_deadline_is_told_once_and_a_kept_one_never(self) -> None:
        w = world()
        the_plan = replace(plan(alone="a"), deadline=MINUTE)
        late = w.open(the_plan)
        w.pass_time(minutes=2)
        w.pass_time(minutes=2)
        w.end("a")
        w.open(the_plan, day=1)
        w.end("a")
        w.pass_time(minutes=2)
        assert w.missed == [late]


class TestPeople:
    def test_a_running_task_that_is_cleared_is_stopped_and_runs_again(self) -> None:
        w = world()
        run = w.open(plan("a>b"))
        w.tell(Cleared(at=START, run=run, tasks={keyed(run, "a"): "cleared"}))
        assert w.states[keyed(run, "a")] is TaskState.RESTARTING
        assert w.halted == {keyed(run, "a")}
        w.end("a", Result.STOPPED)
        assert w.launched == [(keyed(run, "a"), 2)]
        w.finish_all()
        assert w.runs[run] is RunState.SUCCESS

    def test_a_cleared_task_of_a_finished_run_has_all_its_retries_again(self) -> None:
        w = world()
        a = spec("a", retries=2)
        instances = {"a": Instance(state=TaskState.FAILED, try_number=3, max_tries=3, losses=2)}
        run = w.open(plan(specs=specs(a)), instances=instances, state=RunState.FAILED, again={"a": "cleared"})
        assert w.machine.instance(keyed(run, "a")).max_tries == 6
        assert w.launched == [(keyed(run, "a"), 4)]

    def test_marking_a_failed_task_successful_lets_what_it_stopped_run(self) -> None:
        w = world()
        run = w.open(plan("a>b b>c", alone="x"))
        w.end("a", Result.FAILED)
        w.tell(Marked(at=START, run=run, tasks={keyed(run, "a"): TaskState.SUCCESS}, reason="marked success"))
        assert w.waiting == ["x", "b"]
        w.finish_all()
        assert w.picture(run) == "a=success b=success c=success x=success"

    @pytest.mark.parametrize("named", ["m[1]", "m"], ids=["the instance that failed", "the whole of it"])
    def test_marking_instances_of_a_mapped_task_decides_it_anew(self, named: str) -> None:
        w = world()
        failed = Instance(state=TaskState.FAILED, try_number=1, max_tries=1)
        done = failed.in_state(TaskState.SUCCESS)
        run = w.open(
            plan("m>x", specs=specs(TestMapping.each), alone="y"),
            instances={
                "m": failed.changed(items=2),
                "m[0]": done,
                "m[1]": failed,
                "x": Instance(state=TaskState.UPSTREAM_FAILED),
                "y": Instance(),
            },
            state=RunState.FAILED,
        )
        marks = {keyed(run, named): TaskState.SUCCESS}
        w.tell(Marked(at=START, run=run, tasks=marks, reason="marked success"))
        assert w.waiting == ["y", "x"]
        w.finish_all()
        assert w.picture(run) == "m=success x=success y=success m[0]=success m[1]=success"
        assert w.runs[run] is RunState.SUCCESS

    def test_marking_a_running_task_stops_it_first(self) -> None:
        w = world()
        run = w.open(plan("a>b"))
        w.tell(Marked(at=START, run=run, tasks={keyed(run, "a"): TaskState.SUCCESS}, reason="marked success"))
        assert w.halted == {keyed(run, "a")}
        w.end("a", Result.STOPPED)
        assert w.waiting == ["b"]

    @pytest.mark.parametrize("state", [RunState.SUCCESS, RunState.FAILED])
    def test_a_whole_run_can_be_marked(self, state: RunState) -> None:
        w = world()
        run = w.open(plan("a>b b>c"))
        w.end("a")
        w.tell(RunMarked(at=START, run=run, state=state, reason="marked"))
        w.end("b", Result.STOPPED)
        assert w.runs[run] is state
        rest = "b=success c=success" if state is RunState.SUCCESS else "b=failed c=skipped"
        assert w.picture(run) == f"a=success {rest}"

    def test_a_published_version_is_followed_by_runs_of_which_nothing_has_begun(self) -> None:
        w = world()
        old = plan(alone="a", max_active_runs=1)
        first, second = w.open(old), w.open(old, day=1)
        new = plan("a>b", max_active_runs=1)
        w.states[keyed(second, "b")] = TaskState.NONE
        w.tell(VersionPublished(at=START, runs=frozenset(w.runs), plan=new))
        w.plans[second] = new
        w.finish_all()
        assert w.picture(first) == "a=success"
        assert w.picture(second) == "a=success b=success"

    def test_a_task_that_the_notebook_no_longer_has_is_removed_and_may_come_back(self) -> None:
        instances = {
            "a": Instance(state=TaskState.SUCCESS, try_number=1),
            "old": Instance(state=TaskState.FAILED),
        }
        w = world()
        run = w.open(plan(alone="a"), instances=instances, state=RunState.FAILED)
        assert w.picture(run) == "a=success old=removed"
        assert w.runs[run] is RunState.SUCCESS
        w = world()
        instances["old"] = Instance(state=TaskState.REMOVED, try_number=1)
        run = w.open(plan(alone="a old"), instances=instances, state=RunState.FAILED)
        assert w.launched == [(keyed(run, "old"), 2)]

    def test_every_wait_can_be_explained(self) -> None:
        w = world(parallelism=1)
        run = w.open(plan("a>b", alone="c", max_active_tasks=1))
        assert w.machine.why(keyed(run, "b"), START) == "1 of 1 upstream task not finished (all_success)"
        assert "tasks of dag run already" in w.machine.why(keyed(run, "c"), START)
        assert w.machine.why(keyed(run, "a"), START) == ""
