"""Rows of semantics.md that need a store: one run per date, which code, clear, backfill, relative start dates."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from service.conftest import AT, CODE, day
from service.test_choosing import shown, target

from nbflow.errors import ParameterError
from nbflow.model.instance import Instance
from nbflow.model.messages import Move, RunMove
from nbflow.model.run import RunKey, RunType, TaskKey
from nbflow.model.state import RunState, TaskState
from nbflow.plan.selection import Reprocess
from nbflow.service.bodies import cleared, triggered
from nbflow.service.choosing import Choice, chosen_to_clear
from nbflow.service.dates import interval_range, one_interval, read_date
from nbflow.service.open_run import register
from nbflow.service.orders import Orders
from nbflow.service.submit import Standing, submissions
from nbflow.service.workflow import dated, read_workflow
from nbflow.store.home import find_home

if TYPE_CHECKING:
    from service.conftest import Written

    from nbflow.model.flow import Flow
    from nbflow.service.orders import Order
    from nbflow.service.submit import Submission

DAILY = "%%dag n\nschedule = '@daily'"
NEW, CONTINUES, DONE = Standing.NEW, Standing.CONTINUES, Standing.DONE


def asked(written: Written, flow: Flow, **options: object) -> Submission:
    """What a request for the first of January comes to."""
    given = {"run_type": RunType.MANUAL, "params": {}, **options}
    (found,) = submissions(flow, [day(1)], written.state, **given)  # type: ignore[arg-type]
    return found


def told(written: Written, verb: str, body: dict[str, object]) -> Order:
    return Orders(written.state).read(verb, json.loads(json.dumps(body)), is_open=lambda _: False)


# One run per date


@pytest.mark.parametrize("asks", RunType)
@pytest.mark.parametrize("backfill", [False, True], ids=["made by run", "made by backfill"])
def test_whatever_asks_for_a_date_finds_the_run_that_is_there(
    written: Written, asks: RunType, *, backfill: bool
) -> None:
    flow = written.flow(DAILY, *CODE)
    made = written.run(flow, day(1), {"a": "F", "b": "U", "c": "U"}, RunState.FAILED, backfill=backfill)
    found = asked(written, flow, run_type=asks)
    assert (found.key, found.standing) == (made, CONTINUES)
    assert found.run_type is (RunType.BACKFILL if backfill else RunType.MANUAL), "what made it stays"


def test_a_date_typed_a_stretch_and_a_trigger_name_the_same_run(written: Written) -> None:
    flow = written.flow(DAILY, *CODE)
    moment = read_date("2026-01-01", timezone="UTC", now=AT)
    alone = one_interval(flow.dag, moment, now=AT)
    (of_stretch,), _ = interval_range(flow.dag, moment, moment, now=AT)
    body = triggered("n", alone.logical_date, {}, again=True, path=flow.path)
    assert alone == of_stretch == day(1)
    assert told(written, "trigger", body).answer["run_id"] == "2026-01-01T00:00:00Z"
    assert asked(written, flow).standing is CONTINUES


def test_other_parameters_are_an_error_that_offers_a_variant_and_that_stands_beside_it(
    written: Written,
) -> None:
    flow = written.flow(DAILY, "#parameters\nn = 1", *CODE)
    made = written.run(flow, day(1), {"a": "S", "b": "S", "c": "S"}, RunState.SUCCESS, params={"n": 2})
    with pytest.raises(ParameterError, match="--as NAME"):
        asked(written, flow, params={"n": 3})
    beside = asked(written, flow, params={"n": 3}, variant="three")
    assert (beside.key, beside.standing) == (RunKey("n", f"{made.run_id}~three"), NEW)
    assert asked(written, flow).standing is DONE, "nothing given: the run as it is"


# Backfill


@dataclass(frozen=True)
class Reprocessed:
    name: str
    states: dict[str, str] | None
    run_state: RunState
    standing: dict[Reprocess, Standing]


ALL = {"a": "S", "b": "S", "c": "S"}
R = Reprocess
REPROCESSED = [
    Reprocessed("missing", None, RunState.QUEUED, {R.NONE: NEW, R.FAILED: NEW, R.COMPLETED: NEW}),
    Reprocessed("succeeded", ALL, RunState.SUCCESS, {R.NONE: DONE, R.FAILED: DONE, R.COMPLETED: CONTINUES}),
    Reprocessed(
        "failed",
        {**ALL, "b": "F"},
        RunState.FAILED,
        {R.NONE: DONE, R.FAILED: CONTINUES, R.COMPLETED: CONTINUES},
    ),
    Reprocessed(
        "stopped: the same command goes on",
        {**ALL, "b": "."},
        RunState.QUEUED,
        {R.NONE: CONTINUES, R.FAILED: CONTINUES, R.COMPLETED: CONTINUES},
    ),
]


@pytest.mark.parametrize("case", REPROCESSED, ids=lambda case: case.name)
@pytest.mark.parametrize("reprocess", Reprocess)
def test_a_backfill_does_with_a_date_what_reprocess_says(
    written: Written, case: Reprocessed, reprocess: Reprocess
) -> None:
    flow = written.flow(DAILY, *CODE)
    if case.states is not None:
        written.run(flow, day(1), case.states, case.run_state)
    found = asked(written, flow, run_type=RunType.BACKFILL, reprocess=reprocess)
    assert found.standing is case.standing[reprocess]
    if reprocess is Reprocess.COMPLETED and case.run_state is RunState.SUCCESS:
        assert [key.task_id for key in found.again] == ["a", "b", "c"], "all of it"


# Clear


def under_way(written: Written, run: RunKey, task_id: str, state: TaskState) -> None:
    """A task of the run that has begun and not ended."""
    key, instance = TaskKey(run, task_id), Instance(state=state, try_number=1)
    move = Move(at=AT, key=key, old=TaskState.NONE, new=state, reason="said", instance=instance)
    with written.state.writing():
        written.state.record([move])


@pytest.mark.parametrize("state", [TaskState.RUNNING, TaskState.QUEUED, TaskState.UP_FOR_RETRY])
def test_what_is_under_way_below_a_cleared_task_is_cleared_with_it_and_what_has_ended_is_not(
    written: Written, state: TaskState
) -> None:
    flow = written.flow("%%task a\nx = 1", "%%task b\ny = x", "%%task c --after a\n3", "%%task d\ny")
    run = written.run(flow, day(1), {"a": "S", "b": ".", "c": "S", "d": "."}, RunState.RUNNING)
    under_way(written, run, "b", state)
    (chosen,) = found = chosen_to_clear(
        written.state, target(written, flow), Choice(date="latest", tasks=("a",))
    )
    assert shown(found) == {"1": "ab"}
    assert chosen.tasks[TaskKey(run, "b")] == "it is under way, and `a` above it runs again"


def test_a_cleared_try_keeps_its_record_and_a_finished_run_goes_back_to_queued(written: Written) -> None:
    run = written.run(written.flow(*CODE), day(1), ALL, RunState.SUCCESS)
    key = TaskKey(run, "c")
    before = written.state.tries(key)
    told(written, "clear", cleared("n", {key: "named"}, run=False))
    record = written.state.run(run)
    assert record is not None
    assert record.state is RunState.QUEUED
    assert before
    assert written.state.tries(key) == before
    (instance,) = (one for one in written.state.instances(run) if one.key == key)
    assert (instance.state, instance.try_number, instance.max_tries) == (TaskState.NONE, 1, 2)


# Which code


def test_a_try_is_stored_with_its_version_and_the_hash_of_its_code(written: Written) -> None:
    flow = written.flow(*CODE)
    run = written.run(flow, day(1), ALL, RunState.SUCCESS)
    (one,) = written.state.tries(TaskKey(run, "b"))
    assert (one.version, one.code_hash) == (flow.version, flow.code_hashes["b"])


CHANGES = {
    "its own code": ("%%task a\nx = 1", "%%task b\ny = x + 1", "%%task c --after a\n3"),
    "upstream code": ("%%task a\nx = 2", "%%task b\ny = x", "%%task c --after a\n3"),
    "shared code": ("import math", *CODE[:1], "%%task b\ny = x + math.pi", CODE[2]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_run_that_goes_on_repeats_what_the_change_makes_stale_unless_that_is_kept(
    written: Written, change: str
) -> None:
    written.run(written.flow(*CODE), day(1), {"a": "S", "b": "S", "c": "F"}, RunState.FAILED)
    flow = written.flow(*CHANGES[change])
    assert "b" in {key.task_id for key in asked(written, flow).again}
    assert [key.task_id for key in asked(written, flow, keep_stale=True).again] == ["c"]


def test_what_a_person_starts_again_runs_the_notebook_as_saved(written: Written) -> None:
    run = written.run(written.flow(*CODE), day(1), ALL, RunState.SUCCESS)
    now = written.flow(*CODE[:2], "%%task c --after a\n4", "%%task d\n5")
    ((open_run, event),) = told(written, "clear", cleared("n", {TaskKey(run, "c"): "named"})).runs
    assert open_run.flow.version == now.version
    assert set(event.plan.tasks) == {"a", "b", "c", "d"}


# Relative start dates


def test_a_relative_start_date_is_pinned_when_the_dag_is_first_registered(written: Written) -> None:
    flow = written.flow("%%dag n\nstart_date = '14 days ago'\nschedule = '@daily'", *CODE)
    path = find_home(written.folder).root.parent / "n.ipynb"
    register(written.state, read_workflow(path), [])
    record = written.state.dag("n")
    assert record is not None
    assert record.start_date is not None
    age = datetime.now(UTC) - record.start_date
    assert timedelta(days=14) <= age < timedelta(days=15, minutes=1)
    earlier = replace(record, start_date=record.start_date - timedelta(days=99))
    assert dated(flow, earlier).dag.start_date == earlier.start_date, (
        "what it meant then, not what it means now"
    )
    register(written.state, read_workflow(path, earlier), [])
    again = written.state.dag("n")
    assert again is not None
    assert again.start_date == record.start_date, "registered again it stays"


def test_runs_that_are_recorded_have_their_moves_with_time_and_reason(written: Written) -> None:
    run = written.run(written.flow(*CODE), day(1), {"a": "S", "b": "F", "c": "S"}, RunState.FAILED)
    moves = written.state.transitions(run)
    assert [(str(one.new), one.reason) for one in moves] == [
        ("running", "room"),
        ("success", "said"),
        ("failed", "said"),
        ("success", "said"),
        ("failed", "done"),
    ]
    assert all(one.at >= AT for one in moves)
    later = AT + timedelta(hours=1)
    with written.state.writing():
        written.state.record(
            [RunMove(at=later, run=run, old=RunState.FAILED, new=RunState.QUEUED, reason="goes on")]
        )
    assert (written.state.transitions(run)[-1].at, written.state.transitions(run)[-1].reason) == (
        later,
        "goes on",
    )
