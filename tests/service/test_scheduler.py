"""The loop, with real stores: what goes wrong in one run stays there, and everything is told once."""

from __future__ import annotations

import json
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from threading import Thread, Timer
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from service.conftest import AT, day
from service.fakes import FakeExecutor

from nbflow.codec import decode, encode
from nbflow.errors import HomeError
from nbflow.execute.local import Finished
from nbflow.model.messages import Move
from nbflow.model.run import RunKey, RunType, TaskKey
from nbflow.model.state import RunState, TaskState
from nbflow.model.work import STAGING_FOLDER, Result
from nbflow.model.xcom import RETURN_VALUE, Form, XComValue, item_key
from nbflow.parse.flow import flow_of
from nbflow.service.open_run import openings, register
from nbflow.service.orders import Orders
from nbflow.service.scheduler import Scheduler
from nbflow.service.session import owned_home
from nbflow.service.submit import submissions
from nbflow.service.workflow import Workflow
from nbflow.store.home import Home
from nbflow.store.notebooks import without_outputs
from nbflow.store.state import StateStore
from nbflow.store.xcom import XComStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nbflow.model.work import TaskRequest
    from nbflow.service.scheduler import Moves
    from nbflow.service.submit import Submission


@dataclass
class Stage:
    """A scheduler over real stores and a fake executor."""

    scheduler: Scheduler
    state: StateStore
    xcoms: XComStore
    home: Home
    executor: FakeExecutor
    moves: list[Any] = field(default_factory=list)

    def submitted(self, *cells: str, runs: int = 1) -> tuple[Workflow, list[Submission]]:
        """Daily runs of a notebook of these cells, in the store."""
        notebook = without_outputs(new_notebook(cells=[new_code_cell(cell) for cell in cells]))
        flow = flow_of(notebook, str(self.home.project / "n.ipynb"))
        intervals = [day(number) for number in range(1, runs + 1)]
        todo = submissions(flow, intervals, self.state, run_type=RunType.BACKFILL, params={})
        workflow = Workflow(flow=flow, notebook=notebook, cwd=self.home.project)
        register(self.state, workflow, todo)
        return workflow, todo

    def open(self, *cells: str, runs: int = 1) -> list[RunKey]:
        """Open daily runs of a notebook of these cells."""
        workflow, todo = self.submitted(*cells, runs=runs)
        self.scheduler.open(openings(self.state, workflow, todo))
        return [one.key for one in todo]

    def states(self, run: RunKey) -> dict[str, TaskState]:
        return {one.key.task_id: one.state for one in self.state.instances(run) if one.key.map_index < 0}

    def reasons(self, run: RunKey) -> dict[str, str]:
        return {record.key.task_id: record.reason for record in self.state.instances(run)}

    def run_state(self, run: RunKey) -> RunState:
        record = self.state.run(run)
        assert record is not None
        return record.state


@contextmanager
def stage(folder: Path, executor: FakeExecutor) -> Iterator[Stage]:
    home = Home(folder / ".nbflow", folder)
    moves: list[Any] = []

    def note(told: Moves) -> None:
        moves.extend(told)

    with owned_home(home, what="pytest") as state, XComStore.open(home.root) as xcoms:
        scheduler = Scheduler(
            home,
            state,
            xcoms,
            executor,  # type: ignore[arg-type]
            parallelism=4,
            exchange=None,
            listener=note,
            orders=Orders(state),
        )
        with closing(scheduler):
            yield Stage(scheduler, state, xcoms, home, executor, moves)


def outcome_of(executor: FakeExecutor) -> Finished:
    """The next `Finished` the executor reports; what comes before it is passed over."""
    while not isinstance(message := executor.events.get(timeout=30), Finished):
        pass
    return message


