"""What commands come to: which runs are opened, what the machine is told, what is answered."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from service.conftest import CODE, day
from service.test_choosing import commit

from nbflow.errors import NbflowError
from nbflow.model.messages import Cleared, Marked, PauseSet, PoolsSet, RunMarked
from nbflow.model.record import PoolRecord
from nbflow.model.run import TaskKey
from nbflow.model.state import RunState, TaskState
from nbflow.service.bodies import cleared, marked, paused, run_marked, triggered
from nbflow.service.orders import Orders
from nbflow.store.xcom import XComStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.conftest import Written

    from nbflow.model.run import RunKey
    from nbflow.service.orders import Order

SUCCEEDED = {"a": "S", "b": "S", "c": "S"}


def told(
    written: Written, verb: str, body: dict[str, Any], *, is_open: Callable[[RunKey], bool] = lambda _: False
) -> Order:
    """What a command comes to that has gone through the store, as JSON."""
    return Orders(written.state).read(verb, json.loads(json.dumps(body)), is_open=is_open)


def test_what_is_cleared_in_a_run_that_is_over_opens_it_with_the_notebook_as_saved(written: Written) -> None:
    before = written.flow(*CODE)
    run = written.run(before, day(1), SUCCEEDED, RunState.SUCCESS)
    now = written.flow(*CODE[:2], "%%task c --after a\n4")
    order = told(written, "clear", cleared("n", {TaskKey(run, "c"): "named"}))
    ((open_run, event),) = order.runs
    assert (event.run, event.state, event.again) == (run, RunState.SUCCESS, {TaskKey(run, "c"): "named"})
    assert open_run.flow.version == now.version != before.version
    assert not order.events


def test_what_is_cleared_in_a_run_under_way_is_the_machines_business(written: Written) -> None:
    run = written.run(written.flow(*CODE), day(1), SUCCEEDED, RunState.RUNNING)
    body = cleared("n", {TaskKey(run, "c"): "named"})
    order = told(written, "clear", body, is_open=lambda _: True)
    (event,) = order.events
    assert isinstance(event, Cleared)
    assert (event.run, event.tasks, order.runs) == (run, {TaskKey(run, "c"): "named"}, [])
    with pytest.raises(NbflowError, match=r"is under way.*Leave --no-run out"):
        told(written, "clear", {**body, "run": False}, is_open=lambda _: True)


def test_whoever_holds_the_values_adds_what_the_code_now_needs(written: Written) -> None:
    run = written.run(written.flow(*CODE), day(1), SUCCEEDED, RunState.SUCCESS)
    commit(written, run, day(1), "a", "x")
    written.flow("%%task a\nx = 1\nz = 2", "%%task b\ny = x + z", CODE[2])
    body = cleared("n", {TaskKey(run, "b"): "named"})
    with XComStore.open(written.folder / ".nbflow") as xcoms:
        order = Orders(written.state, xcoms).read("clear", body, is_open=lambda _: False)
    ((_, event),) = order.runs
    assert {key.task_id: reason for key, reason in event.again.items()} == {
        "a": "`b` needs `z` now, which its latest try did not hand on",
        "b": "named",
    }


def test_what_is_cleared_without_a_run_lies_ready(written: Written) -> None:
    run = written.run(written.flow(*CODE), day(1), SUCCEEDED, RunState.SUCCESS)
    order = told(written, "clear", cleared("n", {TaskKey(run, "c"): "named"}, run=False))
    assert (order.runs, order.events) == ((), ())
    states = {one.key.task_id: one.state.value for one in written.state.instances(run)}
    assert states == {"a": "success", "b": "success", "c": "none"}
    record = written.state.run(run)
    assert record is not None
    assert record.state is RunState.QUEUED


def test_a_run_that_is_over_is_held_until_it_is_marked(written: Written) -> None:
    run = written.run(written.flow(*CODE), day(1), {"a": "F", "b": "U", "c": "U"}, RunState.FAILED)
    order = told(written, "mark", marked("n", [TaskKey(run, "a")], TaskState.SUCCESS, "marked success"))
    assert [type(event) for event in order.before] == [PauseSet]
    event, release = order.events
    assert isinstance(event, Marked)
    assert (event.tasks, event.reason) == ({TaskKey(run, "a"): TaskState.SUCCESS}, "marked success")
    assert isinstance(release, PauseSet)
    assert not release.paused
    assert [opening[1].run for opening in order.runs] == [run]


def test_a_whole_run_is_marked(written: Written) -> None:
    run = written.run(written.flow(*CODE), day(1), SUCCEEDED, RunState.RUNNING)
    body = run_marked([run], RunState.FAILED, "marked failed")
    (event,) = told(written, "mark", body, is_open=lambda _: True).events
    assert isinstance(event, RunMarked)
    assert (event.run, event.state) == (run, RunState.FAILED)


@pytest.mark.parametrize(
    ("states", "run_state", "again", "standing", "opens"),
    [
        (None, None, True, "new", True),
        (SUCCEEDED, RunState.SUCCESS, True, "done", False),
        ({"a": "F", "b": "U", "c": "U"}, RunState.FAILED, True, "continues", True),
        ({"a": "F", "b": "U", "c": "U"}, RunState.FAILED, False, "done", False),
    ],
    ids=["new", "succeeded", "failed", "failed and not asked to go on"],
)
def test_a_trigger_finds_the_run_of_its_date(
    written: Written,
    states: dict[str, str] | None,
    run_state: RunState | None,
    *,
    again: bool,
    standing: str,
    opens: bool,
) -> None:
    flow = written.flow("%%dag n\nschedule = '@daily'", *CODE)
    if states is not None and run_state is not None:
        written.run(flow, day(1), states, run_state)
    body = triggered("n", day(1).start, {}, again=again, path=flow.path)
    order = told(written, "trigger", body)
    assert (order.answer["standing"], order.answer["label"]) == (standing, "2026-01-01")
    assert bool(order.runs) is opens


def test_a_trigger_of_a_run_under_way_leaves_it_alone(written: Written) -> None:
    flow = written.flow("%%dag n\nschedule = '@daily'", *CODE)
    written.run(flow, day(1), {"a": "S", "b": ".", "c": "."}, RunState.RUNNING)
    order = told(written, "trigger", triggered("n", day(1).start, {}, again=True), is_open=lambda _: True)
    assert (order.answer["standing"], order.runs) == ("open", ())


def test_a_task_may_trigger_a_date_on_which_nothing_starts(written: Written) -> None:
    flow = written.flow("%%dag n\nschedule = '@daily'", *CODE)
    at = day(1, hours=5).end
    order = told(written, "trigger", triggered("n", at, {}, again=True, path=flow.path))
    ((open_run, _),) = order.runs
    assert (open_run.interval.start, open_run.interval.end) == (at, at)


def test_what_is_paused_is_not_triggered(written: Written) -> None:
    flow = written.flow("%%dag n\nschedule = '@daily'", *CODE)
    order = told(written, "pause", paused("n", paused=True, path=flow.path))
    (event,) = order.events
    assert isinstance(event, PauseSet)
    assert (event.dag_id, event.paused) == ("n", True)
    with pytest.raises(NbflowError, match=r"n is paused: .*nbflow unpause n"):
        told(written, "trigger", triggered("n", day(1).start, {}, again=True))


def test_pools_are_told_as_they_are(written: Written) -> None:
    written.state.settings.set_pool(PoolRecord(name="db", slots=2))
    (event,) = told(written, "pools", {}).events
    assert isinstance(event, PoolsSet)
    assert event.pools == {"default_pool": 128, "db": 2}


def test_what_cannot_be_done_says_why(written: Written) -> None:
    with pytest.raises(NbflowError, match=r"knows no DAG 'x'; run its notebook once"):
        told(written, "trigger", triggered("x", day(1).start, {}, again=True))
    flow = written.flow(*CODE)
    written.run(flow, day(1), SUCCEEDED, RunState.SUCCESS)
    written.flow("%%dag other", *CODE)
    with pytest.raises(NbflowError, match=r"n\.ipynb, now holds the DAG 'other'"):
        told(written, "trigger", triggered("n", day(1).start, {}, again=True))
    with pytest.raises(NbflowError, match=r"doesn't know the command 'fly'"):
        told(written, "fly", {})


def test_a_run_knows_the_one_before_it_and_how_many_failed(written: Written) -> None:
    flow = written.flow(
        "%%dag n\nmax_consecutive_failed_runs = 9", "%%task a --depends-on-past\nx = 1", *CODE[1:]
    )
    for number in (1, 2):
        written.run(flow, day(number), {"a": "F", "b": "U", "c": "U"}, RunState.FAILED, backfill=True)
    run = written.run(flow, day(3), SUCCEEDED, RunState.SUCCESS, backfill=True)
    ((_, event),) = told(written, "clear", cleared("n", {TaskKey(run, "a"): ""})).runs
    assert event.failed_before == 2
    assert event.prior is not None
    assert (event.prior.logical_date, event.prior.states["a"]) == (day(2).start, TaskState.FAILED)
    before = event.prior.run
    is_open = lambda key: key == before  # noqa: E731
    ((_, event),) = told(written, "clear", cleared("n", {TaskKey(run, "a"): ""}), is_open=is_open).runs
    assert event.prior is None, "the machine knows it better"