def test_a_try_that_ends_while_a_stop_is_asked_for_counts_as_it_ended(tmp_path: Path) -> None:
    with stage(tmp_path, FakeExecutor()) as s:
        (run,) = s.open("%%task a\n1", "%%task b\n2")
        # Both lie in the inbox when the scheduler next looks: the stop, and then the outcome.
        finished = outcome_of(s.executor)
        s.scheduler.ask_to_stop("stopped by Ctrl-C")
        s.scheduler._turns._courier.deliver(finished.outcome)
        s.scheduler._turns._courier.close()
        s.scheduler.run_until_idle()
        assert s.states(run) == {"a": TaskState.SUCCESS, "b": TaskState.NONE}
        assert s.run_state(run) is RunState.QUEUED


def test_a_stop_ends_what_runs_and_the_notebook_shows_how(tmp_path: Path) -> None:
    with stage(tmp_path, FakeExecutor(does=lambda _: None)) as s:
        (run,) = s.open("%%task a --after none\n1", "%%task b --after none\n2")
        s.scheduler.ask_to_stop("stopped by Ctrl-C")
        s.scheduler.run_until_idle()
        assert s.states(run) == {"a": TaskState.NONE, "b": TaskState.NONE}
        assert set(s.reasons(run).values()) == {"stopped by Ctrl-C"}
    executed = nbformat.read(s.home.run_notebook("n", "2026-01-01"), as_version=4)
    shown = [cell.outputs[0].text for cell in executed.cells if cell.outputs]
    assert shown == ["a stopped", "b stopped"]


def test_a_second_stop_closes_the_executor_and_what_was_to_begin_stays_undone(tmp_path: Path) -> None:
    executor = FakeExecutor(closed=True)
    with stage(tmp_path, executor) as s:
        (run,) = s.open("%%task a\n1")
        s.scheduler.ask_to_stop("stopped by Ctrl-C")
        s.scheduler.ask_to_stop("stopped by Ctrl-C")
        s.scheduler.run_until_idle()
        assert s.states(run) == {"a": TaskState.NONE}


def test_an_executor_that_takes_no_more_fails_the_task_and_skips_nothing(tmp_path: Path) -> None:
    with stage(tmp_path, FakeExecutor(closed=True)) as s:
        (run,) = s.open("%%task a\n1")
        s.scheduler.run_until_idle()
        assert s.states(run) == {"a": TaskState.FAILED}
        assert s.reasons(run)["a"] == "lost 4 times, last: the executor is closed"


def test_runs_whose_notebook_cannot_be_written_end_all_the_same_and_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "nbflow-runs").write_text("in the way")
    with stage(tmp_path, FakeExecutor()) as s:
        runs = s.open("%%task a\n1", runs=2)
        s.scheduler.run_until_idle()
        assert [s.run_state(run) for run in runs] == [RunState.SUCCESS] * 2
        with pytest.raises(HomeError, match=r"2026-01-01 could not be written(?s:.+)2026-01-02 could not be"):
            s.scheduler.close()


def missing_file(request: TaskRequest) -> tuple[XComValue, ...]:
    """A value whose file is gone by the time it is stored, from the first run only."""
    if request.key.run.run_id > "2026-01-02":
        return ()
    return (XComValue(key="x", form=Form.PICKLE, kind="set", path=request.folder / "gone"),)


def test_values_that_cannot_be_stored_fail_their_own_task_only(tmp_path: Path) -> None:
    with stage(tmp_path, FakeExecutor(hands_on=missing_file)) as s:
        bad, good = s.open("%%task a\nx = {1}", "%%task b\nx", runs=2)
        s.scheduler.run_until_idle()
        assert s.states(bad) == {"a": TaskState.FAILED, "b": TaskState.UPSTREAM_FAILED}
        assert s.reasons(bad)["a"].startswith("its values could not be stored: ")
        assert s.run_state(good) is RunState.SUCCESS


def test_a_store_that_refuses_to_work_fails_tasks_with_its_reason(tmp_path: Path) -> None:
    with stage(tmp_path, FakeExecutor()) as s:
        s.xcoms.close()
        (run,) = s.open("%%task a\n1")
        s.scheduler.run_until_idle()
        assert s.states(run) == {"a": TaskState.FAILED}
        assert "DuckDB cannot use the XCom file" in s.reasons(run)["a"]


def test_a_folder_that_cannot_be_made_fails_its_try(tmp_path: Path) -> None:
    with stage(tmp_path, FakeExecutor()) as s:
        (s.home.root / "tries" / "n").write_text("in the way")
        (run,) = s.open("%%task a\n1")
        s.scheduler.run_until_idle()
        assert s.states(run) == {"a": TaskState.FAILED}
        assert s.reasons(run)["a"].startswith("its inputs could not be read: ")


def test_each_run_knows_the_latest_success_before_it_when_its_tasks_start(tmp_path: Path) -> None:
    fails = lambda request: Result.FAIL if "01-02" in request.key.run.run_id else Result.SUCCESS  # noqa: E731
    with stage(tmp_path, FakeExecutor(does=fails)) as s:
        s.open("%%dag n\nmax_active_runs = 1", "%%task a\n1", runs=3)
        s.scheduler.run_until_idle()
        before = [request.previous_success for request in s.executor.requests]
    assert [None if interval is None else interval.start.day for interval in before] == [None, 1, 1]


def test_a_start_is_stored_while_its_try_goes_on(tmp_path: Path) -> None:
    seen: list[str] = []
    with stage(tmp_path, FakeExecutor(does=lambda _: None)) as s:
        (run,) = s.open("%%task a\n1")

        def look() -> None:
            with StateStore(s.home.state) as state:
                seen.extend(record.state.value for record in state.instances(run))
            s.executor.end(s.executor.requests[0], Result.SUCCESS)

        timer = Timer(0.3, look)
        timer.start()
        s.scheduler.run_until_idle()
        timer.join()
        assert seen == ["running"]
        assert s.states(run) == {"a": TaskState.SUCCESS}


def pickled(request: TaskRequest) -> tuple[XComValue, ...]:
    """What the task of the chain hands on: its inputs and itself, in a file."""
    before = [decode(value, namespace={}) for value in request.inputs.values()]
    staging = request.folder / STAGING_FOLDER
    staging.mkdir()
    value = frozenset({request.key.task_id}.union(*before))
    return (encode(f"x{request.key.task_id}", value, folder=staging, shared={}),)


def test_files_go_from_task_to_task_and_none_stays(tmp_path: Path) -> None:
    with stage(tmp_path, FakeExecutor(hands_on=pickled)) as s:
        runs = s.open("%%task a\nxa = 1", "%%task b\nxb = xa", "%%task c\nxc = xb", "%%task d\nxc", runs=2)
        s.scheduler.run_until_idle()
        assert [s.run_state(run) for run in runs] == [RunState.SUCCESS] * 2
        for run in runs:
            value = s.xcoms.get(TaskKey(run, "c"), "xc", folder=tmp_path)
            assert value is not None
            assert decode(value, namespace={}) == {"a", "b", "c"}
        s.scheduler.close()
    assert list((s.home.root).rglob("*.pickle")) == []
    assert not s.home.handed.exists()


def number(_: TaskRequest) -> tuple[XComValue, ...]:
    return (XComValue(key="x", form=Form.JSON, kind="int", text="4", size=1),)


def test_when_a_run_is_over_its_values_can_be_queried(tmp_path: Path) -> None:
    with stage(tmp_path, FakeExecutor(hands_on=number)) as s:
        s.open("%%task a\nx = 4", "%%task b\nx", runs=3)
        s.scheduler.run_until_idle()
        s.scheduler.close()
        query = "SELECT sum(value::INTEGER) FROM n.a__x UNION ALL SELECT sum(value::INTEGER) FROM n.b__x"
        assert s.xcoms._connection.execute(query).fetchall() == [(12,), (12,)]


def test_every_move_is_told_after_it_is_stored_and_once(tmp_path: Path) -> None:
    with stage(tmp_path, FakeExecutor()) as s:
        (run,) = s.open("%%task a\n1", "%%task b\n2")
        s.scheduler.run_until_idle()
        told = [(move.key.task_id, move.new.value) for move in s.moves if isinstance(move, Move)]
        stored = [(move.task_id, move.new) for move in s.state.transitions(run) if move.task_id]
        assert told == stored
        assert len(set(told)) == len(told) == 8


def test_each_look_of_a_sensor_is_the_same_try_in_a_folder_emptied_for_it(tmp_path: Path) -> None:
    looks: list[list[str]] = []

    def waits(request: TaskRequest) -> Result:
        looks.append([path.name for path in request.folder.iterdir()])
        (request.folder / "left").touch()
        return Result.SUCCESS if len(looks) == 3 else Result.WAITING

    cell = "%%task.sensor wait --mode reschedule --poke-interval 10ms\nFalse"
    with stage(tmp_path, FakeExecutor(does=waits)) as s:
        (run,) = s.open(cell)
        s.scheduler.run_until_idle()
        assert s.run_state(run) is RunState.SUCCESS
        (tried,) = s.state.tries(TaskKey(run, "wait"))
        (instance,) = s.state.instances(run)
    assert looks == [[], [], []]
    assert (tried.try_number, tried.result, instance.looks) == (1, "success", 3)
    assert len({request.token for request in s.executor.requests}) == 3
    assert TaskState.UP_FOR_RESCHEDULE in [move.new for move in s.moves if isinstance(move, Move)]


def items(request: TaskRequest) -> tuple[XComValue, ...]:
    """The items of the mapped task: 0, 1, 2; its instances give ten times theirs."""
    if request.key.task_id != "square":
        return ()
    if request.item is None:
        return tuple(json_value(item_key(n), {"n": n}) for n in range(3))
    return (json_value(RETURN_VALUE, 10 * decode(request.item, namespace={})["n"]),)


def json_value(key: str, value: object) -> XComValue:
    text = json.dumps(value)
    return XComValue(key=key, form=Form.JSON, kind=type(value).__name__, text=text, size=len(text))


def labels(request: TaskRequest) -> dict[str, Any]:
    return (
        {"items": ("n=0", "n=1", "n=2")} if request.key.task_id == "square" and request.item is None else {}
    )


MAPPED = ('%%task square --map "n in range(3)" --collect squares\n10 * n', "%%task total\nsum(squares)")


def test_a_mapped_task_hands_each_instance_its_item_and_the_next_their_values(tmp_path: Path) -> None:
    with stage(tmp_path, FakeExecutor(hands_on=items, tells=labels)) as s:
        (run,) = s.open(*MAPPED)
        s.scheduler.run_until_idle()
        assert s.run_state(run) is RunState.SUCCESS
        found = [(one.key.task_id, one.key.map_index, one.label, one.items) for one in s.state.instances(run)]
        assert found == [
            ("square", -1, "", 3),
            ("square", 0, "n=0", None),
            ("square", 1, "n=1", None),
            ("square", 2, "n=2", None),
            ("total", -1, "", None),
        ]
        (total,) = (request for request in s.executor.requests if request.key.task_id == "total")
        assert [decode(value, namespace={}) for value in total.collected["squares"]] == [0, 10, 20]
        assert "squares" not in total.inputs


def test_an_instance_that_failed_runs_again_alone_from_the_items_in_the_store(tmp_path: Path) -> None:
    fails = lambda request: Result.FAIL if request.key.map_index == 1 else Result.SUCCESS  # noqa: E731
    with stage(tmp_path, FakeExecutor(does=fails, hands_on=items, tells=labels)) as s:
        (run,) = s.open(*MAPPED)
        s.scheduler.run_until_idle()
        assert s.states(run) == {"square": TaskState.FAILED, "total": TaskState.UPSTREAM_FAILED}
    again = FakeExecutor(hands_on=items, tells=labels)
    with stage(tmp_path, again) as s:
        s.open(*MAPPED)
        s.scheduler.run_until_idle()
        assert s.run_state(run) is RunState.SUCCESS
    tries = [(request.key.task_id, request.key.map_index) for request in again.requests]
    assert tries == [("square", 1), ("total", -1)]
    assert [decode(v, namespace={}) for v in again.requests[-1].collected["squares"]] == [0, 10, 20]


def test_what_a_branch_did_not_choose_is_skipped(tmp_path: Path) -> None:
    chooses = lambda request: {"follow": ("b",)} if request.key.task_id == "choose" else {}  # noqa: E731
    with stage(tmp_path, FakeExecutor(tells=chooses)) as s:
        (run,) = s.open(
            "%%task.branch choose\n'b'", "%%task a --after choose\n1", "%%task b --after choose\n2"
        )
        s.scheduler.run_until_idle()
        assert s.states(run) == {
            "choose": TaskState.SUCCESS,
            "a": TaskState.SKIPPED,
            "b": TaskState.SUCCESS,
        }
        assert s.state.instances(run)[0].follow == ("b",)


def test_a_run_of_a_paused_dag_sleeps_and_says_why(tmp_path: Path) -> None:
    with stage(tmp_path, FakeExecutor()) as s:
        (run,) = s.open("%%dag n\nis_paused_upon_creation = true", "%%task a\n1")
        s.scheduler.run_until_idle()
        record = s.state.run(run)
        assert record is not None
        assert (record.state, record.reason) == (RunState.QUEUED, "n is paused")
        assert s.executor.requests == []
        assert s.scheduler.obey("pause", {"dag_id": "n", "paused": False, "path": ""}) == {}


def test_commands_of_other_processes_are_obeyed_while_it_works(tmp_path: Path) -> None:
    executor = FakeExecutor(does=lambda _: None)
    with stage(tmp_path, executor) as s, StateStore(s.home.state) as other:
        s.open("%%task a\n1")
        number = other.commands.add("pause", {"dag_id": "n", "paused": True, "path": ""}, AT)
        unknown = other.commands.add("fly", {}, AT)

        def end_when_answered() -> None:
            while other.commands.answer_to(unknown) is None:
                time.sleep(0.01)
            executor.end(executor.requests[0], Result.SUCCESS)

        thread = Thread(target=end_when_answered)
        thread.start()
        s.scheduler.run_until_idle()
        thread.join()
        assert other.commands.answer_to(number) == {}
        assert "doesn't know the command 'fly'" in str(other.commands.answer_to(unknown))
        known = other.dag("n")
        assert known is not None
        assert known.paused


def test_a_command_that_cannot_be_read_is_answered_and_harms_nothing(tmp_path: Path) -> None:
    with stage(tmp_path, FakeExecutor()) as s:
        (run,) = s.open("%%task a\n1")
        assert "can't read the command 'clear' (KeyError('tasks'))" in str(
            s.scheduler.obey("clear", {})["error"]
        )
        s.scheduler.run_until_idle()
        assert s.run_state(run) is RunState.SUCCESS


def test_a_session_that_is_ending_leaves_commands_to_those_who_gave_them(tmp_path: Path) -> None:
    with stage(tmp_path, FakeExecutor(does=lambda _: None)) as s, StateStore(s.home.state) as other:
        s.open("%%task a\n1")
        s.scheduler.ask_to_stop("stopped by Ctrl-C")
        s.scheduler._work(None)
        number = other.commands.add("pools", {}, AT)
        s.scheduler.run_until_idle()
        assert other.commands.answer_to(number) is None


def test_callbacks_are_told_and_one_that_fails_harms_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cells = (
        '%%dag n\non_failure_callback = "tell"',
        "def tell(context): ...",
        "%%task a --on-failure-callback tell --on-success-callback tell\n1",
        "%%task b --on-success-callback tell --after none\n1",
    )
    fails = lambda request: Result.FAIL if request.key.task_id == "a" or request.callback else Result.SUCCESS  # noqa: E731
    with stage(tmp_path, FakeExecutor(does=fails)) as s:
        (run,) = s.open(*cells)
        s.scheduler.run_until_idle()
        assert s.states(run) == {"a": TaskState.FAILED, "b": TaskState.SUCCESS}
    told = [(r.key.task_id, r.callback.event, r.callback.state) for r in s.executor.requests if r.callback]
    assert sorted(told) == [
        ("", "on_failure_callback", "failed"),
        ("a", "on_failure_callback", "failed"),
        ("b", "on_success_callback", "success"),
    ]
    assert len(caplog.messages) == 3
    assert "on_failure_callback `tell` of n" in caplog.text
